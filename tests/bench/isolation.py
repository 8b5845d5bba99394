"""What others feel of a skill that misbehaves: their turns, and calls of another skill."""
import concurrent.futures
import contextlib
import json
import shutil
import threading

import measure
from measure import BIN, median
from programs import text_of

PLUGINS = BIN.parent / "tests/attack"
ATTACK, LIE = "attack_plugin.so", "protocol_plugin.so"
# Each with its plugin, and what is said of it if it really happened. An endless one is ended after a
# second and begun again.
KINDS = {"wild_pointer": (LIE, "a bad pointer"), "spin": (ATTACK, "took longer than 1000 ms"),
         "memory_bomb": (ATTACK, "result -12"), "endless_bytes": (LIE, "broke the protocol"),
         "print_endless": (LIE, "took longer than 1000 ms"), "fork_bomb": (ATTACK, "result -11")}
SESSIONS, TURNS, EVERY_MS = 4, 200, 20


def install(place, daemon, kind, turn):
    """A skill with one tool that does nothing but this; the path to call it by. Other files each
    `turn`: one that crashed again and again rests for longer and longer."""
    plugin = KINDS[kind][0]
    name, tool = ("attack", "attack") if plugin == ATTACK else ("protocol", kind)
    source = place.fresh()
    shutil.copy(PLUGINS / plugin, source)
    (source / "skill.json").write_text(json.dumps({
        "name": name, "version": "1.0.0", "description": f"Misbehaves, {turn}", "entry": plugin,
        "tools": [{"name": tool, "description": "Misbehave", "approval": "never",
                   "timeout_ms": 1000, "parameters": {"type": "object"}}]}), encoding="utf-8")
    status, skill = daemon.post("/api/v1/skills", {"path": str(source)})
    if status == 201:
        status, skill = daemon.post(f"/api/v1/skills/{name}/enable", {"hash": skill["hash"]})
    if status != 200:
        raise RuntimeError(f"the skill that misbehaves: {skill}")
    return f"/api/v1/skills/{name}/tools/{tool}/run"


@contextlib.contextmanager
def misbehaving(daemon, path, kind):
    """Calls of it, one after the other, by somebody else than the sessions."""
    over, happened, said = threading.Event(), [0], [None]

    def go_on():
        while not over.wait(0.001):
            said[0] = daemon.post(path, {"attack": kind})
            happened[0] += KINDS[kind][1] in json.dumps(said[0])

    with concurrent.futures.ThreadPoolExecutor() as pool:
        done = pool.submit(go_on)
        try:
            yield
        finally:
            over.set()
            done.result(60)
    if happened[0] == 0:
        raise RuntimeError(f"{kind}: nothing misbehaved: {said[0]}")


def turns_beside(place, kind, rounds):
    """[(quiet, beside)]: what turn_load says, in turns."""
    daemon = place.daemon(place.model())
    cookies = place.cookies(daemon, SESSIONS)

    def load():
        return measure.load(daemon, cookies, SESSIONS, TURNS, EVERY_MS)

    load()
    pairs = []
    for turn in range(rounds):
        path, quiet = install(place, daemon, kind, turn), load()
        with misbehaving(daemon, path, kind):
            pairs.append((quiet, load()))
    daemon.stop()
    return pairs


def isolation(place, Row, quick):
    """p99 of others while a skill misbehaves, beside the same with nothing beside it

    What is judged are turns of other sessions, which begin at a steady rate that leaves the machine
    mostly idle. A call of another skill is a part of such a turn, and far shorter: it shows more.
    """
    rows, rounds = [], (3 if quick else 9)
    for kind in KINDS:
        pairs, said = turns_beside(place, kind, rounds), kind.replace("_", " ")
        for key, what in (("first_text_us", "first text"), ("ended_us", "turns")):
            quiet, beside = (median(p[i][key]["p99"] for p in pairs) / 1000 for i in (0, 1))
            rows.append(Row(f"{what} beside {said}", beside, "ms p99", quiet, "quiet, ms p99",
                            beside / quiet, "<= 1.1", beside / quiet <= 1.1))
    got = json.loads(text_of("isolation_bench", BIN / "nexflow-skill", PLUGINS / ATTACK,
                             PLUGINS / LIE, PLUGINS / "variant_witness.so", 3 if quick else 12))
    for kind, one in got.items():
        rows.append(Row(f"calls beside {kind.replace('_', ' ')}", one["busy_us"], "us p99",
                        one["quiet_us"], "quiet, us p99", one["busy_us"] / one["quiet_us"]))
    return rows
