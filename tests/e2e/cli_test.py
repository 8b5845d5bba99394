"""Every command and option of `nexflow`, from outside. What has a suite of its own is not here:
up, chat, doctor, backup, skill, channel."""
import json

import jsonschema
import yaml

import terminal
from terminal import failed, ok, sign_in


# --- how it is used


def test_help_is_everywhere_and_wrong_use_exits_2(tmp_path):
    p = terminal.Place(tmp_path)
    listed = ok(p.run("--help"))
    assert ok(p.run("-h")) == listed
    assert len(terminal.commands(listed)) >= 15
    for command in terminal.commands(listed):
        text = ok(p.run(command, "--help"))
        assert text.startswith(f"Usage: nexflow {command}")
        assert ok(p.run(command, "-h")) == text
        assert "nexflow" in failed(p.run(command, "--nonsense"), 2)
    assert ok(p.run("--version")).startswith("nexflow ")
    assert ok(p.run("-V")) == ok(p.run("--version"))
    for wrong in ([], ["nonsense"], ["--nonsense"], ["--config"], ["-c"], ["task"], ["task", "list", "x"],
                  ["task", "show"], ["task", "list", "--status"], ["user"], ["user", "add"],
                  ["user", "role", "x"], ["user", "block"], ["config"], ["config", "x"],
                  ["config", "check", "x"], ["backup"], ["backup", "verify"], ["backup", "restore"],
                  ["backup", "x", "y"], ["migrate"], ["migrate", "x"], ["migrate", "sqlite:"], ["link", "a", "b"], ["up", "x"], ["doctor", "x"],
                  ["chat", "--session"], ["chat", "a", "b"]):
        assert "nexflow" in failed(p.run(*wrong), 2), wrong
    assert not (tmp_path / "var").exists()


def test_the_daemon_has_help_too_and_refuses_wrong_use(tmp_path):
    p = terminal.Place(tmp_path)
    assert "--link" in ok(p.run("--help", program="nexflowd"))
    assert ok(p.run("--version", program="nexflowd")).startswith("nexflowd ")
    assert "Usage" in failed(p.run("--nonsense", program="nexflowd"), 2)
    assert "Usage" in failed(p.run("word", program="nexflowd"), 2)
    assert "nowhere.yaml" in failed(p.run("--config", "nowhere.yaml", program="nexflowd"))


# --- task


def test_task_lists_shows_and_cancels(served, provider):
    ok(served("chat", "one"))
    provider.script(status=400, error="invalid_request_error", message="no such thing")
    failed(served("chat", "two"))
    provider.script(hang="first")
    status, accepted = served.daemon.post("/api/v1/messages",
                                          {"message_id": "m3", "content": "three"})
    assert status == 202
    served.daemon.wait_until(lambda: len(provider.log()) >= 3)

    tasks = json.loads(ok(served("task", "list", "--json")))
    assert sorted(t["status"] for t in tasks) == ["completed", "failed", "running"]
    table = ok(served("task", "list"))
    assert len(table.splitlines()) == 4 and "no such thing" in table
    running = json.loads(ok(served("task", "list", "--status", "running", "--json")))
    assert [t["id"] for t in running] == [accepted["run_id"]]
    assert "status" in failed(served("task", "list", "--status", "nonsense"))

    shown = ok(served("task", "show", accepted["run_id"]))
    assert "status   running" in shown and "changes" in shown and "steps" in shown
    whole = json.loads(ok(served("task", "show", accepted["run_id"], "--json")))
    assert [c["status"] for c in whole["changes"]] == ["pending", "running"]

    assert ok(served("task", "cancel", accepted["run_id"])) == "cancelled\n"
    served.daemon.wait_until(lambda: served.daemon.get(
        f"/api/v1/tasks/{accepted['run_id']}")[1]["status"] == "cancelled")
    failed(served("task", "cancel", accepted["run_id"]))
    for verb in ("show", "cancel"):
        assert "task" in failed(served("task", verb, "0000000000001"))
        failed(served("task", verb, "../users"))


# --- people


def test_people_are_added_changed_blocked_and_let_in(served):
    added = ok(served("user", "add", "Zoë Quill")).split()
    assert added[1:3] == ["user", "active"]
    ident = added[0]
    assert ok(served("user", "add", "Boss", "admin")).split()[1] == "admin"
    assert len(ok(served("user", "list")).splitlines()) == 4
    assert ok(served("user", "role", ident, "admin")).split()[1] == "admin"
    link = ok(served("link", ident))
    assert ok(served("user", "block", ident)).split()[2] == "blocked"
    assert not sign_in(link)
    assert ok(served("user", "unblock", ident)).split()[2] == "active"
    assert sign_in(ok(served("link", ident)))
    assert sign_in(ok(served("link")))
    assert "role" in failed(served("user", "add", "X", "king"))
    assert "role" in failed(served("user", "role", ident, "king"))
    failed(served("user", "block", "0000000000001"))
    failed(served("link", "0000000000001"))
    assert "name" in failed(served("user", "add", ""))


def test_lists_of_people_are_whole(served):
    for i in range(201):
        assert served.daemon.post("/api/v1/users", {"name": f"Person {i}"})[0] == 201
    lines = ok(served("user", "list")).splitlines()
    assert len(lines) == 203 and lines[0].split()[0] == "ID"  # the head, the owner, and they
    assert sum("Person 200" in line for line in lines) == 1


def test_without_a_daemon_commands_say_how_to_start_one(tmp_path):
    p = terminal.Place(tmp_path)
    for command in (["chat", "x"], ["chat"], ["link"], ["task", "list"], ["user", "list"]):
        assert "nexflowd" in failed(p.run(*command)), command
    assert list(tmp_path.iterdir()) == []


# --- config


EXAMPLE = """
server: {listen: "127.0.0.1:7001", hosts: [chat.example.org], open_metrics: true}
database: {url: "sqlite:data/nexflow.db"}
llm:
  default: fast
  providers:
    - {name: local, type: ollama, models: ["qwen3:4b"]}
    - {name: cloud, type: anthropic, api_key: "${NF_TEST_KEY}", models: [some-model]}
  aliases:
    - {name: fast, models: ["local/qwen3:4b", cloud/some-model]}
  retry_wait: 5s
log: {level: debug, format: console}
limits: {messages_per_minute: 10, body_bytes: 64KiB}
"""


def test_config_check_names_line_key_and_what_is_allowed(tmp_path):
    p = terminal.Place(tmp_path)
    file = tmp_path / "c.yaml"
    assert "right" in ok(p.run("config", "check"))
    file.write_text(EXAMPLE, encoding="utf-8")
    assert "right" in ok(p.run("-c", "c.yaml", "config", "check", NF_TEST_KEY="sk-planted-123"))
    error = failed(p.run("--config", "c.yaml", "config", "check"))
    assert "c.yaml:8" in error and "NF_TEST_KEY" in error
    for text, *words in (("log:\n  level: loud\n", "c.yaml:2", "log.level", "debug"),
                         ("log: [a]\n", "c.yaml:1", "log"),
                         ("limits:\n\n  body_bytes: 3\n", "c.yaml:3", "limits.body_bytes", "1KiB"),
                         ("servre: {}\n", "servre", "server"),
                         ("server:\n  listen: 127.0.0.1:65536\n", "c.yaml:2", "65535"),
                         ("llm: {default: nobody}\n", "c.yaml:1: llm.default", "nobody"),
                         ("llm:\n  providers:\n    - {name: x, type: custom}\n",
                          "c.yaml:3: llm.providers[0]", "base_url"),
                         ("llm:\n  providers:\n    - name: x\n      type: custom\n"
                          "      base_url: http://example.org\n",
                          "c.yaml:5: llm.providers[0].base_url", "https"),
                         ("llm:\n  providers:\n    - {name: x, type: ollama}\n"
                          "    - {name: x, type: ollama}\n", "c.yaml:4: llm.providers[1].name"),
                         ("channels:\n  telegram:\n  - {name: a, token: '1:A'}\n"
                          "  - name: b\n    token: '1:A'\n", "c.yaml:5: channels.telegram[1].token"),
                         (": :\n  -", "c.yaml:")):
        file.write_text(text, encoding="utf-8")
        error = failed(p.run("-c", "c.yaml", "config", "check"))
        for word in words:
            assert word in error, (text, error)
    assert "nowhere.yaml" in failed(p.run("-c", "nowhere.yaml", "config", "check"))


def test_config_show_never_prints_a_secret_and_can_be_read_again(tmp_path):
    p = terminal.Place(tmp_path)
    file = tmp_path / "c.yaml"
    file.write_text(EXAMPLE + "server.owner_token: x\n", encoding="utf-8")
    failed(p.run("-c", "c.yaml", "config", "show", NF_TEST_KEY="sk-planted-123"))
    file.write_text(EXAMPLE.replace("open_metrics: true",
                                    'owner_token: "planted-token-0123456789"'), encoding="utf-8")
    shown = ok(p.run("-c", "c.yaml", "config", "show", NF_TEST_KEY="sk-planted-123"))
    assert "planted" not in shown
    tree = yaml.safe_load(shown)
    assert tree["server"]["owner_token"] == "(set)"
    assert tree["llm"]["providers"][1]["api_key"] == "(set)"
    assert tree["llm"]["providers"][0]["api_key"] == "(not set)"
    assert tree["llm"]["aliases"][0]["models"] == ["local/qwen3:4b", "cloud/some-model"]
    assert tree["limits"]["messages_per_minute"] == 10


def test_config_schema_takes_right_files_and_refuses_wrong_ones(tmp_path):
    p = terminal.Place(tmp_path)
    schema = json.loads(ok(p.run("config", "schema")))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(yaml.safe_load(EXAMPLE))
    validator.validate({})
    for wrong in ({"servre": {}}, {"log": {"level": "loud"}}, {"limits": {"headers": "many"}},
                  {"llm": {"providers": [{"type": "ollama"}]}}, {"server": {"hosts": "one"}}):
        assert not validator.is_valid(wrong), wrong
    reference = ok(p.run("config", "reference"))
    for group, part in schema["properties"].items():
        assert f"## {group}" in reference
        for key in part["properties"]:
            assert f"| `{key}` |" in reference
