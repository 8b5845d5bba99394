"""What is said on Discord and answered, through a strict Discord on loopback (tests/fakes/discord).

All of it with one daemon; discord_gateway_test.py has what needs one of its own.
"""
import time

import discord
import nexflow
import pytest
from discord import ANNA, BORIS, GENERAL
from discord import shared_pair, shared_pair_as_new  # noqa: F401  fixtures


# --- messages ------------------------------------------------------------------------------------


def test_a_message_is_answered_once(pair):
    said = pair.discord.say("hello")
    pair.discord.answer("echo: hello")
    time.sleep(0.5)
    assert pair.discord.texts() == ["echo: hello"]
    m = pair.discord.messages()[0]
    assert m["message_reference"]["message_id"] == said["id"]
    sent = pair.discord.requests("POST /channels")[-1]["body"]
    assert sent["enforce_nonce"] is True and 1 <= len(sent["nonce"]) <= 25


def test_markdown_becomes_discords_and_nobody_is_pinged(pair):
    pair.provider.script(text="# Title\n\n**b** @everyone <@2002> snake_case\n\n```c\nint x;\n```")
    pair.discord.say("x")
    m = pair.discord.answer("Title")
    assert m["content"] == "**Title**\n\n**b** @everyone \\<@2002> snake\\_case\n\n```c\nint x;\n```"
    assert m["mentions"] == []


def test_an_answer_is_streamed_by_edits_within_the_limits(pair):
    pair.provider.script(text=" ".join(f"word{i}" for i in range(60)), delay=0.1)
    pair.discord.say("go")
    m = pair.discord.answer("word59")
    assert m["_edits"] >= 2
    assert len(pair.discord.messages()) == 1
    stats = pair.discord.stats()
    assert stats["limited"] == 0 and stats["typing"]


def test_a_long_answer_is_cut_and_a_very_long_one_is_a_file(pair):
    pair.provider.script(text="\n\n".join(f"paragraph {i} " + "x" * 300 for i in range(12)))
    pair.discord.say("long")
    pair.discord.answer("paragraph 11")
    parts = pair.discord.texts()
    assert 2 <= len(parts) <= 8 and all(len(p) <= 2000 for p in parts)
    pair.provider.script(text="\n\n".join(f"line {i} " + "y" * 300 for i in range(100)))
    pair.discord.say("very long", BORIS)
    m = pair.discord.until(lambda: next((m for m in pair.discord.messages(person=BORIS) if m["attachments"]), None),
                           what="a file")
    assert "line 99" in m["_files"]["answer.md"]


def test_a_form_that_is_refused_goes_as_plain_text(pair):
    pair.discord.fault("POST /channels/.*/messages", status=400,
                       body={"code": 50035, "message": "Invalid Form Body",
                             "errors": {"content": {"_errors": [{"code": "X", "message": "no"}]}}})
    pair.provider.script(text="**bold** text")
    pair.discord.say("x")
    m = pair.discord.answer("bold text")
    assert m["content"] == "bold text"


def test_an_edit_before_the_turn_counts_and_afterwards_corrects(pair):
    pair.provider.scripts({"hang": "first", "text": "one"}, {"text": None})
    asked = len(pair.provider.log())
    pair.discord.say("first")
    pair.discord.until(lambda: len(pair.provider.log()) > asked)
    second = pair.discord.say("seconf")
    waits = "SELECT 1 FROM messages WHERE content LIKE '%{}'"
    pair.daemon.wait_until(lambda: pair.daemon.rows(waits.format("seconf")))
    pair.discord.call("/_edit", {"message": second["id"], "content": "second"})
    pair.daemon.wait_until(lambda: pair.daemon.rows(waits.format("second")))
    pair.provider.release()
    pair.discord.answer("echo: second")
    pair.discord.call("/_edit", {"message": second["id"], "content": "third"})
    pair.discord.until(lambda: len(pair.discord.messages()) == 3 and "third" in pair.discord.texts()[-1])


def test_files_are_read_and_what_cannot_be_is_said(pair):
    pair.discord.say("look", attachments=[
        {"filename": "a.txt", "data": "the secret word is plum", "content_type": "text/plain; charset=utf-8"},
        {"filename": "big.bin", "size": 30 << 20, "data": "x", "content_type": "application/octet-stream"}])
    m = pair.discord.answer("plum")
    assert "big.bin" in discord.text_of(m)


# --- servers -------------------------------------------------------------------------------------


def test_a_mention_opens_a_thread_named_by_the_task(pair):
    said = pair.discord.mention("plan   the\nparty")
    m = pair.discord.answer("party", channel=said["id"])
    assert "message_reference" not in m  # the thread's beginning is no message in it
    thread = pair.discord.call("/_channel", {"id": said["id"]})
    assert thread["name"] == "plan the party" and thread["parent_id"] == GENERAL
    assert pair.discord.messages(GENERAL) == []
    pair.discord.say("<@1000> and more", channel=said["id"], sender=BORIS)
    pair.discord.answer("and more", channel=said["id"])
    assert pair.discord.stats()["calls"]["POST /channels/N/messages/N/threads"] == 1


def test_what_does_not_concern_the_bot_is_left_alone(pair):
    pair.discord.say("hi all", channel=GENERAL)
    pair.discord.say("<@2002> you", channel=GENERAL)
    pair.discord.mention("you", sender=ANNA)
    pair.discord.until(lambda: pair.discord.requests("/threads"))
    time.sleep(0.3)
    assert pair.discord.messages(GENERAL) == []


def test_where_no_thread_may_be_opened_the_answer_stays_in_the_channel(pair):
    pair.discord.call("/_channel", {"id": GENERAL, "forbid": {"thread": 50013}})
    said = pair.discord.mention("here please")
    m = pair.discord.answer("here please", channel=GENERAL)
    assert m["message_reference"]["message_id"] == said["id"]
    pair.daemon.wait_until(lambda: "Create Public Threads" in channel(pair)["todo"])
    assert GENERAL in channel(pair)["problem"]
    pair.discord.call("/_channel", {"id": GENERAL, "allow": ["thread"]})
    said = pair.discord.mention("and now")
    pair.daemon.wait_until(lambda: channel(pair)["problem"] == "")
    pair.discord.answer("and now", channel=said["id"])  # not into the next test


def channel(pair):
    """As the page and doctor show it."""
    return pair.daemon.get("/api/v1/channels")[1]["channels"][0]


def test_where_it_may_not_answer_a_message_it_just_writes(pair):
    pair.discord.fault("POST /channels/.*/messages", status=400,
                       body={"code": 160002, "message": "Cannot reply without permission to read message history"})
    pair.discord.say("hello")
    m = pair.discord.answer("echo: hello")
    assert "message_reference" not in m
    pair.daemon.wait_until(lambda: "Read Message History" in channel(pair)["todo"])
    bot = channel(pair)
    assert (bot["problem_code"], bot["todo_code"]) == ("bot-may-not-read", "do-grant")
    assert bot["todo_values"] == ["Read Message History"]
    pair.discord.say("again")
    pair.discord.answer("echo: again")
    pair.daemon.wait_until(lambda: channel(pair)["problem"] == "")


def test_a_thread_that_exists_is_used(pair):
    pair.discord.fault("POST .*/threads", status=400, accept=True,
                       body={"code": 160004, "message": "A thread has already been created for this message"})
    said = pair.discord.mention("again")
    pair.discord.answer("again", channel=said["id"])


def test_an_archived_thread_is_opened_again(pair):
    said = pair.discord.mention("task")
    pair.discord.answer("task", channel=said["id"])
    pair.discord.call("/_channel", {"id": said["id"], "forbid": {"send": 50083}})
    pair.discord.say("<@1000> later", channel=said["id"])
    pair.discord.answer("later", channel=said["id"])
    assert any(r["body"] == {"archived": False} for r in pair.discord.requests("PATCH /channels"))


def test_who_is_not_heard_in_a_thread_is_told_once_how(pair):
    said = pair.discord.mention("task")
    pair.discord.answer("task", channel=said["id"])
    for i in range(3):
        pair.discord.say(f"without a mention {i}", channel=said["id"])
    pair.discord.answer("Mention me", channel=said["id"])
    time.sleep(0.5)
    assert len(pair.discord.messages(said["id"])) == 2


# --- commands and buttons ------------------------------------------------------------------------


def test_a_command_is_acknowledged_at_once_and_answered_in_its_place(pair):
    def once(i):
        pair.discord.command("help")
        pair.discord.until(lambda: len([m for m in pair.discord.messages() if m["content"]]) == i + 1)
        m = pair.discord.messages()[-1]
        assert not m["_loading"] and "/new" in m["content"].replace("\\", "")
        given = pair.discord.stats()["interactions"][i]
        assert given["type"] == 5 and len(pair.discord.messages()) == i + 1
        return given["answered"]
    assert nexflow.quickest(once, discord.ANSWER_S, 5) < discord.ANSWER_S


def test_in_a_server_only_who_asked_sees_the_answer(pair):
    pair.discord.command("status", channel=GENERAL)
    m = pair.discord.until(lambda: next((m for m in pair.discord.messages(GENERAL) if m["content"]), None))
    assert m["_ephemeral"] and m["flags"] & 64


def test_nor_does_anybody_see_the_rest_of_a_long_answer(pair):
    pair.discord.command("skills", channel=GENERAL)
    pair.discord.until(lambda: pair.discord.texts(GENERAL) and not any(
        m.get("_loading") for m in pair.discord.messages(GENERAL)))
    time.sleep(1)
    said = pair.discord.messages(GENERAL)
    assert len(said) >= 2 and all(m["_ephemeral"] for m in said), pair.discord.texts(GENERAL)


def test_stop_acts_within_a_second(pair):
    def cancelled():
        return sum(e["status"] == "cancelled" for e in pair.daemon.events("turn.ended"))

    def once(i):
        pair.provider.script(text=f"word{i} " * 500, delay=0.1)
        pair.discord.say("go on and on")
        pair.discord.answer(f"word{i} word{i}")
        before = cancelled()
        pair.discord.command("stop")
        began = time.monotonic()
        pair.daemon.wait_until(lambda: cancelled() > before)
        return time.monotonic() - began
    assert nexflow.quickest(once, 1) < 1
    pair.discord.until(lambda: not any(m.get("_loading") for m in pair.discord.messages()))
    pair.provider.script(text="fresh")
    pair.discord.say("again")
    pair.discord.answer("fresh")


def test_a_command_that_came_too_late_is_answered_by_a_message(pair):
    pair.discord.fault("POST /interactions", status=404, body={"code": 10062, "message": "Unknown interaction"})
    pair.discord.command("help")
    m = pair.discord.until(lambda: next((m for m in pair.discord.messages() if m["content"]), None))
    assert "_interaction" not in m


def test_what_is_not_answered_before_the_token_ends_is_a_message(pair):
    """At 14 minutes: the test lets the fake forget the token instead of waiting."""
    pair.discord.call("/_set", {"token_s": 0})
    pair.discord.command("help")
    m = pair.discord.until(lambda: next((m for m in pair.discord.messages() if m["content"]), None))
    assert "_interaction" not in m and "/new" in m["content"]


# --- REST ----------------------------------------------------------------------------------------


def test_limits_are_kept_before_they_are_hit(pair):
    pair.provider.script(text="short")
    for i in range(20):
        pair.discord.say(f"m{i}", sender=ANNA)
    pair.discord.until(lambda: len(pair.discord.messages()) == 20, 180)
    assert pair.discord.stats()["limited"] == 0


def test_a_429_is_waited_for(pair):
    pair.discord.fault("POST /channels/.*/messages", status=429, headers={"Retry-After": "1"},
                       body={"message": "You are being rate limited.", "retry_after": 0.7, "global": False})
    began = time.monotonic()
    pair.discord.say("hello")
    pair.discord.answer("echo: hello")
    assert time.monotonic() - began >= 0.7
    assert len(pair.discord.messages()) == 1


@pytest.mark.parametrize("fault", [{"cut": "after"}, {"cut": "before"}, {"status": 502, "accept": True},
                                   {"status": 500}])
def test_nobody_knows_whether_it_arrived_and_still_it_is_there_once(pair, fault):
    pair.discord.fault("POST /channels/.*/messages", times=2, **fault)
    pair.discord.say("hello")
    pair.discord.answer("echo: hello")
    time.sleep(1)
    assert pair.discord.texts() == ["echo: hello"]


def test_what_was_shown_before_nobody_knew_becomes_the_answer(pair):
    """The first message arrives, but nobody hears of it: with the same key the answer finds an old text."""
    pair.provider.script(text=" ".join(f"word{i}" for i in range(40)), delay=0.1)
    pair.discord.fault("POST /channels/.*/messages", times=9, cut="after")
    pair.discord.say("go")
    pair.discord.answer("word39")
    assert len(pair.discord.messages()) == 1


def test_a_message_that_somebody_deleted_is_written_anew(pair):
    pair.provider.script(text=" ".join(f"word{i}" for i in range(40)), delay=0.1)
    pair.discord.say("go")
    m = pair.discord.answer("word3")
    pair.discord.call("/_delete", {"message": m["id"]})
    pair.discord.answer("word39")


def test_a_message_that_may_not_be_edited_any_more_is_written_anew(pair):
    pair.provider.script(text=" ".join(f"word{i}" for i in range(40)), delay=0.1)
    pair.discord.fault("PATCH /channels/.*/messages", times=2, status=400,
                       body={"code": 30046, "message": "Maximum number of edits to messages older than 1 hour reached"})
    pair.discord.say("go")
    pair.discord.answer("word39")
    assert "word39" not in pair.discord.texts()[0] and len(pair.discord.messages()) <= 3


def test_a_webhook_that_is_gone_is_not_called_again(pair):
    """Rule of "Interaction Callback" and of rate limits alike: 404 is final."""
    pair.discord.fault("POST /webhooks", times=9, status=404, body={"code": 10015, "message": "Unknown Webhook"})
    pair.discord.command("skills", channel=GENERAL)
    pair.discord.until(lambda: pair.discord.requests("POST /webhooks"))
    pair.daemon.wait_until(pair.is_idle)
    assert len(pair.discord.requests("POST /webhooks")) == 1


@pytest.mark.parametrize("code", [200000, 240000])
def test_filters_are_told_about_and_not_tried_again(pair, code):
    pair.discord.fault("POST /channels/.*/messages", status=400,
                       body={"code": code, "message": "Message was blocked by automatic moderation"})
    pair.discord.say("hello")
    pair.discord.answer("filters did not let")
    assert len(pair.discord.messages()) == 1


# --- schedules -----------------------------------------------------------------------------------


def test_a_reminder_comes_to_the_chat_it_was_asked_for_in(pair):
    pair.provider.scripts({"tools": [{"name": "schedule_create",
                                      "args": {"text": "tea is ready", "when": "in 2 seconds"}}]},
                          {"text": "I will."})
    pair.discord.say("remind me of the tea")
    pair.discord.answer("⏰ tea is ready")
    assert [t for t in pair.discord.texts() if "tea" in t] == ["⏰ tea is ready"]
