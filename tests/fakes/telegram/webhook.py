"""Calls of a webhook, as the real server makes them (tdlib/telegram-bot-api, WebhookActor.cpp).

load_updates: twice max_connections updates are taken from the queue, in order. Messages and edited
messages of a chat are one queue (Client.cpp, process_new_message_queue), everything else a queue of
its own. send_update: the first of a queue is sent, and the next only when it was answered with 2xx
(drop_event); other queues do not wait. on_update_error: after the first failure it is sent again at
once or after Retry-After, then after 2, 4, 8 ... seconds. create_new_connections: one connection
until something was answered within the last ten seconds, then one for each queue, max_connections at
most; they are kept alive.
"""
import asyncio
import json
import time
import urllib.parse

ANSWER_S = 50    # create_connection: HttpOutboundConnection(..., 50, 60)
RESEND_MAX_S = 60
FRESH_S = 10


class Update:
    def __init__(self, update, queue):
        self.update, self.queue = update, queue
        self.delay, self.fails, self.wakeup = 1, 0, 0.0


def queue_of(update):
    message = update.get("message") or update.get("edited_message")
    return ("chat", message["chat"]["id"]) if message else ("own", update["update_id"])


class Pusher:
    def __init__(self, server, bot):
        self.server, self.bot = server, bot
        self.loaded = {}       # update_id: Update
        self.queues = {}       # queue: [Update], the first is or will be sent
        self.sending = set()   # queues
        self.workers = set()
        self.success = 0.0
        self.news = asyncio.Event()

    async def run(self):
        while self.bot.webhook["url"]:
            self.load()
            need = min(len(self.queues), self.bot.webhook.get("max_connections", 40))
            if time.monotonic() - self.success > FRESH_S:
                need = min(need, 1)
            while len(self.workers) < need:
                worker = asyncio.ensure_future(self.work())
                self.workers.add(worker)
                worker.add_done_callback(self.workers.discard)
            self.bot.news.clear()
            self.news.clear()
            waits = [asyncio.ensure_future(e.wait()) for e in (self.bot.news, self.news)]
            await asyncio.wait(waits, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
            for w in waits:
                w.cancel()
        for worker in self.workers:
            worker.cancel()
        self.bot.pusher = None

    def load(self):
        for update in list(self.bot.updates):
            if len(self.loaded) >= 2 * self.bot.webhook.get("max_connections", 40):
                return
            if update["update_id"] in self.loaded:
                continue
            one = Update(update, queue_of(update))
            self.loaded[update["update_id"]] = one
            self.queues.setdefault(one.queue, []).append(one)

    def ready(self):
        now = time.monotonic()
        heads = [q[0] for k, q in self.queues.items() if k not in self.sending and q[0].wakeup <= now]
        return min(heads, key=lambda u: u.wakeup, default=None)

    async def work(self):
        """One connection."""
        reader = writer = None
        try:
            while True:
                one = self.ready()
                if not one:
                    await asyncio.sleep(0.005)
                    continue
                self.sending.add(one.queue)
                try:
                    if not writer:
                        url = urllib.parse.urlsplit(self.bot.webhook["url"])
                        reader, writer = await asyncio.open_connection(url.hostname, url.port or 80)
                    status, keep = await asyncio.wait_for(self.post(reader, writer, one.update), ANSWER_S)
                except (OSError, ValueError, IndexError, asyncio.IncompleteReadError, asyncio.TimeoutError) as e:
                    status, keep = 0, False
                    self.failed(f"Webhook connection closed {type(e).__name__}")
                self.sending.discard(one.queue)
                self.answered(one, status)
                if not keep:
                    return
        finally:
            if writer:
                writer.close()

    async def post(self, reader, writer, update):
        url = urllib.parse.urlsplit(self.bot.webhook["url"])
        data = json.dumps(update).encode()
        secret = self.bot.webhook.get("secret_token")
        writer.write((f"POST {url.path or '/'} HTTP/1.1\r\nHost: {url.netloc}\r\n"
                      + (f"X-Telegram-Bot-Api-Secret-Token: {secret}\r\n" if secret else "")
                      + f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
                      "Connection: keep-alive\r\nAccept-Encoding: gzip, deflate\r\n\r\n").encode() + data)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        await reader.readexactly(int(headers.get("content-length", "0")))
        return int(lines[0].split(" ")[1]), headers.get("connection", "keep-alive") == "keep-alive"

    def failed(self, why):
        self.bot.webhook_error = (int(time.time()), why)

    def answered(self, one, status):
        self.server.counts[f"webhook {status}" if status else "webhook failed"] += 1
        if 200 <= status <= 299:
            self.success = time.monotonic()
            self.bot.updates.remove(one.update)
            self.bot.confirmed = one.update["update_id"]
            del self.loaded[one.update["update_id"]]
            queue = self.queues[one.queue]
            queue.pop(0)
            if not queue:
                del self.queues[one.queue]
        else:
            if status:
                self.failed(f"Wrong response from the webhook: {status}")
            if one.fails > 0:
                one.delay = min(RESEND_MAX_S, 2 * one.delay)
                one.wakeup = time.monotonic() + one.delay
            one.fails += 1
        self.news.set()
