"""PostgreSQL loses power in the middle of commits: what it has forgotten is never taken for stored.

After such a crash it gives transaction numbers again that it had not written down, so that asking
for the outcome by number would find somebody else's. Commits are made slow, so that cuts find some.
"""
import asyncio
import json

import pytest

import nexflow
import postgres

CUTS, WRITERS = 3, 24
NUMBERS = 200  # more than transactions were on their way
CONFIG = "limits: {messages_per_minute: 1000000, requests_per_minute: 1000000}\n"


@pytest.fixture
def server():
    one = postgres.Postgres(fsync=True, settings={"commit_delay": 100000, "commit_siblings": 0}).start()
    yield one
    one.stop()


def start_with_new_numbers(server):
    """Others take the numbers that are free again, before the daemon can ask about them."""
    rules = server.data / "pg_hba.conf"
    usual = rules.read_text(encoding="utf-8")
    rules.write_text("local all all trust\nhost all all all reject\n", encoding="utf-8")
    server.start()
    server.sql("DO $$ BEGIN FOR i IN 1..%d LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$" % NUMBERS)
    rules.write_text(usual, encoding="utf-8")
    server.sql("SELECT pg_reload_conf()")


class Writer:
    """Keeps what it was told to be accepted; of what it is not sure of it says nothing."""

    def __init__(self, daemon, number):
        self.daemon, self.number, self.accepted, self.sent, self.over = daemon, number, [], 0, False

    async def run(self):
        while not self.over:
            self.sent += 1
            body = json.dumps({"content": "hello", "message_id": f"w{self.number}-{self.sent}"}).encode()
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.daemon.port)
                writer.write(f"POST /api/v1/messages HTTP/1.1\r\nHost: 127.0.0.1:{self.daemon.port}\r\n"
                             f"Authorization: Bearer {nexflow.TOKEN}\r\nConnection: close\r\n"
                             f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
                answer = await asyncio.wait_for(reader.read(), 60)
                writer.close()
            except OSError:
                continue
            if answer.startswith(b"HTTP/1.1 202"):
                self.accepted.append(json.loads(answer.partition(b"\r\n\r\n")[2]))


def test_what_the_server_forgot_is_not_taken_for_stored(tmp_path, provider, server):
    daemon = nexflow.Daemon(tmp_path, CONFIG, provider.yaml(), database=server.create("nexflow")).start()
    writers = [Writer(daemon, i) for i in range(WRITERS)]

    async def scene():
        tasks = [asyncio.ensure_future(w.run()) for w in writers]
        for _ in range(CUTS):
            before = sum(len(w.accepted) for w in writers)
            while sum(len(w.accepted) for w in writers) < before + WRITERS:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(server.power_cut)
            await asyncio.to_thread(start_with_new_numbers, server)
        for w in writers:
            w.over = True
        await asyncio.gather(*tasks)

    asyncio.run(scene())
    accepted = {a["run_id"] for w in writers for a in w.accepted}
    missing = {run for run in accepted if status_of(daemon, run) != 200}
    assert missing == set(), f"{len(missing)} of {len(accepted)} are lost"
    assert daemon.stop() == 0, daemon.log()[-3000:]


def status_of(daemon, run):
    """Of a task that is read, once the database can be asked again."""
    found = []

    def answered():
        found.append(daemon.get(f"/api/v1/tasks/{run}")[0])
        return found[-1] != 503

    daemon.wait_until(answered)
    return found[-1]
