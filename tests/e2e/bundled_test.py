"""The skills that come with Nexflow, run by a daemon: in its sandboxes, through its broker."""
import http.server
import json
import shutil
import threading
import time
import urllib.parse

import pytest

import nexflow

SKILLS = nexflow.BIN.parent / "lib/nexflow/skills"
PAGE = """<!DOCTYPE html><title>Caf\u00e9</title><nav><a href=/>home</a></nav>
<main><h1>Menu</h1><p>Today: <a href="../soup">soup</a>.</p></main>"""


class Handler(http.server.BaseHTTPRequestHandler):
    """A page, and a SearXNG by its JSON API."""

    def do_GET(self):  # noqa: N802  (its name)
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        if url.path == "/search" and query.get("format") == ["json"]:
            kind, body = "application/json", json.dumps({"query": query["q"][0], "results": [
                {"url": "https://example.org/", "title": query["q"][0], "content": "found"}]})
        else:
            kind, body = "text/html; charset=iso-8859-1", PAGE
        body = body.encode("latin-1")
        self.send_response(200 if url.path != "/missing" else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{s.server_port}"
    s.shutdown()


def skills(d):
    return {s["name"]: s for s in d.get("/api/v1/skills")[1]["skills"]}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, server):
    """One daemon with all of them but web, which is installed so that it may reach the server."""
    wanted = "calc, clock, csv, files, notes, text"
    d = nexflow.Daemon(tmp_path_factory.mktemp("bundled"), f"""skills:
  bundled_dir: "{SKILLS}"
  bundled: [{wanted}]
  allow_private: [127.0.0.1]
""").start()
    d.wait_until(lambda: len(skills(d)) == len(wanted.split(",")))
    shutil.copytree(SKILLS / "web", d.dir / "web")
    manifest = json.loads((d.dir / "web/skill.json").read_text(encoding="utf-8"))
    manifest["capabilities"]["http"] = [server + "/"]
    for tool in manifest["tools"]:
        tool["approval"] = "never"
    (d.dir / "web/skill.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert d.post("/api/v1/skills", {"path": str(d.dir / "web")})[0] == 201
    for name, skill in skills(d).items():
        if skill["status"] != "enabled":
            status, body = d.post(f"/api/v1/skills/{name}/enable", {"hash": skill["hash"]})
            assert status == 200, body
    yield d
    assert d.stop() == 0


def run(daemon, skill, tool, **arguments):
    status, body = daemon.post(f"/api/v1/skills/{skill}/tools/{tool}/run", arguments)
    return status, body["result"] if status == 200 else json.dumps(body)


def done(daemon, skill, tool, **arguments):
    status, result = run(daemon, skill, tool, **arguments)
    assert status == 200, result
    return result


def test_skills_are_listed_by_name_and_status_and_in_pages(daemon):
    def listed(query=""):
        status, page = daemon.get(f"/api/v1/skills{query}")
        assert status == 200, page
        return [s["name"] for s in page["skills"]], page["next_cursor"]

    names = ["calc", "clock", "csv", "files", "notes", "text", "web"]
    assert listed() == (names, None)
    assert listed("?limit=7") == (names, None)
    assert listed("?limit=3") == (names[:3], "csv")
    assert listed("?limit=3&cursor=csv") == (names[3:6], "text")
    assert listed("?limit=3&cursor=text") == (["web"], None)
    assert listed("?cursor=d") == (names[3:], None)  # what was removed between two pages
    assert listed("?q=C&limit=2") == (["calc", "clock"], "clock")
    assert listed("?status=enabled&q=te") == (["notes", "text"], None)
    assert listed("?status=disabled") == ([], None)
    for wrong in ("limit=0", "limit=201", "status=lost", "q=" + "x" * 129):
        status, answer = daemon.get(f"/api/v1/skills?{wrong}")
        assert status == 400 and wrong.split("=")[0] in answer["error"]["message"], answer


def test_calc_and_clock_and_text_answer(daemon):
    assert json.loads(done(daemon, "calc", "evaluate", expression="(2+3)*7"))["result"] == "35"
    assert "36 years" in done(daemon, "clock", "difference", start="1990-05-17", end="2026-11-28")
    assert "ba7816bf" in done(daemon, "text", "hash", text="abc")


def test_arguments_are_held_against_the_schema(daemon):
    status, error = run(daemon, "calc", "evaluate", expression="1", digits=0)
    assert status == 400 and "digits" in error


def test_notes_are_kept(daemon):
    assert json.loads(done(daemon, "notes", "save", text="Buy oat milk", tags=["shop"]))["id"] == 1
    assert json.loads(done(daemon, "notes", "find", query="oat"))["found"] == 1


def test_files_and_the_program_share_the_workspace(daemon):
    table = "name;amount\nAda;1.10\nBob;2.20\n"
    done(daemon, "files", "write", path="data/table.csv", text=table)
    told = json.loads(done(daemon, "csv", "describe", path="data/table.csv"))
    assert told["rows"] == 2 and told["columns"][1]["sum"] == 3.3
    done(daemon, "files", "patch", path="data/table.csv",
         patch="<<<<<<< SEARCH\nBob;2.20\n=======\nBob;20\n>>>>>>> REPLACE\n")
    rows = json.loads(done(daemon, "csv", "select", path="data/table.csv",
                           where=[{"column": "amount", "op": ">", "value": 5}]))["rows"]
    assert rows == [["Bob", "20"]]
    status, error = run(daemon, "csv", "describe", path="none.csv")
    assert status == 404 and 'no file \\"none.csv\\"' in error


def test_every_case_of_the_program(daemon):
    cases = json.loads((SKILLS / "csv/tests.json").read_text(encoding="utf-8"))
    for file in cases["files"]:
        done(daemon, "files", "write", path=file["path"], text=file["text"])
    for case in cases["tests"]:
        status, result = run(daemon, "csv", case["tool"], **case["args"])
        (kind, want), = case["expect"].items()
        if kind == "error":
            assert status >= 400 and json.dumps(want)[1:-1] in result, (case, result)
        elif kind == "equals":
            assert json.loads(result) == want, case
        else:
            assert want in result, case


def test_web_reads_pages_and_searches(daemon, server):
    page = done(daemon, "web", "fetch", url=server + "/dir/page")
    assert "Title: Caf\u00e9\n" in page and f"# Menu\n\nToday: [soup]({server}/soup)." in page
    status, error = run(daemon, "web", "fetch", url=server + "/missing")
    assert status == 404 and "there is no page" in error
    assert run(daemon, "web", "fetch", url="https://elsewhere.example/")[0] == 403
    done(daemon, "web", "search_engine", engine="searxng", url=server + "/")
    found = json.loads(done(daemon, "web", "search", query="a & b"))
    assert found["results"] == [{"title": "a & b", "url": "https://example.org/", "text": "found"}]


# --- their installation -------------------------------------------------------------------------

CALLS = {"calc": ("evaluate", {"expression": "6*7"}, "42"),
         "clock": ("difference", {"start": "2026-01-01", "end": "2026-01-03"}, "2 days"),
         "text": ("hash", {"text": "abc"}, "ba7816bf")}
CONFIG = f'skills: {{bundled_dir: "{SKILLS}", bundled: [{", ".join(CALLS)}]}}\n'
SETTLED = dict.fromkeys(CALLS, True)


def seen(d):
    """What is noted of each skill: whether its files are known to be on disk."""
    lines = (d.dir / "data/skills-seen").read_text(encoding="ascii").splitlines()
    return {line.split()[0]: len(line.split()) == 2 for line in lines}


def works(d, name):
    tool, arguments, result = CALLS[name]
    return result in done(d, name, tool, **arguments)


@nexflow.of_sqlite
def test_a_first_start_that_is_killed_anywhere_leaves_nothing_half(tmp_path):
    for i in range(5):
        d = nexflow.Daemon(tmp_path / str(i), CONFIG)
        for _ in range(2):  # again while it mends what the first left
            d.start(wait=False)
            d.wait_until((d.dir / "data/nexflow.db").exists)
            time.sleep(i * 0.05)
            d.kill()
        d.start()
        assert {n: s["status"] for n, s in skills(d).items()} == dict.fromkeys(CALLS, "enabled")
        assert all(works(d, name) for name in CALLS), i
        d.wait_until(lambda d=d: seen(d) == SETTLED)
        d.stop()


def test_what_a_power_cut_left_of_a_skill_is_mended(tmp_path):
    d = nexflow.Daemon(tmp_path, CONFIG).start()
    d.wait_until(lambda: seen(d) == SETTLED)
    kept = {n: tmp_path / "data/skills" / n / s["hash"] for n, s in skills(d).items()}
    assert d.request("DELETE", "/api/v1/skills/text")[0] == 204
    d.stop()

    # As if the database had reached the disk, and of the files nothing or a part.
    note = tmp_path / "data/skills-seen"
    note.write_text("".join(line + " unsettled\n" for line in
                            note.read_text(encoding="ascii").splitlines()), encoding="ascii")
    (kept["calc"] / "calc.so").chmod(0o644)
    (kept["calc"] / "calc.so").write_bytes(b"")
    shutil.rmtree(kept["clock"])
    d.start()
    assert works(d, "calc") and works(d, "clock")
    assert "text" not in skills(d)  # what a person removed stays so
    d.wait_until(lambda: seen(d) == SETTLED)
    d.stop()
