"""An instance that stood still past its lease goes on in the middle of whatever it did in a chat: another
one has brought the reply meanwhile. The person sees that reply, once, and nothing older over it."""
import signal
import time

import pytest

import nexflow
from telegram_pair import bot, config, _fake  # noqa: F401  (fixture)

CONFIG = "turns: {lease: 3s}\n"
LONG = " ".join(f"word{i}" for i in range(4000))  # more than is said in any test


class Two:
    """One that has a turn and stands still, and one that takes it over."""

    def __init__(self, directory, provider, fake):
        database = nexflow.server().create(f"stale{time.monotonic_ns()}")
        self.provider, self.telegram = provider, fake
        self.frozen, self.other = (
            nexflow.Daemon(directory / name, config(bot(fake)) + CONFIG, provider.yaml(), database=database)
            for name in ("frozen", "other"))
        self.frozen.start()
        self.frozen.wait_until(lambda: fake.stats()["counts"].get("getupdates", 0))

    def freeze(self):
        """... until the other one has said "taken over"."""
        self.provider.script(text="taken over")
        self.other.start()
        self.frozen.process.send_signal(signal.SIGSTOP)
        self.telegram.answer("taken over")
        # A session can be claimed a moment before its instance is given up; till then that one may go on.
        self.other.wait_until(lambda: self.other.events("instance.taken_over"))

    def thaw(self):
        self.frozen.process.send_signal(signal.SIGCONT)
        assert self.frozen.process.wait(nexflow.WAIT_S) == 1
        assert self.frozen.events("instance.lost")

    def end(self):
        for daemon in (self.frozen, self.other):
            if daemon.process and daemon.process.poll() is None:
                daemon.process.send_signal(signal.SIGCONT)
                daemon.stop()
        assert self.telegram.stats()["violations"] == []


@pytest.fixture(name="two")
def _two(tmp_path, provider, fake):
    both = Two(tmp_path, provider, fake)
    yield both
    both.end()


def held(fake, what):
    return lambda: fake.stats()["injected"].get(what)


def test_what_it_had_still_to_show_does_not_come_over_the_reply(two, provider, fake):
    provider.script(text=LONG, delay=0.3)
    fake.say("hello")
    fake.answer("word3")
    two.freeze()
    two.thaw()  # with more to show than it has shown
    assert fake.texts() == ["taken over"]
    texts = fake.messages()[0]["texts"]
    assert not any("word" in t for t in texts[texts.index("taken over"):]), texts


def test_an_edit_that_it_was_in_the_middle_of_does_not_stay_over_the_reply(two, provider, fake):
    provider.script(text=LONG, delay=0.3)
    fake.say("hello")
    fake.answer("word3")
    fake.fault("hold", method="editMessageText")
    fake.until(held(fake, "editMessageText/hold"), what="an edit under way")
    two.freeze()
    fake.call("release")
    fake.answer("word5")  # that is: the older text over the newer one
    two.thaw()
    fake.until(lambda: fake.texts() == ["taken over"], what="the reply again")


def test_a_placeholder_that_it_was_in_the_middle_of_does_not_become_a_second_reply(two, provider, fake):
    provider.script(text=LONG, delay=0.3)
    fake.fault("hold-after", method="sendMessage")
    fake.say("hello")
    fake.until(held(fake, "sendMessage/hold-after"), what="a placeholder under way")
    two.freeze()
    fake.call("release")
    two.thaw()
    fake.until(lambda: fake.texts() == ["taken over"], what="one reply and nothing else")
    assert not any("word" in t for m in fake.state(1001)["chats"]["1001"]["messages"] for t in m["texts"])
