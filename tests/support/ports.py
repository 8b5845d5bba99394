"""Ports for servers that bind them later, and again after a restart: of this process alone while it lives.

A port that the kernel chose and that was closed again is anybody's a moment later: another suite's that runs beside
this one, or any connection's, for which the kernel chooses from the same range. These are below that range, in
blocks. Whoever uses a block holds an abstract socket of its name, which ends with the process.
"""
import os
import pathlib
import socket

FIRST, BLOCK = 10240, 64

_blocks = []  # sockets, which are held
_ports = iter(())


def _end():
    """The first port of those that the kernel chooses itself."""
    text = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    return max(int(text.split()[0]), FIRST + 64 * BLOCK)


def _take_block():
    blocks = (_end() - FIRST) // BLOCK
    for i in range(blocks):
        number = (os.getpid() + i) % blocks
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind(f"\0nexflow-tests-ports-{number}")
        except OSError:
            held.close()
            continue
        _blocks.append(held)
        return iter(range(FIRST + number * BLOCK, FIRST + (number + 1) * BLOCK))
    raise AssertionError("every port is some test's")


def free_port():
    """A port that nobody listens on, and nobody who asks here will."""
    global _ports
    while True:
        for port in _ports:
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return port
        _ports = _take_block()
