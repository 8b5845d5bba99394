"""What strace sees of a daemon at its storage, beside what tests/support/fault_calls.c sees: a call that goes
past it could neither fail nor kill in storage_calls_test.c and in script/crash."""
import collections
import re

import pytest

import nexflow
from nexflow import server

# System call: the functions of the C library under which it is counted. `open` is both of open and open64.
CALLS = {
    "openat": "open", "access": "access", "unlink": "unlink", "ftruncate": "ftruncate", "rename": "rename",
    "pread64": "pread64", "pwrite64": "pwrite64", "fdatasync": "fdatasync", "fsync": "fsync", "fcntl": "fcntl",
    "newfstatat": "fstat stat lstat", "mmap": "mmap", "read": "read", "write": "write", "writev": "writev",
    "socket": "socket", "connect": "connect", "getsockopt": "getsockopt", "setsockopt": "setsockopt",
    "sendto": "send", "sendmsg": "sendmsg", "recvfrom": "recv", "recvmsg": "recvmsg", "poll": "poll",
}
# What nobody can do anything about, or whose end nobody looks at.
PASSED_OVER = {
    "close": "gives back what was opened", "munmap": "the same",
    "fchown": "SQLite as root lets its files belong to whom the database does, and does not look whether it could",
    "flock": "of the lock that one daemon takes on its directory, before any storage",
    "epoll_ctl": "waiting for events", "ioctl": "libuv: not to wait", "getsockname": "asks what the kernel knows",
}
# Used for nothing else by a daemon: each of them is counted, however it was called.
COUNTED = {"sqlite": ["pwrite64", "fdatasync", "ftruncate"], "postgresql": ["connect", "sendto", "recvfrom"]}


def gives_back(name, arguments):
    """fcntl is counted where it takes a lock."""
    return name == "fcntl" and ("F_UNLCK" in arguments or not re.search("F_(SET|GET)LKW?,", arguments))


def calls_of(trace):
    """(system call, its arguments) of a trace, without what the loader does to libraries."""
    for line in trace.read_text(encoding="utf-8", errors="replace").splitlines():
        found = re.match(r"\d+ +(\w+)\((.*)", line)
        if found and not re.search(r"\.so[.0-9]*[>\"]|/ld\.so", found[2]) and not gives_back(*found.groups()):
            yield found.groups()


@pytest.mark.parametrize("engine", [pytest.param("sqlite", marks=nexflow.of_sqlite), "postgresql"])
def test_no_call_at_the_storage_goes_past_it(tmp_path, provider, engine):
    library = nexflow.BIN / "fault_calls.so"
    database = server().create("seen") if engine == "postgresql" else None
    daemon = nexflow.Daemon(tmp_path, "", provider.yaml(), database=database)
    trace, counts = tmp_path / "trace", tmp_path / "counts"
    options = {"LD_PRELOAD": library, "NF_FAULT_COUNTS": counts,
               "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
    daemon.within = ["strace", "-D", "-f", "-yy", "-s", "0", "-o", trace,
                     *(word for name, value in options.items() for word in ("-E", f"{name}={value}"))]
    daemon.start()
    for i in range(3):
        _, accepted = daemon.post("/api/v1/messages", {"content": "hello", "message_id": f"m{i}"})
        daemon.wait_until(lambda s=accepted["session_id"]: daemon.messages(s)[-1]["role"] == "assistant")
    assert daemon.stop() == 0

    storage = [f"127.0.0.1:{server().port}", f"htons({server().port})"] if engine == "postgresql" else ["nexflow.db"]
    seen, everywhere = collections.Counter(), collections.Counter()
    for name, arguments in calls_of(trace):
        everywhere[name] += "TCP:" in arguments or engine == "sqlite"
        seen[name] += any(s in arguments for s in storage)
    seen = +seen
    assert len(seen) > 5, seen
    unknown = set(seen) - set(CALLS) - set(PASSED_OVER)
    assert not unknown, f"{unknown}: intercept them in fault_calls.c, or say why not"

    counted = {name: int(n) for name, n in (line.split() for line in counts.read_text().splitlines())}
    missed = {name for name in set(seen) & set(CALLS)
              if sum(counted.get(n, 0) for n in CALLS[name].split()) < seen[name]}
    assert not missed, f"{missed}: {seen} by strace, {counted} by the library"
    assert {n: everywhere[n] for n in COUNTED[engine]} == {n: counted[CALLS[n]] for n in COUNTED[engine]}
