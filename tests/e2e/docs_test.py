"""What is written about the programs is what they do: man pages, completion, reference, install."""
import pathlib
import re
import subprocess

import pytest
import yaml

import nexflow
import terminal

DOCS = nexflow.TOP / "docs"
BUILD = pathlib.Path(nexflow.BIN).parent
OPTION = re.compile(r"(?<![\w-])--?[A-Za-z][a-z-]*")


def said(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60,
                          **more).stdout


def page(name):
    """A man page as text, without hyphenation."""
    r = subprocess.run(["man", "--warnings", "-l", "-E", "UTF-8", DOCS / "man" / name],
                       env={"MANWIDTH": "400", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                            "MANROFFOPT": "-rHY=0"},
                       capture_output=True, text=True, check=True)
    assert r.stderr == ""
    return re.sub(r".\x08", "", r.stdout).replace("\u2010", "-").replace("\u2212", "-")


def complete(line):
    """What bash offers at the end of a line."""
    script = (f'source {DOCS}/completion/nexflow.bash; COMP_LINE="{line}"; read -ra COMP_WORDS '
              '<<<"$COMP_LINE"; [[ $COMP_LINE = *" " ]] && COMP_WORDS+=("");'
              'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _${COMP_WORDS[0]} 2>/dev/null;'
              'printf "%s\\n" "${COMPREPLY[@]}"')
    return said("bash", "--norc", "-c", script, cwd=DOCS).split()


def verbs(text):
    """The words that follow a command in its line of use."""
    use = text.splitlines()[0].split(" ", 3)[3]
    return re.findall(r"(?:^|\| )([a-z]+)", use)


@pytest.fixture(scope="module")
def helps(tmp_path_factory):
    """Every help text: {"": of nexflow, "up": ..., "skill new": ...}."""
    p = terminal.Place(tmp_path_factory.mktemp("help"))
    texts = {"": p.run("--help").stdout, "nexflowd": p.run("--help", program="nexflowd").stdout}
    for command in terminal.commands(texts[""]):
        texts[command] = p.run(command, "--help").stdout
        for verb in verbs(texts[command]):
            text = p.run(command, verb, "--help").stdout
            if text.startswith(f"Usage: nexflow {command} {verb}"):
                texts[f"{command} {verb}"] = text
    return texts


@pytest.fixture(scope="module")
def commands(helps):
    return terminal.commands(helps[""])


@pytest.mark.parametrize("name", ["nexflow.1", "nexflowd.8", "nexflow.yaml.5"])
def test_man_pages_have_no_warnings(name):
    text = page(name)
    for heading in ("NAME", "DESCRIPTION", "SEE ALSO"):
        assert f"\n{heading}\n" in text


def test_man_pages_name_every_command_verb_and_option(helps, commands):
    text = page("nexflow.1")
    for command in commands:
        assert f"nexflow {command}" in text
        for verb in verbs(helps[command]):
            assert f"nexflow {command} {verb}" in text
    for name in set(helps) - {"nexflowd"}:
        for option in OPTION.findall(helps[name]):
            assert option in text, (name, option)
    daemon = page("nexflowd.8")
    for option in OPTION.findall(helps["nexflowd"]):
        assert option in daemon, option
    groups = re.findall(r"^## ([a-z]+)$", (DOCS / "configuration.md").read_text(encoding="utf-8"),
                        re.M)
    format_page = page("nexflow.yaml.5")
    assert len(groups) >= 6
    for group in groups:
        assert group in format_page


def test_the_example_of_the_man_page_is_right(tmp_path):
    source = (DOCS / "man/nexflow.yaml.5").read_text(encoding="utf-8")
    example = source.split(".nf\n")[1].split(".fi\n")[0]
    assert yaml.safe_load(example)
    (tmp_path / "n.yaml").write_text(example, encoding="utf-8")
    p = terminal.Place(tmp_path, ANTHROPIC_API_KEY="sk-x")
    result = p.run("--config", "n.yaml", "config", "check")
    assert result.returncode == 0, result.stderr


def test_the_reference_is_current(tmp_path):
    result = terminal.Place(tmp_path).run("config", "reference")
    assert result.returncode == 0
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == result.stdout, \
        "renew it: build/release/bin/nexflow config reference >docs/configuration.md"


def settings():
    """{group: its keys} of the reference; what is a list ends with []."""
    groups, keys = {}, set()
    for line in (DOCS / "configuration.md").read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"##+ ([a-z.\[\]]+)$", line):
            keys = groups.setdefault(heading[1], set())
        elif row := re.match(r"\| `([a-z_]+)` \|", line):
            keys.add(row[1])
    return groups


def test_settings_that_are_named_exist():
    groups = settings()
    assert len(groups) > 15 and "listen" in groups["server"] and "type" in groups["llm.providers[]"]
    # events, a manifest's
    no_settings = {"database.failed", "redis.lost", "redis.store", "schedules.failed", "limits.http_kib"}
    for path in [nexflow.TOP / "README.md", *DOCS.glob("*.md"), *DOCS.glob("howto/*.md")]:
        for group, key in re.findall(r"`([a-z]+)\.([a-z_]+)[^`]*`", path.read_text(encoding="utf-8")):
            if group in groups and key != "h" and f"{group}.{key}" not in no_settings:
                assert key in groups[group] or f"{group}.{key}[]" in groups, \
                    f"{path.name}: there is no setting {group}.{key}"


def test_completion_offers_what_help_lists(helps, commands):
    assert set(complete("nexflow ")) == set(commands) | {"--config", "--version", "--help"}
    assert complete("nexflow do") == ["doctor"]
    assert complete("nexflow --config man/nexflow.1 li") == ["link"]
    assert complete("nexflow -c api") == ["api.md"]
    assert complete("nexflow backup verify api") == ["api.md"]
    assert set(complete("nexflowd --")) == {o for o in OPTION.findall(helps["nexflowd"])
                                            if o.startswith("--")}
    for command in commands:
        offered = set(complete(f"nexflow {command} "))
        for verb in verbs(helps[command]):
            assert verb in offered, (command, verb)
            assert complete(f"nexflow -c x {command} {verb}") == [verb]
        everywhere = offered.union(*(complete(f"nexflow {command} {verb} {begin}")
                                     for verb in verbs(helps[command]) for begin in ("", "-")))
        uses = [helps[name].split("\n\n")[0] for name in helps if name.split(" ")[0] == command]
        for option in OPTION.findall(" ".join(uses)):
            assert option in everywhere, (command, option)


def test_completion_knows_statuses_and_roles(tmp_path, helps):
    statuses = complete("nexflow task list --status ")
    for status in statuses:
        assert status in helps["task"]
    assert len(statuses) == 7
    assert complete("nexflow task list --status comp") == ["completed"]
    assert complete("nexflow user add Somebody a") == ["admin"]
    assert complete("nexflow user role 06xszy9fc0000 ") == ["owner", "admin", "user"]
    assert complete("nexflow chat --session ") == []


def test_it_installs(tmp_path):
    if not (BUILD / "cmake_install.cmake").exists():
        pytest.skip("the programs do not come from a build directory")
    said("cmake", "--install", BUILD, "--prefix", tmp_path / "usr")
    files = {str(f.relative_to(tmp_path / "usr")) for f in (tmp_path / "usr").rglob("*")
             if f.is_file()}
    for name in ("bin/nexflow", "bin/nexflowd", "share/man/man1/nexflow.1",
                 "share/man/man5/nexflow.yaml.5", "share/man/man8/nexflowd.8",
                 "share/bash-completion/completions/nexflow",
                 "share/bash-completion/completions/nexflowd", "share/doc/nexflow/quickstart.md",
                 "share/doc/nexflow/skills.md", "bin/nexflow-skill", "include/nexflow/skill.h",
                 "share/nexflow/skill.schema.json", "lib/nexflow/skills/calc/skill.json",
                 "lib/nexflow/skills/calc/calc.so"):
        assert name in files, files
    assert said(tmp_path / "usr/bin/nexflowd", "--version").startswith("nexflowd ")
    assert said(tmp_path / "usr/bin/nexflow", "--version").startswith("nexflow ")


# --- the tree ------------------------------------------------------------------------------------


def tracked():
    """Every file of the tree, from its top."""
    return said("git", "ls-files", cwd=nexflow.TOP).splitlines()


def code_map():
    """{directories of a row: the row}"""
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+`) \|(.*)$", text, re.M)
    return {directory: row for first, row in rows for directory in re.findall(r"`([^`]+)`", first)}


def test_the_code_map_has_every_directory():
    """And of some every member, by name."""
    table = code_map()
    directories = {str(parent) for f in tracked() for parent in pathlib.Path(f).parents} - {"."}
    for directory in directories:
        top = directory.split("/")[0]
        if top not in (".ci", ".github", "docs") and directory not in ("internal", "channels", "internal/cache"):
            assert any(f"{directory}/".startswith(f"{d}/") for d in table), directory
    for top, members in (("cmd", directories), ("tests", directories), ("script", tracked())):
        for member in {m.split("/")[1] for m in members if m.startswith(f"{top}/")}:
            assert re.search(rf"(?<![\w-]){member}(?![\w-])", table[top]), f"{top}/{member}"


def test_what_the_code_map_names_exists():
    files = [f"/{f}" for f in tracked()]
    text = (DOCS / "architecture.md").read_text(encoding="utf-8").replace("```", "")
    for directory in code_map():
        assert any(f.startswith(f"/{directory}/") for f in files), directory
    for name in re.findall(r"(?<![\w/*-])[\w/-]+\.(?:c|h|def|txt|md|sql)\b", text):
        assert any(f.endswith(f"/{name}") for f in files), name


def test_decisions_have_numbers_of_their_own_and_are_listed():
    index = (DOCS / "adr/README.md").read_text(encoding="utf-8")
    decisions = sorted((DOCS / "adr").glob("[0-9]*.md"))
    for number, file in enumerate(decisions, 1):
        heading = file.read_text(encoding="utf-8").splitlines()[0]
        assert file.name.startswith(f"{number:04}-") and heading.startswith(f"# {number}. "), file.name
        assert f"[{heading[2:]}]({file.name})" in index, file.name


def test_every_page_is_linked_and_every_link_leads_somewhere():
    pages = [nexflow.TOP / "README.md", *DOCS.rglob("*.md")]
    linked = set()
    for file in pages:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8")):
            linked.add((file.parent / target).resolve())
    for file in linked:
        assert file.exists(), file
    for file in pages[1:]:
        assert file.resolve() in linked, file
