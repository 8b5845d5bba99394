"""Telegram: what it may do to us."""
import json
import time

import pytest

import telegram
from telegram_pair import barrier, bot, channel, mention, Pair, _fake, _pair  # noqa: F401  (fixtures)


def test_a_duplicate_update_is_one_turn(pair):
    pair.telegram.say("once", duplicates=3)
    pair.telegram.answer("once")
    barrier(pair)
    assert len(pair.telegram.messages()) == 1 and len(pair.provider.log()) == 2


def test_a_pause_that_is_asked_for_is_kept(pair):
    pair.telegram.fault("429", method="sendMessage", retry_after=2)
    pair.telegram.say("patience")
    pair.telegram.answer("patience")
    calls = pair.telegram.log("sendMessage")
    assert [c["status"] for c in calls] == [429, 200]
    assert calls[1]["at"] - calls[0]["at"] >= 2


def test_refused_markup_goes_once_more_as_plain_text(pair):
    pair.provider.script(text="**bold** text")
    pair.telegram.fault("error", method="editMessageText", status=400, times=1,
                        description="Bad Request: can't parse entities: what is that")
    pair.telegram.say("x")
    m = pair.telegram.answer("bold text")
    assert "entities" not in m
    assert pair.telegram.texts() == ["bold text"]


@pytest.mark.parametrize("kind", ["500-after", "cut-after"])
def test_a_send_with_an_unknown_end_shows_the_answer_once(pair, kind):
    pair.telegram.fault(kind, method="sendMessage", times=1)
    pair.telegram.say("did it arrive")
    pair.telegram.answer("echo: did it arrive")
    barrier(pair)
    texts = [t for t in pair.telegram.texts() if "did it arrive" in t]
    assert len(texts) == 1
    metrics = pair.daemon.request("GET", "/metrics")[2]
    line = next(l for l in metrics.splitlines() if l.startswith("nexflow_chat_ambiguous_total"))
    assert line.split()[-1] == "1"


@pytest.mark.parametrize("kind", ["500", "500-after", "cut", "cut-after"])
def test_an_edit_is_repeated(pair, kind):
    pair.telegram.fault(kind, method="editMessageText", times=1)
    pair.telegram.say("edit me")
    pair.telegram.answer("echo: edit me")
    barrier(pair)
    assert pair.telegram.texts() == ["echo: edit me"]


@pytest.mark.parametrize("why", ["message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID"])
def test_a_message_that_cannot_be_edited_is_sent_anew(pair, why):
    pair.telegram.fault("error", method="editMessageText", status=400, times=-1, message=2,
                        description=f"Bad Request: {why}")
    pair.telegram.say("gone")
    pair.telegram.answer("echo: gone")
    assert len(pair.telegram.messages()) == 2


def test_a_server_that_takes_less_gets_it_in_more_messages(pair):
    pair.provider.script(text="\n\n".join(f"paragraph {i} " + "x" * 300 for i in range(10)))
    pair.telegram.fault("error", method="editMessageText", status=400, times=1,
                        description="Bad Request: message is too long")
    pair.telegram.say("long")
    pair.telegram.until(lambda: "paragraph 9" in "".join(pair.telegram.texts()))
    assert len(pair.telegram.messages()) >= 2
    assert "".join(pair.telegram.texts()).count("paragraph 9") == 1


def test_a_topic_that_is_gone_is_left_in_private_and_given_up_in_a_group(pair):
    gone = {"status": 400, "description": "Bad Request: message thread not found"}
    pair.telegram.call("chat", {"id": 1001, "topics": [9]})
    pair.telegram.fault("error", method="sendMessage", times=1, **gone)
    pair.telegram.say("in a topic of ours", message_thread_id=9, is_topic_message=True)
    m = pair.telegram.answer("in a topic of ours")
    assert "message_thread_id" not in m
    pair.telegram.call("chat", {"id": -100600, "topics": [7]})
    pair.telegram.fault("error", method="sendMessage", times=-1, chat=-100600, **gone)
    text = "@nexflow_test_bot go"
    account = {"network": "telegram", "account": "1003"}
    assert pair.daemon.post("/api/v1/users/me/identities", account)[0] == 200
    pair.telegram.call("chat", {"id": 1003})
    for i in range(2):
        pair.telegram.say(text, chat=-100600, **{"from": 5}, entities=mention(text), message_thread_id=7,
                          is_topic_message=True)
        pair.telegram.until(lambda n=i: pair.telegram.stats()["injected"].get("sendMessage/error", 0) >= 2 + n)
    pair.telegram.answer("nothing can be said any more in the topic 7 of the group -100600", chat=1003)
    pair.telegram.say("elsewhere", chat=1002)
    pair.telegram.answer("elsewhere", chat=1002)
    assert pair.telegram.stats()["injected"]["sendMessage/error"] <= 7  # it is no loop
    assert len(pair.telegram.messages(1003)) == 1  # the owner hears it once


def test_owners_hear_of_a_topic_that_is_gone_though_we_are_killed_while_we_tell_them(pair):
    fake, owner = pair.telegram, {"network": "telegram", "account": "1003"}
    assert pair.daemon.post("/api/v1/users/me/identities", owner)[0] == 200
    fake.call("chat", {"id": 1003})
    fake.call("chat", {"id": -100600, "topics": [7]})
    fake.fault("error", method="sendMessage", times=-1, chat=-100600, status=400,
               description="Bad Request: message thread not found")
    fake.fault("hang", method="sendMessage", chat=1003)
    fake.say("@nexflow_test_bot go", chat=-100600, **{"from": 5}, entities=mention("@nexflow_test_bot go"),
             message_thread_id=7, is_topic_message=True)
    fake.until(lambda: fake.stats()["injected"].get("sendMessage/hang"), what="owners are being told")
    pair.daemon.kill()
    assert not fake.messages(1003)
    pair.daemon.start()
    fake.answer("nothing can be said any more in the topic 7 of the group -100600", chat=1003)


def test_owners_hear_of_a_topic_that_is_gone_in_their_language(pair):
    fake, owner = pair.telegram, {"network": "telegram", "account": "1003"}
    assert pair.daemon.post("/api/v1/users/me/identities", owner)[0] == 200
    fake.call("chat", {"id": 1003})
    fake.say("привет", chat=1003, lang="ru")
    fake.answer("привет", chat=1003)
    fake.call("chat", {"id": -100600, "topics": [7]})
    fake.fault("error", method="sendMessage", times=-1, chat=-100600, status=400,
               description="Bad Request: message thread not found")
    fake.say("@nexflow_test_bot go", chat=-100600, **{"from": 5}, entities=mention("@nexflow_test_bot go"),
             message_thread_id=7, is_topic_message=True)
    told = fake.answer("больше ничего нельзя сказать в теме 7 группы -100600", chat=1003)["text"]
    assert "nothing can be said" not in told and "/schedules" in told


def test_what_went_to_another_server_goes_again(pair):
    pair.telegram.fault("error", method="sendMessage", status=421, times=2, description="Misdirected Request")
    pair.telegram.say("hello")
    pair.telegram.answer("echo: hello")
    assert pair.telegram.texts() == ["echo: hello"]


def test_who_blocks_and_comes_back_is_told_by_membership(pair):
    def member(status):
        user = {"id": 1000001, "is_bot": True, "first_name": "Nexflow"}
        pair.telegram.call("update", {"update": {"my_chat_member": {
            "chat": {"id": 1001, "type": "private"}, "from": {"id": 1001, "is_bot": False, "first_name": "Anna"},
            "date": 1, "old_chat_member": {"user": user, "status": "member"},
            "new_chat_member": {"user": user, "status": status}}}})

    def unreachable():
        return len(pair.daemon.rows("SELECT 1 FROM chat_unreachable"))
    member("kicked")
    pair.daemon.wait_until(lambda: unreachable() == 1)
    member("member")
    pair.daemon.wait_until(lambda: unreachable() == 0)


def test_who_blocked_us_is_left_alone_until_they_come_back(pair):
    pair.telegram.call("chat", {"id": 1001})
    pair.telegram.call("chat", {"id": 1001, "blocked": "bot was blocked by the user"})
    pair.telegram.say("hello")
    pair.telegram.until(lambda: any(c["status"] == 403 for c in pair.telegram.log("sendMessage")))
    time.sleep(1)
    refused = len([c for c in pair.telegram.log() if c["status"] == 403 and c["method"] != "sendChatAction"])
    assert refused <= 3
    pair.telegram.call("chat", {"id": 1001, "blocked": ""})
    pair.telegram.say("I am back")
    pair.telegram.answer("I am back")


REFUSALS = [  # status, description (Client.cpp of tdlib/telegram-bot-api), in a private chat
    (403, "Forbidden: user is deactivated", True),
    (403, "Forbidden: bot can't initiate conversation with a user", True),
    (403, "Forbidden: bot was kicked from the supergroup chat", False),
    (403, "Forbidden: bot is not a member of the supergroup chat", False),
    (403, "Forbidden: the group chat was deleted", False),
    (400, "Bad Request: not enough rights to send text messages to the chat", False),
    (400, "Bad Request: have no rights to send a message", False),
    (400, "Bad Request: CHAT_WRITE_FORBIDDEN", False),
    (400, "Bad Request: need administrator rights in the channel chat", False)]


def test_chats_that_refuse_us_are_left_alone_until_somebody_writes_there(pair):
    fake = pair.telegram
    chats = [1001 + i if private else -100500 - i for i, (_, _, private) in enumerate(REFUSALS)]

    def say(chat, text):
        more = {"from": 5, "entities": mention(text)} if chat < 0 else {}
        fake.say(text, chat=chat, **more)

    def refused():
        return dict(pair.daemon.rows("SELECT address,reason FROM chat_unreachable"))
    for chat, (status, why, _) in zip(chats, REFUSALS):
        fake.fault("error", method="sendMessage", times=-1, chat=chat, status=status, description=why)
        say(chat, "@nexflow_test_bot hello")
    pair.daemon.wait_until(lambda: len(refused()) == len(REFUSALS))
    for chat, (_, why, _) in zip(chats, REFUSALS):
        assert why in refused()[str(chat)]
    barrier(pair)
    for chat in chats:
        calls = [c for c in fake.log("sendMessage") if json.loads(c["body"])["chat_id"] == chat]
        assert 1 <= len(calls) <= 3, (chat, calls)  # it is no loop
    fake.call("calm")
    for chat in chats:
        say(chat, "@nexflow_test_bot we are back")
        fake.answer("we are back", chat=chat)
    assert refused() == {}


def test_an_update_that_cannot_be_read_does_not_make_us_deaf(pair):
    for i in range(3):
        pair.telegram.say(f"before {i}")
    pair.telegram.say("a zero\0in it")
    pair.telegram.say("after it", chat=1002)
    pair.telegram.answer("after it", chat=1002)
    pair.telegram.answer("before 2")
    assert pair.daemon.events("telegram.update.unreadable")


def test_updates_of_which_nothing_can_be_made_hold_up_nobody(pair):
    chat = {"id": 1001, "type": "private", "first_name": "Anna"}
    author = {"id": 1001, "is_bot": False, "first_name": "Anna"}
    for message in ({"message_id": 900, "date": 1, "chat": chat, "from": author, "text": "y" * (2 << 20)},
                    {"message_id": 901, "date": 1, "migrate_to_chat_id": -1002003004005}):
        pair.telegram.call("update", {"update": {"message": message}})
    pair.telegram.say("after them")
    pair.telegram.answer("after them")
    pair.telegram.until(lambda: pair.telegram.stats()["pending"][pair.telegram.token] == 0, what="confirmed")
    assert len(pair.daemon.events("telegram.update.given_up")) == 1


def test_an_update_that_is_too_long_to_be_held_holds_up_nobody(pair):
    person = {"id": 1001, "is_bot": False, "first_name": "Anna"}
    pair.telegram.call("update", {"update": {"message": {
        "message_id": 900, "date": 1, "chat": {"id": 1001, "type": "private", "first_name": "Anna"}, "from": person,
        "caption": "one of several", "media_group_id": "g", "later_kind": "y" * (512 << 10)}}})
    pair.telegram.say("after it")
    pair.telegram.answer("after it")
    assert len(pair.daemon.events("telegram.update.given_up")) == 1


def test_updates_that_are_too_much_together_come_one_by_one(tmp_path, provider, fake):
    for i in range(17):
        fake.call("update", {"update": {"later_kind": {"i": i, "x": "y" * (1 << 20)}}})
    fake.say("behind it all")
    pair = Pair(tmp_path, provider, fake).start()
    fake.answer("behind it all")
    pair.end()


def test_a_page_of_something_between_is_no_news(pair):
    def state():
        return pair.daemon.get("/api/v1/channels")[1]["channels"][0]
    pair.telegram.fault("page", method="getUpdates", times=-1)
    pair.daemon.wait_until(lambda: state()["state"] == "retrying")
    assert "proxy" in state()["todo"]
    pair.telegram.call("calm")
    pair.telegram.say("out of the hotel")
    pair.telegram.answer("out of the hotel")
    pair.daemon.wait_until(lambda: state()["state"] == "connected")


@pytest.mark.parametrize("status", [404, 503])
def test_a_file_that_cannot_be_had_holds_up_nobody(pair, status):
    pair.telegram.fault("error", method="download", status=status, times=-1)
    file = pair.telegram.file(b"gone", "notes.txt", "text/plain")
    pair.telegram.say(document=file, caption="read it")
    pair.telegram.answer("echo: ")
    assert "could not be fetched" in json.dumps(pair.provider.log()[-1]["body"]["messages"][-1])
    tries = pair.telegram.stats()["counts"]["download"]
    assert tries == (1 if status == 404 else 3)  # FETCH_TRIES


def test_polls_that_fail_are_tried_again(pair):
    for kind in ("cut", "500", "cut"):
        pair.telegram.fault(kind, method="getUpdates", times=1)
    pair.telegram.fault("429", method="getUpdates", retry_after=1)
    pair.telegram.say("still there")
    pair.telegram.answer("still there")


def test_another_poller_is_named_and_outlasted(pair):
    pair.telegram.fault("error", method="getUpdates", status=409, times=2, description=(
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"))
    pair.daemon.wait_until(lambda: channel(pair)["state"] == "retrying")
    assert channel(pair)["code"] == 409
    pair.telegram.say("mine again")
    pair.telegram.answer("mine again")
    pair.daemon.wait_until(lambda: channel(pair)["state"] == "connected")


def test_a_webhook_that_is_in_the_way_is_removed_once(tmp_path, provider, fake):
    url = "http://127.0.0.1:9/elsewhere"
    fake.call("bot", {"token": fake.token})
    import http.client
    c = http.client.HTTPConnection("127.0.0.1", fake.port)
    c.request("POST", f"/bot{fake.token}/setWebhook", json.dumps({"url": url}), {"Content-Type": "application/json"})
    assert c.getresponse().status == 200
    both = Pair(tmp_path, provider, fake).start()
    fake.say("hello")
    fake.answer("echo: hello")
    assert fake.stats()["counts"]["deletewebhook"] == 1
    both.end()


def test_a_refused_token_is_told_and_not_ready(tmp_path, provider, fake):
    both = Pair(tmp_path, provider, fake, bots=[bot(fake, token="999:wrong-token_AAAA")])
    both.daemon.start()
    both.daemon.wait_until(lambda: channel(both)["state"] == "refused")
    status, body = both.daemon.get("/ready")
    assert status == 503 and "BotFather" in json.dumps(body)
    both.daemon.stop()
    assert "wrong-token_AAAA" not in both.daemon.log()
    assert fake.stats()["counts"].get("getupdates", 0) == 0


def test_who_hears_nothing_is_not_ready(tmp_path, provider, fake):
    """The edge is `deaf_after`, a minute by default; here it is short."""
    both = Pair(tmp_path, provider, fake, bots=[bot(fake, poll_timeout="1s", deaf_after="8s")]).start()
    both.daemon.wait_until(lambda: both.daemon.get("/ready")[0] == 200)
    fake.fault("hang", method="*", times=-1)  # for ever: what hangs is left by us, not ended by it
    both.daemon.wait_until(lambda: channel(both)["deaf"])  # a busy machine is not ready for other reasons, too
    assert channel(both)["alive_ms"] > 8000
    both.daemon.wait_until(lambda: both.daemon.get("/ready")[0] == 503)
    assert fake.stats()["injected"]["getUpdates/hang"] >= 2  # and tried again meanwhile
    fake.call("calm")
    both.daemon.wait_until(lambda: both.daemon.get("/ready")[0] == 200)
    fake.say("again")
    fake.answer("again")
    both.end()


def test_the_owner_is_told_by_another_bot_that_a_token_is_refused(tmp_path, provider, fake):
    other = "2000002:OTHER-token_for-the-fake"
    fake.call("bot", {"token": other, "username": "other_test_bot"})
    both = Pair(tmp_path, provider, fake, bots=[bot(fake), bot(fake, name="second", token=other)]).start()
    status, body = both.daemon.post("/api/v1/users/me/identities", {"network": "telegram", "account": "1001"})
    assert status == 200, body
    fake.call("chat", {"id": 1001})
    fake.call("bot", {"token": other, "revoked": True})
    m = fake.answer("second")
    assert "token" in m["text"] and "BotFather" in m["text"] and m["from"]["id"] == 1000001
    time.sleep(6)
    assert len(fake.messages()) == 1  # once
    both.end()


def test_a_wrong_address_of_the_server_is_told(tmp_path, provider, fake):
    both = Pair(tmp_path, provider, fake, bots=[bot(fake, api_base=f'"{fake.base}/telegram"')])
    both.daemon.start()
    both.daemon.wait_until(lambda: channel(both)["state"] == "refused")
    assert "api_base" in json.dumps(both.daemon.get("/ready")[1])
    both.daemon.stop()
