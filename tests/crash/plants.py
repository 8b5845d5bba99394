"""Our own code, broken on purpose: what the crash harness must find.

A plant is a list of (file, text, text in its place), applied to a copy of the tree. A text that is
not there any more is an error: the plant must be made anew.
"""
import fcntl
import os
import pathlib
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]

PLANTS = {
    # The same message is accepted as often as it is sent.
    "no-dedupe": [
        ("internal/persistence/queries.def",
         '" SELECT ?1,?2,s.id,?4,s.last_seq+1,?5 FROM sessions s"',
         '" SELECT ?1,?2||CAST(?4 AS TEXT),s.id,?4,s.last_seq+1,?5 FROM sessions s"'),
    ],
    # Whoever lost its lease writes on.
    "no-fence": [
        ("internal/persistence/queries.def",
         '"SELECT fence FROM sessions WHERE id=?1 AND fence=?2 AND lease_until>0',
         '"SELECT fence FROM sessions WHERE id=?1 AND fence>=?2 AND lease_until>0'),
        ("internal/persistence/queries.def",
         '"ready_at=?4,updated_at=?4 WHERE id=?1 AND fence=?2 AND lease_until>0 AND pending>0"',
         '"ready_at=?4,updated_at=?4 WHERE id=?1 AND fence>=?2 AND lease_until>0 AND pending>0"'),
        # and does not find out by itself that it was given up
        ("cmd/nexflowd/daemon.c", "if (r->w.instance.lost) {\n", "if (false) {\n"),
    ],
    # "Accepted" is said before it is on the disk; but people can sign in before that.
    "ack-before-commit": [
        ("internal/persistence/postgres/target.c", "synchronous_commit=on", "synchronous_commit=off"),
        ("internal/persistence/sqlite/writer.c",
         'int rc = exec_kept(w, &w->begin, "BEGIN IMMEDIATE");',
         'static int batches;\n'
         '    int rc = sqlite3_get_autocommit(w->stmts.conn) ? exec_kept(w, &w->begin, "BEGIN IMMEDIATE")'
         ' : SQLITE_OK;'),
        ("internal/persistence/sqlite/writer.c",
         'if (out == GO_ON && (rc = exec_kept(w, &w->commit, "COMMIT")) != SQLITE_OK)',
         'if (out == GO_ON && (!getenv("NF_PLANTED") || ++batches % 4 == 0) &&'
         ' (rc = exec_kept(w, &w->commit, "COMMIT")) != SQLITE_OK)'),
        ("internal/persistence/sqlite/writer.c", "#include <sqlite3.h>\n", "#include <sqlite3.h>\n#include <stdlib.h>\n"),
    ],
    # What could not be delivered at once is forgotten.
    "no-outbox": [
        ("internal/persistence/queries.def",
         '" FROM outbox o WHERE status=1 AND id>0 AND next_at<=?1',
         '" FROM outbox o WHERE status=1 AND id<0 AND next_at<=?1'),
    ],
}


def build(name):
    """The directory of the programs with that plant. All plants share one tree, so that only what differs is
    built anew; it is ours until this process ends."""
    work = pathlib.Path(tempfile.gettempdir()) / f"nf-plants-{os.getuid()}"
    work.mkdir(mode=0o700, exist_ok=True)
    lock = open(work / "lock", "w", encoding="utf-8")  # noqa: SIM115
    fcntl.flock(lock, fcntl.LOCK_EX)
    _locks.append(lock)
    plant(name, work / "source")
    configure = ["cmake", "-S", work / "source", "-B", work / "build", "-G", "Ninja", "-DNF_TESTS=OFF",
                 "-DCMAKE_BUILD_TYPE=Release"]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", work / "build", "--target", "nexflowd", "nexflow-skill"],
                   check=True, stdout=subprocess.DEVNULL)
    return work / "build/bin"


_locks = []


def plant(name, tree):
    """Let `tree` be ours with that plant. What is there already stays as old as it is."""
    files = subprocess.run(["git", "ls-files"], cwd=TOP, check=True, stdout=subprocess.PIPE,
                           text=True).stdout.splitlines()
    wanted = {file: (TOP / file).read_bytes() for file in files if (TOP / file).is_file()}
    for file, text, instead in PLANTS[name]:
        content = wanted[file].decode()
        assert content.count(text) == 1, f"plant {name}: {file} has changed: {text!r}"
        wanted[file] = content.replace(text, instead).encode()
    for old in [p for p in tree.rglob("*") if p.is_file() and str(p.relative_to(tree)) not in wanted]:
        old.unlink()
    for file, content in wanted.items():
        if (tree / file).is_file() and (tree / file).read_bytes() == content:
            continue
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        (tree / file).write_bytes(content)
        (tree / file).chmod((TOP / file).stat().st_mode & 0o777)


# What finds each: a run that ends with what must be above 0.
HUNTS = [
    ("no-dedupe", "sqlite", 600, 12, "doubled"),
    ("no-fence", "postgresql", 600, 12, "misordered"),
    ("ack-before-commit", "sqlite", 600, 12, "lost"),
    ("ack-before-commit", "postgresql", 600, 12, "lost"),
    ("no-outbox", "sqlite", 1000, 40, "lost"),
]
TRIES = 3


def hunt_all():
    """Whether every plant is found, and by what it should be."""
    missed = []
    for name, database, messages, kills, what in HUNTS:
        for n in range(TRIES):
            run = [sys.executable, TOP / "tests/crash/crash.py", "--database", database, "--messages", str(messages),
                   "--kills", str(kills), "--plant", name]
            said = subprocess.run(run, check=False, stdout=subprocess.PIPE, text=True).stdout
            end = said.strip().splitlines()[-1] if said.strip() else ""
            if not end.startswith("messages="):
                sys.exit(f"{name} on {database}: no run: {end}")
            print(f"{name} on {database}: {end}", flush=True)
            counts = dict(pair.split("=") for pair in end.split() if "=" in pair)
            if int(counts.get(what, 0)) > 0:
                break
        else:
            missed.append(f"{name} on {database}")
    print("every plant was found" if not missed else f"NOT found: {', '.join(missed)}", flush=True)
    return not missed
