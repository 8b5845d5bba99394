"""Who writes: over REST, over web sockets as the page does, in a Telegram and in a Discord.

Everybody writes one message after the other, to any instance, and sends a message again with the same
id until it is known to be accepted. What each was told is kept, for the checker.
"""
import asyncio
import json

import websockets

LOST = (OSError, asyncio.TimeoutError, ValueError, asyncio.IncompleteReadError,
        websockets.WebSocketException)
SESSION_MESSAGES = 60  # then a new conversation
ENDS = ("RUN_FINISHED", "RUN_ERROR")


def number_of(text):
    """An id as the database has it: Crockford's base32."""
    n = 0
    for c in text:
        n = n << 5 | "0123456789abcdefghjkmnpqrstvwxyz".index(c)
    return str(n)


class Person:
    """One who writes over REST."""

    def __init__(self, world, number, total, dice, cookie=None):
        self.world, self.number, self.total, self.dice = world, number, total, dice
        self.cookie = cookie
        self.session, self.said_here, self.sent = None, 0, 0
        self.daemon = None  # whom it talks to

    def message(self):
        return f"c{self.number}-{self.sent}"

    def note(self, accepted):
        """It was accepted, and the answer says as what."""
        session, run = number_of(accepted["session_id"]), number_of(accepted["run_id"])
        before = self.world.accepted.setdefault((session, self.message()), run)
        if before != run:
            self.world.told_otherwise.append((session, self.message(), before, run))
        self.session = accepted["session_id"]
        self.sent += 1
        self.said_here += 1
        self.world.sent += 1
        self.world.faults.acknowledged(self.daemon)
        if self.said_here == SESSION_MESSAGES:
            self.session, self.said_here = None, 0

    async def post(self, daemon, body):
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection("127.0.0.1", daemon.port), 5)
        try:
            text = json.dumps(body).encode()
            writer.write((f"POST /api/v1/messages HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\n"
                          f"Authorization: Bearer {self.world.token}\r\nConnection: close\r\n"
                          f"Content-Length: {len(text)}\r\n\r\n").encode() + text)
            answer = await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()
        head, _, rest = answer.partition(b"\r\n\r\n")
        status = int(head.split(None, 2)[1]) if head.startswith(b"HTTP/") else 0
        return status, json.loads(rest) if status == 202 else None

    async def talk(self):
        while self.sent < self.total:
            body = {"message_id": self.message(), "content": f"question {self.message()}"}
            if self.session:
                body["session_id"] = self.session
            self.daemon = self.dice.choice(self.world.daemons)
            try:
                status, accepted = await self.post(self.daemon, body)
            except LOST:
                status = 0
            if status != 202:
                await asyncio.sleep(0.05 if status == 0 else 0.2)
                continue
            self.note(accepted)
            if self.dice.random() < 0.05:  # whoever is not sure sends it again, also elsewhere
                body["session_id"] = accepted["session_id"]
                await self.repeat(body, accepted)

    async def repeat(self, body, accepted):
        try:
            status, again = await self.post(self.dice.choice(self.world.daemons), body)
        except LOST:
            return
        if status == 202 and again["run_id"] != accepted["run_id"]:
            self.world.told_otherwise.append((body["message_id"], accepted["run_id"], again["run_id"]))


class Page(Person):
    """One who has the page open. Like the page it puts together what it shows by the positions of
    events (domain/run_event.h): what it has is passed over, where something is missing it resumes."""

    def __init__(self, *args):
        super().__init__(*args)
        self.shown = {}  # run -> [position, bytes of its text, how it ended]
        self.runs = {}  # session -> runs that were accepted
        self.resumed_at = {}

    async def talk(self):
        while self.sent < self.total:
            try:
                self.daemon = self.dice.choice(self.world.daemons)
                async with self.daemon.connect(self.cookie) as socket:
                    self.resumed_at = {}
                    for session in [s for s in self.runs if not self.has_all(s)]:
                        await self.resume(socket, session)
                    await self.converse(socket)
            except LOST:
                await asyncio.sleep(0.05)

    async def converse(self, socket):
        while self.sent < self.total:
            await self.say(socket)
            # Half of the time do not wait for the answer: then turns queue up.
            if self.dice.random() < 0.5 and self.session:
                run = self.runs[self.session][-1]
                await self.read_until(socket, lambda r=run: self.shown.get(r, (0, b"", None))[2], 5)

    async def resume(self, socket, session):
        now = asyncio.get_running_loop().time()
        if now - self.resumed_at.get(session, -1) < 0.3:
            return
        self.resumed_at[session] = now
        after = 0
        for run in self.runs[session]:
            position, _, ended = self.shown.get(run, (0, b"", None))
            after = max(after, position)
            if not ended:
                break
        await socket.send(type="resume", session_id=session, after=after)

    async def say(self, socket):
        frame = {"type": "user_message", "message_id": self.message(),
                 "content": f"question {self.message()}"}
        if self.session:
            frame["session_id"] = self.session
        await socket.send(**frame)
        wanted, got = self.message(), []
        await self.read_until(socket, lambda: got, 20, lambda f: f.get("message_id") == wanted and got.append(f))
        if got[0]["type"] != "accepted":
            await asyncio.sleep(0.2)
            return
        session, run = got[0]["session_id"], got[0]["run_id"]
        if run not in self.runs.setdefault(session, []):
            self.runs[session].append(run)
        self.note(got[0])
        if got[0].get("duplicate"):  # it may have begun before this socket was there
            await self.resume(socket, session)

    async def read_until(self, socket, condition, seconds, also=lambda frame: None):
        end = asyncio.get_running_loop().time() + seconds
        while not condition():
            left = end - asyncio.get_running_loop().time()
            frame = json.loads(await asyncio.wait_for(socket.ws.recv(), max(0.01, left)))
            also(frame)
            if frame["type"].isupper() and "seq" in frame and not self.show(frame) \
                    and frame["session_id"] in self.runs:
                await self.resume(socket, frame["session_id"])

    def show(self, frame):
        """False: something before it is missing."""
        kind, run, seq = frame["type"], frame["run_id"], frame["seq"]
        position, text, ended = self.shown.get(run, (0, b"", None))
        delta = frame["delta"].encode() if "delta" in frame else b""
        start = seq - (len(delta) if delta else 1)
        if seq <= position:
            return True
        if kind == "RUN_STARTED":  # what was shown of it before is void
            self.shown[run] = [seq, b"", None]
            return True
        if start > position:
            return False
        known = delta[:position - start]
        if not text.endswith(known):
            self.world.shown_otherwise.append((run, text, known))
        self.shown[run] = [seq, text + delta[position - start:], kind if kind in ENDS else ended]
        return True

    def has_all(self, session):
        return all(self.shown.get(run, (0, b"", None))[2] for run in self.runs[session])

    async def read_rest(self):
        """When all turns have ended: whatever is still missing comes by position."""
        for session in self.runs:
            for _ in range(4):
                if self.has_all(session):
                    break
                try:
                    async with self.world.daemons[0].connect(self.cookie) as socket:
                        self.resumed_at = {}
                        await self.resume(socket, session)
                        await self.read_until(socket, lambda s=session: self.has_all(s), 5)
                except LOST:
                    await asyncio.sleep(0.2)

    def saw(self):
        """{(session, run): (text, end)} of all that was accepted."""
        return {(number_of(s), number_of(r)): (self.shown[r][1].decode(), self.shown[r][2])
                if r in self.shown else ("", None) for s, runs in self.runs.items() for r in runs}


class Crowd:
    """People in a chat network, who write on as the others do; `m<n>.` is answered by `echo: m<n>.`"""

    def __init__(self, world, chats, messages):
        self.world, self.chats, self.messages, self.said = world, chats, messages, 0

    async def talk(self):
        while self.said < self.messages:
            due = self.messages * self.world.sent // self.world.web_messages
            if due > self.said:
                due = min(due, self.said + self.chats)
                await asyncio.to_thread(self.say, range(self.said, due))
                self.said = due
            await asyncio.sleep(0.05)

    def chat_of(self, n):
        return self.FIRST + n % self.chats

    def written_over(self):
        return []

    def missing(self):
        return set(range(self.messages)) - set(self.answers()) - self.told()


NOTICE = "\u26a0"


def number_asked(text):
    return int(text[1:-1]) if text.startswith("m") and text.endswith(".") else None


def number_answered(text):
    return int(text[7:-1]) if text.startswith("echo: m") and text.endswith(".") else None


class Telegrams(Crowd):
    NAME, FIRST = "telegram", 7000

    def start(self, seed):
        import telegram
        self.fake = telegram.Telegram("--no-limits", "--log", "0", "--seed", str(seed), "--duplicates", "0.02")

    def yaml(self):
        accounts = ", ".join(f'"{self.FIRST + i}"' for i in range(self.chats))
        return self.fake.yaml(accounts=f"[{accounts}]", poll_timeout="1s", messages_per_second=10000,
                              messages_per_minute=60000)

    def say(self, numbers):
        self.fake.call("say", [{"chat": self.chat_of(n), "from": self.chat_of(n), "text": f"m{n}."}
                               for n in numbers])

    def everything(self):
        return self.fake.state()

    def shown(self):
        """(chat, message) of the bot that are there. A run that took a minute ends in a new message, and
        the other is taken away."""
        for chat, what in self.fake.state()["chats"].items():
            for m in what["messages"]:
                if m["from"]["is_bot"] and not m.get("deleted"):
                    yield chat, m

    def answers(self):
        """{number: [(chat, message) that ever showed its answer]}"""
        found = {}
        for chat, m in self.shown():
            for n in {number_answered(text) for text in m["texts"]} - {None}:
                found.setdefault(n, []).append((chat, m["message_id"]))
        return found

    def written_over(self):
        """Messages that showed an answer and do not any more."""
        return [(chat, m["message_id"], m["texts"][-3:]) for chat, m in self.shown()
                if any(number_answered(t) is not None for t in m["texts"])
                and number_answered(m["texts"][-1]) is None and not m["texts"][-1].startswith(NOTICE)]

    def told(self):
        """Numbers of those who were told instead why there is no answer."""
        found = set()
        for what in self.fake.state()["chats"].values():
            asked = {m["message_id"]: number_asked(m["text"]) for m in what["messages"] if not m["from"]["is_bot"]}
            found |= {asked.get(m["reply_to"]) for m in what["messages"]
                      if m["from"]["is_bot"] and not m.get("deleted") and m["text"].startswith(NOTICE)}
        return found - {None}

    def violations(self):
        return self.fake.stats()["violations"]


BOT = "1000"  # Discord's name for us


class Discords(Crowd):
    NAME, FIRST = "discord", 800001

    def start(self, seed):
        import discord
        del seed
        self.fake = discord.Discord("--no-limits", "--log", "100")

    def yaml(self):
        return self.fake.yaml(accounts=[str(self.FIRST + i) for i in range(self.chats)],
                              requests_per_second=10000, messages_per_minute=60000)

    def say(self, numbers):
        self.fake.call("/_say", [{"from": str(self.chat_of(n)), "content": f"m{n}.",
                                  "duplicates": int(n % 50 == 0)} for n in numbers])

    def everything(self):
        return self.fake.call("/_messages")

    def bots(self):
        for chat, messages in self.fake.call("/_messages").items():
            for m in messages:
                if m["author"]["id"] == BOT:
                    yield chat, m

    def told(self):
        import discord
        found = set()
        for messages in self.fake.call("/_messages").values():
            asked = {m["id"]: number_asked(m["content"]) for m in messages if m["author"]["id"] != BOT}
            found |= {asked.get((m.get("message_reference") or {}).get("message_id")) for m in messages
                      if m["author"]["id"] == BOT and discord.text_of(m).startswith(NOTICE)}
        return found - {None}

    def answers(self):
        import discord
        found = {}
        for chat, m in self.bots():
            text = discord.text_of(m)
            if text.startswith("echo: m") and text.endswith("."):
                found.setdefault(int(text[7:-1]), []).append((chat, int(m["id"])))
        return found

    def violations(self):
        return self.fake.stats()["violations"]
