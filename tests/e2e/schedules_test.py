"""Schedules from outside: by REST, the command line, a model's tool, chats, and several instances."""
import json
import signal
import subprocess
import time

import pytest

import nexflow
import telegram
from instances_test import trio, database  # noqa: F401 (fixtures)

AT = "/api/v1/schedules"
SPEND = "schedules: {spend: true}\n"


def made(daemon, **wish):
    status, schedule = daemon.post(AT, {"kind": "reminder", "text": "tea", **wish})
    assert status == 201, schedule
    return schedule


def at(daemon, schedule):
    status, body = daemon.get(f"{AT}/{schedule['id']}")
    assert status == 200, body
    return body


def runs(daemon, schedule):
    return daemon.get(f"{AT}/{schedule['id']}/runs")[1]["runs"]


def done(daemon, schedule):
    daemon.wait_until(lambda: at(daemon, schedule)["status"] == "done")
    daemon.wait_until(lambda: all(r["outcome"] != "started" for r in runs(daemon, schedule)))
    return at(daemon, schedule)


def said(daemon, session_id):
    return [(m["role"], m["content"]) for m in daemon.messages(session_id)]


def move_back(daemon, seconds):
    """What was ahead has passed while the daemon was down."""
    ms = seconds * 1000
    daemon.write(f"UPDATE schedules SET next_at=next_at-{ms},"
                 f"at=CASE WHEN at>0 THEN at-{ms} ELSE 0 END WHERE status=1")


def test_a_reminder_comes_to_its_conversation_without_a_model(daemon, provider):
    _, session = daemon.post("/api/v1/sessions", {"title": "plants"})
    schedule = made(daemon, text="water them", when="in 1 second", session_id=session["id"])
    assert schedule["words"]["en"].startswith("once, ") and len(schedule["next"]) == 1
    done(daemon, schedule)
    assert said(daemon, session["id"]) == [("user", "water them"), ("assistant", "⏰ water them")]
    assert [r["outcome"] for r in runs(daemon, schedule)] == ["ended"]
    assert provider.log() == []


def test_what_is_wrong_is_refused_by_name(daemon):
    for wish, field in (({"text": "", "when": "9am"}, "text"), ({"text": "x"}, "when"),
                        ({"text": "x", "when": "some day"}, "when"),
                        ({"text": "x", "cron": "61 * * * *"}, "minute"),
                        ({"text": "x", "when": "9am", "time_zone": "Mars/Base"}, "time zone"),
                        ({"text": "x", "when": "9am", "time_zone": "../../etc/passwd"}, "time zone"),
                        ({"text": "x", "when": "9am", "missed": "never"}, "missed"),
                        ({"text": "x", "when": "9am", "kind": "bomb"}, "kind"),
                        ({"text": "/run calc evaluate {}", "when": "9am"}, "text"),
                        ({"text": "x" * 2001, "when": "9am"}, "text"),
                        ({"kind": "prompt", "text": "x", "cron": "* * * * *"}, "cron")):
        status, body = daemon.post(AT, wish)
        assert status in (400, 413, 422, 429), (wish, status, body)
        assert field in body["error"]["message"], (wish, body)
    assert daemon.get(AT)[1] == {"schedules": [], "next_cursor": None}


def test_a_preview_says_the_next_three_runs_in_words(daemon):
    status, body = daemon.post(f"{AT}/preview", {"cron": "0 9 * * 1-5", "time_zone": "Europe/Berlin"})
    assert status == 200, body
    assert body["words"] == {"en": "at 09:00 on weekdays", "ru": "в 09:00 по будням"}
    assert len(body["next"]) == 3 and all(n["local"].endswith(" 09:00") for n in body["next"])
    assert daemon.get(AT)[1]["schedules"] == []


def test_pages_pause_change_and_delete(daemon):
    all_ = [made(daemon, cron="0 9 * * *", text=f"n{i}") for i in range(3)]
    status, page = daemon.get(f"{AT}?limit=2")
    assert [s["text"] for s in page["schedules"]] == ["n2", "n1"] and page["next_cursor"]
    assert [s["text"] for s in daemon.get(f"{AT}?limit=2&cursor={page['next_cursor']}")[1]["schedules"]] == ["n0"]
    one = f"{AT}/{all_[0]['id']}"
    assert daemon.post(f"{one}/pause")[1]["status"] == "paused"
    assert daemon.post(f"{one}/pause")[0] == 409
    assert [s["text"] for s in daemon.get(f"{AT}?status=paused")[1]["schedules"]] == ["n0"]
    status, changed = daemon._json("PATCH", one, {"cron": "@hourly"})
    assert status == 200 and changed["words"]["en"] == "every hour" and changed["next"] == []
    assert len(daemon.post(f"{one}/resume")[1]["next"]) == 3
    assert daemon.request("DELETE", one)[0] == 204
    assert daemon.get(one)[0] == 404
    _, cookie = daemon.user("somebody")
    other = {"token": None, "headers": {"Cookie": f"nexflow_session={cookie}"}}
    assert daemon.get(f"{AT}/{all_[1]['id']}", **other)[0] == 404
    assert daemon.get(AT, **other)[1]["schedules"] == []


def test_a_question_needs_the_setting_and_its_person(tmp_path, provider):
    provider.script(text="nothing new")
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml()).start()
    ask = made(daemon, kind="prompt", text="what is new?", cron="0 9 * * *")
    assert ask["status"] == "paused" and ask["reason"]
    status, body = daemon.post(f"{AT}/{ask['id']}/resume")
    assert status == 403 and "schedules.spend" in body["error"]["message"]
    assert daemon.stop() == 0

    daemon = nexflow.Daemon(tmp_path, SPEND, provider=provider.yaml(), database=daemon.url).start()
    assert daemon.post(f"{AT}/{ask['id']}/resume")[1]["status"] == "active"
    status, run = daemon.post(f"{AT}/{ask['id']}/run")
    assert status == 202 and run["by_hand"], run
    daemon.wait_until(lambda: [r["outcome"] for r in runs(daemon, ask)] == ["ended"])
    assert said(daemon, at(daemon, ask)["session_id"])[-1] == ("assistant", "nothing new")
    assert runs(daemon, ask)[0]["tokens"] > 0
    assert daemon.stop() == 0


def test_a_day_ends_with_its_budget(tmp_path, provider):
    provider.script(text="nothing new")
    more = "schedules: {spend: true, run_tokens: 100, user_tokens: 100}\n"
    daemon = nexflow.Daemon(tmp_path, more, provider=provider.yaml()).start()
    ask = made(daemon, kind="prompt", text="what is new?", cron="0 9 * * *")
    assert daemon.post(f"{AT}/{ask['id']}/run")[0] == 202
    daemon.wait_until(lambda: [r["outcome"] for r in runs(daemon, ask)] == ["ended"])
    status, body = daemon.post(f"{AT}/{ask['id']}/run")
    assert status == 413 and "schedules.user_tokens" in body["error"]["message"], body
    assert daemon.stop() == 0


@pytest.mark.parametrize("missed,outcomes", [("skip", ["missed"]), ("once", ["ended"])])
def test_what_passed_while_nobody_was_there_goes_by_the_rule(tmp_path, provider, missed, outcomes):
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml()).start()
    schedule = made(daemon, when="in 1 hour", missed=missed)
    daemon.kill()
    move_back(daemon, 2 * 3600)
    daemon.start()
    done(daemon, schedule)
    assert [r["outcome"] for r in runs(daemon, schedule)] == outcomes
    if missed == "once":
        assert "_It was due: " in said(daemon, at(daemon, schedule)["session_id"])[-1][1]
    assert daemon.stop() == 0


def test_all_missed_runs_are_made_up_for_up_to_a_number(tmp_path, provider):
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml()).start()
    schedule = made(daemon, cron="0 * * * *", missed="all", missed_max=3)
    daemon.kill()
    move_back(daemon, 10 * 3600)
    daemon.start()
    daemon.wait_until(lambda: len(runs(daemon, schedule)) >= 4)
    daemon.wait_until(lambda: all(r["outcome"] != "started" for r in runs(daemon, schedule)))
    outcomes = [r["outcome"] for r in runs(daemon, schedule)]
    assert outcomes.count("ended") in (3, 4) and outcomes.count("missed") == 1, outcomes
    assert daemon.stop() == 0


def test_a_kill_at_the_time_neither_loses_nor_doubles_a_run(tmp_path, provider):
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml()).start()
    schedules = [made(daemon, when=f"in {1 + i % 3} seconds", text=f"n{i}") for i in range(12)]
    for _ in range(4):
        time.sleep(0.7)
        daemon.kill()
        daemon.start()
    for schedule in schedules:
        session = done(daemon, schedule)["session_id"]
        assert said(daemon, session) == [("user", schedule["text"]),
                                         ("assistant", f"⏰ {schedule['text']}")]
    assert daemon.stop() == 0


def test_a_model_makes_lists_and_cancels_them(daemon, provider):
    provider.scripts({"tools": [{"name": "schedule_create",
                                 "args": {"text": "water", "when": "tomorrow at 9:00"}}]},
                     {"text": "I will remind you."})
    _, accepted = daemon.post("/api/v1/messages", {"content": "remind me tomorrow at nine to water",
                                                   "message_id": "m1"})
    daemon.wait_until(lambda: daemon.get(AT)[1]["schedules"])
    schedule = daemon.get(AT)[1]["schedules"][0]
    assert schedule["by_model"] and schedule["session_id"] == accepted["session_id"]
    assert schedule["next"][0]["local"].endswith(" 09:00")
    daemon.wait_until(lambda: said(daemon, accepted["session_id"])[-1][1] == "I will remind you.")
    told = json.dumps(provider.log()[-1])
    assert "It is " in told and "Made " in told and "(UTC)" in told, "it knows the time there"

    provider.scripts({"tools": [{"name": "schedule_cancel", "args": {"id": schedule["id"]}}]},
                     {"text": "Done."})
    daemon.post("/api/v1/messages", {"content": "no", "message_id": "m2",
                                     "session_id": accepted["session_id"]})
    daemon.wait_until(lambda: daemon.get(AT)[1]["schedules"] == [])


def test_a_model_cannot_switch_on_what_costs_money(tmp_path, provider):
    daemon = nexflow.Daemon(tmp_path, SPEND, provider=provider.yaml()).start()
    provider.scripts({"tools": [{"name": "schedule_create",
                                 "args": {"text": "sum up the news", "cron": "0 8 * * *",
                                               "action": "ask_me"}}]}, {"text": "Switch it on."})
    daemon.post("/api/v1/messages", {"content": "every morning", "message_id": "m1"})
    daemon.wait_until(lambda: daemon.get(AT)[1]["schedules"])
    assert daemon.get(AT)[1]["schedules"][0]["status"] == "paused"
    daemon.wait_until(lambda: "does not run yet" in json.dumps(provider.log()[-1]))
    assert daemon.stop() == 0


def test_the_clock_is_the_persons(daemon):
    status, me = daemon._json("PATCH", "/api/v1/users/me", {"time_zone": "Asia/Tokyo"})
    assert status == 200 and me["time_zone"] == "Asia/Tokyo", me
    schedule = made(daemon, when="9:00")
    assert schedule["time_zone"] == "Asia/Tokyo" and schedule["at"].endswith("T00:00:00.000Z")
    status, body = daemon._json("PATCH", "/api/v1/users/me", {"time_zone": "Mars/Base"})
    assert status == 400 and "time zone" in body["error"]["message"]


def cli(daemon, *words, ok=True):
    run = subprocess.run([nexflow.BIN / "nexflow", "--config", daemon.config, "schedule", *words],
                         capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode == 0) == ok, run.stderr
    return run.stdout if ok else run.stderr


def test_the_command_line_does_all_of_it(daemon):
    added = json.loads(cli(daemon, "add", "--cron", "0 9 * * 1-5", "--zone", "Europe/Berlin", "--json", "stand up"))
    name = added["id"]
    assert "at 09:00 on weekdays" in cli(daemon, "list")
    shown = cli(daemon, "show", name)
    assert "stand up" in shown and shown.count("next      ") == 3, shown
    assert "paused" in cli(daemon, "pause", name)
    assert "active" in cli(daemon, "resume", name)
    assert "started: task " in cli(daemon, "run", name)
    daemon.wait_until(lambda: "ended" in cli(daemon, "history", name))
    assert json.loads(cli(daemon, "history", name, "--json"))[0]["by_hand"]
    assert cli(daemon, "remove", name) == "removed\n"
    assert json.loads(cli(daemon, "list", "--json")) == []
    made(daemon, cron="0 9 * * *", text="a" + "é" * 40)  # the 60th byte is within a letter
    assert ("a" + "é" * 29 + " ...\n") in cli(daemon, "list")
    assert "when" in cli(daemon, "add", "--when", "some day", "x", ok=False)


def test_a_reminder_comes_to_telegram_and_is_looked_after_there(tmp_path, provider):
    fake = telegram.Telegram("--local")
    bot = fake.yaml(accounts='["1001"]', poll_timeout="2s")
    bots = f"channels:\n  telegram:\n    - {bot}\n"
    daemon = nexflow.Daemon(tmp_path, bots, provider=provider.yaml()).start()
    provider.scripts({"tools": [{"name": "schedule_create",
                                 "args": {"text": "tea is ready", "when": "in 3 seconds"}}]},
                     {"text": "I will."})
    try:
        fake.say("remind me of the tea")
        fake.until(lambda: any("tea is ready" in t and "⏰" in t for t in fake.texts()), what="the reminder")
        assert sum("⏰" in t for t in fake.texts()) == 1
        provider.scripts({"tools": [{"name": "schedule_create",
                                     "args": {"text": "later", "when": "in 2 hours"}}]},
                         {"text": "I will."})
        fake.say("and later")
        daemon.wait_until(lambda: daemon.get(f"{AT}?status=active")[1]["schedules"])
        fake.say("/schedules", lang="en")
        fake.answer("/schedules pause ID")
        name = daemon.get(f"{AT}?status=active")[1]["schedules"][0]["id"]
        fake.say(f"/schedules pause {name}")
        daemon.wait_until(lambda: daemon.get(f"{AT}/{name}")[1]["status"] == "paused")
        fake.say(f"/schedules delete {name}")
        daemon.wait_until(lambda: daemon.get(f"{AT}/{name}")[0] == 404)
    finally:
        status = daemon.stop()
        fake.stop()
    assert status == 0, daemon.log()[-2000:]


def test_three_instances_run_each_time_once(trio):  # noqa: F811
    schedules = [made(trio[i % 3], when=f"in {2 + i % 3} seconds", text=f"n{i}") for i in range(15)]
    for i, schedule in enumerate(schedules):
        session = done(trio[i % 3], schedule)["session_id"]
        assert said(trio[0], session) == [("user", f"n{i}"), ("assistant", f"⏰ n{i}")]
        assert len(runs(trio[0], schedule)) == 1


def test_one_that_was_frozen_past_its_lease_runs_nothing_again(trio):  # noqa: F811
    schedules = [made(trio[0], when="in 2 seconds", text=f"n{i}") for i in range(6)]
    trio[0].process.send_signal(signal.SIGSTOP)
    sessions = [done(trio[1], schedule)["session_id"] for schedule in schedules]
    trio[1].wait_until(lambda: trio[1].events("instance.taken_over") + trio[2].events("instance.taken_over"))
    trio[0].process.send_signal(signal.SIGCONT)
    trio[0].process.wait(nexflow.WAIT_S)
    for i, session in enumerate(sessions):
        assert said(trio[1], session) == [("user", f"n{i}"), ("assistant", f"⏰ n{i}")]


def test_one_that_is_damaged_is_told_and_stops_no_other(daemon):
    bad = made(daemon, when="in 1 hour", text="tea")
    number = daemon.rows("SELECT id FROM schedules WHERE text='tea'")[0][0]
    daemon.write(f"UPDATE schedules SET expression='61 * * * *',at=0,next_at=next_at-3600000 WHERE id={number}")
    good = made(daemon, when="in 1 second", text="milk")
    assert [s["text"] for s in daemon.get(AT)[1]["schedules"]] == ["milk"]
    done(daemon, good)
    daemon.wait_until(lambda: daemon.events("schedules.failed"))
    said_once = [e["err"] for e in daemon.events("schedules.failed") if bad["id"] in e["err"]]
    assert len(said_once) == 1 and f"nexflow schedule remove {bad['id']}" in said_once[0]
    assert "nexflow_schedules_damaged 1" in daemon.get("/metrics")[1]
    assert cli(daemon, "remove", bad["id"]) == "removed\n"
