"""Tools, by the real path: REST, the journal, a plugin in its sandbox."""
import concurrent.futures
import http.client
import json
import shutil
import time

import nexflow
from measure import BIN, median

GOOD = json.dumps({"expression": "(2+3)*7"})
WRONG = json.dumps({"expression": 7})


def ready(daemon):
    """Whether the bundled calculator runs."""
    status, skill = daemon.get("/api/v1/skills/calc")
    return status == 200 and skill["status"] == "enabled"


def one(connection, body, expect):
    """How long one call by hand takes, in microseconds."""
    begun = time.perf_counter()
    connection.request("POST", "/api/v1/skills/calc/tools/evaluate/run", body,
                       {"Authorization": f"Bearer {nexflow.TOKEN}"})
    answer = connection.getresponse()
    answer.read()
    took = time.perf_counter() - begun
    if answer.status != expect:
        raise RuntimeError(f"{answer.status} instead of {expect}")
    return took * 1e6


def install_hanging(place, daemon):
    source = place.dir / "bench"
    source.mkdir()
    shutil.copy(BIN / "skills_plugin.so", source)
    (source / "skill.json").write_text(json.dumps({
        "name": "bench", "version": "1.0.0", "description": "Hangs", "entry": "skills_plugin.so",
        "tools": [{"name": "hang", "description": "Hang", "approval": "never",
                   "timeout_ms": 60000, "parameters": {"type": "object"}}]}), encoding="utf-8")
    status, skill = daemon.post("/api/v1/skills", {"path": str(source)})
    if status == 201:
        status, skill = daemon.post("/api/v1/skills/bench/enable", {"hash": skill["hash"]})
    if status != 200:
        raise RuntimeError(f"the skill that hangs: {skill}")


def stopped(daemon, pool):
    """How long a call that hangs takes to end once it is cancelled, in microseconds."""
    call = pool.submit(daemon.post, "/api/v1/skills/bench/tools/hang/run")
    found = []
    daemon.wait_until(lambda: found.extend(daemon.get("/api/v1/tasks?status=running")[1]["tasks"])
                      or found)
    begun = time.perf_counter()
    daemon.post(f"/api/v1/tasks/{found[0]['id']}/cancel")
    status, answer = call.result(60)
    took = time.perf_counter() - begun
    if status != 409:
        raise RuntimeError(f"a cancelled call answers {status}: {answer}")
    return took * 1e6


def tools(place, Row, quick):
    """a call of a tool, beside one that is refused for its arguments

    Both write the journal twice and answer over HTTP; only one reaches a plugin. What lies between
    them is what the tool adds to its two writes.
    """
    daemon = place.daemon(place.model())
    daemon.wait_until(lambda: ready(daemon))
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=30)
    rounds, added, all_good, all_wrong = (3 if quick else 7), [], [], []
    for _ in range(20):  # a warm worker, warm pages
        one(connection, GOOD, 200)
    for _ in range(rounds):
        good, wrong = [], []
        for _ in range(100):
            good.append(one(connection, GOOD, 200))
            wrong.append(one(connection, WRONG, 400))
        all_good.append(median(good))
        all_wrong.append(median(wrong))
        added.append(median(good) - median(wrong))
    connection.close()
    install_hanging(place, daemon)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        ends = [stopped(daemon, pool) for _ in range(5 if quick else 20)]
    ms, of = median(added) / 1000, median(all_wrong) / 1000
    daemon.stop()
    return [Row("a tool call over REST, p50", median(all_good) / 1000, "ms", of,
                "the same refused, ms", median(all_good) / median(all_wrong)),
            Row("a tool call beyond its two writes, p50", ms, "ms", None, "", None, "<= 1 ms",
                ms <= 1),
            Row("a call that hangs, from its cancelling to its end", max(ends) / 1000, "ms, most",
                median(ends) / 1000, "p50, ms", None, "<= 1,000 ms", max(ends) <= 1e6)]
