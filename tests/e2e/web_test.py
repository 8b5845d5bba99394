"""The web channel from outside: what docs/api.md promises, and what hostile clients get."""
import asyncio
import json
import socket
import time
import urllib.parse

import pytest

import nexflow


def run(coroutine):
    return asyncio.run(coroutine)


def seqs(frames, session_id):
    return [f["seq"] for f in frames if f.get("session_id") == session_id
            and f["type"] not in ("accepted", "error", "cancelled", "session")]


# --- a conversation


def test_a_message_is_accepted_streamed_and_kept(daemon, provider):
    provider.script(text="Hello, world", piece=3, delay=0.05)  # at once it would be one piece

    async def talk():
        async with daemon.connect() as socket:
            accepted, last, text = await socket.answer("hi", "m1")
            return socket.frames, accepted, last, text
    frames, accepted, last, text = run(talk())

    assert text == "Hello, world"
    assert last["type"] == "RUN_FINISHED" and last["model"] == "fake/m"
    assert last["usage"]["output_tokens"] > 0
    types = [f["type"] for f in frames]
    assert types[:3] == ["accepted", "RUN_STARTED", "TEXT_MESSAGE_START"]
    assert types.count("TEXT_MESSAGE_CONTENT") > 1
    assert types[-2:] == ["TEXT_MESSAGE_END", "RUN_FINISHED"]
    positions = seqs(frames, accepted["session_id"])
    assert positions == sorted(set(positions))
    kept = daemon.messages(accepted["session_id"])
    assert [(m["role"], m["content"]) for m in kept] == [("user", "hi"),
                                                        ("assistant", "Hello, world")]
    assert kept[1]["model"] == "fake/m"


def test_the_model_gets_the_history_of_its_session_and_of_no_other(daemon, provider):
    async def talk():
        async with daemon.connect() as socket:
            first, _, _ = await socket.answer("my name is Ada", "m1")
            await socket.answer("something else", "m2")
            await socket.answer("what is my name?", "m3", first["session_id"])
    run(talk())
    contents = [m["content"] for m in json.loads(provider.log()[-1]["body"])["messages"]
                if m["role"] != "system"] if isinstance(provider.log()[-1]["body"], str) else [
                    m["content"] for m in provider.log()[-1]["body"]["messages"]
                    if m["role"] != "system"]
    assert contents == ["my name is Ada", "echo: my name is Ada", "what is my name?"]


def test_the_same_message_id_gets_the_first_outcome(daemon, provider):
    async def talk():
        async with daemon.connect() as socket:
            first, _, _ = await socket.answer("hi", "m1")
            again = await socket.say("hi", "m1")
            other = await socket.say("different words", "m1", first["session_id"])
            return first, again, other
    first, again, other = run(talk())
    for double in (again, other):
        assert double["duplicate"] is True
        assert (double["run_id"], double["session_id"], double["seq"]) == (
            first["run_id"], first["session_id"], first["seq"])
    assert len(provider.log()) == 1
    assert len(daemon.messages(first["session_id"])) == 2


def test_one_turn_of_a_session_runs_at_a_time_and_in_order(daemon, provider):
    provider.script(delay=0.05, text="one two three four")

    async def talk():
        async with daemon.connect() as socket:
            accepted = await socket.say("q0", "m0")
            session = accepted["session_id"]
            runs = [accepted["run_id"]]
            for i in range(1, 5):
                runs.append((await socket.say(f"q{i}", f"m{i}", session))["run_id"])
            for one in runs:
                await socket.end_of(one)
            return socket.frames, session, runs
    frames, session, runs = run(talk())
    order = [f["run_id"] for f in frames if f["type"] in ("RUN_STARTED", "RUN_FINISHED")]
    assert order == [r for one in runs for r in (one, one)]
    replies = [m["run_id"] for m in daemon.messages(session) if m["role"] == "assistant"]
    assert replies == runs


def test_a_hanging_model_delays_no_other_session(daemon, provider):
    provider.scripts({"hang": "first"}, {"text": "quick"})

    async def talk():
        async with daemon.connect() as socket:
            stuck = await socket.say("slow", "m1")
            await asyncio.to_thread(daemon.wait_until, provider.log)
            _, _, text = await socket.answer("fast", "m2")
            await socket.send(type="stop", session_id=stuck["session_id"])
            return text, await socket.end_of(stuck["run_id"])
    text, last = run(talk())
    assert text == "quick" and last["stopped"] is True


def test_every_socket_of_a_user_sees_the_same_and_nobody_else_does(daemon):
    _, cookie = daemon.user("Somebody else")

    async def talk():
        async with daemon.connect() as one, daemon.connect() as two, \
                daemon.connect(cookie) as stranger:
            accepted, last, _ = await one.answer("hi", "m1")
            await two.end_of(accepted["run_id"])
            with pytest.raises(asyncio.TimeoutError):
                await stranger.next(0.3)
            return one.frames, two.frames
    one, two = run(talk())
    assert one == two


# --- coming back


def test_a_resume_replays_exactly_what_was_missed_wherever_it_was_cut(daemon, provider):
    provider.script(text="A bär, a 熊 and a 🐻 walk into it. " * 3, piece=5)

    async def talk():
        async with daemon.connect() as socket:
            accepted, _, text = await socket.answer("hi", "m1")
            whole = [f for f in socket.frames if f["type"] != "accepted"]
        session, results = accepted["session_id"], []
        for cut in range(len(whole) + 1):
            after = whole[cut - 1]["seq"] if cut else 0
            async with daemon.connect() as later:
                await later.send(type="resume", session_id=session, after=after)
                # The answer to a frame that cannot be taken marks the end of the replay.
                await later.send(type="nonsense")
                await later.until(lambda f: f["type"] == "error")
                results.append((cut, later.frames[:-1]))
        return whole, text, results
    whole, text, results = run(talk())
    assert results[-1][1] == []
    for cut, rest in results:
        seen = whole[:cut] + rest
        assert nexflow.text_of(seen, whole[0]["run_id"]) == text
        positions = [f["seq"] for f in seen]
        assert positions == sorted(set(positions)), "something came twice"
        assert seen[-1] == whole[-1]


def test_a_resume_in_the_middle_of_a_run_goes_on_live(daemon, provider):
    provider.script(text="abcdefghijklmnopqrstuvwxyz", piece=1, delay=0.02)

    async def talk():
        async with daemon.connect() as first:
            accepted = await first.say("hi", "m1")
            await first.until(lambda f: f["type"] == "TEXT_MESSAGE_CONTENT" and "e" in f["delta"])
            frames = [f for f in first.frames if f["type"] != "accepted"]
        async with daemon.connect() as second:
            await second.send(type="resume", session_id=accepted["session_id"],
                              after=frames[-1]["seq"])
            await second.end_of(accepted["run_id"])
            return frames + second.frames, accepted
    frames, accepted = run(talk())
    assert nexflow.text_of(frames, accepted["run_id"]) == "abcdefghijklmnopqrstuvwxyz"
    positions = [f["seq"] for f in frames]
    assert positions == sorted(set(positions))


def test_a_resume_after_a_restart_gives_the_rest(daemon, provider):
    provider.script(text="before and after the restart", piece=4, delay=0.02)

    async def until_cut():
        async with daemon.connect() as socket:
            accepted = await socket.say("hi", "m1")
            await socket.until(lambda f: f["type"] == "TEXT_MESSAGE_CONTENT")
            return accepted, [f for f in socket.frames if f["type"] != "accepted"]
    accepted, frames = run(until_cut())
    daemon.kill()
    daemon.start()

    async def rest():
        async with daemon.connect() as socket:
            await socket.send(type="resume", session_id=accepted["session_id"],
                              after=frames[-1]["seq"])
            await socket.end_of(accepted["run_id"])
            return socket.frames
    after = run(rest())
    assert after[0]["type"] == "RUN_STARTED", "the attempt that was cut off is void"
    assert nexflow.text_of(frames + after, accepted["run_id"]) == "before and after the restart"
    assert len(daemon.messages(accepted["session_id"])) == 2


def test_a_resume_of_a_strangers_session_is_refused(daemon):
    _, cookie = daemon.user("Stranger")

    async def talk():
        async with daemon.connect() as owner, daemon.connect(cookie) as stranger:
            accepted, _, _ = await owner.answer("secret", "m1")
            answers = []
            for frame in ({"type": "resume", "after": 0}, {"type": "stop"},
                          {"type": "user_message", "message_id": "x", "content": "hi"}):
                await stranger.send(session_id=accepted["session_id"], **frame)
                answers.append(await stranger.next())
            return accepted, answers
    accepted, answers = run(talk())
    assert [a["code"] for a in answers] == ["not-found"] * 3
    assert len(daemon.messages(accepted["session_id"])) == 2


# --- stopping


def test_stop_ends_a_running_turn_and_keeps_what_was_said(daemon, provider):
    provider.script(text="word " * 10000, delay=0.01)

    async def talk(message_id):
        async with daemon.connect() as socket:
            accepted = await socket.say("hi", message_id)
            await socket.until(lambda f: f["type"] == "TEXT_MESSAGE_CONTENT")
            begun = time.monotonic()
            await socket.send(type="stop", session_id=accepted["session_id"])
            last = await socket.end_of(accepted["run_id"])
            return accepted, last, time.monotonic() - begun, nexflow.text_of(
                socket.frames, accepted["run_id"])

    def once(i):
        accepted, last, took, text = run(talk(f"m{i}"))
        assert last["type"] == "RUN_FINISHED" and last["stopped"] is True
        kept = daemon.messages(accepted["session_id"])
        assert kept[1]["content"] == text and text.startswith("word")
        assert daemon.get(f"/api/v1/tasks/{accepted['run_id']}")[1]["status"] == "cancelled"
        return took
    assert nexflow.quickest(once, 1) < 1


def test_stop_cancels_a_turn_that_waits(daemon, provider):
    provider.script(hang="first")

    async def talk():
        async with daemon.connect() as socket:
            running = await socket.say("one", "m1")
            waiting = await socket.say("two", "m2", running["session_id"])
            status, _ = daemon.post(f"/api/v1/tasks/{waiting['run_id']}/cancel")
            assert status == 200
            cancelled = await socket.until(lambda f: f["type"] == "cancelled")
            await socket.send(type="stop", session_id=running["session_id"])
            await socket.end_of(running["run_id"])
            return waiting, cancelled
    waiting, cancelled = run(talk())
    assert cancelled["run_id"] == waiting["run_id"]
    assert daemon.get(f"/api/v1/tasks/{waiting['run_id']}")[1]["status"] == "cancelled"


# --- what goes wrong


@pytest.mark.parametrize("script, words", [
    ({"status": 401}, "key"),
    ({"status": 400, "message": "no such parameter"}, "no such parameter"),
    ({"cut": 200}, "fake/m"),
    ({"text": "half an answer and then nothing", "error_after": 2}, "fake/m"),
    ({"raw": "this is no stream\n"}, "fake/m"),
    ({"omit_end": True, "text": "never ended"}, "fake/m"),
])
def test_a_failed_turn_ends_in_a_notice_that_names_the_model(daemon, provider, script, words):
    provider.script(**script)

    async def talk():
        async with daemon.connect() as socket:
            accepted = await socket.say("hi", "m1")
            return accepted, await socket.end_of(accepted["run_id"])
    accepted, last = run(talk())
    assert last["type"] == "RUN_ERROR"
    assert words in last["message"]
    kept = daemon.messages(accepted["session_id"])
    assert kept[-1]["role"] == "notice" and kept[-1]["content"] == last["message"]
    task = daemon.get(f"/api/v1/tasks/{accepted['run_id']}")[1]
    assert task["status"] == "failed"
    # Which way to fail it was, wherever it is told.
    assert last["code"] and last["values"][0] == "fake/m"
    for code, values in ((kept[-1]["code"], kept[-1]["values"]),
                         (task["reason_code"], task["reason_values"]),
                         (task["changes"][-1]["reason_code"], task["changes"][-1]["reason_values"])):
        assert (code, values) == (last["code"], last["values"])


def test_tool_calls_of_a_model_are_answered_journalled_and_shown(daemon, provider):
    provider.script(tools=[{"name": "clock", "args": {"zone": "UTC"}, "id": "call_1"}],
                    text="I could not look.")

    async def talk():
        async with daemon.connect() as socket:
            accepted, last, text = await socket.answer("what time is it?", "m1")
            return socket.frames, accepted, last, text
    frames, accepted, last, text = run(talk())
    types = [f["type"] for f in frames if f["type"].startswith("TOOL")]
    assert types == ["TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END", "TOOL_CALL_RESULT"]
    result = next(f for f in frames if f["type"] == "TOOL_CALL_RESULT")
    assert "there is no tool clock" in result["content"]
    assert last["type"] == "RUN_FINISHED" and "could not look" in text
    steps = daemon.get(f"/api/v1/tasks/{accepted['run_id']}")[1]["steps"]
    assert [(s["kind"], s["status"]) for s in steps] == [
        ("model", "completed"), ("tool", "failed"), ("model", "completed")]


BAD_FRAMES = [
    ("not json", "invalid"),
    ("[]", "invalid"),
    ("{}", "invalid"),
    ('{"type":"nonsense"}', "invalid"),
    ('{"type":"user_message"}', "invalid"),
    ('{"type":"user_message","message_id":"a b","content":"hi"}', "invalid"),
    ('{"type":"user_message","message_id":"x"}', "invalid"),
    ('{"type":"user_message","message_id":"x","content":""}', "invalid"),
    ('{"type":"user_message","message_id":"x","content":"  \\n "}', "invalid"),
    ('{"type":"user_message","message_id":"x","content":7}', "invalid"),
    ('{"type":"user_message","message_id":"x","content":"a\\u0000b"}', "invalid"),
    ('{"type":"user_message","message_id":"x","session_id":"nope","content":"hi"}', "invalid"),
    ('{"type":"user_message","message_id":"x","session_id":"0000000000001","content":"hi"}',
     "not-found"),
    ('{"type":"user_message","message_id":"' + "x" * 65 + '","content":"hi"}', "limit"),
    ('{"type":"user_message","message_id":"x","content":"' + "y" * 262145 + '"}', "limit"),
    ('{"type":"resume","session_id":"0000000000001","after":-1}', "limit"),
    ('{"type":"resume"}', "invalid"),
    ('{"type":"stop"}', "invalid"),
    ("[" * 1000 + "]" * 1000, "limit"),
]


def test_a_bad_frame_is_answered_and_the_socket_goes_on(daemon):
    async def talk():
        async with daemon.connect() as socket:
            codes = []
            for text, _ in BAD_FRAMES:
                await socket.ws.send(text)
                answer = await socket.next()
                assert answer["type"] == "error" and answer["message"], text[:80]
                codes.append(answer["code"])
            await socket.ws.send(b"binary")
            assert (await socket.next())["code"] == "invalid"
            _, _, text = await socket.answer("still there?", "m1")
            return codes, text
    codes, text = run(talk())
    assert codes == [code for _, code in BAD_FRAMES]
    assert text == "echo: still there?"


def test_a_message_of_the_greatest_length_is_taken(daemon, provider):
    provider.script(text="long")

    async def talk():
        async with daemon.connect() as socket:
            return await socket.answer("z" * 262144, "m1")
    accepted, _, text = run(talk())
    assert text == "long"
    assert len(daemon.messages(accepted["session_id"])[0]["content"]) == 262144


def test_a_session_queues_32_turns_and_says_so_at_the_33rd(daemon, provider):
    provider.script(hang="first")

    async def talk():
        async with daemon.connect() as socket:
            first = await socket.say("q", "m0")
            answers = [await socket.say("q", f"m{i}", first["session_id"]) for i in range(1, 33)]
            return answers
    answers = run(talk())
    assert [a["type"] for a in answers[:31]] == ["accepted"] * 31
    assert answers[31]["type"] == "error" and answers[31]["code"] == "limit"
    assert "32" in answers[31]["message"]


# --- who may


def test_models_are_listed_by_name_and_in_pages(tmp_path, provider):
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml(models="[alpha, beta, Gamma]"),
                            config="  aliases: [{name: gamut, models: [fake/beta]}]\n").start()

    def listed(query=""):
        status, page = daemon.get(f"/api/v1/models{query}")
        assert status == 200, page
        return ([m["name"].split("/")[1] for m in page["models"]], page["next_cursor"],
                [a["name"] for a in page["aliases"]])

    try:
        assert listed() == (["alpha", "beta", "Gamma"], None, ["gamut"])
        assert listed("?q=gam") == (["Gamma"], None, ["gamut"])
        assert listed("?limit=2") == (["alpha", "beta"], "fake/beta", ["gamut"])
        assert listed("?limit=2&cursor=fake/beta")[:2] == (["Gamma"], None)
        assert listed("?limit=3")[1] is None
        assert listed("?limit=1&q=ET") == (["beta"], None, [])
        assert listed("?cursor=fake/gone")[0] == []
        for wrong in ("limit=0", "limit=201", "q=" + "x" * 129):
            assert daemon.get(f"/api/v1/models?{wrong}")[0] == 400
    finally:
        assert daemon.stop() == 0


def test_users_are_listed_by_name_role_and_status(daemon):
    anna = daemon.post("/api/v1/users", {"name": "Анна Petrova", "role": "user"})[1]
    root = daemon.post("/api/v1/users", {"name": "Root", "role": "admin"})[1]
    assert daemon.request("PATCH", f"/api/v1/users/{anna['id']}", {"status": "blocked"})[0] == 200
    owner = daemon.get("/api/v1/users/me")[1]

    def listed(**asked):
        status, page = daemon.get("/api/v1/users?" + urllib.parse.urlencode(asked))
        assert status == 200, page
        return [user["id"] for user in page["users"]], page["next_cursor"]

    assert listed(q="анна p") == ([anna["id"]], None)
    assert listed(status="blocked") == ([anna["id"]], None)
    assert listed(status="active", role="admin") == ([root["id"]], None)
    assert listed(q="anna") == ([], None)
    first, cursor = listed(status="active", limit=1)
    assert first == [owner["id"]]
    assert listed(status="active", limit=1, cursor=cursor)[0] == [root["id"]]
    for wrong in ("role=king", "status=asleep", "q=" + "x" * 65, "limit=0"):
        status, answer = daemon.get(f"/api/v1/users?{wrong}")
        assert status == 400 and wrong.split("=")[0] in answer["error"]["message"], answer
    status, answer = daemon.get("/api/v1/pairings?status=lost")
    assert status == 400 and "open or denied" in answer["error"]["message"]
    assert daemon.get("/api/v1/pairings?status=open")[0] == 200


def test_a_turn_ends_with_a_notice_when_its_time_is_up(tmp_path, provider):
    provider.script(hang="mid", text="a few words and then silence")
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml(),
                            config="turns: {timeout: 1s}\n").start()

    async def talk():
        async with daemon.connect() as socket:
            begun = time.monotonic()
            accepted = await socket.say("hi", "m1")
            last = await socket.end_of(accepted["run_id"])
            return accepted, last, time.monotonic() - begun
    accepted, last, took = run(talk())
    assert last["type"] == "RUN_ERROR" and last["message"]
    assert took > 0.9
    assert [m["role"] for m in daemon.messages(accepted["session_id"])][-1] == "notice"
    assert daemon.get(f"/api/v1/sessions/{accepted['session_id']}")[1]["pending"] == 0
    assert daemon.stop() == 0
