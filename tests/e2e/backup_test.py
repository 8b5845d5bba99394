"""`nexflow backup`: a copy is made, verified and brought back whole, or not at all."""
import datetime
import os
import re
import subprocess
import time

import nexflow
import terminal
from terminal import failed, ok


def dump(path):
    return subprocess.run(["sqlite3", path, ".dump"], capture_output=True, check=True).stdout


@nexflow.of_sqlite
def test_a_backup_brings_everything_back(served):
    p, daemon = served.place, served.daemon
    ok(served("chat", stdin="one\ntwo\n"))
    session = daemon.get("/api/v1/sessions")[1]["sessions"][0]["id"]
    before = daemon.messages(session)
    assert "4 messages" in ok(served("backup", "create", "copy.db"))
    copy = p.dir / "copy.db"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert "exists" in failed(served("backup", "create", "copy.db"))
    assert "4 messages" in ok(served("backup", "verify", "copy.db"))
    named = re.match(r"(nexflow-\d{8}-\d{6}\.db): ", ok(served("backup", "create"))).group(1)
    assert (p.dir / named).exists()

    ok(served("chat", "three"))
    error = failed(served("backup", "restore", "copy.db"))
    assert str(daemon.process.pid) in error
    assert len(daemon.get("/api/v1/sessions")[1]["sessions"]) == 2
    assert daemon.stop() == 0
    assert "start the daemon again" in ok(served("backup", "restore", "copy.db"))
    database = p.dir / "data/nexflow.db"
    assert dump(database) == dump(copy)
    assert len(list((p.dir / "data").glob("nexflow.db.before-restore-*"))) >= 1
    daemon.start()
    assert len(daemon.get("/api/v1/sessions")[1]["sessions"]) == 1
    assert daemon.messages(session) == before


def told(daemon):
    """When the last copy was made: as /health says, and as the metrics do, in seconds."""
    metric = re.search(r"^nexflow_backup_timestamp_seconds (\S+)$", daemon.get("/metrics")[1], re.M)
    return daemon.get("/health")[1]["backup_at"], float(metric[1])


@nexflow.of_sqlite
def test_when_the_last_copy_was_made_is_told(served):
    p, daemon = served.place, served.daemon
    assert told(daemon) == (None, 0)
    assert daemon.get("/api/v1/status")[1]["backup"] is None
    assert "none yet: nexflow backup create" in ok(served("status"))
    before = int(time.time())
    ok(served("backup", "create", "copy.db"))
    daemon.wait_until(lambda: told(daemon)[0])
    at, seconds = told(daemon)
    assert before <= seconds <= time.time()
    assert datetime.datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp() == seconds
    backup = daemon.get("/api/v1/status")[1]["backup"]
    assert backup == {"at": at, "file": str(p.dir / "copy.db")}
    assert f"backup    {at} {p.dir / 'copy.db'}" in ok(served("status"))
    failed(served("backup", "create", "copy.db"))  # no copy was made: nothing changes
    ok(served("backup", "verify", "copy.db"))
    assert daemon.stop() == 0
    daemon.start()
    daemon.wait_until(lambda: told(daemon) == (at, seconds))


@nexflow.of_sqlite
def test_a_word_of_the_last_copy_that_cannot_be_read_is_logged_once_and_left(served):
    p, daemon = served.place, served.daemon
    left = p.dir / "data/nexflow.db.last-backup"
    left.write_text("{", encoding="ascii")
    daemon.wait_until(lambda: daemon.events("backup.unknown"))
    left.unlink()
    left.mkdir()  # a copy cannot be noted down: it is made all the same, and that is said
    made = served("backup", "create", "copy.db")
    assert made.returncode == 0 and "does not know of this copy" in made.stderr
    assert (p.dir / "copy.db").exists() and told(daemon) == (None, 0)


@nexflow.of_sqlite
def test_a_damaged_copy_is_not_restored(served):
    p, daemon = served.place, served.daemon
    ok(served("chat", "one"))
    ok(served("backup", "create", "copy.db"))
    data = bytearray((p.dir / "copy.db").read_bytes())
    (p.dir / "cut.db").write_bytes(data[:len(data) // 2])
    data[4096:8192] = os.urandom(4096)
    (p.dir / "bad.db").write_bytes(data)
    (p.dir / "text.db").write_text("this is no database" * 300, encoding="ascii")
    (p.dir / "empty.db").write_bytes(b"")
    assert daemon.stop() == 0
    before = dump(p.dir / "data/nexflow.db")
    for name in ("cut.db", "bad.db", "text.db", "empty.db", "nowhere.db"):
        for verb in ("verify", "restore"):
            assert name in failed(served("backup", verb, name)), name
    assert dump(p.dir / "data/nexflow.db") == before
    assert list((p.dir / "data").glob("*before-restore*")) == []
    daemon.start()


def test_a_backup_needs_no_daemon_but_a_database(tmp_path):
    p = terminal.Place(tmp_path)
    assert "nexflow.db" in failed(p.run("backup", "create", "copy.db"))
    assert list(tmp_path.iterdir()) == []
