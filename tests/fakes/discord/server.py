#!/usr/bin/env python3
"""Discord on loopback: REST and gateway, strictly as documented, and whatever may go wrong with them.

The README beside says what can be asked of it.
"""
import argparse
import asyncio
import email.parser
import email.policy
import json
import re
import time
import urllib.parse

import websockets
from gateway import Gateway
from rest import ANSWER_S, Limits, Rest
from world import PUBLIC_THREAD, World

BASE = "/api/v10"


class Stats:
    def __init__(self, log_max):
        self.violations, self.limited, self.calls, self.log = [], 0, {}, []
        self.limited_by = []
        self.log_max = log_max

    def note(self, text):
        self.violations.append(text)

    def count(self, request, status):
        key = request.method + " " + re.sub(r"/[\w.-]{17,}(?=/|$)", "/TOKEN", re.sub(r"\d{3,}", "N", request.path))
        self.calls[key] = self.calls.get(key, 0) + 1
        self.log.append({"method": request.method, "path": request.path, "query": request.query,
                         "body": request.json, "status": status, "at": time.time()})
        del self.log[: -self.log_max]


class Request:
    def __init__(self, method, target, headers, body):
        url = urllib.parse.urlparse(target)
        self.method, self.path, self.headers, self.body = method, url.path, headers, body
        self.query = dict(urllib.parse.parse_qsl(url.query))
        self.json, self.files, self.broken = {}, {}, False
        kind = headers.get("content-type", "")
        try:
            if kind.startswith("multipart/form-data"):
                self.read_parts(kind)
            elif body:
                self.json = json.loads(body)
                self.broken = not kind.startswith("application/json")
        except (ValueError, KeyError, UnicodeDecodeError):
            self.broken = True

    def read_parts(self, kind):
        """"Uploading Files": payload_json and files[n]."""
        parser = email.parser.BytesParser(policy=email.policy.HTTP)
        message = parser.parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + self.body)
        for part in message.iter_parts():
            name = part.get_param("name", header="content-disposition")
            data = part.get_payload(decode=True)
            if name == "payload_json":
                self.json = json.loads(data)
            else:
                index = re.fullmatch(r"files\[(\d+)\]", name or "")
                if not index:
                    raise ValueError(name)
                self.files[index.group(1)] = (part.get_filename() or "", data)


class Server:
    def __init__(self, token, limits, log_max, answer_s):
        self.stats = Stats(log_max)
        self.world = World(token)
        self.gateway = Gateway(self.world, self.stats)
        self.rest = Rest(self.world, self.gateway, self.stats, Limits(limits), answer_s)
        self.faults, self.files = [], {}

    # --- HTTP

    async def serve(self, reader, writer):
        try:
            while await self.one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def one(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {k.strip().lower(): v.strip() for k, _, v in (h.partition(":") for h in head[1:] if h)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        request = Request(method, target, headers, body)
        if request.path.startswith("/_"):
            self.reply(writer, 200, self.control(request))
        elif request.path.startswith("/files/"):
            await self.reply_file(writer, request)
        elif not request.path.startswith(BASE):
            self.reply(writer, 404, {"message": "404: Not Found", "code": 0})
        elif not await self.api(writer, request):
            writer.transport.abort()
            return False
        await writer.drain()
        return True

    async def reply_file(self, writer, request):
        data = self.files.get(request.path)
        self.reply(writer, 200 if data is not None else 404, data if data is not None else b"")

    async def api(self, writer, request):
        """False: cut the connection."""
        request.path = request.path[len(BASE):]
        fault = self.fault_for(request)
        if fault.get("cut") == "before":
            return False
        if fault.get("delay"):
            await asyncio.sleep(fault["delay"])
        if "status" in fault and not fault.get("accept"):
            self.stats.count(request, fault["status"])
            self.reply(writer, fault["status"], fault.get("body", {}), fault.get("headers"))
            return True
        if request.broken:
            self.stats.note(f"{request.method} {request.path}: a body that is none")
            self.reply(writer, 400, {"message": "The request body contains invalid JSON.", "code": 50109})
            return True
        status, body, more = self.rest.handle(request)
        self.stats.count(request, status)
        if fault.get("cut") == "after":
            return False
        if "status" in fault:
            status, body = fault["status"], fault.get("body", {})
        self.reply(writer, status, body, more)
        return True

    def fault_for(self, request):
        for fault in self.faults:
            if re.search(fault["match"], f"{request.method} {request.path}"):
                fault["times"] = fault.get("times", 1) - 1
                if fault["times"] <= 0:
                    self.faults.remove(fault)
                return fault
        return {}

    @staticmethod
    def reply(writer, status, body, headers=None):
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\n"
        if not isinstance(body, bytes):
            head += "Content-Type: application/json\r\n"
        for name, value in (headers or {}).items():
            head += f"{name}: {value}\r\n"
        writer.write(head.encode() + b"\r\n" + data)

    # --- what a test asks for

    def control(self, request):
        body = request.json
        return {"/_say": self.say, "/_edit": self.edit, "/_delete": self.delete, "/_interact": self.interact,
                "/_channel": self.channel, "/_gateway": self.fail, "/_fault": self.fault,
                "/_set": self.set, "/_clear": self.clear, "/_reset": self.reset, "/_stats": self.show, "/_messages": self.messages,
                "/_log": lambda _: self.stats.log}[request.path](body)

    def say(self, body):
        if isinstance(body, list):
            return [self.say(one) for one in body]
        w = self.world
        author = body["from"]
        w.add_user(author, body.get("name"))
        channel = body.get("channel") or w.dm_with(author)["id"]
        more = {"attachments": [self.add_file(a) for a in body.get("attachments", [])]}
        answered = body.get("reply_to") and w.find_message(body["reply_to"])
        if answered:
            more.update(type=19, referenced_message=w.seen(answered, 1 << 15),
                        message_reference={"message_id": answered["id"], "channel_id": channel})
            if body.get("ping", True):
                more["mentions"] = [answered["author"]]
        more.update(body.get("more", {}))
        message = w.add_message(channel, author, body.get("content", ""), **more)
        guild = w.channels[channel]["public"].get("guild_id")
        if not body.get("unseen"):
            for _ in range(1 + body.get("duplicates", 0)):
                self.gateway.emit("MESSAGE_CREATE", lambda i: w.event_of(message, i), guild)
        return {"id": message["id"], "channel": channel}

    def add_file(self, a):
        w = self.world
        path = f"/files/{w.snowflake()}/{a['filename']}"
        if "data" in a:
            self.files[path] = a["data"].encode("latin-1")
        return {"id": w.snowflake(), "filename": a["filename"], "size": a.get("size", len(a.get("data", ""))),
                "content_type": a.get("content_type", "text/plain"), "url": self.http + path,
                "proxy_url": self.http + path}

    def edit(self, body):
        w = self.world
        message = w.find_message(body["message"])
        message.update(content=body["content"], edited_timestamp=f"2026-01-01T00:00:{time.time() % 60:09.6f}+00:00")
        guild = w.channels[message["channel_id"]]["public"].get("guild_id")
        self.gateway.emit("MESSAGE_UPDATE", lambda i: w.event_of(message, i), guild)
        return {}

    def delete(self, body):
        message = self.world.find_message(body["message"])
        del self.world.messages[message["channel_id"]][message["id"]]
        return {}

    def interact(self, body):
        """Somebody gives a command (`name`, `options`) or presses a button (`message`, `custom_id`)."""
        w = self.world
        user = w.add_user(body["from"], body.get("name_of_user"))
        number, token = w.snowflake(), f"aW50ZXJhY3Rpb24.{len(w.interactions)}.token"
        message = body.get("message") and w.find_message(body["message"])
        channel = message["channel_id"] if message else body.get("channel") or w.dm_with(body["from"])["id"]
        public = w.channels[channel]["public"]
        data = {"id": number, "application_id": w.bot_id, "token": token, "version": 1,
                "channel_id": channel, "channel": public, "locale": body.get("locale", "en-US"),
                "type": 3 if message else 2, "attachment_size_limit": 10 << 20, "entitlements": [],
                "authorizing_integration_owners": {}, "context": 0 if "guild_id" in public else 1}
        if "guild_id" in public:
            data.update(guild_id=public["guild_id"], member={"user": user, "roles": [], "permissions": "0"})
        else:
            data["user"] = user
        if message:
            data["message"] = w.seen(message, 1 << 15)
            data["data"] = {"custom_id": body["custom_id"], "component_type": 2}
        else:
            data["data"] = {"id": "1", "name": body["name"], "type": 1, "options": [
                {"name": k, "type": 3, "value": v} for k, v in body.get("options", {}).items()]}
        w.interactions[token] = {"at": time.monotonic(), "type": None, "data": data}
        for _ in range(1 + body.get("duplicates", 0)):
            self.gateway.emit("INTERACTION_CREATE", lambda _: data, public.get("guild_id"))
        return {"id": number, "token": token, "channel": channel}

    def channel(self, body):
        w = self.world
        if body["id"] not in w.channels:
            if body.get("recipient"):
                w.add_user(body["recipient"])
            channel = w.add_channel(body["id"], body.get("type", 0), body.get("guild", "500"),
                                    body.get("parent"), body.get("name", "channel"), owner=body.get("owner"))
            name = "THREAD_CREATE" if channel["type"] == PUBLIC_THREAD else "CHANNEL_CREATE"
            self.gateway.emit(name, lambda _: channel, channel["guild_id"])
        w.channels[body["id"]]["forbid"].update(body.get("forbid", {}))
        for key in body.get("allow", []):
            w.channels[body["id"]]["forbid"].pop(key, None)
        return w.channels[body["id"]]["public"]

    def fail(self, body):
        self.gateway.control(body)
        return self.gateway.state()

    def fault(self, body):
        self.faults.append(dict(body))
        return {}

    def set(self, body):
        if "token" in body:
            self.world.token = body["token"]
        if "content_allowed" in body:
            self.world.content_allowed = body["content_allowed"]
        if "token_s" in body:
            self.rest.token_s = body["token_s"]
        if "answer_s" in body:
            self.rest.answer_s = body["answer_s"]
        if "limits" in body:
            self.rest.limits.table.update({k: tuple(v) for k, v in body["limits"].items()})
        if "limits_on" in body:
            self.rest.limits.on = body["limits_on"]
        return {}

    def clear(self, _):
        self.faults.clear()
        return {}

    def reset(self, _):
        """Nobody has said anything, nothing was asked, and nothing goes wrong. Who is connected stays so."""
        self.stats.__init__(self.stats.log_max)
        self.faults.clear()
        self.rest.reset()
        self.world.reset()
        return {}

    def show(self, _):
        return {"violations": self.stats.violations, "limited": self.stats.limited,
                "limited_by": self.stats.limited_by[-100:], "calls": self.stats.calls,
                "gateway": self.gateway.state(), "typing": self.rest.typing[-100:],
                "commands": self.world.commands, "command_puts": self.world.command_puts,
                "interactions": [{"type": e["type"], "answered": e.get("answered"), "id": e["data"]["id"]}
                                 for e in self.world.interactions.values()]}

    def messages(self, body):
        """Of a channel, or of the private chat with somebody, oldest first."""
        w = self.world
        if "channel" not in body and "with" not in body:
            return {c: list(m.values()) for c, m in w.messages.items()}
        channel = body.get("channel") or w.dm_with(body["with"])["id"]
        return list(w.messages.get(channel, {}).values())


async def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--token", default="MTAwMA.Gfake0.token-for-tests_0123456789", help="the bot's")
    parser.add_argument("--no-limits", action="store_true", help="as fast as one may")
    parser.add_argument("--log", type=int, default=5000, help="requests kept for /_log")
    parser.add_argument("--answer-s", type=float, default=ANSWER_S, help="how long an interaction may be acknowledged")
    args = parser.parse_args()
    server = Server(args.token, not args.no_limits, args.log, args.answer_s)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", args.port, limit=1 << 20, backlog=1024)
    port = listener.sockets[0].getsockname()[1]
    server.http = f"http://127.0.0.1:{port}"
    async with websockets.serve(server.gateway.serve, "127.0.0.1", 0, compression=None, ping_interval=None,
                                max_queue=1024) as gateway:
        server.gateway.url = f"ws://127.0.0.1:{gateway.sockets[0].getsockname()[1]}"
        print("listening", port, flush=True)
        async with listener:
            await listener.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
