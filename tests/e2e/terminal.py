"""The command line, driven as a person does: by arguments, by a pipe, and at a terminal."""
import fcntl
import http.client
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import termios
import time

import nexflow

FOREIGN = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL",
           "NEXFLOW_OWNER_TOKEN", "SSH_CONNECTION")
LINK = re.compile(r"http://127\.0\.0\.1:(\d+)/#t=(\S+)")


def ok(result):
    """What a command that succeeded printed."""
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def failed(result, status=1):
    """The complaint of one that failed with this exit status."""
    assert result.returncode == status, result.stdout + result.stderr
    return result.stderr


def sign_in(text):
    """What opening the printed link does: True if it lets one in."""
    port, token = LINK.search(text).groups()
    c = http.client.HTTPConnection("127.0.0.1", int(port), timeout=nexflow.WAIT_S)
    c.request("POST", "/api/v1/auth/exchange", json.dumps({"token": token}))
    status = c.getresponse().status
    c.close()
    return status == 204


def checks(result):
    """What `doctor --json` found, by name; its exit status says the same."""
    answer = json.loads(result.stdout)
    assert answer["state"] == ["ok", "warning", "broken"][result.returncode]
    for c in answer["checks"]:
        assert c["state"] in ("ok", "warning", "broken") and c["name"] and c["cause"]
        assert ("fix" in c) == (c["state"] != "ok")
    return {c["name"]: c for c in answer["checks"]}


def commands(text):
    """The commands that the help of `nexflow` lists."""
    return re.findall(r"^  ([a-z]+)  +\S", text, re.M)


def environment(**more):
    """Ours, without what would be found by chance."""
    env = {k: v for k, v in os.environ.items() if k not in FOREIGN}
    return {**env, "OLLAMA_HOST": f"127.0.0.1:{nexflow.free_port()}", **more}


class Place:
    """A directory in which `nexflow` is run, with var/ in it."""

    def __init__(self, directory, config=None, **env):
        self.dir = pathlib.Path(directory)
        self.env = environment(**env)
        self.port = nexflow.free_port()
        self.config = self.dir / "var/nexflow.yaml"
        if config is not None:
            self.config.parent.mkdir(mode=0o700)
            self.config.write_text(f'server: {{listen: "127.0.0.1:{self.port}"}}\n' + config,
                                   encoding="utf-8")

    def run(self, *arguments, stdin="", program="nexflow", **env):
        return subprocess.run([nexflow.BIN / program, *arguments], cwd=self.dir, input=stdin,
                              env={**self.env, **env}, capture_output=True, text=True, timeout=2 * nexflow.WAIT_S,
                              check=False)

    def terminal(self, *arguments, program="nexflow", **env):
        return Terminal([nexflow.BIN / program, *arguments], self.dir, {**self.env, **env})

    def pid(self):
        """The process number of the daemon that runs here; None: none."""
        path = self.dir / "var/nexflow.db.lock"
        if not path.exists():
            return None
        pid = int(path.read_text(encoding="ascii") or 0)
        try:
            program = os.readlink(f"/proc/{pid}/exe")
        except OSError:
            return None
        return pid if os.path.basename(program) == "nexflowd" else None

    def stop(self):
        """Stop the daemon that `nexflow up` started."""
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        for _ in range(9000):
            if self.pid() is None:
                return
            time.sleep(0.01)
        raise AssertionError(f"nexflowd {pid} does not end")

    def log(self):
        return (self.dir / "var/nexflowd.log").read_text(encoding="utf-8")


class Terminal:
    """A program with a terminal of its own."""

    def __init__(self, command, directory, env):
        self.master, slave = pty.openpty()
        self.text = ""
        self.seen = 0

        def own_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen(command, cwd=directory, env=env, stdin=slave, stdout=slave,
                                        stderr=slave, start_new_session=True,
                                        preexec_fn=own_terminal)
        os.close(slave)

    def expect(self, text, seconds=nexflow.WAIT_S):
        """Read until `text` comes; what came before it and was not yet looked at."""
        end = time.monotonic() + seconds
        while text not in self.text[self.seen:]:
            if not self._read(end - time.monotonic()):
                raise AssertionError(f"no {text!r} in {self.text!r}")
        at = self.text.index(text, self.seen)
        before, self.seen = self.text[self.seen:at], at + len(text)
        return before

    def _read(self, seconds):
        if seconds <= 0 or not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the program has closed its side
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def type(self, line):
        os.write(self.master, line.encode() + b"\n")

    def press(self, control):
        """A control character: "C" is Ctrl-C."""
        os.write(self.master, bytes([ord(control) & 0x1f]))

    def shows_typing(self):
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def end(self, seconds=nexflow.WAIT_S):
        """Its exit status, once it has ended by itself."""
        end = time.monotonic() + seconds
        while self._read(end - time.monotonic()):
            pass
        status = self.process.wait(max(0.1, end - time.monotonic()))
        os.close(self.master)
        return status

    def kill(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
