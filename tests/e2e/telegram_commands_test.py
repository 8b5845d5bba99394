"""Telegram: edits, commands, buttons."""
import json
import re
import time

import pytest

import telegram
import tools_test
from telegram_pair import bot, Pair, running, _fake, _pair  # noqa: F401  (fixtures)


def test_an_edited_message_is_a_correction(pair):
    pair.telegram.say("teh question")
    pair.telegram.answer("teh question")
    pair.telegram.say("the question", edit=1)
    pair.telegram.answer("the question")
    assert "correct" in json.dumps(pair.provider.log()[-1]["body"]["messages"][-1]).lower()


def test_the_menu_is_registered_in_both_languages(pair):
    pair.telegram.until(lambda: len(pair.telegram.state()["bots"][telegram.TOKEN]["commands"]) >= 2)
    menus = pair.telegram.state()["bots"][telegram.TOKEN]["commands"]
    by_language = {json.loads(k)[1]: v for k, v in menus.items()}
    names = [c["command"] for c in by_language[""]]
    for name in ("start", "help", "new", "stop", "model", "tasks", "status", "skills", "settings"):
        assert name in names
    assert [c["command"] for c in by_language["ru"]] == names
    assert by_language["ru"][1]["description"] != by_language[""][1]["description"]


def test_commands_are_answered_without_the_model(pair):
    pair.telegram.say("/help", lang="en")
    pair.telegram.until(lambda: pair.telegram.texts())
    assert not pair.provider.log()


def test_commands_speak_the_language_of_who_asks(pair):
    pair.telegram.say("/help", lang="ru")
    pair.telegram.until(lambda: pair.telegram.texts())
    assert "разговор" in pair.telegram.texts()[0]
    pair.telegram.say("/status", chat=1002, lang="en")
    pair.telegram.until(lambda: pair.telegram.texts(1002))
    assert "разговор" not in pair.telegram.texts(1002)[0]


COMMANDS = ["start", "help", "new", "stop", "model", "model none", "tasks", "status", "skills", "schedules",
            "schedules pause 06xszy9fc0000", "settings", "settings zone Nowhere", "pair", "pair ABCD-2345"]


def test_every_command_says_something_in_both_languages(tmp_path, provider, fake):
    """Without the model. In Russian no sentence is English: names of ours and examples may be."""
    chats = {(c, lang): 3000 + 2 * i + (lang == "ru") for i, c in enumerate(COMMANDS) for lang in ("en", "ru")}
    accounts = json.dumps([str(c) for c in chats.values()])
    both = Pair(tmp_path, provider, fake, bots=[bot(fake, accounts=accounts)]).start()
    for (command, lang), chat in chats.items():
        fake.say("/" + command, chat=chat, lang=lang)
    for (command, _), chat in chats.items():
        fake.until(lambda c=chat: "".join(fake.texts(c)).strip("\u2026"), what=command)
    said = {key: fake.texts(chat)[0] for key, chat in chats.items()}
    assert not provider.log()
    for command in COMMANDS:
        english, russian = said[command, "en"], said[command, "ru"]
        assert not re.search("[а-яё]", english), (command, english)
        if command == "skills":  # lines of manifests, in the words of their authors
            continue
        assert re.search("[а-яё]{3}", russian), (command, russian)
        for line in re.sub("/[a-z]+(?: [a-z]+)*", "", russian).splitlines():  # without what to type
            # Three words of Latin letters beside each other are a sentence.
            assert not re.search(r"(?:\b[A-Za-z]{2,}\b[ ,.]+){2}\b[A-Za-z]{2,}\b", line), (command, line)
    both.end()


def test_new_begins_a_new_session(pair):
    pair.telegram.say("remember the word plum")
    pair.telegram.answer("plum")
    pair.telegram.say("/new")
    pair.telegram.until(lambda: len(pair.telegram.messages()) >= 2)
    pair.telegram.say("what was it")
    pair.telegram.answer("what was it")
    assert "plum" not in json.dumps(pair.provider.log()[-1]["body"]["messages"])


def test_a_message_meanwhile_joins_the_turn_that_runs_if_so_configured(tmp_path, provider, fake):
    both = Pair(tmp_path, provider, fake, more="turns: {while_running: steer}\n").start()
    provider.scripts({"tools": [{"name": "schedule_list", "args": {}}], "hang": "first"}, {"text": "both of it"})
    fake.say("do one thing")
    fake.until(lambda: provider.log(), what="asked")
    fake.say("and another")
    both.daemon.wait_until(lambda: both.daemon.rows("SELECT 1 FROM messages WHERE content LIKE '%and another%'"))
    provider.release()
    fake.answer("both of it")
    both.daemon.wait_until(lambda: running(both) == 0)
    asked = [json.dumps(r["body"]["messages"]) for r in provider.log()]
    assert ["and another" in a for a in asked] == [False, True], "one turn took in both"
    assert fake.texts() == ["both of it"]
    both.end()


# --- questions whether a call may run ------------------------------------------------------------


@pytest.fixture(name="asking")
def _asking(tmp_path, provider, fake, probe):
    """A daemon with the skill `probe`; account 1001 is the owner's, 1002 is a user's."""
    both = Pair(tmp_path, provider, fake, bots=[bot(fake, accounts="[]")], more=tools_test.CONFIG).start()
    tools_test.install(both.daemon, probe)
    for account, user in (("1001", "me"), ("1002", both.daemon.user("Boris")[0]["id"])):
        status, body = both.daemon.post(f"/api/v1/users/{user}/identities",
                                        {"network": "telegram", "account": account})
        assert status in (200, 201, 204), body
    yield both
    both.end()


probe = tools_test._probe


def asked(fake, chat=1001):
    return fake.until(lambda: next((m for m in fake.messages(chat) if "reply_markup" in m), None), what="a question")


def test_a_call_runs_when_its_button_is_pressed(asking, provider):
    fake = asking.telegram
    provider.scripts(tools_test.calls(("asks", {"key": "k"})), tools_test.ANSWER)
    fake.say("go")
    m = asked(fake)
    assert "probe_asks" in m["text"] and '"k"' in m["text"]
    styles = [b.get("style") for b in m["reply_markup"]["inline_keyboard"][0]]
    assert styles == ["success", "danger"]
    assert tools_test.times(asking.daemon, "k") == 0
    query = fake.press(1001, m["message_id"], "Allow")
    fake.answer("Done.")
    assert tools_test.times(asking.daemon, "k") == 1
    shown = fake.until(lambda: next((x for x in fake.messages() if x["message_id"] == m["message_id"]
                                     and "reply_markup" not in x), None), what="the outcome")
    assert shown["text"] != m["text"]
    fake.until(lambda: fake.state()["answers"][query]["answered"] is not None)
    late = fake.call("press", {"chat": 1001, "message_id": m["message_id"],
                               "data": m["reply_markup"]["inline_keyboard"][0][0]["callback_data"]})["id"]
    fake.until(lambda: fake.state()["answers"][late]["answered"] is not None)
    assert tools_test.times(asking.daemon, "k") == 1


def test_a_press_counts_though_its_answer_is_too_late(asking, provider):
    fake = asking.telegram
    provider.scripts(tools_test.calls(("asks", {"key": "k"})), tools_test.ANSWER)
    fake.fault("error", method="answerCallbackQuery", status=400, times=1, description=(
        "Bad Request: query is too old and response timeout expired or query ID is invalid"))
    fake.say("go")
    fake.press(1001, asked(fake)["message_id"], "Allow")
    fake.answer("Done.")
    assert tools_test.times(asking.daemon, "k") == 1


def test_nobody_else_can_press_it(asking, provider):
    fake = asking.telegram
    fake.call("chat", {"id": 1001})  # the owner pressed Start some time
    provider.scripts(tools_test.calls(("asks", {"key": "k"})), tools_test.ANSWER)
    fake.say("go", chat=1002)
    m = asked(fake)  # the owner is asked, in their own chat
    allow = m["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    for presser in (1002, 4444):
        query = fake.call("press", {"chat": 1001, "message_id": m["message_id"], "data": allow, "from": presser})["id"]
        fake.until(lambda q=query: fake.state()["answers"][q]["answered"] is not None)
    time.sleep(0.5)
    assert tools_test.times(asking.daemon, "k") == 0
    fake.press(1001, m["message_id"], "Deny")
    fake.answer("Done.", chat=1002)
    assert tools_test.times(asking.daemon, "k") == 0


def test_a_question_survives_a_kill(asking, provider):
    fake = asking.telegram
    provider.scripts(tools_test.calls(("asks", {"key": "k"})), tools_test.ANSWER)
    fake.say("go")
    m = asked(fake)
    asking.daemon.kill()
    asking.daemon.start()
    fake.press(1001, m["message_id"], "Allow")
    fake.answer("Done.")
    assert tools_test.times(asking.daemon, "k") == 1
