"""The published schema of a manifest and the daemon's decoder give the same verdict."""
import copy
import json
import pathlib
import re
import subprocess

import jsonschema
import pytest

import nexflow

SCHEMA = json.loads((nexflow.TOP / "skills/skill.schema.json").read_text(encoding="utf-8"))
CHECK = pathlib.Path(nexflow.BIN) / "manifest_check"
TOOL = {"name": "t", "description": "d", "parameters": {"type": "object"}}
BASE = {"name": "a", "version": "1.0.0", "description": "d", "entry": "a.so", "tools": [TOOL]}
FULL = {
    "$schema": "x", "name": "weather", "version": "1.0.0", "description": "The weather",
    "license": "MIT", "kind": "plugin", "entry": "weather.so", "mode": "pooled", "threads": True,
    "min_level": "L1",
    "tools": [{**TOOL, "idempotent": True, "approval": "never", "timeout_ms": 10000}],
    "capabilities": {"http": ["https://api.open-meteo.com/"], "secrets": ["OPENAI"], "kv": True,
                     "files": "workspace"},
    "limits": {"memory_mib": 64, "cpu_ms": 5000, "output_kib": 256, "http_kib": 2048,
               "kv_kib": 1024},
}
PROGRAM = {**BASE, "kind": "program", "entry": "run.py", "interpreter": "/usr/bin/python3"}
DELETE = object()

# What no schema can say; skill.schema.json says so in its description.
BEYOND = [
    json.dumps({**BASE, "tools": [TOOL, TOOL]}),
    '{"name":"a","name":"a",' + json.dumps(BASE)[1:],
    json.dumps({**BASE, "description": "d" + chr(0)}),
    json.dumps({**BASE, "license": "x" * 300000}),
    json.dumps({**BASE, "tools": [{**TOOL, "parameters": {
        "type": "object", "properties": {"a": {"type": "string", "pattern": "^a$"}}}}]}),
]

VALUES = {
    ("name",): ["a", "a-b", "a1", "a" * 31, "a" * 32, "", "A", "1a", "a-", "a_b", "ä", 1, None],
    ("version",): ["0.0.0", "1.2.3-rc.1+b.01", "1.2.3-0a", "1.2", "1.2.3.4", "01.2.3", "1.2.3-01",
                   "1.2.3-", "v1.2.3", "1.2.3+" + "x" * 58, "1.2.3+" + "x" * 59, "", 1],
    ("description",): ["d" * 1024, "d" * 1025, "ä" * 1024, "ä" * 1025, "", "  ", "a b", "a\tb",
                       "a\nb", "\x1b[31m", "\x7f", "\x85", "\xa0", 1, []],
    ("license",): ["", "MIT", 1, None],
    ("$schema",): ["", 1],
    ("kind",): ["plugin", "program", "Plugin", "", 1, None],
    ("entry",): ["a.so", "_.so", ".so", "..so", "a", "a.so.1", "../a.so", "a/b.so", "x" * 125 + ".so",
                 "x" * 126 + ".so", "skill.json", "", "a b.so", 1],
    ("interpreter",): ["/bin/sh", "/", "sh", "/bin/", "/bin//sh", "/../sh", "/a b", "/" + "x" * 254,
                       "/" + "x" * 255, "/a.b/c+d", "", 1, None],
    ("mode",): ["pooled", "oneshot", "batch", "", 1, None],
    ("threads",): [True, False, 1, "true", None],
    ("min_level",): ["L3", "L2", "L1", "L0.5", "L0", "", 3],
    ("tools",): [[], None, {}, [1], [[]],
                 [{**TOOL, "name": f"t{i}"} for i in range(32)],
                 [{**TOOL, "name": f"t{i}"} for i in range(33)]],
    ("tools", 0, "name"): ["t", "t_1", "T", "1t", "_t", "t-u", "", "t" * 32, "t" * 33, 1, DELETE],
    ("tools", 0, "description"): ["x", "", 1, DELETE],
    ("tools", 0, "parameters"): [{}, {"type": "string"}, {"type": "object", "properties": {}}, [],
                                 "object", {"type": ["object"]}, None, DELETE],
    ("tools", 0, "idempotent"): [True, False, 0, None],
    ("tools", 0, "approval"): ["never", "ask", "always", "Never", True, None],
    ("tools", 0, "timeout_ms"): [100, 99, 600000, 600001, 1000.0, 1000.5, "1000", True, None, 1e3],
    ("tools", 0, "other"): [1],
    ("capabilities",): [{}, [], None, {"net": True}],
    ("capabilities", "http"): [
        ["*"], ["*", "https://a.b/"], [], None, "https://a.b/", [1], ["https://a.b/"] * 2,
        [f"https://a{i}.b/" for i in range(32)], [f"https://a{i}.b/" for i in range(33)]] + [
        [u] for u in (
            "https://a.b/", "http://a.b/", "https://localhost/", "https://a.b:1/", "https://a.b:65535/",
            "https://a.b:65536/", "https://a.b:0/", "https://a.b:01/", "https://a.b:/", "https://a.b",
            "https://A.b/", "HTTPS://a.b/", "https://a.b./", "https://.a.b/", "https://a..b/",
            "https://-a.b/", "https://a-.b/", "https://a_b.c/", "https://_a.b/", "https://a.1b/",
            "https://a.b1/", "https://1.2.3.4/", "https://1.2.3.256/", "https://1.2.3/",
            "https://01.2.3.4/", "https://1/", "https://0x1/", "https://[::1]/", "https://u@a.b/",
            "https://a.b/x", "https://a.b/x/", "https://a.b//", "https://a.b/x//y", "https://a.b/.x",
            "https://a.b/x.y", "https://a.b/../x", "https://a.b/x?y", "https://a.b/#x",
            "https://a.b/%20", "https://a.b/a+b", "https://ä.b/", "https://xn--4ca.b/", "ftp://a.b/",
            "https:///", "https://", "*://a.b/", "https://*.a.b/",
            "https://" + "a" * 63 + ".b/", "https://" + "a" * 64 + ".b/",
            "https://" + "a.b" + "/" + "x" * 500, "https://" + "a.b" + "/" + "x" * 501,
            "https://" + ("a" * 50 + ".") * 5 + "b/", "https://" + ("a" * 49 + ".") * 5 + "bbb/",
            "https://" + ("a" * 49 + ".") * 5 + "bbbb/", "")],
    ("capabilities", "secrets"): [["A"], ["A_1", "B"], [], ["a"], ["1A"], ["_A"], ["A" * 64],
                                  ["A" * 65], ["A", "A"], [f"A{i}" for i in range(16)],
                                  [f"A{i}" for i in range(17)], [1], "A", None],
    ("capabilities", "kv"): [True, False, 1, None],
    ("capabilities", "files"): ["workspace", "home", True, False, None],
    ("limits",): [{}, [], None, {"other": 1}],
    ("limits", "memory_mib"): [16, 15, 2048, 2049, 16.5, "16", -1, None],
    ("limits", "cpu_ms"): [10, 9, 600000, 600001, True],
    ("limits", "output_kib"): [1, 0, 1024, 1025],
    ("limits", "http_kib"): [1, 0, 4096, 4097],
    ("limits", "kv_kib"): [1, 0, 65536, 65537, 2 ** 63, 1e30],
    ("other",): [1],
}


def changed(manifest, path, value):
    m = copy.deepcopy(manifest)
    at = m
    for step in path[:-1]:
        if isinstance(step, str):
            at = at.setdefault(step, {})
        else:
            at = at[step]
    if value is DELETE:
        at.pop(path[-1], None)
    else:
        at[path[-1]] = value
    return m


def corpus():
    yield from (BASE, FULL, PROGRAM, [], 1, "x", None, {})
    for key in BASE:
        yield {k: v for k, v in BASE.items() if k != key}
    for path, values in VALUES.items():
        for value in values:
            for base in (BASE, FULL, PROGRAM):
                yield changed(base, path, value)


def daemon_says(tmp_path, texts):
    files = []
    for i, text in enumerate(texts):
        files.append(tmp_path / f"{i}.json")
        files[-1].write_text(text, encoding="utf-8")
    lines = subprocess.run([CHECK, *files], capture_output=True, text=True, check=True,
                           timeout=60).stdout.splitlines()
    assert len(lines) == len(texts)
    return lines


def test_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_schema_and_decoder_agree(tmp_path):
    manifests = list(corpus())
    validator = jsonschema.Draft202012Validator(SCHEMA)
    lines = daemon_says(tmp_path, [json.dumps(m) for m in manifests])
    differ = [(m, line) for m, line in zip(manifests, lines)
              if validator.is_valid(m) != (line == "ok")]
    assert differ == []
    good = lines.count("ok")
    assert good > 150 and len(lines) - good > 300  # the corpus has both


def test_what_no_schema_can_say_is_refused(tmp_path):
    for line in daemon_says(tmp_path, BEYOND):
        assert line != "ok"


@pytest.mark.parametrize("path", VALUES)
def test_every_error_names_the_field(tmp_path, path):
    manifests = [changed(FULL, path, v) for v in VALUES[path]]
    texts = [json.dumps(m) for m in manifests]
    want = re.sub(r"\.(\d+)", r"[\1]", ".".join(map(str, path)))
    for text, line in zip(texts, daemon_says(tmp_path, texts)):
        if line == "ok":
            continue
        said = line.split(": ", 1)[1]
        if path == ("kind",) and "program" in text:
            continue  # then another member is wrong
        assert said.startswith(want), (said, text)
