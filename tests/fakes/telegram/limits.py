"""How much a bot may send.

Source: https://core.telegram.org/bots/faq, "My bot is hitting limits, how do I avoid this?": in a
single chat no more than one message a second, short bursts may pass; in a group no more than 20
messages a minute; in bulk about 30 messages a second (up to 1000 for who pays). An edit counts as
a message (exact figures are not published; retry_after is what counts).
"""
import collections
import math
import time

BURST = 5  # what "short bursts" is here
COUNTED = {"sendMessage", "sendDocument", "editMessageText", "editMessageReplyMarkup"}


class Limits:
    def __init__(self, per_second=30, enforce=True):
        self.enforce = enforce
        self.per_second = per_second
        self.all = collections.deque()  # times of the last second
        self.chats = {}  # private: [level, time]; group: a deque of times
        self.peak_all = 0

    def refuse(self, chat_id, now=None):
        """Seconds to wait, or 0 and it counts."""
        if not self.enforce:
            return 0
        now = time.monotonic() if now is None else now
        while self.all and self.all[0] <= now - 1:
            self.all.popleft()
        if len(self.all) >= self.per_second:
            return max(1, math.ceil(self.all[0] + 1 - now))
        wait = self.group(chat_id, now) if chat_id < 0 else self.private(chat_id, now)
        if wait:
            return wait
        self.all.append(now)
        self.peak_all = max(self.peak_all, len(self.all))
        return 0

    def private(self, chat_id, now):
        level, at = self.chats.get(chat_id, (0.0, now))
        level = max(0.0, level - (now - at))
        if level + 1 > BURST:
            self.chats[chat_id] = (level, now)
            return max(1, math.ceil(level + 1 - BURST))
        self.chats[chat_id] = (level + 1, now)
        return 0

    def group(self, chat_id, now):
        times = self.chats.setdefault(chat_id, collections.deque())
        while times and times[0] <= now - 60:
            times.popleft()
        if len(times) >= 20:
            return max(1, math.ceil(times[0] + 60 - now))
        times.append(now)
        return 0
