"""What the suites about skills share: a plugin that asks what it is told to (asker/), and a server
for what it fetches."""
import http.server
import json
import pathlib
import subprocess
import threading

import pytest

import nexflow

ASKER = pathlib.Path(__file__).parent / "asker"
SECRET = "planted-secret-4711-xyzzy"

CONFIG = """skills:
  allow_private: [127.0.0.1]
  bundled: [none]
  secrets:
    - {name: KEY, value: "%s"}
""" % SECRET


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


@pytest.fixture(name="server", scope="module")
def _server():
    s = Server()
    yield s
    s.shutdown()


@pytest.fixture(name="plugin", scope="module")
def _plugin(tmp_path_factory):
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
