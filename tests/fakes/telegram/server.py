#!/usr/bin/python3
"""A Bot API server that is strict and does what it is told, for tests. See ../README.md.

Speaks what https://core.telegram.org/bots/api describes, on raw sockets so that every cut is under
control. Descriptions of errors are those of the real server (tdlib/telegram-bot-api, Client.cpp).
"""
import argparse
import asyncio
import collections
import json
import random
import sys
import time
import urllib.parse

import limits
import schema
from control import Control
from files import Files, multipart
from messages import Messages
from schema import Bad
from updates import Updates
from world import Bot, Cut, Fail, Page

BODY_MAX = 64 << 20


class Server(Messages, Updates, Files, Control):
    def __init__(self, options):
        self.options = options
        self.bots = {}
        self.chats = {}
        self.files = {}
        self.faults = []
        self.released = asyncio.Event()
        self.log = collections.deque(maxlen=options.log)
        self.violations = []
        self.counts = collections.Counter()
        self.injected = collections.Counter()
        self.answers = {}  # callback queries: id -> what was answered
        self.limits = limits.Limits(options.per_second, options.limits)
        self.dice = random.Random(options.seed)
        self.next_file = 1
        self.next_query = 1

    # --- bytes ------------------------------------------------------------------------------------

    async def serve(self, reader, writer):
        try:
            while await self.request(reader, writer):
                pass
        except (Cut, asyncio.IncompleteReadError, ConnectionError, ValueError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

    async def request(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head[:-4].decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        size = int(headers.get("content-length", "0"))
        body = await reader.readexactly(min(size, BODY_MAX)) if size else b""
        path, _, query = target.partition("?")
        if path.startswith("/_"):
            await self.control(writer, method, path, body)
            return True
        if path.startswith("/file/bot"):
            return await self.download(writer, path)
        if not path.startswith("/bot"):
            await self.reply(writer, 404, {"ok": False, "error_code": 404, "description": "Not Found"})
            return True
        token, _, name = path[4:].partition("/")
        await self.call(writer, urllib.parse.unquote(token), name, headers, query, body)
        return True

    @staticmethod
    async def reply(writer, status, body, content_type="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        writer.write(b"HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
                     % (status, content_type.encode(), len(data)) + data)
        await writer.drain()

    # --- calls ------------------------------------------------------------------------------------

    @staticmethod
    def parameters(headers, query, body):
        given = {k: schema.from_form(k, v) for k, v in urllib.parse.parse_qsl(query, True)}
        kind, _, options = headers.get("content-type", "").partition(";")
        kind = kind.strip().lower()
        if not body:
            return given
        if kind == "application/json":
            try:
                sent = json.loads(body)
            except ValueError as e:
                raise Fail(400, "Bad Request: can't parse JSON object") from e
            if not isinstance(sent, dict):
                raise Fail(400, "Bad Request: can't parse JSON object")
        elif kind == "application/x-www-form-urlencoded":
            sent = {k: schema.from_form(k, v) for k, v in urllib.parse.parse_qsl(body.decode(), True)}
        elif kind == "multipart/form-data":
            sent = multipart(options, body)
        else:
            raise Fail(400, f"Bad Request: unsupported content type {kind!r}")
        return {**given, **sent}

    async def call(self, writer, token, name, headers, query, body):
        method = name.lower()
        self.counts[method] += 1
        status, answer = 200, None
        try:
            bot = self.bots.get(token)
            if not bot:
                raise Fail(401, "Unauthorized")
            if method not in schema.NAMES:
                self.violations.append(f"{name}: there is no such method")
                raise Fail(404, "Not Found: method not found")
            result = await self.run(bot, method, headers, query, body)
            answer = {"ok": True, "result": result}
        except Page:
            await self.reply(writer, 200, b"<html>Sign in to this network</html>", "text/html")
            return
        except Bad as e:
            self.violations.append(f"{name}: {e}: {body[:600].decode('utf-8', 'replace')}")
            status, answer = 400, {"ok": False, "error_code": 400, "description": f"Bad Request: {e}"}
        except Fail as e:
            status = e.status
            answer = {"ok": False, "error_code": status, "description": e.description}
            if e.parameters:
                answer["parameters"] = e.parameters
        if status == 429:
            self.counts["429"] += 1
        if self.options.log and method != "getupdates":
            self.log.append({"method": schema.NAMES.get(method, name), "status": status, "at": time.time(),
                             "body": body[:20000].decode("utf-8", "replace"), "answer": answer})
        await self.reply(writer, status, answer)

    async def run(self, bot, method, headers, query, body):
        given = self.parameters(headers, query, body)
        args = schema.check(schema.NAMES[method], given)
        chat = args.get("chat_id")
        fault = next((f for f in self.faults if f.applies(method, chat, args.get("message_id"), self.dice)), None)
        if fault:
            self.injected[f"{schema.NAMES[method]}/{fault.kind}"] += 1
            await self.before(fault)
        if schema.NAMES[method] in limits.COUNTED and isinstance(chat, int):
            wait = self.limits.refuse(chat)
            if wait:
                raise Fail(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        result = await getattr(self, "do_" + method)(bot, args)
        if fault:
            await self.after(fault)
        return result

    async def before(self, fault):
        """Faults that happen instead of the call."""
        s = fault.spec
        if fault.kind == "429":
            raise Fail(429, f"Too Many Requests: retry after {s.get('retry_after', 1)}",
                       retry_after=s.get("retry_after", 1))
        if fault.kind == "error":
            raise Fail(s["status"], s["description"], **s.get("parameters", {}))
        if fault.kind == "500":
            raise Fail(s.get("status", 500), s.get("description", "Internal Server Error"))
        if fault.kind == "page":
            raise Page
        if fault.kind == "cut":
            raise Cut
        if fault.kind == "hang":
            await asyncio.sleep(s.get("seconds", 3600))
            raise Cut
        if fault.kind == "hold":
            await self.released.wait()
        if fault.kind == "slow":
            await asyncio.sleep(s.get("seconds", 0.5))

    async def after(self, fault):
        """Faults after it has taken effect: the bot cannot know."""
        if fault.kind == "hold-after":
            await self.released.wait()
        if fault.kind == "500-after":
            raise Fail(fault.spec.get("status", 502), "Bad Gateway")
        if fault.kind == "cut-after":
            raise Cut
        if fault.kind == "hang-after":
            await asyncio.sleep(fault.spec.get("seconds", 3600))
            raise Cut


async def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--token", default="1000001:TEST-token_for-the-fake", help="of the first bot")
    parser.add_argument("--per-second", type=int, default=30, help="messages of a bot to all chats")
    parser.add_argument("--no-limits", dest="limits", action="store_false")
    parser.add_argument("--local", action="store_true", help="webhooks over http, on any port")
    parser.add_argument("--duplicates", type=float, default=0, help="chance that a poll has an update twice")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=int, default=20000, help="calls that are kept; 0: none")
    options = parser.parse_args()
    server = Server(options)
    server.bots[options.token] = Bot(options.token)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", options.port, limit=1 << 20, backlog=1024)
    print("listening", listener.sockets[0].getsockname()[1], flush=True)
    async with listener:
        await listener.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(130)
