"""kill -9 at random points while people write over a Telegram that fails: nothing that was accepted
is lost, no turn runs twice, a reply is shown once, and sends with an unknown end are counted.

A turn that was cut off ten times is given up, and the person is told so: on a machine so slow that
this happens those notices count as what they are, an outcome.

NF_MESSAGES, NF_CHATS and NF_KILLS set the size (script/crash-channels takes the large one). The
points are drawn from a seed that is printed; NF_SEED repeats a run's choices.
"""
import os
import random
import time

import pytest

import nexflow
import telegram

MESSAGES = int(os.environ.get("NF_MESSAGES", "400"))
CHATS = int(os.environ.get("NF_CHATS", "20"))
KILLS = int(os.environ.get("NF_KILLS", "8"))
SEED = int(os.environ.get("NF_SEED", str(random.randrange(1 << 30))))
END_S = 900
FIRST_CHAT = 5000

# Of these the daemon cannot know what became of the call.
UNKNOWN = [{"kind": kind, "method": "sendMessage", "times": -1, "chance": 0.01}
           for kind in ("500-after", "cut-after")]
OTHERS = [{"kind": kind, "method": method, "times": -1, "chance": chance, **more}
          for method, kind, chance, more in (
              ("sendMessage", "429", 0.005, {"retry_after": 1}),
              ("editMessageText", "429", 0.005, {"retry_after": 1}),
              ("editMessageText", "500-after", 0.01, {}), ("editMessageText", "cut-after", 0.01, {}),
              ("editMessageText", "cut", 0.01, {}), ("editMessageText", "500", 0.01, {}),
              ("getUpdates", "cut", 0.02, {}), ("getUpdates", "500-after", 0.02, {}))]


def ambiguous(daemon):
    """What the daemon counted since its start."""
    lines = daemon.request("GET", "/metrics")[2].splitlines()
    return sum(int(float(l.split()[-1])) for l in lines if l.startswith("nexflow_chat_ambiguous_total"))


def injected(fake):
    return sum(n for k, n in fake.stats()["injected"].items()
               if k in ("sendMessage/500-after", "sendMessage/cut-after"))


class Lives:
    """The daemon, again and again, and what it counted in all of them."""

    def __init__(self, daemon, fake, dice):
        self.daemon, self.fake, self.dice = daemon, fake, dice
        self.counted = 0
        self.mismatches = []

    def run(self):
        """One life under faults, which ends with a kill in the middle of whatever goes on."""
        before = injected(self.fake)
        done = self.answered()
        self.fake.call("fault", UNKNOWN + OTHERS)
        self.daemon.start()
        time.sleep(self.dice.uniform(0.05, 1.0))
        end = time.monotonic() + 5
        while self.answered() < done + CHATS / 4 and time.monotonic() < end:
            time.sleep(0.05)  # a life in which nothing gets done proves nothing
        self.fake.call("calm")
        self.settle(before)
        self.fake.call("fault", OTHERS)
        time.sleep(self.dice.uniform(0, 0.4))
        self.daemon.kill()
        self.fake.call("calm")

    def answered(self):
        return self.fake.stats()["counts"].get("editmessagetext", 0)

    def settle(self, before):
        """Those sends whose end is unknown are counted by now, or soon."""
        end = time.monotonic() + nexflow.WAIT_S
        while True:
            want, got = injected(self.fake) - before, ambiguous(self.daemon)
            if want == got or time.monotonic() > end:
                break
            time.sleep(0.02)
        self.counted += got
        if want != got:
            self.mismatches.append((want, got))


def say_some(fake, dice, numbers):
    fake.call("say", [{"chat": FIRST_CHAT + i % CHATS, "from": FIRST_CHAT + i % CHATS, "text": f"m{i}.",
                       "duplicates": int(dice.random() < 0.02)} for i in numbers])


def shown(fake):
    """{number of the message: ids of messages that ever showed its answer}, turns that were given up, and
    what else is visible."""
    answers, given_up, rest = {}, 0, []
    for chat in fake.state()["chats"].values():
        for m in chat["messages"]:
            if not m["from"]["is_bot"]:
                continue
            said = {t for t in m["texts"] if t.startswith("echo: m") and t.endswith(".")}
            for text in said:
                answers.setdefault(int(text[7:-1]), []).append((m["message_id"], bool(m.get("deleted"))))
            if any("was cut off" in t for t in m["texts"]):
                given_up += 1
            elif not said and not m.get("deleted"):
                rest.append(m["text"])
    return answers, given_up, rest


def outcomes(fake):
    answers, given_up, _ = shown(fake)
    return len(answers) + given_up


@pytest.fixture(name="fake")
def _fake():
    server = telegram.Telegram("--no-limits", "--log", "0", "--seed", str(SEED), "--duplicates", "0.02")
    yield server
    server.stop()


def test_nothing_is_lost_and_nothing_twice(tmp_path, provider, fake):
    print(f"seed {SEED}, {MESSAGES} messages, {CHATS} chats, {KILLS} kills")
    dice = random.Random(SEED)
    accounts = ", ".join(f'"{FIRST_CHAT + i}"' for i in range(CHATS))
    bot = fake.yaml(accounts=f"[{accounts}]", poll_timeout="1s", messages_per_second=10000,
                    messages_per_minute=60000)
    daemon = nexflow.Daemon(tmp_path, f"channels:\n  telegram:\n    - {bot}\n", provider=provider.yaml())
    lives = Lives(daemon, fake, dice)
    for life in range(KILLS):
        say_some(fake, dice, range(MESSAGES * life // KILLS, MESSAGES * (life + 1) // KILLS))
        lives.run()
    daemon.start()
    began = time.monotonic()
    while outcomes(fake) < MESSAGES and time.monotonic() < began + END_S:
        assert daemon.process.poll() is None, daemon.log()[-3000:]
        time.sleep(0.5 + MESSAGES / 5000)
    time.sleep(2)

    answers, given_up, rest = shown(fake)
    stats = fake.stats()
    assert stats["violations"] == []
    assert len(answers) + given_up == MESSAGES, sorted(set(range(MESSAGES)) - set(answers))[:20]
    assert set(answers) <= set(range(MESSAGES))
    twice = {n: ids for n, ids in answers.items() if len(ids) > 1}
    assert not twice, list(twice.items())[:5]
    assert not any(deleted for ids in answers.values() for _, deleted in ids)
    assert lives.mismatches == []
    assert daemon.stop() == 0, daemon.log()[-3000:]
    assert daemon.rows("SELECT count(*), count(DISTINCT client_id) FROM inbox WHERE source LIKE 'telegram:%'") \
        == [(str(MESSAGES), str(MESSAGES))]
    assert daemon.rows("SELECT count(*), count(DISTINCT seq || '.' || session_id) FROM tasks WHERE kind=1") \
        == [(str(MESSAGES), str(MESSAGES))]
    assert daemon.rows("SELECT count(*) FROM tasks WHERE kind=1 AND status<>4") == [(str(given_up),)]
    print(f"injected {stats['injected']}; unknown ends {lives.counted}; placeholders left {len(rest)}; "
          f"given up after ten kills {given_up}; calls {stats['counts']}")
