"""kill -9 at random points under load: no accepted message without an outcome, no reply twice.

NF_KILLS and NF_MESSAGES set the size. The points are drawn from a seed that is printed; NF_SEED
repeats a run's choices.
"""
import asyncio
import collections
import os
import random
import subprocess
import time

import pytest
import websockets

import nexflow

KILLS = int(os.environ.get("NF_KILLS", "200"))
MESSAGES = int(os.environ.get("NF_MESSAGES", "2000"))
SESSIONS = 8
SEED = int(os.environ.get("NF_SEED", str(random.randrange(1 << 30))))
END_S = 180

FINAL = ("completed", "failed", "cancelled")


@pytest.fixture
def provider():
    """A model that answers at once, so that kills fall on our own steps."""
    with subprocess.Popen([nexflow.BIN / "instant_model", "--deltas", "4"],
                          stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().split()[1]
        process.kill()


class Person:
    """Sends messages one by one. What is not known to be accepted is sent again with the same id."""

    def __init__(self, daemon, number):
        self.daemon = daemon
        self.number = number
        self.session = None
        self.sent = 0
        self.accepted = {}  # message_id -> run_id
        self.waiting = None  # run_id whose end is awaited

    async def talk(self, total, world):
        while self.sent < total:
            try:
                async with self.daemon.connect() as socket:
                    await self.converse(socket, total, world)
            except (OSError, websockets.WebSocketException, asyncio.TimeoutError):
                await asyncio.sleep(0.01)

    async def converse(self, socket, total, world):
        if self.session:
            await socket.send(type="resume", session_id=self.session, after=0)
        while self.sent < total:
            message_id = f"m{self.number}-{self.sent}"
            accepted = await socket.say(f"question {message_id}", message_id, self.session)
            assert accepted["type"] == "accepted", accepted
            known = self.accepted.setdefault(message_id, accepted["run_id"])
            assert known == accepted["run_id"], "one message, two runs"
            self.session = accepted["session_id"]
            # Half of the time do not wait for the answer: then turns queue up.
            if world.rng.random() < 0.5:
                await socket.end_of(accepted["run_id"], 5)
            self.sent += 1
            world.sent += 1


class World:
    def __init__(self, daemon):
        self.daemon = daemon
        self.rng = random.Random(SEED)
        self.sent = 0
        self.kills = 0

    async def killer(self):
        """A kill after so many more messages, and a moment in which anything may be under way."""
        while self.kills < KILLS:
            target = MESSAGES * (self.kills + 1) // (KILLS + 1)
            while self.sent < target:
                await asyncio.sleep(0.001)
            await asyncio.sleep(self.rng.random() * 0.01)
            self.daemon.kill()
            self.kills += 1
            self.daemon.start(wait=False)
            # Sometimes again while it recovers.
            if self.kills < KILLS and self.rng.random() < 0.2:
                await asyncio.sleep(self.rng.random() * 0.1)
                self.daemon.kill()
                self.kills += 1
                self.daemon.start(wait=False)

    async def run(self):
        people = [Person(self.daemon, i) for i in range(SESSIONS)]
        each = MESSAGES // SESSIONS
        await asyncio.gather(self.killer(), *(p.talk(each, self) for p in people))
        return people


def unfinished(daemon):
    return [t for status in ("pending", "running")
            for t in daemon.get(f"/api/v1/tasks?status={status}")[1]["tasks"]]


def test_no_accepted_message_is_lost_and_none_is_answered_twice(tmp_path, provider):
    daemon = nexflow.Daemon(
        tmp_path, provider=f'{{name: fake, type: custom, base_url: "http://127.0.0.1:{provider}/v1",'
        ' models: [m]}',
        config="limits: {messages_per_minute: 1000000, requests_per_minute: 1000000}\n"
               "log: {level: warn}\n").start()
    print(f"seed {SEED}")
    try:
        world = World(daemon)
        begun = time.monotonic()
        people = asyncio.run(world.run())
        daemon.wait_until(lambda: daemon.get("/health")[0] == 200)
        daemon.wait_until(lambda: not unfinished(daemon), END_S)
        print(f"{world.kills} kills, {world.sent} messages, {time.monotonic() - begun:.0f} s")

        assert world.kills >= KILLS
        for person in people:
            check(daemon, person)
    finally:
        assert daemon.stop() == 0


def check(daemon, person):
    assert len(person.accepted) == MESSAGES // SESSIONS
    messages = daemon.messages(person.session)
    said = collections.Counter(m["message_id"] for m in messages if m["role"] == "user")
    replies = collections.Counter(m["run_id"] for m in messages
                                  if m["role"] in ("assistant", "notice"))

    assert said == collections.Counter(person.accepted.keys()), "a message is missing or there twice"
    for message_id, run_id in person.accepted.items():
        assert replies[run_id] == 1, f"{message_id}: {replies[run_id]} replies"
    assert sum(replies.values()) == len(person.accepted), "a reply to nothing"
    order = [m["run_id"] for m in messages if m["role"] in ("assistant", "notice")]
    asked = [m["run_id"] for m in messages if m["role"] == "user"]
    assert order == asked, "answered in another order"
