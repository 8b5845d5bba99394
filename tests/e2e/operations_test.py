"""docs/operations.md, walked: what it says to type does what it says, and what it names is there."""
import re
import subprocess

import pytest

import nexflow
import redis
import tables
import telegram

DOCS = nexflow.TOP / "docs"
BUILD = nexflow.BIN.parent
PAGE = (DOCS / "operations.md").read_text(encoding="utf-8")


def done(*command, **more):
    run = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                         timeout=300, **more)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def nexflow_does(daemon, *words):
    return done(nexflow.BIN / "nexflow", "--config", daemon.config, *words)


def answered(daemon, provider, text):
    """A question and its answer, `text`; the session."""
    provider.script(text=text)
    status, accepted = daemon.post("/api/v1/messages", {"content": "?", "message_id": text})
    assert status == 202, accepted
    daemon.wait_until(lambda: [m["content"] for m in daemon.messages(accepted["session_id"])] == ["?", text])
    return accepted["session_id"]


# --- what it names

def metrics_of(daemon):
    return {re.split(r"[ {]", line)[0] for line in daemon.get("/metrics")[1].splitlines()}


def test_metrics_that_are_named_exist(tmp_path, provider):
    """Of a daemon that has all there is: PostgreSQL, Redis, a bot, and a turn that was answered; and
    of one with SQLite, which alone has copies made by us."""
    cache, net = redis.Redis().start(), telegram.Telegram()
    daemon = nexflow.Daemon(
        tmp_path, f'redis: {{url: "{cache.url}"}}\nchannels:\n  telegram:\n    - {net.yaml()}\n',
        provider.yaml(), database=nexflow.server().create("metrics"))
    try:
        daemon.start()
        answered(daemon, provider, "hello")
        daemon.wait_until(lambda: "nexflow_redis_connected 1" in daemon.get("/metrics")[1])
        there = metrics_of(daemon)
        assert daemon.stop() == 0, daemon.log()[-2000:]
        lite = nexflow.Daemon(tmp_path / "lite", database=f"sqlite:{tmp_path}/lite.db").start()
        there |= metrics_of(lite)
        assert lite.stop() == 0, lite.log()[-2000:]
    finally:
        daemon.kill()
        net.stop()
        cache.stop()
    named = {(path.name, name) for path in DOCS.glob("*.md")
             for name in re.findall(r"`(nexflow_(?!session)[a-z_]+)", path.read_text(encoding="utf-8"))}
    assert len(named) > 12
    assert {n for n in named if n[1] not in there and f"{n[1]}_count" not in there} == set()


def test_events_that_are_named_are_logged():
    alerts = re.search(r"Events worth an alert in the log: (.*)\.\n", PAGE)[1]
    named = re.findall(r"`([a-z.]+)`", alerts)
    assert len(named) > 4
    sources = "".join(f.read_text(encoding="utf-8") for top in ("internal", "cmd", "channels")
                      for f in (nexflow.TOP / top).rglob("*.c"))
    buses = re.findall(r'\.name = "(bus|redis)"', sources)  # bus_pump.c puts "lost" behind the name of its link
    assert len(set(buses)) == 2 and '"lost"' in sources
    logged = {f"{bus}.lost" for bus in buses} | set(re.findall(r'"([a-z_.]+)"', sources))
    assert [name for name in named if name not in logged] == []


# --- backup, restore, rollback

def test_postgresql_is_dumped_beside_the_daemon_and_restored(tmp_path, provider):
    server = nexflow.server()
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml(), database=server.create("dumped")).start()
    session = answered(daemon, provider, "before")
    done(server.bin / "pg_dump", "--format=custom", f"--file={tmp_path}/dump", server.url("dumped"))
    answered(daemon, provider, "after")
    assert daemon.stop() == 0, daemon.log()[-2000:]
    create = re.search(r"`(CREATE DATABASE nexflow ENCODING [^`]*);`", PAGE)[1]
    server.sql(create.replace("DATABASE nexflow ", "DATABASE restored "))
    done(server.bin / "pg_restore", "--exit-on-error", f"--dbname={server.url('restored')}", tmp_path / "dump")
    again = nexflow.Daemon(tmp_path, provider=provider.yaml(), database=server.url("restored")).start()
    assert [s["id"] for s in again.get("/api/v1/sessions")[1]["sessions"]] == [session]
    assert [m["content"] for m in again.messages(session)] == ["?", "before"]
    assert again.stop() == 0, again.log()[-2000:]


@nexflow.of_sqlite
def test_the_copy_from_before_an_upgrade_brings_the_old_schema_back(tmp_path, provider):
    old = len(tables.FILES) - 1
    data = tmp_path / "data/nexflow.db"
    tables.make_lite(data, old, "")
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml()).start()
    answered(daemon, provider, "upgraded")
    assert daemon.stop() == 0, daemon.log()[-2000:]
    copy, = tmp_path.glob(f"data/nexflow.db.backup-v{old}-*")
    nexflow_does(daemon, "backup", "verify", copy)
    nexflow_does(daemon, "backup", "restore", copy)
    assert daemon.rows("SELECT max(version) FROM schema_version") == [(str(old),)]
    assert daemon.rows("SELECT count(*) FROM messages") == [("0",)]
    assert list(tmp_path.glob("data/nexflow.db.before-restore-*")), "what was there is kept"


# --- the package

@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A package of this build, by the command of the page, uncompressed for speed."""
    assert "cpack -G DEB" in PAGE
    if not (BUILD / "CPackConfig.cmake").exists():
        pytest.skip("the programs do not come from a build directory")
    place = tmp_path_factory.mktemp("package")
    done("cpack", "-G", "DEB", "-B", place, "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=none", cwd=BUILD)
    found, = place.glob("*.deb")
    return found


def test_the_package_has_the_unit_its_configuration_and_what_they_need(package, tmp_path):
    done("dpkg-deb", "-x", package, tmp_path)
    for name in ("usr/bin/nexflow", "usr/bin/nexflowd", "usr/bin/nexflow-skill", "etc/nexflow/nexflow.yaml",
                 "lib/systemd/system/nexflow.service", "usr/share/doc/nexflow/operations.md",
                 "usr/share/doc/nexflow/nginx.conf", "usr/lib/nexflow/skills/calc/calc.so"):
        assert (tmp_path / name).is_file(), name
    assert done(tmp_path / "usr/bin/nexflowd", "--version").startswith("nexflowd ")
    done("dpkg-deb", "-e", package, tmp_path / "DEBIAN")
    assert (tmp_path / "DEBIAN/conffiles").read_text(encoding="ascii") == "/etc/nexflow/nexflow.yaml\n"
    needs = re.search(r"^Depends: (.*)$", (tmp_path / "DEBIAN/control").read_text(encoding="ascii"), re.M)[1]
    for library in ("libc6", "libuv1", "libsqlite3-0", "libpq5", "libcurl4", "libhiredis0.14", "adduser", "tzdata"):
        assert re.search(rf"\b{re.escape(library)}\b", needs), (library, needs)
    for script in ("postinst", "prerm", "postrm"):
        assert (tmp_path / "DEBIAN" / script).stat().st_mode & 0o111, script
        done("sh", "-n", tmp_path / "DEBIAN" / script)
    unit = (tmp_path / "lib/systemd/system/nexflow.service").read_text(encoding="utf-8")
    for path in re.findall(r"=(/usr/\S+)", unit):
        assert (tmp_path / path.lstrip("/")).exists(), path
