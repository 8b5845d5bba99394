"""A program with "http": unmodified tools reach what the manifest grants, through the proxy of its
jail, and nothing else, whatever they say to it."""
import json
import pathlib
import shutil
import socketserver
import tempfile
import threading

import pytest

import nexflow
from skills import SECRET, Server, install, run, text_tool

PROGRAM = r"""
import json, os, socket, subprocess, sys, urllib.error, urllib.request

call = json.loads(sys.stdin.readline())
tool, arguments = call["tool"], call["arguments"]

def say(result):
    print(json.dumps({"result": result}), flush=True)

def urls():
    r = urllib.request.Request(arguments["url"], headers=arguments.get("headers", {}),
                               data=arguments["data"].encode() if "data" in arguments else None)
    try:
        with urllib.request.urlopen(r, timeout=60) as answer:
            return {"status": answer.status, "body": answer.read().decode()}
    except urllib.error.HTTPError as e:
        return {"status": e.code, "body": e.read().decode()}
    except OSError as e:
        return {"error": str(e)}

def proxied():
    s = socket.create_connection(("127.0.0.1", 3128), 60)
    s.settimeout(20)
    return s

def raw():
    s, got = proxied(), b""
    for part in arguments["send"]:
        s.sendall(part.encode("latin-1"))
        if arguments.get("turns"):
            got += s.recv(65536)
    try:
        while piece := s.recv(65536):
            got += piece
    except OSError as e:
        got += b" " + type(e).__name__.encode()
    return got.decode("latin-1")

def direct():
    try:
        socket.create_connection((arguments["host"], arguments["port"]), 3)
        return "connected"
    except OSError as e:
        return type(e).__name__

if tool == "url":
    say(urls())
elif tool == "curl":
    r = subprocess.run(["/usr/bin/curl", "-sS", "-m", "10", "-w", " %{http_code}",
                        *arguments["args"]], capture_output=True, text=True)
    say(r.stdout + r.stderr)
elif tool == "raw":
    say(raw())
elif tool == "direct":
    say(direct())
elif tool == "leave":
    held = [proxied() for _ in range(20)]  # more than are served at once
    held[19].sendall(arguments["send"].encode())
    say(open("/proc/1/stat").read().split()[21])  # when the jail began
elif tool == "many":
    held, answered = [proxied() for _ in range(int(arguments["n"]))], 0
    held.pop(0).close()
    say(urls())
"""


class Echo(socketserver.ThreadingTCPServer):
    """Stands for a server behind TLS: sends back what it gets."""
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        self.got = []
        super().__init__(("127.0.0.1", 0), EchoHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class EchoHandler(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.server.got.append(data)
            self.request.sendall(data)


def post(self):
    body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
    self.server.seen.append((self.path, dict(self.headers), body))
    self.send_response(200)
    self.send_header("Content-Length", str(len(body)))
    self.end_headers()
    self.wfile.write(body)


class World:
    def __init__(self, directory):
        self.server, self.echo = Server(), Echo()
        self.server.RequestHandlerClass.do_POST = post
        self.port, self.echo_port = self.server.server_port, self.echo.server_address[1]
        self.daemon = nexflow.Daemon(directory, """skills:
  allow_private: [127.0.0.1]
  bundled: [none]
  http_requests: 40
  secrets:
    - {name: KEY, value: "%s"}
""" % SECRET).start()
        source = directory / "src"
        source.mkdir()
        (source / "run.py").write_text(PROGRAM, encoding="utf-8")
        (source / "skill.json").write_text(json.dumps({
            "name": "probe", "version": "1.0.0", "description": "A program", "kind": "program",
            "entry": "run.py", "interpreter": "/usr/bin/python3", "limits": {"http_kib": 64},
            "tools": [text_tool(name) for name in
                      ("url", "curl", "raw", "direct", "leave", "many")],
            "capabilities": {"http": [f"{self.server.url}/api/", f"{self.server.url}/to",
                                      f"https://127.0.0.1:{self.echo_port}/",
                                      f"http://127.0.0.1:{self.echo_port}/plain",
                                      f"http://127.0.0.2:{self.port}/"],
                             "secrets": ["KEY"]}}), encoding="utf-8")
        install(self.daemon, source)

    def call(self, tool, **arguments):
        status, text = run(self.daemon, tool, **arguments)
        assert status == 200, text
        try:
            return json.loads(text)
        except ValueError:
            return text

    def raw(self, *send, **more):
        return self.call("raw", send=list(send), **more)

    def get(self, path="/api/x", version="1.1", headers=""):
        return f"GET {self.server.url}{path} HTTP/{version}\r\n{headers}\r\n"


@pytest.fixture(scope="module")
def world():
    # Not below /tmp: then the jails have something in theirs, and are not kept for the next call.
    directory = pathlib.Path(tempfile.mkdtemp(prefix="nexflow-proxy-", dir="/var/tmp"))
    yield from in_world(directory)
    shutil.rmtree(directory)


def in_world(directory):
    w = World(directory)
    if w.daemon.get("/health")[1]["sandbox"]["level"] not in ("L2", "L3"):
        pytest.skip("a proxy needs namespaces")
    yield w
    assert w.daemon.stop() == 0
    w.server.shutdown()
    w.echo.shutdown()


def test_what_is_granted_is_reached_by_an_unmodified_client(world):
    got = world.call("url", url=world.server.url + "/api/hello?q=1")
    assert got["status"] == 200 and got["body"].startswith("/api/hello?q=1\n"), got
    got = world.call("url", url=world.server.url + "/api/post", data="some words")
    assert got == {"status": 200, "body": "some words"}
    assert world.server.seen[-1][0] == "/api/post"


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
def test_also_by_curl(world):
    got = world.call("curl", args=[world.server.url + "/api/curl"])
    assert got.startswith("/api/curl\n") and got.endswith(" 200"), got
    assert world.call("curl", args=["-d", "x" * 5000, world.server.url + "/api/p"]) == \
        "x" * 5000 + " 200"
    got = world.call("curl", args=[world.server.url + "/other"])
    assert "not granted" in got and got.endswith(" 403"), got
    got = world.call("curl", args=[f"https://127.0.0.1:{world.port}/api/"])
    assert "403" in got, got


def test_a_tunnel_is_for_a_server_that_is_granted_as_a_whole(world):
    connect = f"CONNECT 127.0.0.1:{world.echo_port} HTTP/1.1\r\n\r\n"
    got = world.raw(connect, "hello", "again", turns=True)
    assert got.startswith("HTTP/1.1 200 ") and "hello" in got and "again" in got, got
    got = world.raw(f"CONNECT 127.0.0.1:{world.port} HTTP/1.1\r\n\r\n")
    assert got.startswith("HTTP/1.1 403 ") and "as a whole" in got, got


@pytest.mark.parametrize("path", ["/other", "/apix", "/api/../other", "/api/%2e%2e/other", "/"])
def test_another_path_is_refused(world, path):
    before = len(world.server.seen)
    got = world.raw(world.get(path))
    assert got.startswith(("HTTP/1.1 403 ", "HTTP/1.1 400 ")), got
    assert len(world.server.seen) == before


def test_another_server_is_refused(world):
    for url in ("http://example.com/", "http://127.0.0.1:1/api/", "http://localhost/api/",
                "http://169.254.169.254/latest/meta-data/"):
        assert world.raw(f"GET {url} HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 403 "), url


def test_a_private_address_is_refused_though_its_name_is_granted(world):
    before = len(world.server.seen)
    got = world.raw(f"GET http://127.0.0.2:{world.port}/api/x HTTP/1.1\r\n\r\n")
    assert got.startswith("HTTP/1.1 403 ") and "allow_private" in got, got
    assert len(world.server.seen) == before


def test_a_redirect_is_judged_when_it_is_followed(world):
    got = world.call("url", url=f"{world.server.url}/to?{world.server.url}/api/there")
    assert got["status"] == 200 and got["body"].startswith("/api/there"), got
    got = world.call("url", url=f"{world.server.url}/to?{world.server.url}/elsewhere")
    assert got["status"] == 403, got


def test_there_is_no_other_way_out(world):
    assert world.call("direct", host="127.0.0.1", port=world.port) != "connected"
    assert world.call("direct", host="192.0.2.1", port=80) != "connected"


def test_what_the_server_gets_is_what_was_judged(world):
    host = f"127.0.0.1:{world.port}"
    got = world.raw(world.get(headers="Host: other.example\r\nX-Forwarded-For: 1.2.3.4\r\n"
                                      "Proxy-Authorization: Basic eA==\r\nConnection: x-hop\r\n"
                                      "X-Hop: 1\r\nX-Kept: yes\r\n"))
    assert got.startswith("HTTP/1.1 200 "), got
    seen = world.server.seen[-1][1]
    assert seen["Host"] == host and seen["Connection"] == "close" and seen["X-Kept"] == "yes"
    for name in ("X-Forwarded-For", "Proxy-Authorization", "X-Hop"):
        assert name not in seen, name


def test_a_secret_does_not_go_this_way(world):
    got = world.call("url", url=world.server.url + "/api/s", headers={"X-Key": "${secret:KEY}"})
    assert got["status"] == 200
    assert world.server.seen[-1][1]["X-Key"] == "${secret:KEY}"


SMUGGLED = [
    "Content-Length: 3\r\nContent-Length: 5\r\n",
    "Content-Length: 3, 3\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: 0x3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    "Content-Length: 3\r\n Transfer-Encoding: chunked\r\n",
    "Content-Length : 3\r\n",
    "X: a\nGET /other HTTP/1.1\r\n",
    "X: a\rTransfer-Encoding: chunked\r\n",
    "X: a\x01b\r\n",
    "no colon\r\n",
    ": no name\r\n",
]


@pytest.mark.parametrize("headers", SMUGGLED)
def test_a_head_that_can_be_read_in_two_ways_is_refused(world, headers):
    before = len(world.server.seen)
    got = world.raw(world.get(headers=headers) + "abcde")
    assert got.startswith("HTTP/1.1 400 "), got
    assert len(world.server.seen) == before


def test_a_second_request_on_a_connection_does_not_reach_the_server(world):
    before = len(world.server.seen)
    got = world.raw(world.get() + world.get("/other"))
    assert got.count("HTTP/1.1 200") <= 1, got
    body = "abc" + world.get("/other")
    world.raw(f"POST {world.server.url}/api/p HTTP/1.1\r\nContent-Length: 3\r\n\r\n{body}")
    paths = [entry[0] for entry in world.server.seen[before:]]
    assert "/other" not in paths, paths
    plain = f"http://127.0.0.1:{world.echo_port}/plain"
    world.raw(f"GET {plain} HTTP/1.1\r\n\r\n", "GET /more HTTP/1.1\r\n\r\n", turns=True)
    world.raw(f"POST {plain} HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /more HTTP/1.1\r\n\r\n")
    got = b"".join(world.echo.got)
    assert b"GET /plain" in got and b"POST /plain" in got and b"/more" not in got, got


@pytest.mark.parametrize("head", [
    "GET /api/x HTTP/1.1\r\n\r\n", "GET ftp://127.0.0.1/ HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n",
    "GET https://127.0.0.1/ HTTP/1.1\r\n\r\n", "TRACE http://127.0.0.1/ HTTP/1.1\r\n\r\n",
    "CONNECT / HTTP/1.1\r\n\r\n", "CONNECT 127.0.0.1 HTTP/1.1\r\n\r\n",
    "CONNECT a@127.0.0.1:1 HTTP/1.1\r\n\r\n", "CONNECT 127.0.0.1:99999 HTTP/1.1\r\n\r\n",
    "GET http://u:p@127.0.0.1/ HTTP/1.1\r\n\r\n", "GET http://127.1/ HTTP/1.1\r\n\r\n",
    "GET http://2130706433/ HTTP/1.1\r\n\r\n", "GET  http://127.0.0.1/ HTTP/1.1\r\n\r\n",
    "GET http://127.0.0.1/ HTTP/2\r\n\r\n", "\r\n\r\n"])
def test_what_is_no_request_is_refused(world, head):
    got = world.raw(head)
    assert got.startswith(("HTTP/1.1 400 ", "HTTP/1.1 403 ")), got


def test_a_head_without_end_is_refused(world):
    got = world.raw("GET " + "x" * 20000)
    assert got.startswith("HTTP/1.1 429 ") or "Error" in got, got


def test_the_answer_has_a_limit(world):
    world.server.RequestHandlerClass.do_PUT = post
    got = world.raw(f"CONNECT 127.0.0.1:{world.echo_port} HTTP/1.1\r\n\r\n", "x" * 400000)
    assert len(got) < 2 * 65536 + 1000, len(got)  # http_kib, and what TLS may need


def test_requests_are_counted_with_those_that_are_asked_for(world):
    got = world.call("curl", args=[x for i in range(45) for x in
                                   ("-o", "/dev/null", f"{world.server.url}/api/{i}")])
    assert got.count(" 200") == 40 and got.count(" 429") == 5, got


def test_connections_that_say_nothing_keep_nobody_out(world):
    got = world.call("many", n="16", url=world.server.url + "/api/many")
    assert got["status"] == 200, got


def test_what_a_call_left_in_the_queue_is_not_the_next_ones(world):
    began = world.call("leave", send=world.get("/api/left"))
    assert world.call("leave", send=world.get("/api/left")) == began, "the jail was not kept"
    before = len(world.server.seen)
    assert world.call("url", url=world.server.url + "/api/next")["status"] == 200
    paths = [entry[0] for entry in world.server.seen[before:]]
    assert paths == ["/api/next"], paths


def test_refusals_are_in_the_log(world):
    world.raw(world.get("/other"))
    world.daemon.wait_until(lambda: "not granted by the manifest" in json.dumps(
        world.daemon.get("/api/v1/skills/probe/logs")[1]))


def test_a_program_without_http_has_no_proxy(tmp_path):
    d = nexflow.Daemon(tmp_path, "skills: {bundled: [none]}\n").start()
    source = tmp_path / "src"
    source.mkdir()
    (source / "run.py").write_text(
        "import json, os, socket, sys\n"
        "def can():\n"
        "    try:\n        socket.socket()\n        return 'socket'\n"
        "    except OSError as e:\n        return type(e).__name__\n"
        "print(json.dumps({'result': [can(), sorted(os.environ)]}))\n", encoding="utf-8")
    (source / "skill.json").write_text(json.dumps({
        "name": "probe", "version": "1.0.0", "description": "A program", "kind": "program",
        "entry": "run.py", "interpreter": "/usr/bin/python3", "tools": [text_tool("look")]}),
        encoding="utf-8")
    install(d, source)
    can, names = json.loads(run(d, "look")[1])
    assert can == "PermissionError" and not [n for n in names if "proxy" in n.lower()], names
    assert d.stop() == 0
