"""The sandbox is for skills: the daemon itself has no filter, no new namespaces and may become whatever
its user may. Seen from outside, in /proc."""
import os
import pathlib

import pytest

import nexflow


@pytest.fixture
def daemon(tmp_path):
    d = nexflow.Daemon(tmp_path).start()
    yield d
    d.stop()


def status(pid, key):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return value.split()[0]
    raise AssertionError(f"/proc/{pid}/status has no {key}")


def namespaces(pid):
    try:
        return {name: os.readlink(f"/proc/{pid}/ns/{name}")
                for name in ("mnt", "pid", "net", "ipc", "uts", "user", "cgroup")}
    except PermissionError:
        return None


def children(pid):
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in text.split()]


def run_a_skill(daemon):
    """One that comes with the program: it is there soon after the start."""
    daemon.wait_until(lambda: daemon.get("/api/v1/skills/calc")[0] == 200)
    code, body = daemon.post("/api/v1/skills/calc/tools/evaluate/run", {"expression": "(2+3)*7"})
    assert code == 200, body
    assert "35" in str(body)


def assert_unrestricted(pid):
    ours = os.getpid()
    assert status(pid, "Seccomp") == status(ours, "Seccomp")
    assert status(pid, "NoNewPrivs") == status(ours, "NoNewPrivs")
    assert status(pid, "CapEff") == status(ours, "CapEff")
    assert status(pid, "CapBnd") == status(ours, "CapBnd")
    assert status(pid, "Uid") == status(ours, "Uid")


def test_the_daemon_is_not_restricted_also_after_a_skill_ran(daemon):
    assert_unrestricted(daemon.process.pid)
    run_a_skill(daemon)
    assert_unrestricted(daemon.process.pid)
    assert namespaces(daemon.process.pid) == namespaces(os.getpid())


def test_what_runs_a_skill_is(daemon):
    """The warden, the daemon's child, is free; the template, its child, is not."""
    run_a_skill(daemon)
    wardens = children(daemon.process.pid)
    assert len(wardens) == 1
    templates = children(wardens[0])
    assert templates, "the warden has started nothing"
    assert status(wardens[0], "Seccomp") == status(os.getpid(), "Seccomp")
    for template in templates:
        assert status(template, "Seccomp") == "2"
        assert status(template, "NoNewPrivs") == "1"
        assert int(status(template, "CapEff"), 16) == 0


def test_health_says_what_the_sandbox_is(daemon):
    code, body = daemon.get("/health")
    assert code == 200
    assert body["sandbox"]["level"] in ("L0.5", "L1", "L2", "L3")
    assert "missing" in body["sandbox"]
