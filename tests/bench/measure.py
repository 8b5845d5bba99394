"""What the benchmarks share: where things run, programs around a daemon, figures of a process."""
import json
import os
import pathlib
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import nexflow  # noqa: E402

BIN = nexflow.BIN
CONFIG = ("log: {level: warn}\n"
          "limits: {messages_per_minute: 100000000, requests_per_minute: 100000000}\n")
median = statistics.median


def raise_files_limit():
    """Children inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def files_limit():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Place:
    """A directory on the disk of the programs, and processes that end with it."""

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="bench-", dir=BIN.parent))
        self.stops = []
        return self

    def __exit__(self, *why):
        for stop in reversed(self.stops):
            stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def fresh(self):
        return pathlib.Path(tempfile.mkdtemp(dir=self.dir))

    def model(self, deltas=8, interval_ms=0):
        """The port of an instant_model."""
        process = subprocess.Popen(
            [BIN / "instant_model", "--deltas", str(deltas), "--interval-ms", str(interval_ms)],
            stdout=subprocess.PIPE, text=True)
        self.stops.append(lambda: (process.kill(), process.wait(), process.stdout.close()))
        return int(process.stdout.readline().split()[1])

    def daemon(self, model_port, wait=True):
        provider = (f'{{name: fake, type: custom, base_url: "http://127.0.0.1:{model_port}/v1",'
                    " models: [m]}")
        daemon = nexflow.Daemon(self.fresh(), config=CONFIG, provider=provider).start(wait)
        self.stops.append(daemon.kill)
        return daemon

    def cookies(self, daemon, n):
        """A file with the cookies of n new users."""
        path = self.fresh() / "cookies"
        path.write_text("".join(daemon.user(f"user {i}")[1] + "\n" for i in range(n)),
                        encoding="utf-8")
        return path


def load(daemon, cookies, sessions, turns, every_ms=0):
    """Turns through /ws; what turn_load prints."""
    out = subprocess.run(
        [BIN / "turn_load", str(daemon.port), cookies, str(sessions), str(turns), "120",
         str(every_ms)],
        stdout=subprocess.PIPE, check=True, timeout=600)
    return json.loads(out.stdout)


def cpu_us(pid):
    """CPU time of all threads of a process that are alive, in microseconds."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return total / 1000


def family(pid):
    """A process and all that it started."""
    yield pid
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text(encoding="ascii").split():
            yield from family(int(child))


def memory(pid):
    """(RSS, PSS, private) of a process and all that it started, in bytes."""
    rss = pss = private = 0
    for one in family(pid):
        field = {}
        text = pathlib.Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii")
        for line in text.splitlines()[1:]:
            name, value = line.split(":")
            field[name] = int(value.split()[0]) * 1024
        rss += field["Rss"]
        pss += field["Pss"]
        private += field["Private_Clean"] + field["Private_Dirty"]
    return rss, pss, private


def upgrade(daemon, cookie):
    """A web socket that says nothing."""
    s = socket.create_connection(("127.0.0.1", daemon.port), 30)
    host = f"127.0.0.1:{daemon.port}"
    s.sendall((f"GET /ws HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
               f"Cookie: nexflow_session={cookie}\r\nUpgrade: websocket\r\n"
               "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
    answer = s.recv(4096)
    if not answer.startswith(b"HTTP/1.1 101"):
        raise RuntimeError(answer.decode(errors="replace"))
    return s
