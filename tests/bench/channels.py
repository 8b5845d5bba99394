"""Chat networks, through a Bot API and a Discord that answer at once (instant_telegram.c, instant_discord.c)."""
import json
import subprocess
import time

import measure
import nexflow
import through
from measure import BIN, median

TOKEN = "1000001:instant"
CHATS = 10000  # known ones: groups that the daemon has a session with
AT_ONCE = 64


class Load:
    """A network whose people write as soon as they are answered."""

    def __init__(self, place, network, *numbers):
        self.process = subprocess.Popen([BIN / f"instant_{network}", *map(str, numbers)],
                                        stdout=subprocess.PIPE, text=True)
        place.stops.append(self.stop)
        self.port = int(self.process.stdout.readline().split()[1])

    def result(self):
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def bot_of(network, port):
    accounts = ", ".join(f'"{i}"' for i in range(1, 11))
    shared = f"accounts: [{accounts}], messages_per_minute: 60000"
    if network == "discord":
        return (f'{{token: "a.b.c", api_base: "http://127.0.0.1:{port}/api/v10", '
                f"requests_per_second: 10000, {shared}}}")
    return f'{{token: "{TOKEN}", api_base: "http://127.0.0.1:{port}", messages_per_second: 10000, {shared}}}'


def daemon_for(place, network, model, port):
    provider = (f'{{name: fake, type: custom, base_url: "http://127.0.0.1:{model}/v1", models: [m]}}')
    config = measure.CONFIG + f"channels:\n  {network}:\n    - {bot_of(network, port)}\n"
    daemon = nexflow.Daemon(place.fresh(), config=config, provider=provider).start()
    place.stops.append(daemon.kill)
    return daemon


def run(place, network, model, *numbers):
    """(what the load saw, memory of the daemon when it had ended)"""
    load = Load(place, network, *numbers)
    daemon = daemon_for(place, network, model, load.port)
    before = measure.memory(daemon.process.pid)
    got = load.result()
    time.sleep(3)
    after = measure.memory(daemon.process.pid)
    daemon.stop()
    load.stop()
    return got, before, after


def rates(place, network, model, Row, quick):
    rows = []
    for at_once, n in ((1, 300), (AT_ONCE, 4000 if quick else 12000)):
        many = at_once == AT_ONCE
        got = [run(place, network, model, CHATS, at_once, n, n // 10)[0] for _ in range(2 if quick else 3)]
        raw = through.raw_storage(place, at_once, 1)
        rate = median(g["turns_per_second"] for g in got)
        fsync = raw["fsync_us"] / 1000
        rows.append(Row(f"{network}, turns at once: {at_once}", rate, "turns/s", raw["turns_per_s"], "bare SQLite",
                        rate / raw["turns_per_s"], ">= 1,000/s" if many else "", rate >= 1000 if many else None))
        for q in ("p50", "p99"):
            ms = median(g["answered_us"][q] for g in got) / 1000
            judged = q == "p99" and not many
            rows.append(Row(f"  written to answered, {q}", ms, "ms", fsync, "fdatasync, ms", ms / fsync,
                            "<= 10 ms" if judged else "", ms <= 10 if judged else None))
    return rows


def channels(place, Row, quick):
    """durable turns through Telegram and Discord, with a model and a network that answer at once

    On Telegram a turn is an update, a placeholder and its edit; on Discord an event and a message. The network is on
    the same two cores.
    """
    model = place.model()
    rows = rates(place, "telegram", model, Row, quick) + rates(place, "discord", model, Row, quick)
    got, before, after = run(place, "telegram", model, CHATS, AT_ONCE, CHATS, 0)
    mib = through.MIB
    rows.append(Row(f"RSS with {CHATS:,} known chats", after[0] / mib, "MiB", before[0] / mib, "before, MiB"))
    rows.append(Row("  each", (after[2] - before[2]) / CHATS, "bytes"))
    return rows
