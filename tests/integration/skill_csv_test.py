#!/usr/bin/env python3
"""The cases of the skill csv, run by its program without a jail, and some that only a test has.

usage: skill_csv_test.py DIRECTORY-OF-THE-SKILL
"""
import json
import os
import subprocess
import sys
import tempfile

SKILL = os.path.abspath(sys.argv[1])


def load(name):
    with open(os.path.join(SKILL, name), encoding="utf-8") as file:
        return json.load(file)


MANIFEST, CASES = load("skill.json"), load("tests.json")


def call(tool, args, cwd):
    program = [MANIFEST["interpreter"], os.path.join(SKILL, MANIFEST["entry"])]
    done = subprocess.run(program, input=json.dumps({"tool": tool, "arguments": args}) + "\n", cwd=cwd, text=True,
                          capture_output=True, timeout=60, check=True)
    assert not done.stderr, done.stderr
    return json.loads(done.stdout)


def check(case, cwd):
    reply = call(case["tool"], case["args"], cwd)
    (kind, want), = case["expect"].items()
    if kind == "error":
        assert want in reply["error"], (case, reply)
    elif kind == "equals":
        assert reply["result"] == want, (case, reply)
    else:
        assert want in json.dumps(reply["result"]), (case, reply)


def more(cwd):
    """Tables that are strange or too large."""
    wide = ",".join(f"c{i}" for i in range(501))
    yield "describe", {"text": wide}, "error", "500 columns"
    yield "describe", {"text": "a\n" + "1\n" * 200_001}, "error", "200000 rows"
    yield "describe", {"text": 'a,b\n"x\ny",1e999999999\n\0,NaN\n'}, "result", '"numbers": 0'
    yield "describe", {"text": "a\tb\n1\t2\n"}, "result", '"name": "b"'
    yield "describe", {"text": "1,2\n3", "header": False}, "result", '"name": "column2", "empty": 1'
    yield "select", {"text": "a\n10\n9\nx\n\n", "sort_by": "a"}, "result", '[["9"], ["10"], ["x"]]'
    yield "select", {"text": "a,b\n,1\n2,2", "where": [{"column": "a", "op": "empty"}]}, "result", '[["", "1"]]'
    yield "describe", {"path": "missing.csv"}, "error", "no file"
    yield "describe", {"path": "/etc/passwd"}, "error", "relative to the workspace"
    yield "nothing", {}, "error", "no tool"


with tempfile.TemporaryDirectory() as directory:
    for item in CASES.get("files", []):
        with open(os.path.join(directory, item["path"]), "w", encoding="utf-8") as out:
            out.write(item["text"])
    for one in CASES["tests"]:
        check(one, directory)
    for name, arguments, part, text in more(directory):
        got = call(name, arguments, directory)
        assert part in got and text in json.dumps(got[part], ensure_ascii=False), (name, got)
print(f"{len(CASES['tests'])} cases passed")
