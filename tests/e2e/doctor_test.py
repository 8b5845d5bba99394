"""`nexflow doctor`: what is right, what is broken and what mends it."""
import json

import pytest

import nexflow
import terminal
from fake_daemon import own_fake  # noqa: F401  fixture
from terminal import checks


def test_doctor_finds_nothing_where_all_is_well(served, provider):
    provider.offer("m")
    found = checks(served("doctor", "--json"))
    assert {"clock", "configuration", "data directory", "disk", "daemon", "database", "ready",
            "provider fake"} <= set(found)
    # The disk, the load and the layers of the sandbox are this machine's own.
    assert [c for c in found.values() if c["state"] != "ok"
            and c["name"] not in ("disk", "event loop") and not c["name"].startswith("sandbox")] == []
    assert found["sandbox"]["cause"].startswith("level L")
    text = served("doctor")
    assert "FAIL" not in text.stdout and "provider fake" in text.stdout
    provider.offer("another")
    result = served("doctor", "--json")
    assert result.returncode == 1
    assert "does not list the model m" in checks(result)["provider fake"]["cause"]


def test_doctor_says_what_is_broken_and_how_to_mend_it(tmp_path, locked):
    p = terminal.Place(tmp_path, config="")
    found = checks(p.run("doctor", "--json"))
    assert found["daemon"]["state"] == "broken" and "nexflowd" in found["daemon"]["fix"]
    assert found["language models"]["fix"] == "nexflow up"
    assert p.run("doctor").stdout.count("->") == 2

    p.config.write_text(f"llm: {{providers: [{locked.yaml(key='sk-wrong')}]}}\n", encoding="utf-8")
    result = p.run("doctor", "--json")
    assert result.returncode == 2
    assert "api_key" in checks(result)["provider fake"]["fix"]
    assert "sk-wrong" not in result.stdout

    p.config.write_text("server: {listne: x}\n", encoding="utf-8")
    result = p.run("doctor", "--json")
    assert result.returncode == 2
    cause = checks(result)["configuration"]["cause"]
    assert "nexflow.yaml:1" in cause and "listne" in cause and "server.listen" in cause

    p.config.write_text("", encoding="utf-8")
    (tmp_path / "var").chmod(0o755)
    assert "chmod 0700 var" == checks(p.run("doctor", "--json"))["data directory"]["fix"]


def test_doctor_tells_a_daemon_without_a_model(tmp_path):
    d = nexflow.Daemon(tmp_path).start()
    p = terminal.Place(tmp_path)
    result = p.run("--config", d.config, "doctor", "--json")
    assert result.returncode == 2
    found = checks(result)
    assert found["daemon"]["state"] == "ok"
    assert found["ready"]["fix"] == f"nexflow --config {d.config} up"
    assert "no language model" in found["ready"]["cause"]
    assert d.stop() == 0


def test_doctor_tells_which_model_has_no_room_for_all_tools(tmp_path):
    d = nexflow.Daemon(tmp_path, """llm:
  providers: [{name: own, type: ollama, base_url: "http://127.0.0.1:9", models: [small, big]}]
  models: [{name: own/small, context_tokens: 4096}, {name: own/big, context_tokens: 200000}]
""").start()
    d.wait_until(lambda: d.get("/api/v1/models")[1]["models"][0]["tools"] > 0)
    small, big = d.get("/api/v1/models")[1]["models"]
    assert small["tools_left_out"] > 0 and big["tools_left_out"] == 0
    assert small["tools"] + small["tools_left_out"] == big["tools"]
    notes = [c for c in json.loads(terminal.Place(tmp_path).run(
        "--config", d.config, "doctor", "--json").stdout)["checks"] if c["name"] == "tools"]
    assert len(notes) == 1 and notes[0]["state"] == "warning"
    assert notes[0]["cause"] == (f"own/small: a window of 4096 tokens has room for "
                                 f"{small['tools']} of {big['tools']} tools")
    assert d.stop() == 0


# --- the layers of the sandbox


@pytest.fixture
def place(tmp_path):
    return terminal.Place(tmp_path)


def sandbox_checks(place, fake, level, missing):
    """What doctor says of the sandbox, by the names of the checks."""
    fake.will("GET", "/health", body={"status": "ok", "version": "0.1.0-dev", "database": "ok",
              "models": "none", "config": "ok", "loop_delay_ms": 0,
              "sandbox": {"level": level, "missing": missing}})
    fake.will("GET", "/ready", body={"ready": True})
    answer = json.loads(place.run("doctor", "--json").stdout)
    return {c["name"]: c for c in answer["checks"] if c["name"].startswith("sandbox")}


def test_doctor_says_which_layers_are_missing_why_and_what_mends_each(place, fake):
    found = sandbox_checks(place, fake, "L3", "")
    assert found == {"sandbox": {"name": "sandbox", "state": "ok",
                                 "cause": "level L3, every layer works"}}
    found = sandbox_checks(place, fake, "L2", "cgroup: mkdir /sys/fs/cgroup/x: Permission denied "
                           "(Delegate=yes in the unit, or run as root; in a container mount "
                           "/sys/fs/cgroup (v2) writable); mdwe: prctl: Invalid argument (Linux 6.3)")
    assert found["sandbox"]["state"] == "ok" and found["sandbox"]["cause"] == "level L2"
    assert found["sandbox cgroup"] == {
        "name": "sandbox cgroup", "state": "warning",
        "cause": "mkdir /sys/fs/cgroup/x: Permission denied",
        "fix": "Delegate=yes in the unit, or run as root; in a container mount /sys/fs/cgroup (v2) "
               "writable"}
    assert found["sandbox mdwe"]["cause"] == "prctl: Invalid argument"
    assert found["sandbox mdwe"]["fix"] == "Linux 6.3"


def test_doctor_calls_it_broken_if_no_skill_can_run(place, fake):
    gap = "landlock: landlock_create_ruleset: Operation not supported (add landlock to lsm=)"
    found = sandbox_checks(place, fake, "L0.5", gap)
    assert found["sandbox"]["state"] == "broken" and "skills need L1" in found["sandbox"]["cause"]
    assert "skills.min_level to L0.5" in found["sandbox"]["fix"]
    assert found["sandbox landlock"]["state"] == "broken"
    found = sandbox_checks(place, fake, "none", "seccomp: seccomp: Function not implemented (a kernel "
                           "with CONFIG_SECCOMP_FILTER; in a container, a profile that allows seccomp)")
    assert found["sandbox"]["state"] == "broken"
    assert found["sandbox seccomp"]["cause"] == "seccomp: Function not implemented"
    assert found["sandbox seccomp"]["fix"].startswith("a kernel with CONFIG_SECCOMP_FILTER; in a")
    found = sandbox_checks(place, fake, "none", "they are switched off (setting skills.enabled)")
    assert found["sandbox"]["cause"] == "they are switched off (setting skills.enabled)"
    (place.dir / "var/nexflow.yaml").write_text("skills: {min_level: L3}\n", encoding="utf-8")
    found = sandbox_checks(place, fake, "L2", "cgroup: x (y)")
    assert found["sandbox"]["state"] == "broken" and "skills need L3" in found["sandbox"]["cause"]
