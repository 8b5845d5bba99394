"""Limits under load: people take turns, so many wait, who is refused is told, and memory is bounded."""
import asyncio
import datetime
import time

import pytest

import nexflow
import telegram

LIMITS = ("limits: {messages_per_minute: 1000000, requests_per_minute: 1000000}\n"
          "log: {level: warn}\n")
# What a sanitizer keeps of what was freed is no memory of ours.
FRUGAL = {"ASAN_OPTIONS": "quarantine_size_mb=1:thread_local_quarantine_size_kb=64"}
FLOOD = 32
SECONDS = 200  # for what is waited for on a busy machine


def config(**turns):
    keys = {"max": 2, "lease": "30s", "shutdown_grace": "100ms", **turns}
    return "turns: {" + ", ".join(f"{k}: {v}" for k, v in keys.items()) + "}\n" + LIMITS


@pytest.fixture(name="start")
def _start(tmp_path, provider):
    started = []

    def start(instances=1, more="", **turns):
        database = nexflow.server().create(f"f{time.monotonic_ns()}") if instances > 1 else None
        daemons = [nexflow.Daemon(tmp_path / str(i), config(**turns) + more, provider.yaml(),
                                  database=database, env=FRUGAL).start()
                   for i in range(instances)]
        started.extend(daemons)
        return daemons if instances > 1 else daemons[0]
    yield start
    for daemon in started:
        assert daemon.stop() == 0, daemon.log()[-2000:]


def write(daemon, n, prefix="f"):
    """`n` messages of the owner, each beginning a conversation: what became of them."""
    return [daemon.post("/api/v1/messages", {"content": "hello", "message_id": f"{prefix}{i}"})
            for i in range(n)]


def tasks(daemon):
    """All turns of the owner."""
    found, cursor = [], ""
    while cursor is not None:
        _, page = daemon.get("/api/v1/tasks?limit=200" + (f"&cursor={cursor}" if cursor else ""))
        found += page["tasks"]
        cursor = page["next_cursor"]
    return found


def seconds_of(at):
    return datetime.datetime.fromisoformat(at).timestamp()


def metric(daemon, name):
    lines = daemon.get("/metrics")[1].splitlines()
    return sum(float(l.rsplit(" ", 1)[1]) for l in lines if l.split("{")[0].split(" ")[0] == name)


def turn_of(daemon, cookie, run):
    return daemon.get(f"/api/v1/tasks/{run}", token=None,
                      headers={"Cookie": f"nexflow_session={cookie}"})[1]


def begun_between(daemon, mine):
    """How many turns of the owner's began while that of somebody else waited."""
    return [t for t in tasks(daemon) if t["started_at"]
            and mine["created_at"] < t["started_at"] < mine["started_at"]]


@pytest.mark.parametrize("instances", [1, 2])
def test_a_flood_delays_nobody_elses_message_by_more_than_a_turn_or_two(start, provider, instances):
    spoken = {"text": "one two three", "delay": 0.02}
    provider.scripts({**spoken, "hang": "first", "times": 2 * instances}, spoken)
    daemons = start(instances)
    first = daemons[0] if instances > 1 else daemons
    _, cookie = first.user("Bob")
    assert all(status == 202 for status, _ in write(first, FLOOD))
    first.wait_until(lambda: len(provider.log()) == 2 * instances)  # all places are taken

    async def scene():
        async with first.connect(cookie) as bob:
            run = (await bob.say("and me?", "b1"))["run_id"]
            await asyncio.to_thread(provider.release)
            assert (await bob.end_of(run))["type"] == "RUN_FINISHED"
            assert nexflow.text_of(bob.frames, run) == "one two three"
            return run

    bobs = turn_of(first, cookie, asyncio.run(scene()))
    assert len(begun_between(first, bobs)) <= 4 * instances
    first.wait_until(lambda: all(t["started_at"] for t in tasks(first)), SECONDS)
    assert len([t for t in tasks(first) if t["started_at"] > bobs["started_at"]]) > FLOOD // 4, "the flood waited"
    first.wait_until(lambda: all(t["status"] == "completed" for t in tasks(first)), SECONDS)
    assert all(t["attempt"] == 1 for t in tasks(first))


def test_a_long_queue_of_one_conversation_lets_others_in_between(start, provider):
    provider.script(text="one two three", delay=0.02)
    daemon = start(max=1)
    _, cookie = daemon.user("Bob")
    _, accepted = daemon.post("/api/v1/messages", {"content": "hello", "message_id": "m0"})
    for i in range(1, 10):
        assert daemon.post("/api/v1/messages", {"content": "hello", "message_id": f"m{i}",
                                                "session_id": accepted["session_id"]})[0] == 202

    async def scene():
        async with daemon.connect(cookie) as bob:
            return (await bob.answer("and me?", "b1"))[0]["run_id"]

    bobs = turn_of(daemon, cookie, asyncio.run(scene()))
    assert len(begun_between(daemon, bobs)) <= 2
    daemon.wait_until(lambda: all(t["status"] == "completed" for t in tasks(daemon)), SECONDS)
    order = [t["id"] for t in sorted(tasks(daemon), key=lambda t: t["started_at"])]
    assert order == sorted(order), "the conversation's own order"


def test_places_that_are_free_are_filled_at_once(start, provider):
    """Not once a second: many short turns on two places."""
    provider.script(text="yes")
    daemon = start()
    write(daemon, FLOOD)
    daemon.wait_until(lambda: all(t["status"] == "completed" for t in tasks(daemon)), SECONDS)
    starts = sorted(seconds_of(t["started_at"]) for t in tasks(daemon))
    ends = sorted(seconds_of(t["ended_at"]) for t in tasks(daemon))
    empty = sorted(begins - max(e for e in ends if e <= begins) for begins in starts[4:] if ends[0] <= begins)
    assert empty[len(empty) // 4] < 0.5, empty  # the quicker ones, whatever else the machine does
    assert metric(daemon, "nexflow_turns_running") == 0


def test_so_many_of_one_person_wait_and_the_next_is_told(start, provider):
    provider.script(text="yes", delay=30)
    daemon = start(waiting_per_user=5)
    _, cookie = daemon.user("Bob")
    outcomes = write(daemon, 9)
    assert [s for s, _ in outcomes] == [202] * 7 + [429] * 2, "two run, five wait"
    assert "5 of your messages wait" in outcomes[7][1]["error"]["message"]
    assert daemon.post("/api/v1/messages", {"content": "hello", "message_id": "f3"})[0] == 202
    assert metric(daemon, "nexflow_messages_refused") == 2

    async def scene():
        async with daemon.connect() as owner, daemon.connect(cookie) as bob:
            refused = await owner.say("hello", "w1")
            return refused, await bob.say("hello", "b1")

    refused, taken = asyncio.run(scene())
    assert refused["type"] == "error" and refused["code"] == "limit"
    assert "let some be answered first" in refused["message"]
    assert taken["type"] == "accepted"


def test_when_all_places_to_wait_are_taken_everybody_is_told_on_every_channel(start, provider):
    provider.script(text="yes", delay=30)
    net = telegram.Telegram()
    bot = net.yaml(poll_timeout="1s", accounts='["1001"]')
    daemon = start(waiting=4, more=f"channels:\n  telegram:\n    - {bot}\n")
    outcomes = write(daemon, 7)
    assert [s for s, _ in outcomes] == [202] * 6 + [429]
    assert "4 messages wait" in outcomes[6][1]["error"]["message"]
    net.say("hello")
    net.answer("4 messages wait")

    async def scene():
        async with daemon.connect() as owner:
            return await owner.say("hello", "w1")

    assert asyncio.run(scene())["code"] == "limit"
    net.stop()


def test_memory_does_not_grow_with_what_waits(start, provider):
    provider.script(text="yes", delay=30)
    daemon = start(waiting_per_user=100000)
    body = "x" * 100000

    def resident():
        with open(f"/proc/{daemon.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096

    def write_long(n, prefix):
        for i in range(n):
            assert daemon.post("/api/v1/messages", {"content": body,
                                                    "message_id": f"{prefix}{i}"})[0] == 202

    write_long(100, "a")
    before = resident()
    write_long(200, "b")
    assert metric(daemon, "nexflow_fibers") < 60
    assert resident() - before < 200 * len(body) // 3
