"""Every command and option of `nexflow`, from outside."""
import json
import os
import re
import socket
import subprocess
import time

import jsonschema
import pytest
import yaml

import conftest
import nexflow
import terminal

COMMANDS = ["up", "chat", "doctor", "link", "task", "skill", "approval", "user", "config", "backup"]
LINK = re.compile(r"http://127\.0\.0\.1:(\d+)/#t=(\S+)")


@pytest.fixture
def locked():
    """A provider that wants the key "sk-right"."""
    fake = conftest.Provider(key="sk-right")
    fake.offer("small", "big", "text-embed")
    yield fake
    fake.stop()


@pytest.fixture
def place(tmp_path):
    """A directory in which nothing is configured but the port."""
    p = terminal.Place(tmp_path, config="")
    yield p
    p.stop()


@pytest.fixture
def served(daemon, tmp_path):
    """A daemon with the model "fake/m", and how to run `nexflow` with its configuration."""
    p = terminal.Place(tmp_path)

    def run(*arguments, **more):
        return p.run("--config", daemon.config, *arguments, **more)
    run.daemon = daemon
    run.place = p
    return run


def ok(result):
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def failed(result, status=1):
    assert result.returncode == status, result.stdout + result.stderr
    return result.stderr


def saved(place):
    assert place.config.stat().st_mode & 0o777 == 0o600
    return yaml.safe_load(place.config.read_text(encoding="utf-8"))["llm"]["providers"]


def sign_in(text):
    """What opening the printed link does: True if it lets one in."""
    port, token = LINK.search(text).groups()
    import http.client
    c = http.client.HTTPConnection("127.0.0.1", int(port), timeout=30)
    c.request("POST", "/api/v1/auth/exchange", json.dumps({"token": token}))
    status = c.getresponse().status
    c.close()
    return status == 204


# --- how it is used


def test_help_is_everywhere_and_wrong_use_exits_2(tmp_path):
    p = terminal.Place(tmp_path)
    listed = ok(p.run("--help"))
    assert ok(p.run("-h")) == listed
    for command in COMMANDS:
        assert re.search(rf"^  {command}\s", listed, re.M)
        text = ok(p.run(command, "--help"))
        assert text.startswith(f"Usage: nexflow {command}")
        assert ok(p.run(command, "-h")) == text
        assert "nexflow" in failed(p.run(command, "--nonsense"), 2)
    assert ok(p.run("--version")).startswith("nexflow ")
    assert ok(p.run("-V")) == ok(p.run("--version"))
    for wrong in ([], ["nonsense"], ["--nonsense"], ["--config"], ["-c"], ["task"], ["task", "list", "x"],
                  ["task", "show"], ["task", "list", "--status"], ["user"], ["user", "add"],
                  ["user", "role", "x"], ["user", "block"], ["config"], ["config", "x"],
                  ["config", "check", "x"], ["backup"], ["backup", "verify"], ["backup", "restore"],
                  ["backup", "x", "y"], ["link", "a", "b"], ["up", "x"], ["doctor", "x"],
                  ["chat", "--session"], ["chat", "a", "b"]):
        assert "nexflow" in failed(p.run(*wrong), 2), wrong
    assert not (tmp_path / "var").exists()


def test_the_daemon_has_help_too_and_refuses_wrong_use(tmp_path):
    p = terminal.Place(tmp_path)
    assert "--link" in ok(p.run("--help", program="nexflowd"))
    assert ok(p.run("--version", program="nexflowd")).startswith("nexflowd ")
    assert "Usage" in failed(p.run("--nonsense", program="nexflowd"), 2)
    assert "Usage" in failed(p.run("word", program="nexflowd"), 2)
    assert "nowhere.yaml" in failed(p.run("--config", "nowhere.yaml", program="nexflowd"))


# --- up


def test_up_takes_a_pasted_key_after_a_wrong_one_and_starts_the_daemon(place, locked):
    t = place.terminal("up", OPENAI_BASE_URL=locked.url("/v1"))
    t.expect("Paste an API key")
    assert not t.shows_typing()
    t.type("what is this?")
    t.expect("neither a URL")
    t.expect("Paste an API key")
    t.type("sk-wrong")
    t.expect("Paste an API key")
    t.type("sk-right")
    t.expect("Which model?")
    assert t.shows_typing()
    t.type("9")
    t.expect("A number from 1 to 2")
    t.type("1")
    t.expect("Asking small")
    t.expect("OK: small answered")
    t.expect("Saved to var/nexflow.yaml")
    t.expect("Nexflow is ready")
    assert t.end() == 0
    assert "sk-" not in t.text.replace("(sk-...)", "").replace("sk-wrong", "")
    assert saved(place) == [{"name": "openai", "type": "openai", "base_url": locked.url("/v1"),
                             "api_key": "sk-right", "models": ["small"]}]
    assert sign_in(t.text)
    assert not sign_in(t.text)
    assert place.pid()
    assert "echo: hi" in ok(place.run("chat", "hi"))


def test_up_in_a_fresh_directory_needs_nothing_but_a_key(tmp_path, locked):
    with socket.socket() as s:
        if s.connect_ex(("127.0.0.1", 7777)) == 0:
            pytest.skip("something listens on the standard port of this machine")
    p = terminal.Place(tmp_path, OPENAI_API_KEY="sk-right", OPENAI_BASE_URL=locked.url("/v1"))
    try:
        out = ok(p.run("up", "--yes"))
        assert LINK.search(out).group(1) == "7777"
        assert saved(p)[0]["api_key"] == "${OPENAI_API_KEY}"
        assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700
        assert sorted(x.name for x in tmp_path.iterdir()) == ["var"]
        assert "echo: hi" in ok(p.run("chat", "hi"))
    finally:
        p.stop()


@pytest.mark.parametrize("kind", ["openai", "anthropic", "ollama"])
def test_up_yes_takes_what_it_finds_and_keeps_the_key_in_the_environment(place, locked, provider,
                                                                         kind):
    provider.offer("m")
    env = {"openai": {"OPENAI_API_KEY": "sk-right", "OPENAI_BASE_URL": locked.url("/v1")},
           "anthropic": {"ANTHROPIC_API_KEY": "sk-right", "ANTHROPIC_BASE_URL": locked.url()},
           "ollama": {"OLLAMA_HOST": f"0.0.0.0:{provider.port}"}}[kind]
    out = ok(place.run("up", "--yes", **env))
    assert "OK: " in out and "?" not in out
    entry = saved(place)[0]
    assert entry["type"] == kind
    assert entry.get("api_key") == {"openai": "${OPENAI_API_KEY}", "anthropic":
                                    "${ANTHROPIC_API_KEY}", "ollama": None}[kind]
    assert "sk-right" not in place.config.read_text(encoding="utf-8")


def test_up_asks_at_most_three_questions(place, locked, provider):
    provider.offer("m")
    t = place.terminal("up", OLLAMA_HOST=f"http://127.0.0.1:{provider.port}")
    t.expect("1  Ollama")
    t.expect("2  another")
    t.expect("Which provider? [1]")
    t.type("2")
    t.expect("Paste an API key")
    t.type(f"{locked.url('/v1')} sk-right")
    t.expect("Which model? A number or a name [1]")
    t.type("text-embed")
    t.expect("Asking text-embed")
    t.expect("Nexflow is ready")
    assert t.end() == 0
    assert saved(place) == [{"name": "custom", "type": "custom", "base_url": locked.url("/v1"),
                             "api_key": "sk-right", "models": ["text-embed"]}]


def test_up_asks_again_when_the_first_turn_fails_and_saves_only_what_answered(place, provider):
    provider.offer("a", "b")
    provider.model_does("a", status=404, error="not_found_error", message="a is not for you")
    before = place.config.read_bytes()
    t = place.terminal("up", OPENAI_API_KEY="sk-x", OPENAI_BASE_URL=provider.url("/v1"))
    t.expect("Which provider?")
    t.type("")
    t.expect("Which model?")
    t.type("1")
    said = t.expect("Nothing is saved")
    assert "a is not for you" in said
    assert place.config.read_bytes() == before
    t.expect("Which provider?")
    t.type("1")
    t.expect("Which model?")
    t.type("b")
    t.expect("OK: b answered")
    t.expect("Nexflow is ready")
    assert t.end() == 0
    assert saved(place)[0]["models"] == ["b"]


def test_up_without_a_terminal_fails_once_and_saves_nothing(place, provider):
    provider.offer("a")
    provider.script(status=500, error="server_error", message="broken inside")
    before = place.config.read_bytes()
    env = {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": provider.url("/v1")}
    assert "broken inside" in failed(place.run("up", "--yes", **env))
    assert "--yes" in failed(place.run("up", stdin="", **env))
    assert "OPENAI_API_KEY" in failed(place.run("up", "--yes"))
    assert place.config.read_bytes() == before
    assert place.pid() is None


def test_up_says_why_a_key_of_the_environment_is_of_no_use(place, locked):
    result = place.run("up", "--yes", OPENAI_API_KEY="sk-bad", OPENAI_BASE_URL=locked.url("/v1"))
    assert "The key in OPENAI_API_KEY does not work" in result.stdout
    failed(result)
    assert "sk-bad" not in result.stdout + result.stderr


def test_up_goes_on_from_answers_in_a_pipe(place, locked):
    out = ok(place.run("up", stdin=f"{locked.url('/v1')} sk-right\nbig\n"))
    assert "OK: big answered" in out
    assert saved(place)[0]["models"] == ["big"]


def test_up_touches_no_llm_block_that_is_there(tmp_path, provider):
    p = terminal.Place(tmp_path, config="llm:\n  retries: 1\n")
    before = p.config.read_bytes()
    error = failed(p.run("up", "--yes", OPENAI_API_KEY="sk-x", OPENAI_BASE_URL=provider.url("/v1")))
    assert "llm block" in error and "nexflow.yaml" in error
    assert p.config.read_bytes() == before
    assert p.pid() is None


def test_up_tries_what_is_configured_already(tmp_path, provider):
    p = terminal.Place(tmp_path, config=f"llm: {{providers: [{provider.yaml()}]}}\n")
    try:
        provider.script(status=500, error="server_error", message="broken inside")
        assert "broken inside" in failed(p.run("up"))
        assert p.pid() is None
        provider.script()
        assert "configured already" in ok(p.run("up"))
        assert p.pid()
        pid = p.pid()
        assert sign_in(ok(p.run("up")))
        assert p.pid() == pid
    finally:
        p.stop()


def test_up_lets_a_running_daemon_take_the_model_over(place, locked):
    d = subprocess.Popen([nexflow.BIN / "nexflowd", "--link"], cwd=place.dir, env=place.env,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while not LINK.search(line := d.stdout.readline()):
            assert d.poll() is None
        assert "no language model" in failed(place.run("chat", "hi"))
        out = ok(place.run("up", "--yes", OPENAI_API_KEY="sk-right",
                           OPENAI_BASE_URL=locked.url("/v1")))
        assert "takes the configuration over" in out
        assert place.pid() == d.pid
        # It was started without the key: the file has to have it.
        assert saved(place)[0]["api_key"] == "sk-right"
        assert "echo: hi" in ok(place.run("chat", "hi"))
        assert sign_in(line) and sign_in(out)
    finally:
        d.terminate()
        _, log = d.communicate(timeout=30)
    assert d.returncode == 0
    assert "sk-right" not in log


def test_up_does_not_say_ready_if_the_running_daemon_refuses_the_file(tmp_path, provider):
    p = terminal.Place(tmp_path, config="")
    d = subprocess.Popen([nexflow.BIN / "nexflowd"], cwd=p.dir, env=p.env, stderr=subprocess.PIPE,
                         text=True)
    try:
        while p.run("link").returncode != 0:
            assert d.poll() is None
        p.config.write_text(p.config.read_text(encoding="utf-8") + "llm: {providers: ["
                            + provider.yaml(key="${NF_ONLY_HERE}") + "]}\n", encoding="utf-8")
        result = p.run("up", NF_ONLY_HERE="sk-x")
        assert "refused the configuration" in failed(result)
        assert "is ready" not in result.stdout
        found = checks(p.run("doctor", "--json", NF_ONLY_HERE="sk-x"))
        assert found["running settings"]["state"] == "warning"
    finally:
        d.terminate()
        _, log = d.communicate(timeout=30)
    assert "NF_ONLY_HERE" in log


def test_an_interrupt_at_the_hidden_question_leaves_a_terminal_that_shows(place):
    t = place.terminal("up")
    t.expect("needs one)")
    assert not t.shows_typing()
    t.press("C")
    t.process.wait(10)
    assert t.shows_typing()
    t.kill()
    assert place.config.read_text(encoding="utf-8").count("llm") == 0


def test_up_says_why_the_daemon_did_not_start(place, locked):
    with socket.socket() as s:
        s.bind(("127.0.0.1", place.port))
        s.listen()
        error = failed(place.run("up", "--yes", OPENAI_API_KEY="sk-right",
                                 OPENAI_BASE_URL=locked.url("/v1")))
    assert "ended at once" in error and "in use" in error and str(place.port) in error


# --- chat


def test_chat_answers_one_question_on_standard_output(served, provider):
    provider.script(text="Forty-two.\nReally.")
    result = served("chat", "What is it?")
    assert ok(result) == "Forty-two.\nReally.\n"


def test_chat_reads_a_message_a_line_from_a_pipe_into_one_session(served):
    assert ok(served("chat", stdin="one\n\ntwo\nthree")) == "echo: one\necho: two\necho: three\n"
    status, page = served.daemon.get("/api/v1/sessions")
    assert status == 200 and len(page["sessions"]) == 1
    session = page["sessions"][0]["id"]
    assert ok(served("chat", "--session", session, "four")) == "echo: four\n"
    assert ok(served("chat", "--session", session, stdin="five\n")) == "echo: five\n"
    said = [m["content"] for m in served.daemon.messages(session) if m["role"] == "user"]
    assert said == ["one", "two", "three", "four", "five"]
    assert "session" in failed(served("chat", "--session", "0000000000000", "x"))


def test_chat_takes_any_text_and_refuses_what_is_none(served):
    assert ok(served("chat", "--", "-5 + 3?")) == "echo: -5 + 3?\n"
    assert ok(served("chat", 'quotes " and \\ and é \u2028 and \t')) == \
        'echo: quotes " and \\ and é \u2028 and \t\n'
    broken = subprocess.run([nexflow.BIN / "nexflow", "--config", served.daemon.config, "chat"],
                            input=b"\xff\xfe\n", capture_output=True, timeout=60, check=False)
    assert broken.stdout == "echo: \ufffd\ufffd\n".encode(), broken.stderr
    assert "content" in failed(served("chat", stdin="x" * 300000 + "\n"))
    failed(served("chat", stdin="x" * 3000000 + "\n"))
    failed(served("chat", "--", ""))


def test_chat_says_it_when_the_daemon_dies_in_the_middle(served, provider):
    provider.script(text="word " * 500, delay=0.05)
    t = served.place.terminal("--config", served.daemon.config, "chat")
    t.expect("> ")
    t.type("long")
    t.expect("word word")
    served.daemon.kill()
    t.expect("nexflow: ", 10)
    assert t.end() == 1
    provider.script()
    served.daemon.start()


def test_chat_says_what_the_provider_said_when_a_turn_fails(served, provider):
    provider.script(status=400, error="invalid_request_error", message="no such thing")
    result = served("chat", "x")
    assert "no such thing" in failed(result)


def test_chat_at_a_terminal_stops_an_answer_and_goes_on(served, provider):
    provider.script(text="word " * 500, delay=0.05)
    t = served.place.terminal("--config", served.daemon.config, "chat")
    t.expect("> ")
    t.type("long")
    t.expect("word word")
    t.press("C")
    t.expect("stopped)", 10)
    t.expect("> ")
    provider.script(status=400, error="invalid_request_error", message="not like that")
    t.type("bad")
    t.expect("not like that")
    t.expect("> ")
    provider.script(text="fine")
    t.type("short")
    t.expect("fine")
    t.expect("(fake/m, ")
    t.expect("> ")
    t.press("D")
    assert t.end() == 0
    assert len(served.daemon.get("/api/v1/sessions")[1]["sessions"]) == 1


def test_chat_ends_at_once_on_ctrl_c_at_the_prompt(served):
    t = served.place.terminal("--config", served.daemon.config, "chat")
    t.expect("> ")
    t.press("C")
    assert t.end(10) != 0


@pytest.mark.parametrize("evil", ["\x1b[2J\x1b]0;owned\x07", "a\x9bb\x9d0;x\x9c", "x\ry\bz\x7f\x0e"])
def test_a_model_does_not_command_the_terminal(served, provider, evil):
    provider.script(pieces=[evil[:1], evil[1:2], evil[2:], " end\tof\nit"])
    t = served.place.terminal("--config", served.daemon.config, "chat", "x")
    assert t.end() == 0
    assert "end" in t.text and "of\r\nit" in t.text
    assert not [c for c in t.text if (ord(c) < 32 and c not in "\r\n\t") or 0x7f <= ord(c) < 0xa0]
    assert "x\ry" not in t.text
    provider.script(status=400, error="invalid_request_error", message=f"no {evil} no")
    result = served("chat", "x")
    assert not [c for c in failed(result) if (ord(c) < 32 and c not in "\n\t")
                or 0x7f <= ord(c) < 0xa0]


# --- doctor


def checks(result):
    answer = json.loads(result.stdout)
    assert answer["state"] == ["ok", "warning", "broken"][result.returncode]
    for c in answer["checks"]:
        assert c["state"] in ("ok", "warning", "broken") and c["name"] and c["cause"]
        assert ("fix" in c) == (c["state"] != "ok")
    return {c["name"]: c for c in answer["checks"]}


def test_doctor_finds_nothing_where_all_is_well(served, provider):
    provider.offer("m")
    found = checks(served("doctor", "--json"))
    assert {"clock", "configuration", "data directory", "disk", "daemon", "database", "ready",
            "provider fake"} <= set(found)
    # The disk, the load and the layers of the sandbox are this machine's own.
    assert [c for c in found.values() if c["state"] != "ok"
            and c["name"] not in ("disk", "event loop") and not c["name"].startswith("sandbox")] == []
    assert found["sandbox"]["cause"].startswith("level L")
    text = served("doctor")
    assert "FAIL" not in text.stdout and "provider fake" in text.stdout
    provider.offer("another")
    result = served("doctor", "--json")
    assert result.returncode == 1
    assert "does not list the model m" in checks(result)["provider fake"]["cause"]


def test_doctor_says_what_is_broken_and_how_to_mend_it(tmp_path, locked):
    p = terminal.Place(tmp_path, config="")
    found = checks(p.run("doctor", "--json"))
    assert found["daemon"]["state"] == "broken" and "nexflowd" in found["daemon"]["fix"]
    assert found["language models"]["fix"] == "nexflow up"
    assert p.run("doctor").stdout.count("->") == 2

    p.config.write_text(f"llm: {{providers: [{locked.yaml(key='sk-wrong')}]}}\n", encoding="utf-8")
    result = p.run("doctor", "--json")
    assert result.returncode == 2
    assert "api_key" in checks(result)["provider fake"]["fix"]
    assert "sk-wrong" not in result.stdout

    p.config.write_text("server: {listne: x}\n", encoding="utf-8")
    result = p.run("doctor", "--json")
    assert result.returncode == 2
    cause = checks(result)["configuration"]["cause"]
    assert "nexflow.yaml:1" in cause and "listne" in cause and "server.listen" in cause

    p.config.write_text("", encoding="utf-8")
    (tmp_path / "var").chmod(0o755)
    assert "chmod 0700 var" == checks(p.run("doctor", "--json"))["data directory"]["fix"]


def test_doctor_tells_a_daemon_without_a_model(tmp_path):
    d = nexflow.Daemon(tmp_path).start()
    p = terminal.Place(tmp_path)
    result = p.run("--config", d.config, "doctor", "--json")
    assert result.returncode == 2
    found = checks(result)
    assert found["daemon"]["state"] == "ok"
    assert found["ready"]["fix"] == "nexflow up" and "no language model" in found["ready"]["cause"]
    assert d.stop() == 0


# --- task


def test_task_lists_shows_and_cancels(served, provider):
    ok(served("chat", "one"))
    provider.script(status=400, error="invalid_request_error", message="no such thing")
    failed(served("chat", "two"))
    provider.script(hang="first")
    status, accepted = served.daemon.post("/api/v1/messages",
                                          {"message_id": "m3", "content": "three"})
    assert status == 202
    served.daemon.wait_until(lambda: len(provider.log()) >= 3)

    tasks = json.loads(ok(served("task", "list", "--json")))
    assert sorted(t["status"] for t in tasks) == ["completed", "failed", "running"]
    table = ok(served("task", "list"))
    assert len(table.splitlines()) == 4 and "no such thing" in table
    running = json.loads(ok(served("task", "list", "--status", "running", "--json")))
    assert [t["id"] for t in running] == [accepted["run_id"]]
    assert "status" in failed(served("task", "list", "--status", "nonsense"))

    shown = ok(served("task", "show", accepted["run_id"]))
    assert "status   running" in shown and "changes" in shown and "steps" in shown
    whole = json.loads(ok(served("task", "show", accepted["run_id"], "--json")))
    assert [c["status"] for c in whole["changes"]] == ["pending", "running"]

    assert ok(served("task", "cancel", accepted["run_id"])) == "cancelled\n"
    served.daemon.wait_until(lambda: served.daemon.get(
        f"/api/v1/tasks/{accepted['run_id']}")[1]["status"] == "cancelled")
    failed(served("task", "cancel", accepted["run_id"]))
    for verb in ("show", "cancel"):
        assert "task" in failed(served("task", verb, "0000000000001"))
        failed(served("task", verb, "../users"))


# --- people


def test_people_are_added_changed_blocked_and_let_in(served):
    added = ok(served("user", "add", "Zoë Quill")).split()
    assert added[1:3] == ["user", "active"]
    ident = added[0]
    assert ok(served("user", "add", "Boss", "admin")).split()[1] == "admin"
    assert len(ok(served("user", "list")).splitlines()) == 4
    assert ok(served("user", "role", ident, "admin")).split()[1] == "admin"
    link = ok(served("link", ident))
    assert ok(served("user", "block", ident)).split()[2] == "blocked"
    assert not sign_in(link)
    assert ok(served("user", "unblock", ident)).split()[2] == "active"
    assert sign_in(ok(served("link", ident)))
    assert sign_in(ok(served("link")))
    assert "role" in failed(served("user", "add", "X", "king"))
    assert "role" in failed(served("user", "role", ident, "king"))
    failed(served("user", "block", "0000000000001"))
    failed(served("link", "0000000000001"))
    assert "name" in failed(served("user", "add", ""))


def test_without_a_daemon_commands_say_how_to_start_one(tmp_path):
    p = terminal.Place(tmp_path)
    for command in (["chat", "x"], ["chat"], ["link"], ["task", "list"], ["user", "list"]):
        assert "nexflowd" in failed(p.run(*command)), command
    assert list(tmp_path.iterdir()) == []


# --- config


EXAMPLE = """
server: {listen: "127.0.0.1:7001", hosts: [chat.example.org], open_metrics: true}
database: {url: "sqlite:data/nexflow.db"}
llm:
  default: fast
  providers:
    - {name: local, type: ollama, models: ["qwen3:4b"]}
    - {name: cloud, type: anthropic, api_key: "${NF_TEST_KEY}", models: [some-model]}
  aliases:
    - {name: fast, models: ["local/qwen3:4b", cloud/some-model]}
  retry_wait: 5s
log: {level: debug, format: console}
limits: {messages_per_minute: 10, body_bytes: 64KiB}
"""


def test_config_check_names_line_key_and_what_is_allowed(tmp_path):
    p = terminal.Place(tmp_path)
    file = tmp_path / "c.yaml"
    assert "right" in ok(p.run("config", "check"))
    file.write_text(EXAMPLE, encoding="utf-8")
    assert "right" in ok(p.run("-c", "c.yaml", "config", "check", NF_TEST_KEY="sk-planted-123"))
    error = failed(p.run("--config", "c.yaml", "config", "check"))
    assert "c.yaml:8" in error and "NF_TEST_KEY" in error
    for text, *words in (("log:\n  level: loud\n", "c.yaml:2", "log.level", "debug"),
                         ("log: [a]\n", "c.yaml:1", "log"),
                         ("limits:\n\n  body_bytes: 3\n", "c.yaml:3", "limits.body_bytes", "1KiB"),
                         ("servre: {}\n", "servre", "server"),
                         ("llm: {default: nobody}\n", "nobody"),
                         ("llm:\n  providers:\n    - {name: x, type: custom}\n", "base_url"),
                         (": :\n  -", "c.yaml:")):
        file.write_text(text, encoding="utf-8")
        error = failed(p.run("-c", "c.yaml", "config", "check"))
        for word in words:
            assert word in error, (text, error)
    assert "nowhere.yaml" in failed(p.run("-c", "nowhere.yaml", "config", "check"))


def test_config_show_never_prints_a_secret_and_can_be_read_again(tmp_path):
    p = terminal.Place(tmp_path)
    file = tmp_path / "c.yaml"
    file.write_text(EXAMPLE + "server.owner_token: x\n", encoding="utf-8")
    failed(p.run("-c", "c.yaml", "config", "show", NF_TEST_KEY="sk-planted-123"))
    file.write_text(EXAMPLE.replace("open_metrics: true",
                                    'owner_token: "planted-token-0123456789"'), encoding="utf-8")
    shown = ok(p.run("-c", "c.yaml", "config", "show", NF_TEST_KEY="sk-planted-123"))
    assert "planted" not in shown
    tree = yaml.safe_load(shown)
    assert tree["server"]["owner_token"] == "(set)"
    assert tree["llm"]["providers"][1]["api_key"] == "(set)"
    assert tree["llm"]["providers"][0]["api_key"] == "(not set)"
    assert tree["llm"]["aliases"][0]["models"] == ["local/qwen3:4b", "cloud/some-model"]
    assert tree["limits"]["messages_per_minute"] == 10


def test_config_schema_takes_right_files_and_refuses_wrong_ones(tmp_path):
    p = terminal.Place(tmp_path)
    schema = json.loads(ok(p.run("config", "schema")))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(yaml.safe_load(EXAMPLE))
    validator.validate({})
    for wrong in ({"servre": {}}, {"log": {"level": "loud"}}, {"limits": {"headers": "many"}},
                  {"llm": {"providers": [{"type": "ollama"}]}}, {"server": {"hosts": "one"}}):
        assert not validator.is_valid(wrong), wrong
    reference = ok(p.run("config", "reference"))
    for group, part in schema["properties"].items():
        assert f"## {group}" in reference
        for key in part["properties"]:
            assert f"| `{key}` |" in reference


# --- backup


def dump(path):
    return subprocess.run(["sqlite3", path, ".dump"], capture_output=True, check=True).stdout


def test_a_backup_brings_everything_back(served):
    p, daemon = served.place, served.daemon
    ok(served("chat", stdin="one\ntwo\n"))
    session = daemon.get("/api/v1/sessions")[1]["sessions"][0]["id"]
    before = daemon.messages(session)
    assert "4 messages" in ok(served("backup", "create", "copy.db"))
    copy = p.dir / "copy.db"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert "exists" in failed(served("backup", "create", "copy.db"))
    assert "4 messages" in ok(served("backup", "verify", "copy.db"))
    named = re.match(r"(nexflow-\d{8}-\d{6}\.db): ", ok(served("backup", "create"))).group(1)
    assert (p.dir / named).exists()

    ok(served("chat", "three"))
    error = failed(served("backup", "restore", "copy.db"))
    assert str(daemon.process.pid) in error
    assert len(daemon.get("/api/v1/sessions")[1]["sessions"]) == 2
    assert daemon.stop() == 0
    assert "start the daemon again" in ok(served("backup", "restore", "copy.db"))
    database = p.dir / "data/nexflow.db"
    assert dump(database) == dump(copy)
    assert len(list((p.dir / "data").glob("nexflow.db.before-restore-*"))) >= 1
    daemon.start()
    assert len(daemon.get("/api/v1/sessions")[1]["sessions"]) == 1
    assert daemon.messages(session) == before


def test_a_damaged_copy_is_not_restored(served):
    p, daemon = served.place, served.daemon
    ok(served("chat", "one"))
    ok(served("backup", "create", "copy.db"))
    data = bytearray((p.dir / "copy.db").read_bytes())
    (p.dir / "cut.db").write_bytes(data[:len(data) // 2])
    data[4096:8192] = os.urandom(4096)
    (p.dir / "bad.db").write_bytes(data)
    (p.dir / "text.db").write_text("this is no database" * 300, encoding="ascii")
    (p.dir / "empty.db").write_bytes(b"")
    assert daemon.stop() == 0
    before = dump(p.dir / "data/nexflow.db")
    for name in ("cut.db", "bad.db", "text.db", "empty.db", "nowhere.db"):
        for verb in ("verify", "restore"):
            assert name in failed(served("backup", verb, name)), name
    assert dump(p.dir / "data/nexflow.db") == before
    assert list((p.dir / "data").glob("*before-restore*")) == []
    daemon.start()


def test_a_backup_needs_no_daemon_but_a_database(tmp_path):
    p = terminal.Place(tmp_path)
    assert "nexflow.db" in failed(p.run("backup", "create", "copy.db"))
    assert list(tmp_path.iterdir()) == []
