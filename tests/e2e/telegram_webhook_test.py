"""Telegram by webhook: it sends the next update of a chat only when we have answered the one before
(tests/fakes/telegram/webhook.py)."""
import concurrent.futures
import http.client
import json
import sqlite3
import time

import pytest

import nexflow
from telegram_pair import JPEG, Pair, bot, _fake  # noqa: F401  (a fixture)

INTAKE_MAX = 200  # NF_TELEGRAM_INTAKE_MAX


def hooked(tmp_path, provider, fake, **more):
    port = nexflow.free_port()
    both = Pair(tmp_path, provider, fake, bots=[bot(
        fake, mode="webhook", webhook_url=f'"http://127.0.0.1:{port}/hook"', webhook_listen=f'"127.0.0.1:{port}"',
        **more)])
    both.port = port
    return both.start()


@pytest.fixture(name="hook")
def _hook(tmp_path, provider, fake):
    both = hooked(tmp_path, provider, fake)
    yield both
    both.end()


def say_photo(fake, chat=1001, **more):
    file = fake.file(JPEG, "photo.jpg", "image/jpeg")
    fake.say(photo=[{"file_id": file["file_id"], "file_unique_id": "u", "width": 1, "height": 1}], chat=chat, **more)


def answered(fake):
    """How many calls were answered with 200."""
    return fake.stats()["counts"].get("webhook 200", 0)


def questions(hook):
    """What people said, as the model was asked last."""
    asked = hook.provider.log()[-1:]
    return json.dumps([m for r in asked for m in r["body"]["messages"] if m["role"] == "user"])


def call(hook, body, secret=None):
    c = http.client.HTTPConnection("127.0.0.1", hook.port, timeout=nexflow.WAIT_S)
    secret = secret or hook.telegram.state()["bots"][hook.telegram.token]["webhook"]["secret_token"]
    c.request("POST", "/hook", body, {"X-Telegram-Bot-Api-Secret-Token": secret} if secret != "-" else {})
    status = c.getresponse().status
    c.close()
    return status


def test_an_update_is_answered_once(hook):
    hook.telegram.say("by webhook", duplicates=1)
    hook.telegram.answer("by webhook")
    hook.telegram.until(lambda: answered(hook.telegram) >= 2)
    assert len(hook.telegram.messages()) == 1 and len(hook.provider.log()) == 1
    assert call(hook, "{}", secret="-") == 403
    assert call(hook, "{}", secret="x" * 64) == 403


def test_an_album_is_one_turn(hook):
    for i in range(4):
        say_photo(hook.telegram, media_group_id="g", **({"caption": "what is that"} if i == 1 else {}))
    hook.telegram.answer("echo: ")
    hook.telegram.until(lambda: answered(hook.telegram) >= 4)
    asked = hook.provider.log()
    assert len(asked) == 1 and json.dumps(asked[0]).count("data:image/jpeg") == 4
    assert len(hook.telegram.messages()) == 1


def test_a_paste_that_the_app_cut_is_one_turn(hook):
    for text in ("a" * 4096, "b" * 4096, "c" * 10):
        hook.telegram.say(text)
    hook.telegram.until(lambda: hook.provider.log())
    hook.telegram.say("and another one")
    hook.telegram.answer("and another one")
    asked = [json.dumps(r["body"]["messages"][-1]) for r in hook.provider.log()]
    assert len(asked) == 2 and "ab" in asked[0] and "bc" in asked[0]


def test_parts_that_were_accepted_outlive_a_kill(hook):
    for i in range(2):
        say_photo(hook.telegram, media_group_id="g", caption=f"part {i}.")
    hook.telegram.until(lambda: answered(hook.telegram) == 2)  # Telegram will not give them again
    hook.daemon.kill()
    say_photo(hook.telegram, media_group_id="g", caption="part 2.")
    hook.daemon.start()
    hook.telegram.until(lambda: answered(hook.telegram) == 3)
    hook.telegram.until(lambda: "part 2." in questions(hook))
    for i in range(3):
        assert questions(hook).count(f"part {i}.") == 1, "lost or twice"


def test_what_is_no_update_is_refused(hook):
    for body in ("[]", '[{"update_id":1}]', "7", '"update_id"', "", "not json", "{}", '{"update_id":"1"}',
                 '{"update_id":-1}'):
        assert call(hook, body) == 400, body
    # Of Telegram, and nothing for our reader of JSON: it would come again for a day.
    assert call(hook, '{"update_id":5,"message":{"text":"a\\u0000"}}') == 200
    hook.telegram.say("still there")
    hook.telegram.answer("still there")


def test_a_slow_file_is_accepted_at_once_and_holds_up_nothing_else(hook):
    fake = hook.telegram
    fake.fault("hang", method="download", times=1, seconds=4)
    fake.say(document=fake.file(b"x", "slow.txt", "text/plain"), caption="read it")
    fake.until(lambda: fake.stats()["injected"].get("download"))
    assert answered(fake) == 1
    fake.say("behind it")
    fake.until(lambda: answered(fake) == 2)
    fake.say("other chat", chat=1002)
    fake.answer("other chat", chat=1002)
    assert fake.texts() == []
    fake.answer("behind it")
    asked = [json.dumps(r["body"]["messages"][-1]) for r in hook.provider.log()]
    assert [("slow.txt" in t, "behind it" in t) for t in asked if "other chat" not in t] == [(True, False), (False, True)]


@nexflow.of_sqlite
def test_a_call_that_cannot_be_committed_is_not_acknowledged(hook):
    fake = hook.telegram
    lock = sqlite3.connect(hook.daemon.dir / "data/nexflow.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    say_photo(fake, media_group_id="g", caption="held back")
    time.sleep(0.5)
    assert answered(fake) == 0
    hook.daemon.kill()
    lock.execute("ROLLBACK")
    hook.daemon.start()
    fake.answer("held back")


def removed_from(chat, update_id):
    """An update for which the database is written, and nobody is answered."""
    user = {"id": 1000001, "is_bot": True, "first_name": "Nexflow"}
    return json.dumps({"update_id": update_id, "my_chat_member": {
        "chat": {"id": chat, "type": "supergroup", "title": "Team"}, "from": {"id": 5, "is_bot": False, "first_name": "B"},
        "date": 1, "old_chat_member": {"user": user, "status": "member"},
        "new_chat_member": {"user": user, "status": "left"}}})


@nexflow.of_sqlite
def test_calls_that_time_out_free_their_updates_and_so_many_are_under_way_at_most(tmp_path, provider, fake):
    hook = hooked(tmp_path, provider, fake, webhook_timeout="1s")
    updates = [removed_from(-100000 - i, 500000 + i) for i in range(INTAKE_MAX + 1)]

    def call_all(some):
        with concurrent.futures.ThreadPoolExecutor(50) as threads:
            return set(threads.map(lambda u: call(hook, u), some))
    with sqlite3.connect(hook.daemon.dir / "data/nexflow.db", isolation_level=None) as lock:
        lock.execute("BEGIN IMMEDIATE")  # no commit is possible now
        assert call_all(updates[:-1]) == {503}
        for u in updates[0], updates[0], updates[-1]:
            assert call(hook, u) == 503
        said = [e["err"] for e in hook.daemon.events("telegram.webhook.not_taken")]
        assert sum("are under way" in e for e in said) == 1 and not any("another call" in e for e in said), said[-5:]
        lock.execute("ROLLBACK")
    rows = "SELECT count(*) FROM chat_unreachable"
    hook.daemon.wait_until(lambda: hook.daemon.rows(rows) == [(str(INTAKE_MAX),)])
    assert call_all(updates) == {200}
    assert hook.daemon.rows(rows) == [(str(INTAKE_MAX + 1),)]
    fake.say("still there")
    fake.answer("still there")
    hook.end()
