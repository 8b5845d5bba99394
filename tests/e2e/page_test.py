"""The page in a real browser against a real daemon: the suite in ui/, pointed at one."""
import os
import subprocess

import nexflow


LIMITS = "limits: {messages_per_minute: 100000, requests_per_minute: 100000}\n"


def run(tmp_path, daemon, **more):
    """The suite against a daemon, which is stopped then."""
    environment = {**os.environ, "NEXFLOW_URL": f"http://127.0.0.1:{daemon.port}",
                   "NEXFLOW_LINK": f"{nexflow.BIN}/nexflow --config {daemon.config} link", **more}
    try:
        # The packages are those that the suite's own test installed, if it ran.
        ended = subprocess.run(
            [nexflow.TOP / "tests/e2e/ui/run", os.environ.get("NF_UI_WORK", tmp_path / "ui"), "-"],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=560, check=False)
        assert ended.returncode == 0, ended.stdout[-8000:]
        assert "# fail 0" in ended.stdout and "# pass 0" not in ended.stdout
    finally:
        assert daemon.stop() == 0


def test_the_page_works_against_the_daemon(tmp_path, provider):
    run(tmp_path, nexflow.Daemon(
        tmp_path, provider=provider.yaml(models='["echo;delay=0.012;piece=24"]'),
        config=LIMITS).start())


def test_tools_and_approvals_of_the_daemon_are_shown_and_decided(tmp_path, provider):
    provider.script(tools=[{"name": "calc_evaluate", "args": {"expression": "(2+3)*7"}}])
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml(), config=LIMITS
                            + "skills: {bundled: [calc], approval: [{tool: calc, approval: ask}]}\n")
    run(tmp_path, daemon.start(), NEXFLOW_ASKS="1", NEXFLOW_SUITE="daemon")
