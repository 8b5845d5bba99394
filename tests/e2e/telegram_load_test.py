"""Telegram: many at once."""
from telegram_pair import bot, mention, Pair, _fake, _pair  # noqa: F401  (fixtures)


def test_a_hundred_chats_stream_at_once_within_every_limit(tmp_path, provider, fake):
    chats = range(7000, 7100)
    accounts = ", ".join(f'"{c}"' for c in chats)
    both = Pair(tmp_path, provider, fake, bots=[bot(fake, accounts=f"[{accounts}]")]).start()
    provider.script(text=" ".join(f"word{i}" for i in range(60)), delay=0.25)
    fake.call("say", [{"chat": c, "from": c, "text": "go"} for c in chats])
    stopped, chats = chats[-1], chats[:-1]
    fake.until(lambda: len(provider.log()) == 100, what="all streams")
    fake.say("/stop", chat=stopped)
    both.daemon.wait_until(lambda: both.daemon.events("turn.ended"))  # the first of all to end
    assert [e["status"] for e in both.daemon.events("turn.ended")] == ["cancelled"], "/stop waits for others"
    state = fake.until(lambda: _all_answered(fake, chats), 200, "all answers")
    assert "word59" not in "".join(fake.texts(stopped))
    stats = fake.stats()
    edits = stats["counts"]["editmessagetext"]
    assert edits >= 3 * len(chats) / 2
    assert stats["counts"].get("429", 0) <= edits / 100, stats["counts"]
    assert stats["peak_per_second"] <= 30
    for c in chats:
        assert len([m for m in state["chats"][str(c)]["messages"] if m["from"]["is_bot"]]) == 1
    both.end()


def _all_answered(fake, chats):
    state = fake.state()
    shown = ["".join(m["text"] for m in state["chats"][str(c)]["messages"] if m["from"]["is_bot"]) for c in chats]
    return state if all("word59" in s for s in shown) else None


def test_who_floods_holds_up_nobody_and_is_told_so(tmp_path, provider, fake):
    """A poll gives 100 updates at once, in order: those behind must be reached though one person's wait."""
    flooder = bot(fake, accounts='["1001", "1002"]', messages_per_minute=60000)
    both = Pair(tmp_path, provider, fake, bots=[flooder]).start()
    provider.scripts({"hang": "first"}, {"text": "at once"})
    fake.say("think")
    fake.until(lambda: provider.log())
    fake.call("say", [{"chat": 1001, "text": f"more {i}"} for i in range(400)])
    fake.say("me too", chat=1002)
    fake.answer("at once", chat=1002)
    fake.until(lambda: fake.stats()["pending"][fake.token] == 0, what="all confirmed")
    fake.answer("I did not take this message")
    fake.say("/stop")
    both.end()


def test_a_hundred_messages_of_a_chat_may_wait(pair):
    fake = pair.telegram
    say = {"chat": -100500, "from": 5}
    text = "@nexflow_test_bot look"
    fake.fault("hang", method="download", times=1, seconds=5)
    fake.say(caption=text, caption_entities=mention(text), document=fake.file(b"x", "slow.txt", "text/plain"), **say)
    fake.until(lambda: fake.stats()["injected"].get("download"))
    fake.call("say", [{"text": f"among us {i}", **say} for i in range(98)])  # nobody need answer them
    for word in ("hundredth", "one too many", "left out"):
        text = f"@nexflow_test_bot {word}"
        fake.say(text, entities=mention(text), **say)
    fake.until(lambda: fake.stats()["pending"][fake.token] == 0, what="confirmed")
    fake.answer("hundredth", chat=-100500)
    fake.until(lambda: any("Too many messages wait" in t for t in fake.texts(-100500)))
    text = "@nexflow_test_bot caught up"
    fake.say(text, entities=mention(text), **say)
    fake.answer("caught up", chat=-100500)
    seen = "".join(fake.texts(-100500))
    assert seen.count("Too many messages wait") == 1 and "one too many" not in seen and "left out" not in seen, seen


def test_a_flood_that_is_cut_off_goes_on_with_the_next_life(tmp_path, provider, fake):
    chats = [1000 + i for i in range(16)]
    accounts = ", ".join(f'"{c}"' for c in chats)
    both = Pair(tmp_path, provider, fake, bots=[bot(fake, accounts=f"[{accounts}]")]).start()
    for life in range(2):
        fake.call("say", [{"chat": c, "from": c, "text": f"m{life}-{i}-{c}."} for i in range(3) for c in chats])
        fake.until(lambda: fake.stats()["pending"][fake.token] < 40)
        assert both.daemon.stop() == 0 if life else both.daemon.kill()
        both.daemon.start()
    want = {f"m{life}-{i}-{c}." for life in range(2) for i in range(3) for c in chats}
    shown = fake.until(lambda: _answers(fake, chats) if len(_answers(fake, chats)) >= len(want) else None, 200)
    assert sorted(shown) == sorted(want), "lost, or twice"
    both.end()


def _answers(fake, chats):
    state = fake.state()["chats"]
    texts = [m["text"] for c in chats for m in state[str(c)]["messages"] if m["from"]["is_bot"]]
    return [t[6:] for t in texts if t.startswith("echo: m") and t.endswith(".")]
