"""Redis between instances: faster while it is there, and nothing is lost without it."""
import asyncio
import concurrent.futures
import json
import subprocess
import time

import pytest
import websockets

import discord
import nexflow
import redis

CONFIG = "limits: {messages_per_minute: 30, requests_per_minute: 1000000}\n"
SECONDS_EACH = 2  # after which one of those 30 comes back


@pytest.fixture
def server():
    one = redis.Redis().start()
    yield one
    one.stop()


@pytest.fixture
def pair(tmp_path, provider, server):
    """Two daemons on one database that tell each other over Redis."""
    database = nexflow.server().create(f"r{time.monotonic_ns()}")
    daemons = [nexflow.Daemon(tmp_path / str(i), CONFIG + f'redis: {{url: "{server.url}"}}\n',
                              provider.yaml(), database=database).start() for i in range(2)]
    for daemon in daemons:
        daemon.wait_until(lambda d=daemon: d.events("redis.connected"))
    yield daemons
    for daemon in daemons:
        assert daemon.stop() == 0, daemon.log()[-2000:]


def say_and_hear(pair, message_id, meanwhile=None):
    """What both sockets got of a run: of the instance that runs it and of the other."""
    async def scene():
        async with pair[0].connect() as here, pair[1].connect() as there:
            accepted = await here.say("hello", message_id)
            if meanwhile:
                await asyncio.to_thread(meanwhile)
            await here.end_of(accepted["run_id"])
            try:
                await there.end_of(accepted["run_id"], 3 if meanwhile else nexflow.WAIT_S)
            except (asyncio.TimeoutError, websockets.ConnectionClosed):
                pass  # nobody tells it: it asks
        async with pair[1].connect() as again:
            await again.replay(accepted)
        run = accepted["run_id"]
        return [nexflow.text_of(s.frames, run) for s in (here, there, again)]

    return asyncio.run(scene())


def connected(daemon):
    return len(daemon.events("redis.connected"))


def test_events_come_over_redis(pair, provider, server):
    provider.script(text="one two three", delay=0.05)
    assert server.ask("PUBSUB", "NUMSUB", "nexflow").splitlines()[1] == "2"
    assert say_and_hear(pair, "m1") == ["one two three"] * 3


@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_without_redis_nothing_is_lost(pair, provider, server, how):
    provider.script(text="one two three four", delay=0.2)
    here, _, again = say_and_hear(pair, "m1", getattr(server, how))
    assert here == again == "one two three four"
    for daemon in pair:
        daemon.wait_until(lambda d=daemon: d.events("redis.lost"))
        assert daemon.get("/health")[0] == 200
    server.kill()
    provider.script(text="and without")
    here, _, again = say_and_hear(pair, "m2", lambda: None)
    assert here == again == "and without"

    before = [connected(d) for d in pair]
    server.start()
    for daemon, n in zip(pair, before):
        daemon.wait_until(lambda d=daemon, n=n: connected(d) > n)
    provider.script(text="and with", delay=0.05)
    # Who tells finds it again by itself, a while after who hears.
    heard = (say_and_hear(pair, f"again{i}", lambda: None) for i in range(20))
    assert next((h for h in heard if h == ["and with"] * 3), None)


def test_nobody_is_fooled_by_what_is_no_line_of_ours(pair, provider, server):
    provider.script(text="fine")
    for text in ("", "x", "9 . ", "9 . {", '9 . {"to":"hub"}\n', '9 . {"to":"hub","what":99}\n',
                 '9 . {"to":"hub","what":1,"type":77,"user":1}\n', "9 + " + "a" * 100000, "9 - \n",
                 '9 . {"to":"hub","what":3,"user":1}\n', '9 . {"to":"runner"}\n', "9 . []\n"):
        server.ask("PUBLISH", "nexflow", text)
    here, _, again = say_and_hear(pair, "m1")
    assert here == again == "fine"


def write(daemons, n, prefix):
    """`n` messages, to one daemon after the other: how each was answered."""
    return [daemons[i % len(daemons)].post("/api/v1/messages", {
        "content": "hello", "message_id": f"{prefix}{i}"})[0] for i in range(n)]


def up(daemons):
    for daemon in daemons:
        daemon.wait_until(lambda d=daemon: d.get("/health")[1]["redis"] == "ok")


def down(daemons):
    for daemon in daemons:
        daemon.wait_until(lambda d=daemon: d.get("/health")[1]["redis"] != "ok")


def test_limits_hold_over_all_instances(pair, provider, server):
    provider.script(text="yes")
    up(pair)
    begun = time.monotonic()

    def came_back():
        """How many may have since, with one that is about to; and those that Redis did not answer for in time."""
        return int((time.monotonic() - begun) / SECONDS_EACH) + 1 + unanswered(pair)
    taken = write(pair, 40, "a")
    assert taken[:30] == [202] * 30
    assert taken.count(202) <= 30 + came_back()
    assert server.ask("SCRIPT", "FLUSH") == "OK"  # the script is sent again
    taken += write(pair, 6, "b")
    assert taken.count(202) <= 30 + came_back()
    assert server.ask("FLUSHALL") == "OK"  # all of it is new: our own counts are not
    again = write(pair, 30, "c")
    # A refusal by Redis is counted by an instance, too: it was asked first.
    left = 2 * (30 - 23)
    assert left <= again.count(202) <= left + 2 * came_back(), "what was left on each, and what came back"


def test_what_somebody_else_wrote_there_refuses_nobody(pair, provider, server):
    provider.script(text="yes")
    up(pair)
    assert write(pair, 1, "a") == [202]
    keys = [k for k in server.ask("KEYS", "nexflow:rate:*").splitlines() if k]
    assert keys
    for i, value in enumerate(("", "x", "-1", "nan", "inf", "9e18", "9000000000000000000")):
        for key in keys:
            server.ask("SET", key, value)
        assert write(pair, 1, f"b{i}") == [202], value


@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_without_redis_each_instance_counts_for_itself(pair, provider, server, how):
    provider.script(text="yes")
    up(pair)
    write(pair, 6, "a")
    getattr(server, how)()
    answers = write(pair, 10, "b")
    assert answers == [202] * 10, "nobody is refused for that"
    down(pair)
    said = pair[0].get("/metrics")[1]
    assert "nexflow_redis_connected 0" in said
    shown = subprocess.run([nexflow.BIN / "nexflow", "--config", pair[0].config, "doctor"],
                           capture_output=True, text=True, check=False).stdout
    assert "warn  redis" in shown, shown
    server.kill()
    server.start()
    up(pair)
    assert "nexflow_redis_connected 1" in pair[0].get("/metrics")[1]
    assert reconnects(pair[0]) >= 1


def test_one_that_is_silent_is_not_taken_for_one_that_is_there(pair, server):
    """The kernel goes on accepting connections for it."""
    up(pair)
    server.freeze()
    down(pair)
    for daemon in pair:
        tries, found = reconnects(daemon), len(daemon.events("redis.store.connected"))
        daemon.wait_until(lambda d=daemon, n=tries + 2: reconnects(d) >= n)
        assert len(daemon.events("redis.store.connected")) == found
    server.kill()
    server.start()
    up(pair)


def reconnects(daemon):
    return daemon.get("/api/v1/status")[1]["redis"]["reconnects"]


def unanswered(daemons):
    """Calls that went on without Redis: it answers within 250 ms, or the machine was too busy for that."""
    return sum(d.get("/api/v1/status")[1]["redis"]["failures"] for d in daemons)


def me(daemon, cookie):
    return daemon.request("GET", "/api/v1/users/me", token=None,
                          headers={"Cookie": f"nexflow_session={cookie}"})[0]


def cached(server):
    return len([k for k in server.ask("KEYS", "nexflow:login:*").splitlines() if k])


def test_who_was_signed_out_or_blocked_is_out_everywhere(pair, server):
    up(pair)
    bob, first = pair[0].user("Bob")
    anna, second = pair[0].user("Anna")
    for _ in range(3):
        assert [me(d, c) for d in pair for c in (first, second)] == [200] * 4
    pair[0].wait_until(lambda: [me(pair[0], c) for c in (first, second)] == [200] * 2 and cached(server) == 2)
    assert pair[0].request("POST", "/api/v1/auth/logout", {}, token=None, headers={
        "Cookie": f"nexflow_session={first}",
        "Origin": f"http://127.0.0.1:{pair[0].port}"})[0] == 204
    assert [me(d, first) for d in pair] == [401, 401]
    assert [me(d, second) for d in pair] == [200, 200]

    assert pair[1].request("PATCH", f"/api/v1/users/{anna['id']}", {"role": "admin"})[0] == 200
    for daemon in pair:
        assert daemon.get("/api/v1/users", token=None,
                          headers={"Cookie": f"nexflow_session={second}"})[0] == 200
    assert pair[1].request("PATCH", f"/api/v1/users/{anna['id']}", {"status": "blocked"})[0] == 200
    assert [me(d, second) for d in pair] == [401, 401]


def test_the_clock_of_a_person_is_theirs_on_every_instance(pair, server):
    up(pair)
    _, cookie = pair[0].user("Bob")
    def ask(daemon, method, path, body):
        return daemon.request(method, path, body, token=None, headers={
            "Cookie": f"nexflow_session={cookie}", "Origin": f"http://127.0.0.1:{daemon.port}"})
    assert [me(d, cookie) for d in pair * 2] == [200] * 4
    for zone in ("Europe/Berlin", "Asia/Tokyo"):
        assert ask(pair[0], "PATCH", "/api/v1/users/me", {"time_zone": zone})[0] == 200
        for daemon in pair * 2:
            status, _, body = ask(daemon, "POST", "/api/v1/schedules/preview", {"when": "in 1 hour"})
            assert status == 200 and json.loads(body)["time_zone"] == zone, body


def test_what_somebody_else_wrote_into_redis_signs_nobody_in(pair, server):
    up(pair)
    _, cookie = pair[0].user("Bob")
    assert me(pair[0], cookie) == 200 and me(pair[0], cookie) == 200
    [key] = [k for k in server.ask("KEYS", "nexflow:login:*").splitlines() if k]
    mark = server.ask("GET", "nexflow:logins")
    long_zone = mark + ' {"id":1,"name":"x","role":1,"lang":0,"created":0,"zone":"' + 65 * "z" + '"}'
    for value in ("", "x", long_zone, mark, mark + " ", mark + " {", mark + " []",
                  mark + ' {"id":1,"name":"x","role":9,"lang":0,"created":0,"zone":""}',
                  mark + ' {"id":0,"name":"x","role":1,"lang":0,"created":0,"zone":""}',
                  "old " + '{"id":1,"name":"x","role":1,"lang":0,"created":0,"zone":""}'):
        server.ask("SET", key, value)
        assert me(pair[1], cookie) == 200
        assert pair[1].get("/api/v1/users", token=None,
                           headers={"Cookie": f"nexflow_session={cookie}"})[0] == 403, value
    server.ask("DEL", "nexflow:logins")
    server.ask("LPUSH", "nexflow:logins", "no mark")
    assert me(pair[0], cookie) == 200


def test_redis_may_be_emptied_again_and_again(pair, provider, server):
    provider.script(text="yes")
    up(pair)
    _, cookie = pair[0].user("Bob")
    for i in range(8):
        assert server.ask("FLUSHALL") == "OK"
        assert [me(d, cookie) for d in pair] == [200, 200]
        assert write(pair, 1, f"f{i}-") == [202]


# --- what a network lets all instances do together -----------------------------------------------

PER_SECOND, SECOND_S = 8, 1.15  # rest.c: SHARED_SECOND_MS


@pytest.fixture(name="bots")
def _bots(tmp_path, server):
    """Two daemons with the same bot, which one of them reads and both may write with."""
    fake = discord.Discord()
    fake.call("/_set", {"limits": {"send": (1000, 1), "dm": (1000, 1)}})
    database = nexflow.server().create(f"r{time.monotonic_ns()}")
    more = f"channels:\n  discord:\n    - {fake.yaml(requests_per_second=PER_SECOND)}\n"
    daemons = [nexflow.Daemon(tmp_path / str(i), CONFIG + more + f'redis: {{url: "{server.url}"}}\n',
                              database=database).start() for i in range(2)]
    up(daemons)
    yield daemons, fake
    assert fake.stats()["violations"] == [] and fake.stats()["limited"] == 0
    for daemon in daemons:
        assert daemon.stop() == 0, daemon.log()[-2000:]
    fake.stop()


def passes(server):
    """How often Redis let a request of any instance through."""
    line = next((l for l in server.ask("INFO", "commandstats").splitlines() if l.startswith("cmdstat_lpush:")), "calls=0,")
    return int(line.split("calls=")[1].split(",")[0])


def write_from(daemons, n):
    """`n` messages from each at the same time: the statuses."""
    with concurrent.futures.ThreadPoolExecutor(len(daemons)) as threads:
        return list(threads.map(lambda d: [d.post("/api/v1/channels/discord/test")[0] for _ in range(n)], daemons))


def settled(daemons, fake):
    """All that goes out by itself at the start has."""
    states = {"connected", "standby"}
    for daemon in daemons:
        daemon.wait_until(lambda d=daemon: d.get("/health")[1]["channels"][0]["state"] in states)
    fake.until(lambda: fake.stats()["command_puts"] == 1)


def test_the_limit_of_a_network_is_that_of_all_instances(bots, server):
    daemons, fake = bots
    account = {"network": "discord", "account": discord.ANNA}
    assert daemons[0].post("/api/v1/users/me/identities", account)[0] in (200, 201, 204)
    settled(daemons, fake)
    write_from(daemons, 1)  # the private chat is known from now on
    for _ in range(10):
        before, asked, alone = passes(server), len(fake.call("/_log")), unanswered(daemons)
        assert write_from(daemons, 6) == [[200] * 6] * 2
        log = fake.call("/_log")[asked:]
        if unanswered(daemons) == alone:  # else some went out without Redis, as they should
            break
    assert len(log) >= 12 and abs(passes(server) - before - len(log)) <= 2, "each was let through by Redis"
    took = log[-1]["at"] - log[0]["at"]
    assert took > 0.8 * SECOND_S * ((len(log) - 1) // PER_SECOND), "each had all of it for itself"
    server.kill()  # then each keeps the limit alone
    assert write_from(daemons, 1) == [[200]] * 2


def test_what_is_no_answer_of_ours_holds_nothing_up(tmp_path):
    fake, database = discord.Discord(), nexflow.server().create(f"r{time.monotonic_ns()}")
    liar = redis.Liar(b":9223372036854775807\r\n")
    config = CONFIG + f'channels:\n  discord:\n    - {fake.yaml()}\nredis: {{url: "{liar.url}"}}\n'
    daemon = nexflow.Daemon(tmp_path / "d", config, database=database).start()
    settled([daemon], fake)
    account = {"network": "discord", "account": discord.ANNA}
    assert daemon.post("/api/v1/users/me/identities", account)[0] in (200, 201, 204)
    for says in (b":9223372036854775807\r\n", b":3600000000\r\n", b":-1\r\n", b"$-1\r\n", b"*1\r\n:5\r\n", b"+0\r\n"):
        liar.says, before = says, liar.scripts
        assert daemon.post("/api/v1/channels/discord/test")[0] == 200, says
        assert liar.scripts > before, "nobody asked it"
    assert daemon.stop() == 0, daemon.log()[-2000:]
    liar.stop()
    fake.stop()
