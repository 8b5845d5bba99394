"""Models and people that call tools: by the real path, from the provider's stream to a plugin's process and back."""
import asyncio
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess

import pytest

import nexflow
import openapi_test

PROBE = nexflow.TOP / "tests/e2e/probe"


def run(coroutine):
    return asyncio.run(coroutine)


@pytest.fixture(name="probe", scope="session")
def _probe(tmp_path_factory):
    """The directory of the skill `probe`, built."""
    to = tmp_path_factory.mktemp("probe")
    shutil.copy(PROBE / "skill.json", to)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-fvisibility=hidden",
                    "-I", nexflow.TOP / "skills/include", PROBE / "probe.c", "-o",
                    to / "probe.so"], check=True)
    return to


def checked(method, path, answer, **params):
    """The decoded body of an answer, after it was held against docs/openapi.yaml."""
    status, body = answer
    openapi_test.validate(method, path, status, body)
    return status, body


def install(daemon, directory):
    status, skill = checked("post", "/api/v1/skills",
                            daemon.post("/api/v1/skills", {"path": str(directory)}))
    assert status == 201, skill
    status, skill = checked("post", "/api/v1/skills/{name}/enable",
                            daemon.post("/api/v1/skills/probe/enable", {"hash": skill["hash"]}))
    assert status == 200 and skill["status"] == "enabled", skill
    return skill


def tool(daemon, name, **arguments):
    return checked("post", "/api/v1/skills/{name}/tools/{tool}/run",
                   daemon.post(f"/api/v1/skills/probe/tools/{name}/run", arguments))


def times(daemon, key):
    """How often the plugin counted a call of that key."""
    status, answer = tool(daemon, "told", key=key)
    assert status == 200, answer
    return int(answer["result"])


CONFIG = 'skills: {bundled: ["none"], min_level: L0.5}\n'


@pytest.fixture(name="tools")
def _tools(tmp_path, provider, probe):
    """A daemon with the skill `probe`."""
    d = nexflow.Daemon(tmp_path, CONFIG, provider=provider.yaml()).start()
    install(d, probe)
    yield d
    assert d.stop() == 0, d.log()[-2000:]


def calls(*of):
    """A script that makes these calls, (name, arguments)."""
    return {"tools": [{"name": f"probe_{n}", "args": a, "id": f"c{i}"}
                      for i, (n, a) in enumerate(of)], "text": ""}


ANSWER = {"text": "Done."}


def steps(daemon, run_id):
    status, task = checked("get", "/api/v1/tasks/{id}", daemon.get(f"/api/v1/tasks/{run_id}"))
    assert status == 200, task
    return [s for s in task["steps"] if s["kind"] == "tool"]


def results(frames):
    return [f["content"] for f in frames if f["type"] == "TOOL_CALL_RESULT"]


async def begin(socket, message_id="m1", content="go"):
    accepted = await socket.say(content, message_id)
    assert accepted["type"] == "accepted", accepted
    return accepted


# --- the loop


def test_a_call_reaches_the_plugin_and_its_result_the_model(tools, provider):
    provider.scripts(calls(("wait", {"key": "k", "ms": 1})), ANSWER)

    async def talk():
        async with tools.connect() as socket:
            accepted, last, text = await socket.answer("go", "m1")
            return socket.frames, accepted, last, text
    frames, accepted, last, text = run(talk())

    assert text == "Done." and last["type"] == "RUN_FINISHED"
    assert results(frames) == ["waited 1 ms"]
    asked = [t["function"]["name"] for t in body_of(provider.log()[0])["tools"]]
    assert "probe_wait" in asked
    assert body_of(provider.log()[-1])["messages"][-1]["content"] == "waited 1 ms"
    row, = steps(tools, accepted["run_id"])
    assert row["status"] == "completed" and row["name"] == "probe_wait"
    assert json.loads(row["arguments"]) == {"key": "k", "ms": 1}
    assert row["level"].startswith("L") and row["worker"] > 0 and row["duration_us"] >= 1000
    assert row["bytes"] > 0
    assert times(tools, "k") == 1


def body_of(request):
    return json.loads(request["body"]) if isinstance(request["body"], str) else request["body"]


def test_calls_of_one_reply_run_at_the_same_time_and_stay_in_order(tools, provider):
    provider.scripts(calls(("meet", {"me": "a", "other": "b"}), ("meet", {"me": "b", "other": "a"})),
                     ANSWER)

    async def talk():
        async with tools.connect() as socket:
            await socket.answer("go", "m1")
            return socket.frames
    assert results(run(talk())) == ["a met b", "b met a"]


def test_wrong_arguments_and_failures_are_told_to_the_model(tools, provider):
    provider.scripts(calls(("wait", {"key": 1}), ("wait", {"key": "k", "more": 1}), ("fail", {}),
                           ("nothing", {})), ANSWER)

    async def talk():
        async with tools.connect() as socket:
            accepted, _, _ = await socket.answer("go", "m1")
            return results(socket.frames), accepted
    texts, accepted = run(talk())
    assert texts[0] == "error: arguments.key: must be a string"
    assert texts[1] == "error: arguments.more: there is no such member: leave it out"
    # All of its words: they are more than an error of ours holds.
    assert texts[2].startswith("error: there is no such city; there are 0")
    assert texts[2].endswith("7 and Zwolle") and len(texts[2]) > 900
    assert texts[3].startswith("error: there is no tool probe_nothing; there are: probe_")
    assert not texts[3].endswith("_") and len(texts[3]) < 240
    assert [s["status"] for s in steps(tools, accepted["run_id"])] == ["failed"] * 4
    assert times(tools, "k") == 0


def test_the_same_call_again_and_again_ends_the_turn_with_a_notice(tools, provider):
    provider.script(**calls(("wait", {"key": "k"})), always_call=True)

    async def talk():
        async with tools.connect() as socket:
            return (await socket.answer("go", "m1"))[1]
    last = run(talk())
    assert last["type"] == "RUN_ERROR" and "same arguments" in last["message"]
    assert times(tools, "k") == 4


def test_progress_is_shown_and_takes_no_position(tools, provider):
    provider.scripts(calls(("wait", {"key": "k", "ms": 50})), ANSWER)

    async def talk():
        async with tools.connect() as socket:
            accepted, _, _ = await socket.answer("go", "m1")
            live = list(socket.frames)
        async with tools.connect() as late:
            await late.send(type="resume", session_id=accepted["session_id"], after=0)
            await late.end_of(accepted["run_id"])
            return live, late.frames, accepted
    live, late, accepted = run(talk())
    shown = [f for f in live if f["type"] == "CUSTOM" and f["name"] == "tool_progress"]
    assert shown[0]["value"] == {"toolCallId": "c0", "percent": 10, "text": "waiting 50 ms"}
    assert shown[0]["run_id"] == accepted["run_id"] and "seq" not in shown[0]

    def positions(frames):
        return [(f["type"], f["seq"]) for f in frames if "seq" in f and f["type"] != "accepted"
                and "CONTENT" not in f["type"] and "ARGS" not in f["type"]]
    assert positions(live) == positions(late)


def test_stop_ends_a_running_tool(tools, provider):
    provider.scripts(calls(("wait", {"key": "k", "ms": 60000})), ANSWER)

    async def talk():
        async with tools.connect() as socket:
            accepted = await begin(socket)
            await socket.until(lambda f: f["type"] == "CUSTOM")  # it runs
            await socket.send(type="stop", session_id=accepted["session_id"])
            last = await socket.end_of(accepted["run_id"])
            return accepted, last
    accepted, last = run(talk())
    assert last["type"] == "RUN_FINISHED" and last["stopped"] is True
    assert [s["status"] for s in steps(tools, accepted["run_id"])] == ["cancelled"]


# --- crashes


@pytest.mark.parametrize("name, count", [("wait", 1), ("again", 2)])
def test_after_a_crash_only_what_may_be_repeated_is(tools, provider, name, count):
    provider.scripts(calls((name, {"key": "k", "ms": 300})), ANSWER)

    async def until_it_runs():
        async with tools.connect() as socket:
            accepted = await begin(socket)
            await socket.until(lambda f: f["type"] == "CUSTOM")
            return accepted
    accepted = run(until_it_runs())
    tools.kill()
    tools.start()
    tools.wait_until(lambda: tools.get(f"/api/v1/tasks/{accepted['run_id']}")[1]["status"]
                     == "completed")
    row, = steps(tools, accepted["run_id"])
    assert times(tools, "k") == count
    if name == "wait":
        assert row["status"] == "unknown" and "not repeated" in row["result"]
    else:
        assert row["status"] == "completed" and row["result"] == "waited 300 ms"


# --- approvals


async def card(socket, status="pending"):
    frame = await socket.until(lambda f: f["type"] == "approval"
                               and f["approval"]["status"] == status)
    return frame["approval"]


def test_a_call_that_asks_runs_when_it_is_allowed(tools, provider):
    provider.scripts(calls(("asks", {"key": "k"})), ANSWER)

    async def talk():
        async with tools.connect() as socket, tools.connect() as other:
            accepted = await begin(socket)
            asked = await card(socket)
            again = await card(other)  # every socket of the approver
            assert asked == again
            row, = steps(tools, accepted["run_id"])
            assert row["status"] == "waiting_approval" and times(tools, "k") == 0
            await other.send(type="decide", approval_id=asked["id"], decision="allow")
            allowed = await card(socket, "allowed")
            last = await socket.end_of(accepted["run_id"])
            return accepted, asked, allowed, last
    accepted, asked, allowed, last = run(talk())
    assert last["type"] == "RUN_FINISHED"
    assert asked["tool"] == "probe_asks" and json.loads(asked["arguments"]) == {"key": "k"}
    assert asked["yours"] is True and asked["session_id"] == accepted["session_id"]
    assert allowed["decided_by"] == asked["user"]["id"]
    assert times(tools, "k") == 1
    status, open_ones = checked("get", "/api/v1/approvals", tools.get("/api/v1/approvals"))
    assert status == 200 and open_ones["approvals"] == []
    path = f"/api/v1/approvals/{asked['id']}"
    assert checked("post", "/api/v1/approvals/{id}",
                   tools.post(path, {"decision": "deny"}))[0] == 409


def test_a_call_that_is_denied_does_not_run_and_the_model_reads_why(tools, provider):
    provider.scripts(calls(("asks", {"key": "k"})), ANSWER)

    async def talk():
        async with tools.connect() as socket:
            accepted = await begin(socket)
            asked = await card(socket)
            status, seen = checked("get", "/api/v1/approvals", tools.get("/api/v1/approvals"))
            assert status == 200 and [a["id"] for a in seen["approvals"]] == [asked["id"]]
            status, denied = checked("post", "/api/v1/approvals/{id}", tools.post(
                f"/api/v1/approvals/{asked['id']}", {"decision": "deny", "reason": "not today"}))
            assert status == 200 and denied["status"] == "denied"
            await socket.end_of(accepted["run_id"])
            return results(socket.frames)
    text, = run(talk())
    assert "denied this call, saying: not today" in text
    assert times(tools, "k") == 0


def test_nobody_else_can_press_it(tools, provider):
    provider.scripts(calls(("asks", {"key": "k"})), ANSWER)
    _, cookie = tools.user("Eve", "admin")

    async def talk():
        async with tools.connect() as socket, tools.connect(cookie) as eve:
            accepted = await begin(socket)
            asked = await card(socket)
            await eve.send(type="decide", approval_id=asked["id"], decision="allow")
            error = await eve.until(lambda f: f["type"] == "error")
            assert error["code"] == "not-found"
            assert not any(f["type"] == "approval" for f in eve.frames)
            await socket.send(type="decide", approval_id=asked["id"], decision="deny")
            await socket.end_of(accepted["run_id"])
    run(talk())
    assert times(tools, "k") == 0


def test_a_plain_users_call_is_decided_by_the_owner(tools, provider):
    provider.scripts(calls(("asks", {"key": "k"})), ANSWER)
    _, cookie = tools.user("Bob")

    async def talk():
        async with tools.connect() as owner, tools.connect(cookie) as bob:
            accepted = await begin(bob)
            mine, theirs = await card(bob), await card(owner)
            assert mine["yours"] is False and theirs["yours"] is True
            assert theirs["user"]["name"] == "Bob"
            await bob.send(type="decide", approval_id=mine["id"], decision="allow")
            assert (await bob.until(lambda f: f["type"] == "error"))["code"] == "denied"
            await owner.send(type="decide", approval_id=mine["id"], decision="allow")
            last = await bob.end_of(accepted["run_id"])
            return last, results(bob.frames)
    last, texts = run(talk())
    assert last["type"] == "RUN_FINISHED" and texts == ["waited 0 ms"]


def test_who_is_no_admin_any_more_decides_nothing_on_a_socket_that_is_open(tools, provider):
    provider.scripts(calls(("asks", {"key": "k"})), ANSWER)
    _, bobs = tools.user("Bob")
    user, eves = tools.user("Eve", "admin")

    async def talk():
        async with tools.connect(bobs) as bob, tools.connect(eves) as eve:
            accepted = await begin(bob)
            asked = await card(eve)
            assert asked["yours"] is True
            status, changed = tools._json("PATCH", f"/api/v1/users/{user['id']}", {"role": "user"})
            assert status == 200 and changed["role"] == "user"
            await eve.send(type="decide", approval_id=asked["id"], decision="allow")
            error = await eve.until(lambda f: f["type"] == "error")
            assert error["code"] == "not-found", error
            assert tools.post(f"/api/v1/approvals/{asked['id']}", {"decision": "deny"})[0] == 200
            await bob.end_of(accepted["run_id"])
    run(talk())
    assert times(tools, "k") == 0


@pytest.mark.parametrize("meanwhile", [False, True])
def test_an_approval_survives_a_restart(tools, provider, meanwhile):
    provider.scripts(calls(("asks", {"key": "k"})), ANSWER)

    async def until_asked():
        async with tools.connect() as socket:
            accepted = await begin(socket)
            return accepted, await card(socket)
    accepted, asked = run(until_asked())
    if meanwhile:  # decided, and killed before anything could come of it or after
        assert tools.post(f"/api/v1/approvals/{asked['id']}", {"decision": "allow"})[0] == 200
    tools.kill()
    tools.start()

    async def decide():
        async with tools.connect() as socket:
            again = await card(socket)  # a socket that is opened gets the open ones
            assert again["id"] == asked["id"]
            await socket.send(type="decide", approval_id=asked["id"], decision="allow")
            await card(socket, "allowed")
    if not meanwhile:
        run(decide())
    tools.wait_until(lambda: tools.get(f"/api/v1/tasks/{accepted['run_id']}")[1]["status"]
                     == "completed")
    row, = steps(tools, accepted["run_id"])
    # Killed in the middle of the call nobody knows; else it ran, once.
    assert row["status"] == "completed" or meanwhile and row["status"] == "unknown"
    assert times(tools, "k") <= 1


def test_the_time_of_a_turn_stands_still_while_a_person_thinks(tmp_path, provider, probe):
    d = nexflow.Daemon(tmp_path, CONFIG + "turns: {timeout: 2s}\n", provider=provider.yaml()).start()
    install(d, probe)
    provider.scripts(calls(("asks", {"key": "k"}), ("again", {"key": "other"})), ANSWER)

    async def talk():
        async with d.connect() as socket:
            accepted = await begin(socket)
            asked = await card(socket)
            await asyncio.sleep(3)
            provider_free, last, _ = await socket.answer("/run probe again {\"key\":\"x\"}", "m2")
            assert last["type"] == "RUN_FINISHED" and provider_free  # another session goes on
            await socket.send(type="decide", approval_id=asked["id"], decision="allow")
            return await socket.end_of(accepted["run_id"])
    assert run(talk())["type"] == "RUN_FINISHED"
    assert times(d, "k") == 1
    assert d.stop() == 0


def test_stop_ends_a_turn_that_waits_for_a_person(tools, provider):
    provider.scripts(calls(("asks", {"key": "k"})), ANSWER)

    async def talk():
        async with tools.connect() as socket:
            accepted = await begin(socket)
            asked = await card(socket)
            await socket.send(type="stop", session_id=accepted["session_id"])
            void = await card(socket, "cancelled")
            last = await socket.end_of(accepted["run_id"])
            assert void["id"] == asked["id"] and last["stopped"] is True
            await socket.send(type="decide", approval_id=asked["id"], decision="allow")
            assert (await socket.until(lambda f: f["type"] == "error"))["code"] == "conflict"
    run(talk())
    assert times(tools, "k") == 0


# --- by hand


def test_a_person_runs_a_tool_over_rest(tools):
    status, answer = tool(tools, "wait", key="k", ms=2)
    assert status == 200 and answer["result"] == "waited 2 ms" and answer["worker"] > 0
    status, task = checked("get", "/api/v1/tasks/{id}", tools.get(f"/api/v1/tasks/{answer['task_id']}"))
    assert status == 200 and task["status"] == "completed" and task["result"] == "waited 2 ms"
    status, answer = tool(tools, "wait", key=5)
    assert status == 400 and answer["error"]["message"] == "arguments.key: must be a string"
    assert tool(tools, "fail")[0] == 404
    assert tool(tools, "asks", key="k")[0] == 200  # who runs it by hand has said yes
    assert tools.post("/api/v1/skills/probe/tools/none/run")[0] == 404


def test_a_tool_that_always_asks_asks_who_runs_it_too(tools):
    async def talk():
        async with tools.connect() as socket:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(None, lambda: tool(tools, "always", key="k"))
            asked = await card(socket)
            assert asked["session_id"] is None
            await socket.send(type="decide", approval_id=asked["id"], decision="allow")
            return await running
    status, answer = run(talk())
    assert status == 200 and answer["result"] == "waited 0 ms"


def waiting(daemon):
    """What waits for an approval, once something does."""
    found = []
    daemon.wait_until(lambda: found.extend(daemon.get("/api/v1/approvals")[1]["approvals"]) or found)
    return found


@pytest.mark.parametrize("name, more", [("always", {}), ("wait", {"ms": 60000})])
def test_a_call_by_hand_is_cancelled(tools, name, more):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        call = pool.submit(tool, tools, name, key="k", **more)
        status = "waiting_approval" if name == "always" else "running"
        tools.wait_until(lambda: tools.get(f"/api/v1/tasks?status={status}")[1]["tasks"])
        task, = tools.get(f"/api/v1/tasks?status={status}")[1]["tasks"]
        assert checked("post", "/api/v1/tasks/{id}/cancel",
                       tools.post(f"/api/v1/tasks/{task['id']}/cancel"))[0] == 200
        status, answer = call.result(nexflow.WAIT_S)
    assert status == 409 and "cancelled" in answer["error"]["message"]
    assert tools.get(f"/api/v1/tasks/{task['id']}")[1]["status"] == "cancelled"
    assert tools.get("/api/v1/approvals")[1]["approvals"] == []
    assert tools.post(f"/api/v1/tasks/{task['id']}/cancel")[0] == 409


def test_nobody_is_asked_about_a_call_by_hand_that_a_crash_cut_off(tools):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        call = pool.submit(tool, tools, "always", key="k")
        approval, = waiting(tools)
        tools.kill()
        assert call.exception(nexflow.WAIT_S)
    tools.start()
    assert tools.get("/api/v1/approvals")[1]["approvals"] == []
    assert tools.post(f"/api/v1/approvals/{approval['id']}", {"decision": "allow"})[0] == 409


def test_a_daemon_that_stops_leaves_no_control_groups(tools):
    assert tool(tools, "told", key="k")[0] == 200
    pid = tools.process.pid
    wardens = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert wardens
    assert tools.stop() == 0
    left = [d for _, dirs, _ in os.walk("/sys/fs/cgroup") for d in dirs
            if d.startswith(tuple(f"nexflow-{w}-" for w in wardens))]
    assert left == []
    tools.start()


def test_run_in_a_chat_is_answered_without_a_model(tools, provider):
    async def talk():
        async with tools.connect() as socket:
            accepted, last, text = await socket.answer('/run probe wait {"key":"k","ms":3}', "m1")
            _, wrong, _ = await socket.answer("/run probe", "m2", accepted["session_id"])
            return accepted, last, text, wrong
    accepted, last, text, wrong = run(talk())
    assert last["type"] == "RUN_FINISHED" and text == "waited 3 ms"
    assert wrong["type"] == "RUN_ERROR" and "/run SKILL TOOL" in wrong["message"]
    assert provider.log() == []
    row, = steps(tools, accepted["run_id"])
    assert row["name"] == "probe_wait" and row["status"] == "completed"
    assert [m["role"] for m in tools.messages(accepted["session_id"])][:4] == [
        "user", "assistant", "tool", "assistant"]


def test_a_model_is_offered_what_is_enabled_now(tools, provider):
    provider.scripts(ANSWER)

    def offered(message_id):
        async def ask():
            async with tools.connect() as socket:
                await socket.answer("go", message_id)
        run(ask())
        return [t["function"]["name"] for t in provider.log()[-1]["body"].get("tools", [])]
    first = offered("m1")
    assert "probe_wait" in first and offered("m2") == first
    assert tools.post("/api/v1/skills/probe/disable")[0] == 200
    assert all(name.startswith("schedule_") for name in offered("m3")), "the daemon's own"
    skill = tools.get("/api/v1/skills/probe")[1]
    assert tools.post("/api/v1/skills/probe/enable", {"hash": skill["hash"]})[0] == 200
    assert offered("m4") == first


# --- managing


def test_a_skill_is_looked_at_installed_enabled_disabled_and_removed(tmp_path, provider, probe):
    d = nexflow.Daemon(tmp_path, CONFIG, provider=provider.yaml()).start()
    path = "/api/v1/skills"
    status, seen = checked("post", path, d.post(path, {"path": str(probe), "inspect": True}))
    assert status == 200 and seen["name"] == "probe" and seen["may"]
    assert d.get(path)[1]["skills"] == []
    assert d.post(path, {"path": str(probe), "hash": "0" * 64})[0] == 409
    assert d.post(path, {"path": "probe"})[0] == 400
    assert d.post(path, {"path": str(tmp_path / "nowhere")})[0] == 404
    status, skill = checked("post", path, d.post(path, {"path": str(probe), "hash": seen["hash"]}))
    assert status == 201 and skill["status"] == "installed" and not skill["granted"]
    assert tool(d, "wait", key="k")[0] in (403, 404)  # nothing of it runs yet
    assert d.post(f"{path}/probe/enable", {"hash": "0" * 64})[0] == 409
    assert d.post(f"{path}/probe/enable", {"hash": skill["hash"]})[1]["granted"] is True
    assert tool(d, "wait", key="k")[0] == 200
    status, listed = checked("get", path, d.get(path))
    assert [s["name"] for s in listed["skills"]] == ["probe"]
    assert [t["call"] for t in listed["skills"][0]["tools"]][0] == "probe_wait"
    assert checked("get", f"{path}/{{name}}", d.get(f"{path}/probe"))[0] == 200
    assert checked("get", f"{path}/{{name}}/logs", d.get(f"{path}/probe/logs"))[0] == 200
    status, off = checked("post", f"{path}/{{name}}/disable", d.post(f"{path}/probe/disable"))
    assert status == 200 and off["status"] == "disabled"
    assert tool(d, "wait", key="k")[0] in (403, 404)
    assert d.request("DELETE", f"{path}/probe?data=remove")[0] == 204
    assert d.get(f"{path}/probe")[0] == 404
    _, cookie = d.user("Eve", "admin")
    origin = {"Cookie": f"nexflow_session={cookie}", "Origin": f"http://127.0.0.1:{d.port}"}
    assert d.request("GET", path, headers=origin, token=None)[0] == 403
    assert d.stop() == 0


def test_a_skill_whose_schema_cannot_be_held_is_not_installed(tmp_path, provider, probe):
    d = nexflow.Daemon(tmp_path, CONFIG, provider=provider.yaml()).start()
    bad = tmp_path / "bad"
    shutil.copytree(probe, bad)
    manifest = json.loads((bad / "skill.json").read_text(encoding="utf-8"))
    manifest["tools"][0]["parameters"]["properties"]["key"]["pattern"] = "^a"
    (bad / "skill.json").write_text(json.dumps(manifest), encoding="utf-8")
    status, answer = d.post("/api/v1/skills", {"path": str(bad)})
    assert status == 400
    assert "schema.properties.key.pattern: is not supported" in answer["error"]["message"]
    assert d.stop() == 0
