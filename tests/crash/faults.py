"""What goes wrong: each fault is a method of Faults, and WEIGHTS says how often it is its turn.

A kill is the end of a process without warning: of a daemon at any moment or at its n-th system call,
of PostgreSQL, of Redis. The other faults come on top of the kills that were asked for.
"""
import asyncio
import collections
import contextlib
import errno
import mmap
import os
import random
import signal
import struct
import subprocess
import time

SKEW_S = 7200
WAIT_S = 20  # for messages between two faults

# name: (weight on SQLite, on PostgreSQL, whether it is a kill)
WEIGHTS = {
    "kill": (40, 40, True),
    "kill_at_call": (40, 40, True),
    "kill_at_ack": (10, 6, True),
    "kill_server_at_ack": (0, 2, True),
    "kill_server": (0, 4, True),
    "kill_redis": (0, 4, True),
    "freeze": (0, 8, False),
    "freeze_redis": (0, 2, False),
    "empty_redis": (0, 2, False),
    "cut_server": (0, 8, False),
    "cut_redis": (0, 3, False),
    "fill_disk": (4, 2, False),
    "failing_calls": (6, 3, False),
    "step_clock": (4, 4, False),
}


# What a plant is about happens more often with it.
PLANTED = {"no-fence": ["freeze"], "ack-before-commit": ["kill_at_ack", "kill_server_at_ack"]}


class Calls:
    """Orders to fault_calls.so in one daemon: struct nf_fault_order."""

    FAIL, KILL_BEFORE, KILL_AFTER, TORN = 1, 2, 3, 4
    FILES, SOCKETS = 1, 2
    SIZE = 64

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(self.SIZE))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), self.SIZE)

    def order(self, n, fault, calls=FILES | SOCKETS, times=1, error=0):
        self.map[0:8] = struct.pack("q", 0)
        self.map[8:40] = struct.pack("4q", times, calls, fault, error)
        self.map[0:8] = struct.pack("q", n)

    def left(self):
        return struct.unpack("q", self.map[0:8])[0]

    def cancel(self):
        self.map[0:8] = struct.pack("q", 0)

    def where(self):
        return bytes(self.map[56:64]).rstrip(b"\0").decode()


class Disk:
    """A file system of its own, which is full when we say so."""

    def __init__(self, directory):
        self.dir = directory
        self.mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6g,mode=0755", "nexflow-test", directory],
                                      check=False, stderr=subprocess.DEVNULL).returncode == 0

    def _size(self, n):
        return subprocess.run(["mount", "-o", f"remount,size={n}", self.dir], check=False,
                              stderr=subprocess.DEVNULL).returncode == 0

    def fill(self, left=1 << 16):
        """False: it cannot be made as small as that, since more was written meanwhile."""
        s = os.statvfs(self.dir)
        return self._size((s.f_blocks - s.f_bfree) * s.f_frsize + left)

    def free(self):
        self._size("6g")

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.dir], check=False)


class Proxy:
    """tests/tools/cut_proxy.c."""

    def __init__(self, binary, port):
        self.process = subprocess.Popen([binary, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def order(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Faults:
    def __init__(self, world, lease_s):
        self.world, self.dice, self.lease_s = world, random.Random(world.args.seed), lease_s
        self.counts = collections.Counter()
        self.places = collections.Counter()  # of kills at a call: which
        self.busy = set()  # daemons that something is done to
        self.next_call = {True: 1, False: 1}
        on_server = world.server is not None
        self.names = [n for n in WEIGHTS if WEIGHTS[n][on_server]]
        self.weights = [WEIGHTS[n][on_server] for n in self.names]
        self.on_ack = None  # what becomes of whoever says "accepted" next
        for name in PLANTED.get(world.args.plant, ()):
            if name in self.names:
                self.weights[self.names.index(name)] = 80
        self.tasks = set()

    def kills(self):
        return sum(n for name, n in self.counts.items() if WEIGHTS[name][2])

    async def run(self):
        """Spread over the messages, at moments in which anything may be under way."""
        kills = self.world.args.kills
        while self.kills() < kills:
            target = self.world.web_messages * (self.kills() + 1) // (kills + 1)
            end = time.monotonic() + WAIT_S
            while self.world.sent < target and time.monotonic() < end:
                await asyncio.sleep(0.002)
            await asyncio.sleep(self.dice.random() * 0.02)
            await self.one()
        await asyncio.gather(*self.tasks)

    async def one(self):
        name = self.dice.choices(self.names, self.weights)[0]
        if await getattr(self, name)():
            self.counts[name] += 1

    def background(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def a_daemon(self):
        ready = [d for d in self.world.daemons if d not in self.busy and d.process.poll() is None]
        return self.dice.choice(ready) if ready else None

    # --- daemons

    def restart(self, daemon):
        """As a service manager does."""
        daemon.calls.cancel()
        daemon.start(wait=False)

    async def kill(self):
        daemon = self.a_daemon()
        if not daemon:
            return False
        daemon.kill()
        self.restart(daemon)
        return True

    async def kill_at_call(self):
        """At its first call, the next time at its second, and so on: half of them counted from the
        start of the process, half from any moment."""
        daemon = self.a_daemon()
        if not daemon:
            return False
        from_start = self.dice.random() < 0.5
        n = self.next_call[from_start]
        fault = self.dice.choice((Calls.KILL_BEFORE, Calls.KILL_AFTER, Calls.TORN))
        self.busy.add(daemon)
        if from_start:
            daemon.kill()
            self.restart(daemon)
        daemon.calls.order(n, fault)
        self.background(self.await_kill(daemon, from_start))
        return True

    async def await_kill(self, daemon, from_start):
        """It dies by itself as soon as it makes that many calls."""
        end = time.monotonic() + WAIT_S
        while daemon.calls.left() > 0 and time.monotonic() < end:
            await asyncio.sleep(0.005)
        if daemon.calls.left() > 0:
            daemon.calls.cancel()
            self.counts["kill_at_call"] -= 1
        else:
            self.next_call[from_start] += 1
            self.places[daemon.calls.where()] += 1
        self.busy.discard(daemon)

    def acknowledged(self, daemon):
        """Whoever has said "accepted" cannot count on another moment."""
        if self.on_ack and daemon not in self.busy:
            self.on_ack(daemon)

    async def at_ack(self, strike):
        struck = asyncio.get_running_loop().create_future()

        def now(daemon):
            self.on_ack = None
            strike(daemon)
            struck.set_result(True)
        self.on_ack = now
        try:
            return await asyncio.wait_for(struck, WAIT_S)
        except asyncio.TimeoutError:
            self.on_ack = None
            return False

    async def kill_at_ack(self):
        def strike(daemon):
            daemon.kill()
            self.restart(daemon)
        return await self.at_ack(strike)

    async def kill_server_at_ack(self):
        if self.busy & {"server", "disk"}:
            return False
        self.busy.add("server")
        done = await self.at_ack(lambda daemon: self.world.server.signal_all())
        await asyncio.to_thread(self.world.server.kill)
        await asyncio.to_thread(self.world.server.start)
        self.busy.discard("server")
        return done

    async def freeze(self):
        daemon = self.a_daemon()
        if not daemon or len(self.busy) + 1 >= len(self.world.daemons):
            return False
        self.busy.add(daemon)
        daemon.process.send_signal(signal.SIGSTOP)
        self.background(self.thaw(daemon))
        return True

    async def thaw(self, daemon):
        await asyncio.sleep(self.lease_s + 1 + self.dice.random() * 2)
        if daemon.process.poll() is None:
            daemon.process.send_signal(signal.SIGCONT)
        self.busy.discard(daemon)

    async def failing_calls(self):
        """Some calls fail, on files or on sockets."""
        daemon = self.a_daemon()
        if not daemon:
            return False
        files = self.world.server is None
        error = self.dice.choice((errno.EIO, errno.ENOSPC) if files else (errno.ECONNRESET, errno.EPIPE))
        daemon.calls.order(1 + self.dice.randrange(50), Calls.FAIL, Calls.FILES if files else Calls.SOCKETS,
                           1 + self.dice.randrange(20), error)
        return True

    async def step_clock(self):
        """By up to two hours, while it runs; at the next one back to what is right or elsewhere."""
        daemon = self.a_daemon()
        if not daemon or not self.world.skewed:
            return False
        skew = self.dice.choice((0, self.dice.randrange(-SKEW_S, SKEW_S)))
        daemon.clock.write_text(f"{skew:+d}s\n")
        return True

    # --- what they stand on

    async def fill_disk(self):
        disk = self.world.disk
        if not disk or not disk.mounted or "disk" in self.busy:
            return False
        if not disk.fill():
            return False
        self.busy.add("disk")
        await asyncio.sleep(0.3 + self.dice.random())
        disk.free()
        self.busy.discard("disk")
        return True

    async def revive_server(self):
        """PostgreSQL gives up if it cannot write its log, also some time later."""
        server = self.world.server
        if not server or self.busy & {"server", "disk"} or server.process.poll() is None:
            return
        self.busy.add("server")
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        self.busy.discard("server")

    async def kill_server(self):
        if "server" in self.busy:
            return False
        self.busy.add("server")
        await asyncio.to_thread(self.world.server.kill)
        await asyncio.sleep(self.dice.random())
        await asyncio.to_thread(self.world.server.start)
        self.busy.discard("server")
        return True

    async def cut_server(self):
        self.world.to_server.order(self.dice.choice(
            ("cut", f"after {self.dice.randrange(400)}", f"after {self.dice.randrange(4)}",
             f"stall {self.dice.randrange(3000)}", f"refuse {self.dice.randrange(2000)}")))
        return True

    async def cut_redis(self):
        self.world.to_redis.order(self.dice.choice(("cut", f"after {self.dice.randrange(60)}", "stall 3000")))
        return True

    async def kill_redis(self):
        if "redis" in self.busy:
            return False
        self.busy.add("redis")
        self.world.redis.kill()
        self.background(self.redis_again())
        return True

    async def redis_again(self):
        await asyncio.sleep(self.dice.random() * 3)
        await asyncio.to_thread(self.world.redis.start)
        self.busy.discard("redis")

    async def freeze_redis(self):
        if "redis" in self.busy:
            return False
        self.busy.add("redis")
        self.world.redis.freeze()
        self.background(self.redis_thaws())
        return True

    async def redis_thaws(self):
        await asyncio.sleep(self.dice.random() * 4)
        self.world.redis.process.send_signal(signal.SIGCONT)
        self.busy.discard("redis")

    async def empty_redis(self):
        if "redis" in self.busy:
            return False
        await asyncio.to_thread(self.world.redis.ask, "FLUSHALL")
        return True

    def over(self):
        """Everything is as it should be again; but what was put off by a clock that was ahead is due
        only when that time has come, for which the end cannot wait: a clock that nobody corrects is as
        far ahead now."""
        ahead = 0 if self.world.server else SKEW_S
        for daemon in self.world.daemons:
            daemon.calls.cancel()
            daemon.clock.write_text(f"+{ahead}s\n")
            with contextlib.suppress(ProcessLookupError):
                daemon.process.send_signal(signal.SIGCONT)
