"""Running it: stopping, reloading, what a disk, a clock, a neighbour or a provider may do to it."""
import asyncio
import json
import pathlib
import signal
import socket
import sqlite3
import subprocess
import time

import pytest

import conftest
import nexflow


def run(coroutine):
    return asyncio.run(coroutine)


def write(daemon, config, provider=None):
    """Replace what of its configuration is not the test's frame."""
    text = (f'server: {{listen: "127.0.0.1:{daemon.port}"}}\n'
            f'database: {{url: "sqlite:{daemon.dir}/data/nexflow.db"}}\n')
    if provider:
        text += f"llm:\n  providers:\n    - {provider}\n"
    daemon.config.write_text(text + config, encoding="utf-8")


def reload(daemon):
    """SIGHUP, and the log line that tells how it went."""
    def outcomes():
        return [e for name in ("config.reloaded", "config.reload.failed")
                for e in daemon.events(name)]
    before = outcomes()
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_until(lambda: len(outcomes()) > len(before))
    return [e for e in outcomes() if e not in before][0]


def refuses_to_start(daemon):
    """What a daemon says that cannot start."""
    r = subprocess.run([nexflow.BIN / "nexflowd", "--config", daemon.config], env=daemon.env,
                       capture_output=True, text=True, timeout=60, check=False)
    assert r.returncode == 1, r.stderr
    assert r.stdout == ""
    return [line for line in r.stderr.splitlines() if line.startswith("nexflowd: ")][-1]


def post(daemon, message_id, content, session_id=None):
    body = {"message_id": message_id, "content": content}
    if session_id:
        body["session_id"] = session_id
    return daemon.post("/api/v1/messages", body)


def accepted(daemon, message_id, content, session_id=None):
    status, answer = post(daemon, message_id, content, session_id)
    assert status == 202, answer
    return answer


def status_of(daemon, run_id):
    return daemon.get(f"/api/v1/tasks/{run_id}")[1]["status"]


def answers(daemon, session_id):
    return [m["content"] for m in daemon.messages(session_id) if m["role"] == "assistant"]


def metric(daemon, name):
    """The value of one line of /metrics."""
    lines = [x for x in daemon.get("/metrics")[1].splitlines() if x.startswith(name + " ")]
    assert len(lines) == 1, name
    return float(lines[0].split()[-1])


# --- stopping


def test_at_sigterm_turns_finish_or_are_parked_and_go_on_after_the_start(tmp_path, provider):
    d = nexflow.Daemon(tmp_path, "turns: {shutdown_grace: 6s}\n", provider.yaml()).start()
    provider.scripts({"text": "quick one", "first_delay": 1}, {"hang": "mid", "text": "never ends"},
                     {"hang": "head"}, {"text": "after the start"})
    sessions = []
    for i in range(3):
        sessions.append(accepted(d, f"m{i}", "go")["session_id"])
        d.wait_until(lambda n=i: len(provider.log()) > n)
    queued = accepted(d, "m3", "and then", sessions[2])
    begun = time.monotonic()
    d.process.send_signal(signal.SIGTERM)
    d.wait_until(lambda: d.get("/ready")[0] == 503)
    assert "shutting down" in d.get("/ready")[1]["reasons"]
    status, refused = post(d, "m4", "too late")
    assert status == 503 and refused["error"]["code"] == "unavailable"
    assert d.process.wait(nexflow.WAIT_S) == 0
    assert time.monotonic() - begun >= 6
    assert len(provider.log()) == 3

    d.start()
    d.wait_until(lambda: status_of(d, queued["run_id"]) == "completed")
    d.wait_until(lambda: len(answers(d, sessions[1])) == 1)
    assert answers(d, sessions[0]) == ["quick one"]
    assert answers(d, sessions[1]) == ["after the start"]
    assert answers(d, sessions[2]) == ["after the start"] * 2
    assert len(provider.log()) == 6
    assert d.stop() == 0
    d.start()
    time.sleep(0.5)
    assert len(provider.log()) == 6
    assert [len(answers(d, s)) for s in sessions] == [1, 1, 2]
    assert d.stop() == 0


def test_without_grace_it_stops_at_once(tmp_path, provider):
    d = nexflow.Daemon(tmp_path, "turns: {shutdown_grace: 0s}\n", provider.yaml()).start()
    provider.script(hang="mid", text="never ends")
    for i in range(8):
        accepted(d, f"m{i}", "go")

    async def stop_under_open_sockets():
        async with d.connect(), d.connect():
            begun = time.monotonic()
            assert await asyncio.to_thread(d.stop) == 0
            return time.monotonic() - begun

    def once(i):
        if i > 0:
            d.start()  # all eight go on
        d.wait_until(lambda: len(provider.log()) == 8 * (i + 1))
        return run(stop_under_open_sockets())
    assert nexflow.quickest(once, 5, 4) < 5


# --- reloading


def test_sighup_takes_over_what_can_be_and_names_what_needs_a_restart(daemon, provider):
    other = conftest.Provider()
    try:
        other.script(text="from the other")
        write(daemon, "log: {level: debug}\nlimits: {messages_per_minute: 2}\n"
                      "turns: {max: 17}\n", other.yaml(name="other", models="[n]"))
        told = reload(daemon)
        assert told["event"] == "config.reloaded" and "turns.max" in told["need_restart"]
        assert "limits" not in told["need_restart"]
        models = daemon.get("/api/v1/models")[1]
        assert models["default"] == "other/n" and [m["name"] for m in models["models"]] == ["other/n"]
        turn = accepted(daemon, "m1", "hi")
        daemon.wait_until(lambda: status_of(daemon, turn["run_id"]) == "completed")
        assert answers(daemon, turn["session_id"]) == ["from the other"]
        assert provider.log() == []
        assert post(daemon, "m2", "hi")[0] == 202
        status, refused = post(daemon, "m3", "hi")
        assert status == 429 and refused["error"]["code"] == "limit"
        write(daemon, "log: {level: error}\n", other.yaml(name="other", models="[n]"))
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_until(lambda: post(daemon, "m3", "hi")[0] == 202)
        size = len(daemon.log())
        daemon.wait_until(lambda: post(daemon, "m4", "hi")[0] == 202)
        daemon.wait_until(lambda: metric(daemon, 'nexflow_turns_total{status="completed"}') == 4)
        assert len(daemon.log()) == size
    finally:
        other.stop()


@pytest.mark.parametrize("broken, word", [
    ("limits: {messages_per_minute: none}\n", "limits.messages_per_minute"),
    ("nonsense: 1\n", "nonsense"), ("llm: {default: nobody}\n", "nobody"), ("{", "nexflow.yaml")])
def test_a_broken_file_at_sighup_changes_nothing(daemon, broken, word):
    write(daemon, broken)
    told = reload(daemon)
    assert told["event"] == "config.reload.failed" and word in told["err"]
    daemon.wait_until(lambda: daemon.get("/ready")[0] == 200)
    turn = accepted(daemon, "m1", "hi")
    daemon.wait_until(lambda: status_of(daemon, turn["run_id"]) == "completed")


def test_a_daemon_without_a_model_is_not_ready_until_it_gets_one(tmp_path, provider):
    d = nexflow.Daemon(tmp_path).start()
    status, answer = d.get("/ready")
    assert status == 503 and answer["ready"] is False
    [reason] = [r for r in answer["reasons"] if "event loop" not in r]
    assert "nexflow up" in reason
    assert d.get("/health")[1]["models"] == "none"
    turn = accepted(d, "m1", "hi")
    d.wait_until(lambda: status_of(d, turn["run_id"]) == "failed")
    write(d, "", provider.yaml())
    reload(d)
    d.wait_until(lambda: d.get("/ready") == (200, {"ready": True}))
    assert d.get("/health")[1]["models"] == "ok"
    turn = accepted(d, "m2", "hi", turn["session_id"])
    d.wait_until(lambda: status_of(d, turn["run_id"]) == "completed")
    assert d.stop() == 0


# --- what is in its way at the start


@nexflow.of_sqlite
def test_a_second_daemon_on_the_same_database_is_refused_with_the_pid_of_the_first(daemon):
    second = nexflow.Daemon(daemon.dir)
    second.config = daemon.dir / "second.yaml"
    second.config.write_text(f'server: {{listen: "127.0.0.1:{second.port}", socket: '
                             f'"{daemon.dir}/second.sock"}}\n'
                             f'database: {{url: "sqlite:{daemon.dir}/data/nexflow.db"}}\n',
                             encoding="utf-8")
    said = refuses_to_start(second)
    assert f"process {daemon.process.pid}" in said and "nexflow.db" in said
    turn = accepted(daemon, "m1", "hi")
    daemon.wait_until(lambda: status_of(daemon, turn["run_id"]) == "completed")


def test_a_port_in_use_is_named(tmp_path):
    d = nexflow.Daemon(tmp_path)
    with socket.socket() as s:
        s.bind(("127.0.0.1", d.port))
        s.listen()
        said = refuses_to_start(d)
    assert f"127.0.0.1:{d.port}" in said and "in use" in said
    d.start()
    assert d.stop() == 0


@nexflow.of_sqlite
def test_a_database_of_a_newer_version_is_refused_untouched(daemon):
    assert daemon.stop() == 0
    path = daemon.dir / "data/nexflow.db"
    with sqlite3.connect(path) as c:
        c.execute("INSERT INTO schema_version VALUES(999, 'x', 1)")
    c.close()
    before = path.read_bytes()
    said = refuses_to_start(daemon)
    assert "newer" in said and "999" in said
    assert path.read_bytes() == before
    with sqlite3.connect(path) as c:
        c.execute("DELETE FROM schema_version WHERE version=999")
    c.close()
    daemon.start()


@nexflow.of_sqlite
@pytest.mark.parametrize("damage", ["head", "pages", "cut", "text"])
def test_a_damaged_database_is_refused_and_nothing_is_overwritten(daemon, damage):
    turn = accepted(daemon, "m1", "hi " * 20000)
    daemon.wait_until(lambda: status_of(daemon, turn["run_id"]) == "completed")
    assert daemon.stop() == 0
    path = daemon.dir / "data/nexflow.db"
    good = path.read_bytes()
    bad = {"head": b"\xff" * 100 + good[100:], "pages": good[:4096] + b"\xa5" * (len(good) - 4096),
           "cut": good[:len(good) // 2], "text": b"no database at all\n" * 1000}[damage]
    path.write_bytes(bad)
    said = refuses_to_start(daemon)
    assert "nexflow.db" in said
    assert any(word in said for word in ("damaged", "not a database", "malformed")), said
    assert path.read_bytes() == bad
    path.write_bytes(good)
    daemon.start()
    assert len(answers(daemon, turn["session_id"])) == 1


def test_a_directory_it_may_not_write_is_named(tmp_path):
    d = nexflow.Daemon(tmp_path)
    (tmp_path / "data").write_text("a file", encoding="ascii")
    assert "data" in refuses_to_start(d)


# --- what happens to the disk


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 12 MiB: the skills that come with the program take about half."""
    path = tmp_path / "disk"
    path.mkdir()
    r = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", path],
                       capture_output=True, text=True, check=False)
    if r.returncode != 0:
        pytest.skip(f"may not mount: {r.stderr.strip()}")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


@nexflow.of_sqlite
def test_a_full_disk_refuses_messages_loses_none_and_recovers(small_disk, provider):
    d = nexflow.Daemon(small_disk, provider=provider.yaml())
    d.dir = small_disk.parent  # the log lies elsewhere
    d.start()
    first = accepted(d, "m0", "before")
    d.wait_until(lambda: status_of(d, first["run_id"]) == "completed")
    filler = small_disk / "filler"
    with open(filler, "wb", buffering=0) as f:
        try:
            while f.write(b"x" * 4096) > 0:
                pass
        except OSError:
            pass
    taken, refused = [first], None
    for i in range(1, 200):
        status, answer = post(d, f"m{i}", "x" * 20000)
        if status != 202:
            refused = (f"m{i}", status, answer["error"])
            break
        taken.append(answer)
    assert refused, "the disk did not become full"
    name, status, error = refused
    assert status in (500, 503) and "full" in error["message"], error
    assert d.process.poll() is None
    assert d.get("/health")[0] == 200
    filler.unlink()
    d.wait_until(lambda: post(d, name, "x" * 20000)[0] == 202)
    last = accepted(d, "last", "after")
    for turn in taken + [last]:
        d.wait_until(lambda t=turn: status_of(d, t["run_id"]) == "completed")
        assert len(answers(d, turn["session_id"])) == 1
    assert d.stop() == 0
    d.start()
    for turn in taken + [last]:
        assert len(answers(d, turn["session_id"])) == 1
    assert d.stop() == 0


@nexflow.of_sqlite
def test_a_database_locked_by_another_program_is_waited_for_then_told(daemon):
    first = accepted(daemon, "m0", "hi")
    daemon.wait_until(lambda: status_of(daemon, first["run_id"]) == "completed")
    path = daemon.dir / "data/nexflow.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    status, answer = post(daemon, "m1", "while locked")
    assert status in (500, 503) and "lock" in answer["error"]["message"], answer
    assert daemon.get("/api/v1/sessions")[0] == 200
    other.execute("ROLLBACK")
    second = accepted(daemon, "m1", "while locked")
    daemon.wait_until(lambda: status_of(daemon, second["run_id"]) == "completed")
    assert "duplicate" not in second

    assert daemon.stop() == 0
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    other.execute("UPDATE schema_version SET applied_at=applied_at")
    assert "lock" in refuses_to_start(daemon)
    other.close()
    daemon.start()
    assert len(answers(daemon, second["session_id"])) == 1


# --- what happens to the clock


def test_a_clock_set_back_two_days_neither_repeats_ids_nor_hides_what_is_new(tmp_path, provider):
    library = next(iter(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)
    assert library, "Debian's package faketime is missing"
    d = nexflow.Daemon(tmp_path, provider=provider.yaml())
    offset = tmp_path / "offset"
    offset.write_text("+0", encoding="ascii")
    d.env.update(LD_PRELOAD=str(library), FAKETIME_TIMESTAMP_FILE=str(offset),
                 FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1",
                 ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")
    d.start()

    def said(name, session=None):
        turn = accepted(d, name, name, session)
        d.wait_until(lambda: status_of(d, turn["run_id"]) == "completed")
        return turn
    turns = [said("before")]
    session = turns[0]["session_id"]
    offset.write_text("-2d", encoding="ascii")
    turns.append(said("jumped", session))
    turns.append(said("elsewhere"))
    assert d.stop() == 0
    d.start()
    turns.append(said("restarted", session))
    offset.write_text("+2d", encoding="ascii")
    turns.append(said("ahead", session))
    runs = [t["run_id"] for t in turns]
    assert runs == sorted(set(runs))
    assert answers(d, session) == [f"echo: {t}" for t in ("before", "jumped", "restarted", "ahead")]
    assert d.stop() == 0


# --- what it tells


def test_a_planted_secret_is_nowhere(tmp_path):
    keys = {"api": "sk-planted-api-key-4242", "owner": "planted-owner-token-4242-abcdef",
            "other": "sk-planted-other-4242"}
    provider = conftest.Provider(key="not this one")
    d = nexflow.Daemon(
        tmp_path, provider=provider.yaml(key="${NF_PLANTED}"),
        env={"NF_PLANTED": keys["api"], "NEXFLOW_OWNER_TOKEN": keys["owner"]},
        config="log: {level: debug}\n")
    owner = {"token": keys["owner"]}
    try:
        d.start()
        told = []
        status, user = d.post("/api/v1/users", {"name": "A", "role": "user"}, **owner)
        assert status == 201
        link = d.post(f"/api/v1/users/{user['id']}/links", **owner)[1]["url"].split("#t=")[1]
        unused = d.post(f"/api/v1/users/{user['id']}/links", **owner)[1]["url"].split("#t=")[1]
        status, headers, _ = d.request("POST", "/api/v1/auth/exchange", {"token": link}, token=None)
        assert status == 204
        cookie = headers["Set-Cookie"].split(";")[0].split("=", 1)[1]
        # The provider repeats the key it refuses, and the turn fails with its words.
        turn = d.post("/api/v1/messages", {"message_id": "m1", "content": "hi"}, **owner)[1]
        d.wait_until(lambda: d.get(f"/api/v1/tasks/{turn['run_id']}", **owner)[1]["status"]
                     == "failed")
        told.append(json.dumps(d.get(f"/api/v1/tasks/{turn['run_id']}", **owner)[1]))
        for path in ("/metrics", "/health", "/ready", "/api/v1/models", "/api/v1/tasks",
                     "/api/v1/users", f"/api/v1/sessions/{turn['session_id']}/messages"):
            told.append(d.request("GET", path, **owner)[2])
        for token in (link, keys["owner"] + "x", cookie):
            told.append(d.request("POST", "/api/v1/auth/exchange", {"token": token}, token=None)[2])
            told.append(d.request("GET", "/api/v1/users/me", token=token)[2])
        told.append(d.request("GET", f"/api/v1/{keys['other']}", **owner)[2])
        d.config.write_text(d.config.read_text(encoding="utf-8")
                            + f"llm.x: {keys['other']}\nserver.owner_token: {keys['owner']}\n",
                            encoding="utf-8")
        reload(d)
        d.config.write_text(d.config.read_text(encoding="utf-8").split("llm.x")[0],
                            encoding="utf-8")
        shown = subprocess.run([nexflow.BIN / "nexflow", "--config", d.config, "config", "show"],
                               env=d.env, capture_output=True, text=True, check=True)
        told.append(shown.stdout + shown.stderr)
        assert "(set)" in shown.stdout
        assert d.stop() == 0
    finally:
        provider.stop()
    # A path that a client asks for is its own, and is not repeated either.
    secrets = list(keys.values()) + [link, unused, cookie]
    for secret in secrets:
        assert secret not in d.log(), "log"
        for text in told:
            assert secret not in text
        for file in (tmp_path / "data").iterdir():
            if file.name != "owner-token" and file.is_file():
                assert secret.encode() not in file.read_bytes(), file.name
    assert not (tmp_path / "data/owner-token").exists()


def test_metrics_have_every_promised_family(daemon, provider):
    turn = accepted(daemon, "m1", "hi")
    daemon.wait_until(lambda: metric(daemon, 'nexflow_turns_total{status="completed"}') == 1)
    provider.script(status=400, error="invalid_request_error", message="no")
    accepted(daemon, "m2", "hi", turn["session_id"])
    daemon.wait_until(lambda: metric(daemon, 'nexflow_turns_total{status="failed"}') == 1)
    text = daemon.get("/metrics")[1]
    kinds = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE"))
    for name, kind in {"nexflow_turns_total": "counter", "nexflow_turns_running": "gauge",
                       "nexflow_model_tokens_total": "counter",
                       "nexflow_model_calls_total": "counter",
                       "nexflow_turn_stage_seconds": "histogram",
                       "nexflow_model_first_token_seconds": "histogram",
                       "nexflow_model_call_seconds": "histogram",
                       "nexflow_turns_waiting": "gauge",
                       "nexflow_database_write_queue": "gauge",
                       "nexflow_database_commits": "gauge",
                       "nexflow_outbox_waiting": "gauge",
                       "nexflow_log_lines": "gauge",
                       "nexflow_loop_delay_seconds": "gauge",
                       "nexflow_web_sockets": "gauge"}.items():
        assert kinds.get(name) == kind, name
    assert metric(daemon, 'nexflow_model_calls_total{outcome="ok"}') == 1
    assert metric(daemon, 'nexflow_model_calls_total{outcome="invalid"}') == 1
    assert metric(daemon, 'nexflow_model_tokens_total{kind="output"}') > 0
    for stage in ("queue", "answer"):
        assert metric(daemon, f'nexflow_turn_stage_seconds_count{{stage="{stage}"}}') == 2
    assert metric(daemon, 'nexflow_log_lines{level="error"}') == 0
    assert daemon.request("GET", "/metrics", token=None)[0] == 401


def test_waiting_turns_are_counted(tmp_path, provider):
    d = nexflow.Daemon(tmp_path, "turns: {max: 1, shutdown_grace: 0s}\n", provider.yaml()).start()
    provider.script(hang="first")
    session = accepted(d, "m0", "hi")["session_id"]
    accepted(d, "m1", "the same session", session)
    accepted(d, "m2", "another")
    d.wait_until(lambda: metric(d, "nexflow_turns_waiting") == 2)
    assert metric(d, "nexflow_turns_running") == 1
    assert d.stop() == 0


def test_the_log_is_json_lines_that_name_session_and_run(daemon):
    turn = accepted(daemon, "m1", "hi")
    daemon.wait_until(lambda: daemon.events("turn.ended"))
    assert daemon.stop() == 0
    lines = [x for x in daemon.log().splitlines() if "ASan" not in x]
    parsed = [json.loads(x) for x in lines]
    for line in parsed:
        assert line["ts"].endswith("Z") and line["level"] and line["event"]
    ended = daemon.events("turn.ended")[0]
    assert (ended["session"], ended["run"]) == (turn["session_id"], turn["run_id"])
    events = [line["event"] for line in parsed]
    assert events.index("daemon.ready") < events.index("turn.ended") < events.index("daemon.stopping")


def test_the_log_for_people_is_not_json(tmp_path):
    d = nexflow.Daemon(tmp_path, "log: {format: console}\n").start()
    assert d.stop() == 0
    assert "daemon.ready" in d.log() and "{" not in d.log()


# --- providers


@pytest.mark.parametrize("kind", ["openai", "custom", "anthropic", "ollama"])
def test_each_protocol_answers_and_the_model_is_recorded_and_shown(tmp_path, provider, kind):
    d = nexflow.Daemon(tmp_path, provider=provider.yaml(kind, key="sk-x")).start()

    async def talk():
        async with d.connect() as socket_:
            first, _, _ = await socket_.answer("hi", "m1")
            return await socket_.answer("and now", "m2", first["session_id"])
    turn, last, text = run(talk())
    assert text == "echo: and now" and last["type"] == "RUN_FINISHED"
    assert last["model"] == "fake/m" and last["usage"]["output_tokens"] > 0
    assert [m.get("model") for m in d.messages(turn["session_id"])] == [None, "fake/m"] * 2
    roles = [m["role"] for m in provider.log()[-1]["body"]["messages"] if m["role"] != "system"]
    assert roles == ["user", "assistant", "user"]
    assert d.stop() == 0


def two_models(tmp_path, first, second, more=""):
    d = nexflow.Daemon(tmp_path)
    write(d, "llm:\n  default: both\n  aliases: [{name: both, models: [one/m, two/m]}]\n"
             f"  providers: [{first}, {second}]\n  retry_wait: 5s\n{more}")
    return d.start()


@pytest.mark.parametrize("kind", ["openai", "anthropic", "ollama"])
def test_the_next_model_answers_if_the_first_fails_before_a_word_was_seen(tmp_path, provider, kind):
    second = conftest.Provider()
    try:
        provider.script(status=500, error="api_error", message="out of order")
        d = two_models(tmp_path, provider.yaml(kind, "one"), second.yaml("custom", "two"))

        async def talk():
            async with d.connect() as socket_:
                return await socket_.answer("hi", "m1")
        turn, last, text = run(talk())
        assert text == "echo: hi" and last["model"] == "two/m"
        assert d.messages(turn["session_id"])[1]["model"] == "two/m"
        assert metric(d, "nexflow_model_failovers_total") == 1
        assert d.stop() == 0
    finally:
        second.stop()


def test_once_a_word_was_seen_no_other_model_goes_on(tmp_path, provider):
    second = conftest.Provider()
    try:
        provider.script(text="one two three four five six", cut=700)
        d = two_models(tmp_path, provider.yaml("custom", "one"), second.yaml("custom", "two"))

        async def talk():
            async with d.connect() as socket_:
                return await socket_.answer("hi", "m1")
        _, last, text = run(talk())
        assert last["type"] == "RUN_ERROR" and "one" in text and "echo" not in text
        assert second.log() == []
        assert d.stop() == 0
    finally:
        second.stop()


def test_retry_after_is_honoured(daemon, provider):
    provider.scripts({"status": 429, "error": "rate_limit_error", "message": "slowly",
                      "headers": {"Retry-After": "2"}}, {})

    async def talk():
        async with daemon.connect() as socket_:
            begun = time.monotonic()
            _, last, text = await socket_.answer("hi", "m1")
            return last, text, time.monotonic() - begun
    last, text, took = run(talk())
    assert last["type"] == "RUN_FINISHED" and text == "echo: hi"
    assert took >= 2
    assert len(provider.log()) == 2


def test_a_provider_that_is_down_fails_the_turn_with_its_name(tmp_path):
    port = nexflow.free_port()
    d = nexflow.Daemon(tmp_path, "", f'{{name: gone, type: custom, base_url: '
                       f'"http://127.0.0.1:{port}/v1", models: [m]}}\n  retries: 0')
    d.start()

    async def talk():
        async with d.connect() as socket_:
            return await socket_.answer("hi", "m1")
    _, last, _ = run(talk())
    assert last["type"] == "RUN_ERROR" and "gone/m" in last["message"], last
    assert d.stop() == 0
