"""`nexflow skill new`, `build` and `test`: what an author does, which needs no daemon."""
import json
import os
import shutil
import subprocess

import pytest

import nexflow
import terminal
from fake_daemon import SKILL, own_fake  # noqa: F401  fixture
from terminal import failed, ok


@pytest.fixture
def place(tmp_path):
    return terminal.Place(tmp_path)


# --- new, build


def test_a_new_skill_is_whole_and_builds(place):
    out = ok(place.run("skill", "new", "my-skill2"))
    made = place.dir / "my-skill2"
    assert sorted(f.name for f in made.iterdir()) == [".gitignore", "README.md", "my-skill2.c",
                                                      "skill.json", "tests.json"]
    assert not [f for f in made.iterdir() if "@" in f.read_text(encoding="utf-8")]
    assert json.loads((made / "skill.json").read_text(encoding="utf-8"))["name"] == "my-skill2"
    assert "nexflow skill build" in out
    built = place.run("skill", "build", "my-skill2")
    assert ok(built) == "built my-skill2/my-skill2.so\n"
    assert built.stderr == ""
    symbols = subprocess.run(["nm", "-D", "--defined-only", made / "my-skill2.so"],
                             capture_output=True, text=True, check=True).stdout
    assert [line.split()[-1] for line in symbols.splitlines()] == ["nf_skill_v1"]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/tmp/x", "a/b", "A", "1a", "a_b", "a-", "ä",
                                  "a b", "a\n", "x" * 32, ".hidden", "a.b"])
def test_what_is_no_name_makes_nothing(place, name):
    error = failed(place.run("skill", "new", name))
    assert "name" in error or "path" in error or "31" in error
    assert list(place.dir.iterdir()) == []


def test_a_name_that_is_taken_is_left_alone(place):
    (place.dir / "mine").mkdir()
    (place.dir / "mine/skill.json").write_text("precious", encoding="utf-8")
    (place.dir / "file").write_text("precious", encoding="utf-8")
    os.symlink("nowhere", place.dir / "link")
    for name in ("mine", "file", "link"):
        assert "there already" in failed(place.run("skill", "new", name))
    assert [f.name for f in (place.dir / "mine").iterdir()] == ["skill.json"]
    assert (place.dir / "mine/skill.json").read_text(encoding="utf-8") == "precious"
    assert not (place.dir / "nowhere").exists()


def test_the_name_of_an_installed_skill_is_taken(place, fake):
    fake.will("GET", "/api/v1/skills/notes", body=SKILL)
    assert "installed already" in failed(place.run("skill", "new", "notes"))
    assert ok(place.run("skill", "new", "other"))


def test_what_cannot_be_written_leaves_nothing_behind(place):
    place.dir.chmod(0o500)
    try:
        as_nobody = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        if as_nobody and not shutil.which("setpriv"):
            pytest.skip("no setpriv")
        result = subprocess.run([*as_nobody, nexflow.BIN / "nexflow", "skill", "new", "x"],
                                cwd=place.dir, capture_output=True, text=True, check=False)
        assert result.returncode == 1
    finally:
        place.dir.chmod(0o700)
    assert list(place.dir.iterdir()) == []


def test_a_compiler_error_is_shown_and_the_old_build_stays(place):
    ok(place.run("skill", "new", "x"))
    ok(place.run("skill", "build", "x"))
    before = (place.dir / "x/x.so").read_bytes()
    source = place.dir / "x/x.c"
    good = source.read_text(encoding="utf-8")
    source.write_text(good + "int f(void) { return nowhere; }\n", encoding="utf-8")
    assert "nowhere" in failed(place.run("skill", "build", "x"))
    source.write_text(good + "extern int g(void);\nint f(void);\nint f(void) { return g(); }\n"
                      "__attribute__((visibility(\"default\"))) int (*keep)(void) = f;\n",
                      encoding="utf-8")
    assert "undefined" in failed(place.run("skill", "build", "x"))
    assert (place.dir / "x/x.so").read_bytes() == before
    assert sorted(f.name for f in (place.dir / "x").glob("*.new")) == []
    source.write_text(good, encoding="utf-8")
    assert "no compiler 'nowhere-cc'" in failed(place.run("skill", "build", "x", CC="nowhere-cc"))
    assert "refused" in failed(place.run("skill", "build", "x", "--", "-DNO=(", "-include", "refused"))


def test_build_says_what_is_wrong_with_the_directory(place):
    ok(place.run("skill", "new", "x"))
    manifest = place.dir / "x/skill.json"
    good = manifest.read_text(encoding="utf-8")
    assert "skill.json" in failed(place.run("skill", "build"))
    assert "nowhere" in failed(place.run("skill", "build", "nowhere"))
    manifest.write_text(good.replace('"never"', '"perhaps"'), encoding="utf-8")
    assert "tools[0].approval" in failed(place.run("skill", "build", "x"))
    manifest.write_text(good.replace('"plugin"', '"program"'), encoding="utf-8")
    assert "nothing to build" in failed(place.run("skill", "build", "x"))
    manifest.write_text(good, encoding="utf-8")
    (place.dir / "x/x.c").unlink()
    assert "no C file" in failed(place.run("skill", "build", "x"))


def test_it_builds_from_an_installed_tree_too(place):
    prefix = place.dir / "usr"
    (prefix / "bin").mkdir(parents=True)
    shutil.copy(nexflow.BIN / "nexflow", prefix / "bin/nexflow")
    ok(place.run("skill", "new", "x"))

    def build():
        return subprocess.run([prefix / "bin/nexflow", "skill", "build", "x"], cwd=place.dir,
                              capture_output=True, text=True, timeout=60, check=False)
    assert "nexflow/skill.h" in failed(build())
    shutil.copytree(nexflow.TOP / "skills/include", prefix / "include")
    ok(build())


# --- test


def tried(place, source, tests, **manifest):
    """What `skill test` says of a plugin with one tool, `go`."""
    skill = {"name": "x", "version": "1.0.0", "description": "For a test.", "entry": "x.so",
             "tools": [{"name": "go", "description": "Go.", "parameters": {"type": "object"},
                        "timeout_ms": 2000}], **manifest}
    directory = place.dir / "x"
    directory.mkdir(exist_ok=True)
    (directory / "skill.json").write_text(json.dumps(skill), encoding="utf-8")
    (directory / "tests.json").write_text(
        tests if isinstance(tests, str) else json.dumps(tests), encoding="utf-8")
    if source is not None:
        (directory / "x.c").write_text("#include <nexflow/skill.h>\n#include <stdlib.h>\n"
                                       "#include <sys/socket.h>\n"
                                       "static int call(const struct nf_skill_host *h,\n"
                                       "                const struct nf_skill_request *r)\n"
                                       "{\n(void)r;\n" + source + "\n}\n"
                                       "NF_SKILL(\"x\", \"1.0.0\", call)\n", encoding="utf-8")
        ok(place.run("skill", "build", "x"))
    return place.run("skill", "test", "x")


def go(expect, **more):
    return {"tool": "go", "expect": expect, **more}


ECHO = "return h->reply(h, r->args_text.p, r->args_text.n);"


def test_a_new_skill_tests_itself_in_the_sandbox(place):
    ok(place.run("skill", "new", "mine"))
    assert "nexflow skill build" in failed(place.run("skill", "test", "mine"))
    ok(place.run("skill", "build", "mine"))
    out = ok(place.run("skill", "test", "mine"))
    assert out.count("\nok ") == 2 and out.startswith("ok ")
    assert "3 of 3 passed, in a sandbox of level L" in out


def test_each_expectation_holds_and_fails(place):
    right = [go({"exact": '{"a":[1,{"b":null}]}'}, args={"a": [1, {"b": None}]}),
             go({"contains": '"b"'}, args={"a": [1, {"b": None}]}),
             go({"equals": {"b": 2, "a": [True, "x", 1.5]}}, args={"a": [True, "x", 1.5], "b": 2}),
             go({"exact": "{}"}),
             {"tool": "nothing", "expect": {"error": "no tool 'nothing'"}}]
    out = ok(tried(place, ECHO, {"tests": right}))
    assert "5 of 5 passed" in out
    wrong = [go({"exact": "{ }"}), go({"contains": "x"}), go({"equals": {"a": 1}}),
             go({"equals": []}), go({"error": ""}), go({"equals": {"a": [1, 2]}}, args={"a": [2, 1]}),
             go({"equals": {"a": 1}}, args={"a": 1, "b": 1}), go({"equals": {"a": None}}, args={"b": None}),
             {"tool": "nothing", "expect": {"exact": "x"}}]
    result = tried(place, None, {"tests": wrong})
    assert result.returncode == 1
    assert result.stdout.count("FAIL") == len(wrong) and "0 of 9 passed" in result.stdout
    assert "wanted contains: \"x\"" in result.stdout and "came    : {}" in result.stdout


def test_a_skill_that_misbehaves_fails_its_case_and_no_other(place):
    source = """const char *what = h->json_str(h, h->json_get(h, r->args, "what"));
    switch (what ? what[0] : 0) {
    case 'a': abort();
    case 'l': for (;;) {}
    case 's': return h->replyf(h, "%d", socket(AF_INET, SOCK_STREAM, 0));
    case 'n': *(volatile int *)0 = 1; break;
    case 'f': return h->fail(h, NF_SKILL_E_INVALID, "what: not like that");
    }
    h->log(h, NF_SKILL_LOG_INFO, "was here");
    return h->replyf(h, "fine");"""
    cases = [go({"exact": "fine"}, args={"what": w}) for w in ("abort", "ok", "loop", "socket", "null",
                                                                "fail", "ok")]
    result = tried(place, source, {"tests": cases})
    assert result.returncode == 1, result.stderr
    lines = result.stdout.splitlines()
    verdicts = [line.split()[0] for line in lines if line[:4] in ("ok  ", "FAIL")]
    assert verdicts == ["FAIL", "ok", "FAIL", "FAIL", "FAIL", "FAIL", "ok"]
    assert "log: was here" in result.stdout
    assert "what: not like that" in result.stdout
    assert "socket" in result.stdout


def test_the_store_the_files_and_the_network_are_those_of_the_tests(place):
    source = """struct nf_skill_bytes b = { 0 };
    struct nf_skill_http_request q = { NF_SKILL_ABI_MAJOR, sizeof(q), NULL,
                                       h->json_str(h, h->json_get(h, r->args, "url")) };
    struct nf_skill_http_response p = { 0 };
    int rc = NF_SKILL_OK;
    if (q.url && (rc = h->http_fetch(h, &q, &p)) == NF_SKILL_OK)
        return h->reply(h, p.body.p, p.body.n);
    if (rc != NF_SKILL_OK)
        return rc;
    if ((rc = h->file_read(h, "a/b.txt", 0, 0, &b)) != NF_SKILL_OK)
        return rc;
    h->replyf(h, "%s ", b.p);
    rc = h->kv_get(h, "n", &b);
    int n = rc == NF_SKILL_OK ? atoi(b.p) : 0;
    char text[16] = { (char)('0' + n + 1) };
    if ((rc = h->kv_put(h, "n", text, 1)) != NF_SKILL_OK)
        return rc;
    return h->replyf(h, "%d", n + 1);"""
    out = tried(place, source, {
        "http": [{"url": "https://example.org/", "body": "a page"}],
        "files": [{"path": "a/b.txt", "text": "file"}],
        "tests": [go({"exact": "file 1"}), go({"exact": "file 2"}),
                  go({"exact": "a page"}, args={"url": "https://example.org/"}),
                  go({"error": ""}, args={"url": "https://example.com/"})]})
    assert "4 of 4 passed" in ok(out)


WORDS = """import json, sys
call = json.loads(sys.stdin.readline())
if call["tool"] == "file":
    print(json.dumps({"result": open("notes/a.txt").read()}))
elif call["tool"] == "fail":
    print(json.dumps({"error": "text: not like that", "code": "invalid"}))
else:
    print(json.dumps({"log": "info", "text": "counting"}))
    print(json.dumps({"result": {"words": len(call["arguments"]["text"].split())}}))
"""


def test_a_program_is_tested_too(place):
    if not os.path.exists("/usr/bin/python3"):
        pytest.skip("no python3")
    directory = place.dir / "words"
    directory.mkdir(mode=0o700)
    tool = {"description": "x", "parameters": {"type": "object"}}
    (directory / "skill.json").write_text(json.dumps({
        "name": "words", "version": "1.0.0", "description": "Counts words.", "kind": "program",
        "entry": "words.py", "interpreter": "/usr/bin/python3",
        "tools": [{**tool, "name": n} for n in ("count", "fail", "file")],
        "capabilities": {"files": "workspace"}}), encoding="utf-8")
    (directory / "words.py").write_text(WORDS, encoding="utf-8")
    (directory / "words.py").chmod(0o600)
    (directory / "tests.json").write_text(json.dumps({
        "files": [{"path": "notes/a.txt", "text": "hello"}],
        "tests": [{"tool": "count", "args": {"text": "one two"}, "expect": {"equals": {"words": 2}}},
                  {"tool": "fail", "expect": {"error": "not like that"}},
                  {"tool": "file", "expect": {"exact": "hello"}}]}), encoding="utf-8")
    before = set(os.listdir("/tmp"))
    out = ok(place.run("skill", "test", "words"))
    assert "3 of 3 passed" in out and "log: counting" in out
    assert [n for n in set(os.listdir("/tmp")) - before if n.startswith("nexflow-test")] == []


@pytest.mark.parametrize("tests, words", [
    ("{", "byte"), ("[]", "object"), ("{}", "tests"), ({"tests": []}, "tests"),
    ({"tests": {}}, "tests"), ({"tests": [3]}, "tests[0]"),
    ({"tests": [go({"exact": "x"}), {"expect": {"exact": "x"}}]}, "tests[1].tool"),
    ({"tests": [go({})]}, "tests[0].expect"), ({"tests": [{"tool": "go"}]}, "tests[0].expect"),
    ({"tests": [go({"exact": 3})]}, "tests[0].expect.exact"),
    ({"tests": [go({"exactly": "x"})]}, "tests[0].expect"),
    ({"tests": [go({"exact": "x", "error": "y"})]}, "tests[0].expect"),
    ({"tests": [go({"exact": "x"}, args=[])]}, "tests[0].args"),
    ({"tests": [go({"exact": "x"}, arg={})]}, "tests[0].arg"),
    ({"tests": [go({"exact": "x"})], "https": []}, "https"),
    ({"tests": [go({"exact": "x"})], "http": {}}, "http"),
    ({"tests": [go({"exact": "x"})], "http": [{"url": "https://x/"}]}, "http[0]"),
    ({"tests": [go({"exact": "x"})], "files": [{"path": "x", "text": 3}]}, "files[0].text"),
    ({"tests": [go({"exact": "x"})] * 1001}, "1000")])
def test_what_is_wrong_in_tests_json_is_named(place, tests, words):
    (place.dir / "x").mkdir()
    (place.dir / "x/x.so").write_bytes(b"")
    error = failed(tried(place, None, tests))
    assert "x/tests.json" in error and words in error
