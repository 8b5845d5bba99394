"""Our verdicts on values against schemas are those of python3-jsonschema, over what both hold.

usage: json_schema_agree.py TOOL      TOOL reads lines {"schema":...,"value":...} and writes fits, no, refused or limit
"""
import json
import random
import subprocess
import sys

import jsonschema

SEED = 20250101
CASES = 6000

VALUES = [None, True, False, 0, 1, -1, 2, 3, 10, 1.0, 1.5, -0.5, 1e3, 1e300, 9007199254740993, "", "a", "ab", "abc",
          "ä", "🕐🕐", "1", [], [1], [1, 1], [1, 1.0], [None], ["a", "b"], [[1], [1]], [{"a": 1}, {"a": 1.0}], {},
          {"a": 1}, {"a": "x"}, {"a": 1, "b": 2}, {"b": None}, {"a": {"a": {"a": 1}}}, {"a": [1, 2, 3]}, {"c": 1}]
TYPES = ["null", "boolean", "number", "integer", "string", "array", "object"]


def schema(r, depth):
    """A random schema of what both hold."""
    if depth == 0 or r.random() < 0.1:
        return r.choice([True, False, {}, {"type": r.choice(TYPES)}])
    s = {}
    for _ in range(r.randint(1, 3)):
        key = r.choice(["type", "types", "enum", "const", "properties", "required", "additionalProperties", "counts",
                        "dependentRequired", "items", "prefixItems", "uniqueItems", "bounds", "multipleOf", "lengths",
                        "allOf", "anyOf", "oneOf", "not", "$ref", "unknown"])
        if key == "type":
            s["type"] = r.choice(TYPES)
        elif key == "types":
            s["type"] = r.sample(TYPES, r.randint(1, 3))
        elif key == "enum":
            s["enum"] = r.sample(VALUES, r.randint(1, 4))
        elif key == "const":
            s["const"] = r.choice(VALUES)
        elif key == "properties":
            s["properties"] = {k: schema(r, depth - 1) for k in r.sample("abc", r.randint(1, 3))}
        elif key == "required":
            s["required"] = r.sample(["a", "b", "c"], r.randint(0, 2))
        elif key in ("additionalProperties", "items", "not"):
            s[key] = schema(r, depth - 1)
        elif key == "counts":
            s[r.choice(["minProperties", "maxProperties", "minItems", "maxItems"])] = r.randint(0, 3)
        elif key == "dependentRequired":
            s[key] = {r.choice("abc"): [r.choice("abc")]}
        elif key in ("prefixItems", "allOf", "anyOf", "oneOf"):
            s[key] = [schema(r, depth - 1) for _ in range(r.randint(1, 3))]
        elif key == "uniqueItems":
            s[key] = r.random() < 0.8
        elif key == "bounds":
            s[r.choice(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"])] = r.choice(
                [0, 1, -1, 1.5, 10, 9007199254740993])
        elif key == "multipleOf":
            s[key] = r.choice([1, 2, 3, 0.5])
        elif key == "lengths":
            s[r.choice(["minLength", "maxLength"])] = r.randint(0, 3)
        elif key == "$ref":
            s[key] = "#/$defs/d"
        else:
            s[r.choice(["title", "format", "default", "x-more"])] = r.choice(["date", "a"])
    return s


def value(r, depth):
    if depth == 0 or r.random() < 0.5:
        return r.choice(VALUES)
    if r.random() < 0.5:
        return [value(r, depth - 1) for _ in range(r.randint(0, 3))]
    return {k: value(r, depth - 1) for k in r.sample("abcd", r.randint(0, 3))}


def cases():
    r = random.Random(SEED)
    for _ in range(CASES):
        root = schema(r, 3)
        if not isinstance(root, dict):
            root = {"allOf": [root]}
        root["$defs"] = {"d": schema(r, 1)}
        while "$ref" in json.dumps(root["$defs"]):  # no endless recursion
            root["$defs"] = {"d": schema(r, 1)}
        yield root, value(r, 3)


def main():
    all_cases = list(cases())
    lines = "".join(json.dumps({"schema": s, "value": v}) + "\n" for s, v in all_cases)
    ours = subprocess.run([sys.argv[1]], input=lines, stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    assert len(ours) == len(all_cases), (len(ours), len(all_cases))
    fit, different = 0, 0
    for (s, v), verdict in zip(all_cases, ours):
        theirs = "fits" if jsonschema.Draft202012Validator(s).is_valid(v) else "no"
        fit += theirs == "fits"
        if verdict != theirs:
            different += 1
            print(f"we say {verdict}, they say {theirs}: {json.dumps(s)} with {json.dumps(v)}")
    print(f"{len(all_cases)} cases, {fit} fit, {different} different")
    assert CASES / 5 < fit < 4 * CASES / 5, "the corpus says nothing if nearly all fit or none does"
    return 1 if different else 0


sys.exit(main())
