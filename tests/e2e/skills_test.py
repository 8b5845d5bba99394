"""Skills from outside: installed, granted, called by hand and by a model, with what they may ask."""
import asyncio
import concurrent.futures
import http.server
import json
import os
import pathlib
import signal
import subprocess
import threading

import pytest

import nexflow

ASKER = pathlib.Path(__file__).parent / "asker"
SECRET = "planted-secret-4711-xyzzy"


def text_tool(name, *keys, **more):
    schema = {"type": "object", "properties": {k: {"type": "string"} for k in keys}}
    return {"name": name, "description": name, "parameters": schema, "approval": "never", **more}


TOOLS = [
    {"name": "fetch", "description": "fetch", "approval": "never", "parameters": {
        "type": "object", "required": ["url"], "properties": {
            "url": {"type": "string"}, "headers": {"type": "array", "items": {"type": "string"}}}}},
    text_tool("keep", "key", "value"),
    text_tool("file", "path", "text"),
    text_tool("say", "text"),
    text_tool("crash"),
    text_tool("hang", timeout_ms=500),
    text_tool("ask_first", "text", approval="ask"),
]


class Server(http.server.ThreadingHTTPServer):
    """Answers with the request it got; /to?URL redirects."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen = []
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802  (its name)
        self.server.seen.append((self.path, dict(self.headers)))
        body = (self.path + "\n" + str(self.headers)).encode()
        redirect = self.path.startswith("/to?")
        self.send_response(302 if redirect else 200)
        if redirect:
            self.send_header("Location", self.path[4:])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    s = Server()
    yield s
    s.shutdown()


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    out = tmp_path_factory.mktemp("probe") / "probe.so"
    subprocess.run(["cc", "-std=c99", "-Wall", "-Werror", "-O1", "-fPIC", "-shared",
                    "-I", nexflow.TOP / "skills/include", ASKER / "asker.c", "-o", out],
                   check=True, timeout=60)
    return out.read_bytes()


def write_skill(directory, plugin, **manifest):
    directory.mkdir(exist_ok=True)
    (directory / "probe.so").write_bytes(plugin)
    m = {"name": "probe", "version": "1.0.0", "description": "Asks what it is told to",
         "entry": "probe.so", "tools": TOOLS, **manifest}
    (directory / "skill.json").write_text(json.dumps(m), encoding="utf-8")
    return directory


def install(daemon, directory, enable=True):
    status, skill = daemon.post("/api/v1/skills", {"path": str(directory)})
    assert status == 201, skill
    if enable:
        status, skill = daemon.post("/api/v1/skills/probe/enable", {"hash": skill["hash"]})
        assert status == 200, skill
    return skill


def run(daemon, tool, **arguments):
    """(status, result or message)"""
    status, body = daemon.post(f"/api/v1/skills/probe/tools/{tool}/run", arguments)
    if status == 200:
        return status, body["result"]
    return status, body.get("error", body) if isinstance(body, dict) else body


CONFIG = """skills:
  allow_private: [127.0.0.1]
  bundled: [none]
  secrets:
    - {name: KEY, value: "%s"}
""" % SECRET


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
                           capture_output=True, text=True, check=False, timeout=30, env=d.env)
    assert SECRET not in json.dumps(answers) + shown.stdout + shown.stderr
    for path in tmp_path.rglob("*"):
        if path.is_file() and path != d.config:
            assert SECRET.encode() not in path.read_bytes(), path


# --- grants -------------------------------------------------------------------------------------


def test_nothing_runs_before_the_owner_agreed(tmp_path, plugin):
    d = nexflow.Daemon(tmp_path, CONFIG).start()
    source = write_skill(tmp_path / "src", plugin)
    skill = install(d, source, enable=False)
    assert run(d, "say", text="x")[0] == 404
    status, _ = d.post("/api/v1/skills/probe/enable", {"hash": "0" * 64})
    assert status == 409
    status, _ = d.post("/api/v1/skills/probe/enable", {"hash": skill["hash"]})
    assert status == 200
    assert run(d, "say", text="x") == (200, "said")
    # Other files are another skill, and need another grant.
    write_skill(source, plugin, description="Another")
    install(d, source, enable=False)
    assert run(d, "say", text="x")[0] == 404
    d.stop()


def test_installing_many_at_once_leaves_one_that_is_whole(tmp_path, plugin):
    d = nexflow.Daemon(tmp_path, "skills: {bundled: [none]}\n").start()
    sources = [write_skill(tmp_path / f"src{i}", plugin, description=f"number {i}") for i in range(6)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda s: d.post("/api/v1/skills", {"path": str(s)}), sources))
    assert [status for status, _ in answers] == [201] * 6
    skill = d.get("/api/v1/skills/probe")[1]
    assert "problem" not in skill
    assert d.post("/api/v1/skills/probe/enable", {"hash": skill["hash"]})[0] == 200
    assert run(d, "say", text="x") == (200, "said")
    assert d.stop() == 0


def test_a_file_changed_behind_our_back_is_noticed(tmp_path, plugin):
    d = nexflow.Daemon(tmp_path, CONFIG).start()
    skill = install(d, write_skill(tmp_path / "src", plugin))
    assert run(d, "say", text="x") == (200, "said")
    entry = tmp_path / "data/skills/probe" / skill["hash"] / "probe.so"
    os.chmod(entry, 0o644)
    with open(entry, "ab") as f:
        f.write(b"\0")
    status, error = run(d, "say", text="x")
    assert status == 409 and "changed" in json.dumps(error), error
    d.stop()
    d.start()  # and after a restart it is not even offered
    assert run(d, "say", text="x")[0] == 404
    assert d.events("skill.unusable")
    d.stop()


def test_settings_say_who_is_asked(tmp_path, plugin):
    d = nexflow.Daemon(tmp_path, CONFIG + "  approval: [{tool: probe.say, approval: always}]\n")
    d.start()
    install(d, write_skill(tmp_path / "src", plugin))
    tools = {t["name"]: t for t in d.get("/api/v1/skills/probe")[1]["tools"]}
    assert tools["fetch"]["approval"] == "never"
    answer = []
    caller = threading.Thread(target=lambda: answer.append(run(d, "say", text="x")))
    caller.start()
    d.wait_until(lambda: d.get("/api/v1/approvals")[1]["approvals"])
    approval = d.get("/api/v1/approvals")[1]["approvals"][0]
    assert d.post(f"/api/v1/approvals/{approval['id']}", {"decision": "allow"})[0] == 200
    caller.join(30)
    assert answer == [(200, "said")]
    d.stop()


def test_a_reload_takes_over_secrets_limits_and_approvals(tmp_path, server, plugin):
    d = nexflow.Daemon(tmp_path, CONFIG).start()
    install(d, write_skill(tmp_path / "src", plugin, capabilities={
        "http": [server.url + "/"], "secrets": ["KEY"]}))
    before = d.config.read_text(encoding="utf-8")
    assert run(d, "fetch", url=server.url + "/", headers=["X-Key: ${secret:KEY}"])[0] == 200
    assert server.seen[-1][1]["X-Key"] == SECRET
    d.config.write_text(before.replace(SECRET, "another-secret")
                        + "  http_requests: 1\n"
                        + "  approval: [{tool: probe, approval: always}]\n", encoding="utf-8")
    d.process.send_signal(signal.SIGHUP)
    d.wait_until(lambda: d.get("/health")[1]["config_loads"] == 1)
    answer = []
    caller = threading.Thread(target=lambda: answer.append(
        run(d, "fetch", url=server.url + "/to?/x", headers=["X-Key: ${secret:KEY}"])))
    caller.start()
    d.wait_until(lambda: d.get("/api/v1/approvals")[1]["approvals"])
    approval = d.get("/api/v1/approvals")[1]["approvals"][0]
    assert d.post(f"/api/v1/approvals/{approval['id']}", {"decision": "allow"})[0] == 200
    caller.join(30)
    assert server.seen[-1][1]["X-Key"] == "another-secret"
    assert answer[0][1].startswith("code 4:"), answer  # one request, and the redirect is another
    # What is wrong is refused as a whole.
    d.config.write_text(before.replace(SECRET, "short"), encoding="utf-8")
    d.process.send_signal(signal.SIGHUP)
    d.wait_until(lambda: d.get("/health")[1]["config"] == "refused")
    assert "short" not in d.log()
    d.stop()


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


# --- bundled ------------------------------------------------------------------------------------


def skills(d):
    return {s["name"]: s for s in d.get("/api/v1/skills")[1]["skills"]}


def test_bundled_skills_are_there_and_stay_removed(tmp_path, plugin):
    bundled = tmp_path / "bundled"
    bundled.mkdir()
    write_skill(bundled / "probe", plugin)
    write_skill(bundled / "reach", plugin, name="reach",
                capabilities={"http": ["https://a.example/"]})
    (bundled / "broken").mkdir()
    config = f'skills: {{bundled_dir: "{bundled}", allow_private: [127.0.0.1]}}\n'
    d = nexflow.Daemon(tmp_path, config).start()
    assert len(skills(d)) == 2  # from the first answer on
    assert skills(d)["probe"]["status"] == "enabled"
    assert skills(d)["reach"]["status"] == "installed"  # it reaches the network: somebody is asked
    assert d.events("skill.bundled.failed")
    assert run(d, "say", text="x") == (200, "said")
    d.stop()

    # The program is upgraded: asking for no more, it keeps its grant.
    write_skill(bundled / "probe", plugin, version="1.0.1")
    d.start()
    d.wait_until(lambda: skills(d)["probe"]["version"] == "1.0.1")
    assert skills(d)["probe"]["status"] == "enabled"
    d.stop()
    # Asking for more it waits for one.
    write_skill(bundled / "probe", plugin, version="1.0.2", capabilities={"kv": True})
    d.start()
    d.wait_until(lambda: skills(d)["probe"]["version"] == "1.0.2")
    assert skills(d)["probe"]["status"] == "disabled"
    # What a person removed does not come back.
    assert d.request("DELETE", "/api/v1/skills/probe")[0] == 204
    d.stop()
    d.start()
    d.wait_until(lambda: "reach" in skills(d))
    assert "probe" not in skills(d)
    d.stop()


# --- programs -----------------------------------------------------------------------------------

PROGRAM = """
import json, os, socket, subprocess, sys, time

call = json.loads(sys.stdin.readline())
arguments = call["arguments"]

def say(**line):
    print(json.dumps(line), flush=True)

def ask(**question):
    say(**question)
    return json.loads(sys.stdin.readline())

def attempt(action):
    try:
        return action()
    except OSError as error:
        return type(error).__name__

def connect(family, address):
    with socket.socket(family) as s:
        s.settimeout(1)
        s.connect(address)
        return "connected"

tool = call["tool"]
if tool == "echo":
    say(log="info", text="a note")
    say(progress=10, text="begun")
    say(result=arguments)
elif tool == "text":
    say(result="plain text")
elif tool == "refuse":
    say(error="no such word", code="not_found")
elif tool == "fail":
    print("noise", file=sys.stderr)
    raise SystemExit(3)
elif tool == "junk":
    print("this is no JSON")
elif tool == "flood":
    while True:
        print("x" * 65536, end="")
elif tool == "greedy":
    bytearray(1 << 30)
elif tool == "tree":
    for _ in range(3):
        subprocess.Popen(["/bin/sleep", "86399"], start_new_session=True)
    time.sleep(60)
elif tool == "fill":
    for n in range(4):
        open(str(n), "w").write("x" * 2000000)
    time.sleep(60)
elif tool == "keep":
    say(result=[ask(ask="kv.put", key="k", value="v"), ask(ask="kv.get", key="k")])
elif tool == "fetch":
    say(result=ask(ask="http.fetch", **arguments))
elif tool == "escape":
    say(result={
        "connect": attempt(lambda: connect(socket.AF_INET, ("127.0.0.1", arguments["port"]))),
        "daemon": attempt(lambda: connect(socket.AF_UNIX, arguments["socket"])),
        "shadow": attempt(lambda: open("/etc/shadow").read()),
        "database": attempt(lambda: open(arguments["database"]).read()),
        "outside": attempt(lambda: open(arguments["outside"], "w").write("x")),
        "own": attempt(lambda: open(__file__, "a").write("x")),
        "here": attempt(lambda: open("made", "w").write("x")),
        "environment": sorted(os.environ)})
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory, server):
    d = nexflow.Daemon(tmp_path_factory.mktemp("program"), CONFIG + "  workspace_size: 5MiB\n")
    d.start()
    source = d.dir / "src"
    source.mkdir()
    (source / "run.py").write_text(PROGRAM, encoding="utf-8")
    tools = [text_tool(name) for name in ("echo", "text", "refuse", "fail", "junk", "keep")]
    tools += [text_tool("flood", timeout_ms=20000), text_tool("tree", timeout_ms=1500),
              text_tool("escape"), text_tool("fetch"), text_tool("fill"),
              text_tool("greedy")]
    (source / "skill.json").write_text(json.dumps({
        "name": "probe", "version": "1.0.0", "description": "A program", "kind": "program",
        "entry": "run.py", "interpreter": "/usr/bin/python3", "tools": tools,
        "capabilities": {"http": [server.url + "/api/"], "secrets": ["KEY"], "kv": True}}),
        encoding="utf-8")
    install(d, source)
    if d.get("/health")[1]["sandbox"]["level"] == "L0.5":
        pytest.skip("programs need level L1")
    yield d
    assert d.stop() == 0


def test_a_program_says_its_result(program):
    status, text = run(program, "echo", a=1, b=["x", "ä\n"])
    assert status == 200 and json.loads(text) == {"a": 1, "b": ["x", "ä\n"]}
    assert run(program, "text") == (200, "plain text")


def test_a_program_fails_in_words(program):
    status, error = run(program, "refuse")
    assert status == 404 and "no such word" in json.dumps(error)
    status, error = run(program, "fail")
    assert "code 3" in json.dumps(error) and "noise" in json.dumps(error), error
    status, error = run(program, "junk")
    assert "no JSON object" in json.dumps(error), error
    status, error = run(program, "flood")
    assert status >= 400 and "bytes" in json.dumps(error), error
    status, error = run(program, "greedy")
    assert status >= 400 and "emory" in json.dumps(error), error  # told by us, or by Python
    assert run(program, "text") == (200, "plain text")


def processes(word):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word in path.read_bytes().split(b"\0"):
                found.append(path)
        except OSError:
            pass
    return found


def test_what_a_program_started_ends_with_it(program):
    status, error = run(program, "tree")
    assert status >= 400 and "1500 ms" in json.dumps(error), error
    program.wait_until(lambda: not processes(b"86399"), 10)


def test_a_program_fills_no_disk(program):
    status, error = run(program, "fill")
    assert status >= 400 and "skills.workspace_size" in json.dumps(error), error
    assert not list((program.dir / "data/workspaces").glob("scratch-*"))


def test_a_program_asks(program, server):
    status, text = run(program, "keep")
    put, got = json.loads(text)
    assert put["code"] == 0 and got["body"] == "v", text
    status, text = run(program, "fetch", url=server.url + "/api/x",
                       headers=["X-Key: ${secret:KEY}"])
    answer = json.loads(text)
    assert answer["code"] == 0 and answer["result"]["status"] == 200, text
    assert answer["body"].startswith("/api/x") and SECRET not in text
    assert server.seen[-1][1]["X-Key"] == SECRET
    status, text = run(program, "fetch", url=server.url + "/other")
    assert json.loads(text)["code"] == 3, text


def test_a_program_gets_nowhere_else(program, server, tmp_path):
    outside = tmp_path / "outside"
    status, text = run(program, "escape", port=server.server_port, outside=str(outside),
                       socket=str(program.dir / "data/nexflow.sock"),
                       database=str(program.dir / "data/nexflow.db"))
    assert status == 200, text
    saw = json.loads(text)
    for what in ("connect", "daemon", "shadow", "database", "outside", "own"):
        assert isinstance(saw[what], str) and saw[what].endswith("Error"), (what, saw)
    assert saw["here"] == 1
    assert not any("NEXFLOW" in name for name in saw["environment"])
    assert not outside.exists()
    assert not list((program.dir / "data/workspaces").glob("scratch-*/made"))


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
