"""nexflow channel and nexflow pair, driven as a person does, against a stand-in of the network."""
import os
import pathlib
import stat

import pytest
import yaml

import nexflow
import telegram
import terminal

MINE = """# my settings
log: {level: info}   # quiet
channels: # bots
  # friends only
  telegram:
    - {name: friends, token: "5:x", pairing: false}
"""


@pytest.fixture(name="net", scope="module")
def _net():
    net = telegram.Telegram()
    yield net
    net.stop()


def add(place, net, *more, token=None):
    return place.run("channel", "add", "telegram", "--api-base", net.base, "--no-wait", *more,
                     stdin=(token or net.token) + "\n")


def bots(place):
    return yaml.safe_load(place.config.read_text(encoding="utf-8"))["channels"]["telegram"]


def test_a_bot_is_added_to_what_a_person_wrote(tmp_path, net):
    place = terminal.Place(tmp_path, MINE)
    before = place.config.read_text(encoding="utf-8").splitlines()
    r = add(place, net, token="  " + net.token + " ")
    assert "@nexflow_test_bot" in r.stdout and net.token not in r.stdout + r.stderr
    assert r.returncode == 0 and "No daemon runs" in r.stdout, r
    after = place.config.read_text(encoding="utf-8").splitlines()
    assert [line for line in after if line in before] == before
    assert bots(place)[0] == {"name": "telegram", "token": net.token, "api_base": net.base}
    assert stat.S_IMODE(os.stat(place.config).st_mode) == 0o600
    assert place.run("config", "check").returncode == 0


def test_a_bot_is_added_where_there_is_no_file(tmp_path, net):
    place = terminal.Place(tmp_path)
    add(place, net, "--name", "first")
    assert bots(place)[0]["name"] == "first"
    assert stat.S_IMODE(os.stat(place.config).st_mode) == 0o600
    again = add(place, net, "--name", "second")
    assert again.returncode == 1 and "channels.telegram[1].token" in again.stderr, again
    assert net.token not in again.stderr and len(bots(place)) == 1
    other = "1000002:TEST-another-token"
    net.call("bot", {"token": other})
    add(place, net, "--name", "second", token=other)
    assert {b["name"] for b in bots(place)} == {"first", "second"}
    for name in ("first", "second"):
        assert place.run("channel", "remove", name).returncode == 0
    assert not place.config.read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("token, says", [
    ("", "token"), ("hello", "token"), ("12:a b", "token"), ("7:not-known", "does not know")])
def test_a_wrong_token_changes_nothing(tmp_path, net, token, says):
    place = terminal.Place(tmp_path, MINE)
    before = place.config.read_bytes()
    r = add(place, net, token=token or " ")
    assert r.returncode == 1 and says in r.stderr, r
    assert not token or token not in r.stdout + r.stderr.replace("token", "")
    assert place.config.read_bytes() == before


def test_a_name_is_given_once(tmp_path, net):
    place = terminal.Place(tmp_path, MINE)
    r = add(place, net, "--name", "friends")
    assert r.returncode == 1 and "--name" in r.stderr
    for wrong in ("web", "No", "x" * 17):
        r = add(place, net, "--name", wrong)
        assert r.returncode == 1 and "--name" in r.stderr, wrong


def test_a_server_that_does_not_answer_is_named(tmp_path):
    place = terminal.Place(tmp_path, MINE)
    before = place.config.read_bytes()
    port = nexflow.free_port()
    r = place.run("channel", "add", "telegram", "--api-base", f"http://127.0.0.1:{port}",
                  stdin="7:abc\n")
    assert r.returncode == 1 and r.stderr.startswith("nexflow: ")
    assert place.config.read_bytes() == before


def test_a_file_that_cannot_be_changed_by_lines_is_left_alone(tmp_path, net):
    place = terminal.Place(tmp_path, 'channels: {telegram: [{token: "5:x", name: friends}]}\n')
    before = place.config.read_bytes()
    r = add(place, net)
    assert r.returncode == 1 and "by hand" in r.stderr
    r = place.run("channel", "remove", "friends")
    assert r.returncode == 1 and "by hand" in r.stderr
    assert place.config.read_bytes() == before


def test_a_bot_is_removed_alone(tmp_path):
    place = terminal.Place(tmp_path, MINE + '    - name: work\n      # secret\n      token: "6:y"\n')
    assert place.run("channel", "remove", "nobody").returncode == 1
    r = place.run("channel", "remove", "work")
    assert r.returncode == 0, r.stderr
    assert place.config.read_text(encoding="utf-8").endswith(MINE)


def test_the_token_is_not_shown_while_it_is_pasted(tmp_path, net):
    place = terminal.Place(tmp_path)
    t = place.terminal("channel", "add", "telegram", "--api-base", net.base, "--no-wait")
    t.expect("Paste the token:")
    assert not t.shows_typing()
    t.type(net.token)
    t.expect("@nexflow_test_bot")
    t.end()
    assert net.token not in t.text


@pytest.mark.parametrize("arguments", [
    ["channel"], ["channel", "add"], ["channel", "add", "irc"], ["channel", "add", "--name"],
    ["channel", "remove"], ["channel", "test"], ["channel", "test", "../x"], ["channel", "nothing"],
    ["channel", "list", "x"], ["pair", "--deny"], ["pair", "A", "B"], ["pair", "--user", "me"],
    ["pair", "A", "--deny", "--role", "user"], ["user", "invite", "a", "b"], ["user", "accounts"],
    ["user", "link", "me", "telegram"]])
def test_wrong_use_says_how(tmp_path, arguments):
    r = terminal.Place(tmp_path).run(*arguments)
    assert r.returncode == 2 and r.stderr.startswith("usage: nexflow"), r


def test_people_are_let_in_from_the_command_line(tmp_path):
    import people_test
    daemon = nexflow.Daemon(tmp_path).start()
    place = terminal.Place(tmp_path)

    def run(*arguments):
        return place.run("--config", daemon.config, *arguments)

    assert "Nobody asks" in run("pair").stdout
    people_test.asks(daemon, name="Anna \u001b[31m\u202e")
    listed = run("pair").stdout
    assert "ABCD-2345" in listed and "4711" in listed and "\u001b" not in listed
    r = run("pair", "abcd2345", "--name", "Anna", "--role", "admin")
    assert r.returncode == 0 and "admin" in r.stdout and "Anna" in r.stdout, r
    user = r.stdout.split()[0]
    assert "4711" in run("user", "accounts", user).stdout
    assert "no code" in run("pair", "../users").stderr
    r = run("pair", "abcd2345")
    assert r.returncode == 1 and "hour" in r.stderr

    people_test.asks(daemon, "4712", "ABCD2346")
    assert "30 days" in run("pair", "--deny", "ABCD-2346").stdout
    assert "denied" in run("pair").stdout
    assert run("pair", "ABCD-2346", "--user", user).returncode == 0
    assert "4712" in run("user", "accounts", user).stdout

    assert "4712" in run("user", "link", "me", "telegram", "4712").stdout
    assert "4712" not in run("user", "accounts", user).stdout
    assert "4712" not in run("user", "unlink", "me", "telegram", "4712").stdout
    assert run("user", "link", "me", "telegram", "a/b").returncode == 1
    r = run("user", "invite")
    assert r.returncode == 1 and "channel add" in r.stderr
    assert "There are no bots" in run("channel", "list").stdout
    assert daemon.stop() == 0


def test_without_a_daemon_it_says_so(tmp_path):
    for arguments in (["pair"], ["channel", "list"], ["channel", "test", "telegram"],
                      ["user", "invite"]):
        r = terminal.Place(pathlib.Path(tmp_path)).run(*arguments)
        assert r.returncode == 1 and "no daemon" in r.stderr, arguments
