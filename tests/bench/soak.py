"""People write for a long time, and memory must not grow with it.

usage: soak.py [--minutes N] [--database sqlite|postgresql] [--sessions N] [--points FILE]

A daemon, an instant model, and sessions that write as fast as they are answered. The daemon's memory
is read every few seconds; the line through what it was after the first third is its slope. Ends with
one line: minutes=… turns=… rss_first=… rss_last=… slope=… noise=… broken_rounds=…; exit status 1 if the slope is more
than what is noise (twice its own standard error, for readings that resemble the one before) and more than 1 % an
hour. FILE gets what was read, as lines of
seconds, turns, RSS and what of it is private.
"""
import argparse
import subprocess
import sys
import threading
import time

import measure
import nexflow


def line(points):
    """Slope of the least squares through (x, y), and its standard error.

    Memory stays on a level for minutes: a reading tells little that the one before did not. The error
    that independent ones would have grows by how much what is beside the line resembles its neighbour
    (an autoregressive process of the first order).
    """
    n = len(points)
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    sxx = sum((x - mx) ** 2 for x, _ in points)
    slope = sum((x - mx) * (y - my) for x, y in points) / sxx
    rest = [y - my - slope * (x - mx) for x, y in points]
    squares = sum(r * r for r in rest)
    alike = sum(a * b for a, b in zip(rest, rest[1:])) / squares if squares else 0
    alike = min(max(alike, 0), 0.99)
    return slope, (squares / max(1, n - 2) / sxx * (1 + alike) / (1 - alike)) ** 0.5


def grows(points):
    """(whether it does, slope, noise) of what was read in the end, per hour."""
    slope, error = line(points)
    return slope > 2 * error and slope > 0.01 * points[0][1], slope, 2 * error


ROUND = 10  # turns of a session: short, so that a busy machine ends a round within its time, too
BROKEN_MAX = 5  # rounds after each other


class Writers(threading.Thread):
    """Load in rounds, until told to stop."""

    def __init__(self, daemon, cookies, sessions):
        super().__init__(daemon=True)
        self.args, self.turns, self.ends = (daemon, cookies, sessions), 0, False
        self.broken = 0  # rounds that did not end: on a busy machine a socket may be closed as dead

    def run(self):
        daemon, cookies, sessions = self.args
        in_a_row = 0
        while not self.ends:
            try:
                measure.load(daemon, cookies, sessions, sessions * ROUND)
                self.turns += sessions * ROUND
                in_a_row = 0
            except subprocess.SubprocessError as why:  # turn_load itself has said what it waited for
                self.broken, in_a_row = self.broken + 1, in_a_row + 1
                print(f"soak: a round broke off after {self.turns} turns: {why}", file=sys.stderr, flush=True)
                if in_a_row == BROKEN_MAX:
                    raise


def soak(place, minutes, sessions, file):
    daemon = place.daemon(place.model())
    writers = Writers(daemon, place.cookies(daemon, sessions), sessions)
    writers.start()
    points, begun = [], time.monotonic()
    every = max(1, min(10, minutes * 60 / 200))
    while (passed := time.monotonic() - begun) < minutes * 60:
        time.sleep(every)
        assert writers.is_alive() and daemon.process.poll() is None, daemon.log()[-2000:]
        rss, _, private = measure.memory(daemon.process.pid)
        points.append((passed / 3600, rss))
        if file:
            print(f"{passed:.0f},{writers.turns},{rss},{private}", file=file, flush=True)
    writers.ends = True
    writers.join(600)  # more than a round may take
    assert not writers.is_alive(), "the last round does not end"
    settled = points[len(points) // 3:]
    leaks, slope, noise = grows(settled)
    assert daemon.stop() == 0, daemon.log()[-2000:]
    mib = 1 << 20
    print(f"minutes={minutes:g} turns={writers.turns} rss_first={settled[0][1] / mib:.1f}MiB "
          f"rss_last={settled[-1][1] / mib:.1f}MiB slope={slope / mib:+.2f}MiB/h "
          f"noise={noise / mib:.2f}MiB/h broken_rounds={writers.broken}")
    return leaks


def main():
    parser = argparse.ArgumentParser(prog="script/soak", description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--sessions", type=int, default=32)
    parser.add_argument("--points", type=argparse.FileType("w"), help="a file for what was read")
    args = parser.parse_args()
    nexflow.ON_POSTGRES = args.database == "postgresql"
    measure.raise_files_limit()
    with measure.Place() as place:
        sys.exit(soak(place, args.minutes, args.sessions, args.points))


if __name__ == "__main__":
    main()
