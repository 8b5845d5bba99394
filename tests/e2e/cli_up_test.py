"""`nexflow up`: a provider is found, asked for and tried, and the daemon runs."""
import re
import socket
import subprocess

import pytest
import yaml

import nexflow
import terminal
from terminal import LINK, checks, failed, ok, sign_in


@pytest.fixture
def place(tmp_path):
    """A directory in which nothing is configured but the port."""
    p = terminal.Place(tmp_path, config="")
    yield p
    p.stop()


def saved(place):
    assert place.config.stat().st_mode & 0o777 == 0o600
    return yaml.safe_load(place.config.read_text(encoding="utf-8"))["llm"]["providers"]


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


def test_up_says_how_to_come_to_its_link_from_elsewhere(tmp_path, provider):
    p = terminal.Place(tmp_path, config=f"llm: {{providers: [{provider.yaml()}]}}\n")
    ssh = {"SSH_CONNECTION": "203.0.113.5 50000 192.0.2.7 22", "USER": "anna"}
    try:
        assert "ssh -L" not in ok(p.run("up"))
        said = ok(p.run("up", **ssh))
        port = terminal.LINK.search(said)[1]
        assert f"  ssh -L {port}:127.0.0.1:{port} anna@192.0.2.7\n" in said
        assert f"ssh -L {port}:127.0.0.1:{port} 2001:db8::7\n" in ok(
            p.run("up", SSH_CONNECTION="2001:db8::5 50000 2001:db8::7 22", USER="$(x)"))
        assert f"  ssh -p 2222 -L {port}:127.0.0.1:{port} anna@192.0.2.7\n" in ok(
            p.run("up", SSH_CONNECTION="203.0.113.5 50000 192.0.2.7 2222", USER="anna"))
        for odd in ("x", "a b $(x) c", "", "a 1 192.0.2.7", "a 1 192.0.2.7 $(x)"):
            assert "ssh" not in ok(p.run("up", SSH_CONNECTION=odd))
        link = p.run("link", **ssh)
        assert ok(link).count("\n") == 1 and "ssh" not in link.stderr  # for programs, nothing else
        t = p.terminal("link", **ssh)
        t.expect("anna@192.0.2.7")
        assert t.end() == 0
    finally:
        p.stop()


@pytest.mark.parametrize("listen, here", [("0.0.0.0", "127.0.0.1"), ("[::]", "[::1]")])
def test_a_link_to_all_addresses_is_one_to_this_machine(tmp_path, provider, listen, here):
    p = terminal.Place(tmp_path, config=f"llm: {{providers: [{provider.yaml()}]}}\n")
    file = tmp_path / "var/nexflow.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("127.0.0.1:", f"{listen}:", 1), encoding="utf-8")
    try:
        t = p.terminal("up", SSH_CONNECTION="203.0.113.5 50000 192.0.2.7 22", USER="anna")
        t.expect("anna@192.0.2.7")
        assert t.end() == 0
        port = re.search(re.escape(f"http://{here}:") + r"(\d+)/#t=", t.text)[1]
        assert f"ssh -L {port}:{here}:{port} anna@192.0.2.7" in t.text
        assert "\u2588" not in t.text and listen not in t.text
    finally:
        p.stop()


def test_a_public_link_is_shown_as_a_picture_on_a_terminal(tmp_path, provider):
    p = terminal.Place(tmp_path, config=f"llm: {{providers: [{provider.yaml()}]}}\n")
    file = tmp_path / "var/nexflow.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace(
        "server: {", 'server: {public_url: "https://nexflow.example.org", '), encoding="utf-8")
    try:
        said = ok(p.run("up", SSH_CONNECTION="203.0.113.5 50000 192.0.2.7 22"))
        assert "https://nexflow.example.org/#t=" in said and "ssh" not in said and "\u2588" not in said
        t = p.terminal("up")
        t.expect("https://nexflow.example.org/#t=")
        t.expect("\u2588")
        assert t.end() == 0
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
        _, log = d.communicate(timeout=nexflow.WAIT_S)
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
        _, log = d.communicate(timeout=nexflow.WAIT_S)
    assert "NF_ONLY_HERE" in log


def test_an_interrupt_at_the_hidden_question_leaves_a_terminal_that_shows(place):
    t = place.terminal("up")
    t.expect("needs one)")
    assert not t.shows_typing()
    t.press("C")
    t.process.wait(nexflow.WAIT_S)
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
