"""`nexflow skill` and `nexflow approval`: what is asked of a daemon, and how."""
import json

import pytest

import terminal
from fake_daemon import SKILL, own_fake  # noqa: F401  fixture
from terminal import failed, ok

VERBS = ["new", "build", "test", "install", "list", "show", "run", "enable", "disable", "remove", "logs"]


@pytest.fixture
def place(tmp_path):
    return terminal.Place(tmp_path)


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


HIDDEN = "\x7f\x85\x9b\u061c\u200e\u200f\u2028\u202a\u202e\u2066\u2069"


def test_run_prints_the_result_as_json(place, fake):
    path = "/api/v1/skills/calc/tools/evaluate/run"
    for text, printed in (('{"value": 35}', {"value": 35}), ("Hello, Ada!", "Hello, Ada!"),
                          ("35", 35), ("", ""), ('say "hi"\n\x1b[2J', 'say "hi"\n\x1b[2J'),
                          (HIDDEN, HIDDEN), (json.dumps([HIDDEN]), [HIDDEN])):
        answer = {"result": text, "task_id": "x", "duration_ms": 2, "level": "L2", "worker": 3}
        fake.will("POST", path, body=answer)
        out = ok(place.run("skill", "run", "calc", "evaluate", '{"expression": "(2+3)*7"}'))
        assert json.loads(out) == printed
        assert not set(out) & set(HIDDEN + "\x1b")
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


def test_what_is_long_of_a_call_is_cut_between_characters(place, fake):
    fake.will("GET", "/api/v1/tasks/0000000000001", body={
        "id": "0000000000001", "kind": "tool", "status": "completed", "name": "notes_save", "attempt": 1,
        "arguments": "!" + "ж" * 300, "result": "short", "steps": [], "changes": []})
    shown = ok(place.run("task", "show", "0000000000001"))
    assert "asked  !" + "ж" * 99 + " ...\n" in shown and "came   short\n" in shown
