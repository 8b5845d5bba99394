"""What tests ask for: see ../README.md."""
import base64
import json
import time

import limits
from messages import HIDDEN
from schema import utf16
from world import Bot, Chat, Fault


class Control:
    async def control(self, writer, method, path, raw):
        body = json.loads(raw) if raw else {}
        action = getattr(self, "on_" + path[2:], None)
        if not action:
            await self.reply(writer, 404, {"error": f"no {path}: see README.md"})
            return
        await self.reply(writer, 200, action(body) or {})

    def bot_of(self, body):
        return self.bots[body["token"]] if "token" in body else next(iter(self.bots.values()))

    def on_bot(self, body):
        bot = self.bots.setdefault(body["token"], Bot(body["token"], body.get("username", "nexflow_test_bot")))
        bot.topics_enabled = body.get("topics", False)
        if body.get("revoked"):
            del self.bots[body["token"]]

    def on_chat(self, body):
        chat = self.chats.setdefault(body["id"], Chat(body["id"], body.get("type"), body.get("title", "")))
        for key in ("blocked", "moved_to", "topics"):
            if key in body:
                setattr(chat, key, body[key])

    def person(self, account, name=None, lang=None):
        user = {"id": account, "is_bot": False, "first_name": name or "Anna"}
        if lang:
            user["language_code"] = lang
        return user

    def say(self, body):
        bot = self.bot_of(body)
        account = body.get("from", 1001)
        chat = self.chats.setdefault(body.get("chat", account), Chat(body.get("chat", account)))
        m = {"message_id": chat.next_id, "from": self.person(account, body.get("name"), body.get("lang")),
             "chat": chat.public(), "date": int(time.time())}
        if body.get("edit"):
            m["message_id"] = body["edit"]
            m["edit_date"] = m["date"]
        else:
            chat.next_id += 1
        for key in ("text", "caption", "entities", "caption_entities", "photo", "document", "voice",
                    "video", "sticker", "location", "media_group_id", "message_thread_id", "is_topic_message",
                    "migrate_to_chat_id", "migrate_from_chat_id", "reply_to_message"):
            if key in body:
                m[key] = body[key]
        if body.get("reply_to"):
            r = chat.messages[body["reply_to"]]
            m["reply_to_message"] = {k: v for k, v in r.items() if k not in HIDDEN}
        text = m.get("text", "")
        if text.startswith("/") and "entities" not in m:
            m["entities"] = [{"type": "bot_command", "offset": 0, "length": utf16(text.split()[0])}]
        chat.messages[m["message_id"]] = {**m, "texts": [text], "times": [time.time()]}
        update = {("edited_message" if body.get("edit") else "message"): m}
        if "update_id" in body:
            update["update_id"] = body["update_id"]
        uid = self.push(bot, update)
        for _ in range(body.get("duplicates", 0)):
            self.push(bot, {**update, "update_id": uid})
        return {"update_id": uid, "message_id": m["message_id"]}

    def on_say(self, body):
        if isinstance(body, list):
            return [self.say(b) for b in body]
        return self.say(body)

    def on_press(self, body):
        query = f"q{self.next_query}"
        self.next_query += 1
        chat = self.chats[body["chat"]]
        m = chat.messages[body["message_id"]]
        data = body.get("data")
        if data is None:
            rows = m["reply_markup"]["inline_keyboard"]
            data = next(b["callback_data"] for row in rows for b in row if body["button"] in b["text"])
        self.answers[query] = {"answered": None}
        shown = {k: v for k, v in m.items() if k not in HIDDEN}
        self.push(self.bot_of(body), {"callback_query": {
            "id": query, "from": self.person(body.get("from", chat.id)), "message": shown,
            "chat_instance": "1", "data": data}})
        return {"id": query}

    def on_update(self, body):
        return {"update_id": self.push(self.bot_of(body), body["update"])}

    def on_file(self, body):
        data = base64.b64decode(body.get("data", "")).ljust(body.get("fill", 0), b"\0")
        return self.add_file(body.get("name", "file"), body.get("mime", "application/octet-stream"), data,
                             body.get("size"))["public"]

    def on_upload(self, body):
        return {"data": base64.b64encode(self.files[body["file_id"]]["data"]).decode()}

    def on_fault(self, body):
        if isinstance(body, list):
            self.faults += [Fault(b) for b in body]
        else:
            self.faults.append(Fault(body))

    def on_calm(self, body):
        self.faults.clear()

    def on_release(self, body):
        self.released.set()

    def on_limits(self, body):
        self.limits = limits.Limits(body.get("per_second", 30), body.get("enforce", True))

    def on_log(self, body):
        out = list(self.log)
        if body.get("clear"):
            self.log.clear()
        return out

    def on_state(self, body):
        return {"chats": {str(c.id): {"messages": list(c.messages.values()), "actions": dict(c.actions),
                                      "drafts": c.drafts} for c in self.chats.values()
                          if "chat" not in body or c.id == body["chat"]},
                "bots": {t: {"commands": b.commands, "webhook": b.webhook, "pending": len(b.updates),
                             "confirmed": b.confirmed, "next": b.next_update, "allowed": b.allowed}
                         for t, b in self.bots.items()},
                "answers": self.answers}

    def on_stats(self, body):
        return {"counts": dict(self.counts), "injected": dict(self.injected), "violations": self.violations,
                "peak_per_second": self.limits.peak_all,
                "pending": {t: len(b.updates) for t, b in self.bots.items()}}
