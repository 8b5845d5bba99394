"""Frame by frame against our WebSocket server and client, from the other end of the wire.

The cases are in the groups of Autobahn's WebSocket test suite 25.10 (1 framing, 2 pings, 3 reserved
bits, 4 opcodes, 5 fragmentation, 6 UTF-8, 7 closing), which needs Python 2 and is run by hand:
docs/api.md says how. Sections are those of RFC 6455.
"""
import base64
import hashlib
import os
import signal
import socket
import struct
import subprocess
import threading

import pytest

import nexflow

CONT, TEXT, BIN, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN = 0x80
MASK = b"\x37\xfa\x21\x3d"
WAIT_S = nexflow.WAIT_S


def frame(first, payload=b"", masked=True):
    n = len(payload)
    head = bytes([first])
    bit = 0x80 if masked else 0
    if n < 126:
        head += bytes([bit | n])
    elif n < 65536:
        head += bytes([bit | 126]) + struct.pack("!H", n)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", n)
    if not masked:
        return head + payload
    return head + MASK + bytes(c ^ MASK[i % 4] for i, c in enumerate(payload))


def close(code, reason=b""):
    return struct.pack("!H", code) + reason


class Case:
    """`sent` is answered by `back` and the close code `code`; `valid`: nothing in it is wrong, and
    its last frame closes."""

    def __init__(self, name, sent, back, code, valid=False):
        self.name, self.sent, self.back, self.code = name, sent, back, code
        self.valid = valid


HI = (FIN | TEXT, b"hi")
HI_BACK = (TEXT, b"hi")
END = (FIN | CLOSE, close(1000))


def passes(name, *sent, back):
    """Valid: all of `back` comes back, then our close is answered by its code."""
    return Case(name, [*sent, END], list(back), 1000, valid=True)


def breaks(name, *sent, code=1002):
    """What was right before the first wrong frame may come back or not; then it is closed."""
    return Case(name, [HI, *sent], [HI_BACK], code)


def echoes(name, payload, op=TEXT):
    return passes(name, (FIN | op, payload), back=[(op, payload)])


def utf8(name, payload):
    return echoes(name, payload)


GOOD = {"kosme": "κόσμε".encode(), "one": b"\x7f", "two": b"\xc2\x80", "two_last": b"\xdf\xbf",
        "three": b"\xe0\xa0\x80", "below_surrogates": b"\xed\x9f\xbf",
        "above_surrogates": b"\xee\x80\x80", "three_last": b"\xef\xbf\xbf",
        "replacement": b"\xef\xbf\xbd", "nonchar": b"\xef\xbf\xbe", "four": b"\xf0\x90\x80\x80",
        "nonchar_plane": b"\xf0\x9f\xbf\xbe", "last": b"\xf4\x8f\xbf\xbf", "nul": b"a\x00b"}
BAD = {"beyond": b"\xf4\x90\x80\x80", "five": b"\xf8\x88\x80\x80\x80",
       "six": b"\xfc\x84\x80\x80\x80\x80", "five_last": b"\xfb\xbf\xbf\xbf\xbf",
       "continuation": b"\x80", "continuations": b"\x80\xbf\x80\xbf\x80\xbf",
       "lead_2": b"\xc0 ", "lead_3": b"\xe0 ", "lead_4": b"\xf0 ", "lead_5": b"\xf8 ",
       "lead_6": b"\xfc ", "cut_2": b"\xdf", "cut_3": b"\xef\xbf", "cut_4": b"\xf7\xbf\xbf",
       "cuts": b"\xe0\x80\xf0\x80\x80", "fe": b"\xfe", "ff": b"\xff", "overlong_2": b"\xc0\xaf",
       "overlong_3": b"\xe0\x80\xaf", "overlong_4": b"\xf0\x80\x80\xaf",
       "overlong_5": b"\xf8\x80\x80\x80\xaf", "overlong_last": b"\xc1\xbf",
       "overlong_three_last": b"\xe0\x9f\xbf", "overlong_nul": b"\xc0\x80",
       "surrogate": b"\xed\xa0\x80", "surrogate_last": b"\xed\xbf\xbf",
       "surrogate_pair": b"\xed\xa0\x80\xed\xb0\x80", "within": "κόσμε".encode() + b"\xed\xa0\x80x"}

CASES = [
    # 1: lengths (section 5.2), of text and binary
    *[echoes(f"1 {n} {op}", b"*" * n, op)
      for n in (0, 125, 126, 127, 128, 65535, 65536) for op in (TEXT, BIN)],
    # 2: pings and pongs (5.5.2, 5.5.3)
    passes("2.1 empty ping", (FIN | PING, b""), back=[(PONG, b"")]),
    passes("2.2 ping", (FIN | PING, b"hello"), back=[(PONG, b"hello")]),
    passes("2.3 binary ping", (FIN | PING, b"\x00\xff\xfe\x80"), back=[(PONG, b"\x00\xff\xfe\x80")]),
    passes("2.4 longest ping", (FIN | PING, b"\xfe" * 125), back=[(PONG, b"\xfe" * 125)]),
    breaks("2.5 ping of 126", (FIN | PING, b"\xfe" * 126)),
    passes("2.7 pong unasked", (FIN | PONG, b""), back=[]),
    passes("2.9 pong unasked, then ping", (FIN | PONG, b"x"), (FIN | PING, b"y"), back=[(PONG, b"y")]),
    passes("2.10 ten pings", *[(FIN | PING, b"%d" % i) for i in range(10)],
           back=[(PONG, b"%d" % i) for i in range(10)]),
    # 3: reserved bits without an extension (5.2)
    *[breaks(f"3 bits {bits:#x} of {op}", (FIN | bits | op, b"x"))
      for bits in (0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70) for op in (TEXT, BIN)],
    *[breaks(f"3 bits {bits:#x} of control {op}", (FIN | bits | op, b""))
      for bits in (0x40, 0x70) for op in (CLOSE, PING, PONG)],
    # 4: reserved opcodes (5.2)
    *[breaks(f"4 opcode {op}", (FIN | op, payload))
      for op in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15) for payload in (b"", b"x")],
    # 5: fragments (5.4)
    breaks("5.1 fragmented ping", (PING, b"a"), (FIN | CONT, b"b")),
    breaks("5.2 fragmented pong", (PONG, b"a"), (FIN | CONT, b"b")),
    passes("5.3 two fragments", (TEXT, b"a"), (FIN | CONT, b"b"), back=[(TEXT, b"ab")]),
    passes("5.6 a ping between", (TEXT, b"a"), (FIN | PING, b"p"), (FIN | CONT, b"b"),
           back=[(PONG, b"p"), (TEXT, b"ab")]),
    breaks("5.9 continuation of nothing", (FIN | CONT, b"x")),
    breaks("5.10 first fragment of nothing", (CONT, b"x")),
    Case("5.15 continuation after the end",
         [(TEXT, b"a"), (FIN | CONT, b"b"), (CONT, b"c"), HI], [(TEXT, b"ab")], 1002),
    breaks("5.18 a message within another", (TEXT, b"a"), (FIN | TEXT, b"b")),
    passes("5.19 pings in many fragments", (TEXT, b"a"), (CONT, b"b"), (FIN | PING, b"1"), (CONT, b"c"),
           (CONT, b"d"), (FIN | PING, b"2"), (FIN | CONT, b"e"),
           back=[(PONG, b"1"), (PONG, b"2"), (TEXT, b"abcde")]),
    passes("6.1 empty fragments", (TEXT, b""), (CONT, b""), (FIN | CONT, b""), back=[(TEXT, b"")]),
    passes("6.1 text in the middle", (TEXT, b""), (CONT, b"x"), (FIN | CONT, b""), back=[(TEXT, b"x")]),
    passes("9 many fragments", (BIN, b""), *[(CONT, b"z" * 64)] * 1000, (FIN | CONT, b""),
           back=[(BIN, b"z" * 64000)]),
    # 6: text is UTF-8 (8.1), and cut anywhere
    *[utf8(f"6 {name}", text) for name, text in GOOD.items()],
    passes("6.2 cut between bytes", *[((TEXT if i == 0 else CONT), bytes([c]))
                                      for i, c in enumerate(GOOD["kosme"])], (FIN | CONT, b""),
           back=[(TEXT, GOOD["kosme"])]),
    *[breaks(f"6 {name}", (FIN | TEXT, text), code=1007) for name, text in BAD.items()],
    *[breaks(f"6 {name} by bytes", *[((TEXT if i == 0 else CONT), bytes([c]))
                                     for i, c in enumerate(text)], (FIN | CONT, b""), code=1007)
      for name, text in BAD.items()],
    breaks("6.4 told before the message ends", (TEXT, b"\xce\xba\xf4"), (CONT, b"\x90"), code=1007),
    echoes("6 binary may hold anything", b"\xff\xfe\xed\xa0\x80", BIN),
    # 7: closing (5.5.1, 7.4)
    Case("7.1.1 closed at once", [HI, END], [HI_BACK], 1000),
    Case("7.1.3 nothing after the close", [END, HI, (FIN | PING, b"x")], [], 1000),
    Case("7.1.5 close within a message", [(TEXT, b"a"), END, (FIN | CONT, b"b")], [], 1000),
    Case("7.3.1 close without code", [(FIN | CLOSE, b"")], [], None),
    breaks("7.3.2 half a code", (FIN | CLOSE, b"\x03")),
    Case("7.3.4 code and reason", [(FIN | CLOSE, close(1000, b"bye"))], [], 1000),
    Case("7.3.5 longest reason", [(FIN | CLOSE, close(1000, b"*" * 123))], [], 1000),
    breaks("7.3.6 reason of 124", (FIN | CLOSE, close(1000, b"*" * 124))),
    breaks("7.5.1 reason that is no text", (FIN | CLOSE, close(1000, BAD["within"])), code=1007),
    *[Case(f"7.7 code {code}", [(FIN | CLOSE, close(code))], [], code)
      for code in (1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)],
    *[breaks(f"7.9 code {code}", (FIN | CLOSE, close(code)))
      for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535)],
]


class Wire:
    """A socket that speaks frames; the handshake is over."""

    def __init__(self, sock, masks):
        self.sock, self.masks, self.buffer = sock, masks, b""
        sock.settimeout(WAIT_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def more(self):
        try:
            got = self.sock.recv(65536)
        except ConnectionResetError:
            got = b""
        self.buffer += got
        return bool(got)

    def until(self, n):
        while len(self.buffer) < n:
            if not self.more():
                return False
        return True

    def next(self):
        """(first byte, payload), or None at the end."""
        if not self.until(2):
            return None
        first, second = self.buffer[:2]
        assert bool(second & 0x80) != self.masks, "masked, or not, as its side must not be"
        n, at = second & 0x7f, 2
        if n > 125:
            size = 2 if n == 126 else 8
            assert self.until(at + size)
            n, at = int.from_bytes(self.buffer[at:at + size], "big"), at + size
        key = b"\0\0\0\0"
        if second & 0x80:
            assert self.until(at + 4)
            key, at = self.buffer[at:at + 4], at + 4
        assert self.until(at + n), "it ends within a frame"
        body = self.buffer[at:at + n]
        self.buffer = self.buffer[at + n:]
        return first, bytes(c ^ key[i % 4] for i, c in enumerate(body)) if any(key) else body

    def head(self):
        while b"\r\n\r\n" not in self.buffer:
            assert self.more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        return head.decode("ascii")

    def send(self, frames, by_bytes):
        data = b"".join(frame(first, payload, self.masks) for first, payload in frames)
        try:
            for at in range(0, len(data), 1 if by_bytes else len(data)):
                self.sock.sendall(data[at:at + 1] if by_bytes else data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it had seen enough


def answers(wire, case=None):
    """All messages and pongs, then the code of the close frame: None without, 0: no frame. With
    `case` it is closed only when everything has come back."""
    back = []
    while True:
        if case and len(back) == len(case.back):
            wire.send([END], False)
            case = None
        try:
            got = wire.next()
        except TimeoutError:
            return back, "silence"
        if got is None:
            break
        first, payload = got
        assert first & 0x70 == 0
        if first & 15 == CLOSE:
            assert wire.next() is None, "something after its close frame"
            return back, int.from_bytes(payload[:2], "big") if payload else None
        assert first & FIN
        back.append((first & 15, payload))
    return back, 0


def verdict(case, back, code, lazy=False):
    """What is wrong; None: nothing. `lazy`: what came before the end need not be answered."""
    if (back == case.back or (lazy and back == [])) and code == case.code:
        return None
    return f"{case.name}: {[(o, p[:40]) for o, p in back]} and {code}, not {case.code}"


@pytest.fixture
def server():
    program = os.path.join(os.environ["NF_BIN"], "ws_echo")
    process = subprocess.Popen([program, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE)
    yield int(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT_S) == 0
    process.stdout.close()


@pytest.mark.parametrize("by_bytes", [False, True], ids=["at once", "byte by byte"])
def test_our_server(server, by_bytes):
    wrong = []
    for case in CASES:
        if by_bytes and sum(len(p) for _, p in case.sent) > 1000:
            continue
        with socket.create_connection(("127.0.0.1", server), WAIT_S) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                         b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                         b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            wire = Wire(sock, masks=True)
            assert "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in wire.head()  # section 1.3
            wire.send(case.sent, by_bytes)
            wrong.append(verdict(case, *answers(wire)))
    assert [w for w in wrong if w] == []


def serve(listener, heard, wrong):
    """Be a fuzzing server: say how many cases there are, then play them."""
    plan = [None, *CASES, None]
    for case in plan:
        sock = listener.accept()[0]
        with sock:
            wire = Wire(sock, masks=False)
            head = wire.head()
            heard.append(head.split()[1])
            key = next(line.split(": ")[1] for line in head.split("\r\n")
                       if line.lower().startswith("sec-websocket-key"))
            digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
            sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                         b"Upgrade\r\nSec-WebSocket-Accept: " + base64.b64encode(digest)
                         + b"\r\n\r\n")
            if case is None:
                count = [(FIN | TEXT, b"%d" % len(CASES))] if len(heard) == 1 else []
                wire.send([*count, END], False)
                answers(wire)
            elif case.valid:
                wire.send(case.sent[:-1], False)
                wrong.append(verdict(case, *answers(wire, case)))
            else:
                wire.send(case.sent, False)
                wrong.append(verdict(case, *answers(wire), lazy=True))


def test_our_client():
    heard, wrong = [], []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(WAIT_S)
        thread = threading.Thread(target=serve, args=(listener, heard, wrong), daemon=True)
        thread.start()
        program = nexflow.BIN / "ws_drive"
        r = subprocess.run([program, "--autobahn",
                            f"ws://127.0.0.1:{listener.getsockname()[1]}"],
                           capture_output=True, text=True, timeout=300, check=False)
        thread.join(WAIT_S)
    assert r.returncode == 0, r.stderr
    assert not thread.is_alive()
    assert heard[0] == "/getCaseCount" and heard[1] == "/runCase?case=1&agent=nexflow"
    assert len(wrong) == len(CASES)
    assert [w for w in wrong if w] == []
