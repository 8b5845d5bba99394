"""What there is: chats, bots, what is sent, and what goes wrong."""
import asyncio
import collections


class Upload:
    def __init__(self, name, mime, data):
        self.name, self.mime, self.data = name, mime, data


class Fail(Exception):
    def __init__(self, status, description, **parameters):
        super().__init__(description)
        self.status, self.description, self.parameters = status, description, parameters


class Cut(Exception):
    """Close the connection without an answer."""


class Page(Exception):
    """Of something between that is no Bot API server."""


class Chat:
    def __init__(self, chat_id, kind=None, title=""):
        self.id = chat_id
        self.kind = kind or ("private" if chat_id > 0 else "supergroup")
        self.title = title
        self.next_id = 1
        self.messages = collections.OrderedDict()
        self.blocked = ""       # description of the 403
        self.moved_to = 0       # migrate_to_chat_id
        self.topics = None      # ids of those there are; None: not a forum
        self.first_name = "Anna"
        self.actions = collections.Counter()
        self.drafts = []

    def public(self):
        if self.kind == "private":
            return {"id": self.id, "type": "private", "first_name": self.first_name}
        one = {"id": self.id, "type": self.kind, "title": self.title or "Group"}
        if self.topics is not None:
            one["is_forum"] = True
        return one


class Bot:
    def __init__(self, token, username="nexflow_test_bot"):
        self.token = token
        self.id = int(token.split(":")[0])
        self.username = username
        self.topics_enabled = False
        self.updates = collections.deque()
        self.next_update = 1
        self.allowed = None
        self.webhook = {"url": ""}
        self.waiting = None  # the future of the poll that waits
        self.webhook_error = None  # when, and what
        self.commands = {}
        self.news = asyncio.Event()
        self.pusher = None
        self.confirmed = 0

    def user(self):
        return {"id": self.id, "is_bot": True, "first_name": "Nexflow", "username": self.username}


class Fault:
    """{"method", "kind", "times", "chance", "after", ...}: see README."""

    def __init__(self, spec):
        self.method = spec.get("method", "*").lower()
        self.kind = spec["kind"]
        self.times = spec.get("times", 1)
        self.chance = spec.get("chance", 1.0)
        self.chat, self.message = spec.get("chat"), spec.get("message")
        self.spec = spec
        self.hits = 0

    def applies(self, method, chat, message, dice):
        if self.times == 0 or self.method not in ("*", method):
            return False
        if self.chat not in (None, chat) or self.message not in (None, message):
            return False
        if self.chance < 1 and dice.random() >= self.chance:
            return False
        self.times -= 1
        self.hits += 1
        return True
