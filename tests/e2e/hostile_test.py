"""Clients and models that mean harm, or are merely clumsy: what they may cost, and whom."""
import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import pytest

import nexflow


def run(coroutine):
    return asyncio.run(coroutine)


def resident_mib(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
        line = next(l for l in status if l.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


async def settle(sock):
    """Everything that was on its way: the answer to a frame that cannot be taken comes last."""
    await sock.send(type="nonsense")
    await sock.until(lambda f: f["type"] == "error" and f["message"].startswith("type:"))
    return sock.frames[:-1]


# --- events


def test_no_event_comes_twice_under_load(tmp_path, provider):
    """Upkeep looks for what is not delivered every second, also while turns deliver theirs."""
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml(),
                            config="limits: {messages_per_minute: 1000000}\n").start()
    provider.script(text="x")

    async def talk():
        async with daemon.connect() as sock:
            sent, end = 0, time.monotonic() + 6
            for _ in range(30):
                await sock.send(type="user_message", message_id=f"m{sent}", content="hi")
                sent += 1
            finished = 0
            while finished < sent:
                frame = await sock.next()
                if frame["type"] == "RUN_FINISHED":
                    finished += 1
                    if time.monotonic() < end:
                        await sock.send(type="user_message", message_id=f"m{sent}", content="hi")
                        sent += 1
            await asyncio.sleep(1.2)
            return [(f["session_id"], f["seq"]) for f in await settle(sock)
                    if f["type"] != "accepted"]
    seen = run(talk())
    assert len(seen) == len(set(seen))
    assert daemon.stop() == 0


def test_a_resume_inside_a_character_gets_whole_characters(daemon, provider):
    provider.script(text="bär熊🐻" * 40, piece=7, delay=0.05)

    async def talk():
        async with daemon.connect() as first:
            accepted = await first.say("hi", "m1")
            await first.until(lambda f: len(nexflow.text_of(first.frames, accepted["run_id"])) > 20)
            begin = next(f["seq"] for f in first.frames if f["type"] == "TEXT_MESSAGE_START")
            texts = []
            for skip in range(14):
                async with daemon.connect() as later:
                    await later.send(type="resume", session_id=accepted["session_id"],
                                     after=begin + skip)
                    texts.append(nexflow.text_of(await settle(later), accepted["run_id"]))
            await first.send(type="stop", session_id=accepted["session_id"])
            return texts
    for skip, text in enumerate(run(talk())):
        whole = ("bär熊🐻" * 2).encode()[skip:].decode(errors="ignore")
        assert text.startswith(whole[:4]) and "\ufffd" not in text, skip


@pytest.mark.parametrize("piece", ["\u0001", "\"", "\n", "熊"])
def test_an_answer_of_a_megabyte_can_be_resumed_whatever_it_is_made_of(daemon, provider, piece):
    """In JSON it is up to six times as long."""
    provider.script(pieces=[piece * 1000] * (1000 // len(piece.encode())))

    async def talk():
        async with daemon.connect() as sock:
            accepted, last, text = await sock.answer("hi", "m1")
            assert last["type"] == "RUN_FINISHED"
        missed, after = [], 0
        for _ in range(5):  # it may be too much for one connection, but each gets on
            async with daemon.connect() as later:
                await later.send(type="resume", session_id=accepted["session_id"], after=after)
                try:
                    while not missed or missed[-1]["type"] != "RUN_FINISHED":
                        missed.append(await later.next())
                        after = missed[-1]["seq"]
                    return text, nexflow.text_of(missed, accepted["run_id"])
                except asyncio.TimeoutError:
                    raise
                except Exception:  # noqa: BLE001  (closed: come back)
                    continue
        return text, "never came to the end"
    text, again = run(talk())
    assert again == text


# --- restoring


@nexflow.of_sqlite
def test_a_restore_that_was_cut_off_is_no_reason_to_begin_with_nothing(tmp_path):
    """Killed after it had moved the database away, before the copy took its place."""
    daemon = nexflow.Daemon(tmp_path).start()
    daemon.post("/api/v1/sessions", {"title": "precious"})
    assert daemon.stop() == 0
    database = daemon.dir / "data/nexflow.db"
    copy = daemon.dir / "data/nexflow.db.restoring"
    database.rename(copy)

    daemon.start(wait=False)
    assert daemon.process.wait(nexflow.WAIT_S) == 1
    assert "cut off" in daemon.log() and str(copy) in daemon.log()
    assert not database.exists()
    copy.rename(database)
    daemon.start()
    assert [s["title"] for s in daemon.get("/api/v1/sessions")[1]["sessions"]] == ["precious"]
    assert daemon.stop() == 0


# --- stopping


def test_a_turn_that_is_just_being_claimed_can_be_stopped(daemon, provider):
    """It is then no longer waiting and not yet running."""
    provider.script(text="word " * 200, delay=0.02)

    async def talk():
        outcomes = []
        async with daemon.connect() as sock:
            for i in range(25):
                first = await sock.say("one", f"a{i}")
                second = await sock.say("two", f"b{i}", first["session_id"])
                # Stopping the first lets the second begin; the other stops meet it anywhere.
                await sock.send(type="stop", session_id=first["session_id"],
                                run_id=first["run_id"])
                await asyncio.sleep(i * 0.0004)
                await sock.send(type="stop", session_id=first["session_id"],
                                run_id=second["run_id"])
                end = await sock.until(
                    lambda f: f["type"] in ("error", "cancelled") or
                    (f.get("run_id") == second["run_id"] and f["type"] in
                     ("RUN_FINISHED", "RUN_ERROR")))
                outcomes.append((end["type"], end.get("stopped"), end.get("message")))
        return outcomes
    for kind, stopped, message in run(talk()):
        assert kind == "cancelled" or (kind == "RUN_FINISHED" and stopped), message


# --- who may


def test_requests_without_credentials_lock_nobody_out(daemon):
    """A page of another site can make a browser send them."""
    for _ in range(60):
        assert daemon.get("/api/v1/users/me", token=None)[0] == 401
    assert daemon.get("/api/v1/users/me")[0] == 200


@pytest.mark.parametrize("name, value", [("Origin", "http://evil.example"),
                                         ("Authorization", "Bearer wrong-0123456789abcdef")])
def test_a_header_that_decides_who_asks_comes_once(daemon, name, value):
    ours = {"Origin": f"http://127.0.0.1:{daemon.port}",
            "Authorization": f"Bearer {nexflow.TOKEN}"}
    lines = [f"{k}: {v}" for k, v in ours.items()] + [f"{name}: {value}"]
    with socket.create_connection(("127.0.0.1", daemon.port)) as raw:
        raw.sendall(("GET /api/v1/users/me HTTP/1.1\r\nConnection: close\r\n"
                     f"Host: 127.0.0.1:{daemon.port}\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode())
        assert raw.recv(64).startswith(b"HTTP/1.1 400")


def test_signing_out_closes_the_sockets_of_that_sign_in_alone(daemon):
    _, cookie = daemon.user("Bob")
    headers = {"Cookie": f"nexflow_session={cookie}", "Origin": f"http://127.0.0.1:{daemon.port}"}
    _, link = daemon.post("/api/v1/users/me/links", token=None, headers=headers)
    status, answer, _ = daemon.request("POST", "/api/v1/auth/exchange",
                                       {"token": link["url"].split("#t=")[1]}, token=None)
    assert status == 204
    elsewhere = answer["Set-Cookie"].split(";")[0].split("=", 1)[1]

    async def talk():
        async with daemon.connect(cookie) as here, daemon.connect(elsewhere) as there:
            assert daemon.post("/api/v1/auth/logout", token=None, headers=headers)[0] == 204
            await asyncio.wait_for(here.ws.wait_closed(), nexflow.WAIT_S)
            _, _, text = await there.answer("still here", "m1")
            return here.ws.close_code, text
    assert run(talk()) == (1008, "echo: still here")


# --- who reads slowly


def silent_socket(daemon):
    """A web socket whose owner never reads."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", daemon.port))
    raw.sendall((f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\n"
                 f"Authorization: Bearer {nexflow.TOKEN}\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                 "Sec-WebSocket-Version: 13\r\n\r\n").encode())
    return raw


def test_many_who_never_read_use_bounded_memory_and_delay_nobody(tmp_path, provider):
    # The address sanitizer keeps what is freed: that is not what is measured.
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml(),
                            env={"ASAN_OPTIONS": options}).start()
    provider.script(pieces=["z" * 2000] * 300)

    async def talk():
        async with daemon.connect() as sock:
            await sock.answer("warm up", "w")
            before = resident_mib(daemon)
            silent = [silent_socket(daemon) for _ in range(200)]
            most = 0
            for i in range(8):
                _, last, text = await sock.answer("hi", f"m{i}")
                assert last["type"] == "RUN_FINISHED" and len(text) == 600000
                most = max(most, resident_mib(daemon))
                sock.frames.clear()
            for raw in silent:
                raw.close()
            return before, most
    before, most = run(talk())
    assert most - before < 300, f"{before} MiB, then {most} MiB"
    assert daemon.stop() == 0


# --- models


def test_an_id_that_is_too_long_is_the_same_in_the_call_and_in_its_result(daemon, provider):
    provider.script(tools=[{"name": "n" * 300, "args": {}, "id": "i" * 500}], text="done")

    async def talk():
        async with daemon.connect() as sock:
            accepted, _, _ = await sock.answer("hi", "m1")
            return accepted, sock.frames
    accepted, frames = run(talk())
    ids = {f["toolCallId"] for f in frames if "toolCallId" in f}
    assert len(ids) == 1
    body = provider.log()[-1]["body"]
    messages = (json.loads(body) if isinstance(body, str) else body)["messages"]
    call = next(m for m in messages if m.get("tool_calls"))["tool_calls"][0]
    result = next(m for m in messages if m["role"] == "tool")
    assert call["id"] == result["tool_call_id"]
    kept = daemon.messages(accepted["session_id"])
    assert kept[1]["tool_calls"][0]["id"] == kept[2]["tool_call_id"] == ids.pop()


def test_ready_says_so_when_the_loop_was_late(daemon):
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        with socket.create_connection(("127.0.0.1", daemon.port)) as asker:
            asker.sendall(f"GET /ready HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\n"
                          f"Authorization: Bearer {nexflow.TOKEN}\r\n"
                          "Connection: close\r\n\r\n".encode())
            time.sleep(1.3)
            daemon.process.send_signal(signal.SIGCONT)
            answer = b"".join(iter(lambda: asker.recv(65536), b"")).decode()
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    assert " 503 " in answer.splitlines()[0] and "the event loop is " in answer
    daemon.wait_until(lambda: daemon.get("/ready")[0] == 200)


@nexflow.of_sqlite
def test_a_database_that_is_damaged_while_it_is_used_is_told(daemon):
    for i in range(20):
        assert daemon.post("/api/v1/messages", {"message_id": f"m{i}", "content": "x" * 4000})[0] == 202
    daemon.wait_until(lambda: "turns_running\":0" in daemon.request("GET", "/health")[2])
    path = daemon.dir / "data/nexflow.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    with open(path, "r+b") as file:
        pages = file.seek(0, os.SEEK_END) // 4096
        file.seek(5 * 4096)
        file.write(os.urandom(4096) * (pages - 5))
    bad = path.read_bytes()

    assert "damaged" in daemon.get("/api/v1/sessions")[1]["error"]["message"]
    daemon.wait_until(lambda: "damaged" in daemon.request("GET", "/ready")[2])  # looked at once a second
    assert "damaged" in daemon.get("/health")[1]["database"]
    status, answer = daemon.post("/api/v1/messages", {"message_id": "late", "content": "x"})
    assert status in (500, 503) and "damaged" in answer["error"]["message"], answer
    assert "damaged" in daemon.events("database.failed")[0]["err"]
    assert float(re.search(r"^nexflow_database_damaged (\S+)$", daemon.get("/metrics")[1], re.M)[1]) >= 1
    # A stranger is not told what the database says of itself.
    assert daemon.get("/ready", token=None) == (503, {"ready": False})
    assert daemon.get("/health", token=None)[1].keys() == {"status", "ready", "sandbox"}
    status, answer = daemon.post("/api/v1/auth/exchange", {"token": "x"}, token=None)
    assert status >= 500 and "damaged" not in json.dumps(answer) and "log" in answer["error"]["message"]
    cookie = {"Cookie": "nexflow_session=" + "x" * 43}
    assert "damaged" not in json.dumps(daemon.get("/api/v1/sessions", token=None, headers=cookie)[1])
    shown = subprocess.run([nexflow.BIN / "nexflow", "--config", daemon.config, "status"],
                           capture_output=True, text=True, check=False)
    assert "damaged" in shown.stdout + shown.stderr, shown
    assert daemon.stop() == 0
    assert path.read_bytes() == bad


@nexflow.of_sqlite
def test_what_the_database_says_is_for_those_who_manage_it(daemon):
    cookies = {role: daemon.user(role, role)[1] for role in ("user", "admin")}
    other = sqlite3.connect(daemon.dir / "data/nexflow.db", isolation_level=None)

    async def told(role):
        origin = {"Cookie": f"nexflow_session={cookies[role]}", "Origin": f"http://127.0.0.1:{daemon.port}"}
        async with daemon.connect(cookies[role]) as sock:
            rest, frame = await asyncio.gather(
                asyncio.to_thread(daemon.post, "/api/v1/messages", {"message_id": f"r-{role}", "content": "hi"},
                                  token=None, headers=origin),
                sock.say("hi", f"w-{role}"))
        assert rest[0] == 503 and rest[1]["error"]["code"] == frame["code"] == "unavailable", (rest, frame)
        return rest[1]["error"], frame

    async def both():
        return await asyncio.gather(told("user"), told("admin"))
    other.execute("BEGIN IMMEDIATE")
    try:
        user, admin = run(both())
    finally:
        other.execute("ROLLBACK")
        other.close()
    for words in user:
        assert words["reason"] == "not-now" and words["message"].startswith("this does not work now"), words
    for words in admin:
        assert "is locked by another program" in words["message"], words
    failed = daemon.events("web.request.failed")
    assert {e["route"] for e in failed} == {"/api/v1/messages", "/ws"}
    assert all("locked by another" in e["err"] for e in failed)


@contextlib.contextmanager
def held_by_another_program(daemon):
    """Writers wait for a database that somebody has locked."""
    database = sqlite3.connect(daemon.dir / "data/nexflow.db", isolation_level=None)
    held = threading.Event()
    held.set()

    def write():
        while held.is_set():
            daemon.post("/api/v1/sessions", {"title": "waits"})
    writers = [threading.Thread(target=write) for _ in range(3)]
    database.execute("BEGIN EXCLUSIVE")
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        held.clear()
        database.execute("ROLLBACK")
        database.close()
        for writer in writers:
            writer.join()


@nexflow.of_sqlite
def test_ready_says_so_while_another_program_holds_the_database(daemon):
    daemon.wait_until(lambda: daemon.get("/ready")[0] == 200)
    with held_by_another_program(daemon):
        daemon.wait_until(lambda: "no write" in daemon.request("GET", "/ready")[2])
    daemon.wait_until(lambda: daemon.get("/ready")[0] == 200)


@nexflow.of_sqlite
def test_the_log_has_that_the_database_hangs_though_nobody_asks(daemon):
    with held_by_another_program(daemon):
        daemon.wait_until(lambda: daemon.events("database.failed"))
    daemon.wait_until(lambda: daemon.events("database.back"))
    assert "no write" in daemon.events("database.failed")[0]["err"]
