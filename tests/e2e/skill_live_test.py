"""Skills from their scaffold to a model's call, with a real daemon."""
import asyncio
import json
import re

import pytest

import nexflow
import terminal
from terminal import failed, ok


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


def test_chat_says_that_a_call_waits_and_how_to_decide(live):
    make(live, approval="ask")
    ok(live("skill", "install", "mine", "--yes"))
    live.provider.script(call_offered=True, args={"name": "Ada"})
    t = live.place.terminal("--config", live.daemon.config, "chat", "greet Ada")
    shown = t.expect("waits for you: `nexflow approval allow ")
    assert "mine_greet" in shown and '"Ada"' in shown
    ident = t.expect("`")
    ok(live("approval", "allow", ident))
    t.expect("Hello, Ada!")
    assert t.end() == 0


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


def test_the_page_on_writing_a_skill_is_right(live):
    page = (nexflow.TOP / "docs/skills.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:json|c)\n(.*?)^```", page, re.M | re.S)
    ok(live("skill", "new", "tally"))
    directory = live.place.dir / "tally"
    for name, text in zip(("skill.json", "tally.c", "tests.json"), blocks):
        (directory / name).write_text(text, encoding="utf-8")
    built = live("skill", "build", "tally")
    assert ok(built) == "built tally/tally.so\n" and built.stderr == ""
    tested = ok(live("skill", "test", "tally"))
    assert "7 of 7 passed" in tested and "7 of 7 passed" in page
    shown = ok(live("skill", "install", "tally", stdin="y\n"))
    for line in shown.split("[y/N]")[0].splitlines():
        assert line in page, line
    assert ok(live("skill", "run", "tally", "add", '{"thing": "apples"}')) == "1\n"
    for args, said in (('{"thing": "a b"}', "thing: one word, without blanks"),
                       ('{"thing": "a", "count": 0}', "arguments.count: must be at least 1")):
        assert said in failed(live("skill", "run", "tally", "add", args)) and f"`{said}`" in page

    manifest = json.loads(blocks[0])
    manifest["capabilities"] = {"http": ["https://api.example.com/v1/"]}
    manifest["tools"] = [{"name": "now", "description": "Now.", "parameters": {"type": "object"}}]
    (directory / "skill.json").write_text(json.dumps(manifest), encoding="utf-8")
    (directory / "tally.c").write_text(
        "#include <nexflow/skill.h>\nstatic int call(const struct nf_skill_host *h, "
        "const struct nf_skill_request *r)\n{\n(void)r;\n" + blocks[3]
        + "}\nNF_SKILL(\"tally\", \"0.1.0\", call)\n", encoding="utf-8")
    (directory / "tests.json").write_text(blocks[4], encoding="utf-8")
    built = live("skill", "build", "tally")
    assert ok(built) and built.stderr == ""
    assert "1 of 1 passed" in ok(live("skill", "test", "tally"))


def test_the_members_of_a_manifest_are_all_described():
    page = (nexflow.TOP / "docs/skills.md").read_text(encoding="utf-8")
    schema = json.loads((nexflow.TOP / "skills/skill.schema.json").read_text(encoding="utf-8"))
    for name in set(schema["properties"]) - {"$schema", "license", "interpreter"}:
        assert f"`{name}`" in page or f"`{name}." in page or f"`{name}[]" in page, name
    for name in schema["properties"]["capabilities"]["properties"]:
        assert f"`capabilities.{name}`" in page
    for name, limit in schema["properties"]["limits"]["properties"].items():
        assert f"`{name}` {limit['default']}" in page
