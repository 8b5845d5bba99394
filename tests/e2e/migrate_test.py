"""nexflow migrate: from SQLite to PostgreSQL and back, and every row is the same."""
import sqlite3
import subprocess

import pytest

import nexflow


def migrate(daemon, url, status=0):
    done = subprocess.run([nexflow.BIN / "nexflow", "--config", daemon.config, "migrate", url],
                          capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def rows(path):
    """Every table but those about processes, with all its rows."""
    db = sqlite3.connect(path)
    db.text_factory = bytes
    tables = [t.decode() for (t,) in db.execute(
        "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'search%' AND name NOT IN"
        " ('instances','schema_version') ORDER BY name")]
    return {t: sorted(db.execute(f"SELECT * FROM {t}"), key=repr) for t in tables}


@pytest.fixture
def used(tmp_path, provider):
    """A daemon that had people, sessions and calls, stopped; its database is SQLite."""
    config = f'{{url: "sqlite:{tmp_path}/data/nexflow.db"}}'
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml())
    text = daemon.config.read_text(encoding="utf-8").splitlines()
    daemon.config.write_text("\n".join(f"database: {config}" if l.startswith("database:") else l
                                       for l in text) + "\n", encoding="utf-8")
    daemon.start()
    daemon.user("somebody")
    provider.script(text="naïve Ω \u0001 \\ ' \" 🙂")
    for i in range(20):
        status, accepted = daemon.post("/api/v1/messages",
                                       {"content": f"nr {i} \t 'ä' \\", "message_id": f"m{i}"})
        assert status == 202, accepted
    daemon.wait_until(lambda: not daemon.get("/api/v1/tasks?status=running")[1]["tasks"])
    daemon.wait_until(lambda: not daemon.get("/api/v1/tasks?status=pending")[1]["tasks"])
    yield daemon
    if daemon.process.poll() is None:
        daemon.stop()


def use(daemon, url):
    text = daemon.config.read_text(encoding="utf-8").splitlines()
    line = f'database: {{url: "{url}", directory: "{daemon.dir}/data"}}'
    daemon.config.write_text("\n".join(line if l.startswith("database:") else l for l in text)
                             + "\n", encoding="utf-8")


def test_there_and_back_every_row_is_the_same(used, provider):
    sessions = used.get("/api/v1/sessions")[1]["sessions"]
    before = {s["id"]: used.messages(s["id"]) for s in sessions}
    url = nexflow.server().create("migrated")

    assert "runs on it" in migrate(used, url, 1) or "used by process" in migrate(used, url, 1)
    assert used.stop() == 0
    said = migrate(used, url)
    assert "all the same in both" in said
    first = rows(used.dir / "data/nexflow.db")
    assert sum(len(r) for r in first.values()) > 100
    assert "rows already" in migrate(used, url, 1), "a second time would double everything"

    use(used, url)
    used.start()
    assert {s["id"]: used.messages(s["id"]) for s in sessions} == before
    provider.script(text="on PostgreSQL")
    _, accepted = used.post("/api/v1/messages", {"content": "and?", "message_id": "n"})
    used.wait_until(lambda: any(m["content"] == "on PostgreSQL"
                                for m in used.messages(accepted["session_id"])))
    back = f"sqlite:{used.dir}/back.db"
    assert "stop it first" in migrate(used, back, 1)
    assert used.stop() == 0

    back = f"sqlite:{used.dir}/again.db"
    assert "all the same in both" in migrate(used, back)
    again = rows(used.dir / "again.db")
    for table, content in first.items():
        if table not in ("sessions", "credentials"):
            assert not [r for r in content if r not in again[table]], table
    use(used, back)
    used.start()
    assert {s["id"]: used.messages(s["id"]) for s in sessions} == before
    assert [m["content"] for m in used.messages(accepted["session_id"])][-1] == "on PostgreSQL"


def test_nothing_is_left_in_the_target_if_a_row_cannot_be_stored(used):
    assert used.stop() == 0
    path = used.dir / "data/nexflow.db"
    db = sqlite3.connect(path)
    db.execute("UPDATE messages SET content=CAST(x'ff' AS TEXT) WHERE seq="
               "(SELECT max(seq) FROM messages)")
    db.commit()
    db.close()
    url = nexflow.server().create("refused")
    said = migrate(used, url, 1)
    assert "table messages" in said and "UTF-8" in said
    assert nexflow.server().sql("SELECT count(*) FROM sessions", "refused") == "0"
