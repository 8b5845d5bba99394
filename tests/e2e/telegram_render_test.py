"""What is written for Telegram is accepted by a strict reader of its entities, whatever the Markdown."""
import json
import pathlib
import random
import subprocess
import sys

import pytest

import nexflow

sys.path.insert(0, str(nexflow.TOP / "tests/fakes/telegram"))
import entities  # noqa: E402
import schema  # noqa: E402

ORDINARY = [
    "plain text", "**bold** and *it* and ~~gone~~ and `code`", "# Title\n\n- one\n- two\n  - three",
    "| a | b |\n|---|--:|\n| `x` | **1** |\n", "```python\nprint('hi')\n```\n\nand `then`",
    "> quoted **bold `code`** more\n>\n> second", "[link **bold**](https://example.org/?a=1&b=2)",
    "1. a\n2. b\n\n---\n\n![image](https://example.org/a.png)", "\U0001F600 **\U0001F468\u200d\U0001F469\u200d\U0001F467** é",
    "https://example.org/path_(x) and mailto:a@b.c", "- [ ] todo\n- [x] `done`",
]
HOSTILE = [
    "**" * 500, "`" * 999, "> " * 300 + "deep", "*a **b ~~c `d` e~~ f** g*", "[" * 400 + "x" + "](https://e.org)" * 400,
    "[a](https://)", "[a](https://\u202e)", "[a](javascript:x) [b](tg://user?id=1)", "```\n" + "x" * 9000,
    "**" + "a `b` " * 900 + "**", "[`c`](https://e.org) " * 300, "\u200b", "&#0; &#x202E; \u202etext", "\\*\\_\\`\\[",
    "<b>x</b><script>", "| " * 200 + "\n" + "|-" * 200 + "|\n", "\U0001F600" * 5000, "e\u0301" * 5000,
    "**\U0001F468\u200d\U0001F469**" * 400, "_" * 30 + "x" + "_" * 30, "~~~\n**not**\n~~~", "a\n" * 6000,
]
PIECES = ["**", "*", "_", "~~", "`", "```\n", "\n", "\n\n", "> ", "- ", "1. ", "[", "](https://e.org/x)", "](x)", " ",
          "word", "\U0001F600", "é", "| a ", "|", "#", "<b>", "\\", "x" * 700, "&amp;"]


def parts_of(markdown):
    made = subprocess.run([nexflow.BIN / "telegram_render"], input=markdown.encode(), capture_output=True,
                          timeout=60, check=True)
    return [json.loads(line) for line in made.stdout.splitlines()]


def check(markdown):
    parts = parts_of(markdown)
    for part in parts:
        given = schema.check("sendMessage", {"chat_id": 1, **part})
        assert 1 <= schema.utf16(given["text"]) <= 4096
        assert given["text"].strip()
        entities.check(part["text"], part.get("entities", []))
    return parts


@pytest.mark.parametrize("number", range(len(ORDINARY)))
def test_ordinary_markdown_is_accepted(number):
    assert check(ORDINARY[number])


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_markdown_is_accepted(number):
    check(HOSTILE[number])


def test_the_corpus_of_the_fuzzers_is_accepted():
    files = [p for d in ("markdown", "telegram_render") for p in (nexflow.TOP / "tests/fuzz/corpus" / d).iterdir()]
    assert len(files) > 5
    for path in files:
        text = pathlib.Path(path).read_bytes().decode("utf-8", "ignore").replace("\0", "")
        check(text)


def test_pieces_thrown_together_are_accepted():
    dice = random.Random(20260824)
    for _ in range(150):
        check("".join(dice.choice(PIECES) for _ in range(dice.randrange(1, 120))))


def test_parts_rejoin_to_the_text():
    """Only white space is lost between messages."""
    dice = random.Random(7)
    words = ["alpha", "**beta**", "`gamma`", "\U0001F600", "delta.\n\n", "```c\nint x;\n```\n", "> quote\n\n"]
    for _ in range(20):
        markdown = " ".join(dice.choice(words) for _ in range(3000))
        parts = check(markdown)
        assert len(parts) > 1
        joined = "".join("".join(p["text"].split()) for p in parts)
        for word in ("alpha", "beta", "gamma", "delta", "quote", "intx;", "\U0001F600"):
            assert joined.count(word) == "".join(markdown.split()).count(word)


def test_the_strict_reader_refuses_what_is_wrong():
    """The check above would notice."""
    wrong = [
        [{"type": "bold", "offset": 0, "length": 3}, {"type": "italic", "offset": 2, "length": 3}],
        [{"type": "bold", "offset": 0, "length": 4}, {"type": "code", "offset": 1, "length": 1}],
        [{"type": "bold", "offset": 0, "length": 99}], [{"type": "bold", "offset": 0, "length": 0}],
        [{"type": "text_link", "offset": 0, "length": 1, "url": "https:///x"}],
        [{"type": "blockquote", "offset": 0, "length": 5}, {"type": "blockquote", "offset": 1, "length": 2}],
        [{"type": "code", "offset": 0, "length": 1, "language": "c"}],
    ]
    for one in wrong:
        with pytest.raises(schema.Bad):
            schema.check("sendMessage", {"chat_id": 1, "text": "hello \U0001F600", "entities": one})
    with pytest.raises(schema.Bad):
        schema.check("sendMessage", {"chat_id": 1, "text": "\U0001F600", "entities": [
            {"type": "bold", "offset": 0, "length": 1}]})
    with pytest.raises(schema.Bad):
        schema.check("sendMessage", {"chat_id": 1, "text": "x", "disable_web_page_preview": True})
