"""Databases of an older version, with all that was in them: brought to the newest schema, copied to the
other engine, backed up. Every table counts, also one that is added tomorrow (tables.py)."""
import sqlite3
import subprocess

import pytest

import nexflow
import tables

OLD = 9  # the last schema before notes, fair turns, held messages and schedules


def command(config, *arguments):
    done = subprocess.run([nexflow.BIN / "nexflow", "--config", config, *arguments],
                          capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def configured(directory, url):
    file = directory / "nexflow.yaml"
    file.write_text(f'database: {{url: "{url}", directory: "{directory}/data"}}\n', encoding="utf-8")
    return file


def copied(said):
    """The tables that `nexflow migrate` says it has compared, and their rows."""
    lines = [line.split() for line in said.splitlines() if line.endswith("rows, compared")]
    return {name: int(rows) for name, rows, *_ in lines}


def test_every_table_is_carried_to_postgresql_and_back(tmp_path):
    tables.make_lite(tmp_path / "from.db")
    url = nexflow.server().create("carried")
    said = command(configured(tmp_path, f"sqlite:{tmp_path}/from.db"), "migrate", url)
    assert copied(said) == {name: tables.ROWS for name in tables.tables()}
    for name in tables.tables():
        there = nexflow.server().sql(f"SELECT count(*) FROM {name}", "carried")
        assert there == str(tables.ROWS), name
    command(configured(tmp_path, url), "migrate", f"sqlite:{tmp_path}/back.db")
    assert tables.left_out(tables.wanted(), tables.held(tmp_path / "back.db")) == {}


def test_every_table_is_in_a_backup_and_comes_back(tmp_path):
    data = tmp_path / "data/nexflow.db"
    tables.make_lite(data)
    config = configured(tmp_path, f"sqlite:{data}")
    command(config, "backup", "create", f"{tmp_path}/copy.db")
    command(config, "backup", "verify", f"{tmp_path}/copy.db")
    db = sqlite3.connect(data)
    with db:
        for name in tables.tables():
            db.execute(f"DELETE FROM {name}")
    db.close()
    command(config, "backup", "restore", f"{tmp_path}/copy.db")
    assert tables.left_out(tables.wanted(), tables.held(data)) == {}


# What a migration took away on purpose: how far Telegram was read, since its updates are known by key.
CURSOR = "INSERT INTO channel_cursors(source,place,at) VALUES('telegram:1','5',5);"


@pytest.mark.parametrize("engine", ["lite", "pg"])
def test_an_old_database_keeps_every_row_when_it_is_brought_up_to_date(tmp_path, engine):
    rows = tables.rows_for(engine, OLD) + CURSOR
    if engine == "lite":
        url = f"sqlite:{tmp_path}/old.db"
        tables.make_lite(tmp_path / "old.db", OLD, rows)
        target = nexflow.server().create("upgraded")
    else:
        url = tables.make_postgres("old", OLD, rows)
        target = f"sqlite:{tmp_path}/upgraded.db"
    command(configured(tmp_path, url), "migrate", target)  # it opens the old one as the daemon would
    if engine == "lite":
        backups = list(tmp_path.glob(f"old.db.backup-v{OLD}-*"))
        assert [tables.left_out(tables.wanted(OLD), tables.held(b)) for b in backups] == [{}]
    found = tables.held(tmp_path / ("old.db" if engine == "lite" else "upgraded.db"))
    assert set(found) == set(tables.tables())
    assert tables.left_out(tables.wanted(OLD), found) == {}
    assert not [row for row in found["channel_cursors"] if row["source"].startswith(b"telegram:")]
    assert all(row["zone"] == b"" for row in found["users"])


# A person, a conversation with a question that was not answered yet, and a reply on its way.
LIVED_IN = """
INSERT INTO users(id,name,role,status,created_at) VALUES(1,'Ada',1,1,1);
INSERT INTO identities(channel,account,user_id,created_at) VALUES('local','owner',1,1);
INSERT INTO sessions(id,user_id,channel,address,title,last_seq,pending,ready_at,owner,lease_until,fence,
    created_at,updated_at) VALUES(7,1,'web','','old times',3,1,5,0,0,1,1,5);
INSERT INTO messages(session_id,seq,role,run_id,created_at,content) VALUES
    (7,1,1,20,2,'what was first?'),(7,2,2,20,3,'the egg'),(7,3,1,30,5,'and then?');
INSERT INTO tasks(id,turn_id,n,session_id,user_id,kind,status,seq,out_first,out_last,fence,created_at,
    ended_at,changed_at) VALUES(20,20,0,7,1,1,4,1,2,2,1,2,3,3),(30,30,0,7,1,1,1,3,0,-1,0,5,0,5);
INSERT INTO task_changes(task_id,n,status,at) VALUES(20,1,1,2),(20,2,4,3),(30,1,1,5);
INSERT INTO inbox(source,client_id,session_id,run_id,seq,at) VALUES
    ('user:1','a',7,20,1,2),('user:1','b',7,30,3,5);
INSERT INTO usage(turn_id,n,session_id,user_id,at,model,tok_input,tok_output,tok_cache_read,
    tok_cache_write) VALUES(20,1,7,1,3,'fake/m',10,20,0,0);
"""


@pytest.mark.parametrize("engine", ["lite", "pg"])
def test_a_daemon_goes_on_where_an_old_one_stopped(tmp_path, provider, engine):
    provider.script(text="the hen")
    url = None
    if engine == "lite":
        tables.make_lite(tmp_path / "data/nexflow.db", OLD, LIVED_IN)
        url = f"sqlite:{tmp_path}/data/nexflow.db"
    else:
        url = tables.make_postgres("lived_in", OLD, LIVED_IN)
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml(), database=url).start()
    session = daemon.get("/api/v1/sessions")[1]["sessions"]
    assert [s["title"] for s in session] == ["old times"]
    daemon.wait_until(lambda: len(daemon.messages(session[0]["id"])) == 4)
    assert [m["content"] for m in daemon.messages(session[0]["id"])] == [
        "what was first?", "the egg", "and then?", "the hen"]
    schema = daemon.rows("SELECT max(version) FROM schema_version") if engine == "lite" else [
        (nexflow.server().sql("SELECT max(version) FROM schema_version", "lived_in"),)]
    assert schema == [(str(len(tables.FILES)),)]
    assert daemon.stop() == 0, daemon.log()[-2000:]
