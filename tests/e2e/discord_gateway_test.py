"""Connections, restarts and kills on Discord, through a strict Discord on loopback (tests/fakes/discord)."""
import concurrent.futures
import signal
import sqlite3
import subprocess
import time

import discord
import nexflow
import pytest
from discord import ANNA, BORIS, GENERAL, STRANGER, Pair
from discord import own_fake, own_pair  # noqa: F401  fixtures


# --- the gateway ---------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [{"close": 4000}, {"close": 4008}, {"cut": True}, {"reconnect": True},
                                  {"invalid": True}])
def test_what_was_said_while_it_was_away_is_answered_once(fresh, what):
    fresh.discord.say("one")
    fresh.discord.answer("echo: one")
    fresh.discord.gateway(refuse=1.0, **what)
    fresh.discord.until(lambda: fresh.discord.gateway()["connections"] == 0 or "reconnect" in what
                       or "invalid" in what)
    for i in range(3):
        fresh.discord.say(f"while away {i}")
    fresh.discord.until(lambda: len(fresh.discord.messages()) == 4)
    time.sleep(0.5)
    assert fresh.discord.texts() == ["echo: one"] + [f"echo: while away {i}" for i in range(3)]
    state = fresh.discord.gateway()
    assert len(state["identifies"]) == 1 and state["resumes"] >= 1


def test_what_the_gateway_never_told_is_found_by_rest(fresh):
    fresh.discord.say("one")
    fresh.discord.answer("echo: one")
    fresh.discord.gateway(lost=2)
    fresh.discord.say("never told a")
    fresh.discord.say("never told b")
    time.sleep(0.5)
    assert len(fresh.discord.messages()) == 1
    fresh.discord.gateway(close=4000)
    fresh.discord.until(lambda: len(fresh.discord.messages()) == 3)
    assert fresh.discord.texts()[1:] == ["echo: never told a", "echo: never told b"]
    assert fresh.discord.gateway()["resumes"] == 1


def test_a_busy_channel_is_read_to_its_end(tmp_path, provider):
    fake = discord.Discord("--no-limits")
    try:
        both = Pair(tmp_path, provider, fake, threads=False).start()
        fake.mention("one")
        fake.answer(": one", channel=discord.GENERAL)
        both.daemon.kill()
        talk = {"from": discord.BORIS, "channel": discord.GENERAL, "content": "talk", "unseen": True}
        for _ in range(51):
            fake.call("/_say", [talk] * 100)
        fake.mention("behind 5,100 others", unseen=True)
        both.start()
        fake.answer("behind 5,100 others", channel=discord.GENERAL)
        both.end()
    finally:
        fake.stop()


def test_what_was_said_while_the_daemon_was_down_is_answered_in_order(fresh):
    fresh.discord.say("one")
    fresh.discord.answer("echo: one")
    fresh.discord.mention("in a channel")
    fresh.discord.until(lambda: fresh.discord.requests("/threads"))
    fresh.write_down()
    fresh.daemon.kill()
    for i in range(120):  # more than a page of history
        fresh.discord.say(f"down {i}", sender=BORIS if i % 40 else ANNA)
    fresh.discord.call("/_set", {"limits_on": False})
    fresh.start()
    fresh.discord.until(lambda: len(fresh.discord.messages()) == 4)
    assert fresh.discord.texts() == ["echo: one"] + [f"echo: down {i}" for i in (0, 40, 80)]


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restart_goes_on_with_its_session(fresh, how):
    fresh.discord.mention("one")
    fresh.discord.until(lambda: fresh.discord.requests("/threads"))
    fresh.discord.say("two")
    fresh.discord.answer("echo: two")
    fresh.write_down()
    getattr(fresh.daemon, how)()
    fresh.discord.say("while away")
    said = fresh.discord.mention("in a channel")
    fresh.start()
    fresh.discord.answer("echo: while away")
    fresh.discord.answer("in a channel", channel=said["id"])  # a thread, though no GUILD_CREATE came
    assert fresh.discord.texts() == ["echo: two", "echo: while away"]
    state = fresh.discord.gateway()
    assert (len(state["identifies"]), state["resumes"]) == (1, 1)


def test_what_was_being_taken_in_when_it_was_killed_comes_again(fresh):
    fresh.discord.say("one")
    fresh.discord.answer("echo: one")
    fresh.write_down()
    fresh.discord.fault("POST /channels/.*/threads", times=100, status=500)
    said = fresh.discord.mention("held up")
    fresh.discord.until(lambda: fresh.discord.requests("/threads"))
    time.sleep(6)  # the session is written down every 5 s, but not beyond what was not taken in
    fresh.daemon.kill()
    fresh.discord.call("/_clear")
    fresh.start()
    fresh.discord.answer("held up", channel=said["id"])
    assert len(fresh.discord.gateway()["identifies"]) == 1


def test_a_session_that_discord_has_forgotten_is_begun_anew(fresh):
    fresh.discord.say("one")
    fresh.discord.answer("echo: one")
    fresh.write_down()
    fresh.daemon.kill()
    fresh.discord.say("dead")
    fresh.discord.gateway(forget=True)
    fresh.start()
    fresh.discord.answer("echo: dead")
    state = fresh.discord.gateway()
    assert (len(state["identifies"]), state["resumes"], state["too_soon"]) == (2, 1, 0)


def test_a_command_is_answered_after_a_restart(fresh):
    fresh.discord.fault("PATCH /webhooks", times=1000, cut="before")
    fresh.discord.command("help")
    fresh.discord.until(lambda: fresh.discord.requests("POST /interactions"))
    fresh.discord.until(lambda: fresh.discord.stats()["interactions"][0]["type"] == 5)
    fresh.daemon.kill()
    fresh.discord.call("/_clear")
    fresh.start()
    m = fresh.discord.answer("/new")
    assert not m["_loading"] and "_interaction" in m and len(fresh.discord.messages()) == 1


def test_a_command_whose_acknowledgement_nobody_heard_of_is_answered(fresh):
    fresh.discord.fault("POST /interactions", times=1, cut="after")
    fresh.discord.command("help")
    m = fresh.discord.answer("/new")
    assert not m["_loading"] and len(fresh.discord.messages()) == 1


def test_a_command_that_was_never_acknowledged_is_answered_by_a_message(fresh):
    """Committed first: killed before the acknowledgement, it is known to the next start."""
    fresh.discord.fault("POST /interactions", times=1000, cut="before")
    fresh.discord.command("help")
    fresh.daemon.wait_until(lambda: len(fresh.daemon.rows("SELECT 1 FROM inbox")) == 1)
    fresh.daemon.kill()
    fresh.discord.call("/_clear")
    fresh.discord.call("/_set", {"answer_s": 0})  # after three seconds Discord takes no acknowledgement
    fresh.start()
    fresh.discord.answer("/new")
    assert len(fresh.discord.messages()) == 1 and not fresh.discord.messages()[0].get("_loading")


@nexflow.of_sqlite
def test_a_commit_that_takes_long_is_not_waited_for(fresh):
    def once(i):
        with sqlite3.connect(fresh.daemon.dir / "data/nexflow.db", isolation_level=None, timeout=nexflow.WAIT_S) as lock:
            lock.execute("BEGIN IMMEDIATE")
            fresh.discord.command("help")
            fresh.discord.until(lambda: fresh.discord.stats()["interactions"][i]["type"])
            given = fresh.discord.stats()["interactions"][i]
            assert given["type"] == 4  # it promises nothing that a crash would break
            assert "slow" in fresh.discord.messages()[i]["content"]
            lock.execute("ROLLBACK")
        fresh.discord.until(lambda: "/new" in fresh.discord.texts()[i])
        assert len(fresh.discord.messages()) == i + 1
        return given["answered"]
    assert nexflow.quickest(once, discord.ANSWER_S, 5) < discord.ANSWER_S


def test_a_bot_is_replaced_when_its_settings_change(fresh):
    fresh.discord.say("one")
    fresh.discord.answer("echo: one")
    text = fresh.daemon.config.read_text(encoding="utf-8")
    for threads in ("false", "true"):
        fresh.daemon.config.write_text(text.replace('"accounts"', f'"threads": {threads}, "accounts"'), encoding="utf-8")
        before = fresh.sessions()
        fresh.daemon.process.send_signal(signal.SIGHUP)
        fresh.discord.say(f"meanwhile {threads}")
        fresh.discord.until(lambda b=before: fresh.sessions() > b)
        fresh.discord.answer(f"echo: meanwhile {threads}")
    time.sleep(0.5)
    assert len(fresh.discord.messages()) == 3


def test_duplicates_are_taken_once(fresh):
    fresh.discord.say("twice", duplicates=2)
    fresh.discord.answer("echo: twice")
    fresh.discord.command("help", duplicates=1)
    time.sleep(1)
    assert len(fresh.discord.messages()) == 2


@pytest.mark.parametrize("code", [4004, 4010, 4011, 4012, 4013, 4014])
def test_where_trying_again_is_wrong_it_says_what_to_do(tmp_path, provider, fake, code):
    fake.gateway(identify_closes=[code])
    pair = Pair(tmp_path, provider, fake)
    pair.daemon.start()
    pair.daemon.wait_until(lambda: pair.state()["state"] == "refused")
    assert pair.state()["code"] == code and pair.state()["deaf"]
    status, _, body = pair.daemon.request("GET", "/ready")
    assert status == 503 and "discord" in body
    time.sleep(0.5)
    assert len(fake.gateway()["identifies"]) == 1
    pair.end()


def test_without_the_privilege_it_goes_on_with_mentions(tmp_path, provider, fake):
    pair = Pair(tmp_path, provider, fake, listen=[GENERAL]).start()
    assert len(fake.gateway()["identifies"]) == 2
    said = fake.mention("you there")
    fake.answer("you there", channel=said["id"])
    pair.end()


def test_channels_that_are_listened_to_need_no_mention(tmp_path, provider, fake):
    fake.call("/_set", {"content_allowed": True})
    pair = Pair(tmp_path, provider, fake, listen=[GENERAL], threads=False).start()
    fake.say("no mention", channel=GENERAL)
    fake.answer("no mention", channel=GENERAL)
    pair.end()


def test_a_zombie_is_noticed_and_left(tmp_path, provider, fake):
    fake.gateway(interval=1000)
    pair = Pair(tmp_path, provider, fake).start()
    fake.say("one")
    fake.answer("echo: one")
    fake.gateway(silence=True)
    fake.say("two")
    fake.answer("echo: two")
    assert fake.gateway()["resumes"] >= 1 and len(fake.gateway()["identifies"]) == 1
    pair.end()


def test_who_hears_nothing_is_not_ready_and_says_why(tmp_path, provider, fake):
    """The edge is `deaf_after`, a minute by default and at most; here it is short."""
    fake.gateway(interval=1000)
    pair = Pair(tmp_path, provider, fake, deaf_after="8s").start()
    pair.daemon.wait_until(lambda: pair.daemon.get("/ready")[0] == 200)
    fake.gateway(refuse=3600, cut=True)
    pair.daemon.wait_until(lambda: pair.daemon.get("/ready")[0] == 503)
    reasons, state = pair.daemon.get("/ready")[1]["reasons"], pair.state()
    assert any("discord hears nothing" in r for r in reasons), reasons
    assert state["deaf"] and state["state"] == "retrying" and state["alive_ms"] > 8000, state
    fake.gateway(refuse=0)
    fake.say("again")
    fake.answer("echo: again")
    pair.daemon.wait_until(lambda: pair.daemon.get("/ready")[0] == 200)
    pair.end()


def test_a_new_token_of_the_bot_is_taken_over_and_nothing_missed(fresh):
    """As after *Reset Token*: the old one is refused from then on."""
    fresh.discord.say("one")
    fresh.discord.answer("echo: one")
    new = fresh.discord.token.rsplit(".", maxsplit=1)[0] + ".another-one-0123456789abcdef"
    fresh.discord.call("/_set", {"token": new})
    fresh.discord.gateway(refuse=0.5, close=4000)
    fresh.discord.say("with the old one")
    fresh.daemon.wait_until(lambda: fresh.state()["state"] == "refused")
    fresh.discord.say("between them")
    text = fresh.daemon.config.read_text(encoding="utf-8")
    fresh.daemon.config.write_text(text.replace(fresh.discord.token, new), encoding="utf-8")
    fresh.daemon.process.send_signal(signal.SIGHUP)
    fresh.discord.until(lambda: len(fresh.discord.messages()) == 3)
    assert fresh.discord.texts() == ["echo: one", "echo: with the old one", "echo: between them"]
    fresh.daemon.wait_until(lambda: fresh.state()["state"] == "connected")


def test_what_a_refused_token_kept_back_comes_with_the_next(fresh):
    """A reply that ends, and a channel that is to be read, while the token is refused."""
    fresh.discord.say("one")
    fresh.discord.answer("echo: one")
    refused = {"status": 401, "times": 1, "body": {"message": "401: Unauthorized", "code": 0}}
    fresh.discord.fault("POST .*/messages", **refused)
    fresh.discord.say("two")
    fresh.daemon.wait_until(lambda: fresh.state()["state"] == "refused")
    text = fresh.daemon.config.read_text(encoding="utf-8")
    new = fresh.discord.token.rsplit(".", maxsplit=1)[0] + ".another-one-0123456789abcdef"
    fresh.discord.call("/_set", {"token": new})
    fresh.daemon.config.write_text(text.replace(fresh.discord.token, new), encoding="utf-8")
    fresh.daemon.process.send_signal(signal.SIGHUP)
    fresh.discord.answer("echo: two")
    assert fresh.discord.texts() == ["echo: one", "echo: two"]


def test_a_token_that_discord_quotes_is_kept_to_ourselves(fresh):
    secret = fresh.discord.token.rsplit(".", maxsplit=1)[1]
    fresh.discord.fault("POST .*/messages", status=400, times=20,
                        body={"code": 50109, "message": f"what is {fresh.discord.token}?"})
    fresh.discord.say("one")

    def reasons():
        return [reason for (reason,) in fresh.daemon.rows("SELECT reason FROM outbox WHERE reason<>''")]

    fresh.daemon.wait_until(reasons)
    assert "status 400, code 50109" in reasons()[0] and secret not in reasons()[0]
    assert secret not in fresh.daemon.log()


def test_a_token_that_was_refused_by_mistake_is_tried_again(fresh):
    fresh.discord.say("one")
    fresh.discord.answer("echo: one")
    fresh.discord.fault("POST .*/messages", status=401, times=1, body={"message": "401: Unauthorized", "code": 0})
    fresh.discord.say("two")
    fresh.discord.answer("echo: two")
    fresh.daemon.wait_until(lambda: fresh.state()["state"] == "connected")
    assert len(fresh.discord.gateway()["identifies"]) == 1, "the session was resumed"


def test_shards_each_have_their_part(tmp_path, provider, fake):
    fake.gateway(max_concurrency=2)
    pair = Pair(tmp_path, provider, fake, shards=2)
    pair.daemon.start()
    pair.daemon.wait_until(lambda: fake.gateway()["sessions"] == 2)
    fake.say("hello")
    fake.answer("echo: hello")
    pair.end()


def test_the_menu_is_written_once(fresh):
    fresh.discord.until(lambda: fresh.discord.stats()["command_puts"] == 1)
    commands = {c["name"]: c for c in fresh.discord.stats()["commands"]}
    assert {"help", "new", "stop", "model", "tasks", "status", "skills", "settings"} <= set(commands)
    assert commands["help"]["description_localizations"]["ru"]
    assert commands["model"]["options"][0]["type"] == 3
    assert fresh.daemon.stop() == 0
    fresh.start()
    fresh.discord.command("status", locale="ru", sender=BORIS)
    fresh.discord.answer("Разговор", person=BORIS)  # in the language of who asks
    assert fresh.discord.stats()["command_puts"] == 1
    fresh.provider.script(status=401)
    fresh.discord.say("привет", sender=BORIS)
    fresh.discord.answer("fake/m: ключ не принят (401)", person=BORIS)  # why it failed, too
    fresh.discord.say("hello")
    fresh.discord.answer("fake/m refused the key (401)")


def test_strangers_get_a_code_once_and_no_thread(tmp_path, provider, fake):
    pair = Pair(tmp_path, provider, fake, accounts=[]).start()
    fake.say("hello", STRANGER)
    first = fake.until(lambda: fake.messages(person=STRANGER), what="a code")
    fake.say("hello?", STRANGER)
    fake.mention("do something", sender=STRANGER)
    time.sleep(1)
    assert len(fake.messages(person=STRANGER)) == 1 and discord.text_of(first[0])
    assert not fake.requests("/threads")
    pair.end()


def test_an_owner_is_told_once_what_a_channel_forbids_and_what_to_grant(tmp_path, provider, fake):
    pair = Pair(tmp_path, provider, fake, accounts=[]).start()
    assert pair.daemon.post("/api/v1/users/me/identities", {"network": "discord", "account": ANNA})[0] in (200, 201, 204)
    fake.call("/_channel", {"id": GENERAL, "forbid": {"thread": 50013, "send": 50013}})
    for i in range(2):
        fake.mention(f"do something {i}")
        told = fake.answer("may not write")
        assert f"discord.com/channels/500/{GENERAL}" in discord.text_of(told) and "View Channel" in discord.text_of(told)
        pair.daemon.wait_until(lambda: "may not write" in pair.daemon.get("/api/v1/channels")[1]["channels"][0]["problem"])
        doctor = subprocess.run([nexflow.BIN / "nexflow", "--config", pair.daemon.config, "doctor"], env=pair.daemon.env,
                                stdout=subprocess.PIPE, text=True, check=False)
        assert "Send Messages" in doctor.stdout, doctor.stdout
        pair.daemon.stop()
        pair.start()
    time.sleep(0.5)
    said = fake.texts()
    assert [sum(what in t for t in said) for what in ("may not write", "may not open threads")] == [1, 1], said
    pair.end()


def test_an_owner_is_told_who_waits_and_lets_in_by_a_button(tmp_path, provider, fake):
    pair = Pair(tmp_path, provider, fake, accounts=[]).start()
    assert pair.daemon.post("/api/v1/users/me/identities", {"network": "discord", "account": ANNA})[0] in (200, 201, 204)
    fake.say("hello", STRANGER, name="Cara")
    fake.until(lambda: fake.messages(person=STRANGER), what="a code")
    m = fake.until(lambda: next((m for m in fake.messages() if discord.buttons_of(m)), None), what="the news")
    let_in = discord.buttons_of(m)[0]
    assert "Cara" in discord.text_of(m) and let_in["label"] == "Let in"
    fake.press(m, let_in["custom_id"], sender=STRANGER)
    fake.until(lambda: any("not yours" in t for t in fake.texts()), what="a refusal")
    fake.press(m, let_in["custom_id"])
    fake.answer("You are in", person=STRANGER)
    fake.until(lambda: not any(discord.buttons_of(x) for x in fake.messages()), what="the outcome")
    fake.say("and now", STRANGER)
    fake.answer("echo: and now", person=STRANGER)
    pair.end()


def test_a_refused_token_stops_everything(tmp_path, provider, fake):
    fake.call("/_set", {"token": "another.token.here"})
    pair = Pair(tmp_path, provider, fake)
    pair.daemon.start()
    pair.daemon.wait_until(lambda: pair.state()["state"] == "refused")
    time.sleep(1)
    assert sum(fake.stats()["calls"].values()) == 1
    pair.end()


def test_who_waits_for_a_place_is_stopped_by_a_refused_token(tmp_path, provider, fake):
    fake.call("/_set", {"limits": {"send": (1, 1)}})
    pair = Pair(tmp_path, provider, fake).start()
    assert pair.daemon.post("/api/v1/users/me/identities", {"network": "discord", "account": ANNA})[0] == 200
    test = lambda *_: pair.daemon.post("/api/v1/channels/discord/test")[0]  # noqa: E731
    assert test() == 200  # the bucket is known
    fake.fault("POST .*/messages", status=401, delay=0.5, times=20, body={"message": "401: Unauthorized", "code": 0})
    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        assert 200 not in threads.map(test, range(6))
    pair.daemon.wait_until(lambda: pair.state()["state"] == "refused")
    assert [r["status"] for r in fake.requests("/messages") if r["method"] == "POST"] == [200, 401]
    pair.end()
