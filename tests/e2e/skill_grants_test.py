"""What a skill may do is agreed to: by the owner, by the settings, and for those that come along."""
import concurrent.futures
import json
import os
import signal
import threading

import nexflow
from skills import CONFIG, SECRET, install, run, write_skill, _plugin, _server  # noqa: F401  fixtures


# --- grants -------------------------------------------------------------------------------------


def test_nothing_runs_before_the_owner_agreed(tmp_path, plugin):
    d = nexflow.Daemon(tmp_path, CONFIG).start()
    source = write_skill(tmp_path / "src", plugin)
    skill = install(d, source, enable=False)
    assert run(d, "say", text="x")[0] == 404
    status, _ = d.post("/api/v1/skills/probe/enable", {"hash": "0" * 64})
    assert status == 409
    status, _ = d.post("/api/v1/skills/probe/enable", {"hash": skill["hash"]})
    assert status == 200
    assert run(d, "say", text="x") == (200, "said")
    # Other files are another skill, and need another grant.
    write_skill(source, plugin, description="Another")
    install(d, source, enable=False)
    assert run(d, "say", text="x")[0] == 404
    d.stop()


def test_installing_many_at_once_leaves_one_that_is_whole(tmp_path, plugin):
    d = nexflow.Daemon(tmp_path, "skills: {bundled: [none]}\n").start()
    sources = [write_skill(tmp_path / f"src{i}", plugin, description=f"number {i}") for i in range(6)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda s: d.post("/api/v1/skills", {"path": str(s)}), sources))
    assert [status for status, _ in answers] == [201] * 6
    skill = d.get("/api/v1/skills/probe")[1]
    assert "problem" not in skill
    assert d.post("/api/v1/skills/probe/enable", {"hash": skill["hash"]})[0] == 200
    assert run(d, "say", text="x") == (200, "said")
    assert d.stop() == 0


def test_a_file_changed_behind_our_back_is_noticed(tmp_path, plugin):
    d = nexflow.Daemon(tmp_path, CONFIG).start()
    skill = install(d, write_skill(tmp_path / "src", plugin))
    assert run(d, "say", text="x") == (200, "said")
    entry = tmp_path / "data/skills/probe" / skill["hash"] / "probe.so"
    os.chmod(entry, 0o644)
    with open(entry, "ab") as f:
        f.write(b"\0")
    status, error = run(d, "say", text="x")
    assert status == 409 and "changed" in json.dumps(error), error
    d.stop()
    d.start()  # and after a restart it is not even offered
    assert run(d, "say", text="x")[0] == 404
    assert d.events("skill.unusable")
    d.stop()


def test_settings_say_who_is_asked(tmp_path, plugin):
    d = nexflow.Daemon(tmp_path, CONFIG + "  approval: [{tool: probe.say, approval: always}]\n")
    d.start()
    install(d, write_skill(tmp_path / "src", plugin))
    tools = {t["name"]: t for t in d.get("/api/v1/skills/probe")[1]["tools"]}
    assert tools["fetch"]["approval"] == "never"
    answer = []
    caller = threading.Thread(target=lambda: answer.append(run(d, "say", text="x")))
    caller.start()
    d.wait_until(lambda: d.get("/api/v1/approvals")[1]["approvals"])
    approval = d.get("/api/v1/approvals")[1]["approvals"][0]
    assert d.post(f"/api/v1/approvals/{approval['id']}", {"decision": "allow"})[0] == 200
    caller.join(30)
    assert answer == [(200, "said")]
    d.stop()


def test_a_reload_takes_over_secrets_limits_and_approvals(tmp_path, server, plugin):
    d = nexflow.Daemon(tmp_path, CONFIG).start()
    install(d, write_skill(tmp_path / "src", plugin, capabilities={
        "http": [server.url + "/"], "secrets": ["KEY"]}))
    before = d.config.read_text(encoding="utf-8")
    assert run(d, "fetch", url=server.url + "/", headers=["X-Key: ${secret:KEY}"])[0] == 200
    assert server.seen[-1][1]["X-Key"] == SECRET
    d.config.write_text(before.replace(SECRET, "another-secret")
                        + "  http_requests: 1\n"
                        + "  approval: [{tool: probe, approval: always}]\n", encoding="utf-8")
    d.process.send_signal(signal.SIGHUP)
    d.wait_until(lambda: d.get("/health")[1]["config_loads"] == 1)
    answer = []
    caller = threading.Thread(target=lambda: answer.append(
        run(d, "fetch", url=server.url + "/to?/x", headers=["X-Key: ${secret:KEY}"])))
    caller.start()
    d.wait_until(lambda: d.get("/api/v1/approvals")[1]["approvals"])
    approval = d.get("/api/v1/approvals")[1]["approvals"][0]
    assert d.post(f"/api/v1/approvals/{approval['id']}", {"decision": "allow"})[0] == 200
    caller.join(30)
    assert server.seen[-1][1]["X-Key"] == "another-secret"
    assert answer[0][1].startswith("code 4:"), answer  # one request, and the redirect is another
    # What is wrong is refused as a whole.
    d.config.write_text(before.replace(SECRET, "short"), encoding="utf-8")
    d.process.send_signal(signal.SIGHUP)
    d.wait_until(lambda: d.get("/health")[1]["config"] == "refused")
    assert "short" not in d.log()
    d.stop()


# --- bundled ------------------------------------------------------------------------------------


def skills(d):
    return {s["name"]: s for s in d.get("/api/v1/skills")[1]["skills"]}


def test_bundled_skills_are_there_and_stay_removed(tmp_path, plugin):
    bundled = tmp_path / "bundled"
    bundled.mkdir()
    write_skill(bundled / "probe", plugin)
    write_skill(bundled / "reach", plugin, name="reach",
                capabilities={"http": ["https://a.example/"]})
    (bundled / "broken").mkdir()
    config = f'skills: {{bundled_dir: "{bundled}", allow_private: [127.0.0.1]}}\n'
    d = nexflow.Daemon(tmp_path, config).start()
    assert len(skills(d)) == 2  # from the first answer on
    assert skills(d)["probe"]["status"] == "enabled"
    assert skills(d)["reach"]["status"] == "installed"  # it reaches the network: somebody is asked
    assert d.events("skill.bundled.failed")
    assert run(d, "say", text="x") == (200, "said")
    d.stop()

    # The program is upgraded: asking for no more, it keeps its grant.
    write_skill(bundled / "probe", plugin, version="1.0.1")
    d.start()
    d.wait_until(lambda: skills(d)["probe"]["version"] == "1.0.1")
    assert skills(d)["probe"]["status"] == "enabled"
    d.stop()
    # Asking for more it waits for one.
    write_skill(bundled / "probe", plugin, version="1.0.2", capabilities={"kv": True})
    d.start()
    d.wait_until(lambda: skills(d)["probe"]["version"] == "1.0.2")
    assert skills(d)["probe"]["status"] == "disabled"
    # What a person removed does not come back.
    assert d.request("DELETE", "/api/v1/skills/probe")[0] == 204
    d.stop()
    d.start()
    d.wait_until(lambda: "reach" in skills(d))
    assert "probe" not in skills(d)
    d.stop()
