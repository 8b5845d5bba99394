"""Skills from their scaffold to a model's call, with a real daemon."""
import asyncio
import json

import pytest

import nexflow
import terminal


@pytest.fixture
def live(tmp_path, provider):
    """How to run `nexflow` beside a daemon with the model "fake/m" and no bundled skills."""
    d = nexflow.Daemon(tmp_path, provider=provider.yaml(), config="skills: {bundled: [none]}\n").start()
    place = terminal.Place(tmp_path)

    def run(*arguments, **more):
        return place.run("--config", d.config, *arguments, **more)
    run.daemon, run.place, run.provider = d, place, provider
    yield run
    assert d.stop() == 0, d.log()[-2000:]


def ok(result):
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def failed(result):
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stderr


def make(live, name="mine", approval="never", more=None):
    """A scaffold with changes, built."""
    ok(live("skill", "new", name))
    manifest = live.place.dir / name / "skill.json"
    text = manifest.read_text(encoding="utf-8").replace('"never"', f'"{approval}"')
    if more:
        text = json.dumps({**json.loads(text), **more})
    manifest.write_text(text, encoding="utf-8")
    ok(live("skill", "build", name))
    return live.place.dir / name


def test_from_new_to_run_and_to_removed(live):
    make(live)
    assert "3 of 3 passed" in ok(live("skill", "test", "mine"))
    assert "mine is enabled" in ok(live("skill", "install", "mine", "--yes"))
    assert [s["name"] for s in json.loads(ok(live("skill", "list", "--json")))] == ["mine"]
    shown = ok(live("skill", "show", "mine"))
    assert "mine 0.1.0 (enabled)" in shown and "only computes" in shown
    assert json.loads(ok(live("skill", "run", "mine", "greet", '{"name": "Ada"}'))) == "Hello, Ada!"
    whole = json.loads(ok(live("skill", "run", "mine", "greet", '{"name": "Ada"}', "--json")))
    assert whole["level"].startswith("L") and whole["worker"] > 0 and whole["duration_ms"] >= 0
    assert "arguments.language" in failed(live("skill", "run", "mine", "greet",
                                               '{"name": "Ada", "language": "xx"}'))
    assert "greet" in failed(live("skill", "run", "mine", "shout", "{}"))
    ok(live("skill", "logs", "mine"))

    task = ok(live("task", "show", whole["task_id"]))
    assert "call     mine_greet" in task and "sandbox L" in task and "came   Hello, Ada!" in task

    assert "already" in ok(live("skill", "install", "mine"))
    ok(live("skill", "disable", "mine"))
    assert "disabled" in failed(live("skill", "run", "mine", "greet", '{"name": "Ada"}'))
    assert ok(live("skill", "enable", "mine")) == "mine is enabled\n"
    ok(live("skill", "run", "mine", "greet", '{"name": "Ada"}'))
    ok(live("skill", "remove", "mine", "--yes"))
    assert json.loads(ok(live("skill", "list", "--json"))) == []
    failed(live("skill", "show", "mine"))
    failed(live("skill", "run", "mine", "greet", '{"name": "Ada"}'))


def test_a_replacement_shows_its_new_rights_and_needs_a_new_yes(live):
    directory = make(live)
    ok(live("skill", "install", "mine", "--yes"))
    manifest = directory / "skill.json"
    text = json.loads(manifest.read_text(encoding="utf-8"))
    text["version"] = "0.2.0"
    text["capabilities"] = {"http": ["https://example.org/"], "kv": True}
    manifest.write_text(json.dumps(text), encoding="utf-8")
    result = live("skill", "install", "mine", stdin="n\n")
    assert "nothing is changed" in failed(result)
    assert "mine 0.2.0 replaces 0.1.0" in result.stdout
    assert "+ reaches https://example.org/" in result.stdout
    assert "- only computes" in result.stdout
    assert "mine 0.1.0 (enabled)" in ok(live("skill", "show", "mine"))
    ok(live("skill", "run", "mine", "greet", '{"name": "Ada"}'))
    ok(live("skill", "install", "mine", "--yes"))
    shown = ok(live("skill", "show", "mine"))
    assert "mine 0.2.0 (enabled)" in shown and "reaches https://example.org/" in shown


def test_a_model_calls_it_and_the_task_says_how_it_ran(live):
    make(live)
    ok(live("skill", "install", "mine", "--yes"))
    live.provider.script(call_offered=True, args={"name": "Zoë"})
    assert "Hello, Zoë!" in ok(live("chat", "greet Zoë"))
    turn = json.loads(ok(live("task", "list", "--json")))[0]
    shown = ok(live("task", "show", turn["id"]))
    step = [line for line in shown.splitlines() if "mine_greet" in line]
    assert len(step) == 1 and "completed" in step[0]
    assert "worker" in step[0] and "sandbox L" in step[0] and " ms, " in step[0]
    assert "asked  {" in shown and "came   Hello, Zoë!" in shown


def test_a_call_that_asks_is_decided_in_the_terminal(live):
    make(live, approval="ask")
    ok(live("skill", "install", "mine", "--yes"))
    # Who runs it by hand has said yes.
    ok(live("skill", "run", "mine", "greet", '{"name": "Ada"}'))
    live.provider.script(call_offered=True, args={"name": "Zoë"})

    def turn(decide):
        async def main():
            async with live.daemon.connect() as ws:
                accepted = await ws.say("greet Zoë", f"m-{decide[0]}")
                await ws.until(lambda f: f["type"] == "approval" and f["approval"]["status"] == "pending")
                listed = json.loads(ok(live("approval", "list", "--json")))
                assert [a["tool"] for a in listed] == ["mine_greet"]
                shown = ok(live("approval", "list"))
                assert "mine_greet" in shown and '"Zoë"' in shown
                ok(live("approval", decide[0], listed[0]["id"], *decide[1:]))
                await ws.end_of(accepted["run_id"])
                return nexflow.text_of(ws.frames, accepted["run_id"]), listed[0]["id"]
        return asyncio.run(main())
    text, ident = turn(["allow"])
    assert "Hello, Zoë!" in text
    assert "Nothing waits" in ok(live("approval", "list"))
    failed(live("approval", "allow", ident))
    text, _ = turn(["deny", "not today"])
    assert "not today" in text and "Hello" not in text


def test_what_a_skill_logs_and_what_becomes_of_it_is_in_its_log(live):
    directory = make(live)
    source = directory / "mine.c"
    source.write_text(source.read_text(encoding="utf-8").replace(
        "    if (strcmp(r->tool", "    h->log(h, NF_SKILL_LOG_WARN, \"was \\033[2J here\");\n"
        "    if (strcmp(r->tool") + "\n", encoding="utf-8")
    ok(live("skill", "build", "mine"))
    ok(live("skill", "install", "mine", "--yes"))
    ok(live("skill", "run", "mine", "greet", '{"name": "Ada"}'))

    def logged():
        text = ok(live("skill", "logs", "mine"))
        assert "\033" not in text
        return "here" in text
    live.daemon.wait_until(logged)


def test_the_bundled_skills_are_there_and_up_says_so(tmp_path, provider):
    p = terminal.Place(tmp_path, config=f"llm: {{providers: [{provider.yaml()}]}}\n")
    try:
        out = ok(p.run("up"))
        assert "Skills: " in out and "calc" in out and "sandbox L" in out
        assert json.loads(ok(p.run("skill", "run", "calc", "evaluate",
                                   '{"expression": "(2+3)*7"}')))["result"] == "35"
        found = {c["name"]: c for c in json.loads(p.run("doctor", "--json").stdout)["checks"]}
        assert found["sandbox"]["state"] == "ok"
    finally:
        p.stop()
