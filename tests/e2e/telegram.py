"""The fake Bot API server (tests/fakes/telegram), driven from tests."""
import base64
import http.client
import json
import subprocess
import sys
import time

import nexflow

TOKEN = "1000001:TEST-token_for-the-fake"


class Telegram:
    def __init__(self, *options, token=TOKEN):
        self.token = token
        self.process = subprocess.Popen(
            [sys.executable, "-B", nexflow.TOP / "tests/fakes/telegram/server.py", "--token", token, *options],
            stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    @property
    def base(self):
        return f"http://127.0.0.1:{self.port}"

    def yaml(self, name="telegram", token=None, **more):
        """An item of channels.telegram."""
        keys = {"name": name, "token": f'"{token or self.token}"', "api_base": f'"{self.base}"', **more}
        return "{" + ", ".join(f"{k}: {v}" for k, v in keys.items()) + "}"

    def call(self, what, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=nexflow.WAIT_S)
        connection.request("POST", f"/_{what}", json.dumps({} if body is None else body))
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        assert answer.status == 200, text
        return json.loads(text)

    def say(self, text=None, chat=1001, **more):
        if text is not None:
            more["text"] = text
        return self.call("say", {"chat": chat, **({"from": chat} if chat > 0 else {}), **more})

    def press(self, chat, message_id, button, **more):
        return self.call("press", {"chat": chat, "message_id": message_id, "button": button, **more})["id"]

    def fault(self, kind, method="*", **more):
        self.call("fault", {"kind": kind, "method": method, **more})

    def file(self, data, name="file", mime="application/octet-stream", **more):
        return self.call("file", {"data": base64.b64encode(data).decode(), "name": name, "mime": mime, **more})

    def state(self, chat=None):
        return self.call("state", {"chat": chat} if chat is not None else {})

    def stats(self):
        return self.call("stats")

    def messages(self, chat=1001):
        """What the bot shows in a chat, oldest first."""
        all_of = self.state(chat)["chats"].get(str(chat), {"messages": []})["messages"]
        return [m for m in all_of if m["from"]["is_bot"] and not m.get("deleted")]

    def texts(self, chat=1001):
        return [m.get("text", "") for m in self.messages(chat)]

    def until(self, condition, seconds=nexflow.WAIT_S, what="it"):
        """Wait for `condition` to hold; its value."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"{what}: not within {seconds} s")

    def answer(self, text, chat=1001, seconds=nexflow.WAIT_S):
        """Wait until the chat shows a message with `text` in it; that message."""
        def look():
            return next((m for m in self.messages(chat) if text in m.get("text", "")), None)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            m = look()
            if m:
                return m
            time.sleep(0.05)
        raise AssertionError(f"no {text!r} in {self.texts(chat)}")

    def log(self, method=None):
        return [c for c in self.call("log") if method in (None, c["method"])]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
