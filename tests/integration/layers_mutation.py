#!/usr/bin/env python3
"""Prove script/check-layers by breaking what it guards.

usage: layers_mutation.py COMPILER [DIRECTORY=ARCHIVE]...

Copies the tree's sources, breaks one thing at a time and expects the check to refuse it for that
reason; the tree as it is must pass.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# (file, line to append, what the check says of it)
INCLUDES = [
    ("internal/domain/task.c", "#include <uv.h>", "domain may not include <uv.h>"),
    ("internal/domain/task.c", "#include <time.h>", "domain may not include <time.h>"),
    ("internal/domain/task.c", '#include "application/deps.h"',
     'domain may not include "application/deps.h"'),
    ("internal/base/id.c", '#include "domain/task.h"', 'base may not include "domain/task.h"'),
    ("internal/application/turn.c", "#include <stdio.h>", "application may not include <stdio.h>"),
    ("internal/application/turn.c", '#include "persistence/stores.h"',
     'application may not include "persistence/stores.h"'),
    ("internal/application/ports/model.h", '#include "application/deps.h"',
     'application/ports may not include "application/deps.h"'),
    ("internal/persistence/memory/memory.c", "#include <sqlite3.h>",
     "persistence/memory may not include <sqlite3.h>"),
    ("internal/persistence/memory/memory.c", '#include "application/answer_turn.h"',
     'persistence/memory may not include "application/answer_turn.h"'),
    ("internal/codec/json.c", "#include <curl/curl.h>", "codec may not include <curl/curl.h>"),
    ("llm/router.h", '#include "http/server.h"', 'llm may not include "http/server.h"'),
    ("llm/router.h", '  #  include "router.h"', '"router.h" is not the full name'),
    ("channels/web/rate.c", '#include "llm/router.h"', 'channels/web may not include "llm/router.h"'),
    ("channels/web/rate.c", "#include WHATEVER", "cannot tell what this includes: WHATEVER"),
    ("internal/http/server.h", '/* */ #include "channels/web/web.h"',
     'http may not include "channels/web/web.h"'),
]

# (directory of an archive, source of one more object in it, what the check says of it)
SYMBOLS = [
    ("domain", "long time(long *t); long mutant(void) { return time(0); }",
     "domain may not use time"),
    ("domain", "char *strcpy(char *, const char *);"
     "char *mutant(char *a, char **b) { return strcpy(a, *b); }", "domain may not use strcpy"),
    ("application", "int open(const char *, int); int mutant(void) { return open(\"/\", 0); }",
     "application may not use open"),
    ("application", "int uv_run(void *, int); int mutant(void) { return uv_run(0, 0); }",
     "application may not use uv_run"),
    ("application/ports", "int nf_answer_turn(void); int mutant(void) { return nf_answer_turn(); }",
     "application/ports may not use nf_answer_turn"),
    ("persistence/memory", "int nf_answer_turn(void); int mutant(void) { return nf_answer_turn(); }",
     "persistence/memory may not use nf_answer_turn"),
    ("llm", "int nf_hub_new(void); int mutant(void) { return nf_hub_new(); }",
     "llm may not use nf_hub_new"),
]


def copy_tree(to):
    for folder, subfolders, files in os.walk(TOP):
        if "CMakeCache.txt" in files:
            subfolders.clear()
            continue
        subfolders[:] = [s for s in subfolders if not s.startswith(".") and s != "node_modules"]
        for file in files:
            path = os.path.relpath(os.path.join(folder, file), TOP)
            if file.endswith((".c", ".h", ".def")) or path in ("tests/layers.txt",
                                                               "script/check-layers"):
                os.makedirs(os.path.join(to, os.path.dirname(path)), exist_ok=True)
                shutil.copy(os.path.join(folder, file), os.path.join(to, path))


def check(tree, archives):
    arguments = [f"{directory}={archive}" for directory, archive in archives.items()]
    done = subprocess.run([sys.executable, os.path.join(tree, "script/check-layers"), *arguments],
                          capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def add_object(compiler, folder, archive, source):
    """A copy of the archive with one more object in it."""
    c, o, a = (os.path.join(folder, name) for name in ("mutant.c", "mutant.o", "mutant.a"))
    with open(c, "w", encoding="utf-8") as file:
        file.write(source + "\n")
    subprocess.run([compiler, "-O0", "-fno-builtin", "-w", "-c", c, "-o", o], check=True)
    shutil.copy(archive, a)
    subprocess.run(["ar", "r", a, o], check=True, capture_output=True)
    return a


def mutants(compiler, tree, folder, archives):
    """(what was broken, outcome of the check, what it should say), one after the other."""
    for path, line, expected in INCLUDES:
        name = os.path.join(tree, path)
        with open(name, encoding="utf-8") as file:
            before = file.read()
        with open(name, "a", encoding="utf-8") as file:
            file.write(line + "\n")
        yield f"{path}: {line}", check(tree, archives), expected
        with open(name, "w", encoding="utf-8") as file:
            file.write(before)
    for directory, source, expected in SYMBOLS:
        mutant = add_object(compiler, folder, archives[directory], source)
        yield f"{directory}: {source}", check(tree, {**archives, directory: mutant}), expected
    yield "no archive of llm", check(tree, {d: a for d, a in archives.items() if d != "llm"}), \
        "the archive it belongs to was not given"
    yield "an archive of no layer", check(tree, {**archives, "nowhere": archives["base"]}), \
        "is of no directory of tests/layers.txt"


def main():
    compiler = sys.argv[1]
    archives = dict(argument.split("=", 1) for argument in sys.argv[2:])
    survived = []
    with tempfile.TemporaryDirectory() as folder:
        tree = os.path.join(folder, "tree")
        copy_tree(tree)
        status, said = check(tree, archives)
        if status != 0:
            sys.exit("the tree as it is was refused:\n" + said)
        count = 0
        for broken, (status, said), expected in mutants(compiler, tree, folder, archives):
            count += 1
            refused = [line for line in said.splitlines()
                       if re.search(re.escape(expected) + r"(\W|$)", line)]
            if status != 1 or not refused:
                survived.append(f"{broken}: not refused as '{expected}'; status {status}: {said}")
        status, said = check(tree, archives)
        if status != 0:
            survived.append("the tree was not put back: " + said)
    print("\n".join(survived) or f"{count} mutants, all refused")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
