"""kill -9 at random points while people write over a Discord that fails and forgets sessions: nothing is lost, no turn
runs twice, a reply is shown once, and each person's are in order. A turn that was cut off ten times is given up, and of
more than 32 messages of a person that wait the rest is not taken: on a slow machine that happens, and the person is told
so, which is an outcome, too.

NF_MESSAGES, NF_CHATS and NF_KILLS set the size (script/crash-channels takes the large one). The points are drawn from
a seed that is printed; NF_SEED repeats a run's choices.
"""
import os
import random
import time

import discord
import pytest

MESSAGES = int(os.environ.get("NF_MESSAGES", "60"))
PEOPLE = [str(7000 + i) for i in range(int(os.environ.get("NF_CHATS", "10")))]
KILLS = int(os.environ.get("NF_KILLS", "4"))
SEED = int(os.environ.get("NF_SEED", str(random.randrange(1 << 30))))
END_S = 900

CALLS = "(POST|PATCH) /channels/.*/messages"
FAULTS = ({"cut": "after"}, {"cut": "before"}, {"status": 502, "accept": True}, {"status": 500})
BREAKS = ({"close": 4000}, {"cut": True}, {"reconnect": True}, {"invalid": False}, {"forget": True})


def shown(fake):
    """{person's chat: numbers of the messages that were answered, in the order of the answers}; how many turns were
    given up, and how many messages were not taken"""
    answers, given_up, refused = {}, 0, 0
    for channel, messages in fake.call("/_messages").items():
        said = [m["content"] for m in messages if m["author"]["id"] == "1000"]
        answers[channel] = [int(t[7:-1]) for t in said if t.startswith("echo: m") and t.endswith(".")]
        given_up += sum("was cut off" in t for t in said)
        refused += sum("I did not take this message" in t for t in said)
    return answers, given_up, refused


def count(fake):
    answers, *told = shown(fake)
    return sum(map(len, answers.values())) + sum(told)


def live(pair, dice, numbers):
    """One life under faults, which ends with a kill in the middle of whatever goes on."""
    fake = pair.discord
    fake.call("/_say", [{"from": PEOPLE[i % len(PEOPLE)], "content": f"m{i}.", "duplicates": int(dice.random() < 0.02)}
                        for i in numbers])
    for fault in FAULTS:
        fake.fault(CALLS, times=dice.randrange(1, 4), **fault)
    before = count(fake)
    pair.daemon.start()
    time.sleep(dice.uniform(0.05, 1.0))
    end = time.monotonic() + 5
    while count(fake) < before + len(PEOPLE) / 4 and time.monotonic() < end:
        time.sleep(0.05)  # a life in which nothing gets done proves nothing
    if dice.random() < 0.5:
        fake.gateway(**dice.choice(BREAKS))
    time.sleep(dice.uniform(0, 0.4))
    pair.daemon.kill()
    fake.call("/_clear")
    if dice.random() < 0.3:
        fake.gateway(forget=True)


@pytest.fixture(name="fake")
def _fake():
    server = discord.Discord("--no-limits", "--log", "10")
    yield server
    server.stop()


def test_nothing_is_lost_and_nothing_twice(tmp_path, provider, fake):
    print(f"seed {SEED}, {MESSAGES} messages, {len(PEOPLE)} people, {KILLS} kills")
    dice = random.Random(SEED)
    pair = discord.Pair(tmp_path, provider, fake, accounts=PEOPLE, messages_per_minute=60000, requests_per_second=10000)
    for life in range(KILLS):
        live(pair, dice, range(MESSAGES * life // KILLS, MESSAGES * (life + 1) // KILLS))
    pair.daemon.start()
    began = time.monotonic()
    while count(fake) < MESSAGES and time.monotonic() < began + END_S:
        assert pair.daemon.process.poll() is None, pair.daemon.log()[-3000:]
        time.sleep(0.5 + MESSAGES / 5000)
    time.sleep(1)

    answers, given_up, refused = shown(fake)
    numbers = [n for one in answers.values() for n in one]
    assert len(numbers) == len(set(numbers)) == MESSAGES - given_up - refused, sorted(set(range(MESSAGES)) - set(numbers))[:20]
    assert all(one == sorted(one) for one in answers.values()), "out of order"
    gateway = fake.gateway()
    assert gateway["too_soon"] == 0 and len(gateway["identifies"]) <= KILLS + 1
    for rows, n in (("count(*), count(DISTINCT client_id) FROM inbox WHERE source LIKE 'discord:%'", MESSAGES),
                    ("count(*), count(DISTINCT seq || '.' || session_id) FROM tasks WHERE kind=1", MESSAGES - refused)):
        assert pair.daemon.rows("SELECT " + rows) == [(str(n), str(n))]
    print(f"given up after ten kills {given_up}, not taken {refused}, identifies {len(gateway['identifies'])}, resumes {gateway['resumes']}")
    pair.end()
