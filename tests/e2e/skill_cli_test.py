"""`nexflow skill` and `nexflow approval`: what needs no daemon, and what is asked of one."""
import http.server
import json
import os
import shutil
import socketserver
import subprocess
import threading

import pytest

import nexflow
import terminal

VERBS = ["new", "build", "test", "install", "list", "show", "run", "enable", "disable", "remove", "logs"]


def ok(result):
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def failed(result, status=1):
    assert result.returncode == status, result.stdout + result.stderr
    return result.stderr


class FakeDaemon(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers on a Unix socket what a test put into `answers`, and keeps what it was asked."""
    daemon_threads = True

    def __init__(self, path):
        self.answers, self.asked = {}, []
        super().__init__(str(path), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def will(self, method, path, status=200, body=None):
        self.answers[method, path] = (status, body)

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass

    def answer(self):
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, json.loads(text) if text else None))
        missing = (404, {"error": {"code": "not-found", "message": f"there is no {self.path}"}})
        status, body = self.server.answers.get((self.command, self.path), missing)
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = answer


@pytest.fixture
def place(tmp_path):
    return terminal.Place(tmp_path)


@pytest.fixture
def fake(place):
    (place.dir / "var").mkdir(mode=0o700)
    f = FakeDaemon(place.dir / "var/nexflow.sock")
    yield f
    f.stop()


SKILL = {"name": "notes", "version": "1.0.0", "description": "Keeps notes.", "status": "enabled",
         "hash": "ab" * 32, "granted": True, "kind": "plugin", "mode": "oneshot", "min_level": "",
         "may": ["keeps up to 1024 KiB for each person"],
         "tools": [{"name": "save", "call": "notes_save", "description": "Save a note.",
                    "arguments": {"type": "object"}, "idempotent": False, "approval": "ask",
                    "timeout_ms": 5000}]}

MANIFEST = {"name": "notes", "version": "1.1.0", "description": "Keeps notes.",
            "entry": "notes.so",
            "tools": [{"name": "save", "description": "Save a note.", "approval": "never",
                       "parameters": {"type": "object"}, "timeout_ms": 5000}],
            "capabilities": {"kv": True, "http": ["https://example.org/"]}}


def write_skill(directory, **change):
    directory.mkdir()
    (directory / "skill.json").write_text(json.dumps({**MANIFEST, **change}), encoding="utf-8")
    (directory / "notes.so").write_bytes(b"not looked at")
    return directory


# --- how it is used


def test_every_verb_has_help_and_wrong_use_exits_2(place):
    listed = ok(place.run("skill", "--help"))
    for verb in VERBS:
        assert f"\n  {verb} " in listed
        text = ok(place.run("skill", verb, "--help"))
        assert text.startswith(f"Usage: nexflow skill {verb} ")
        assert ok(place.run("skill", verb, "-h")) == text
        assert f"skill {verb}" in failed(place.run("skill", verb, "--nonsense"), 2)
    for verb in ("list", "allow", "deny"):
        assert ok(place.run("approval", verb, "--help")).startswith(f"Usage: nexflow approval {verb}")
    for wrong in ([], ["nonsense"], ["new"], ["new", "a", "b"], ["build", "a", "b"], ["test", "a", "b"],
                  ["install"],
                  ["list", "x"], ["show"], ["run", "calc"], ["run", "a", "b", "{}", "x"],
                  ["enable"], ["disable"], ["disable", "a", "b"], ["remove"], ["logs"]):
        assert "nexflow skill" in failed(place.run("skill", *wrong), 2), wrong
    for wrong in ([], ["list", "x"], ["allow"], ["allow", "a", "b"], ["deny"], ["deny", "a", "b", "c"]):
        assert "nexflow approval" in failed(place.run("approval", *wrong), 2), wrong


def test_without_a_daemon_they_say_how_to_start_one(place):
    for command in (["skill", "list"], ["skill", "show", "x"], ["skill", "run", "x", "y"],
                    ["skill", "logs", "x"], ["skill", "disable", "x"], ["skill", "enable", "x"],
                    ["skill", "remove", "x"], ["approval", "list"], ["approval", "allow", "x"]):
        assert "nexflowd" in failed(place.run(*command)), command
    assert list(place.dir.iterdir()) == []


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


# --- install, enable


def test_install_shows_what_it_may_do_and_asks(place, fake):
    skill = write_skill(place.dir / "notes")
    fake.will("POST", "/api/v1/skills", 201, SKILL)
    fake.will("POST", "/api/v1/skills/notes/enable", 200, SKILL)
    t = place.terminal("skill", "install", "notes")
    shown = t.expect("Install and enable it? [y/N] ")
    for words in ("notes 1.1.0: Keeps notes.", "reaches https://example.org/",
                  "keeps up to 1024 KiB for each person", "tool save runs without asking",
                  "64 MiB of memory"):
        assert words in shown, words
    t.type("n")
    t.expect("nothing is changed")
    assert t.end() == 1
    assert [a for a in fake.asked if a[0] == "POST"] == []
    assert "--yes" in failed(place.run("skill", "install", "notes", stdin=""))
    assert [a for a in fake.asked if a[0] == "POST"] == []

    t = place.terminal("skill", "install", "notes")
    t.expect("[y/N] ")
    t.type("y")
    t.expect("notes is enabled")
    assert t.end() == 0
    posted = [a for a in fake.asked if a[0] == "POST"]
    assert [p[1] for p in posted] == ["/api/v1/skills", "/api/v1/skills/notes/enable"]
    assert posted[0][2]["path"] == str(skill)
    assert posted[0][2]["hash"] == posted[1][2]["hash"] and len(posted[1][2]["hash"]) == 64


def test_install_for_scripts_says_it_all_and_asks_nothing(place, fake):
    write_skill(place.dir / "notes")
    fake.will("POST", "/api/v1/skills", 201, SKILL)
    fake.will("POST", "/api/v1/skills/notes/enable", 200, SKILL)
    out = ok(place.run("skill", "install", "notes", "--yes"))
    assert "reaches https://example.org/" in out and "[y/N]" not in out
    fake.will("POST", "/api/v1/skills", 409,
              {"error": {"code": "conflict", "message": "hash: the files changed"}})
    assert "the files changed" in failed(place.run("skill", "install", "--yes", "notes"))


def test_what_replaces_another_shows_what_changes(place, fake):
    write_skill(place.dir / "notes")
    fake.will("GET", "/api/v1/skills/notes", body=SKILL)
    result = place.run("skill", "install", "notes", stdin="no\n")
    assert "nothing is changed" in failed(result)
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert "notes 1.1.0 replaces 1.0.0. What it may do changes:" in lines
    assert "+ reaches https://example.org/" in lines
    assert "- tool save asks when a model calls it, for at most 5 s" in lines
    assert "+ tool save runs without asking, for at most 5 s" in lines
    assert not [line for line in lines if "1024 KiB" in line]

    same = {**MANIFEST, "capabilities": {"kv": True}}
    same["tools"] = [{**MANIFEST["tools"][0], "approval": "ask"}]
    (place.dir / "notes/skill.json").write_text(json.dumps(same), encoding="utf-8")
    assert "exactly what it might do before" in place.run("skill", "install", "notes").stdout


def test_the_same_files_again_ask_nothing(place, fake):
    write_skill(place.dir / "notes")
    fake.will("POST", "/api/v1/skills", 201, SKILL)
    fake.will("POST", "/api/v1/skills/notes/enable", 200, SKILL)
    ok(place.run("skill", "install", "notes", "--yes"))
    digest = fake.asked[-1][2]["hash"]
    fake.will("GET", "/api/v1/skills/notes", body={**SKILL, "hash": digest})
    fake.asked.clear()
    assert "already" in ok(place.run("skill", "install", "notes"))
    assert [a[0] for a in fake.asked] == ["GET"]


def test_install_refuses_what_is_no_skill(place, fake):
    assert "nowhere" in failed(place.run("skill", "install", "nowhere"))
    directory = write_skill(place.dir / "notes", tools=[])
    assert "tools" in failed(place.run("skill", "install", "notes"))
    (directory / "skill.json").unlink()
    assert "skill.json" in failed(place.run("skill", "install", "notes"))
    assert fake.asked == []


def test_enable_asks_only_for_what_was_not_agreed_to(place, fake):
    fake.will("GET", "/api/v1/skills/notes", body={**SKILL, "status": "disabled"})
    fake.will("POST", "/api/v1/skills/notes/enable", body=SKILL)
    assert ok(place.run("skill", "enable", "notes")) == "notes is enabled\n"
    fake.will("GET", "/api/v1/skills/notes", body={**SKILL, "status": "installed", "granted": False})
    assert "--yes" in failed(place.run("skill", "enable", "notes"))
    result = place.run("skill", "enable", "notes", stdin="y\n")
    assert "keeps up to 1024 KiB" in ok(result)
    assert fake.asked[-1] == ("POST", "/api/v1/skills/notes/enable", {"hash": SKILL["hash"]})
    assert "keeps" in ok(place.run("skill", "enable", "notes", "--yes"))


# --- list, show, run, disable, remove, logs


def test_list_and_show_are_for_people_and_for_programs(place, fake):
    fake.will("GET", "/api/v1/skills", body={"skills": [SKILL]})
    fake.will("GET", "/api/v1/skills/notes", body=SKILL)
    table = ok(place.run("skill", "list")).splitlines()
    assert table[1].split() == ["notes", "1.0.0", "enabled", "1", "Keeps", "notes."]
    assert json.loads(ok(place.run("skill", "list", "--json"))) == [SKILL]
    assert json.loads(ok(place.run("skill", "show", "notes", "--json"))) == SKILL
    shown = ok(place.run("skill", "show", "notes"))
    for words in ("notes 1.0.0 (enabled)", "keeps up to 1024 KiB for each person",
                  "tool save asks when a model calls it", "Save a note.", SKILL["hash"]):
        assert words in shown
    assert "no /api/v1/skills/other" in failed(place.run("skill", "show", "other"))
    other = {**SKILL, "tools": [{**SKILL["tools"][0], "in_force": "always"}]}
    fake.will("GET", "/api/v1/skills/notes", body=other)
    assert "The configuration says of it: always" in ok(place.run("skill", "show", "notes"))
    fake.will("GET", "/api/v1/skills/notes", body={"name": "notes", "version": "1.0.0",
              "status": "disabled", "hash": "ab" * 32, "granted": False, "problem": "files changed"})
    assert "files changed" in ok(place.run("skill", "show", "notes"))


def test_run_prints_the_result_as_json(place, fake):
    path = "/api/v1/skills/calc/tools/evaluate/run"
    for text, printed in (('{"value": 35}', {"value": 35}), ("Hello, Ada!", "Hello, Ada!"),
                          ("35", 35), ("", ""), ('say "hi"\n\x1b[2J', 'say "hi"\n\x1b[2J')):
        answer = {"result": text, "task_id": "x", "duration_ms": 2, "level": "L2", "worker": 3}
        fake.will("POST", path, body=answer)
        out = ok(place.run("skill", "run", "calc", "evaluate", '{"expression": "(2+3)*7"}'))
        assert json.loads(out) == printed
        assert "\x1b" not in out
        assert fake.asked[-1] == ("POST", path, {"expression": "(2+3)*7"})
        out = ok(place.run("skill", "run", "calc", "evaluate", "--json"))
        assert json.loads(out) == answer
        assert fake.asked[-1][2] == {}
    fake.will("POST", path, 400, {"error": {"code": "invalid", "message": "expression: missing"}})
    result = place.run("skill", "run", "calc", "evaluate", "{}")
    assert failed(result) == "nexflow: expression: missing\n" and result.stdout == ""


def test_run_refuses_what_is_no_object_before_anybody_is_asked(place, fake):
    for bad in ("[]", "3", "{", "", "{'a': 1}"):
        assert "ARGUMENTS" in failed(place.run("skill", "run", "calc", "evaluate", bad))
    for name, tool in (("../users", "x"), ("calc", "../run"), ("calc", "a/b"), ("Calc", "x")):
        failed(place.run("skill", "run", name, tool, "{}"))
    assert fake.asked == []


def test_disable_and_remove(place, fake):
    fake.will("GET", "/api/v1/skills/notes", body=SKILL)
    fake.will("POST", "/api/v1/skills/notes/disable", body=SKILL)
    fake.will("DELETE", "/api/v1/skills/notes", 204)
    fake.will("DELETE", "/api/v1/skills/notes?data=remove", 204)
    assert "disabled" in ok(place.run("skill", "disable", "notes"))
    assert "stays" in failed(place.run("skill", "remove", "notes", stdin="n\n"))
    assert fake.asked[-1][0] == "GET"
    result = place.run("skill", "remove", "notes", stdin="y\n")
    assert "What notes keeps for people stays" in ok(result)
    assert fake.asked[-1][1] == "/api/v1/skills/notes"
    ok(place.run("skill", "remove", "--yes", "--data", "notes"))
    assert fake.asked[-1][1] == "/api/v1/skills/notes?data=remove"
    for verb in ("disable", "remove"):
        failed(place.run("skill", verb, "nowhere"))
        failed(place.run("skill", verb, "../users"))


def test_logs_print_what_there_is_and_follow_it(place, fake):
    log = "one\ntwo\n"
    fake.will("GET", "/api/v1/skills/notes/logs", body={"log": log})
    assert ok(place.run("skill", "logs", "notes")) == log
    t = place.terminal("skill", "logs", "notes", "--follow")
    t.expect("one\r\ntwo\r\n")
    fake.will("GET", "/api/v1/skills/notes/logs", body={"log": "two\nthree \x1b[2J\n"})
    t.expect("three [2J\r\n")
    t.press("C")
    t.end()
    assert t.text.count("two") == 1
    fake.will("GET", "/api/v1/skills/notes/logs", body={"log": ""})
    assert ok(place.run("skill", "logs", "notes")) == ""


# --- approvals


def test_approvals_are_listed_whole_and_decided(place, fake):
    fake.will("GET", "/api/v1/approvals", body={"approvals": []})
    assert "Nothing waits" in ok(place.run("approval", "list"))
    arguments = json.dumps({"name": "x" * 500, "evil": "\u001b[2J", "turned": "a\u202eb", "é": 1})
    approval = {"id": "06xszy9fc0000", "tool": "notes_remove", "arguments": arguments,
                "workspace": "the files of this conversation", "status": "pending", "yours": True,
                "user": {"id": "06xszy9fc0001", "name": "Zoë"}, "session_id": None,
                "expires_at": "2030-01-01T00:00:00Z"}
    fake.will("GET", "/api/v1/approvals", body={"approvals": [approval]})
    shown = ok(place.run("approval", "list"))
    for words in ("06xszy9fc0000", "notes_remove", "Zoë", "x" * 500, "the files of this",
                  "2030-01-01T00:00:00Z", '"turned":"a\\u202eb"', '"é":1'):
        assert words in shown, words
    assert "\x1b" not in shown and "\u202e" not in shown
    assert json.loads(ok(place.run("approval", "list", "--json"))) == [approval]

    path = "/api/v1/approvals/06xszy9fc0000"
    fake.will("POST", path, body={**approval, "status": "allowed"})
    ok(place.run("approval", "allow", "06xszy9fc0000"))
    assert fake.asked[-1] == ("POST", path, {"decision": "allow"})
    ok(place.run("approval", "deny", "06xszy9fc0000"))
    assert fake.asked[-1] == ("POST", path, {"decision": "deny"})
    ok(place.run("approval", "deny", "06xszy9fc0000", "not that list"))
    assert fake.asked[-1] == ("POST", path, {"decision": "deny", "reason": "not that list"})
    fake.will("POST", path, 409, {"error": {"code": "conflict", "message": "it has expired"}})
    assert "it has expired" in failed(place.run("approval", "allow", "06xszy9fc0000"))
    failed(place.run("approval", "allow", "../users"))


# --- doctor


def sandbox_checks(place, fake, level, missing):
    """What doctor says of the sandbox, by the names of the checks."""
    fake.will("GET", "/health", body={"status": "ok", "version": "0.1.0-dev", "database": "ok",
              "models": "none", "config": "ok", "loop_delay_ms": 0,
              "sandbox": {"level": level, "missing": missing}})
    fake.will("GET", "/ready", body={"ready": True})
    answer = json.loads(place.run("doctor", "--json").stdout)
    return {c["name"]: c for c in answer["checks"] if c["name"].startswith("sandbox")}


def test_doctor_says_which_layers_are_missing_why_and_what_mends_each(place, fake):
    found = sandbox_checks(place, fake, "L3", "")
    assert found == {"sandbox": {"name": "sandbox", "state": "ok",
                                 "cause": "level L3, every layer works"}}
    found = sandbox_checks(place, fake, "L2", "cgroup: mkdir /sys/fs/cgroup/x: Permission denied "
                           "(Delegate=yes in the unit, or run as root; in a container mount "
                           "/sys/fs/cgroup (v2) writable); mdwe: prctl: Invalid argument (Linux 6.3)")
    assert found["sandbox"]["state"] == "ok" and found["sandbox"]["cause"] == "level L2"
    assert found["sandbox cgroup"] == {
        "name": "sandbox cgroup", "state": "warning",
        "cause": "mkdir /sys/fs/cgroup/x: Permission denied",
        "fix": "Delegate=yes in the unit, or run as root; in a container mount /sys/fs/cgroup (v2) "
               "writable"}
    assert found["sandbox mdwe"]["cause"] == "prctl: Invalid argument"
    assert found["sandbox mdwe"]["fix"] == "Linux 6.3"


def test_doctor_calls_it_broken_if_no_skill_can_run(place, fake):
    gap = "landlock: landlock_create_ruleset: Operation not supported (add landlock to lsm=)"
    found = sandbox_checks(place, fake, "L0.5", gap)
    assert found["sandbox"]["state"] == "broken" and "skills need L1" in found["sandbox"]["cause"]
    assert "skills.min_level to L0.5" in found["sandbox"]["fix"]
    assert found["sandbox landlock"]["state"] == "broken"
    found = sandbox_checks(place, fake, "none", "seccomp: seccomp: Function not implemented (a kernel "
                           "with CONFIG_SECCOMP_FILTER; in a container, a profile that allows seccomp)")
    assert found["sandbox"]["state"] == "broken"
    assert found["sandbox seccomp"]["cause"] == "seccomp: Function not implemented"
    assert found["sandbox seccomp"]["fix"].startswith("a kernel with CONFIG_SECCOMP_FILTER; in a")
    found = sandbox_checks(place, fake, "none", "they are switched off (setting skills.enabled)")
    assert found["sandbox"]["cause"] == "they are switched off (setting skills.enabled)"
    (place.dir / "var/nexflow.yaml").write_text("skills: {min_level: L3}\n", encoding="utf-8")
    found = sandbox_checks(place, fake, "L2", "cgroup: x (y)")
    assert found["sandbox"]["state"] == "broken" and "skills need L3" in found["sandbox"]["cause"]
