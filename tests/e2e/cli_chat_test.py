"""`nexflow chat`: one question, a pipe, and a person at a terminal."""
import subprocess

import pytest

import nexflow
from terminal import failed, ok


def test_chat_answers_one_question_on_standard_output(served, provider):
    provider.script(text="Forty-two.\nReally.")
    result = served("chat", "What is it?")
    assert ok(result) == "Forty-two.\nReally.\n"


def test_chat_reads_a_message_a_line_from_a_pipe_into_one_session(served):
    assert ok(served("chat", stdin="one\n\ntwo\nthree")) == "echo: one\necho: two\necho: three\n"
    status, page = served.daemon.get("/api/v1/sessions")
    assert status == 200 and len(page["sessions"]) == 1
    session = page["sessions"][0]["id"]
    assert ok(served("chat", "--session", session, "four")) == "echo: four\n"
    assert ok(served("chat", "--session", session, stdin="five\n")) == "echo: five\n"
    said = [m["content"] for m in served.daemon.messages(session) if m["role"] == "user"]
    assert said == ["one", "two", "three", "four", "five"]
    assert "session" in failed(served("chat", "--session", "0000000000000", "x"))


def test_chat_takes_any_text_and_refuses_what_is_none(served):
    assert ok(served("chat", "--", "-5 + 3?")) == "echo: -5 + 3?\n"
    assert ok(served("chat", 'quotes " and \\ and é \u2028 and \t')) == \
        'echo: quotes " and \\ and é \u2028 and \t\n'
    broken = subprocess.run([nexflow.BIN / "nexflow", "--config", served.daemon.config, "chat"],
                            input=b"\xff\xfe\n", capture_output=True, timeout=60, check=False)
    assert broken.stdout == "echo: \ufffd\ufffd\n".encode(), broken.stderr
    assert "content" in failed(served("chat", stdin="x" * 300000 + "\n"))
    failed(served("chat", stdin="x" * 3000000 + "\n"))
    failed(served("chat", "--", ""))


def test_chat_says_it_when_the_daemon_dies_in_the_middle(served, provider):
    provider.script(text="word " * 500, delay=0.05)
    t = served.place.terminal("--config", served.daemon.config, "chat")
    t.expect("> ")
    t.type("long")
    t.expect("word word")
    served.daemon.kill()
    t.expect("nexflow: ")
    assert t.end() == 1
    provider.script()
    served.daemon.start()


def test_chat_says_what_the_provider_said_when_a_turn_fails(served, provider):
    provider.script(status=400, error="invalid_request_error", message="no such thing")
    result = served("chat", "x")
    assert "no such thing" in failed(result)


def test_chat_at_a_terminal_stops_an_answer_and_goes_on(served, provider):
    provider.script(text="word " * 500, delay=0.05)
    t = served.place.terminal("--config", served.daemon.config, "chat")
    t.expect("> ")
    t.type("long")
    t.expect("word word")
    t.press("C")
    t.expect("stopped)")
    t.expect("> ")
    provider.script(status=400, error="invalid_request_error", message="not like that")
    t.type("bad")
    t.expect("not like that")
    t.expect("> ")
    provider.script(text="fine")
    t.type("short")
    t.expect("fine")
    t.expect("(fake/m, ")
    t.expect("> ")
    t.press("D")
    assert t.end() == 0
    assert len(served.daemon.get("/api/v1/sessions")[1]["sessions"]) == 1


def test_chat_ends_at_once_on_ctrl_c_at_the_prompt(served):
    t = served.place.terminal("--config", served.daemon.config, "chat")
    t.expect("> ")
    t.press("C")
    assert t.end() != 0


def is_order(c):
    return 0x7f <= ord(c) < 0xa0 or c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize("evil", ["\x1b[2J\x1b]0;owned\x07", "a\x9bb\x9d0;x\x9c", "x\ry\bz\x7f\x0e",
                                  "\u202egpj.exe\u202c \u2066x\u2069"])
def test_a_model_does_not_command_the_terminal(served, provider, evil):
    provider.script(pieces=[evil[:1], evil[1:2], evil[2:], " end\tof\nit"])
    t = served.place.terminal("--config", served.daemon.config, "chat", "x")
    assert t.end() == 0
    assert "end" in t.text and "of\r\nit" in t.text
    assert not [c for c in t.text if (ord(c) < 32 and c not in "\r\n\t") or is_order(c)]
    assert "x\ry" not in t.text
    provider.script(status=400, error="invalid_request_error", message=f"no {evil} no")
    result = served("chat", "x")
    assert not [c for c in failed(result) if (ord(c) < 32 and c not in "\n\t") or is_order(c)]
