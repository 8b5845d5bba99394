"""Skills that are programs: what they say, what they ask, and what they leave behind."""
import json
import pathlib

import pytest

import nexflow
from skills import CONFIG, SECRET, install, run, text_tool, _server  # noqa: F401  fixture

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
elif tool == "leave":
    seen = sorted(os.listdir(".") + os.listdir("/tmp"))
    open("here", "w").write("x")
    if arguments.get("tmp"):
        open("/tmp/there", "w").write("x")
    say(result=seen)
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
              text_tool("escape"), text_tool("fetch"), text_tool("fill"), text_tool("leave"),
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
    program.wait_until(lambda: not processes(b"86399"))


def test_a_program_fills_no_disk(program):
    status, error = run(program, "fill")
    assert status >= 400 and "skills.workspace_size" in json.dumps(error), error
    assert not list((program.dir / "data/workspaces").glob("scratch-*/*"))


def test_a_program_finds_nothing_of_the_call_before(program):
    def leave(**args):
        status, text = run(program, "leave", **args)
        assert status == 200, text
        return json.loads(text)

    first = leave()  # /tmp has the way to the skill's own files, if they lie there
    assert not list((program.dir / "data/workspaces").glob("scratch-*/*"))
    for args in ({}, {"tmp": True}, {}, {}):
        assert leave(**args) == first


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
