"""docs/telegram.md, docs/discord.md and docs/people.md, walked through as by somebody new: every block of settings, every
setting of the tables and every command that they name, against stand-ins of the networks."""
import json
import re

import pytest
import yaml

import channels_test
import discord
from channels_test import _guild, _net  # noqa: F401  (fixtures)
import nexflow
import telegram
import terminal

PAGES = {name: (nexflow.TOP / f"docs/{name}.md").read_text(encoding="utf-8") for name in ("telegram", "discord", "people")}
TOKENS = {"telegram": telegram.TOKEN, "discord": discord.Discord.token}


def blocks(text, kind):
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def commands(text):
    """Those that are named, without what is said about them."""
    shell = [line.split("#")[0] for block in blocks(text, "sh") for line in block.splitlines()]
    spans = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return {" ".join(c.split()) for c in shell + spans if c.strip().startswith("nexflow ")}


def check(tmp_path, text):
    (tmp_path / "nexflow.yaml").write_text(text, encoding="utf-8")
    place = terminal.Place(tmp_path, TELEGRAM_TOKEN=TOKENS["telegram"], DISCORD_TOKEN=TOKENS["discord"])
    result = place.run("--config", "nexflow.yaml", "config", "check")
    assert result.returncode == 0, text + result.stderr


@pytest.mark.parametrize("network", ["telegram", "discord"])
def test_the_settings_of_a_page_are_right(tmp_path, network):
    found = blocks(PAGES[network], "yaml")
    assert found
    for block in found:
        check(tmp_path, block if block.startswith("channels:") else f"channels:\n  {network}:\n{block}")
    token = "${%s_TOKEN}" % network.upper()
    rows = re.findall(r"^\| [^|]+ \| (.*`[a-z_]+: .*) \|$", PAGES[network] + PAGES["people"], re.MULTILINE)
    settings = [s for row in rows for s in re.findall(r"`([a-z_]+: [^`]+)`", row)]
    assert len(settings) >= 5
    for setting in settings:
        [(key, value)] = yaml.safe_load(setting).items()
        check(tmp_path, yaml.safe_dump({"channels": {network: [{"token": token, key: value}]}}))


def by_hand(network, fake):
    """The block of the page, with the address of the stand-in."""
    base = {"telegram": lambda: fake.base, "discord": lambda: f"http://127.0.0.1:{fake.port}{discord.BASE}"}[network]()
    [block] = [b for b in blocks(PAGES[network], "yaml") if b.startswith("channels:")]
    bots = yaml.safe_load(block)["channels"][network]
    return yaml.safe_dump({"channels": {network: [{**bots[0], "api_base": base}]}})


def code_of(text):
    return next(w for w in text.replace("`", " ").split() if re.fullmatch(r"[A-Z2-9]{4}-[A-Z2-9]{4}", w))


def test_every_command_does_what_the_pages_say(tmp_path, net, guild):
    bots = {**yaml.safe_load(by_hand("telegram", net))["channels"], **yaml.safe_load(by_hand("discord", guild))["channels"]}
    daemon = nexflow.Daemon(tmp_path, yaml.safe_dump({"channels": bots}), env={
        "TELEGRAM_TOKEN": TOKENS["telegram"], "DISCORD_TOKEN": TOKENS["discord"]}).start()
    place, walked = terminal.Place(tmp_path), set()  # whose environment has no tokens: those are the daemon's

    def run(command, env=None, **values):
        """As the page has it, but for what stands for something."""
        walked.add(command)
        words = [values.get(w, w) for w in command.split()[1:]]
        return terminal.ok(place.run("--config", daemon.config, *words, **(env or {})))
    channels_test.connected(daemon)
    channels_test.connected(daemon, "discord")
    net.say("/start")
    assert run("nexflow pair CODE --user me", CODE=code_of(net.answer("-")["text"]))
    net.answer("You are in")
    guild.say("hello")
    run("nexflow pair CODE --user me", CODE=code_of(discord.text_of(guild.answer("-"))))
    guild.answer("You are in")
    networks = {i["network"] for i in daemon.get("/api/v1/users/me/identities")[1]["identities"]}
    assert {"telegram", "discord"} <= networks
    listed = run("nexflow channel list")
    assert listed.count("connected") == 2 and "https://discord.com/oauth2/authorize" in listed
    doctor = place.run("--config", daemon.config, "doctor", "--json")  # no model is set up, which is told
    states = {c["name"]: c["state"] for c in json.loads(doctor.stdout)["checks"]}
    assert states["channel discord"] == "ok" and states["configuration"] == "warning", states
    walked.add("nexflow doctor")

    net.say("hello", chat=1002, name="Boris")
    code = code_of(net.answer("-", chat=1002)["text"])
    assert code in run("nexflow pair")
    run("nexflow pair CODE", CODE=code)
    net.answer("You are in", chat=1002)
    net.say("hello", chat=1003, name="Cara")
    user = run("nexflow pair ABCD-2345", **{"ABCD-2345": code_of(net.answer("-", chat=1003)["text"])}).split()[0]
    guild.say("hello", sender=discord.STRANGER)
    run("nexflow pair CODE --user ID", CODE=code_of(discord.text_of(guild.answer("-", person=discord.STRANGER))), ID=user)
    assert discord.STRANGER in run("nexflow user accounts ID", ID=user)
    assert "admin" in run("nexflow user role ID ROLE", ID=user, ROLE="admin")

    anna = run("nexflow user add Anna").split()[0]
    assert anna in run("nexflow user list")
    invited = run("nexflow user invite 0707a0kcr0000", **{"0707a0kcr0000": anna})
    net.say("/start " + re.search(r"\?start=(\S+)", invited)[1], chat=1004)
    net.answer("linked to Anna", chat=1004)
    run("nexflow user block ID", ID=anna)
    assert "blocked" in next(line for line in run("nexflow user list").splitlines() if anna in line)

    t = place.terminal("--config", daemon.config, "channel", "test", "telegram")
    net.answer("This is a test")
    t.expect("Answer it")
    net.say("yes")
    t.expect("works both ways")
    assert t.end() == 0
    walked.add("nexflow channel test NAME")
    terminal.failed(place.run("--config", daemon.config, "channel", "remove", "nobody"))
    names = {"TELEGRAM_TOKEN": TOKENS["telegram"], "DISCORD_TOKEN": TOKENS["discord"]}  # the file is checked as a whole
    run("nexflow channel remove NAME", names, NAME="telegram")
    daemon.wait_until(lambda: set(channels_test.channels(daemon)) == {"discord"})
    assert daemon.stop() == 0, daemon.log()[-2000:]
    added = {f"nexflow channel add {n}" for n in TOKENS}  # channels_test.py walks through these
    assert set().union(*map(commands, PAGES.values())) <= walked | added
