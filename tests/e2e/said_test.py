"""What the daemon says has a code beside its words, and the values in them: for who reads another
language, and for who must tell one refusal from another."""
import json
import re

import pytest

import nexflow
import telegram


@pytest.fixture(name="bare")
def _bare(tmp_path):
    """Without a language model."""
    daemon = nexflow.Daemon(tmp_path).start()
    yield daemon
    assert daemon.stop() == 0


def refusal(answer):
    status, body = answer
    error = body["error"]
    return status, error.get("reason"), error.get("values"), error.get("where")


def patch(daemon, settings, seen=None):
    seen = seen or daemon.get("/api/v1/config")[1]["hash"]
    return daemon._json("PATCH", "/api/v1/config", {"hash": seen, "set": settings})


def test_a_lost_update_is_told_from_other_conflicts(bare):
    seen = bare.get("/api/v1/config")[1]["hash"]
    bare.config.write_text(bare.config.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    assert refusal(patch(bare, {"log.level": "debug"}, seen)) == (409, "config-changed", [], None)
    bare.config.write_text("log: {level: info}\n" + bare.config.read_text(encoding="utf-8"), encoding="utf-8")
    status, reason, values, _ = refusal(patch(bare, {"log.level": "debug"}))
    assert (status, reason) == (409, "not-by-lines") and len(values) == 1


def test_a_refused_setting_names_its_bounds_and_where(bare):
    status, reason, values, where = refusal(patch(bare, {"limits.connections": 3}))
    assert (status, reason, values) == (413, "setting-between", ["16", "100000"]), (reason, values)
    assert where.endswith("limits.connections")
    assert refusal(patch(bare, {"log.level": "loud"}))[1] == "setting-choice"


@pytest.mark.parametrize("url, reason, values", [
    ("nexflow.example", "url-scheme", []), ("https:///chat", "url-host", []),
    ("https://nexflow.example:99999", "url-port", ["65535"]), ("https://nexflow.example/chat", "url-end", [])])
def test_an_address_of_the_page_that_cannot_be_says_what_is_wrong_with_it(bare, url, reason, values):
    text = bare.config.read_text(encoding="utf-8")
    bare.config.write_text(re.sub(r"^server: {(.*)}$", lambda m: "server:\n  " + m[1].replace(", ", "\n  "), text, flags=re.M),
                           encoding="utf-8")
    said = refusal(patch(bare, {"server.public_url": url}))
    assert said[1:3] == (reason, values) and said[3].endswith("server.public_url"), said


def test_what_must_be_changed_by_hand_and_what_another_channel_has_has_a_code(tmp_path):
    net, other = telegram.Telegram(), telegram.Telegram(token="1000002:another-token")
    daemon = nexflow.Daemon(tmp_path, f"channels:\n  telegram:\n    - {net.yaml()}\n").start()
    try:
        base = {"network": "telegram", "token": net.token, "api_base": f"http://127.0.0.1:{net.port}"}
        assert refusal(daemon.post("/api/v1/channels", {**base, "name": "second"}))[1:3] == ("channel-token-twice", [])
        text = daemon.config.read_text(encoding="utf-8")
        daemon.config.write_text(text + f"    - {net.yaml('late', token='77:x')}\n", encoding="utf-8")  # by hand, not taken over
        fresh = {"token": other.token, "api_base": f"http://127.0.0.1:{other.port}"}
        said = refusal(daemon.post("/api/v1/channels", {**base, **fresh, "name": "late"}))
        assert said[1:3] == ("channel-name-twice", ["late"]), said
        status, _, body = daemon.request("DELETE", "/api/v1/channels/nobody")
        assert status == 404 and json.loads(body)["error"]["reason"] == "no-channel"
        # A tab within a value in braces cannot be written in lines again.
        daemon.config.write_text(text.replace("name: telegram", 'name: telegram, accounts: ["a\\tb"]'), encoding="utf-8")
        said = refusal(daemon.post("/api/v1/channels/telegram/token", {"token": net.token}))
        assert said[1] == "line-by-hand" and len(said[2]) == 1, said
        assert daemon.stop() == 0
    finally:
        net.stop()
        other.stop()


def test_other_refusals_say_which_they_are(bare):
    assert refusal(bare.get("/api/v1/sessions/0000000000001"))[:2] == (404, "no-session")
    assert refusal(bare.post("/api/v1/schedules", {"kind": "reminder", "text": "x", "when": "soon"}))[1] == "when-unclear"
    status, schedule = bare.post("/api/v1/schedules", {"kind": "prompt", "text": "x", "when": "in 2 hours"})
    assert (status, schedule["reason_code"], schedule["reason_values"]) == (201, "halt-by-model", [])
    assert refusal(bare.post(f"/api/v1/schedules/{schedule['id']}/resume", {}))[1] == "spend-denied"
    own = bare.get("/api/v1/users/me")[1]["id"]
    assert refusal(bare._json("PATCH", f"/api/v1/users/{own}", {"role": "user"}))[1] == "not-yourself"
    status, reason, values, where = refusal(bare.post("/api/v1/channels", {"network": "telegram"}))
    assert (status, reason, where) == (400, "field-missing", None) and values == ["token"]
    # What only a program can do wrong has its words alone.
    assert refusal(bare.get("/api/v1/tasks?cursor=x"))[1] is None


def test_why_nothing_can_be_answered_has_a_code(bare):
    health = bare.get("/health")[1]
    assert health["unready"] == [{"text": health["not_ready"][0], "code": "ready-no-model", "values": []}]
    for gap in health["sandbox"]["gaps"]:
        assert gap["code"] == "sandbox-lack", gap
        assert gap["values"][0]["code"].startswith("layer-") and gap["values"][2]["code"].startswith("fix-"), gap
    joined = "; ".join(gap["text"] for gap in health["sandbox"]["gaps"])
    assert joined == health["sandbox"]["missing"]


def test_what_a_skill_may_do_has_a_code(bare):
    bare.wait_until(lambda: len(bare.get("/api/v1/skills")[1]["skills"]) > 4)
    skills = bare.get("/api/v1/skills")[1]["skills"]
    assert all([r["text"] for r in s["rights"]] == s["may"] for s in skills if "may" in s)
    rights = [r for s in skills for r in s.get("rights", ())]
    assert rights and all(r.get("code", "").startswith("may-") for r in rights), rights


def test_what_is_wrong_with_a_bot_has_codes(tmp_path):
    net = telegram.Telegram()
    daemon = nexflow.Daemon(tmp_path, f"channels:\n  telegram:\n    - {net.yaml(token='77:not-known')}\n").start()
    try:
        def bot():
            return daemon.get("/api/v1/channels")[1]["channels"][0]
        daemon.wait_until(lambda: bot()["state"] == "refused")
        assert (bot()["problem_code"], bot()["todo_code"]) == ("telegram-token", "do-telegram-token")
        deaf = [u for u in daemon.get("/health")[1]["unready"] if u.get("code") == "channel-deaf-do"]
        assert [v if isinstance(v, str) else v["code"] for v in deaf[0]["values"]] == \
            ["telegram", "telegram-token", "do-telegram-token"]
    finally:
        assert daemon.stop() == 0
        net.stop()


def test_why_a_run_was_skipped_has_a_code(tmp_path):
    daemon = nexflow.Daemon(tmp_path, "schedules: {spend: true}\n").start()  # no model
    try:
        _, schedule = daemon.post("/api/v1/schedules", {"kind": "prompt", "text": "think", "when": "in 2 seconds"})
        assert daemon.post(f"/api/v1/schedules/{schedule['id']}/resume", {})[0] == 200

        def runs():
            return daemon.get(f"/api/v1/schedules/{schedule['id']}/runs")[1]["runs"]
        daemon.wait_until(lambda: [r["outcome"] for r in runs()] == ["skipped"])
        assert runs()[0]["reason_code"] == "run-no-model" and runs()[0]["reason_values"] == []
        session = daemon.get(f"/api/v1/schedules/{schedule['id']}")[1]["session_id"]
        daemon.wait_until(lambda: [m["role"] for m in daemon.messages(session)] == ["user", "notice"])
        told = daemon.messages(session)[1]
        assert told["code"] == "schedule-skipped"
        assert told["values"] == [{"text": runs()[0]["reason"], "code": "run-no-model", "values": []}]
    finally:
        assert daemon.stop() == 0
