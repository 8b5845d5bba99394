"""Questions whether a call may run, and many chats at once, through a strict Discord on loopback."""
import sys
import time

import discord
import nexflow
import pytest
import tools_test
from discord import ANNA, BORIS, GENERAL, STRANGER, Pair
from discord import own_fake  # noqa: F401  fixture

sys.path.append(str(nexflow.TOP / "tests/fakes/discord"))
import official  # noqa: E402  (beside the fake)


# --- questions whether a call may run ------------------------------------------------------------


probe = tools_test._probe


@pytest.fixture(name="asking")
def _asking(tmp_path, provider, fake, probe):
    """A daemon with the skill `probe`; Anna is the owner, Boris a user."""
    both = Pair(tmp_path, provider, fake, more=tools_test.CONFIG, accounts=[]).start()
    tools_test.install(both.daemon, probe)
    for account, user in ((ANNA, "me"), (BORIS, both.daemon.user("Boris")[0]["id"])):
        status, body = both.daemon.post(f"/api/v1/users/{user}/identities",
                                        {"network": "discord", "account": account})
        assert status in (200, 201, 204), body
    yield both
    both.end()


def asked(fake, person=ANNA, channel=None):
    return fake.until(lambda: next((m for m in fake.messages(channel, person) if discord.buttons_of(m)), None),
                      what="a question")


def test_a_call_runs_when_its_button_is_pressed(asking, provider):
    fake = asking.discord
    provider.scripts(tools_test.calls(("asks", {"key": "k"})), tools_test.ANSWER)
    fake.say("go")
    m = asked(fake)
    allow, deny = discord.buttons_of(m)[:2]
    assert "probe" in discord.text_of(m) and (allow["style"], deny["style"]) == (3, 4)
    assert m["flags"] & 1 << 15 and m["components"][0]["type"] == 17 and not m["content"]
    assert tools_test.times(asking.daemon, "k") == 0
    fake.press(m, allow["custom_id"])
    fake.answer("Done.")
    assert tools_test.times(asking.daemon, "k") == 1
    fake.until(lambda: not any(discord.buttons_of(x) for x in fake.messages()), what="the outcome")
    assert [i["type"] for i in fake.stats()["interactions"]] == [6]
    fake.press(m, allow["custom_id"])  # again, from a screen that was not renewed
    fake.until(lambda: len(fake.stats()["interactions"]) == 2 and fake.stats()["interactions"][1]["type"] == 6)
    time.sleep(0.5)
    assert tools_test.times(asking.daemon, "k") == 1


def test_nobody_else_can_press_it(asking, provider):
    fake = asking.discord
    provider.scripts(tools_test.calls(("asks", {"key": "k"})), tools_test.ANSWER)
    fake.say("go", BORIS)
    m = asked(fake)  # the owner is asked, in their own chat
    for presser in (BORIS, STRANGER):
        fake.press(m, discord.buttons_of(m)[0]["custom_id"], sender=presser)
    fake.until(lambda: sum(x.get("_ephemeral", False) for x in fake.messages()) == 2, what="two refusals")
    assert tools_test.times(asking.daemon, "k") == 0
    fake.press(m, discord.buttons_of(m)[1]["custom_id"])
    fake.answer("Done.", person=BORIS)
    assert tools_test.times(asking.daemon, "k") == 0


@pytest.mark.parametrize("code", [50007, 50278])
def test_who_cannot_be_asked_in_private_is_told_where_they_asked(asking, provider, code):
    fake = asking.discord
    fake.fault(f"POST /channels/(?!{GENERAL}).*/messages$", times=9, status=403, body={"code": code, "message": "Cannot send messages to this user"})
    provider.scripts(tools_test.calls(("asks", {"key": "k"})), tools_test.ANSWER)
    fake.call("/_channel", {"id": GENERAL, "forbid": {"thread": 50013}})
    fake.mention("go")
    fake.answer("direct messages", channel=GENERAL)
    [waiting] = asking.daemon.get("/api/v1/approvals")[1]["approvals"]  # which the page has all the same
    asking.daemon.post(f"/api/v1/approvals/{waiting['id']}", {"decision": "deny"})
    fake.answer("Done.", channel=GENERAL)
    assert tools_test.times(asking.daemon, "k") == 0


def test_a_question_survives_a_kill(asking, provider):
    fake = asking.discord
    provider.scripts(tools_test.calls(("asks", {"key": "k"})), tools_test.ANSWER)
    fake.say("go")
    m = asked(fake)
    asking.daemon.kill()
    asking.start()
    fake.press(m, discord.buttons_of(m)[0]["custom_id"])
    fake.answer("Done.")
    assert tools_test.times(asking.daemon, "k") == 1


# --- many at once --------------------------------------------------------------------------------


def test_a_hundred_chats_stream_at_once_within_every_limit(tmp_path, provider, fake):
    people = [str(7000 + i) for i in range(100)]
    pair = Pair(tmp_path, provider, fake, accounts=people).start()
    provider.script(text=" ".join(f"word{i}" for i in range(60)), delay=0.25)
    fake.call("/_say", [{"from": p, "content": "go"} for p in people])

    def all_answered():
        shown = [m["content"] for c in fake.call("/_messages").values() for m in c if m["author"]["id"] == "1000"]
        return len(shown) == 100 and all("word59" in text for text in shown)

    fake.until(all_answered, 200, "all answers")
    stats = fake.stats()
    edits = stats["calls"]["PATCH /channels/N/messages/N"]
    assert edits >= 100 and stats["limited"] <= edits / 100, (stats["calls"], stats["limited_by"])
    # However slow the machine is: a place among the 50 of a second is free a second after its request has ended.
    assert not any(by.startswith("global") for by in stats["limited_by"]), stats["limited_by"]
    pair.end()


# --- the fake itself -----------------------------------------------------------------------------

BUTTON = {"type": 2, "style": 3, "label": "Let in", "custom_id": "p1:a"}
SHOWN = {"type": 17, "components": [{"type": 10, "content": "x"}, {"type": 1, "components": [BUTTON]}]}


@pytest.mark.parametrize("method, path, body", [
    ("POST", "/channels/1/messages", {"content": "x", "nonce": "n" * 26}),
    ("POST", "/channels/1/messages", {"content": 5}),
    ("POST", "/channels/1/messages", {"content": "x", "silent": True}),
    ("POST", "/channels/1/messages", {"components": [{**SHOWN, "components": []}]}),
    ("POST", "/channels/1/messages", {"components": [{**SHOWN, "components": [BUTTON]}]}),
    ("POST", "/channels/1/messages", {"components": [{"type": 1, "components": [BUTTON] * 6}]}),
    ("POST", "/channels/1/messages", {"components": [{"type": 1, "components": [{**BUTTON, "label": "x" * 81}]}]}),
    ("POST", "/channels/1/messages", {"components": [{"type": 1, "components": [{**BUTTON, "custom_id": ""}]}]}),
    ("POST", "/channels/1/messages", {"allowed_mentions": {"parse": ["here"]}}),
    ("POST", "/channels/1/messages", {"message_reference": {"fail_if_not_exists": False}}),
    ("POST", "/channels/1/messages", {"attachments": [{"filename": "answer.md"}]}),
    ("PATCH", "/channels/1/messages/2", {"content": "x", "nonce": "n"}),
    ("POST", "/channels/1/messages/2/threads", {"name": "", "auto_archive_duration": 4320}),
    ("POST", "/channels/1/messages/2/threads", {"name": "x", "auto_archive_duration": 7}),
    ("POST", "/interactions/1/token/callback", {"type": 3}),
    ("POST", "/interactions/1/token/callback", {"type": 4, "data": {"content": "x" * 2001}}),
    ("POST", "/webhooks/1/token", {"content": "x" * 2001}),
    ("POST", "/users/@me/channels", {"recipient_id": 5}),
    ("PUT", "/applications/1/commands", [{"name": "x", "contexts": []}]),
    ("PUT", "/applications/1/commands", [{"name": "x", "options": [{"type": 3, "name": "y"}]}]),
    ("DELETE", "/channels/1/messages/2", {"reason": "x"})])
def test_what_discords_own_description_forbids_is_noticed(method, path, body):
    assert official.wrong(method, path, body)
    fine = {"content": "x", "flags": 4, "allowed_mentions": {"parse": [], "replied_user": False}, "components": [SHOWN]}
    assert official.wrong("POST", "/channels/1/messages", fine) == []
