"""Storage on both engines, beside what bare programs do on the same disk and the same server."""
import json
import subprocess
import sys
import time

import measure
import nexflow
import programs
from measure import BIN, median

sys.path.insert(0, str(nexflow.TOP / "tests/support"))
import postgres  # noqa: E402  (beside the tests' other helpers)

# As docs/operations.md advises, but with little memory; every commit is synced.
SERVER = {"shared_buffers": "256MB", "max_wal_size": "4GB", "checkpoint_timeout": "30min",
          "wal_compression": "on"}
BIG = 10_000_000


def server(place):
    one = postgres.Postgres(fsync=True, settings=SERVER).start()
    place.stops.append(one.stop)
    return one


def said(program, *args, seconds=120):
    """The lines of JSON that a program prints."""
    out = subprocess.run([BIN / program, *map(str, args)], stdout=subprocess.PIPE, check=True,
                         text=True, timeout=seconds)
    return [json.loads(line) for line in out.stdout.splitlines()]


def storage(place, Row, quick):
    """turns of the drivers alone, beside the same rows by bare SQLite and by bare libpq

    On PostgreSQL an instance is a process with 8 connections and 64 turns at once; the bare program
    has as many connections and syncs. More instances help as long as the server has processors.
    """
    rows = programs.storage(place, Row, quick)
    best = rows[-3]  # of 64 turns at once
    best.goal, best.met = ">= 0.5", best.ratio >= 0.5
    return rows + on_postgres(place, Row, quick)


def on_postgres(place, Row, quick):
    url = server(place).create("bench")
    seconds, kinds = 2, (("bare", 8), ("turns", 1), ("turns", 2), ("turns", 3))
    runs = {kind: [] for kind in kinds}
    for _ in range(2 if quick else 5):
        for kind in kinds:
            runs[kind] += said("postgres_bench", kind[0], url, kind[1], seconds)
    rate = {kind: median(r["per_s"] for r in got) for kind, got in runs.items()}
    rows = []
    for n in (1, 2, 3):
        got = runs[("turns", n)]
        ratio = median(r["per_s"] / b["per_s"] for r, b in zip(got, runs[("bare", 8)]))
        rows.append(Row(f"PostgreSQL, instances: {n}", rate[("turns", n)], "turns/s",
                        rate[("bare", 8)], "bare libpq", ratio, ">= 0.5" if n == 1 else "",
                        ratio >= 0.5 if n == 1 else None))
        rows.append(Row("  a turn's two transactions, p50", median(r["p50_us"] for r in got) / 1000,
                        "ms", median(r["p99_us"] for r in got) / 1000, "p99, ms"))
    two = median(b["per_s"] / a["per_s"]
                 for a, b in zip(runs[("turns", 1)], runs[("turns", 2)]))
    rows.append(Row("  two instances beside one", two, "times", None, "", None,
                    "here the server is the limit; see instances"))
    claims = said("postgres_bench", "claim", url, 10000, seconds)
    rows.append(Row("who is next of 10,000 and its claim, p50", claims[0]["p50_us"] / 1000, "ms",
                    claims[0]["p99_us"] / 1000, "p99, ms"))
    return rows


def completed(daemons):
    return sum(float(line.rsplit(" ", 1)[1]) for d in daemons
               for line in d.get("/metrics")[1].splitlines()
               if line.startswith('nexflow_turns_total{status="completed"}'))


def backlog_rate(place, url, model, instances, messages):
    """Turns per second of daemons with eight places each, all written to the first of them."""
    provider = f'{{name: f, type: custom, base_url: "http://127.0.0.1:{model}/v1", models: [m]}}'
    config = measure.CONFIG + "turns: {max: 8, waiting_per_user: 100000, shutdown_grace: 1s}\n"
    daemons = [nexflow.Daemon(place.fresh(), config, provider, database=url).start()
               for _ in range(instances)]
    begun = time.monotonic()
    for i in range(messages):
        status, body = daemons[0].post("/api/v1/messages", {"content": "hi", "message_id": f"m{i}"})
        assert status == 202, body
    while completed(daemons) < messages:
        time.sleep(0.02)
    took = time.monotonic() - begun
    for daemon in daemons:
        assert daemon.stop() == 0, daemon.log()[-2000:]
    return messages / took


def instances(place, Row, quick):
    """a queue worked off by one, two and three instances, with a model that is the limit"""
    one, model = server(place), place.model(deltas=8, interval_ms=50)
    rows, first, messages = [], None, 160 if quick else 480
    for n in (1, 2, 3):
        rate = median(backlog_rate(place, one.create(f"i{n}_{k}"), model, n, messages)
                      for k in range(1 if quick else 3))
        first = first or rate
        goal = {2: ">= 1.7", 3: ""}.get(n, "")
        rows.append(Row(f"instances: {n}", rate, "turns/s", first, "one", rate / first, goal,
                        rate / first >= 1.7 if n == 2 else None))
    return rows


def big_history(place, Row, quick):
    """the last 50 messages of a session among 10 million, on both engines (takes minutes)"""
    messages = BIG // 20 if quick else BIG
    url = server(place).create("history")
    rows = []
    for r in said("postgres_history", url, messages, 5000, seconds=3600):
        judged = ("p99 <= 1 ms", r["p99_us"] <= 1000) if r["what"].startswith("last") else ()
        rows.append(Row(f"PostgreSQL, {messages:,}: {r['what']}", r["p50_us"], "us p50", r["p99_us"], "us p99",
                        None, *judged))
    for r in programs.history_rows(place, Row, messages):
        warm = "warm" in r.what
        r.what = f"SQLite, {messages:,}: {r.what}"
        r.goal, r.met = ("p99 <= 1 ms", r.beside <= 1000) if warm else ("", None)
        rows.append(r)
    return rows
