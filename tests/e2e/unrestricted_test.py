"""The sandbox is for skills: the daemon itself has no filter, no new namespaces and may become whatever
its user may. Seen from outside, in /proc. And what a weaker machine gives is said, and not called
more."""
import os
import pathlib
import signal
import subprocess

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
    for template in templates:  # one that is made ahead is locked soon after it is there
        daemon.wait_until(lambda t=template: status(t, "Seccomp") == "2")
        assert status(template, "NoNewPrivs") == "1"
        assert int(status(template, "CapEff"), 16) == 0


def test_health_says_what_the_sandbox_is(daemon):
    code, body = daemon.get("/health")
    assert code == 200
    assert body["sandbox"]["level"] in ("L0.5", "L1", "L2", "L3")
    assert "missing" in body["sandbox"]


# A mount namespace of its own, in which there are no control groups.
NO_CGROUP = ["unshare", "--mount", "sh", "-c", 'umount -l /sys/fs/cgroup && exec "$@"', "sh"]


def test_a_machine_that_is_weaker_says_so_everywhere_and_a_minimum_is_held(tmp_path):
    if subprocess.run([*NO_CGROUP, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("may not make a mount namespace")
    d = nexflow.Daemon(tmp_path)
    d.within = NO_CGROUP
    d.start()
    sandbox = d.get("/health")[1]["sandbox"]
    assert sandbox["level"] in ("L0.5", "L1", "L2") and "cgroup" in sandbox["missing"]
    assert f'nexflow_sandbox_level{{level="{sandbox["level"]}"}} 1' in d.get("/metrics")[1]
    run_a_skill(d)
    task = d.get("/api/v1/tasks")[1]["tasks"][0]
    assert d.get(f"/api/v1/tasks/{task['id']}")[1]["level"] == sandbox["level"]

    d.config.write_text(d.config.read_text(encoding="utf-8") + "skills: {min_level: L3}\n",
                        encoding="utf-8")
    d.process.send_signal(signal.SIGHUP)
    d.wait_until(lambda: d.events("config.reloaded"))
    code, body = d.post("/api/v1/skills/calc/tools/evaluate/run", {"expression": "1"})
    assert code == 403, body
    said = body["error"]["message"]
    assert f"needs a sandbox of level L3, and this is {sandbox['level']}" in said and "cgroup" in said
    doctor = subprocess.run([nexflow.BIN / "nexflow", "--config", d.config, "doctor"],
                            capture_output=True, text=True, timeout=60, check=False)
    assert doctor.returncode == 2
    line = next(l for l in doctor.stdout.splitlines() if l.split()[1] == "sandbox")
    assert line.startswith("FAIL") and sandbox["level"] in line, doctor.stdout
    assert "sandbox cgroup" in doctor.stdout
    assert d.stop() == 0
