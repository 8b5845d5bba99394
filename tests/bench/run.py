"""Measure. One benchmark per topic; each compares, in the same run, with something outside.

usage: run.py [NAME ...] [--json] [--quick]

Programs come from NF_BIN (a directory); data is kept beside it, on the disk that is measured.
Rounds alternate between what is compared, and what is printed are medians. Nothing here asserts a
time: a table says what the goal is and whether this run, on this machine, met it.
"""
import argparse
import dataclasses
import json
import os
import platform
import sys

import channels
import isolation
import measure
import programs
import relay
import storage
import through
import tools


@dataclasses.dataclass
class Row:
    """One figure. `beside` is what it is compared with, `goal` what `ratio` or `value` should be."""
    what: str
    value: float
    unit: str
    beside: float | None = None
    beside_what: str = ""
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None


BENCHES = {
    "turns": through.turns,
    "channels": channels.channels,
    "start": through.start,
    "memory": through.memory,
    "http": programs.http,
    "relay": relay.relay,
    "storage": storage.storage,
    "instances": storage.instances,
    "fibers": programs.fibers,
    "sandbox": programs.sandbox,
    "isolation": isolation.isolation,
    "history": programs.history,
    "skills": programs.skills,
    "tools": tools.tools,
}
# Only by name: they take long.
LONG = {
    "history-10m": storage.big_history,
}


def figure(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def table(rows):
    head = ("", "measured", "", "beside", "", "ratio", "goal", "")
    lines = [head] + [
        (r.what, figure(r.value), r.unit, figure(r.beside), r.beside_what,
         figure(r.ratio), r.goal, "" if r.met is None else "met" if r.met else "not met")
        for r in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    right = {1, 3, 5}
    for line in lines:
        print("  ".join(cell.rjust(w) if i in right else cell.ljust(w)
                        for i, (cell, w) in enumerate(zip(line, widths))).rstrip())


def main():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES | LONG))
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: rougher figures")
    args = parser.parse_args()
    known = BENCHES | LONG
    unknown = [n for n in args.names if n not in known]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}: {', '.join(known)}")
    measure.raise_files_limit()

    results = {}
    for name in args.names or BENCHES:
        with measure.Place() as place:
            rows = known[name](place, Row, args.quick)
        results[name] = [dataclasses.asdict(r) for r in rows]
        if not args.json:
            print(f"\n{name}: {known[name].__doc__.splitlines()[0]}\n")
            table(rows)
            sys.stdout.flush()
    if args.json:
        machine = {"cpus": os.cpu_count(), "kernel": platform.release(),
                   "load": os.getloadavg()[0]}
        print(json.dumps({"machine": machine, "benches": results}, indent=1))


if __name__ == "__main__":
    main()
