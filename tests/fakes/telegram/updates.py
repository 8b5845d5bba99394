"""Updates, by polling and by webhook."""
import asyncio
import time
import urllib.parse

import webhook
from world import Fail


class Updates:
    def push(self, bot, update):
        kind = next(k for k in update if k != "update_id")
        if bot.allowed and kind not in bot.allowed:
            return 0
        update.setdefault("update_id", bot.next_update)
        bot.next_update = max(bot.next_update, update["update_id"] + 1)
        bot.updates.append(update)
        bot.news.set()
        return update["update_id"]

    async def do_getupdates(self, bot, args):
        if bot.webhook["url"]:
            raise Fail(409, "Conflict: can't use getUpdates method while webhook is active; use "
                            "deleteWebhook to delete the webhook first")
        if "allowed_updates" in args:
            bot.allowed = args["allowed_updates"] or None
        offset = args.get("offset", 0)
        if offset < 0:
            while len(bot.updates) > -offset:
                bot.updates.popleft()
        while bot.updates and bot.updates[0]["update_id"] < offset:
            bot.confirmed = bot.updates.popleft()["update_id"]
        if bot.waiting and not bot.waiting.done():
            bot.waiting.set_result("409")
        mine = bot.waiting = asyncio.get_running_loop().create_future()
        end = time.monotonic() + min(args.get("timeout", 0), 50)
        while not bot.updates and time.monotonic() < end:
            bot.news.clear()
            waiter = asyncio.ensure_future(bot.news.wait())
            await asyncio.wait({waiter, mine}, timeout=end - time.monotonic(),
                               return_when=asyncio.FIRST_COMPLETED)
            waiter.cancel()
            if mine.done():
                raise Fail(409, "Conflict: terminated by other getUpdates request; make sure that only "
                                "one bot instance is running")
        if bot.waiting is mine:
            bot.waiting = None
        found = list(bot.updates)[:args.get("limit", 100)]
        if found and self.options.duplicates and self.dice.random() < self.options.duplicates:
            found = found + [found[0]]
        return found

    async def do_setwebhook(self, bot, args):
        url = urllib.parse.urlsplit(args["url"])
        # "Using a Local Bot API Server": an HTTP URL and any port are for a server of one's own.
        if args["url"] and not self.options.local:
            if url.scheme != "https":
                raise Fail(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
            if (url.port or 443) not in (443, 80, 88, 8443):
                raise Fail(400, "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
        bot.webhook = {**args, "drop": args.get("drop_pending_updates", False)}
        if args.get("drop_pending_updates"):
            bot.updates.clear()
        if "allowed_updates" in args:
            bot.allowed = args["allowed_updates"] or None
        if bot.waiting and not bot.waiting.done():
            bot.waiting.set_result("409")
        if args["url"] and not bot.pusher:
            bot.pusher = asyncio.ensure_future(webhook.Pusher(self, bot).run())
        return True

    async def do_deletewebhook(self, bot, args):
        bot.webhook = {"url": ""}
        if args.get("drop_pending_updates"):
            bot.updates.clear()
        return True

    async def do_getwebhookinfo(self, bot, args):
        last = {}
        if bot.webhook_error:
            last = {"last_error_date": bot.webhook_error[0], "last_error_message": bot.webhook_error[1]}
        return {"url": bot.webhook["url"], "has_custom_certificate": False,
                "pending_update_count": len(bot.updates), **last}
