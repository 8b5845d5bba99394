"""Skills from outside: called by hand and by a model, with what they may ask."""
import asyncio
import json
import subprocess

import pytest

import nexflow
from skills import (CONFIG, SECRET, install, run, text_tool, write_skill,  # noqa: F401  fixtures
                    _plugin, _server)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, server, plugin):
    d = nexflow.Daemon(tmp_path_factory.mktemp("daemon"), CONFIG).start()
    install(d, write_skill(d.dir / "src", plugin, capabilities={
        "http": [server.url + "/api/", server.url + "/to"], "secrets": ["KEY"], "kv": True,
        "files": "workspace"}))
    yield d
    assert d.stop() == 0


# --- what a skill asks --------------------------------------------------------------------------


def test_a_granted_url_is_fetched(daemon, server):
    status, text = run(daemon, "fetch", url=server.url + "/api/x?y=1")
    assert status == 200 and text.startswith("200 /api/x?y=1"), text


@pytest.mark.parametrize("url", [
    "{server}/other",                       # not below the prefix
    "{server}/api/../other",
    "{server}/api/%2e%2e/other",
    "{server}/apix",
    "http://localhost:{port}/api/x",        # another name of the same machine
    "http://127.1:{port}/api/x",            # other spellings of the address
    "http://2130706433:{port}/api/x",
    "http://0x7f.0.0.1:{port}/api/x",
    "http://0177.0.0.1:{port}/api/x",
    "http://[::1]:{port}/api/x",
    "http://[::ffff:127.0.0.1]:{port}/api/x",
    "http://127.0.0.1:{port}@evil.example/api/x",
    "http://evil.example@127.0.0.1:{port}/api/x",
    "http://evil.example#@127.0.0.1:{port}/api/x",
    "http://127.0.0.1:{port}\\@evil.example/api/x",
    "https://127.0.0.1:{port}/api/x",
    "http://127.0.0.1:1/api/x",
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/",
    "ftp://127.0.0.1/",
    "//127.0.0.1:{port}/api/x",
    "http:///api/x",
])
def test_nothing_else_is_fetched(daemon, server, url):
    seen = len(server.seen)
    url = url.replace("{server}", server.url).replace("{port}", str(server.server_port))
    status, text = run(daemon, "fetch", url=url)
    assert status == 200 and text.startswith(("code 1:", "code 3:")), text
    assert len(server.seen) == seen


@pytest.mark.parametrize("to", ["http://169.254.169.254/", "file:///etc/passwd", "/other",
                                "http://localhost:{port}/api/x", "//10.0.0.1/api/"])
def test_a_redirect_leads_nowhere_else(daemon, server, to):
    to = to.replace("{port}", str(server.server_port))
    status, text = run(daemon, "fetch", url=f"{server.url}/to?{to}")
    assert status == 200 and text.startswith(("code 1: redirect", "code 3: redirect")), text


def test_a_redirect_to_what_is_granted_is_followed(daemon, server):
    status, text = run(daemon, "fetch", url=f"{server.url}/to?/api/there")
    assert status == 200 and text.startswith("200 /api/there"), text


def test_private_addresses_need_the_configuration(tmp_path, server, plugin):
    d = nexflow.Daemon(tmp_path, "skills: {bundled: [none]}\n").start()
    install(d, write_skill(tmp_path / "src", plugin, capabilities={
        "http": [server.url + "/", f"http://localhost:{server.server_port}/",
                 "http://169.254.169.254/"]}))
    seen = len(server.seen)
    for url in (server.url + "/", f"http://localhost:{server.server_port}/",
                "http://169.254.169.254/"):
        status, text = run(d, "fetch", url=url)
        assert status == 200 and text.startswith("code 3:"), text
        assert "private or reserved" in text
    d.stop()
    assert len(server.seen) == seen


def test_keys_and_files_are_kept(daemon):
    assert run(daemon, "keep", key="a", value="one") == (200, "kept")
    assert run(daemon, "keep", key="a") == (200, "one")
    assert run(daemon, "file", path="notes/a.txt", text="hello") == (200, "written")
    assert run(daemon, "file", path="notes/a.txt") == (200, "hello")
    for path in ("../../nexflow.db", "/etc/passwd", "notes/../../x"):
        assert run(daemon, "file", path=path)[1].startswith("code 1:")


def test_what_is_not_granted_is_denied(tmp_path, server, plugin):
    d = nexflow.Daemon(tmp_path, CONFIG).start()
    install(d, write_skill(tmp_path / "src", plugin))
    for tool, arguments in (("fetch", {"url": server.url + "/"}), ("keep", {"key": "a"}),
                            ("file", {"path": "a"})):
        status, text = run(d, tool, **arguments)
        assert status == 200 and text.startswith("code 3:"), text
    d.stop()


# --- what a call may do to us -------------------------------------------------------------------


def test_a_crash_and_a_hang_are_failures_with_reasons(daemon):
    status, error = run(daemon, "crash")
    assert status >= 400 and error, error
    status, error = run(daemon, "hang")
    assert status >= 400 and error, error
    assert run(daemon, "say", text="still there") == (200, "said")
    text = daemon.get("/metrics")[1]
    assert 'nexflow_skill_calls_total{skill="probe",outcome="timeout"} 1' in text


def test_the_log_is_the_owners_to_read(daemon):
    run(daemon, "say", text="something to note")

    def logged():
        status, body = daemon.get("/api/v1/skills/probe/logs")
        return status == 200 and " warn told: something to note" in body["log"]
    daemon.wait_until(logged)


def test_health_says_how_strong_the_sandbox_is(daemon):
    sandbox = daemon.get("/health")[1]["sandbox"]
    assert sandbox["level"] in ("L3", "L2", "L1", "L0.5")
    assert isinstance(sandbox["missing"], str)


# --- secrets ------------------------------------------------------------------------------------


def test_a_planted_secret_is_sent_and_appears_nowhere(tmp_path, server, plugin):
    d = nexflow.Daemon(tmp_path, CONFIG + "log: {level: debug}\n").start()
    install(d, write_skill(tmp_path / "src", plugin, capabilities={
        "http": [server.url + "/"], "secrets": ["KEY"], "kv": True, "files": "workspace"}))
    answers = [
        run(d, "fetch", url=server.url + "/echo", headers=["X-Key: ${secret:KEY}"]),
        run(d, "fetch", url=server.url + "/echo", headers=["X-Key: a ${secret:KEY} b ${secret:KEY}"]),
        run(d, "fetch", url=server.url + "/${secret:KEY}"),
        run(d, "fetch", url=server.url + "/", headers=["X: ${secret:OTHER}"]),
        run(d, "fetch", url=server.url + "/to?http://x.example/", headers=["X: ${secret:KEY}"]),
        run(d, "say", text="${secret:KEY}"),
        run(d, "keep", key="a", value="${secret:KEY}"),
        run(d, "keep", key="a"),
        d.get("/api/v1/skills/probe"), d.get("/health"), d.get("/metrics"),
    ]
    d.request("GET", "/api/v1/skills/probe/logs")
    assert server.seen[-1][1].get("X") == SECRET or any(
        h.get("X-Key") == SECRET for _, h in server.seen)
    assert d.stop() == 0
    shown = subprocess.run([nexflow.BIN / "nexflow", "--config", d.config, "config", "show"],
                           capture_output=True, text=True, check=False, timeout=nexflow.WAIT_S, env=d.env)
    assert SECRET not in json.dumps(answers) + shown.stdout + shown.stderr
    for path in tmp_path.rglob("*"):
        if path.is_file() and path != d.config:
            assert SECRET.encode() not in path.read_bytes(), path


def test_a_call_by_hand_is_listed_as_a_task(daemon):
    assert run(daemon, "say", text="x" * 5000) == (200, "said")
    status, page = daemon.get("/api/v1/tasks?limit=1")
    assert status == 200
    task, = page["tasks"]
    assert (task["kind"], task["name"], task["status"]) == ("tool", "probe_say", "completed")
    assert "arguments" not in task
    assert "xxx" in daemon.get(f"/api/v1/tasks/{task['id']}")[1]["arguments"]
    assert daemon.get("/api/v1/tasks?limit=1&status=completed")[1]["tasks"] == [task]
    assert task not in daemon.get("/api/v1/tasks?status=failed")[1]["tasks"]


# --- a model calls ------------------------------------------------------------------------------


def test_a_model_calls_a_tool_and_the_person_sees_progress(tmp_path, plugin, provider):
    d = nexflow.Daemon(tmp_path, CONFIG, provider=provider.yaml()).start()
    write_skill(tmp_path / "src", plugin, tools=[text_tool("say", "text")])
    install(d, tmp_path / "src")
    provider.script(call_offered=True, args={"text": "tea"})

    async def talk():
        async with d.connect() as s:
            _, last, text = await s.answer("hello", "m1")
            return last, text, s.frames
    last, text, frames = asyncio.run(talk())
    assert last["type"] == "RUN_FINISHED", last
    assert "said" in text
    assert any(f["type"].startswith("TOOL_CALL") for f in frames)
    assert "half of tea" in json.dumps(frames)
    d.stop()
