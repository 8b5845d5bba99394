"""What the suites about Telegram share: a daemon and its Telegram (tests/fakes/telegram)."""
import json

import pytest

import nexflow
import telegram

JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 60


def config(*bots):
    return "channels:\n  telegram:\n" + "".join(f"    - {b}\n" for b in bots)


class Pair:
    """A daemon and its Telegram."""

    def __init__(self, directory, provider, fake, bots=None, more=""):
        self.telegram, self.provider = fake, provider
        self.daemon = nexflow.Daemon(directory, config(*(bots or [bot(fake)])) + more, provider=provider.yaml())

    def start(self):
        self.daemon.start()
        self.daemon.wait_until(lambda: self.telegram.stats()["counts"].get("getupdates", 0)
                               or self.telegram.stats()["counts"].get("getwebhookinfo", 0))
        return self

    def end(self):
        """Stop, and what must hold in every test."""
        stats = self.telegram.stats()
        status = self.daemon.stop()
        log = self.daemon.log()
        assert stats["violations"] == [], stats["violations"][:5]
        assert self.telegram.token.split(":")[1] not in log, "the token is in the log"
        assert status == 0, log[-3000:]


def bot(fake, **more):
    keys = {"accounts": "[\"1001\", \"1002\", \"1003\", \"5\"]", "poll_timeout": "2s", **more}
    return fake.yaml(**keys)


@pytest.fixture(name="fake")
def _fake():
    server = telegram.Telegram("--local")
    yield server
    server.stop()


@pytest.fixture(name="pair")
def _pair(tmp_path, provider, fake):
    both = Pair(tmp_path, provider, fake).start()
    yield both
    both.end()


def texts_ever(fake, chat=1001):
    """Every text that a message of the bot ever showed."""
    return [t for m in fake.messages(chat) for t in m["texts"]]


def body_of(call):
    return json.loads(call["body"])


def mention(text):
    return [{"type": "mention", "offset": text.index("@"), "length": len("@nexflow_test_bot")}]


def running(pair):
    return pair.daemon.get("/health")[1]["turns_running"]


def channel(pair):
    return pair.daemon.get("/health")[1]["channels"][0]


def barrier(pair, chat=1003):
    """What was said before is taken in by now, and shown as far as it is shown: chats are served in
    their order, and this is another one's newest message."""
    fake = pair.telegram
    fake.until(lambda: fake.stats()["pending"][fake.token] == 0, what="confirmed")
    fake.say("barrier", chat=chat)
    fake.answer("barrier", chat=chat)
