"""What a run of the crash harness starts: databases, models, chat networks, daemons, people."""
import asyncio
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time

import checker
import faults
import nexflow
import people
import postgres
import redis

LEASE_S = 3
END_S = int(os.environ.get("NF_END_S", "300"))
PLANT_END_S = 30  # what a plant has lost stays lost
DATABASE = "crash"
FAKETIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
CONFIG = """turns: {lease: %ds}
limits: {messages_per_minute: 10000000, requests_per_minute: 10000000}
log: {level: warn}
"""


def works_with(preload):
    """Whether the daemon, which may be a build with sanitizers, starts with a library before it."""
    done = subprocess.run([nexflow.BIN / "nexflowd", "--version"], check=False, capture_output=True,
                          timeout=30, env={**os.environ, **environment(preload)})
    return done.returncode == 0


def environment(preload):
    asan = os.environ.get("ASAN_OPTIONS", "")
    return {"LD_PRELOAD": ":".join(map(str, preload)),
            "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0".lstrip(":")}


class World:
    def __init__(self, args):
        self.args, self.token = args, nexflow.TOKEN
        self.tools = pathlib.Path(os.environ.get("NF_TOOLS", nexflow.BIN))
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="nf-crash-"))
        self.accepted, self.told_otherwise, self.shown_otherwise = {}, [], []
        self.sent, self.ending = 0, False
        self.server = self.disk = self.redis = self.to_server = self.to_redis = None
        self.crowds, self.pages, self.daemons = [], [], []
        self.model = None

    def start(self):
        args = self.args
        url = self.start_postgres() if args.database == "postgresql" else None
        self.model = subprocess.Popen([self.tools / "instant_model", "--echo", "1", "--deltas", "3"],
                                      stdout=subprocess.PIPE, text=True)
        port = int(self.model.stdout.readline().split()[1])
        model = f'{{name: fake, type: custom, base_url: "http://127.0.0.1:{port}/v1", models: [m]}}'
        config = CONFIG % LEASE_S + self.start_chats() + self.start_redis()
        preload = [self.tools / "fault_calls.so", FAKETIME]
        self.skewed = FAKETIME.exists() and works_with(preload)
        if not self.skewed:
            print("clocks are not skewed: this build does not run with libfaketime")
            preload.pop()
        for i in range(args.instances):
            self.daemons.append(self.make_daemon(self.dir / f"i{i}", config, model, url, preload))
        return self

    def make_daemon(self, where, config, model, url, preload):
        data = where / "data"
        data.mkdir(parents=True)
        if not url:
            self.disk = faults.Disk(data)
        daemon = nexflow.Daemon(where, config, model, database=url)
        daemon.calls = faults.Calls(where / "calls")
        daemon.clock = where / "clock"
        daemon.clock.write_text("+0s\n")
        daemon.env.update(environment(preload), NF_FAULT_FILE=str(daemon.calls.path),
                          FAKETIME_TIMESTAMP_FILE=str(daemon.clock), FAKETIME_CACHE_DURATION="1",
                          FAKETIME_DONT_FAKE_MONOTONIC="1")
        return daemon

    def start_postgres(self):
        where = self.dir / "postgres"
        where.mkdir()
        self.disk = faults.Disk(where)
        self.dir.chmod(0o755)  # it runs as somebody else
        self.server = postgres.Postgres(fsync=True, directory=where).start()
        self.server.create(DATABASE)
        self.to_server = faults.Proxy(self.tools / "cut_proxy", self.server.port)
        return f"postgresql://nexflow@127.0.0.1:{self.to_server.port}/{DATABASE}"

    def start_redis(self):
        if not self.server:
            return ""
        self.redis = redis.Redis().start()
        self.to_redis = faults.Proxy(self.tools / "cut_proxy", self.redis.port)
        return f'redis: {{url: "redis://127.0.0.1:{self.to_redis.port}/0"}}\n'

    def start_chats(self):
        messages, text = self.args.messages, ""
        for crowd, share in ((people.Telegrams, 10), (people.Discords, 20)):
            one = crowd(self, min(24, max(1, messages // share // 4)), messages // share)
            one.start(self.args.seed)
            self.crowds.append(one)
            text += f"  {one.NAME}:\n    - {one.yaml()}\n"
        self.web_messages = messages - sum(c.messages for c in self.crowds)
        return "channels:\n" + text

    def database(self):
        if self.server:
            return checker.Database(server=self.server, name=DATABASE)
        return checker.Database(path=self.daemons[0].dir / "data/nexflow.db")

    def keep(self):
        """What tells how it came about: what the chats show, the database as it is, beside the logs."""
        self.args.keep = True
        for crowd in self.crowds:
            (self.dir / f"{crowd.NAME}.json").write_text(json.dumps(crowd.everything()), encoding="utf-8")
        if self.server:
            with open(self.dir / "database.sql", "wb") as file:
                subprocess.run([self.server.bin / "pg_dump", "-h", self.server.dir, "-p", str(self.server.port), "-U",
                                "nexflow", DATABASE], check=False, stdout=file)
        else:
            shutil.copytree(self.daemons[0].dir / "data", self.dir / "database",
                            ignore=shutil.ignore_patterns("*.sock"))
        print(f"kept: {self.dir}")

    def close(self):
        for d in self.daemons:
            d.kill()
        for crowd in self.crowds:
            crowd.fake.stop()
        for one in (self.to_server, self.to_redis, self.redis, self.server):
            if one:
                one.stop()
        if self.model:
            self.model.kill()
            self.model.wait()
        if self.disk:
            self.disk.close()
        if not self.args.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    # --- a run

    async def supervisor(self):
        """Start again whoever has stopped by itself, as a service manager would."""
        while not self.ending:
            for d in self.daemons:
                if d.process.poll() is not None:
                    d.start(wait=False)
            await self.faults.revive_server()
            await asyncio.sleep(0.02)

    def make_people(self):
        n, total = self.args.people, self.web_messages
        found = []
        for i in range(n):
            share = total * (i + 1) // n - total * i // n
            dice = random.Random(self.args.seed * 1000 + i)
            if i % 2:
                _, cookie = self.daemons[0].user(f"page{i}")
                found.append(people.Page(self, i, share, dice, cookie))
            else:
                found.append(people.Person(self, i, share, dice))
        self.pages = [p for p in found if isinstance(p, people.Page)]
        return found

    async def run(self):
        for d in self.daemons:
            d.start(wait=False)
        for d in self.daemons:
            await asyncio.to_thread(d.wait_until, lambda d=d: d.get("/health")[0] == 200)
        if self.server:
            self.server.sql(checker.WATCH, DATABASE)
        everybody = await asyncio.to_thread(self.make_people)
        for d in self.daemons:
            d.env["NF_PLANTED"] = "1"  # from the next life on
        self.faults = faults.Faults(self, LEASE_S)
        supervisor = asyncio.ensure_future(self.supervisor())
        await asyncio.gather(self.faults.run(), *(p.talk() for p in everybody),
                             *(c.talk() for c in self.crowds))
        self.faults.over()
        await asyncio.to_thread(self.settle)
        await asyncio.gather(*(p.read_rest() for p in self.pages))
        self.ending = True
        await supervisor

    def unfinished(self):
        return int(self.database().rows("SELECT count(*) FROM tasks WHERE kind=1 AND status<4")[0][0])

    def settle(self):
        """Until all turns have ended and are delivered, or no more will: chats take a message a second
        each, so after many the last ones come long after the last question."""
        patience = PLANT_END_S if self.args.plant else END_S
        least, end = None, time.monotonic() + patience
        while time.monotonic() < end:
            try:
                left = self.unfinished() + sum(len(c.missing()) for c in self.crowds)
                if left == 0:
                    return
                if least is None or left < least:
                    least, end = left, time.monotonic() + patience
            except Exception:  # noqa: BLE001  (the database is being opened)
                pass
            time.sleep(0.5)
