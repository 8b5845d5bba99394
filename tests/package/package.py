"""The Debian package in a clean chroot, and the container image that is made of it, run for real.

usage: package.py PACKAGE.deb [--no-container]      as root

Needs debootstrap and Debian's archive; for the image also docker.io. An engine of its own is started in
a private directory, with the vfs driver and without a bridge: it runs where no other could. Prints what
was checked, and in the end one line: package=ok image=ok|left out level=…; exit status 1 if anything is
not as docs/operations.md says.
"""
import argparse
import contextlib
import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
START_S = 60
UNCONFINED = ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]


def run(*command, ok=True, **more):
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **more)
    assert not ok or done.returncode == 0, f"{command}:\n{done.stdout[-3000:]}"
    return done.stdout


def said(what):
    print(f"  {what}", flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition, seconds=START_S):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if found := condition():
                return found
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds} s")


TOKEN = "package-0123456789abcdef"  # the owner's, in a container


def health(port, token=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/health", headers={"Authorization": f"Bearer {token}"} if token else {})
    answer = connection.getresponse()
    return answer.status == 200 and json.loads(answer.read())


# --- the chroot

def inside(root, *command, **more):
    return run("chroot", root, *command, **more)


def check_files(root):
    owner = inside(root, "stat", "-c", "%n %U:%G %a", "/etc/nexflow", "/etc/nexflow/nexflow.yaml",
                   "/var/lib/nexflow").splitlines()
    assert owner == ["/etc/nexflow root:nexflow 750", "/etc/nexflow/nexflow.yaml root:nexflow 640",
                     "/var/lib/nexflow nexflow:nexflow 700"], owner
    assert (root / "lib/systemd/system/nexflow.service").exists()
    for program in ("nexflow", "nexflowd"):
        assert inside(root, program, "--version").startswith(program + " ")
    missing = [line for binary in ("nexflow", "nexflowd", "nexflow-skill")
               for line in inside(root, "ldd", f"/usr/bin/{binary}").splitlines() if "not found" in line]
    assert not missing, missing
    said("the package installs with what it depends on; owners, modes and libraries are right")


def check_daemon(root):
    port = free_port()
    config = root / "etc/nexflow/nexflow.yaml"
    kept = config.read_text(encoding="utf-8")
    config.write_text(kept + f'server: {{listen: "127.0.0.1:{port}"}}\n', encoding="utf-8")
    with open(root / "daemon.log", "wb") as log:
        daemon = subprocess.Popen(["chroot", "--userspec=nexflow:nexflow", root, "/usr/bin/nexflowd", "--config",
                                   "/etc/nexflow/nexflow.yaml"], stdout=log, stderr=log)
    try:
        wait_for("the daemon in the chroot", lambda: health(port))
        copy = "/var/lib/nexflow/copy.db"
        for verb in ("create", "verify"):
            inside(root, "nexflow", "--config", "/etc/nexflow/nexflow.yaml", "backup", verb, copy)
    except AssertionError:
        print((root / "daemon.log").read_text(errors="replace")[-3000:], file=sys.stderr)
        raise
    finally:
        daemon.terminate()
        status = daemon.wait(60)
    assert status == 0, status
    said("the daemon runs as its user with the package's configuration, is backed up, and stops")


def check_upgrade_and_removal(root):
    config = root / "etc/nexflow/nexflow.yaml"
    mine = config.read_text(encoding="utf-8")
    inside(root, "dpkg", "--install", "--force-confold", "/nexflow.deb")
    assert config.read_text(encoding="utf-8") == mine, "an upgrade keeps what was written there"
    inside(root, "dpkg", "--remove", "nexflow")
    assert config.exists() and (root / "var/lib/nexflow/nexflow.db").exists()
    inside(root, "dpkg", "--purge", "nexflow")
    assert not config.exists() and (root / "var/lib/nexflow/nexflow.db").exists()
    said("an upgrade keeps the configuration; a purge removes it, and leaves what people said")


def in_a_chroot(package, work):
    root = work / "root"
    run("debootstrap", "--variant=minbase", "bookworm", root)
    shutil.copy(package, root / "nexflow.deb")
    inside(root, "sh", "-c", "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "
           "--no-install-recommends /nexflow.deb")
    mounts = [("proc", "proc"), ("sysfs", "sys")]
    for kind, where in mounts:
        run("mount", "-t", kind, kind, root / where)
    try:
        check_files(root)
        check_daemon(root)
        check_upgrade_and_removal(root)
    finally:
        for _, where in mounts:
            run("umount", root / where, ok=False)


# --- the image

class Engine:
    """A docker daemon of our own."""

    def __init__(self, work):
        self.work, self.host = work, f"unix://{work}/docker.sock"
        self.log = work / "dockerd.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["dockerd", "--host", self.host, "--data-root", work / "docker", "--exec-root", work / "exec",
                 "--pidfile", work / "docker.pid", "--storage-driver", "vfs", "--bridge", "none",
                 "--iptables=false", "--ip6tables=false"], stdout=log, stderr=log)
        try:
            wait_for("dockerd", lambda: "Server Version" in self("info", ok=False))
        except AssertionError as why:
            self.stop()
            raise AssertionError(f"{why}\n{self.log.read_text(errors='replace')[-2000:]}") from why

    def __call__(self, *words, **more):
        return run("docker", "--host", self.host, *words, **more)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        for left in (self.work / "exec/netns").glob("*"):  # a mount, which it leaves behind
            run("umount", left, ok=False)


def runs_as(engine, name, tag, options, work):
    """A container of the image; the level of its sandbox, and what doctor says of it."""
    port, place = free_port(), work / name
    place.mkdir()
    place.chmod(0o755)
    config = place / "nexflow.yaml"
    config.write_text('database: {url: "sqlite:/var/lib/nexflow/nexflow.db"}\n'
                      f'server: {{listen: "127.0.0.1:{port}"}}\n', encoding="utf-8")
    config.chmod(0o644)
    engine("run", "-d", "--name", name, "--network", "host", "-e", f"NEXFLOW_OWNER_TOKEN={TOKEN}", "-v", f"{config}:/etc/nexflow/nexflow.yaml:ro",
           *options, tag)
    found = wait_for(f"{name}: {engine('logs', name, ok=False)[-500:]}",
                     lambda: (h := health(port, TOKEN)) and h.get("sandbox", {}).get("level") and h)
    doctor = engine("exec", name, "nexflow", "--config", "/etc/nexflow/nexflow.yaml", "doctor", ok=False)
    line, = [l for l in doctor.splitlines() if l.split()[1:2] == ["sandbox"] or l.startswith("sandbox ")][:1] or [""]
    engine("stop", "--time", "40", name)
    code = engine("inspect", "--format", "{{.State.ExitCode}}", name).strip()
    assert code == "0", (code, engine("logs", name)[-2000:])
    assert found["sandbox"]["level"] in doctor, doctor
    said(f"image, {name}: level {found['sandbox']['level']}; {line.strip()}")
    return found["sandbox"]["level"]


def as_an_image(package, work):
    engine = Engine(work)
    try:
        run("sh", TOP / "script/packaging/container.sh", package, "nexflow:test",
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DOCKER_HOST": engine.host})
        default = runs_as(engine, "as-it-is", "nexflow:test", [], work)
        free = runs_as(engine, "unconfined", "nexflow:test", UNCONFINED, work)
        return f"{default}, {free} unconfined"
    finally:
        engine.stop()


def main():
    parser = argparse.ArgumentParser(prog="script/test-package", description=__doc__.split("\n")[0])
    parser.add_argument("package", type=pathlib.Path)
    parser.add_argument("--no-container", action="store_true", help="the chroot only")
    args = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="nf-package-"))
    work.chmod(0o755)
    try:
        in_a_chroot(args.package.resolve(), work)
        level = None if args.no_container else as_an_image(args.package.resolve(), work)
        print(f"package=ok image={'ok' if level else 'left out'} level={level or '-'}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
