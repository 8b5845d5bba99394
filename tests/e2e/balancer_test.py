"""Two daemons behind a real nginx with the configuration that comes with the package, but for names,
addresses and certificates."""
import asyncio
import base64
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import time

import pytest
import websockets

import certificates
import nexflow

NAME = "nexflow.example.org"
CONFIG = ("turns: {lease: 3s}\n"
          "limits: {messages_per_minute: 1000000, requests_per_minute: 1000000}\n")
MAIN = """{user}daemon off; worker_processes 1; pid {dir}/pid; error_log {dir}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off; client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir};
    uwsgi_temp_path {dir}; scgi_temp_path {dir};
    include {dir}/nexflow.conf;
}}
"""


def site(daemons, port, plain, cert, key):
    """script/packaging/nginx.conf for these daemons; a text that is not there any more is an error."""
    text = (nexflow.TOP / "script/packaging/nginx.conf").read_text(encoding="ascii")
    ours = [f"server 127.0.0.1:{d.port} max_fails=1 fail_timeout=3s;" for d in daemons]
    changes = {"server 10.0.0.11:7777 max_fails=1 fail_timeout=3s;": ours[0],
               "server 10.0.0.12:7777 max_fails=1 fail_timeout=3s;": ours[1],
               "server 10.0.0.13:7777 max_fails=1 fail_timeout=3s;": "",
               "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
               "listen 80;": f"listen 127.0.0.1:{plain};",
               "/etc/ssl/nexflow/fullchain.pem": str(cert), "/etc/ssl/nexflow/key.pem": str(key)}
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


class Balancer:
    """nginx, and a client that believes its certificate."""

    def __init__(self, directory, daemons, port):
        directory.mkdir()
        authority = certificates.Authority(directory)
        self.port = port
        self.plain = nexflow.free_port()
        self.url = f"https://{NAME}:{port}"
        (directory / "nexflow.conf").write_text(site(daemons, port, self.plain, *authority.issue(NAME)), encoding="ascii")
        (directory / "nginx.conf").write_text(
            MAIN.format(dir=directory, user="user root; " if os.getuid() == 0 else ""), encoding="ascii")
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([program, "-p", directory, "-c", directory / "nginx.conf"])
        self.tls = ssl.create_default_context(cafile=str(authority.file))
        self.dir = directory

    def ask(self, method, path, body=None, headers=None):
        """(status, headers, body), asked by nobody unless the headers say who."""
        connection = http_to(self)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Host": f"{NAME}:{self.port}", **(headers or {})})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def request(self, method, path, body=None):
        """(status, body)"""
        status, _, answer = self.ask(method, path, body, {"Authorization": f"Bearer {nexflow.TOKEN}"})
        return status, answer

    def connect(self, headers=None):
        return websockets.connect(f"wss://{NAME}:{self.port}/ws", host="127.0.0.1", port=self.port, ssl=self.tls,
                                  server_hostname=NAME,
                                  extra_headers=headers or {"Authorization": f"Bearer {nexflow.TOKEN}"},
                                  max_size=None, open_timeout=nexflow.WAIT_S, ping_interval=None)

    def stop(self):
        self.process.terminate()
        assert self.process.wait(nexflow.WAIT_S) == 0


def http_to(balancer):
    """A connection to the balancer's address under the name on its certificate."""
    class Connection(http.client.HTTPSConnection):
        def connect(self):
            plain = socket.create_connection(("127.0.0.1", balancer.port), nexflow.WAIT_S)
            self.sock = balancer.tls.wrap_socket(plain, server_hostname=NAME)

    return Connection(NAME, context=balancer.tls)


@pytest.fixture
def place(tmp_path, provider):
    """(balancer, two daemons behind it)"""
    database = nexflow.server().create(f"b{time.monotonic_ns()}")
    daemons, port = [], nexflow.free_port()
    for i in range(2):
        d = nexflow.Daemon(tmp_path / str(i), CONFIG, provider.yaml(), database=database)
        text = d.config.read_text(encoding="utf-8")
        d.config.write_text(text.replace("server: {", f'server: {{public_url: "https://{NAME}:{port}/", proxies: [127.0.0.1], '), encoding="utf-8")
        daemons.append(d.start())
    balancer = Balancer(tmp_path / "nginx", daemons, port)
    daemons[0].wait_until(lambda: balancer.request("GET", "/health")[0] == 200)
    yield balancer, daemons
    balancer.stop()
    for d in daemons:
        if d.process.poll() is None:
            assert d.stop() == 0, d.log()[-2000:]


async def frames_until(ws, condition):
    frames = []
    while not frames or not condition(frames[-1]):
        frames.append(json.loads(await asyncio.wait_for(ws.recv(), nexflow.WAIT_S)))
    return frames


def instance_of(run_id):
    """Which has made the id: ten bits behind the counter's twelve, in Crockford's base32."""
    n = 0
    for c in run_id:
        n = n << 5 | "0123456789abcdefghjkmnpqrstvwxyz".index(c)
    return n >> 12 & 1023


def ended(accepted):
    return lambda f: f.get("run_id") == accepted["run_id"] and f["type"] in ("RUN_FINISHED", "RUN_ERROR")


def test_the_page_and_requests_come_from_either(place):
    balancer, _ = place
    status, page = balancer.request("GET", "/")
    assert status == 200 and b"<!doctype html>" in page.lower()
    took = set()
    for i in range(6):
        status, body = balancer.request("POST", "/api/v1/messages", {"message_id": f"m{i}", "content": "hello"})
        assert status == 202, body
        took.add(instance_of(json.loads(body)["run_id"]))
    assert took == {1, 2}


def test_what_is_streamed_comes_piece_by_piece(place, provider):
    balancer, _ = place
    provider.script(text="one two three four five six", delay=0.2)

    async def talk():
        async with balancer.connect() as ws:
            await ws.send(json.dumps({"type": "user_message", "message_id": "m1", "content": "hello"}))
            accepted = (await frames_until(ws, lambda f: f["type"] == "accepted"))[-1]
            first = await frames_until(ws, lambda f: f["type"] == "TEXT_MESSAGE_CONTENT")
            assert not any(ended(accepted)(f) for f in first), "it came at once, in the end"
            rest = await frames_until(ws, ended(accepted))
            return nexflow.text_of(first + rest, accepted["run_id"])

    assert asyncio.run(talk()) == "one two three four five six"


def asked_from(balancer, source, token):
    """The status that another machine gets, which says that it is this one."""
    plain = socket.create_connection(("127.0.0.1", balancer.port), source_address=(source, 0))
    with balancer.tls.wrap_socket(plain, server_hostname=NAME) as s:
        s.sendall(f"GET /api/v1/users/me HTTP/1.1\r\nHost: {NAME}\r\nAuthorization: Bearer {token}\r\n"
                  "X-Forwarded-For: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        return int(s.makefile("rb").readline().split()[1])


def test_who_guesses_behind_it_locks_out_nobody_else(place):
    balancer, _ = place
    guesses = [asked_from(balancer, "127.0.0.9", "guess-0123456789abcdef") for _ in range(70)]  # both count
    assert guesses[0] == 401 and guesses[-1] == 429
    assert asked_from(balancer, "127.0.0.9", nexflow.TOKEN) == 429
    assert balancer.request("GET", "/api/v1/users/me")[0] == 200


def test_files_go_up_and_come_down(place):
    balancer, _ = place
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4096
    status, body = balancer.request("POST", "/api/v1/messages", {
        "message_id": "m1", "content": "look",
        "files": [{"name": "a.png", "media_type": "image/png", "data": base64.b64encode(picture).decode()}]})
    assert status == 202, body
    accepted = json.loads(body)
    status, back = balancer.request(
        "GET", f"/api/v1/sessions/{accepted['session_id']}/runs/{accepted['run_id']}/files/0")
    assert status == 200 and back == picture


def test_one_dies_and_the_other_goes_on_where_it_was(place, provider):
    balancer, daemons = place
    provider.script(text="one two three four five six seven eight", delay=0.3)

    async def talk():
        async with balancer.connect() as ws:
            await ws.send(json.dumps({"type": "user_message", "message_id": "m1", "content": "hello"}))
            accepted = (await frames_until(ws, lambda f: f["type"] == "accepted"))[-1]
            shown = await frames_until(ws, lambda f: f["type"] == "TEXT_MESSAGE_CONTENT")
            victim = next(d for d in daemons if d.events("daemon.ready") and turn_runs_in(d))
            victim.kill()
            provider.script(text="and the rest")
            with pytest.raises(websockets.ConnectionClosed):
                while True:
                    shown.append(json.loads(await asyncio.wait_for(ws.recv(), nexflow.WAIT_S)))
        async with balancer.connect() as ws:
            await ws.send(json.dumps({"type": "resume", "session_id": accepted["session_id"],
                                      "after": max(f.get("seq", 0) for f in shown if f["type"].isupper())}))
            shown += await frames_until(ws, ended(accepted))
        return nexflow.text_of(shown, accepted["run_id"])

    def turn_runs_in(daemon):
        return daemon.get("/api/v1/status")[1]["queues"]["turns_running"] == 1

    assert asyncio.run(talk()) == "and the rest"
    for i in range(6):
        status, body = balancer.request("POST", "/api/v1/messages", {"message_id": f"n{i}", "content": "hello"})
        assert status == 202, body


def signed_in(balancer):
    """What a browser does with a link of the daemon: (the link's origin, Set-Cookie)."""
    status, answer = balancer.request("POST", "/api/v1/users/me/links", {})
    assert status == 201, answer
    origin, _, token = json.loads(answer)["url"].partition("/#t=")
    status, headers, answer = balancer.ask("POST", "/api/v1/auth/exchange", {"token": token}, {"Origin": origin})
    assert status == 204, answer
    return origin, headers["Set-Cookie"]


def test_links_lead_to_the_public_url_and_the_cookie_is_for_tls_alone(place):
    balancer, daemons = place
    origin, cookie = signed_in(balancer)
    assert origin == balancer.url
    name, *rest = cookie.split("; ")
    assert name.startswith("__Host-nexflow_session=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} < set(rest) and "Domain" not in cookie
    assert balancer.ask("GET", "/api/v1/users/me", None, {"Cookie": name})[0] == 200
    # What a site beside us could plant, or a page by plain http: not looked at here.
    planted = {"Cookie": name.removeprefix("__Host-")}
    assert balancer.ask("GET", "/api/v1/users/me", None, planted)[0] == 401
    # By the address it listens on it is as ever, and this cookie is none there.
    assert daemons[0].get("/api/v1/users/me", token=None, headers={"Cookie": name})[0] == 401
    _, plain = daemons[0].user("Anna")
    assert daemons[0].get("/api/v1/users/me", token=None, headers={"Cookie": f"nexflow_session={plain}"})[0] == 200
    status, headers, _ = balancer.ask("POST", "/api/v1/auth/logout", {}, {"Cookie": name, "Origin": origin})
    assert status == 204 and headers["Set-Cookie"].startswith("__Host-nexflow_session=;")
    assert "Secure" in headers["Set-Cookie"]
    assert balancer.ask("GET", "/api/v1/users/me", None, {"Cookie": name})[0] == 401


def test_behind_it_only_its_own_pages_may_ask(place):
    balancer, _ = place
    origin, cookie = signed_in(balancer)
    cookie = cookie.split(";")[0]

    def asked(come_from):
        return balancer.ask("POST", "/api/v1/sessions", {}, {"Cookie": cookie, **come_from})[0]

    async def opened(come_from):
        try:
            async with balancer.connect({"Cookie": cookie, **come_from}):
                return 101
        except websockets.InvalidStatusCode as refused:
            return refused.status_code

    assert asked({"Origin": origin}) == 201
    assert asyncio.run(opened({"Origin": origin})) == 101
    foreign = ("https://evil.example", f"http://{NAME}:{balancer.port}", f"https://{NAME}",
               f"https://{NAME}:{balancer.port + 1}", f"https://x.{NAME}:{balancer.port}", "null")
    for other in foreign:
        assert asked({"Origin": other}) == 403, other
        assert asyncio.run(opened({"Origin": other})) == 403, other
    assert asked({}) == 401
    assert asyncio.run(opened({})) == 401
    for host in ("evil.example", f"x.{NAME}", f"{NAME}.evil.example"):
        assert balancer.ask("GET", "/health", None, {"Host": host})[0] == 403, host


def test_plain_http_is_sent_on_and_tls_is_remembered(place):
    balancer, _ = place
    plain = http.client.HTTPConnection("127.0.0.1", balancer.plain, timeout=nexflow.WAIT_S)
    plain.request("GET", "/", headers={"Host": NAME})
    answer = plain.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/")
    plain.close()
    _, headers, _ = balancer.ask("GET", "/")
    assert "max-age=" in headers["Strict-Transport-Security"]
