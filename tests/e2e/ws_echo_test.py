"""Other people's WebSocket client against our server code."""
import asyncio
import os
import signal
import subprocess

import pytest
import websockets

import nexflow


@pytest.fixture
def port():
    program = os.path.join(os.environ["NF_BIN"], "ws_echo")
    process = subprocess.Popen([program, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE)
    yield int(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    assert process.wait(nexflow.WAIT_S) == 0
    process.stdout.close()


def talk(port, conversation, **options):
    async def main():
        async with websockets.connect(f"ws://127.0.0.1:{port}/", max_size=None, **options) as socket:
            await conversation(socket)
        return socket
    return asyncio.run(asyncio.wait_for(main(), 200))


def test_messages_of_every_length_come_back(port):
    async def conversation(socket):
        for n in (0, 1, 125, 126, 127, 65535, 65536, 1 << 20):
            for message in ("ü" * (n // 2), bytes(n)):
                await socket.send(message)
                assert await socket.recv() == message
    assert talk(port, conversation).close_code == 1000


def test_fragments_come_back_as_one_message(port):
    async def conversation(socket):
        async def pieces():
            for piece in ("one, ", "", "two"):
                yield piece
                await asyncio.sleep(0.01)
        await socket.send(pieces())
        assert await socket.recv() == "one, two"
    talk(port, conversation)


def test_a_ping_is_answered(port):
    async def conversation(socket):
        await asyncio.wait_for(await socket.ping(b"are you there"), nexflow.WAIT_S)
    talk(port, conversation)


def test_compression_is_not_agreed_to(port):
    async def conversation(socket):
        assert socket.extensions == []
    talk(port, conversation, compression="deflate")


def test_a_burst_comes_back_in_order(port):
    async def conversation(socket):
        for i in range(5000):
            await socket.send(str(i))
        assert [await socket.recv() for i in range(5000)] == [str(i) for i in range(5000)]
    talk(port, conversation)
