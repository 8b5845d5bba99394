"""The daemon, driven from outside: start, stop, kill, REST, web sockets.

Programs come from NF_BIN (a directory). Everything a daemon keeps is in a directory of its test; with
NF_DATABASE=postgresql its database is on a server that the first test starts.
"""
import asyncio
import atexit
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
import websockets

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("NF_BIN", TOP / "build/asan/bin"))
sys.path.insert(0, str(TOP / "tests/support"))
import postgres  # noqa: E402  (beside the other suites' helpers)
from ports import free_port  # noqa: E402

ON_POSTGRES = os.environ.get("NF_DATABASE") == "postgresql"
# For tests of what only SQLite has: its file, its lock, its backups.
of_sqlite = pytest.mark.skipif(ON_POSTGRES, reason="about the file of SQLite")
TOKEN = "owner-token-for-tests-0123456789"
# So long is waited for what comes soon, unless something is wrong: on a busy machine that takes a
# while. What a test is about is never this bound.
WAIT_S = 90


_started = []
_servers = []


def server():
    """The PostgreSQL of this run of tests."""
    if not _servers:
        _servers.append(postgres.Postgres().start())
    return _servers[0]


def database_yaml(directory, url=None):
    """The configuration of a database for a daemon that keeps its files in `directory`; `url`: of
    one that it shares with others."""
    if url:
        return f'database: {{url: "{url}", directory: "{directory}"}}\n'
    if not ON_POSTGRES:
        return f'database: {{url: "sqlite:{directory}/nexflow.db"}}\n'
    url = server().create(f"t{os.getpid()}_{len(_names)}")
    _names.append(url)
    return f'database: {{url: "{url}", directory: "{directory}"}}\n'


_names = []


@atexit.register
def _end_what_failed_tests_left():
    for process in _started:
        if process.poll() is None:
            process.kill()
            process.wait()
    for one in _servers:
        one.stop()


class Daemon:
    """One nexflowd with its directory. `config` is YAML text behind what is always there."""

    def __init__(self, directory, config="", provider=None, env=None, database=None):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(exist_ok=True)
        self.port = free_port()
        self.process = None
        self.within = []  # a command that runs the daemon
        self.env = {**os.environ, "NEXFLOW_OWNER_TOKEN": TOKEN, **(env or {})}
        self.config = self.dir / "nexflow.yaml"
        where = database_yaml(f"{self.dir}/data", database)
        self.url = where.split('"')[1]  # for another one that goes on with the same database
        self.database = self.url.rsplit("/", 1)[1] if self.url.startswith("postgresql") else None
        text = (f'server: {{listen: "127.0.0.1:{self.port}"}}\n'
                + where)
        if provider:
            text += f"llm:\n  providers:\n    - {provider}\n"
        self.config.write_text(text + config, encoding="utf-8")

    def start(self, wait=True):
        log = open(self.dir / "nexflowd.log", "ab")  # noqa: SIM115  (the process keeps it)
        self.process = subprocess.Popen(
            [*self.within, BIN / "nexflowd", "--config", self.config], env=self.env, stderr=log,
            stdout=subprocess.DEVNULL)
        _started.append(self.process)
        log.close()
        if wait:
            self.wait_until(lambda: self.get("/health")[0] == 200)
        return self

    def wait_until(self, condition, seconds=WAIT_S):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, f"nexflowd ended: {self.log()[-2000:]}"
            try:
                if condition():
                    return
            except OSError:
                pass
            time.sleep(0.01)
        raise AssertionError(f"not within {seconds} s: {self.log()[-2000:]}")

    def write(self, sql):
        """Put something into its database past it: statements of both engines."""
        if self.database:
            server().sql(sql, self.database)
            return
        database = sqlite3.connect(self.dir / "data/nexflow.db", timeout=30)
        with database:
            database.executescript(sql)
        database.close()

    def rows(self, sql):
        """What its database has, read past it: rows of texts."""
        if self.database:
            return [tuple(line.split("|")) for line in server().sql(sql, self.database).splitlines()]
        database = sqlite3.connect(self.dir / "data/nexflow.db", timeout=30)
        found = [tuple(map(str, row)) for row in database.execute(sql)]
        database.close()
        return found

    def kill(self):
        """As a power cut would for a process: no warning."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        return self.process.wait(WAIT_S) if self.process else None

    def stop(self):
        """Ask it to stop; its exit status."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_S) if self.process else None

    def log(self):
        path = self.dir / "nexflowd.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def events(self, name):
        """The log lines of one event."""
        lines = [json.loads(l) for l in self.log().splitlines() if l.startswith("{")]
        return [l for l in lines if l.get("event") == name]

    # --- REST

    def request(self, method, path, body=None, headers=None, token=TOKEN):
        """(status, headers, body text)"""
        all_headers = {"Authorization": f"Bearer {token}"} if token else {}
        all_headers.update(headers or {})
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request(method, path, body, all_headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()
        finally:
            connection.close()

    def get(self, path, **more):
        """(status, decoded body)"""
        return self._json("GET", path, **more)

    def post(self, path, body=None, **more):
        return self._json("POST", path, body if body is not None else {}, **more)

    def _json(self, method, path, body=None, **more):
        status, headers, text = self.request(method, path, body, **more)
        is_json = headers.get("Content-Type", "").startswith("application/json")
        return status, json.loads(text) if is_json and text else text

    def messages(self, session_id):
        """All messages of a session, oldest first."""
        pages, cursor = [], ""
        while cursor is not None:
            status, page = self.get(f"/api/v1/sessions/{session_id}/messages?limit=200"
                                    + (f"&cursor={cursor}" if cursor else ""))
            assert status == 200, page
            pages.insert(0, page["messages"])
            cursor = page["next_cursor"]
        return list(itertools.chain.from_iterable(pages))

    def user(self, name, role="user"):
        """A new user, signed in: the cookie of a browser session."""
        status, user = self.post("/api/v1/users", {"name": name, "role": role})
        assert status == 201, user
        status, link = self.post(f"/api/v1/users/{user['id']}/links")
        assert status == 201, link
        token = link["url"].split("#t=")[1]
        status, headers, body = self.request("POST", "/api/v1/auth/exchange", {"token": token},
                                             token=None)
        assert status == 204, body
        return user, headers["Set-Cookie"].split(";")[0].split("=", 1)[1]

    # --- web sockets

    def connect(self, cookie=None):
        """An async context manager: a Socket."""
        return Socket(self, cookie)


class Socket:
    """One web socket and what came over it."""

    def __init__(self, daemon, cookie=None):
        self.daemon = daemon
        origin = f"http://127.0.0.1:{daemon.port}"
        headers = ({"Cookie": f"nexflow_session={cookie}", "Origin": origin} if cookie
                   else {"Authorization": f"Bearer {TOKEN}"})
        self._opening = websockets.connect(
            f"ws://127.0.0.1:{daemon.port}/ws", extra_headers=headers, max_size=None,
            open_timeout=WAIT_S, ping_interval=None, compression=None)
        self.frames = []

    async def __aenter__(self):
        self.ws = await self._opening.__aenter__()
        return self

    async def __aexit__(self, *why):
        await self._opening.__aexit__(*why)

    async def send(self, **frame):
        await self.ws.send(json.dumps(frame))

    async def say(self, content, message_id, session_id=None):
        """Send a message and wait for its acceptance."""
        frame = {"type": "user_message", "message_id": message_id, "content": content}
        if session_id:
            frame["session_id"] = session_id
        await self.send(**frame)
        return await self.until(lambda f: f.get("message_id") == message_id
                                and f["type"] in ("accepted", "error"))

    async def next(self, seconds=WAIT_S):
        frame = json.loads(await asyncio.wait_for(self.ws.recv(), seconds))
        self.frames.append(frame)
        return frame

    async def until(self, condition, seconds=WAIT_S):
        """The first frame from now on that satisfies it."""
        end = time.monotonic() + seconds
        while True:
            frame = await self.next(max(0.01, end - time.monotonic()))
            if condition(frame):
                return frame

    async def answer(self, content, message_id, session_id=None):
        """Say something and read its run to the end: (accepted frame, last event, text)."""
        accepted = await self.say(content, message_id, session_id)
        assert accepted["type"] == "accepted", accepted
        last = await self.end_of(accepted["run_id"])
        return accepted, last, text_of(self.frames, accepted["run_id"])

    async def replay(self, accepted):
        """Resume its session from the beginning, and read the run to its end. The end alone may come
        before that, as news: of a run on another instance, which this one heard of late."""
        run = accepted["run_id"]
        await self.send(type="resume", session_id=accepted["session_id"], after=0)
        await self.until(lambda f: f.get("run_id") == run and f["type"] == "RUN_STARTED")
        await self.until(lambda f: f.get("run_id") == run and f["type"] in ("RUN_FINISHED", "RUN_ERROR"))

    async def end_of(self, run_id, seconds=WAIT_S):
        for frame in self.frames:
            if frame.get("run_id") == run_id and frame["type"] in ("RUN_FINISHED", "RUN_ERROR"):
                return frame
        return await self.until(lambda f: f.get("run_id") == run_id
                                and f["type"] in ("RUN_FINISHED", "RUN_ERROR"), seconds)


@contextlib.contextmanager
def frozen(process):
    """A process that is stopped, and goes on behind the block."""
    process.send_signal(signal.SIGSTOP)
    try:
        end = time.monotonic() + WAIT_S
        while pathlib.Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1][0] != "T":
            assert time.monotonic() < end, "it does not stop"
            time.sleep(0.001)
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def quickest(once, below, tries=20):
    """The least of the seconds that `once(0)`, `once(1)`, ... take by their own account, tried until one
    is `below` that. What our program waits shows in each of them; what else the machine does, in most."""
    best = float("inf")
    for i in range(tries):
        best = min(best, once(i))
        if best < below:
            break
    return best


def text_of(frames, run_id):
    """What a client shows of a run: a new start voids what was shown before."""
    text = ""
    for frame in frames:
        if frame.get("run_id") != run_id:
            continue
        if frame["type"] == "RUN_STARTED":
            text = ""
        elif frame["type"] == "TEXT_MESSAGE_CONTENT":
            text += frame["delta"]
    return text
