"""Methods about messages, and about the bot itself."""
import json
import time

from schema import Bad, utf16
from world import Fail

UPLOAD_MAX = 50 << 20    # "sendDocument": up to 50 MB
KEEP = 200               # texts of one message that are kept
HIDDEN = ("texts", "times", "silent", "reply_to")  # ours, no fields of a message
NOT_MODIFIED = ("message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message")


class Messages:
    def chat_of(self, args):
        chat = self.chats.get(args["chat_id"])
        if not chat:
            raise Fail(400, "Bad Request: chat not found")
        if chat.moved_to:
            raise Fail(400, "Bad Request: group chat was upgraded to a supergroup chat",
                       migrate_to_chat_id=chat.moved_to)
        if chat.blocked:
            raise Fail(403, f"Forbidden: {chat.blocked}")
        thread = args.get("message_thread_id")
        if thread is not None and (chat.topics is None or thread not in chat.topics):
            raise Fail(400, "Bad Request: message thread not found")
        return chat

    def add_message(self, bot, chat, args, **content):
        reply = args.get("reply_parameters")
        if reply and reply["message_id"] not in chat.messages and not reply.get("allow_sending_without_reply"):
            raise Fail(400, "Bad Request: message to be replied not found")
        m = {"message_id": chat.next_id, "from": bot.user(), "chat": chat.public(),
             "date": int(time.time()), **content}
        chat.next_id += 1
        if args.get("message_thread_id"):
            m.update(message_thread_id=args["message_thread_id"], is_topic_message=True)
        if args.get("reply_markup"):
            m["reply_markup"] = args["reply_markup"]
        kept = {**m, "texts": [content.get("text", "")], "silent": args.get("disable_notification", False),
                "reply_to": (reply or {}).get("message_id"), "times": [time.time()]}
        chat.messages[m["message_id"]] = kept
        return m

    @staticmethod
    def text_of(args):
        text = args["text"]
        if not text.strip():
            raise Fail(400, "Bad Request: message text is empty")
        if utf16(text) > 4096:
            raise Fail(400, "Bad Request: message is too long")
        if "parse_mode" in args and args["parse_mode"] != "HTML":
            raise Fail(400, "Bad Request: can't parse entities: only HTML and entities are spoken here")
        return text

    async def do_sendmessage(self, bot, args):
        chat = self.chat_of(args)
        text = self.text_of(args)
        more = {"entities": args["entities"]} if args.get("entities") else {}
        return self.add_message(bot, chat, args, text=text, **more)

    async def do_sendmessagedraft(self, bot, args):
        chat = self.chat_of(args)
        if chat.kind != "private":
            raise Fail(400, "Bad Request: method is available only in private chats")
        if args["draft_id"] == 0:
            raise Fail(400, "Bad Request: draft_id must be non-zero")
        chat.drafts.append({"draft_id": args["draft_id"], "text": args["text"], "at": time.time(),
                            "can_stop": args.get("can_stop", False)})
        return True

    async def do_senddocument(self, bot, args):
        chat = self.chat_of(args)
        upload = args["document"]
        if isinstance(upload, str):
            if upload not in self.files:
                raise Fail(400, "Bad Request: wrong file identifier/HTTP URL specified")
            file = self.files[upload]
        else:
            if len(upload.data) > UPLOAD_MAX:
                raise Fail(413, "Request Entity Too Large")
            if not upload.data:
                raise Fail(400, "Bad Request: file must be non-empty")
            file = self.add_file(upload.name, upload.mime, upload.data)
        more = {"caption": args["caption"]} if args.get("caption") else {}
        if args.get("caption_entities"):
            more["caption_entities"] = args["caption_entities"]
        return self.add_message(bot, chat, args, document=file["public"], **more)

    def message_of(self, bot, args, what):
        chat = self.chat_of(args)
        m = chat.messages.get(args.get("message_id"))
        if not m or m.get("deleted"):
            raise Fail(400, f"Bad Request: message to {what} not found")
        if m["from"]["id"] != bot.id:
            raise Fail(400, f"Bad Request: message can't be {'edited' if what == 'edit' else 'deleted for everyone'}")
        return chat, m

    async def do_editmessagetext(self, bot, args):
        if "chat_id" not in args or "message_id" not in args:
            raise Fail(400, "Bad Request: message identifier is not specified")
        _, m = self.message_of(bot, args, "edit")
        text = self.text_of(args)
        same = (m.get("text") == text and m.get("entities", []) == args.get("entities", [])
                and m.get("reply_markup") == args.get("reply_markup"))
        if same:
            raise Fail(400, f"Bad Request: {NOT_MODIFIED}")
        m["text"] = text
        m["texts"] = (m["texts"] + [text])[-KEEP:]
        m["times"] = (m["times"] + [time.time()])[-KEEP:]
        for key in ("entities", "reply_markup"):
            m.pop(key, None)
            if args.get(key):
                m[key] = args[key]
        return {k: v for k, v in m.items() if k not in HIDDEN}

    async def do_editmessagereplymarkup(self, bot, args):
        _, m = self.message_of(bot, args, "edit")
        if m.get("reply_markup") == args.get("reply_markup"):
            raise Fail(400, f"Bad Request: {NOT_MODIFIED}")
        m.pop("reply_markup", None)
        if args.get("reply_markup"):
            m["reply_markup"] = args["reply_markup"]
        return {k: v for k, v in m.items() if k not in HIDDEN}

    async def do_deletemessage(self, bot, args):
        _, m = self.message_of(bot, args, "delete")
        m["deleted"] = True
        return True

    async def do_sendchataction(self, bot, args):
        self.chat_of(args).actions[args["action"]] += 1
        return True

    async def do_setmessagereaction(self, bot, args):
        self.chat_of(args)
        return True

    async def do_getchat(self, bot, args):
        return self.chat_of(args).public()

    async def do_editforumtopic(self, bot, args):
        self.chat_of(args)
        return True

    async def do_answercallbackquery(self, bot, args):
        known = self.answers.get(args["callback_query_id"])
        if not known or known.get("answered") is not None:
            raise Fail(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        known["answered"] = args.get("text", "")
        return True

    # --- the bot itself ---------------------------------------------------------------------------

    async def do_getme(self, bot, args):
        return {**bot.user(), "can_join_groups": True, "can_read_all_group_messages": False,
                "supports_inline_queries": False, "has_topics_enabled": bot.topics_enabled}

    async def do_logout(self, bot, args):
        return True

    do_close = do_logout

    async def do_setmycommands(self, bot, args):
        key = json.dumps([args.get("scope", {"type": "default"}), args.get("language_code", "")])
        names = [c["command"] for c in args["commands"]]
        if len(set(names)) != len(names):
            raise Bad("a command stands twice")
        bot.commands[key] = args["commands"]
        return True

    async def do_deletemycommands(self, bot, args):
        bot.commands.pop(json.dumps([args.get("scope", {"type": "default"}), args.get("language_code", "")]), None)
        return True

    async def do_getmycommands(self, bot, args):
        return bot.commands.get(json.dumps([args.get("scope", {"type": "default"}), args.get("language_code", "")]), [])
