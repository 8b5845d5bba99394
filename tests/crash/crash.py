#!/usr/bin/env python3
"""Crash Nexflow again and again while people write, and look whether anything got lost.

Called by script/crash, whose usage is there; docs/durability.md says what is done and why. People write
over REST, over web sockets as the page does (people.py), in a Telegram and a Discord; faults.py is what
goes wrong meanwhile; in the end checker.py compares what people were told and shown with the database.
"""
import argparse
import asyncio
import os
import pathlib
import random
import signal
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests/e2e"), str(TOP / "tests/support"), str(TOP / "tests/crash")]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--instances", type=int, default=0, help="3 on PostgreSQL, 1 on SQLite")
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--people", type=int, default=48, help="on the web; half of them have the page open")
    parser.add_argument("--plant", choices=["no-dedupe", "no-fence", "ack-before-commit", "no-outbox"])
    parser.add_argument("--plants", action="store_true", help="hunt every plant, and say which were found")
    parser.add_argument("--keep", action="store_true", help="leave the directory behind")
    a = parser.parse_args()
    a.instances = a.instances or (3 if a.database == "postgresql" else 1)
    if a.database == "sqlite" and a.instances != 1:
        parser.error("SQLite has one instance")
    if a.messages < 100:
        parser.error("at least 100 messages, for all kinds of people")
    return a


def report(world, verdict, begun):
    for name in verdict.KINDS:
        for what in getattr(verdict, name)[:5]:
            print(f"{name}: {what}")
    slowest = world.database().rows(
        "SELECT max(ended_at-created_at) FROM tasks WHERE kind=1 AND ended_at>0")[0][0]
    chats = sum(c.messages for c in world.crowds)
    counts, places = world.faults.counts, world.faults.places
    print("faults: " + ", ".join(f"{name} {n}" for name, n in counts.most_common()))
    print("killed at: " + ", ".join(f"{name} {n}" for name, n in places.most_common())
          + f"; calls 1 to {world.faults.next_call[True] - 1} of a process and 1 to "
          f"{world.faults.next_call[False] - 1} of any moment")
    print(f"{time.monotonic() - begun:.0f} s, {len(world.daemons)} instances, slowest turn {slowest} ms, "
          f"written by a stale owner {len(verdict.stale)} of {verdict.watched} that were watched, "
          + ", ".join(f"{c.NAME} {c.messages}" for c in world.crowds))
    print(f"messages={len(world.accepted) + chats} lost={len(verdict.lost)} doubled={len(verdict.doubled)} "
          f"misordered={len(verdict.misordered) + len(verdict.stale)} kills={world.faults.kills()} "
          f"seed={world.args.seed}", flush=True)


def main():
    args = arguments()
    if args.plants:
        import plants
        sys.exit(0 if plants.hunt_all() else 1)
    if args.plant:
        import plants
        os.environ.setdefault("NF_TOOLS", os.environ.get("NF_BIN", str(TOP / "build/bench/bin")))
        os.environ["NF_BIN"] = str(plants.build(args.plant))
    import checker
    from world import World
    world = World(args)
    begun = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))  # what was started is ended all the same
    try:
        world.start()
        asyncio.run(world.run())
        verdict = checker.check(world)
        if not verdict.whole() and not args.plant:
            world.keep()
        report(world, verdict, begun)
    finally:
        world.close()
    sys.exit(0 if verdict.whole() else 1)


if __name__ == "__main__":
    main()
