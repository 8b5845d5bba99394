"""Databases as older versions made them, and rows in every table that a schema has.

What a row holds is made up from its column: numbers up to 64 bits, all kinds of text, bytes, NULL. So
a table or a column that is added later is filled as well, without anybody thinking of it here.
"""
import hashlib
import re
import sqlite3

import nexflow

FILES = sorted((nexflow.TOP / "migrations").glob("*.sql"))
# Of a process, of the schema itself, of SQLite's own index: what a copy leaves out on purpose.
NOT_COPIED = r"instances$|schema_version$|search|sqlite_"
VERSIONED = ("CREATE TABLE schema_version(version {i64} PRIMARY KEY,sha256 TEXT NOT NULL,"
             "applied_at {i64} NOT NULL)")
ROWS = 3


def expand(sql, engine):
    """A migration's text for one engine, as the program expands it: "lite" or "pg"."""
    sql = re.sub(rf"/\*{engine}:(.*?)\*/", r"\1", sql, flags=re.S)
    sql = sql.replace("{i64}", "INTEGER" if engine == "lite" else "BIGINT")
    return sql if engine == "lite" else re.sub(r"(?<! AS)( TEXT)\b(?!\s+COLLATE)", r'\1 COLLATE "C"', sql)


def schema(engine, version=len(FILES)):
    """The statements that made a database when the newest migration was that one."""
    parts = [expand(VERSIONED, engine) + ";"]
    for number, file in enumerate(FILES[:version], 1):
        sha = hashlib.sha256(file.read_bytes()).hexdigest()
        parts += [expand(file.read_text(encoding="utf-8"), engine),
                  f"INSERT INTO schema_version VALUES({number},'{sha}',1);"]
    return "\n".join(parts)


class Column:
    def __init__(self, name, kind, needed, key, create):
        self.name, self.kind, self.key = name, kind, key
        self.needed = needed or key  # a column of a key is never NULL
        bounds = re.search(rf"\b{name} .*?CHECK\({name} BETWEEN (\d+) AND (\d+)\)", create)
        self.bounds = [int(b) for b in bounds.groups()] if bounds else None

    def value(self, table, n):
        """Of row n: a number, a text, bytes or None."""
        if not self.needed and n % 2:
            return None
        if self.kind == "BLOB":
            return bytes((n, 0, 255, 39, 92))
        if self.kind == "TEXT":
            return f"{table}.{self.name} {n} 'ä' \"Ω\" \\ \t\u0001 🙂"
        if self.bounds:
            low, high = self.bounds
            return low + n % (high - low + 1)
        return n + (0, 1 << 40, (1 << 63) - ROWS - 1)[n % 3]


def tables(version=len(FILES)):
    """Each table of the schema at that version, by name: its columns."""
    db = sqlite3.connect(":memory:")
    db.executescript(schema("lite", version))
    made = db.execute("SELECT name,sql FROM sqlite_master WHERE type='table'").fetchall()
    found = {}
    for name, create in made:
        if re.match(NOT_COPIED, name):
            continue
        columns = db.execute(f"SELECT name,type,\"notnull\",pk FROM pragma_table_info('{name}')")
        found[name] = [Column(*row, create) for row in columns]
    return found


def literal(value, engine):
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'" if engine == "lite" else f"'\\x{value.hex()}'"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def rows_for(engine, version=len(FILES)):
    """INSERT statements: ROWS rows for every table of that version."""
    out = []
    for name, columns in tables(version).items():
        for n in range(1, ROWS + 1):
            values = ",".join(literal(c.value(name, n), engine) for c in columns)
            out.append(f"INSERT INTO {name}({','.join(c.name for c in columns)}) VALUES({values});")
    return "\n".join(out)


def make_lite(path, version=len(FILES), rows=None):
    path.parent.mkdir(exist_ok=True)
    db = sqlite3.connect(path)
    db.executescript(schema("lite", version))
    db.executescript(rows_for("lite", version) if rows is None else rows)
    db.close()


def make_postgres(name, version=len(FILES), rows=None):
    """Its URL."""
    url = nexflow.server().create(name)
    nexflow.server().sql(schema("pg", version), name)
    nexflow.server().sql(rows_for("pg", version) if rows is None else rows, name)
    return url


def wanted(version=len(FILES)):
    """What those tables hold: by table, the rows as dictionaries in the order of n."""
    return {name: [{c.name: c.value(name, n) for c in columns} for n in range(1, ROWS + 1)]
            for name, columns in tables(version).items()}


def held(path):
    """The same of a database of SQLite, in the order of the keys."""
    db = sqlite3.connect(path)
    names = [name for (name,) in db.execute(
        "SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")
        if not re.match(NOT_COPIED, name)]
    db.row_factory, db.text_factory = sqlite3.Row, bytes  # bytes are kept as texts, whatever they are
    found = {name: [dict(row) for row in db.execute(f"SELECT * FROM {name}")] for name in names}
    db.close()
    return found


def left_out(want, found):
    """The rows of `want` that `found` does not have, column by column; columns that came later do not
    count, nor how far a session is indexed, which is each engine's own business."""
    def essence(row, columns):
        values = [(c, row.get(c)) for c in sorted(columns) if c != "indexed_seq"]
        return repr([(c, v.encode() if isinstance(v, str) else v) for c, v in values])

    missing = {}
    for name, rows in want.items():
        there = {essence(row, rows[0]) for row in found.get(name, [])}
        lost = [row for row in rows if essence(row, rows[0]) not in there]
        if lost:
            missing[name] = lost
    return missing
