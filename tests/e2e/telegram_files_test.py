"""Telegram: files and what is cut into several messages."""
import json

from telegram_pair import JPEG, barrier, running, _fake, _pair  # noqa: F401  (fixtures)


def test_an_album_is_one_turn_and_its_pictures_go_to_the_model(pair):
    for i in range(3):
        file = pair.telegram.file(JPEG + bytes([i]), "photo.jpg", "image/jpeg")
        photo = [{"file_id": file["file_id"], "file_unique_id": "u", "width": 640, "height": 480,
                  "file_size": len(JPEG) + 1}]
        pair.telegram.say(photo=photo, media_group_id="g", **({"caption": "what is that"} if i == 0 else {}))
    pair.telegram.answer("echo: ")
    assert len(pair.telegram.messages()) == 1
    assert len(pair.provider.log()) == 1
    asked = pair.provider.log()[0]["body"]["messages"][-1]["content"]
    assert json.dumps(asked).count("data:image/jpeg") == 3 and "what is that" in json.dumps(asked)


def test_a_document_is_read_and_one_that_is_too_large_is_named(pair):
    file = pair.telegram.file(b"the secret word is xyzzy", "notes.txt", "text/plain")
    pair.telegram.say(document=file, caption="read it")
    pair.telegram.answer("echo: ")
    assert "xyzzy" in json.dumps(pair.provider.log()[-1]["body"]["messages"][-1])
    big = pair.telegram.file(b"", "film.bin", size=30 << 20)
    pair.telegram.say(document=big, caption="and this", chat=1002)
    pair.telegram.answer("echo: ", chat=1002)
    assert "20 MB" in json.dumps(pair.provider.log()[-1]["body"]["messages"][-1])
    assert pair.telegram.stats()["counts"]["download"] == 1


def test_a_stranger_cannot_make_us_download(pair):
    file = pair.telegram.file(b"x" * 100, "a.txt", "text/plain")
    pair.telegram.say(document=file, caption="hi", chat=4444)
    barrier(pair)
    assert "getfile" not in pair.telegram.stats()["counts"]


def test_no_more_is_fetched_than_a_message_may_have(pair):
    fake = pair.telegram
    for i in range(10):
        fake.say(document=fake.file(b"\x89PNG", f"{i}.png", "image/png", size=20 << 20), media_group_id="g")
    fake.answer("echo: ")
    asked = json.dumps(pair.provider.log()[-1]["body"]["messages"])
    assert asked.count("larger than 6 MiB together") >= 10
    counts = fake.stats()["counts"]
    assert "getfile" not in counts and "download" not in counts


def test_what_is_longer_than_it_says_is_cut_off(pair):
    fake = pair.telegram
    fake.say(document=fake.file(b"\x89PNG\r\n\x1a\n", "big.png", "image/png", size=1000, fill=200 << 20))
    fake.answer("echo: ")
    assert "larger than 6 MiB together" in json.dumps(pair.provider.log()[-1]["body"]["messages"])
    assert fake.stats()["counts"]["download bytes"] < 40 << 20  # 6 MiB, and what is on its way


def test_parts_that_were_confirmed_outlive_a_kill(pair):
    fake = pair.telegram
    for i in range(3):
        file = fake.file(f"text {i}".encode(), f"{i}.txt", "text/plain")
        fake.say(document=file, media_group_id="g", caption=f"part {i}.")
    fake.until(lambda: fake.stats()["pending"][fake.token] == 0, what="confirmed")
    pair.daemon.kill()
    pair.daemon.start()
    fake.answer("part 2.")
    asked = [json.dumps(r["body"]["messages"][-1]) for r in pair.provider.log()]
    assert len(asked) == 1 and all(asked[0].count(f"part {i}.") == 1 for i in range(3)), asked


def test_a_slow_file_holds_up_neither_the_offset_nor_stop(pair):
    fake = pair.telegram
    pair.provider.script(hang="first")
    fake.say("think")
    fake.until(lambda: pair.provider.log())
    fake.fault("hang", method="download", times=1, seconds=60)
    fake.say(document=fake.file(b"x", "slow.txt", "text/plain"), caption="read it")
    fake.until(lambda: fake.stats()["injected"].get("download"))
    fake.until(lambda: fake.stats()["pending"][fake.token] == 0, what="confirmed")
    assert running(pair) == 1
    fake.say("/stop")
    fake.until(lambda: running(pair) == 0, what="stopped")


def test_a_long_paste_that_the_app_cut_is_one_turn(pair):
    pair.telegram.say("a" * 4096)
    pair.telegram.say("b" * 100)
    pair.telegram.until(lambda: pair.provider.log())
    barrier(pair)
    assert len(pair.provider.log()) == 2  # the barrier's is one
    assert "ab" in json.dumps(pair.provider.log()[0]["body"]["messages"][-1])


def test_what_we_cannot_hear_is_said(pair):
    pair.telegram.say(voice={"file_id": "v", "file_unique_id": "u", "duration": 3})
    pair.telegram.answer("voice message")


VERY_LONG = "\n\n".join(f"line {i} " + "y" * 300 for i in range(100))
UNSURE = "I do not know whether it arrived"


def files(fake):
    return [m for m in fake.messages() if "document" in m]


def test_a_file_is_not_sent_again_by_who_was_killed_before_writing_it_down(pair):
    """Telegram has no key for a send: what is known is that it was begun."""
    fake = pair.telegram
    pair.provider.script(text=VERY_LONG)
    fake.fault("hold-after", method="sendDocument")
    fake.say("go")
    fake.until(lambda: fake.stats()["injected"].get("sendDocument/hold-after"), what="a file that has arrived")
    pair.daemon.kill()
    fake.call("release")
    pair.daemon.start()
    text = fake.answer(UNSURE)["text"]
    assert text.startswith("line 0") and "is in the file" not in text
    pair.provider.script()
    barrier(pair)
    assert len(files(fake)) == 1
    assert len(fake.messages()) == 2


def test_a_file_whose_answer_is_lost_is_told_as_such_and_one_that_was_refused_goes_again(pair):
    fake = pair.telegram
    pair.provider.script(text=VERY_LONG)
    fake.fault("cut-after", method="sendDocument")
    fake.say("go")
    fake.answer(UNSURE)
    assert len(files(fake)) == 1
    fake.fault("429", method="sendDocument", times=2, retry_after=1)
    fake.say("again")
    fake.until(lambda: len(files(fake)) == 2, 60, "the second file")
    pair.provider.script()
    barrier(pair)
    last = [t for t in fake.texts() if t.startswith("line 0")][-1]
    assert "is in the file" in last and UNSURE not in last
