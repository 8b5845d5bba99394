"""Two PostgreSQL servers, one the standby of the other: the first is killed, the second promoted, and
the daemons go on with it. Nothing that was accepted is lost, since a commit waits for the standby."""
import threading
import time

import pytest

import nexflow
import postgres

CONFIG = ("turns: {lease: 3s}\n"
          "limits: {messages_per_minute: 1000000, requests_per_minute: 1000000}\n")


@pytest.fixture
def servers():
    """(primary, standby that every commit waits for)"""
    primary = postgres.Postgres().start()
    standby = postgres.Postgres(standby_of=primary).start()
    primary.sql("ALTER SYSTEM SET synchronous_standby_names='*'")
    primary.sql("SELECT pg_reload_conf()")
    yield primary, standby
    primary.stop()
    standby.stop()


@pytest.fixture
def pair(tmp_path, provider, servers):
    """Two daemons that know both servers."""
    primary, standby = servers
    primary.create("nexflow")
    url = (f"postgresql://nexflow@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/nexflow"
           "?target_session_attrs=read-write")
    daemons = [nexflow.Daemon(tmp_path / str(i), CONFIG, provider.yaml(), database=url) for i in range(2)]
    for daemon in daemons:
        daemon.start(wait=False)
    for daemon in daemons:
        daemon.wait_until(lambda d=daemon: d.get("/health")[0] == 200)
    yield daemons
    for daemon in daemons:
        assert daemon.stop() == 0, daemon.log()[-2000:]


class Writer(threading.Thread):
    """Sends messages one after the other, each again until it is accepted."""

    def __init__(self, daemon, name):
        super().__init__()
        self.daemon_, self.name_, self.accepted, self.at, self.over = daemon, name, [], [], False

    def run(self):
        while not self.over:
            body = {"content": f"{self.name_} {len(self.accepted)}", "message_id": f"{self.name_}-{len(self.accepted)}"}
            if self.accepted:
                body["session_id"] = self.accepted[0]["session_id"]
            try:
                status, answer = self.daemon_.post("/api/v1/messages", body)
            except OSError:
                status = 0
            if status == 202:
                self.accepted.append(answer)
                self.at.append(time.monotonic())
            else:
                time.sleep(0.1)


def test_a_standby_takes_over_and_nothing_is_lost(pair, servers):
    primary, standby = servers
    writers = [Writer(d, f"w{i}") for i, d in enumerate(pair)]
    for w in writers:
        w.start()
    for w in writers:
        pair[0].wait_until(lambda w=w: len(w.accepted) >= 20)
    primary.kill()
    died = time.monotonic()
    standby.promote()
    promoted = time.monotonic()
    for w in writers:
        pair[0].wait_until(lambda w=w: w.at[-1] > promoted)
    first = max(next(at for at in w.at if at > promoted) for w in writers)
    for w in writers:
        pair[0].wait_until(lambda w=w, n=len(w.accepted): len(w.accepted) >= n + 10)
        w.over = True
        w.join()
    print(f"promoted {promoted - died:.1f} s after the kill, all go on {first - promoted:.1f} s later")

    for daemon, w in zip(pair, writers):
        session = w.accepted[0]["session_id"]
        daemon.wait_until(lambda d=daemon, s=session, n=len(w.accepted): len(d.messages(s)) == 2 * n)
        messages = daemon.messages(session)
        asked = [m["message_id"] for m in messages if m["role"] == "user"]
        answered = [m["run_id"] for m in messages if m["role"] == "assistant"]
        assert asked == [f"{w.name_}-{i}" for i in range(len(w.accepted))]
        assert answered == [a["run_id"] for a in w.accepted]
        assert daemon.process.poll() is None and not daemon.events("instance.lost")
    assert standby.sql("SELECT pg_is_in_recovery()") == "f"
