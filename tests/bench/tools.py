"""Tools, by the real path: REST, the journal, a plugin in its sandbox."""
import http.client
import json
import time

import nexflow
from measure import median

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
    ms, of = median(added) / 1000, median(all_wrong) / 1000
    daemon.stop()
    return [Row("a tool call over REST, p50", median(all_good) / 1000, "ms", of,
                "the same refused, ms", median(all_good) / median(all_wrong)),
            Row("a tool call beyond its two writes, p50", ms, "ms", None, "", None, "<= 1 ms",
                ms <= 1)]
