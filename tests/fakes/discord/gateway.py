"""The gateway: version 10, JSON, zlib-stream.

Source: Discord's documentation, developers/events/gateway (connections, heartbeats, identifying,
resuming, rate limiting, transport compression) and topics/opcodes-and-status-codes (opcodes, close
codes).
"""
import asyncio
import json
import time
import urllib.parse
import zlib

import schema
import websockets

KNOWN_INTENTS = (1 << 17) - 1 | 3 << 20 | 3 << 24
PRIVILEGED = 1 << 1 | 1 << 8 | 1 << 15
SESSION_S, BUFFER_MAX = 120, 5000


class Session:
    def __init__(self, number, intents, shard):
        self.id = f"session{number}"
        self.intents, self.shard = intents, shard
        self.seq, self.buffer = 0, []  # of (seq, payload)
        self.connection, self.gone = None, 0


class Gateway:
    def __init__(self, world, stats):
        self.world, self.stats = world, stats
        self.sessions, self.numbers = {}, 0
        self.connections = set()
        self.interval, self.session_s = 41250, SESSION_S
        self.remaining, self.reset_after, self.max_concurrency, self.shards = 1000, 86400000, 1, 1
        self.identified_at = {}
        self.identifies, self.resumes, self.heartbeats = [], 0, 0
        self.refuse_until = 0
        self.too_soon = 0      # identifies of one key within 5 s
        self.lost = 0          # so many events from now on are never sent, nor replayed
        self.identify_closes = []  # close codes for the next identifies
        self.resume_invalid = 0
        self.hello_delay, self.ack, self.split = 0, True, 0
        self.url = ""

    # --- events

    def shard_of(self, guild_id, count):
        return (int(guild_id) >> 22) % count if guild_id else 0

    def emit(self, name, make, guild_id=None):
        """`make(intents)` gives the data for a session."""
        if self.lost > 0:
            self.lost -= 1
            return
        for session in list(self.sessions.values()):
            number, count = session.shard
            if number != self.shard_of(guild_id, count):
                continue
            self.send_event(session, name, make(session.intents))

    def send_event(self, session, name, data):
        session.seq += 1
        payload = {"op": 0, "t": name, "s": session.seq, "d": data}
        session.buffer.append((session.seq, payload))
        del session.buffer[:-BUFFER_MAX]
        if session.connection:
            session.connection.send(payload)

    # --- what goes wrong

    def control(self, body):
        for key in ("interval", "remaining", "reset_after", "max_concurrency", "shards", "lost",
                    "identify_closes", "resume_invalid", "hello_delay", "ack", "session_s", "split"):
            if key in body:
                setattr(self, key, body[key])
        if "refuse" in body:
            self.refuse_until = time.monotonic() + body["refuse"]
        if body.get("forget"):
            self.sessions.clear()
        for connection in list(self.connections):
            if "close" in body:
                connection.end(body["close"])
            if body.get("cut"):
                connection.ws.transport.abort()
            if body.get("reconnect"):
                connection.send({"op": 7, "d": None, "s": None, "t": None})
            if "invalid" in body:
                if not body["invalid"]:
                    self.sessions.clear()
                connection.send({"op": 9, "d": body["invalid"], "s": None, "t": None})
            if body.get("silence"):
                connection.silent = True
            if body.get("heartbeat"):
                connection.send({"op": 1, "d": None, "s": None, "t": None})

    def state(self):
        return {"connections": len(self.connections), "sessions": len(self.sessions),
                "identifies": self.identifies, "resumes": self.resumes, "heartbeats": self.heartbeats,
                "remaining": self.remaining, "too_soon": self.too_soon,
                "seqs": {name: s.seq for name, s in self.sessions.items()}}

    # --- connections

    async def serve(self, ws, path=None):
        connection = Connection(self, ws)
        if time.monotonic() < self.refuse_until:
            ws.transport.abort()
            return
        self.connections.add(connection)
        try:
            await connection.run(urllib.parse.urlparse(path or ws.path))
        except websockets.ConnectionClosed:
            pass
        finally:
            self.connections.discard(connection)
            connection.lost()


class Connection:
    def __init__(self, gateway, ws):
        self.gateway, self.ws = gateway, ws
        self.deflate = zlib.compressobj()
        self.session, self.silent = None, False
        self.beat_at = time.monotonic()
        self.sends, self.queue, self.code = [], asyncio.Queue(), None

    def send(self, payload):
        if not self.silent:
            self.queue.put_nowait(payload)

    def end(self, code):
        self.queue.put_nowait(code)

    async def write(self):
        while True:
            payload = await self.queue.get()
            if isinstance(payload, int):
                self.code = payload
                await self.ws.close(payload)
                return
            data = self.deflate.compress(json.dumps(payload).encode()) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
            step = self.gateway.split or len(data)
            for i in range(0, len(data), step):
                await self.ws.send(data[i : i + step])

    async def watch_heartbeats(self):
        while True:
            await asyncio.sleep(self.gateway.interval / 4000)
            if time.monotonic() - self.beat_at > self.gateway.interval * 1.5 / 1000 + 2:
                self.gateway.stats.note("a heartbeat came too late")
                self.end(4009)
                return

    async def run(self, url):
        query = urllib.parse.parse_qs(url.query)
        if query.get("v") != ["10"] or query.get("encoding") != ["json"] \
                or query.get("compress") != ["zlib-stream"]:
            self.gateway.stats.note(f"connected with {url.query}")
            await self.ws.close(4012)
            return
        await asyncio.sleep(self.gateway.hello_delay)
        self.send({"op": 10, "d": {"heartbeat_interval": self.gateway.interval, "_trace": []}, "s": None,
                   "t": None})
        tasks = [asyncio.ensure_future(t) for t in (self.write(), self.watch_heartbeats(), self.read())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def read(self):
        async for text in self.ws:
            if self.silent:
                continue
            now = time.monotonic()
            self.sends = [t for t in self.sends if now - t < 60] + [now]
            if len(self.sends) > 120:
                self.gateway.stats.note("more than 120 payloads in a minute")
                return self.end(4008)
            if not isinstance(text, str) or len(text.encode()) > 4096:
                self.gateway.stats.note("a payload over 4096 bytes")
                return self.end(4002)
            try:
                payload = json.loads(text)
                op, d = payload["op"], payload["d"]
            except (ValueError, KeyError, TypeError):
                self.gateway.stats.note("a payload that is none")
                return self.end(4002)
            try:
                self.take(op, d)
            except schema.Bad as e:
                self.gateway.stats.note(f"gateway op {op}: {e.field}: {e}")
                return self.end(4002)

    def take(self, op, d):
        if op == 1:
            self.heartbeat(d)
        elif op == 2:
            self.identify(d)
        elif op == 6:
            self.resume(d)
        elif not self.session:
            self.end(4003)
        else:
            self.gateway.stats.note(f"op {op} is none that we know")
            self.end(4001)

    def heartbeat(self, d):
        self.gateway.heartbeats += 1
        self.beat_at = time.monotonic()
        schema.check(d is None or (isinstance(d, int) and (not self.session or d <= self.session.seq)),
                     "a sequence that was never sent", "d")
        if self.gateway.ack:
            self.send({"op": 11, "d": None, "s": None, "t": None})

    def identify(self, d):
        g = self.gateway
        schema.identify(d)
        if self.session:
            return self.end(4005)
        g.identifies.append(time.time())
        g.remaining -= 1
        if g.identify_closes:
            return self.end(g.identify_closes.pop(0))
        if g.remaining < 0:
            g.stats.note("an identify beyond what is granted: the token would be reset")
            return self.end(4004)
        if d["token"] != g.world.token:
            return self.end(4004)
        if d["intents"] & ~KNOWN_INTENTS:
            return self.end(4013)
        if d["intents"] & PRIVILEGED and not (
                g.world.content_allowed and not d["intents"] & PRIVILEGED & ~(1 << 15)):
            return self.end(4014)
        shard = tuple(d.get("shard", (0, 1)))
        key = shard[0] % g.max_concurrency
        now = time.monotonic()
        if now - g.identified_at.get(key, -9) < 5:
            g.too_soon += 1
            return self.send({"op": 9, "d": False, "s": None, "t": None})
        g.identified_at[key] = now
        g.numbers += 1
        session = self.session = Session(g.numbers, d["intents"], shard)
        g.sessions[session.id] = session
        session.connection = self
        w = g.world
        guilds = [i for i in w.guilds if g.shard_of(i, shard[1]) == shard[0]]
        g.send_event(session, "READY", {
            "v": 10, "user": w.users[w.bot_id], "session_id": session.id, "session_type": "normal",
            "resume_gateway_url": g.url, "shard": list(shard), "private_channels": [],
            "application": {"id": w.bot_id, "flags": 0},
            "guilds": [{"id": i, "unavailable": True} for i in guilds]})
        for i in guilds:
            g.send_event(session, "GUILD_CREATE", w.guild_event(i))

    def resume(self, d):
        g = self.gateway
        schema.resume(d)
        g.resumes += 1
        session = g.sessions.get(d["session_id"])
        if d["token"] != g.world.token:
            return self.end(4004)
        if g.resume_invalid > 0:
            g.resume_invalid -= 1
            session = None
        if not session or (session.gone and time.monotonic() - session.gone > g.session_s):
            g.sessions.pop(d["session_id"], None)
            return self.send({"op": 9, "d": False, "s": None, "t": None})
        if d["seq"] > session.seq:
            return self.end(4007)
        if session.connection:
            session.connection.end(4000)
        self.session, session.connection, session.gone = session, self, 0
        for seq, payload in list(session.buffer):
            if seq > d["seq"]:
                self.send(payload)
        g.send_event(session, "RESUMED", {"_trace": []})

    def lost(self):
        session = self.session
        if not session or session.connection is not self:
            return
        session.connection, session.gone = None, time.monotonic()
        if self.code in (1000, 1001) or self.ws.close_code in (1000, 1001):
            self.gateway.sessions.pop(session.id, None)
