"""A Discord on loopback (tests/fakes/discord) as tests see it."""
import http.client
import json
import subprocess
import sys
import time

import conftest
import nexflow
import pytest

BASE = "/api/v10"
ANSWER_S = 3  # in which Discord wants an acknowledgement
ANNA, BORIS, STRANGER = "2001", "2002", "2999"
GENERAL = "501"


class Discord:
    """tests/fakes/discord/server.py, whose README says what can be asked of it."""

    token = "MTAwMA.Gfake0.token-for-tests_0123456789"

    def __init__(self, *options):
        # An acknowledgement may take longer here than at Discord: tests that are about that look how long it took.
        arguments = [sys.executable, nexflow.TOP / "tests/fakes/discord/server.py", "--port", "0",
                     "--answer-s", str(nexflow.WAIT_S), *options]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def yaml(self, **keys):
        keys = {"token": self.token, "api_base": f"http://127.0.0.1:{self.port}{BASE}",
                "accounts": [ANNA, BORIS], **keys}
        return json.dumps(keys)  # which is YAML too

    def call(self, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=nexflow.WAIT_S)
        connection.request("POST", path, json.dumps(body if body is not None else {}),
                           {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        assert response.status == 200, text
        return json.loads(text)

    # --- people

    def say(self, content="", sender=ANNA, **more):
        """The message's id and channel."""
        return self.call("/_say", {"from": sender, "content": content, **more})

    def mention(self, content, channel=GENERAL, sender=ANNA, **more):
        return self.say(f"<@1000> {content}", sender, channel=channel, **more)

    def command(self, name, sender=ANNA, **more):
        return self.call("/_interact", {"from": sender, "name": name, **more})

    def press(self, message, custom_id, sender=ANNA):
        return self.call("/_interact", {"from": sender, "message": message["id"], "custom_id": custom_id})

    # --- what is to be seen

    def stats(self):
        return self.call("/_stats")

    def gateway(self, **what):
        return self.call("/_gateway", what)

    def fault(self, match, **what):
        self.call("/_fault", {"match": match, **what})

    def messages(self, channel=None, person=ANNA):
        """What the bot wrote there, oldest first."""
        where = {"channel": channel} if channel else {"with": person}
        return [m for m in self.call("/_messages", where) if m["author"]["id"] == "1000"]

    def texts(self, channel=None, person=ANNA):
        return [text_of(m) for m in self.messages(channel, person)]

    def requests(self, match):
        return [r for r in self.call("/_log") if match in f"{r['method']} {r['path']}"]

    # --- waiting

    @staticmethod
    def until(condition, seconds=nexflow.WAIT_S, what="it"):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(f"{what} was not so within {seconds} s")

    def answer(self, part, channel=None, person=ANNA, seconds=nexflow.WAIT_S):
        """The message of the bot that has `part` in it."""
        def look():
            return next((m for m in self.messages(channel, person) if part in text_of(m)), None)
        try:
            return self.until(look, seconds)
        except AssertionError:
            raise AssertionError(f"no {part!r} in {self.texts(channel, person)}") from None


def text_of(message):
    texts = [message.get("content", "")]

    def walk(components):
        for one in components:
            if one["type"] == 10:
                texts.append(one["content"])
            walk(one.get("components", []))

    walk(message.get("components", []))
    return "\n".join(t for t in texts if t)


def buttons_of(message):
    found = []

    def walk(components):
        for one in components:
            if one["type"] == 2:
                found.append(one)
            walk(one.get("components", []))

    walk(message.get("components", []))
    return found


class Pair:
    """A daemon and its Discord."""

    def __init__(self, directory, provider, fake, more="", **keys):
        self.discord, self.provider = fake, provider
        self.daemon = nexflow.Daemon(directory, f"channels:\n  discord:\n    - {fake.yaml(**keys)}\n{more}",
                                     provider=provider.yaml())

    def start(self):
        before = self.sessions()
        self.daemon.start()
        self.daemon.wait_until(lambda: self.sessions() > before and self.state()["state"] == "connected")
        return self

    def sessions(self):
        """Begun, or gone on with after a restart."""
        gateway = self.discord.gateway()
        return len(gateway["identifies"]) + gateway["resumes"]

    def state(self):
        return self.daemon.get("/health")[1]["channels"][0]

    def write_down(self):
        """Wait until its sessions are written down as they are now."""
        def written():
            notes = [json.loads(v) for (v,) in self.daemon.rows("SELECT value FROM notes WHERE source LIKE '%/session'")]
            return {n["session"]: n["seq"] for n in notes} == self.discord.gateway()["seqs"]
        self.daemon.wait_until(written)

    def end(self, violations=()):
        """Stop, and what must hold in every test."""
        stats = self.discord.stats()
        status = self.daemon.stop()
        log = self.daemon.log()
        assert [v for v in stats["violations"] if not v.startswith(tuple(violations) or "?")] == []
        assert self.discord.token.rsplit(".", maxsplit=1)[-1] not in log, "the token is in the log"
        assert status == 0, log[-3000:]

    def reset(self):
        """Between two tests of one daemon: nobody has said anything, and nothing goes wrong."""
        self.discord.call("/_clear")
        self.daemon.wait_until(self.is_idle, 90)
        self.discord.call("/_reset")
        self.provider.script()

    def is_idle(self):
        """What runs has ended, and what was to be said has been."""
        return not any(self.daemon.get("/api/v1/status")[1]["queues"].values())

    def check(self):
        assert self.discord.stats()["violations"] == []


@pytest.fixture(name="fake")
def own_fake():
    server = Discord()
    yield server
    server.stop()


@pytest.fixture(name="fresh")
def own_pair(tmp_path, provider, fake):
    """A daemon of the test's own."""
    both = Pair(tmp_path, provider, fake).start()
    yield both
    both.end()


@pytest.fixture(name="shared", scope="module")
def shared_pair(tmp_path_factory):
    model, server = conftest.Provider(), Discord()
    both = Pair(tmp_path_factory.mktemp("shared"), model, server, messages_per_minute=60000).start()
    yield both
    both.end()
    server.stop()
    model.stop()


@pytest.fixture(name="pair")
def shared_pair_as_new(shared):
    """The daemon that all tests of a file share, as if it had just begun."""
    shared.reset()
    yield shared
    shared.check()
