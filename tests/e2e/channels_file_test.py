"""The file of the configuration as the page changes its bots, beside who changes it by hand."""
import concurrent.futures
import json
import signal
import sqlite3
import time

import nexflow
import telegram
from channels_test import _net, channels, connected, start  # noqa: F401  (the fixture)


def test_what_the_page_changes_is_found_by_its_name_in_the_file_as_it_is(tmp_path, net):
    others = [telegram.Telegram(token=f"100000{i}:another-token") for i in range(2, 5)]
    try:
        bots = [net] + others[:2]
        daemon = start(tmp_path, net, *(bot.yaml(name, poll_timeout="1s")
                                        for bot, name in zip(bots, ("alpha", "beta", "gamma"))))
        connected(daemon, "gamma")
        text = daemon.config.read_text(encoding="utf-8")
        # By hand, and nobody has told the daemon yet: one more, first in the file, and one less.
        first = f"    - {others[2].yaml('fresh', poll_timeout='1s')}\n"
        gone = next(line for line in text.splitlines(True) if "alpha" in line)
        daemon.config.write_text(text.replace("  telegram:\n", "  telegram:\n" + first).replace(gone, ""), encoding="utf-8")
        before = daemon.config.read_text(encoding="utf-8")
        assert set(channels(daemon)) == {"alpha", "beta", "gamma"}
        for method, way, body in (("DELETE", "", None), ("POST", "/token", {"token": net.token})):
            status, _, answer = daemon.request(method, f"/api/v1/channels/alpha{way}", body)
            assert status == 404 and json.loads(answer)["error"]["reason"] == "no-channel", answer
        assert daemon.config.read_text(encoding="utf-8") == before
        # The stand-in of gamma knows one token: it is set again, and nobody else gets it.
        status, answer = daemon.post("/api/v1/channels/gamma/token", {"token": others[1].token})
        assert status == 200, answer
        text = daemon.config.read_text(encoding="utf-8")
        assert all(bot.token in text for bot in others) and text.count(others[1].token) == 1
        daemon.wait_until(lambda: set(channels(daemon)) == {"fresh", "beta", "gamma"})
        # Once more: another line before it moves on by hand, and the one that is named goes.
        lines = [line for line in text.splitlines(True) if "fresh" not in line]
        daemon.config.write_text("".join(lines), encoding="utf-8")
        assert daemon.request("DELETE", "/api/v1/channels/beta")[0] == 200
        text = daemon.config.read_text(encoding="utf-8")
        assert others[0].token not in text and others[1].token in text
        daemon.wait_until(lambda: set(channels(daemon)) == {"gamma"})
        assert daemon.stop() == 0
    finally:
        for bot in others:
            bot.stop()


def test_another_token_leaves_every_other_line_of_the_file_as_it_is(tmp_path, net):
    def item(name, token):
        return (f"    # {name} is for the family\n    - name: {name} # theirs\n      # from @BotFather\n"
                f'      token: "{token}" # of May\n      api_base: "{net.base}"\n')

    text = "channels:\n  telegram: # all of them\n" + item("one", "77:a") + item("two", "77:b")
    daemon = nexflow.Daemon(tmp_path, text + item("three", "77:not-known")).start()
    before = daemon.config.read_text(encoding="utf-8")
    status, answer = daemon.post("/api/v1/channels/three/token", {"token": net.token})
    assert status == 200, answer
    assert daemon.config.read_text(encoding="utf-8") == before.replace("77:not-known", net.token)
    connected(daemon, "three")
    assert daemon.stop() == 0


@nexflow.of_sqlite
def test_the_file_is_taken_over_by_one_at_a_time(tmp_path, net):
    other = telegram.Telegram(token="1000002:another-token")
    lock = None
    try:
        daemon = start(tmp_path, net, net.yaml("alpha", poll_timeout="1s"), other.yaml("beta", poll_timeout="1s"))
        connected(daemon, "alpha")
        connected(daemon, "beta")
        loads = daemon.get("/health")[1]["config_loads"]
        lock = sqlite3.connect(tmp_path / "data/nexflow.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")  # a bot that stops cannot give up its lease now
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            removed = pool.submit(daemon.request, "DELETE", "/api/v1/channels/alpha")
            daemon.wait_until(lambda: "channel.closed" in daemon.log())
            text = daemon.config.read_text(encoding="utf-8")
            assert net.token not in text
            daemon.config.write_text(text.replace(other.token, "77:not-known"), encoding="utf-8")
            daemon.process.send_signal(signal.SIGHUP)
            time.sleep(0.5)  # it has come by now, and has to wait
            assert not removed.done() and daemon.get("/health")[1]["config_loads"] == loads
            lock.execute("ROLLBACK")
            assert removed.result()[0] == 200
        daemon.wait_until(lambda: daemon.get("/health")[1]["config_loads"] == loads + 2)
        daemon.wait_until(lambda: {n: c["state"] for n, c in channels(daemon).items()} == {"beta": "refused"})
        assert daemon.stop() == 0
    finally:
        other.stop()
        if lock:
            lock.close()
