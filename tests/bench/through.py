"""The daemon as a whole, through its own doors."""
import json
import subprocess
import threading
import time

import measure
from measure import BIN, median

MIB = 1048576


def raw_storage(place, at_once, seconds):
    """{"turns_per_s", "fsync_us"}: the same rows by bare SQLite, and the disk alone."""
    out = subprocess.run(
        [BIN / "storage_bench", "--bare", str(at_once), place.fresh(), str(seconds)],
        stdout=subprocess.PIPE, check=True, timeout=120)
    return json.loads(out.stdout)


def turns(place, Row, quick):
    """durable turns through /ws, with a model that answers at once

    A round is a fresh daemon; sessions are as long as a conversation (about 30 turns).
    """
    rounds, rows = (2 if quick else 5), []
    model = place.model()
    for sessions, n in ((1, 300), (8, 800), (64, 1920)):
        got, raw = [], []
        for _ in range(rounds):
            raw.append(raw_storage(place, sessions, 1))
            daemon = place.daemon(model)
            cookies = place.cookies(daemon, sessions)
            measure.load(daemon, cookies, sessions, sessions * 2)
            got.append(measure.load(daemon, cookies, sessions, n))
            daemon.stop()
        rate = median(g["turns_per_second"] for g in got)
        bare = median(r["turns_per_s"] for r in raw)
        fsync = median(r["fsync_us"] for r in raw) / 1000
        ratio = median(g["turns_per_second"] / r["turns_per_s"] for g, r in zip(got, raw))
        many = sessions == 64
        rows.append(Row(f"turns at once: {sessions}", rate, "turns/s", bare, "bare SQLite", ratio,
                        ">= 0.5 and >= 2,000/s" if many else "",
                        ratio >= 0.5 and rate >= 2000 if many else None))
        for stage, what in (("accepted", "accepted after"), ("first_text", "first text after"),
                            ("ended", "answered after")):
            p50 = median(g[stage + "_us"]["p50"] for g in got) / 1000
            p99 = median(g[stage + "_us"]["p99"] for g in got) / 1000
            # The model takes no time: until the first text, all of it is ours.
            judged = sessions == 1 and stage == "first_text"
            rows.append(Row(f"  {what}, p50", p50, "ms", fsync, "fdatasync, ms", p50 / fsync,
                            f"<= 2 ms + one fsync = {2 + fsync:.2f}" if judged else "",
                            p50 <= 2 + fsync if judged else None))
            rows.append(Row(f"  {what}, p99", p99, "ms", fsync, "fdatasync, ms", p99 / fsync,
                            f"<= 5 ms + two = {5 + 2 * fsync:.2f}" if judged else "",
                            p99 <= 5 + 2 * fsync if judged else None))
    return rows


def start(place, Row, quick):
    """from exec to the first 200 of /ready

    Beside it, a process that does nothing, started the same way.
    """
    model, took, nothing = place.model(), [], []
    for _ in range(5 if quick else 15):
        begun = time.monotonic()
        subprocess.run([BIN / "nexflowd", "--version"], stdout=subprocess.DEVNULL, check=True)
        nothing.append(time.monotonic() - begun)
        begun = time.monotonic()
        daemon = place.daemon(model, wait=False)
        while True:
            try:
                if daemon.get("/ready")[0] == 200:
                    break
            except OSError:
                time.sleep(0.0005)
        took.append(time.monotonic() - begun)
        daemon.stop()
    ms, floor = median(took) * 1000, median(nothing) * 1000
    return [Row("start to ready", ms, "ms", floor, "nexflowd --version, ms", ms / floor,
                "<= 50 ms", ms <= 50)]


def peak_while(daemon, run):
    """The greatest RSS and PSS of the daemon while `run` goes on, sampled."""
    done, peak = threading.Event(), [0, 0]

    def watch():
        while not done.wait(0.1):
            rss, pss, _ = measure.memory(daemon.process.pid)
            peak[0], peak[1] = max(peak[0], rss), max(peak[1], pss)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        run()
    finally:
        done.set()
        thread.join()
    return peak


def idle_rows(place, Row, model):
    rows, daemon = [], place.daemon(model)
    cookies = place.cookies(daemon, 1)

    def note(when, goal=False):
        rss, pss, _ = measure.memory(daemon.process.pid)
        rows.append(Row(f"RSS {when}", rss / MIB, "MiB", pss / MIB, "PSS, MiB", None,
                        "<= 12 MiB" if goal else "", rss <= 12 * MIB if goal else None))

    note("idle, fresh", True)
    measure.load(daemon, cookies, 1, 100)
    note("idle, after 100 turns", True)
    _, _, before = measure.memory(daemon.process.pid)
    cookie, sockets = cookies.read_text(encoding="ascii").strip(), []
    for n in (1000, 10000):
        if n + 100 > measure.files_limit():
            continue
        while len(sockets) < n:
            sockets.append(measure.upgrade(daemon, cookie))
        time.sleep(1.5)
        _, _, private = measure.memory(daemon.process.pid)
        each = (private - before) / n
        note(f"with {n:,} idle web sockets")
        rows.append(Row(f"  each of {n:,}", each, "bytes", None, "", None, "<= 2,048 bytes",
                        each <= 2048))
    for s in sockets:
        s.close()
    daemon.stop()
    return rows


def memory(place, Row, quick):
    """of the daemon and the warden of its skills together, and of the files"""
    rows = idle_rows(place, Row, place.model())
    daemon = place.daemon(place.model())
    measure.load(daemon, place.cookies(daemon, 64), 64, 2000 if quick else 6000)
    time.sleep(3)
    rss, pss, _ = measure.memory(daemon.process.pid)
    rows.append(Row("RSS 3 s after turns of 64 sessions", rss / MIB, "MiB", pss / MIB, "PSS, MiB"))
    daemon.stop()

    daemon = place.daemon(place.model(deltas=100, interval_ms=100))
    cookies = place.cookies(daemon, 1000)
    rss, pss = peak_while(daemon, lambda: measure.load(daemon, cookies, 1000, 1000))
    rows.append(Row("peak RSS with 1,000 model streams", rss / MIB, "MiB", pss / MIB, "PSS, MiB",
                    None, "<= 40 MiB", rss <= 40 * MIB))
    daemon.stop()
    for program in ("nexflowd", "nexflow"):
        copy = place.dir / program
        subprocess.run(["strip", "-o", copy, BIN / program], check=True)
        rows.append(Row(f"size of {program}, stripped", copy.stat().st_size / MIB, "MiB",
                        (BIN / program).stat().st_size / MIB, "with symbols, MiB"))
    return rows
