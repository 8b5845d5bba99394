"""Several daemons on one PostgreSQL: what one does the others see, and take over when it dies."""
import asyncio
import json
import signal
import subprocess
import time

import pytest

import nexflow
import telegram

LEASE_S = 3
LONG_LEASE_S = 300  # longer than any test here waits
CONFIG = ("turns: {lease: %ds}\n"
          "limits: {messages_per_minute: 1000000, requests_per_minute: 1000000}\n")


@pytest.fixture
def database():
    return nexflow.server().create(f"i{time.monotonic_ns()}")


@pytest.fixture
def trio(request, tmp_path, provider, database):
    """Three daemons on one database."""
    config = CONFIG % getattr(request, "param", LEASE_S)
    daemons = [nexflow.Daemon(tmp_path / str(i), config, provider.yaml(), database=database)
               for i in range(3)]
    for daemon in daemons:
        daemon.start(wait=False)
    for daemon in daemons:
        daemon.wait_until(lambda d=daemon: d.get("/health")[0] == 200)
    yield daemons
    for daemon in daemons:
        if daemon.process.poll() is None:
            daemon.process.send_signal(signal.SIGCONT)
            daemon.stop()


def numbers(daemons):
    return [d.events("instance.joined")[-1]["number"] for d in daemons]


def test_those_that_start_at_once_migrate_once_and_get_numbers_of_their_own(trio, database):
    assert sorted(numbers(trio)) == ["1", "2", "3"]
    versions = nexflow.server().sql("SELECT count(*),max(version) FROM schema_version",
                                    database.rsplit("/", 1)[1])
    count, newest = versions.split("|")
    assert count == newest


@pytest.mark.parametrize("trio", [12], indirect=True)
def test_leaving_is_not_being_given_up(trio, database):
    """They leave while their heartbeat waits for the same row: it finds that they are gone."""
    locked = subprocess.Popen(
        [nexflow.server().bin / "psql", "-XqAt", database, "-c",
         "BEGIN;UPDATE instances SET version=version;SELECT 1", "-c", "SELECT pg_sleep(5);COMMIT"],
        stdout=subprocess.PIPE, text=True)
    assert locked.stdout.readline() == "1\n"
    for daemon in trio:
        daemon.process.send_signal(signal.SIGTERM)
    assert [d.process.wait(nexflow.WAIT_S) for d in trio] == [0, 0, 0]
    assert not [d.events("instance.lost") for d in trio if d.events("instance.lost")]
    locked.communicate(timeout=nexflow.WAIT_S)


@pytest.mark.parametrize("trio", [LONG_LEASE_S], indirect=True)
def test_after_a_restart_it_has_its_number_and_goes_on_at_once(trio, provider):
    provider.script(text="late", hang="head")
    before = numbers(trio)
    status, accepted = trio[0].post("/api/v1/messages", {"content": "hello", "message_id": "m1"})
    assert status in (200, 202), accepted
    trio[0].kill()
    provider.script(text="done")
    trio[0].start()
    # Nobody takes it over, and it does not wait for its own lease.
    trio[0].wait_until(lambda: answers(trio[1], accepted) == ["done"])
    assert numbers(trio) == before


def ended(daemon, accepted):
    status, task = daemon.get(f"/api/v1/tasks/{accepted['run_id']}")
    return status == 200 and task["status"] == "completed"


def answers(daemon, accepted):
    return [m["content"] for m in daemon.messages(accepted["session_id"])
            if m["role"] in ("assistant", "notice")]


def test_the_work_of_one_that_dies_is_taken_over(trio, provider):
    provider.script(text="late", hang="head")
    status, accepted = trio[0].post("/api/v1/messages", {"content": "hello", "message_id": "m1"})
    assert status in (200, 202), accepted
    trio[0].kill()
    provider.script(text="taken over")
    trio[1].wait_until(lambda: answers(trio[1], accepted) == ["taken over"])


def test_one_that_was_frozen_past_its_lease_writes_nothing_and_stops(trio, provider):
    provider.script(text="stale", hang="head")
    status, accepted = trio[0].post("/api/v1/messages", {"content": "hello", "message_id": "m1"})
    assert status in (200, 202), accepted
    trio[0].wait_until(provider.log)
    trio[0].process.send_signal(signal.SIGSTOP)
    provider.script(text="fresh")
    provider.release()
    trio[1].wait_until(lambda: answers(trio[1], accepted) == ["fresh"])
    trio[1].wait_until(lambda: trio[1].events("instance.taken_over")
                       + trio[2].events("instance.taken_over"))
    trio[0].process.send_signal(signal.SIGCONT)
    assert trio[0].process.wait(nexflow.WAIT_S) == 1
    assert trio[0].events("instance.lost")
    assert answers(trio[1], accepted) == ["fresh"]


def test_a_change_of_bots_says_for_how_many_others_it_does_not_hold(trio):
    net = telegram.Telegram()
    try:
        bot = {"network": "telegram", "token": net.token, "api_base": f"http://127.0.0.1:{net.port}"}
        status, answer = trio[0].post("/api/v1/channels", bot)
        assert status == 200 and answer["other_instances"] == 2, answer
        assert trio[1].get("/api/v1/channels")[1]["channels"] == []
        assert trio[1].stop() == 0
        status, answer = trio[0].post("/api/v1/channels/telegram/token", {"token": net.token})
        assert status == 200 and answer["other_instances"] == 1, answer
        status, _, text = trio[0].request("DELETE", "/api/v1/channels/telegram")
        assert status == 200 and json.loads(text)["other_instances"] == 1, text
    finally:
        net.stop()


def test_the_same_message_to_two_of_them_has_one_outcome(trio, provider):
    provider.script(text="once")
    _, first = trio[0].post("/api/v1/messages", {"content": "hello", "message_id": "m1"})
    _, second = trio[1].post("/api/v1/messages", {"content": "hello", "message_id": "m1"})
    assert first["run_id"] == second["run_id"]
    trio[2].wait_until(lambda: answers(trio[2], first) == ["once"])


def test_events_reach_a_socket_of_another_instance(trio, provider):
    provider.script(text="one two three four five six", delay=0.05)

    async def scene():
        async with trio[0].connect() as here, trio[1].connect() as there:
            accepted = await here.say("hello", "m1")
            seen = await there.until(lambda f: f["type"] == "accepted")
            assert seen["run_id"] == accepted["run_id"]
            await asyncio.gather(here.end_of(accepted["run_id"]), there.end_of(accepted["run_id"]))
            text = [f for f in there.frames if f["type"] == "TEXT_MESSAGE_CONTENT"]
            assert len(text) > 1, "they came one by one, not at the end"
            live = lambda s: [f for f in s.frames if f["type"] not in ("accepted", "session")]
            assert live(there) == live(here)

    asyncio.run(scene())


def test_long_texts_and_sockets_that_come_late_lose_nothing(trio, provider):
    long = "wörter und mehr " * 4000
    provider.script(text=long, delay=0.0)

    async def scene():
        async with trio[0].connect() as here, trio[2].connect() as there:
            accepted = await here.say("x" * 100000, "m1")
            await here.end_of(accepted["run_id"])
            await there.end_of(accepted["run_id"])
        async with trio[1].connect() as late:
            await late.replay(accepted)
        for socket in (here, there, late):
            said = "".join(f["delta"] for f in socket.frames if f["type"] == "TEXT_MESSAGE_CONTENT")
            assert said == long

    asyncio.run(scene())


def test_a_run_is_stopped_from_another_instance(trio, provider):
    provider.script(text="one two three four five six seven eight", hang="mid")
    _, accepted = trio[0].post("/api/v1/messages", {"content": "hello", "message_id": "m1"})
    trio[0].wait_until(lambda: trio[0].get(f"/api/v1/tasks/{accepted['run_id']}")[1]["status"]
                       == "running")
    status, body = trio[1].post(f"/api/v1/sessions/{accepted['session_id']}/stop")
    assert status == 200, body
    trio[2].wait_until(lambda: trio[2].get(f"/api/v1/tasks/{accepted['run_id']}")[1]["status"]
                       == "cancelled")


def test_all_goes_on_after_the_server_was_killed(trio, provider):
    provider.script(text="yes")
    server = nexflow.server()
    server.kill()
    status, body = trio[0].post("/api/v1/messages", {"content": "hello", "message_id": "m1"})
    assert status == 503, body
    server.start()
    for daemon in trio:
        def sent(d=daemon):
            status, d.accepted = d.post("/api/v1/messages",
                                        {"content": "hello", "message_id": "m1"})
            return status in (200, 202)
        daemon.wait_until(sent)
    assert len({d.accepted["run_id"] for d in trio}) == 1
    trio[2].wait_until(lambda: ended(trio[2], trio[0].accepted))
    assert answers(trio[2], trio[0].accepted) == ["yes"]
    assert all(d.process.poll() is None for d in trio), "nobody gives up for that"


def test_status_shows_all_of_them_and_who_is_gone(trio):
    trio[2].kill()
    trio[0].wait_until(lambda: [i["state"] for i in trio[0].get("/api/v1/status")[1]["instances"]]
                       .count("gone") == 1)
    said = subprocess.run([nexflow.BIN / "nexflow", "--config", trio[0].config, "status"],
                          capture_output=True, text=True, check=True).stdout
    assert said.count(" here ") == 2 and said.count(" gone ") == 1, said
    assert "postgresql, connected" in said and "(this one)" in said
    _, cookie = trio[0].user("somebody")
    assert trio[0].request("GET", "/api/v1/status", token=None, headers={
        "Cookie": f"nexflow_session={cookie}"})[0] == 403


TAKEOVER_S = 10  # what docs/operations.md promises, at the lease that everybody has
BUSY_S = 60  # this machine does other things, too
TURNS = 12


def test_at_the_default_lease_all_work_is_taken_over_in_time(tmp_path, provider, database):
    """Counted from outside: of the turns that one had when it died, how many have ended by then."""
    config = CONFIG.partition("\n")[2]
    daemons = [nexflow.Daemon(tmp_path / str(i), config, provider.yaml(), database=database).start()
               for i in range(3)]
    provider.script(text="late", hang="head")
    accepted = []
    for i in range(TURNS):
        status, one = daemons[0].post("/api/v1/messages", {"content": "hello", "message_id": f"m{i}"})
        assert status in (200, 202), one
        accepted.append(one)
    daemons[1].wait_until(lambda: daemons[0].get("/api/v1/status")[1]["queues"]["turns_running"] == TURNS)
    provider.script(text="taken over")
    daemons[0].kill()
    died = time.monotonic()
    while time.monotonic() < died + TAKEOVER_S + BUSY_S and not all(ended(daemons[1], a) for a in accepted):
        time.sleep(0.1)
    print(f"taken over after {time.monotonic() - died:.1f} s, of which {TAKEOVER_S} were promised")
    assert [answers(daemons[2], a) for a in accepted] == [["taken over"]] * TURNS
    for daemon in daemons[1:]:
        assert daemon.stop() == 0


def test_who_lost_its_number_leaves_alone_what_has_it_now(tmp_path, provider, database):
    daemon = nexflow.Daemon(tmp_path / "one", CONFIG % LEASE_S, provider.yaml(), database=database).start()
    provider.script(text="done")
    _, accepted = daemon.post("/api/v1/messages", {"content": "hello", "message_id": "m1"})
    daemon.wait_until(lambda: answers(daemon, accepted) == ["done"])
    # Asleep for so long that another process has its number, and a turn.
    daemon.write("UPDATE sessions SET pending=1,owner=1,lease_until=9000000000000;"
                 "UPDATE instances SET token=token+1 WHERE number=1")
    assert daemon.process.wait(nexflow.WAIT_S) == 1
    assert daemon.rows("SELECT owner,lease_until FROM sessions") == [("1", "9000000000000")]
