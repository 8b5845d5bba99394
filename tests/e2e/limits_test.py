"""Every limit is a setting, and holds at its edge."""
import asyncio
import json
import socket
import time

import pytest
import websockets

import nexflow


@pytest.fixture(name="start")
def _start(tmp_path, provider):
    started = []

    def start(limits):
        daemon = nexflow.Daemon(tmp_path, provider=provider.yaml(),
                                config=f"limits: {{{limits}}}\nlog: {{level: warn}}\n").start()
        started.append(daemon)
        return daemon
    yield start
    for daemon in started:
        assert daemon.stop() == 0, daemon.log()[-2000:]


def connect(daemon):
    return socket.create_connection(("127.0.0.1", daemon.port), timeout=nexflow.WAIT_S)


def read_all(s):
    """... until the daemon closes."""
    data = b""
    try:
        while chunk := s.recv(65536):
            data += chunk
    except ConnectionError:
        pass
    return data


def raw(daemon, text):
    """Send bytes, and read until the daemon closes."""
    with connect(daemon) as s:
        s.sendall(text)
        return read_all(s)


def head(daemon, extra="", path="/health"):
    return (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\nConnection: close\r\n{extra}"
            "\r\n").encode()


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer else None


def test_body_bytes(start):
    daemon = start("body_bytes: 2KiB")
    path = "/api/v1/skills/none/tools/none/run"  # most others have a limit of their own
    body = {"a": "x" * (2048 - len(json.dumps({"a": ""})))}
    assert daemon.post(path, body)[0] == 404
    body["a"] += "x"
    status, answer = daemon.post(path, body)
    assert status == 413 and answer["error"] == {"code": "limit", "message": "body too long"}


def test_head_bytes_and_headers(start):
    daemon = start("head_bytes: 1KiB, headers: 8")
    room = 1024 - len(head(daemon, "X: \r\n"))
    assert status(raw(daemon, head(daemon, f"X: {'a' * room}\r\n"))) == 200
    assert status(raw(daemon, head(daemon, f"X: {'a' * (room + 1)}\r\n"))) == 431
    assert status(raw(daemon, head(daemon, "A: b\r\n" * 6))) == 200
    assert status(raw(daemon, head(daemon, "A: b\r\n" * 7))) == 431


def test_target_bytes(start):
    daemon = start("target_bytes: 256")
    assert status(raw(daemon, head(daemon, path="/health?" + "a" * 248))) == 200
    assert status(raw(daemon, head(daemon, path="/health?" + "a" * 249))) == 414


def test_json_depth(start):
    daemon = start("json_depth: 8")
    nested = '{"message_id":"m","content":"x","more":%s}'
    assert daemon.post("/api/v1/messages", nested % ("[" * 7 + "]" * 7))[0] == 202
    code, body = daemon.post("/api/v1/messages", nested % ("[" * 8 + "]" * 8))
    assert code == 413 and "deeper than 8" in body["error"]["message"]


def test_connections_and_connections_per_ip(start):
    daemon = start("connections_per_ip: 4, connections: 16")
    held = []

    def hold_four():
        """Not at once: the connections that saw it start may still be counted."""
        held.extend(connect(daemon) for _ in range(4 - len(held)))
        for s in list(held):
            try:
                s.sendall(f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\n\r\n".encode())
                if s.recv(4096).startswith(b"HTTP/1.1 200"):
                    continue
            except OSError:
                pass
            s.close()
            held.remove(s)
        return len(held) == 4
    daemon.wait_until(hold_four)
    try:
        with connect(daemon) as fifth:
            try:
                fifth.sendall(head(daemon))
            except OSError:
                pass
            assert read_all(fifth) == b""
    finally:
        for s in held:
            s.close()
    daemon.wait_until(lambda: daemon.get("/health")[0] == 200)


def test_timeouts_of_head_body_and_idleness(start):
    daemon = start("head_timeout: 500ms, body_timeout: 700ms, idle_timeout: 900ms")

    def took(text, statuses):
        """Seconds until it is closed: quicker than without these settings."""
        def once(_):
            with connect(daemon) as s:
                begun = time.monotonic()
                s.sendall(text)
                assert status(read_all(s)) in statuses
                return time.monotonic() - begun
        return nexflow.quickest(once, 9, 3)

    assert 0.4 < took(b"GET /health HTTP/1.1\r\nHost: x", (408, None)) < 9
    assert 0.6 < took((f"POST /api/v1/messages HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\n"
                       f"Authorization: Bearer {nexflow.TOKEN}\r\nContent-Length: 100\r\n\r\n{{").encode(),
                      (408, None)) < 9
    assert 0.8 < took(f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\n\r\n".encode(), (200,)) < 9


def test_ws_message_bytes(start):
    daemon = start("ws_message_bytes: 1KiB")

    async def talk():
        async with daemon.connect() as s:
            await s.ws.send("x" * 1024)
            assert (await s.next())["code"] == "invalid"
            await s.ws.send("x" * 1025)
            with pytest.raises(websockets.ConnectionClosed):
                await s.next()
            return s.ws.close_code
    assert asyncio.run(talk()) == 1009


def test_ws_per_user(start):
    daemon = start("ws_per_user: 2")

    async def talk():
        async with daemon.connect(), daemon.connect():
            async with daemon.connect() as third:
                with pytest.raises(websockets.ConnectionClosed):
                    await third.next()
                code = third.ws.close_code
        async with daemon.connect() as later:
            return code, (await later.say("hi", "m"))["type"]
    code, later = asyncio.run(talk())
    assert code == 1013
    assert later == "accepted"


def open_socket(daemon):
    s = connect(daemon)
    s.sendall((f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\nUpgrade: websocket\r\n"
               f"Authorization: Bearer {nexflow.TOKEN}\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
               "\r\n").encode())
    assert b" 101 " in s.recv(4096)
    return s


def test_ws_ping(start):
    """Who does not answer pings is dropped; who does stays."""
    daemon = start("ws_ping: 2s")

    async def stay():
        async with daemon.connect() as s:
            await asyncio.sleep(8)
            return (await s.say("hi", "m"))["type"]
    begun = time.monotonic()
    with open_socket(daemon) as silent:
        got = read_all(silent)
    assert got[:1] == b"\x89" and time.monotonic() - begun > 2
    assert asyncio.run(stay()) == "accepted"


def test_who_answered_while_the_daemon_was_stopped_is_not_dropped(start):
    """What came meanwhile is read before anybody is judged."""
    daemon = start("ws_ping: 1s")
    ping, pong, mask = b"\x89\0", b"\x8a\0", bytes(4)
    with open_socket(daemon) as s:
        assert s.recv(2) == ping
        with nexflow.frozen(daemon.process):
            s.sendall(b"\x8a\x80" + mask)
            time.sleep(3)
        s.sendall(b"\x89\x80" + mask)
        while (got := s.recv(2)) == ping:
            s.sendall(b"\x8a\x80" + mask)
        assert got == pong, "the daemon hung up"


def test_ws_queue_bytes_and_a_peer_that_does_not_read(start, provider):
    """It is dropped, and others are not kept waiting."""
    provider.script(text="z" * 200000, piece=2000)
    daemon = start("ws_queue_bytes: 1MiB, write_timeout: 2s")

    async def talk():
        with connect(daemon) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.sendall(
                (f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\nUpgrade: websocket\r\n"
                 f"Authorization: Bearer {nexflow.TOKEN}\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                 "\r\n").encode())
            async with daemon.connect() as s:
                session = None
                for i in range(40):
                    accepted, last, _ = await s.answer("hi", f"m{i}", session)
                    session = accepted["session_id"]
                    assert last["type"] == "RUN_FINISHED"
            _, text = daemon.get("/metrics")
            return [l for l in text.splitlines() if l.startswith("nexflow_web_sockets ")]
    assert asyncio.run(talk()) in (["nexflow_web_sockets 0"], ["nexflow_web_sockets 1"])
    daemon.wait_until(lambda: "nexflow_web_sockets 0" in daemon.get("/metrics")[1])


def test_messages_per_minute(start):
    daemon = start("messages_per_minute: 3")

    async def talk():
        async with daemon.connect() as s:
            return [await s.say("hi", f"m{i}") for i in range(4)]
    answers = asyncio.run(talk())
    assert [a["type"] for a in answers] == ["accepted"] * 3 + ["error"]
    assert answers[3]["code"] == "limit" and "wait" in answers[3]["message"]
    code, body = daemon.post("/api/v1/messages", {"message_id": "m9", "content": "hi"})
    assert code == 429, body


def test_requests_per_minute(start):
    daemon = start("requests_per_minute: 5")
    answers = [daemon.request("GET", "/api/v1/users/me") for _ in range(6)]
    assert [a[0] for a in answers] == [200] * 5 + [429]
    assert int(answers[5][1]["Retry-After"]) >= 1
