"""The page in a real browser against a real daemon: the suite in ui/, pointed at one."""
import os
import subprocess
import threading

import pytest

import balancer_test
import discord
import nexflow
import telegram


LIMITS = "limits: {messages_per_minute: 100000, requests_per_minute: 100000}\n"


def suites_of(tmp_path, files, *suites, **more):
    """Suites of ui/, against the stand-in that serves these files, or "-" for a daemon."""
    ended = subprocess.run(
        [nexflow.TOP / "tests/e2e/ui/run", os.environ.get("NF_UI_WORK", tmp_path / "ui"), files,
         *suites], env={**os.environ, **more}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=7200, check=False)
    assert ended.returncode == 0, ended.stdout[-8000:]
    for line in ended.stdout.splitlines():
        if line.startswith("# ") and "{" in line:
            print(line[2:].replace("\\", ""))
    assert "# fail 0" in ended.stdout and "# skipped 0" in ended.stdout


def run(tmp_path, provider, daemon, *suites, **more):
    """Suites against a daemon, which is stopped then."""
    try:
        suites_of(tmp_path, "-", *suites, NEXFLOW_URL=f"http://127.0.0.1:{daemon.port}",
                  NEXFLOW_MODEL=provider.url(),
                  NEXFLOW_LINK=f"{nexflow.BIN}/nexflow --config {daemon.config} link", **more)
    finally:
        assert daemon.stop() == 0


def echo(tmp_path, provider, delay=0.012):
    return nexflow.Daemon(tmp_path, provider=provider.yaml(
        models=f'["echo;delay={delay};piece=24", "echo;piece=1000"]'), config=LIMITS)


def test_conversations(tmp_path, provider):
    run(tmp_path, provider, echo(tmp_path, provider).start(), "chat", "branches", "hostile")


def test_whatever_happens_to_the_line(tmp_path, provider):
    run(tmp_path, provider, echo(tmp_path, provider).start(), "resume", "offline", "access")


def test_pages(tmp_path, provider):
    run(tmp_path, provider, echo(tmp_path, provider).start(), "pages")


def test_first_run(tmp_path, provider):
    net, guild = telegram.Telegram(), discord.Discord()
    try:
        provider.offer("small", "big")
        provider.script(text="I am here.", usage={"input": 1000, "output": 500})
        run(tmp_path, provider, nexflow.Daemon(tmp_path, config=LIMITS).start(), "first",
            NEXFLOW_PROVIDER=provider.url("/v1"), NEXFLOW_TELEGRAM=f"http://127.0.0.1:{net.port}",
            NEXFLOW_TELEGRAM_TOKEN=net.token, NEXFLOW_DISCORD=f"http://127.0.0.1:{guild.port}",
            NEXFLOW_DISCORD_TOKEN=guild.token)
    finally:
        net.stop()
        guild.stop()


def test_tools_and_approvals(tmp_path, provider):
    provider.script(tools=[{"name": "calc_evaluate", "args": {"expression": "(2+3)*7"}}])
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml(), config=LIMITS
                            + "skills: {bundled: [calc], approval: [{tool: calc, approval: ask}]}\n")
    run(tmp_path, provider, daemon.start(), "daemon",
        NEXFLOW_SKILL=str(nexflow.BIN.parent / "lib/nexflow/skills/text"))


def test_an_answer_survives_the_daemon(tmp_path, provider):
    daemon = echo(tmp_path, provider, delay=0.02).start()
    wanted, over = tmp_path / "restart", threading.Event()

    def restart_when_asked():
        while not over.wait(0.05):
            if wanted.exists():
                daemon.kill()
                daemon.start()
                wanted.unlink()

    watcher = threading.Thread(target=restart_when_asked)
    watcher.start()
    try:
        run(tmp_path, provider, daemon, "restart", NEXFLOW_RESTART=str(wanted))
    finally:
        over.set()
        watcher.join()


def test_behind_a_proxy_with_tls(tmp_path, provider):
    daemon = echo(tmp_path, provider)
    port = nexflow.free_port()
    text = daemon.config.read_text(encoding="utf-8")
    daemon.config.write_text(text.replace(
        "server: {", f'server: {{public_url: "https://{balancer_test.NAME}:{port}", proxies: [127.0.0.1], '),
        encoding="utf-8")
    daemon.start()
    balancer = balancer_test.Balancer(tmp_path / "nginx", [daemon, daemon], port)
    try:
        run(tmp_path, provider, daemon, "proxied")
    finally:
        balancer.stop()


# What takes minutes, and a machine that does nothing else: script/page.
@pytest.mark.skipif(not os.environ.get("NF_PAGE_FIGURES"), reason="only by script/page")
@pytest.mark.parametrize("figure", ["tokens", "soak", "lighthouse"])
def test_figures(tmp_path, provider, figure):
    run(tmp_path, provider, echo(tmp_path, provider, delay=0.002).start(), f"figures/{figure}",
        NEXFLOW_TIMEOUT="7200000")


# The other bars: of the first load, of a huge thread, of a long answer, of a line that comes back.
@pytest.mark.skipif(not os.environ.get("NF_PAGE_FIGURES"), reason="only by script/page")
def test_figures_budget(tmp_path):
    suites_of(tmp_path, nexflow.BIN.parent / "channels/web/ui/files", "faults/budget")


PLAN = """Here is the plan for **three days in Lisbon**.

| Day | Morning | Evening |
|---|---|---|
| 1 | Alfama and the castle | Fado in Mouraria |
| 2 | Belém, by tram 15 | Time Out Market |
| 3 | Sintra, early train | A quiet dinner |

The walk from Rossio is about $d = \\sqrt{x^2 + y^2} \\approx 1.4$ km. To pack the photos afterwards:

```python
from pathlib import Path

def total(folder: Path) -> int:
    # Bytes of everything below it
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
```

- [x] Book the flat
- [ ] Buy a *Viva Viagem* card
"""


# What README shows, into NEXFLOW_SHOTS.
@pytest.mark.skipif(not os.environ.get("NF_PAGE_FIGURES"), reason="only by script/page")
def test_figures_pictures(tmp_path, provider):
    provider.model_does_in_turn(
        "qwen3-14b", {"tools": [{"name": "calc_evaluate", "args": {"expression": "3*119 + 2*38.5"}}],
                      "text": "", "usage": {"input": 2210, "output": 31}},
        {"text": PLAN, "usage": {"input": 2290, "output": 214}, "delay": 0.01})
    provider.model_does("gemma3-4b", text="That is soon said.", usage={"input": 180, "output": 12})
    prices = ('  models: [{name: "local/qwen3-14b", input_price: "0.10", output_price: "0.40"}]\n'
              "  aliases: [{name: careful, models: [local/qwen3-14b, local/gemma3-4b]}]\n")
    daemon = nexflow.Daemon(tmp_path, config=prices + LIMITS + "skills: {bundled: [calc, clock, files, notes]}\n",
                            provider=provider.yaml(name="local", models="[qwen3-14b, gemma3-4b]"))
    run(tmp_path, provider, daemon.start(), "figures/pictures")
