#!/usr/bin/python3
"""The skill csv: statistics, filters and groups of a table, as an example of a skill that is a program.

A program gets one line on its standard input, {"tool": NAME, "arguments": {...}}, writes one on its
standard output, {"result": ...} or {"error": "why", "code": ...}, and ends: docs/skills-programs.md.
Only Python's own library is used. The file is not called csv.py: that would hide the module of this
name.
"""
import csv
import io
import json
import os
import sys
from decimal import Decimal, InvalidOperation

BYTES_MAX = 16 << 20  # of a table
ROWS_MAX = 200_000
COLUMNS_MAX = 500
GROUPS_MAX = 10_000
DIGITS_MAX = 40  # of a number: longer ones are text
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}


class Wrong(Exception):
    """The call fails with these words."""

    def __init__(self, words, code="invalid"):
        super().__init__(words)
        self.code = code


# --- reading -------------------------------------------------------------------------------------


def read_text(args):
    text, path = args.get("text"), args.get("path")
    if (text is None) == (path is None):
        raise Wrong('give either the argument "text" or "path"')
    if path is None:
        if len(text.encode()) > BYTES_MAX:
            raise Wrong(f'argument "text" is over {BYTES_MAX >> 20} MiB', "limit")
        return text
    if os.path.isabs(path) or ".." in path.split("/"):
        raise Wrong('argument "path" must be relative to the workspace, without ".."')
    try:
        with open(path, "rb") as file:
            data = file.read(BYTES_MAX + 1)
    except FileNotFoundError:
        raise Wrong(f'there is no file "{path}"', "not_found") from None
    except OSError as error:
        raise Wrong(f'"{path}" cannot be read: {error.strerror}') from None
    if len(data) > BYTES_MAX:
        raise Wrong(f'"{path}" is over {BYTES_MAX >> 20} MiB', "limit")
    return data.decode("utf-8-sig", errors="replace")


def guess_delimiter(text):
    """The one that the first line has most of, outside of quotes."""
    line = text.lstrip("\r\n").split("\n", 1)[0]
    outside = "".join(line.split('"')[::2])
    return max(DELIMITERS.values(), key=outside.count)


class Table:
    def __init__(self, args):
        text = read_text(args).replace("\0", "\ufffd")
        delimiter = DELIMITERS[args["delimiter"]] if args.get("delimiter") else guess_delimiter(text)
        csv.field_size_limit(BYTES_MAX)
        try:
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            rows = [row for _, row in zip(range(ROWS_MAX + 2), (r for r in rows if r))]
        except csv.Error as error:
            raise Wrong(f"this is no table: {error}") from None
        if not rows:
            raise Wrong("the table is empty")
        if len(rows) > ROWS_MAX + 1:
            raise Wrong(f"the table has over {ROWS_MAX} rows", "limit")
        width = max(map(len, rows))
        if width > COLUMNS_MAX:
            raise Wrong(f"the table has over {COLUMNS_MAX} columns", "limit")
        if args.get("header", True):
            names, rows = [name.strip() for name in rows[0]], rows[1:]
        else:
            names = []
        self.columns = [name or f"column{i + 1}" for i, name in enumerate(names)]
        self.columns += [f"column{i + 1}" for i in range(len(names), width)]
        self.rows = [row + [""] * (width - len(row)) for row in rows]

    def index(self, name):
        if name in self.columns:
            return self.columns.index(name)
        shown = ", ".join(self.columns[:20])
        raise Wrong(f'there is no column "{name}"; there are: {shown}')


def number(text):
    """What the cell says as an exact decimal, None if it is no number."""
    text = text.strip()
    if not text or len(text) > DIGITS_MAX or not (text[-1].isdigit() or text[-1] == "."):
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) < DIGITS_MAX else None


def plain(value):
    """A number of JSON: whole ones as such, others as the nearest double."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


# --- tools ---------------------------------------------------------------------------------------


def describe(args):
    table = Table(args)
    columns = []
    for i, name in enumerate(table.columns):
        cells = [row[i].strip() for row in table.rows]
        filled = [cell for cell in cells if cell]
        numbers = [n for n in map(number, filled) if n is not None]
        column = {"name": name, "empty": len(cells) - len(filled), "distinct": len(set(filled))}
        if filled and len(numbers) == len(filled):
            column.update(type="number", min=plain(min(numbers)), max=plain(max(numbers)),
                          sum=plain(sum(numbers)), mean=plain(sum(numbers) / len(numbers)))
        else:
            column.update(type="text", numbers=len(numbers), examples=list(dict.fromkeys(filled))[:3])
        columns.append(column)
    return {"rows": len(table.rows), "columns": columns}


def comparison(op, wanted):
    """A predicate on a cell. Numbers compare as numbers if both are, else as text."""
    want = str(wanted)
    if op == "contains":
        return lambda cell: want.casefold() in cell.casefold()
    if op == "empty":
        return lambda cell: (not cell.strip()) == (want.casefold() != "false")
    compare = {"==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
               "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}[op]
    want_number = number(want)

    def test(cell):
        cell_number = number(cell) if want_number is not None else None
        if cell_number is not None:
            return compare(cell_number, want_number)
        if want_number is not None and op not in ("==", "!="):
            return False  # text is neither below nor above a number
        return compare(cell.strip(), want.strip())

    return test


def filtered(table, args):
    tests = [(table.index(c["column"]), comparison(c["op"], c.get("value", "true")))
             for c in args.get("where", [])]
    return [row for row in table.rows if all(test(row[i]) for i, test in tests)]


def sort_key(i):
    """Numbers before text, empty cells last."""
    def key(row):
        value, cell = number(row[i]), row[i].strip()
        return (2, 0, "") if not cell else (0, value, "") if value is not None else (1, 0, cell.casefold())
    return key


def select(args):
    table = Table(args)
    rows = filtered(table, args)
    wanted = [table.index(name) for name in args.get("columns", [])] or range(len(table.columns))
    if args.get("sort_by"):
        rows = sorted(rows, key=sort_key(table.index(args["sort_by"])),
                      reverse=args.get("descending", False))
    offset, limit = args.get("offset", 0), args.get("limit", 50)
    return {"matched": len(rows), "columns": [table.columns[i] for i in wanted],
            "rows": [[row[i] for i in wanted] for row in rows[offset:offset + limit]]}


def aggregate(args):
    table = Table(args)
    keys = [table.index(name) for name in args.get("group_by", [])]
    groups = {}
    for row in filtered(table, args):
        groups.setdefault(tuple(row[i].strip() for i in keys), []).append(row)
        if len(groups) > GROUPS_MAX:
            raise Wrong(f"there are over {GROUPS_MAX} groups: group by fewer columns", "limit")
    value = table.index(args["column"]) if args.get("column") else None
    result = []
    for group, rows in sorted(groups.items())[:args.get("limit", 100)]:
        item = {"group": list(group), "count": len(rows)}
        numbers = [n for n in (number(row[value]) for row in rows) if n is not None] \
            if value is not None else []
        if numbers:
            item.update(sum=plain(sum(numbers)), mean=plain(sum(numbers) / len(numbers)),
                        min=plain(min(numbers)), max=plain(max(numbers)))
        result.append(item)
    return {"groups": len(groups), "group_by": [table.columns[i] for i in keys], "result": result}


TOOLS = {"describe": describe, "select": select, "aggregate": aggregate}


def answer(request):
    tool = TOOLS.get(request.get("tool"))
    if tool is None:
        return {"error": f"there is no tool \"{request.get('tool')}\"", "code": "not_found"}
    try:
        return {"result": tool(request.get("arguments") or {})}
    except Wrong as why:
        return {"error": str(why), "code": why.code}


def main():
    print(json.dumps(answer(json.loads(sys.stdin.readline()))), flush=True)


if __name__ == "__main__":
    main()
