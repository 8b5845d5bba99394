"""Bots of chat networks in the running daemon: from the configuration, by name, replaced on reload;
how they are; people let in; all against a stand-in of the network."""
import json
import signal
import time

import pytest

import discord
import nexflow
import telegram
import terminal


@pytest.fixture(name="net")
def _net():
    net = telegram.Telegram()
    yield net
    net.stop()


def start(tmp_path, net, *items):
    items = items or (net.yaml(poll_timeout="1s"),)
    daemon = nexflow.Daemon(tmp_path, "channels:\n  telegram:\n"
                            + "".join(f"    - {i}\n" for i in items)).start()
    return daemon


def channels(daemon):
    status, body = daemon.get("/api/v1/channels")
    assert status == 200, body
    return {c["name"]: c for c in body["channels"]}


def connected(daemon, name="telegram"):
    daemon.wait_until(lambda: channels(daemon).get(name, {}).get("state") == "connected")
    return channels(daemon)[name]


def code_in(net, chat=1001):
    """The pairing code that a chat was told."""
    text = net.answer("-", chat)["text"]
    return next(w for w in text.split() if len(w) == 9 and w[4] == "-")


def test_an_unknown_person_is_let_in_by_a_code(tmp_path, net):
    daemon = start(tmp_path, net)
    connected(daemon)
    net.say("hello")
    code = code_in(net)
    net.say("hello?")
    net.say("are you there?")
    [p] = daemon.get("/api/v1/pairings")[1]["pairings"]
    assert p["code"] == code and p["account"] == "1001" and p["channel"] == "telegram"
    time.sleep(0.5)
    assert len(net.messages()) == 1  # one code, then silence
    status, user = daemon.post(f"/api/v1/pairings/{code}", {"decision": "approve"})
    assert status == 200
    net.answer("You are in")
    net.say("and now?")
    net.answer("no language model")
    sessions = daemon.get("/api/v1/sessions")[1]["sessions"]
    assert user["name"] == "Anna" and sessions == []  # the conversation is hers, not the owner's
    assert daemon.stop() == 0


def test_a_link_that_a_known_person_made_links_who_opens_it(tmp_path, net):
    daemon = start(tmp_path, net)
    connected(daemon)
    status, invite = daemon.post("/api/v1/users/me/invites")
    assert status == 201
    [way] = invite["ways"]
    code = invite["code"].replace("-", "")
    assert way["url"] == f"https://t.me/nexflow_test_bot?start={code}" and way["brings_code"]
    assert way["qr_svg"].startswith("<svg") and way["bot_name"] == "@nexflow_test_bot"
    net.say("/start " + code)
    net.answer("linked")
    accounts = daemon.get("/api/v1/users/me/identities")[1]["identities"]
    assert ("telegram", "1001") in [(a["network"], a["account"]) for a in accounts]
    net.say("/start " + code, chat=1002)  # used: as any other message of somebody unknown
    code_in(net, 1002)
    status, headers, svg = daemon.request("GET", "/api/v1/channels/telegram/qr.svg")
    assert status == 200 and headers["Content-Type"] == "image/svg+xml" and "<path" in svg
    assert daemon.stop() == 0


def test_a_blocked_person_gets_no_answer(tmp_path, net):
    daemon = start(tmp_path, net)
    connected(daemon)
    net.say("hello")
    _, user = daemon.post(f"/api/v1/pairings/{code_in(net)}", {"decision": "approve"})
    net.answer("You are in")
    assert daemon.request("PATCH", f"/api/v1/users/{user['id']}", {"status": "blocked"})[0] == 200
    before = len(net.messages())
    net.say("hello?")
    net.say("hello!", chat=1002)
    code_in(net, 1002)  # what came later was dealt with
    assert len(net.messages()) == before
    assert daemon.stop() == 0


def test_who_is_too_fast_is_told_once(tmp_path, net):
    daemon = start(tmp_path, net, net.yaml(poll_timeout="1s", messages_per_minute=2,
                                           accounts='["1001"]'))
    connected(daemon)
    for i in range(5):
        net.say(f"message {i}")
    net.answer("too fast")
    net.say("hello", chat=1002)  # on no list: not heard
    time.sleep(1)
    assert len([t for t in net.texts() if "too fast" in t]) == 1
    assert net.messages(1002) == []
    assert daemon.stop() == 0


def test_how_a_bot_is_stands_everywhere(tmp_path, net):
    daemon = start(tmp_path, net)
    c = connected(daemon)
    assert c["network"] == "telegram" and not c["deaf"] and c["bot_name"] == "@nexflow_test_bot"
    assert c["link"] == "https://t.me/nexflow_test_bot" and c["alive_at"] and c["problem"] == ""
    net.say("hello")
    daemon.wait_until(lambda: channels(daemon)["telegram"]["event_at"])
    health = daemon.get("/health")[1]
    [h] = health["channels"]
    assert (h["name"], h["network"], h["state"], h["deaf"]) == ("telegram", "telegram", "connected", False)
    assert h["alive_ms"] >= 0 and h["event_ms"] >= 0 and h["code"] == 0 and h["queue"] == 0
    metrics = daemon.get("/metrics")[1]
    assert 'nexflow_channel_hears{channel="telegram"} 1' in metrics
    assert 'nexflow_channel_queue{channel="telegram"} 0' in metrics
    _, cookie = daemon.user("Bob")
    seen = daemon.get("/api/v1/channels", token=None,
                      headers={"Cookie": f"nexflow_session={cookie}"})[1]["channels"][0]
    assert "problem" not in seen and seen["link"]
    assert daemon.stop() == 0


def test_channels_are_listed_by_name_network_and_state_and_in_pages(tmp_path, net):
    items = [net.yaml(name="one", poll_timeout="1s"), net.yaml(name="two", token="77:not-known"),
             net.yaml(name="three", token="78:not-known")]
    daemon = start(tmp_path, net, *items)

    def listed(query=""):
        status, page = daemon.get(f"/api/v1/channels{query}")
        assert status == 200, page
        return [c["name"] for c in page["channels"]], page["next_cursor"]

    connected(daemon, "one")
    daemon.wait_until(lambda: listed("?state=refused")[0] == ["two", "three"])
    assert listed() == (["one", "two", "three"], None)
    assert listed("?limit=2") == (["one", "two"], "two")
    assert listed("?limit=2&cursor=two") == (["three"], None)
    assert listed("?limit=3") == (["one", "two", "three"], None)
    assert listed("?q=T&limit=1") == (["two"], "two")
    assert listed("?state=connected") == (["one"], None)
    assert listed("?network=discord") == ([], None)
    assert listed("?cursor=gone") == ([], None)
    for wrong in ("limit=0", "state=asleep", "q=" + "x" * 129):
        status, answer = daemon.get(f"/api/v1/channels?{wrong}")
        assert status == 400 and wrong.split("=")[0] in answer["error"]["message"], answer
    assert daemon.stop() == 0


def add(daemon, network, token, base, **more):
    return daemon.post("/api/v1/channels", {"network": network, "token": token, "api_base": base, **more})


def test_the_page_adds_a_bot_from_its_token_to_a_message_there_and_back(tmp_path, net):
    daemon = nexflow.Daemon(tmp_path).start()
    base = f"http://127.0.0.1:{net.port}"
    status, answer = add(daemon, "telegram", net.token, base)
    assert status == 200 and answer == {"name": "telegram", "network": "telegram", "bot_name": answer["bot_name"],
                                        "need_restart": False, "other_instances": 0}
    link = connected(daemon)["link"]
    invite = daemon.post("/api/v1/users/me/invites", {})[1]
    way = invite["ways"][0]
    assert way["url"].startswith(link) and way["qr_svg"]
    net.say("/start " + way["url"].split("=")[1])
    daemon.wait_until(lambda: any(i["network"] == "telegram" for i in
                                  daemon.get("/api/v1/users/me/identities")[1]["identities"]))
    assert daemon.post("/api/v1/channels/telegram/test", {})[0] == 200
    net.answer("This is a test")
    before = channels(daemon)["telegram"]["event_at"]
    net.say("back")
    daemon.wait_until(lambda: channels(daemon)["telegram"]["event_at"] != before)
    secret = net.token.split(":")[1]
    assert secret not in daemon.log() and secret not in json.dumps(daemon.get("/api/v1/config")[1])
    assert daemon.stop() == 0


def test_a_bot_that_cannot_be_is_not_added_and_its_token_not_quoted(tmp_path, net):
    daemon = start(tmp_path, net)
    connected(daemon)
    before = daemon.config.read_text(encoding="utf-8")
    base = f"http://127.0.0.1:{net.port}"
    for network, token, where, more, code in (
            ("telegram", "123:planted-wrong", base, {"name": "second"}, 403),
            ("telegram", "no token planted", base, {"name": "second"}, 400),
            ("telegram", net.token, base, {}, 409),  # the name is taken
            ("telegram", net.token, base, {"name": "No Name"}, 400),
            ("telegram", net.token, "http://example.org", {"name": "second"}, 400),
            ("smoke", net.token, base, {}, 400)):
        status, answer = add(daemon, network, token, where, **more)
        assert status == code and "planted" not in json.dumps(answer), answer
    assert daemon.config.read_text(encoding="utf-8") == before
    _, other = daemon.user("Boris")
    assert daemon.request("POST", "/api/v1/channels", {"network": "telegram", "token": "1:a"},
                          {"Cookie": f"nexflow_session={other}", "Origin": f"http://127.0.0.1:{daemon.port}"}, None)[0] == 403
    assert daemon.stop() == 0


def test_the_page_gives_a_bot_another_token_and_takes_it_out(tmp_path, net):
    item = net.yaml(token="77:not-known", accounts='["1001"]')
    daemon = start(tmp_path, net, item)
    daemon.wait_until(lambda: channels(daemon)["telegram"]["state"] == "refused")
    assert daemon.post("/api/v1/users/me/identities", {"network": "telegram", "account": "1001"})[0] == 200
    before = daemon.config.read_text(encoding="utf-8")
    for token, code in (("123:planted-wrong", 403), ("planted", 400), (None, 400)):
        status, answer = daemon.post("/api/v1/channels/telegram/token", {"token": token})
        assert status == code and "planted" not in json.dumps(answer), answer
    assert daemon.post("/api/v1/channels/nobody/token", {"token": net.token})[0] == 404
    assert daemon.request("DELETE", "/api/v1/channels/nobody")[0] == 404
    _, admin = daemon.user("Boris", "admin")
    other = {"Cookie": f"nexflow_session={admin}", "Origin": f"http://127.0.0.1:{daemon.port}"}
    assert daemon.request("POST", "/api/v1/channels/telegram/token", {"token": net.token}, other, None)[0] == 403
    assert daemon.request("DELETE", "/api/v1/channels/telegram", None, other, None)[0] == 403
    assert daemon.config.read_text(encoding="utf-8") == before

    status, answer = daemon.post("/api/v1/channels/telegram/token", {"token": net.token})
    assert status == 200 and answer["name"] == "telegram" and not answer["need_restart"], answer
    assert answer["bot_name"] == "@nexflow_test_bot"
    connected(daemon)
    assert "1001" in daemon.config.read_text(encoding="utf-8")
    net.say("am I known still?")
    net.answer("no language model")
    secret = net.token.split(":")[1]
    assert secret not in daemon.log() and secret not in json.dumps(daemon.get("/api/v1/config")[1])

    assert daemon.request("DELETE", "/api/v1/channels/telegram")[0] == 200
    daemon.wait_until(lambda: channels(daemon) == {})
    assert net.token not in daemon.config.read_text(encoding="utf-8")
    assert [s["channel"] for s in daemon.get("/api/v1/sessions")[1]["sessions"]] == ["telegram"]
    assert daemon.stop() == 0


def test_a_refused_token_is_told_and_we_are_not_ready(tmp_path, net):
    daemon = start(tmp_path, net, net.yaml(token="77:not-known"))
    daemon.wait_until(lambda: channels(daemon)["telegram"]["state"] == "refused")
    c = channels(daemon)["telegram"]
    assert c["deaf"] and c["problem"] and c["todo"] and c["code"] == 401
    status, ready = daemon.get("/ready")
    assert status == 503 and any(r.startswith("channel telegram hears nothing") for r in ready["reasons"])
    place = terminal.Place(tmp_path)
    listed = place.run("--config", daemon.config, "channel", "list").stdout
    assert "DEAF" in listed and "->" in listed
    doctor = place.run("--config", daemon.config, "doctor", "--json").stdout
    checks = {c["name"]: c for c in json.loads(doctor)["checks"]}
    assert checks["channel telegram"]["state"] == "broken" and checks["channel telegram"]["fix"]
    assert daemon.stop() == 0


def reload(daemon, *items):
    """Another list of bots, taken over."""
    text = daemon.config.read_text(encoding="utf-8").split("channels:")[0]
    if items:
        text += "channels:\n  telegram:\n" + "".join(f"    - {i}\n" for i in items)
    daemon.config.write_text(text, encoding="utf-8")
    before = daemon.get("/health")[1]["config_loads"]
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_until(lambda: daemon.get("/health")[1]["config_loads"] > before)
    return daemon.get("/health")[1]["config"]


def test_bots_come_and_go_on_reload(tmp_path, net):
    other = telegram.Telegram(token="1000002:another-token")
    try:
        daemon = start(tmp_path, net)
        connected(daemon)
        first, second = net.yaml(poll_timeout="1s"), other.yaml("work", poll_timeout="1s")
        assert reload(daemon, first, second) == "ok"
        connected(daemon, "work")
        connected(daemon)
        other.say("hello")
        code_in(other)
        assert reload(daemon, second) == "ok"
        assert set(channels(daemon)) == {"work"}
        calls = len(net.log("getUpdates"))
        other.say("hello", chat=1002)
        code_in(other, 1002)
        assert len(net.log("getUpdates")) == calls  # nobody polls any more
        assert reload(daemon, second, first) == "ok"
        connected(daemon)
        net.say("hello", chat=1003)
        code_in(net, 1003)
        assert reload(daemon) == "ok"
        assert channels(daemon) == {}
        assert daemon.stop() == 0
    finally:
        other.stop()


def test_who_may_write_changes_without_a_new_connection(tmp_path, net):
    daemon = start(tmp_path, net)
    connected(daemon)
    me = len(net.log("getMe"))
    assert reload(daemon, net.yaml(poll_timeout="1s", accounts='["1001"]', pairing="false")) == "ok"
    net.say("hello")
    net.answer("no language model")  # on the list: no pairing
    assert reload(daemon, net.yaml(poll_timeout="1s", accounts='["1002"]')) == "ok"
    net.say("hello", chat=1002)
    net.answer("no language model", chat=1002)
    shown = len(net.messages())
    heard = channels(daemon)["telegram"]["event_at"]
    net.say("hello?")
    daemon.wait_until(lambda: channels(daemon)["telegram"]["event_at"] != heard)
    time.sleep(1)  # what belongs together may come in several pieces
    assert reload(daemon, net.yaml(poll_timeout="1s")) == "ok"
    net.say("hello", chat=1003)
    code_in(net, 1003)
    assert len(net.messages()) == shown, [m.get("text") for m in net.messages()]
    assert len(net.log("getMe")) == me
    assert daemon.stop() == 0


def test_a_new_token_is_taken_over_without_a_deaf_moment(tmp_path, net):
    daemon = start(tmp_path, net, net.yaml(token="77:not-known"))
    daemon.wait_until(lambda: channels(daemon)["telegram"]["state"] == "refused")
    assert reload(daemon, net.yaml(poll_timeout="1s")) == "ok"
    connected(daemon)
    net.say("hello")
    code_in(net)
    assert daemon.stop() == 0


def test_a_name_twice_is_refused_and_the_old_ones_go_on(tmp_path, net):
    daemon = start(tmp_path, net)
    connected(daemon)
    assert reload(daemon, net.yaml(), net.yaml()) == "refused"
    assert not channels(daemon)["telegram"]["deaf"]
    assert daemon.stop() == 0


def test_a_token_twice_is_refused_and_not_quoted(tmp_path, net):
    daemon = start(tmp_path, net)
    connected(daemon)
    assert reload(daemon, net.yaml(), net.yaml("second")) == "refused"
    assert set(channels(daemon)) == {"telegram"}
    assert "channels.telegram[1].token" in daemon.log()
    assert net.token.split(":")[1] not in daemon.log()
    assert daemon.stop() == 0


def test_a_bot_is_added_from_the_command_line_with_a_message_there_and_back(tmp_path, net):
    daemon = nexflow.Daemon(tmp_path, provider=None).start()
    place = terminal.Place(tmp_path)
    t = place.terminal("--config", daemon.config, "channel", "add", "telegram",
                       "--api-base", net.base)
    t.expect("Paste the token:")
    t.type(net.token)
    t.expect("@nexflow_test_bot")
    t.expect("https://t.me/nexflow_test_bot?start=")
    t.expect("press Start")
    link = t.text.split("https://t.me/nexflow_test_bot?start=")[1].split()[0]
    assert "\u2588" in t.text  # a picture of it
    net.say("/start " + link)
    t.expect("Your account is linked.")
    net.answer("This is a test")
    t.expect("Answer it")
    net.say("yes")
    t.expect("works both ways")
    assert t.end() == 0
    listed = place.run("--config", daemon.config, "channel", "list").stdout
    assert "connected" in listed and "@nexflow_test_bot" in listed
    assert place.run("--config", daemon.config, "channel", "remove", "telegram").returncode == 0
    assert channels(daemon) == {}
    assert daemon.stop() == 0


def test_a_test_without_an_account_says_what_to_do(tmp_path, net):
    daemon = start(tmp_path, net)
    connected(daemon)
    status, body = daemon.post("/api/v1/channels/telegram/test")
    assert status == 404 and "account" in body["error"]["message"]
    r = terminal.Place(tmp_path).run("--config", daemon.config, "user", "invite")
    assert r.returncode == 0 and "?start=" in r.stdout and "press Start" in r.stdout
    assert daemon.stop() == 0


# --- Discord, and both


@pytest.fixture(name="guild")
def _guild():
    guild = discord.Discord()
    yield guild
    guild.stop()


def dm_code(guild, person):
    """The pairing code that a person was told in their private chat."""
    text = guild.answer("-", person=person)
    text = text if isinstance(text, str) else discord.text_of(text)
    return next(w for w in text.replace("`", " ").split() if len(w) == 9 and w[4] == "-")


def test_somebody_on_discord_is_let_in_by_the_owner_from_telegram(tmp_path, net, guild):
    daemon = nexflow.Daemon(tmp_path, "channels:\n  telegram:\n    - " + net.yaml(poll_timeout="1s")
                            + "\n  discord:\n    - " + guild.yaml(accounts=[]) + "\n").start()
    connected(daemon)
    connected(daemon, "discord")
    _, invite = daemon.post("/api/v1/users/me/invites")
    net.say("/start " + invite["code"].replace("-", ""))
    net.answer("linked")
    guild.say("hello", sender=discord.STRANGER)
    code = dm_code(guild, discord.STRANGER)
    net.say("/pair " + code.lower())
    guild.answer("You are in", person=discord.STRANGER)
    assert daemon.get("/api/v1/pairings")[1]["pairings"] == []
    [user] = [u for u in daemon.get("/api/v1/users")[1]["users"] if u["role"] == "user"]
    [account] = [a for a in daemon.get(f"/api/v1/users/{user['id']}/identities")[1]["identities"]
                 if a["network"] != "local"]
    assert (account["network"], account["account"]) == ("discord", discord.STRANGER)
    # Who was let in is no owner: their /pair is refused.
    guild.say("hi", sender="2998")
    guild.say("/pair " + dm_code(guild, "2998"), sender=discord.STRANGER)
    time.sleep(1)
    assert len(daemon.get("/api/v1/pairings")[1]["pairings"]) == 1
    assert daemon.stop() == 0


def test_one_person_has_accounts_on_both(tmp_path, net, guild):
    daemon = nexflow.Daemon(tmp_path, "channels:\n  telegram:\n    - " + net.yaml(poll_timeout="1s")
                            + "\n  discord:\n    - " + guild.yaml(accounts=[]) + "\n").start()
    connected(daemon)
    connected(daemon, "discord")
    anna, _ = daemon.user("Anna")
    for network in ("telegram", "discord"):
        _, invite = daemon.post(f"/api/v1/users/{anna['id']}/invites")
        way = {w["channel"]: w for w in invite["ways"]}
        assert way["telegram"]["brings_code"] and not way["discord"]["brings_code"]
        if network == "telegram":
            net.say("/start " + invite["code"].replace("-", ""))
            net.answer("linked to Anna")
        else:
            guild.say(invite["code"], sender=discord.ANNA)  # as it is shown, with its dashes
            guild.answer("linked to Anna")
    accounts = daemon.get(f"/api/v1/users/{anna['id']}/identities")[1]["identities"]
    assert {a["network"] for a in accounts} == {"local", "telegram", "discord"}
    assert daemon.stop() == 0


def test_a_discord_bot_is_added_from_the_command_line(tmp_path, guild):
    daemon = nexflow.Daemon(tmp_path).start()
    place = terminal.Place(tmp_path)
    t = place.terminal("--config", daemon.config, "channel", "add", "discord", "--api-base",
                       f"http://127.0.0.1:{guild.port}{discord.BASE}")
    t.expect("Paste the token:")
    t.type(guild.token)
    t.expect("The token is right")
    t.expect("Write to the bot in a private chat:")
    t.expect("Waiting until")
    code = t.text.split("private chat:")[1].split()[0]
    guild.say(code, sender=discord.ANNA)
    t.expect("Your account is linked.")
    guild.answer("This is a test")
    t.expect("Answer it")
    guild.say("yes", sender=discord.ANNA)
    t.expect("works both ways")
    assert t.end() == 0
    r = place.run("--config", daemon.config, "channel", "add", "discord", "--name", "other",
                  "--api-base", f"http://127.0.0.1:{guild.port}{discord.BASE}",
                  stdin="bad.token.here\n")
    assert r.returncode == 1 and "does not know this token" in r.stderr
    assert daemon.stop() == 0


# --- when the network fails


def test_a_code_that_was_not_sent_is_sent_when_it_may_be(tmp_path, net):
    daemon = start(tmp_path, net)
    connected(daemon)
    net.fault("429", "sendMessage", times=2, retry_after=1)
    net.say("hello")
    code_in(net)
    net.say("hello?")
    net.say("hello!", chat=1002)
    code_in(net, 1002)
    assert len(net.messages()) == 1
    assert daemon.stop() == 0


@pytest.mark.parametrize("kind", ["cut", "500", "500-after"])
def test_a_code_that_may_not_have_arrived_is_told_with_the_next_message(tmp_path, net, kind):
    daemon = start(tmp_path, net)
    connected(daemon)
    net.fault(kind, "sendMessage")
    net.say("hello")
    daemon.wait_until(lambda: daemon.events("chat.answer.failed"))
    net.say("hello?")
    shown = 2 if kind == "500-after" else 1
    net.until(lambda: len(net.messages()) == shown)
    [p] = daemon.get("/api/v1/pairings")[1]["pairings"]
    assert all(p["code"] in t for t in net.texts())
    net.say("hello!")
    net.say("hello!", chat=1002)
    code_in(net, 1002)
    assert len(net.messages()) == shown  # and then silence
    assert daemon.stop() == 0


def test_a_code_survives_a_crash_before_it_was_sent(tmp_path, net):
    daemon = start(tmp_path, net)
    connected(daemon)
    net.fault("hang", "sendMessage", times=-1)
    net.say("hello")
    daemon.wait_until(lambda: daemon.get("/api/v1/pairings")[1]["pairings"])
    [p] = daemon.get("/api/v1/pairings")[1]["pairings"]
    daemon.kill()
    net.call("calm")
    daemon.start()
    assert code_in(net) == p["code"]
    assert daemon.stop() == 0


def test_owners_hear_in_their_language_that_another_bot_is_refused(tmp_path, net):
    daemon = start(tmp_path, net)
    connected(daemon)
    assert daemon.post("/api/v1/users/me/identities", {"network": "telegram", "account": "1001"})[0] == 200
    net.say("привет", lang="ru")
    net.answer("Не подключена ни одна языковая модель")
    assert reload(daemon, net.yaml(poll_timeout="1s"), net.yaml("work", token="77:not-known")) == "ok"
    told = net.answer("Telegram не принимает токен")["text"]
    assert "work" in told and "возьмите токен у @BotFather" in told
    assert daemon.stop() == 0
