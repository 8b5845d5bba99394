"""The database goes away in the middle of an answer in Telegram: the person gets that answer once it is back, and
no older text stays over it."""
import sys

import pytest

import nexflow
import postgres
from telegram_pair import bot, config, _fake  # noqa: F401  (fixture)

sys.path.append(str(nexflow.TOP / "tests/crash"))
import faults  # noqa: E402  (what relays to PostgreSQL)

LEASE = "turns: {lease: 3s}\n"
WORDS = " ".join(f"word{i}" for i in range(30))  # nine seconds


@pytest.fixture(name="server")
def _server():
    one = postgres.Postgres().start()
    yield one
    one.stop()


@pytest.fixture(name="relay")
def _relay(server):
    one = faults.Proxy(nexflow.BIN / "cut_proxy", server.port)
    yield one
    one.stop()


def start(directory, provider, fake, database):
    return nexflow.Daemon(directory, config(bot(fake)) + LEASE, provider.yaml(), database=database).start()


def hold_an_edit(fake):
    """The network takes its time, and the edit takes effect only when it is let go."""
    fake.fault("hold", method="editMessageText")
    fake.until(lambda: fake.stats()["injected"].get("editMessageText/hold"), what="an edit under way")


def lost_its_lease(daemon):
    """It could not tell that it is there for longer than others wait for that."""
    return len(daemon.events("instance.keep.failed")) >= 4


def test_the_answer_comes_when_the_database_is_back(tmp_path, provider, fake, server):
    daemon = start(tmp_path / "one", provider, fake, server.create("away"))
    provider.script(text=WORDS, delay=0.3)
    fake.say("hello")
    fake.answer("word3")
    hold_an_edit(fake)
    server.kill()
    daemon.wait_until(lambda: lost_its_lease(daemon))
    fake.call("release")
    daemon.wait_until(lambda: daemon.events("turn.unwritten"))  # its end could not be written down
    provider.script(text="the answer")
    server.start()
    fake.until(lambda: fake.texts() == ["the answer"], what="the answer alone")
    provider.script()
    fake.say("and now")
    fake.answer("echo: and now")
    assert fake.texts()[0] == "the answer"
    assert daemon.get("/api/v1/status")[1]["queues"] == dict.fromkeys(daemon.get("/api/v1/status")[1]["queues"], 0)
    assert daemon.stop() == 0
    assert fake.stats()["violations"] == []


def test_what_was_written_over_while_the_database_was_away_is_brought_again(tmp_path, provider, fake, server, relay):
    """By another one, which has taken the turn over: what we had under way comes over its reply, and we cannot say so
    before we can reach the database."""
    url = server.create("owed")
    ours = start(tmp_path / "ours", provider, fake, url.replace(str(server.port), str(relay.port)))
    provider.script(text=WORDS, delay=0.3)
    fake.say("hello")
    fake.answer("word3")
    hold_an_edit(fake)
    provider.script(text="taken over")
    relay.order("refuse 3600000")
    relay.order("cut")
    theirs = start(tmp_path / "theirs", provider, fake, url)
    fake.answer("taken over")
    fake.call("release")
    fake.answer("word")  # the older text over the newer one
    ours.wait_until(lambda: ours.events("turn.unwritten"))
    relay.order("refuse 0")
    assert ours.process.wait(nexflow.WAIT_S) == 1
    assert ours.events("instance.lost")
    fake.until(lambda: fake.texts() == ["taken over"], what="the reply again")
    assert theirs.stop() == 0
    assert fake.stats()["violations"] == []
