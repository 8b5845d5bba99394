"""The REST API, version 10: what a bot for conversations needs of it.

Source: Discord's documentation, developers/: resources/message, resources/channel, resources/user,
interactions/, topics/rate-limits, reference ("Authentication", "User Agent").
"""
import json
import re
import time

import official
import schema
from schema import Bad
from world import DM, FORUM, GUILD_TEXT, PUBLIC_THREAD

AGENT = re.compile(r"^DiscordBot \(\S+, \S+\)( .*)?$")
LIMITS = {  # requests, seconds: as the real server has them today; only headers tell
    "send": (5, 5), "edit": (5, 5), "delete": (5, 1), "typing": (5, 5), "messages": (5, 5),
    "thread": (5, 10), "dm": (10, 10), "commands": (20, 60), "channel_edit": (2, 600)}
GLOBAL = 50
ANSWER_S, TOKEN_S = 3, 900


class Limited(Exception):
    def __init__(self, seconds, scope):
        super().__init__(scope)
        self.seconds, self.scope = seconds, scope


class Limits:
    def __init__(self, on):
        self.on, self.table = on, dict(LIMITS)
        self.windows, self.recent = {}, []

    def take(self, kind, major):
        """Headers for the response."""
        if not self.on:
            return {}
        now = time.monotonic()
        self.recent = [t for t in self.recent if now - t < 1]
        if len(self.recent) >= GLOBAL:
            raise Limited(1 - (now - self.recent[0]), "global")
        self.recent.append(now)
        if kind not in self.table:
            return {}
        most, seconds = self.table[kind]
        start, used = self.windows.get((kind, major), (now, 0))
        if now - start >= seconds:
            start, used = now, 0
        self.windows[kind, major] = (start, used + (used < most))
        headers = {"X-RateLimit-Limit": most, "X-RateLimit-Remaining": max(0, most - used - 1),
                   "X-RateLimit-Reset": f"{time.time() + seconds - (now - start):.3f}",
                   "X-RateLimit-Reset-After": f"{seconds - (now - start):.3f}",
                   "X-RateLimit-Bucket": f"{abs(hash(kind)):x}"}
        if used >= most:
            error = Limited(seconds - (now - start), "user")
            error.headers = headers
            raise error
        return headers


class Rest:
    def __init__(self, world, gateway, stats, limits, answer_s):
        self.world, self.gateway, self.stats, self.limits = world, gateway, stats, limits
        self.token_s, self.answer_s, self.usual_answer_s = TOKEN_S, answer_s, answer_s
        self.typing = []
        self.limits_on = limits.on
        self.routes = [(re.compile(f"^{p}$"), m, f) for m, p, f in (
            ("GET", r"/users/@me", self.me),
            ("GET", r"/applications/@me", self.application),
            ("GET", r"/gateway/bot", self.gateway_bot),
            ("POST", r"/users/@me/channels", self.open_dm),
            ("GET", r"/channels/(\d+)", self.channel),
            ("PATCH", r"/channels/(\d+)", self.modify),
            ("GET", r"/channels/(\d+)/messages", self.history),
            ("POST", r"/channels/(\d+)/messages", self.send),
            ("PATCH", r"/channels/(\d+)/messages/(\d+)", self.edit),
            ("DELETE", r"/channels/(\d+)/messages/(\d+)", self.delete),
            ("POST", r"/channels/(\d+)/messages/(\d+)/threads", self.thread),
            ("POST", r"/channels/(\d+)/typing", self.type),
            ("GET", r"/applications/(\d+)/commands", self.list_commands),
            ("PUT", r"/applications/(\d+)/commands", self.put_commands),
            ("POST", r"/interactions/(\d+)/([\w.-]+)/callback", self.callback),
            ("POST", r"/webhooks/(\d+)/([\w.-]+)", self.follow_up),
            ("GET", r"/webhooks/(\d+)/([\w.-]+)/messages/@original", self.get_original),
            ("PATCH", r"/webhooks/(\d+)/([\w.-]+)/messages/@original", self.edit_original),
            ("DELETE", r"/webhooks/(\d+)/([\w.-]+)/messages/@original", self.delete_original))]

    def handle(self, request):
        """(status, body or None, headers)"""
        for pattern, method, function in self.routes:
            found = pattern.match(request.path)
            if found and method == request.method:
                break
        else:
            return 404, {"message": "404: Not Found", "code": 0}, {}
        if not AGENT.match(request.headers.get("user-agent", "")):
            self.stats.note(f"User-Agent {request.headers.get('user-agent')!r}")
        of_interaction = request.path.startswith(("/interactions/", "/webhooks/"))
        if not of_interaction and request.headers.get("authorization") != f"Bot {self.world.token}":
            return 401, {"message": "401: Unauthorized", "code": 0}, {}
        self.headers = {}
        for problem in official.wrong(request.method, request.path, request.json):
            self.stats.note(f"{request.method} {request.path}: {problem}, says Discord's own description")
        try:
            status, body = function(request, *found.groups())
        except Limited as e:
            self.stats.limited += 1
            self.stats.limited_by.append(f"{e.scope} {request.method} {request.path}")
            headers = {**getattr(e, "headers", {}), "Retry-After": f"{int(e.seconds) + 1}",
                       "X-RateLimit-Scope": e.scope}
            if e.scope == "global":
                headers["X-RateLimit-Global"] = "true"
            return 429, {"message": "You are being rate limited.", "retry_after": round(e.seconds, 3),
                         "global": e.scope == "global"}, headers
        except Bad as e:
            if e.code == 50035:
                self.stats.note(f"{request.method} {request.path}: {e.field}: {e}")
            return e.status, e.body(), self.headers
        return status, body, self.headers

    def take(self, kind, major=""):
        self.headers = self.limits.take(kind, major)

    def channel_of(self, channel_id, what=""):
        entry = self.world.channels.get(channel_id)
        if not entry:
            raise Bad("Unknown Channel", code=10003, status=404)
        if what in entry["forbid"]:
            code = entry["forbid"][what]
            words = {50001: "Missing Access", 50013: "Missing Permissions",
                     50007: "Cannot send messages to this user", 50278: "Cannot send messages to this user",
                     50083: "Thread is archived", 200000: "Message was blocked by automatic moderation",
                     240000: "Message blocked by harmful links filter"}
            raise Bad(words.get(code, "Forbidden"), code=code, status=400 if code >= 200000 or code == 50083 else 403)
        return entry["public"]

    # --- who we are

    def me(self, request):
        return 200, {**self.world.users[self.world.bot_id], "verified": True, "mfa_enabled": False, "flags": 0}

    def application(self, request):
        return 200, {"id": self.world.bot_id, "name": "Nexflow", "flags": 0, "bot_public": True,
                     "bot": self.world.users[self.world.bot_id]}

    def gateway_bot(self, request):
        g = self.gateway
        return 200, {"url": g.url, "shards": g.shards, "session_start_limit": {
            "total": 1000, "remaining": max(0, g.remaining), "reset_after": g.reset_after,
            "max_concurrency": g.max_concurrency}}

    def open_dm(self, request):
        self.take("dm")
        schema.known(request.json, "", {"recipient_id"}, ("recipient_id",))
        schema.snowflake(request.json["recipient_id"], "recipient_id")
        return 200, self.world.dm_with(request.json["recipient_id"])

    # --- channels

    def channel(self, request, channel_id):
        return 200, self.channel_of(channel_id)

    def modify(self, request, channel_id):
        channel = self.channel_of(channel_id, "manage")
        if "name" in request.json:
            self.take("channel_edit", channel_id)
        schema.check(channel["type"] == PUBLIC_THREAD, "only threads are known here", "type")
        schema.modify_thread(request.json)
        if "name" in request.json:
            channel["name"] = request.json["name"]
        if "archived" in request.json:
            channel["thread_metadata"]["archived"] = request.json["archived"]
            self.world.channels[channel_id]["forbid"] = {
                k: v for k, v in self.world.channels[channel_id]["forbid"].items() if v != 50083}
        self.gateway.emit("THREAD_UPDATE", lambda _: channel, channel["guild_id"])
        return 200, channel

    def thread(self, request, channel_id, message_id):
        parent = self.channel_of(channel_id, "thread")
        self.take("thread", channel_id)
        schema.thread(request.json)
        if parent["type"] not in (GUILD_TEXT, 5):
            raise Bad("Cannot execute action on this channel type", code=50024)
        if message_id not in self.world.messages[channel_id]:
            raise Bad("Unknown Message", code=10008, status=404)
        if message_id in self.world.channels:
            raise Bad("A thread has already been created for this message", code=160004)
        channel = self.world.add_channel(message_id, PUBLIC_THREAD, guild=parent["guild_id"], parent=channel_id,
                                         name=request.json["name"], owner=self.world.bot_id)
        self.gateway.emit("THREAD_CREATE", lambda _: {**channel, "newly_created": True}, parent["guild_id"])
        return 201, channel

    def type(self, request, channel_id):
        self.channel_of(channel_id, "send")
        self.take("typing", channel_id)
        self.typing.append((channel_id, time.time()))
        return 204, None

    # --- messages

    def history(self, request, channel_id):
        self.channel_of(channel_id, "read")
        self.take("messages", channel_id)
        schema.known(request.query, "", {"around", "before", "after", "limit"})
        schema.check(sum(k in request.query for k in ("around", "before", "after")) <= 1,
                     "only one of them", "after")
        limit = int(request.query.get("limit", 50))
        schema.integer(limit, "limit", 1, 100)
        ids = sorted(self.world.messages[channel_id], key=int)
        if "after" in request.query:
            schema.snowflake(request.query["after"], "after")
            ids = [i for i in ids if int(i) > int(request.query["after"])][:limit]
        elif "before" in request.query:
            ids = [i for i in ids if int(i) < int(request.query["before"])][-limit:]
        else:
            ids = ids[-limit:]
        return 200, [self.world.seen(self.world.messages[channel_id][i]) for i in reversed(ids)]

    def check_mentions(self, request, body):
        mentions = body.get("allowed_mentions")
        if mentions is None or mentions.get("parse") != [] or mentions.get("replied_user") is not False \
                or mentions.get("users") or mentions.get("roles"):
            self.stats.note(f"{request.method} {request.path}: somebody may be mentioned: {mentions}")

    def send(self, request, channel_id):
        w = self.world
        channel = self.channel_of(channel_id, "send")
        self.take("send", channel_id)
        body, files = request.json, request.files
        v2 = schema.create(body, files)
        self.check_mentions(request, body)
        if channel["type"] == FORUM:
            raise Bad("Cannot send messages in a non-text channel", code=50008)
        nonce = body.get("nonce")
        if nonce is not None and body.get("enforce_nonce"):
            known = w.nonces.get((channel_id, nonce))
            if known and time.monotonic() - known[1] < 300:
                return 200, w.seen(known[2])
        more = {"flags": body.get("flags") or 0, "components": body.get("components") or [],
                "attachments": self.attach(files), "_v2": v2, "_nonce": nonce,
                "_files": {n: d.decode("utf-8", "replace") for n, d in files.values()}}
        reference = body.get("message_reference")
        if reference:
            answered = w.messages[channel_id].get(reference["message_id"])
            if answered:
                more.update(type=19, message_reference={"message_id": answered["id"], "channel_id": channel_id},
                            referenced_message=w.seen(answered))
            elif reference.get("fail_if_not_exists", True):
                raise Bad("Unknown message", "message_reference")
        if channel["type"] == PUBLIC_THREAD and channel["thread_metadata"]["archived"]:
            channel["thread_metadata"]["archived"] = False
        message = w.add_message(channel_id, w.bot_id, (body.get("content") or "").strip(), **more)
        if nonce is not None:
            w.nonces[channel_id, nonce] = (message["id"], time.monotonic(), message)
        self.gateway.emit("MESSAGE_CREATE", lambda i: w.event_of(message, i), channel.get("guild_id"))
        return 200, {**w.seen(message), **({"nonce": nonce} if nonce is not None else {})}

    def attach(self, files):
        return [{"id": self.world.snowflake(), "filename": name, "size": len(data), "url": "", "proxy_url": ""}
                for name, data in files.values()]

    def own(self, channel_id, message_id):
        message = self.world.messages[channel_id].get(message_id)
        if not message:
            raise Bad("Unknown Message", code=10008, status=404)
        if message["author"]["id"] != self.world.bot_id:
            raise Bad("Cannot edit a message authored by another user", code=50005, status=403)
        return message

    def change(self, request, message):
        message["_v2"] = schema.edit(request.json, request.files, message.get("_v2", False))
        self.check_mentions(request, request.json)
        if "content" in request.json:
            message["content"] = (request.json["content"] or "").strip()
            self.world.note_mentions(message)
        if request.json.get("components") is not None:
            message["components"] = request.json["components"]
        if not message["content"] and not message["components"] and not message["attachments"]:
            raise Bad("Cannot send an empty message", code=50006)
        message["_edits"] = message.get("_edits", 0) + 1
        message["edited_timestamp"] = "2026-01-01T00:00:00+00:00"
        return 200, self.world.seen(message)

    def edit(self, request, channel_id, message_id):
        channel = self.channel_of(channel_id, "edit")
        self.take("edit", channel_id)
        message = self.own(channel_id, message_id)
        result = self.change(request, message)
        self.gateway.emit("MESSAGE_UPDATE", lambda i: self.world.event_of(message, i), channel.get("guild_id"))
        return result

    def delete(self, request, channel_id, message_id):
        self.channel_of(channel_id)
        self.take("delete", channel_id)
        self.own(channel_id, message_id)
        del self.world.messages[channel_id][message_id]
        return 204, None

    # --- commands and interactions

    def list_commands(self, request, app):
        self.take("commands")
        return 200, self.world.commands

    def put_commands(self, request, app):
        self.take("commands")
        schema.commands(request.json)
        self.world.command_puts += 1
        self.world.commands = [{"type": 1, "version": "1", "application_id": app, **c, "id": self.world.snowflake()}
                               for c in request.json]
        return 200, self.world.commands

    def interaction(self, token, answered=True):
        entry = self.world.interactions.get(token)
        if not entry or time.monotonic() - entry["at"] > self.token_s or (answered and not entry["type"]):
            raise Bad("Unknown Webhook" if answered else "Unknown interaction",
                      code=10015 if answered else 10062, status=404)
        return entry

    def reset(self):
        self.token_s, self.answer_s = TOKEN_S, self.usual_answer_s
        self.typing.clear()
        self.limits.on, self.limits.table = self.limits_on, dict(LIMITS)

    def callback(self, request, interaction_id, token):
        entry = self.interaction(token, False)
        schema.known(request.query, "", {"with_response"})
        schema.callback(request.json, entry["data"]["type"] == 3)
        if entry["type"]:
            raise Bad("Interaction has already been acknowledged.", code=40060)
        if time.monotonic() - entry["at"] > self.answer_s:
            raise Bad("Unknown interaction", code=10062, status=404)
        entry["type"], entry["answered"] = request.json["type"], time.monotonic() - entry["at"]
        data = request.json.get("data") or {}
        if entry["type"] in (4, 7):
            self.check_mentions(request, data)
        entry["ephemeral"] = bool((data.get("flags") or 0) & schema.EPHEMERAL)
        channel = entry["data"]["channel_id"]
        if entry["type"] in (4, 5):
            message = self.world.add_message(channel, self.world.bot_id, data.get("content", ""),
                                             flags=data.get("flags") or 0, _loading=entry["type"] == 5,
                                             _ephemeral=entry["ephemeral"], _interaction=interaction_id)
            entry["message"] = message
        elif entry["type"] == 7:
            request.json = data
            self.change(request, self.world.find_message(entry["data"]["message"]["id"]))
        return 204, None

    def original(self, token):
        entry = self.interaction(token)
        message = entry.get("message") or self.world.find_message(entry["data"].get("message", {}).get("id"))
        if not message or not self.world.find_message(message["id"]):
            raise Bad("Unknown Message", code=10008, status=404)
        return message

    def get_original(self, request, app, token):
        """Flag 1 << 7, LOADING: the bot is thinking ("Message Flags")."""
        message = self.original(token)
        seen = self.world.seen(message)
        return 200, {**seen, "flags": seen["flags"] | (message["_loading"] << 7)}

    def edit_original(self, request, app, token):
        message = self.original(token)
        result = self.change(request, message)
        message["_loading"] = False
        return result

    def delete_original(self, request, app, token):
        message = self.original(token)
        del self.world.messages[message["channel_id"]][message["id"]]
        return 204, None

    def follow_up(self, request, app, token):
        entry = self.interaction(token)
        schema.known(request.query, "", {"wait", "thread_id", "with_components"})
        v2 = schema.follow_up(request.json, request.files)
        self.check_mentions(request, request.json)
        flags = request.json.get("flags") or 0
        message = self.world.add_message(
            entry["data"]["channel_id"], self.world.bot_id, request.json.get("content") or "",
            components=request.json.get("components") or [], flags=flags, _v2=v2,
            _ephemeral=bool(flags & schema.EPHEMERAL))
        return 200, self.world.seen(message)
