"""The page in a real browser against a real daemon: the suite in ui/, pointed at one."""
import os
import subprocess

import nexflow


def test_the_page_works_against_the_daemon(tmp_path, provider):
    daemon = nexflow.Daemon(
        tmp_path, provider=provider.yaml(models='["echo;delay=0.012;piece=24"]'),
        config="limits: {messages_per_minute: 100000, requests_per_minute: 100000}\n").start()
    environment = {**os.environ, "NEXFLOW_URL": f"http://127.0.0.1:{daemon.port}",
                   "NEXFLOW_LINK": f"{nexflow.BIN}/nexflow --config {daemon.config} link"}
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
