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
COMMANDS = ["up", "chat", "doctor", "link", "task", "skill", "approval", "user", "config", "backup"]
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


@pytest.fixture(scope="module")
def helps(tmp_path_factory):
    """Every help text: {"": of nexflow, "up": ...}."""
    p = terminal.Place(tmp_path_factory.mktemp("help"))
    texts = {"": p.run("--help").stdout, "nexflowd": p.run("--help", program="nexflowd").stdout}
    for command in COMMANDS:
        texts[command] = p.run(command, "--help").stdout
    return texts


def verbs(text):
    """The words that follow a command in its line of use."""
    use = text.splitlines()[0].split(" ", 3)[3]
    return re.findall(r"(?:^|\| )([a-z]+)", use)


@pytest.mark.parametrize("name", ["nexflow.1", "nexflowd.8", "nexflow.yaml.5"])
def test_man_pages_have_no_warnings(name):
    text = page(name)
    for heading in ("NAME", "DESCRIPTION", "SEE ALSO"):
        assert f"\n{heading}\n" in text


def test_man_pages_name_every_command_verb_and_option(helps):
    text = page("nexflow.1")
    for command in COMMANDS:
        assert f"nexflow {command}" in text
        for verb in verbs(helps[command]):
            assert f"nexflow {command} {verb}" in text
        for option in OPTION.findall(helps[command]):
            assert option in text, (command, option)
    for option in OPTION.findall(helps[""]):
        assert option in text, option
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


def test_completion_offers_what_help_lists(helps):
    assert set(complete("nexflow ")) == set(COMMANDS) | {"--config", "--version", "--help"}
    assert complete("nexflow do") == ["doctor"]
    assert complete("nexflow --config man/nexflow.1 li") == ["link"]
    assert complete("nexflow -c api") == ["api.md"]
    assert complete("nexflow backup verify api") == ["api.md"]
    assert set(complete("nexflowd --")) == {o for o in OPTION.findall(helps["nexflowd"])
                                            if o.startswith("--")}
    for command in COMMANDS:
        offered = set(complete(f"nexflow {command} "))
        for verb in verbs(helps[command]):
            assert verb in offered, (command, verb)
            assert complete(f"nexflow -c x {command} {verb}") == [verb]
        everywhere = offered.union(*(complete(f"nexflow {command} {verb} {begin}")
                                     for verb in verbs(helps[command]) for begin in ("", "-")))
        use = helps[command].splitlines()[0]
        for option in OPTION.findall(use):
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
