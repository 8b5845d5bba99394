"""Users, guilds, channels and messages, and what they look like to a bot."""
import re
import time

EPOCH_MS = 1420070400000  # "Snowflakes" of the reference
MESSAGE_CONTENT = 1 << 15
GUILD_TEXT, DM, PUBLIC_THREAD, FORUM = 0, 1, 11, 15


class World:
    def __init__(self, token):
        self.token = token
        self.last_id = 0
        self.bot_id = "1000"
        self.users = {"1000": {"id": "1000", "username": "nexflow", "discriminator": "0000",
                               "global_name": None, "avatar": None, "bot": True}}
        self.guilds = {}
        self.channels = {}
        self.messages = {}  # of a channel: {id: message}
        self.nonces = {}
        self.commands = []
        self.command_puts = 0
        self.interactions = {}
        self.content_allowed = False  # the toggle of the developer portal
        self.gateway = None
        self.add_guild("500", "Guild")
        self.add_channel("501", GUILD_TEXT, guild="500", name="general")

    def reset(self):
        """Messages and threads go; people, channels and commands stay."""
        for channel_id in [i for i, c in self.channels.items() if c["public"]["type"] == PUBLIC_THREAD]:
            del self.channels[channel_id]
        for entry in self.channels.values():
            entry["forbid"].clear()
        self.messages = {i: {} for i in self.channels}
        self.interactions = {}  # nonces stay: what was under way may be sent again

    def snowflake(self):
        made = int(time.time() * 1000) - EPOCH_MS << 22
        self.last_id = max(made, self.last_id + 1)
        return str(self.last_id)

    def add_user(self, user_id, name=None):
        return self.users.setdefault(user_id, {
            "id": user_id, "username": (name or "user" + user_id).lower(), "discriminator": "0",
            "global_name": name, "avatar": None})

    def add_guild(self, guild_id, name):
        self.guilds[guild_id] = {"id": guild_id, "name": name, "owner_id": "1", "roles": [], "emojis": []}

    def add_channel(self, channel_id, kind, guild=None, parent=None, name="", recipient=None, owner=None):
        channel = {"id": channel_id, "type": kind, "last_message_id": None, "flags": 0}
        if guild:
            channel.update(guild_id=guild, name=name, parent_id=parent, position=0,
                           permission_overwrites=[])
        if recipient:
            channel["recipients"] = [self.users[recipient]]
        if kind == PUBLIC_THREAD:
            channel.update(owner_id=owner, message_count=0, member_count=1, thread_metadata={
                "archived": False, "auto_archive_duration": 1440, "locked": False,
                "archive_timestamp": "2026-01-01T00:00:00+00:00"})
        self.channels[channel_id] = {"public": channel, "forbid": {}}
        self.messages.setdefault(channel_id, {})
        return channel

    def dm_with(self, user_id):
        for entry in self.channels.values():
            channel = entry["public"]
            if channel["type"] == DM and channel["recipients"][0]["id"] == user_id:
                return channel
        self.add_user(user_id)
        return self.add_channel(self.snowflake(), DM, recipient=user_id)

    def is_guild(self, channel_id):
        return "guild_id" in self.channels[channel_id]["public"]

    def add_message(self, channel_id, author, content="", **more):
        message = {
            "id": self.snowflake(), "channel_id": channel_id, "author": self.users[author],
            "content": content, "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000000+00:00", time.gmtime()),
            "edited_timestamp": None, "tts": False, "mention_everyone": False, "mentions": [],
            "mention_roles": [], "attachments": [], "embeds": [], "pinned": False, "type": 0, "flags": 0,
            "components": []}
        message.update(more)
        self.note_mentions(message)
        self.messages[channel_id][message["id"]] = message
        self.channels[channel_id]["public"]["last_message_id"] = message["id"]
        return message

    def note_mentions(self, message):
        for user in self.users.values():
            if re.search(rf"(?<!\\)<@{user['id']}>", message["content"]) and user not in message["mentions"]:
                message["mentions"].append(user)

    def find_message(self, message_id):
        for channel in self.messages.values():
            if message_id in channel:
                return channel[message_id]
        return None

    def seen(self, message, intents=None):
        """The message as the bot gets it: without what only MESSAGE_CONTENT shows ("Message Content
        Intent"). Over REST the toggle decides, over the gateway the intents of the session."""
        readable = self.content_allowed if intents is None else intents & MESSAGE_CONTENT
        mine = message["author"]["id"] == self.bot_id
        mentioned = any(u["id"] == self.bot_id for u in message["mentions"])
        result = {k: v for k, v in message.items() if not k.startswith("_")}
        if not (readable or mine or mentioned or not self.is_guild(message["channel_id"])):
            result.update(content="", attachments=[], embeds=[], components=[])
        return result

    def event_of(self, message, intents):
        result = self.seen(message, intents)
        if self.is_guild(message["channel_id"]):
            result["guild_id"] = self.channels[message["channel_id"]]["public"]["guild_id"]
            result["member"] = {"roles": [], "nick": None}
        return result

    def guild_event(self, guild_id):
        channels = [c["public"] for c in self.channels.values() if c["public"].get("guild_id") == guild_id]
        return {**self.guilds[guild_id], "joined_at": "2026-01-01T00:00:00+00:00", "large": False,
                "unavailable": False, "member_count": 3, "members": [], "presences": [],
                "channels": [c for c in channels if c["type"] != PUBLIC_THREAD],
                "threads": [c for c in channels if c["type"] == PUBLIC_THREAD
                            and not c["thread_metadata"]["archived"]]}
