#!/usr/bin/env python3
"""A PostgreSQL server of one's own: Debian's programs, a private directory, a free port.

usage: postgres.py start FILE     write its URL to FILE and leave it running
       postgres.py stop FILE      end the one that was started with FILE and remove it

PostgreSQL refuses to run as root: then it runs as the user postgres, or nobody.
"""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import ports

START_S = 90


def programs():
    """The directory of the newest version's programs."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda p: int(p.parent.parent.name))
    assert found, "no PostgreSQL here: script/bootstrap --tests"
    return found[-1].parent


def unprivileged():
    """Keywords for subprocess, and (user, group), of whom the server runs as."""
    if os.getuid() != 0:
        return {}, (os.getuid(), os.getgid())
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            who = pwd.getpwnam(name)
            return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}, \
                (who.pw_uid, who.pw_gid)
    raise AssertionError("no user to run PostgreSQL as")


class Postgres:
    """`fsync` off is faster, and kill -9 does no harm either way: the kernel keeps what it has.
    `standby_of`: another server, running, that this one follows."""

    def __init__(self, fsync=False, settings=None, directory=None, standby_of=None):
        self.dir = pathlib.Path(directory or tempfile.mkdtemp(prefix="nf-pg-"))
        self.data = self.dir / "data"
        self.bin = programs()
        self.process = None
        self.run_as, owner = unprivileged()
        os.chown(self.dir, *owner)
        if standby_of:
            self._run("pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "-h", standby_of.dir,
                      "-p", str(standby_of.port), "-U", "nexflow", "--no-sync")
        else:
            self._run("initdb", "-D", self.data, "-A", "trust", "-U", "nexflow", "-E", "UTF8",
                      "--locale=C.UTF-8", "--no-sync")
        self.port = ports.free_port()
        options = {"port": self.port, "listen_addresses": "'127.0.0.1'",
                   "unix_socket_directories": f"'{self.dir}'", "max_connections": 200,
                   "fsync": "on" if fsync else "off", "shared_buffers": "64MB",
                   "log_min_messages": "warning", "restart_after_crash": "on", **(settings or {})}
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as file:
            file.writelines(f"{name} = {value}\n" for name, value in options.items())

    def _run(self, program, *arguments):
        subprocess.run([self.bin / program, *arguments], check=True, cwd="/", **self.run_as,
                       stdout=subprocess.DEVNULL)

    def url(self, database="postgres", options=""):
        return f"postgresql://nexflow@127.0.0.1:{self.port}/{database}{options}"

    def start(self, detach=False):
        with open(self.dir / "log", "ab") as log:
            self.process = subprocess.Popen([self.bin / "postgres", "-D", self.data], cwd="/",
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=detach, **self.run_as)
        end = time.monotonic() + START_S
        while subprocess.run([self.bin / "pg_isready", "-q", "-h", self.dir, "-p", str(self.port)],
                             check=False).returncode != 0:
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end, "PostgreSQL does not start: " + self.log()
            time.sleep(0.02)
        return self

    def log(self):
        return (self.dir / "log").read_text(encoding="utf-8", errors="replace")[-4000:]

    def sql(self, text, database="postgres"):
        """What psql prints: rows as lines, columns split by |."""
        done = subprocess.run(
            [self.bin / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.dir, "-p",
             str(self.port), "-U", "nexflow", "-d", database, "-c", text],
            check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout.strip()

    def create(self, database):
        self.sql(f'CREATE DATABASE "{database}"')
        return self.url(database)

    def promote(self):
        """Let a standby be the one that takes writes from now on."""
        self.sql("SELECT pg_promote()")

    def kill(self):
        """As a power cut would for its processes: the server, and with it those it forked."""
        if self.process:
            self.process.kill()
            self.process.wait(START_S)
            # The processes of connections find out by themselves; a new server waits for them.
            with contextlib.suppress(OSError):
                (self.data / "postmaster.pid").unlink()
            self._wait_for_children()

    def signal_all(self):
        """End all its processes at once, whatever they are doing; `kill` must follow."""
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            if self._of_us(process):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(process.name), signal.SIGKILL)

    def power_cut(self):
        self.signal_all()
        self.kill()

    def _wait_for_children(self):
        end = time.monotonic() + START_S
        while any(self._of_us(p) for p in pathlib.Path("/proc").glob("[0-9]*")):
            assert time.monotonic() < end, "processes of PostgreSQL stay"
            time.sleep(0.02)

    def _of_us(self, process):
        with contextlib.suppress(OSError):
            return os.readlink(process / "cwd") == str(self.data)
        return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(START_S)
        shutil.rmtree(self.dir, ignore_errors=True)


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("start", "stop"):
        sys.exit(__doc__)
    file = pathlib.Path(sys.argv[2])
    if file.exists():
        pid, directory = file.read_text(encoding="utf-8").split("\n")[1:3]
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            if os.readlink(f"/proc/{pid}/cwd").startswith(directory):
                os.kill(int(pid), signal.SIGQUIT)  # all of it is thrown away
                while os.path.exists(f"/proc/{pid}"):
                    time.sleep(0.02)
        shutil.rmtree(directory, ignore_errors=True)
        file.unlink()
    if sys.argv[1] == "start":
        server = Postgres().start(detach=True)
        file.write_text(f"{server.url()}\n{server.process.pid}\n{server.dir}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
