"""Telegram: crashes, changes, several bots."""
import sqlite3
import time

import nexflow
from telegram_pair import bot, Pair, running, _fake, _pair  # noqa: F401  (fixtures)


def test_nothing_is_lost_or_doubled_by_a_kill(tmp_path, provider, fake):
    both = Pair(tmp_path, provider, fake).start()
    provider.script(text="", first_delay=0.3)
    provider.script()
    for i in range(10):
        fake.say(f"message {i} end", chat=1001 + i % 3)
        time.sleep(0.05)
        if i % 3 == 2:
            both.daemon.kill()
            both.daemon.start()
    for i in range(10):
        fake.answer(f"message {i} end", chat=1001 + i % 3)
    time.sleep(1)
    shown = [t for c in (1001, 1002, 1003) for t in fake.texts(c)]
    for i in range(10):
        assert sum(f"echo: message {i} end" in t for t in shown) == 1, shown
    both.end()


def test_an_album_that_came_in_pieces_is_not_taken_twice_after_a_kill(tmp_path, provider, fake):
    both = Pair(tmp_path, provider, fake).start()
    held = fake.file(b"held up", "held.txt", "text/plain")
    fake.fault("hang", method="getFile", times=1)  # in another chat: it holds the offset
    fake.say(document=held, chat=1002)

    def part(i):
        file = fake.file(f"part {i}".encode(), f"{i}.txt", "text/plain")
        fake.say(document=file, media_group_id="g", caption=f"caption {i} end")
    part(1)
    fake.answer("caption 1 end")
    part(2)
    part(3)
    fake.answer("caption 3 end")
    both.daemon.kill()
    both.daemon.start()
    fake.answer("held.txt", chat=1002)
    fake.until(lambda: fake.stats()["pending"][fake.token] == 0, what="confirmed")
    part(4)
    fake.answer("caption 4 end")
    assert sum("caption 1 end" in t for t in fake.texts()) == 1, fake.texts()
    assert sum("caption 3 end" in t for t in fake.texts()) == 1, fake.texts()
    both.end()


@nexflow.of_sqlite
def test_nothing_is_confirmed_before_it_is_committed(tmp_path, provider, fake):
    both = Pair(tmp_path, provider, fake).start()
    fake.say("first")
    fake.answer("first")
    confirmed = fake.until(lambda: fake.state()["bots"][fake.token]["confirmed"])
    lock = sqlite3.connect(tmp_path / "data/nexflow.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")  # no commit is possible now
    fake.say("second")
    time.sleep(3)  # polls go on meanwhile
    assert fake.state()["bots"][fake.token]["confirmed"] == confirmed
    both.daemon.kill()
    lock.execute("ROLLBACK")
    both.daemon.start()
    fake.answer("second")
    assert fake.until(lambda: fake.state()["bots"][fake.token]["confirmed"] > confirmed)
    both.end()


def test_what_was_written_while_we_were_away_is_answered(tmp_path, provider, fake):
    both = Pair(tmp_path, provider, fake).start()
    both.daemon.stop()
    fake.say("are you there")
    both.daemon.start()
    fake.answer("are you there")
    both.end()


def test_another_bot_is_heard_at_once(tmp_path, provider, fake):
    """The offset of the old bot says nothing about the new one's updates."""
    both = Pair(tmp_path, provider, fake).start()
    for i in range(3):
        fake.say(f"old {i}")
    fake.answer("old 2")
    both.daemon.stop()
    other = "2000002:OTHER-token_for-the-fake"
    fake.call("bot", {"token": other, "username": "other_test_bot"})
    fake.say("to the new one", chat=1002, token=other)
    both.daemon.config.write_text(both.daemon.config.read_text().replace(fake.token, other))
    both.daemon.start()
    fake.answer("to the new one", chat=1002)
    both.end()


def test_two_bots_at_once(tmp_path, provider, fake):
    other = "2000002:OTHER-token_for-the-fake"
    fake.call("bot", {"token": other, "username": "other_test_bot"})
    both = Pair(tmp_path, provider, fake, bots=[bot(fake), bot(fake, name="second", token=other)]).start()
    fake.say("to one", chat=1001)
    fake.say("to two", chat=1002, token=other)
    assert fake.answer("to one", chat=1001)["from"]["id"] == 1000001
    assert fake.answer("to two", chat=1002)["from"]["id"] == 2000002
    both.end()


def test_a_draft_has_a_button_that_stops_the_run(tmp_path, provider, fake):
    both = Pair(tmp_path, provider, fake, bots=[bot(fake, drafts="true")]).start()
    provider.script(hang="first")
    fake.say("think")
    drafts = fake.until(lambda: fake.state(1001)["chats"]["1001"]["drafts"][1:] and fake.state(1001)["chats"]["1001"]["drafts"])
    assert all(d["can_stop"] and d["draft_id"] == drafts[0]["draft_id"] for d in drafts)
    fake.call("update", {"update": {"stopped_message_generation": {
        "chat": {"id": 1001, "type": "private"}, "draft_id": drafts[0]["draft_id"]}}})
    both.daemon.wait_until(lambda: running(both) == 0)
    both.end()


@nexflow.of_sqlite
def test_what_is_held_does_not_outlive_what_came_before_it(tmp_path, provider, fake):
    both = Pair(tmp_path, provider, fake).start()
    fake.say("hello end", chat=1002)
    fake.answer("hello end", chat=1002)  # nothing of a former life is left: the next is not held by itself

    def change(sql):
        database = sqlite3.connect(tmp_path / "data/nexflow.db", timeout=30)
        database.execute(sql)
        database.close()
    change("CREATE TRIGGER not_yet BEFORE INSERT ON messages WHEN NEW.content LIKE 'first%'"
           " BEGIN SELECT json('not yet'); END")  # no refusal by a rule of ours, but an error
    fake.say("first end")  # taken in at once, which fails and is tried again
    fake.until(lambda: fake.state()["bots"][fake.token]["next"] > 2, what="the first under way")
    fake.say("second end")
    fake.until(lambda: both.daemon.rows("SELECT id FROM chat_held WHERE body LIKE '%second end%'"),
               what="the second held")
    both.daemon.kill()
    change("DROP TRIGGER not_yet")
    fake.fault("hold", method="getUpdates", times=-1)  # Telegram gives the first again only later
    both.daemon.start()
    fake.answer("second end")
    fake.call("release")
    fake.answer("first end")
    answers = [next(w for w in ("first", "second") if f"{w} end" in t) for t in fake.texts()]
    assert answers == ["first", "second"], fake.texts()
    both.end()
