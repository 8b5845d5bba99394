#!/usr/bin/python3
"""A language-model provider that does what it is told, for tests. See README.md.

Speaks OpenAI chat completions, Anthropic messages and Ollama chat on one port, on raw sockets, so
that every byte and every cut is under control.
"""
import argparse
import asyncio
import json
import sys

LOG_MAX = 20000
BODY_MAX = 64 << 20
HANG_S = 3600

PRESETS = {
    "echo": {},
    "slow": {"delay": 0.2},
    "think": {"thinking": "Let me think.", "signature": "c2lnbmF0dXJl"},
    "tools": {"call_offered": True},
    "parallel": {
        "tools": [{"name": "alpha", "args": {"n": 1}}, {"name": "beta", "args": {"n": 2}}],
        "interleave": True,
    },
    "long": {"text": "word " * 2000},
    "badrequest": {"status": 400, "error": "invalid_request_error", "message": "the request is bad"},
    "toolong": {"status": 400, "error": "invalid_request_error", "message": "prompt is too long: 9 > 8"},
    "denied": {"status": 401, "error": "authentication_error", "message": "invalid key"},
    "missing": {"status": 404, "error": "not_found_error", "message": "no such model"},
    "ratelimit": {"status": 429, "error": "rate_limit_error", "headers": {"Retry-After": "1"}},
    "down": {"status": 503, "error": "api_error", "message": "down for maintenance"},
    "overloaded": {"status": 529, "error": "overloaded_error", "message": "Overloaded"},
    "midstream": {"error_after": 1, "error": "overloaded_error", "message": "Overloaded"},
    "cut": {"cut": 300},
    "nomark": {"omit_end": True},
    "hanghead": {"hang": "head"},
    "hangfirst": {"hang": "first"},
    "hangmid": {"hang": "mid"},
    "garbage": {"raw": "\x00\xff\xfe{]data: nonsense\n\n", "text": ""},
    "html": {"raw": "<html>It works!</html>", "content_type": "text/html"},
    "huge": {"huge": 9 << 20},
    "empty": {"text": ""},
}


class Closed(Exception):
    pass


def script_of(model):
    """PRESET or PRESET;key=value;key=value, where values are JSON or plain text."""
    name, *pairs = model.split(";")
    script = dict(PRESETS.get(name.split("/")[-1], {}))
    for pair in pairs:
        key, _, value = pair.partition("=")
        try:
            script[key] = json.loads(value)
        except ValueError:
            script[key] = value
    return script


# --- what was asked ------------------------------------------------------------------------------


def text_of(content):
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = []
    for part in content:
        if part.get("type") == "text":
            texts.append(part["text"])
        elif part.get("type") == "tool_result":
            texts.append("result " + text_of(part.get("content", "")))
    return "\n".join(texts)


def last_message(body):
    messages = body.get("messages") or [{}]
    last = messages[-1]
    content = last.get("content", "")
    is_result = last.get("role") == "tool" or (
        isinstance(content, list) and any(p.get("type") == "tool_result" for p in content)
    )
    text = text_of(content)
    return ("result " + text if last.get("role") == "tool" else text), is_result


def offered_tools(body):
    return [t.get("name") or t.get("function", {}).get("name") for t in body.get("tools", [])]


def answer_of(script, body):
    """(thinking, pieces of text, tool calls) that a script gives to a request."""
    said, is_result = last_message(body)
    tools = list(script.get("tools", []))
    if script.get("call_offered") and not is_result and offered_tools(body):
        tools = [{"name": offered_tools(body)[0], "args": script.get("args", {})}]
    if is_result and not script.get("always_call"):
        tools = []
    text = script.get("text")
    if text is None:
        text = "" if tools else "echo: " + said
    pieces = script.get("pieces")
    if pieces is None:
        size = script.get("piece", 0)
        if size:
            pieces = [text[i : i + size] for i in range(0, len(text), size)]
        else:
            words = text.split(" ")
            pieces = [w + " " for w in words[:-1]] + words[-1:]
    for i, tool in enumerate(tools):
        tool.setdefault("id", "call_%d" % (i + 1))
        args = tool.get("args", {})
        tool["json"] = args if isinstance(args, str) else json.dumps(args)
    return script.get("thinking", ""), [p for p in pieces if p], tools


def usage_of(script, pieces):
    usage = {"input": 10, "output": len(pieces), "cache_read": 0, "cache_write": 0}
    usage.update(script.get("usage", {}))
    return usage


def fragments(text):
    """A call's arguments in two pieces, as providers send them."""
    half = len(text) // 2
    return [f for f in (text[:half], text[half:]) if f]


def tool_fragments(tools, interleave):
    """(number of the tool, fragment) in the order in which they are sent."""
    lists = [[(i, f) for f in fragments(t["json"])] for i, t in enumerate(tools)]
    if not interleave:
        return [x for one in lists for x in one]
    out = []
    while any(lists):
        for one in lists:
            if one:
                out.append(one.pop(0))
    return out


# --- streams: lists of events as bytes ------------------------------------------------------------


def sse(obj, event=None):
    head = "event: %s\n" % event if event else ""
    return (head + "data: " + json.dumps(obj, ensure_ascii=False) + "\n\n").encode()


def openai_stream(script, body, model):
    thinking, pieces, tools = answer_of(script, body)
    usage = usage_of(script, pieces)

    def chunk(delta, finish=None):
        return sse({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model,
                    "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    yield chunk({"role": "assistant", "content": ""})
    if thinking:
        yield chunk({"reasoning_content": thinking})
    for piece in pieces:
        yield chunk({"content": piece})
    for i, tool in enumerate(tools):
        yield chunk({"tool_calls": [{"index": i, "id": tool["id"], "type": "function",
                                     "function": {"name": tool["name"], "arguments": ""}}]})
    for i, fragment in tool_fragments(tools, script.get("interleave")):
        yield chunk({"tool_calls": [{"index": i, "function": {"arguments": fragment}}]})
    yield chunk({}, script.get("stop") or ("tool_calls" if tools else "stop"))
    if (body.get("stream_options") or {}).get("include_usage"):
        yield sse({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model,
                   "choices": [], "usage": {
                       "prompt_tokens": usage["input"] + usage["cache_read"] + usage["cache_write"],
                       "completion_tokens": usage["output"],
                       "prompt_tokens_details": {"cached_tokens": usage["cache_read"]}}})
    yield b"data: [DONE]\n\n"


def anthropic_stream(script, body, model):
    thinking, pieces, tools = answer_of(script, body)
    usage = usage_of(script, pieces)
    index = 0

    def event(obj):
        return sse(obj, obj["type"])

    def block(kind):
        return event({"type": "content_block_start", "index": index, "content_block": kind})

    def delta(at, kind):
        return event({"type": "content_block_delta", "index": at, "delta": kind})

    yield event({"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": {
            "input_tokens": usage["input"], "cache_read_input_tokens": usage["cache_read"],
            "cache_creation_input_tokens": usage["cache_write"], "output_tokens": 1}}})
    yield event({"type": "ping"})
    if thinking:
        yield block({"type": "thinking", "thinking": "", "signature": ""})
        yield delta(index, {"type": "thinking_delta", "thinking": thinking})
        yield delta(index, {"type": "signature_delta", "signature": script.get("signature", "c2ln")})
        yield event({"type": "content_block_stop", "index": index})
        index += 1
    if pieces:
        yield block({"type": "text", "text": ""})
        for piece in pieces:
            yield delta(index, {"type": "text_delta", "text": piece})
        yield event({"type": "content_block_stop", "index": index})
        index += 1
    for tool in tools:
        yield block({"type": "tool_use", "id": tool["id"], "name": tool["name"], "input": {}})
        yield delta(index, {"type": "input_json_delta", "partial_json": ""})
        for fragment in fragments(tool["json"]):
            yield delta(index, {"type": "input_json_delta", "partial_json": fragment})
        yield event({"type": "content_block_stop", "index": index})
        index += 1
    yield event({"type": "message_delta", "delta": {
        "stop_reason": script.get("stop") or ("tool_use" if tools else "end_turn"),
        "stop_sequence": None}, "usage": {"output_tokens": usage["output"]}})
    yield event({"type": "message_stop"})


def ollama_stream(script, body, model):
    thinking, pieces, tools = answer_of(script, body)
    usage = usage_of(script, pieces)

    def line(message, **more):
        obj = {"model": model, "created_at": "2026-01-01T00:00:00Z",
               "message": {"role": "assistant", **message}, "done": False, **more}
        return json.dumps(obj, ensure_ascii=False).encode() + b"\n"

    if thinking:
        yield line({"content": "", "thinking": thinking})
    for piece in pieces:
        yield line({"content": piece})
    if tools:
        yield line({"content": "", "tool_calls": [
            {"function": {"name": t["name"], "arguments": json.loads(t["json"])}} for t in tools]})
    yield line({"content": ""}, done=True, done_reason=script.get("stop", "stop"), total_duration=1,
               prompt_eval_count=usage["input"], eval_count=usage["output"])


def openai_error(status, script):
    return {"error": {"message": script.get("message", "failed"), "type": script.get("error", "api_error"),
                      "param": None, "code": script.get("code")}}


def anthropic_error(status, script):
    return {"type": "error", "error": {"type": script.get("error", "api_error"),
                                       "message": script.get("message", "failed")}, "request_id": "req_1"}


def ollama_error(status, script):
    return {"error": script.get("message", "failed")}


PROTOCOLS = {
    "/chat/completions": (openai_stream, openai_error, "text/event-stream"),
    "/messages": (anthropic_stream, anthropic_error, "text/event-stream"),
    "/api/chat": (ollama_stream, ollama_error, "application/x-ndjson"),
}


def whole_answer(path, script, body, model):
    """The same answer as one JSON object, for clients that do not stream."""
    thinking, pieces, tools = answer_of(script, body)
    usage, text = usage_of(script, pieces), "".join(pieces)
    if path.endswith("/messages"):
        content = [{"type": "text", "text": text}] if text else []
        content += [{"type": "tool_use", "id": t["id"], "name": t["name"], "input": json.loads(t["json"])}
                    for t in tools]
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": content,
                "stop_reason": "tool_use" if tools else "end_turn", "stop_sequence": None,
                "usage": {"input_tokens": usage["input"], "output_tokens": usage["output"]}}
    if path.endswith("/api/chat"):
        return {"model": model, "created_at": "2026-01-01T00:00:00Z", "done": True, "done_reason": "stop",
                "message": {"role": "assistant", "content": text}, "prompt_eval_count": usage["input"],
                "eval_count": usage["output"]}
    message = {"role": "assistant", "content": text}
    if tools:
        message["tool_calls"] = [{"id": t["id"], "type": "function", "function":
                                  {"name": t["name"], "arguments": t["json"]}} for t in tools]
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if tools else "stop"}],
            "usage": {"prompt_tokens": usage["input"], "completion_tokens": usage["output"],
                      "total_tokens": usage["input"] + usage["output"]}}


# --- HTTP ----------------------------------------------------------------------------------------


class Server:
    def __init__(self, key):
        self.key = key
        self.log = []
        self.scripts = {}  # model or "*" -> list of scripts still to be played
        self.models = sorted(PRESETS)
        self.released = asyncio.Event()  # of those that hang now; who hangs later waits for the next
        self.held_from = None  # every answer stops before this event of its

    def script_for(self, model):
        for name in (model, "*"):
            queue = self.scripts.get(name)
            if queue:
                times = queue[0].get("times")
                if times is None and len(queue) > 1:
                    times = 1
                if times is not None:
                    queue[0]["times"] = times - 1
                    return queue.pop(0) if times <= 1 else queue[0]
                return queue[0]
        return script_of(model)

    async def serve(self, reader, writer):
        try:
            while await self.one(reader, writer):
                pass
        except (Closed, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def one(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        raw = await reader.readexactly(min(int(headers.get("content-length", "0")), BODY_MAX))
        path = target.split("?")[0]
        if path.startswith("/_"):
            await self.control(writer, method, path, raw)
            return True
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = {}
        if path.rstrip("/").endswith("/models") or path.endswith("/api/tags"):
            if self.refuses(headers):
                await self.reply(writer, 401, {"error": {"message": "wrong key", "type": "authentication_error"}})
            else:
                await self.list_models(writer, path)
            return True
        protocol = next((p for s, p in PROTOCOLS.items() if path.endswith(s)), None)
        if method != "POST" or not protocol:
            await self.reply(writer, 404, {"error": "no such path"})
            return True
        self.log.append({"path": path, "model": body.get("model"), "headers": headers, "body": body})
        del self.log[:-LOG_MAX]
        return await self.answer(reader, writer, path, headers, body, protocol)

    @staticmethod
    def given(headers):
        return headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")

    def refuses(self, headers):
        return self.key and self.given(headers) != self.key

    async def answer(self, reader, writer, path, headers, body, protocol):
        stream, error, content_type = protocol
        model = str(body.get("model", ""))
        script = dict(self.script_for(model))
        if self.refuses(headers):
            script = {"status": 401, "error": "authentication_error",
                      "message": "wrong key " + self.given(headers)}
        await self.pause(reader, script.get("head_delay", 0))
        if script.get("hang") == "head":
            await self.hang(reader)
        if script.get("status", 200) != 200:
            await self.reply(writer, script["status"], script.get("body", error(script["status"], script)),
                             script.get("headers"), script.get("content_type", "application/json"))
            return True
        if body.get("stream") is not True and not (body.get("stream") is None and path.endswith("/api/chat")):
            await self.reply(writer, 200, whole_answer(path, script, body, model))
            return True
        return await self.stream(reader, writer, script, content_type,
                                 self.events(script, body, model, stream, error))

    def events(self, script, body, model, stream, error):
        if "raw" in script:
            yield script["raw"].encode("latin-1")
            return
        if script.get("huge"):
            yield b"data: {\"x\":\"" + b"x" * script["huge"] + b"\"}\n\n"
        events = list(stream(script, body, model))
        if script.get("omit_end"):
            events.pop()
        after = script.get("error_after")
        if after is not None:
            # Past what opens a stream: the role or message_start, ping and block start.
            skip = {"openai_stream": 1, "anthropic_stream": 3, "ollama_stream": 0}[stream.__name__]
            failure = error(500, script)
            last = json.dumps(failure).encode() + b"\n"
            if stream is not ollama_stream:
                last = sse(failure, "error" if stream is anthropic_stream else None)
            events = events[: skip + after] + [last]
        yield from events

    async def stream(self, reader, writer, script, content_type, events):
        framed = script.get("framing", "chunked") == "chunked"
        head = "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n" % script.get("content_type", content_type)
        for name, value in (script.get("headers") or {}).items():
            head += "%s: %s\r\n" % (name, value)
        head += "Transfer-Encoding: chunked\r\n\r\n" if framed else "Connection: close\r\n\r\n"
        writer.write(head.encode())
        await writer.drain()
        await self.pause(reader, script.get("first_delay", 0))
        if script.get("hang") == "first":
            await self.hang(reader)

        left = script.get("cut")
        sent = 0
        cuts = sorted(script.get("split", []))
        every = script.get("split_every")
        for number, data in enumerate(events):
            if number and script.get("delay"):
                await self.pause(reader, script["delay"])
            if script.get("hang") == "mid" and number == 4:
                await self.hang(reader)
            while self.held_from is not None and number >= self.held_from:
                await self.pause(reader, 0.01)
            while data:
                size = len(data)
                if every:
                    size = min(size, every)
                while cuts and cuts[0] <= sent:
                    cuts.pop(0)
                if cuts:
                    size = min(size, cuts[0] - sent)
                if left is not None:
                    size = min(size, left - sent)
                    if size <= 0:
                        await self.drop(writer, script)
                piece, data = data[:size], data[size:]
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if framed else piece)
                sent += len(piece)
                await writer.drain()
                if cuts or every:
                    await asyncio.sleep(0.001)
        if left is not None and sent >= left:
            await self.drop(writer, script)
        if framed:
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        return framed

    @staticmethod
    async def drop(writer, script):
        """End the connection in the middle of the answer."""
        await writer.drain()
        if script.get("reset"):
            writer.transport.abort()
        raise Closed

    async def hang(self, reader):
        """Say nothing until it is released."""
        waits = [asyncio.ensure_future(self.released.wait()), asyncio.ensure_future(self.pause(reader, HANG_S))]
        done, left = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in left:
            one.cancel()
        await asyncio.gather(*left, return_exceptions=True)  # the next may read from it again
        for one in done:
            one.result()

    @staticmethod
    async def pause(reader, seconds):
        """Wait, but not longer than the client does."""
        if seconds <= 0:
            return
        try:
            if await asyncio.wait_for(reader.read(1), seconds) == b"":
                raise Closed
        except asyncio.TimeoutError:
            pass

    async def list_models(self, writer, path):
        if path.endswith("/api/tags"):
            await self.reply(writer, 200, {"models": [{"name": m, "model": m} for m in self.models]})
        else:
            await self.reply(writer, 200, {"object": "list", "has_more": False, "data": [
                {"id": m, "object": "model", "type": "model"} for m in self.models]})

    async def control(self, writer, method, path, raw):
        body = json.loads(raw) if raw else {}
        if path == "/_log" and method == "GET":
            await self.reply(writer, 200, self.log)
        elif path == "/_log" and method == "DELETE":
            self.log.clear()
            await self.reply(writer, 200, {})
        elif path == "/_script" and method == "POST":
            scripts = body.get("scripts", [body["script"]] if "script" in body else [])
            self.scripts[body.get("model", "*")] = [dict(s) for s in scripts]
            if "models" in body:
                self.models = body["models"]
            await self.reply(writer, 200, {})
        elif path == "/_release" and method == "POST":
            self.released.set()
            self.released = asyncio.Event()
            await self.reply(writer, 200, {})
        elif path == "/_script" and method == "DELETE":
            self.scripts.clear()
            await self.reply(writer, 200, {})
        elif path == "/_hold" and method in ("POST", "DELETE"):
            self.held_from = body["from"] if method == "POST" else None
            await self.reply(writer, 200, {})
        else:
            await self.reply(writer, 404, {"error": "GET or DELETE /_log, POST or DELETE /_script, POST /_release, POST or DELETE /_hold"})

    @staticmethod
    async def reply(writer, status, body, headers=None, content_type="application/json"):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        head = "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n" % (status, content_type, len(data))
        for name, value in (headers or {}).items():
            head += "%s: %s\r\n" % (name, value)
        writer.write(head.encode() + b"\r\n" + data)
        await writer.drain()


async def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--key", default="", help="answer 401 without this key")
    args = parser.parse_args()
    server = Server(args.key)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", args.port, limit=1 << 20, backlog=1024)
    print("listening", listener.sockets[0].getsockname()[1], flush=True)
    async with listener:
        await listener.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
