"""The configuration changed over REST: by lines, whole or not at all, and never over somebody else's
change."""
import nexflow
import pytest

COMMENTED = """# what is mine
log:
  level: info # so much
limits:
  messages_per_minute: 60
"""


@pytest.fixture(name="own")
def own_fixture(tmp_path):
    daemon = nexflow.Daemon(tmp_path, config=COMMENTED).start()
    yield daemon
    assert daemon.stop() == 0


def setting(daemon, key):
    settings = daemon.get("/api/v1/config")[1]["settings"]
    return next(s for s in settings if s["key"] == key)


def change(daemon, settings, seen=None):
    seen = seen or daemon.get("/api/v1/config")[1]["hash"]
    return daemon._json("PATCH", "/api/v1/config", {"hash": seen, "set": settings})


def test_a_setting_is_changed_where_it_stands_and_taken_over(own):
    assert setting(own, "limits.messages_per_minute")["value"] == "60"
    status, answer = change(own, {"limits.messages_per_minute": 7, "turns.system_prompt": "Be ${brief}"})
    assert status == 200 and answer["need_restart"] == ["turns.system_prompt"]
    text = own.config.read_text(encoding="utf-8")
    assert "# what is mine\nlog:\n  level: info # so much\n" in text
    assert "messages_per_minute: 7\n" in text
    assert setting(own, "limits.messages_per_minute")["value"] == "7"
    assert 'turns:\n  system_prompt: "Be $${brief}"\n' in text
    assert change(own, {"limits.messages_per_minute": None})[0] == 200
    assert "messages_per_minute" not in own.config.read_text(encoding="utf-8")


def test_a_change_over_somebody_elses_is_refused(own):
    seen = own.get("/api/v1/config")[1]["hash"]
    own.config.write_text(own.config.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    before = own.config.read_text(encoding="utf-8")
    status, answer = change(own, {"log.level": "debug"}, seen)
    assert status == 409 and "meanwhile" in answer["error"]["message"]
    assert own.config.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("wrong", [
    {"log.level": "loud"}, {"log.nothing": "x"}, {"limits.messages_per_minute": -1},
    {"log.level": {"a": 1}}, {"limits": 3}, {"": "x"}, {"log.level": "info\nserver: {}"}])
def test_a_file_that_would_be_wrong_is_not_written(own, wrong):
    before = own.config.read_text(encoding="utf-8")
    status, _ = change(own, wrong)
    assert status in (400, 409, 413)
    assert own.config.read_text(encoding="utf-8") == before
    assert own.get("/health")[1]["config"] == "ok"


def test_secrets_are_never_told(tmp_path, provider):
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml(key="sk-very-secret")).start()
    try:
        for path in ("/api/v1/config", "/api/v1/providers"):
            assert "very-secret" not in str(daemon.get(path))
        assert daemon.get("/api/v1/providers")[1]["providers"][0]["has_key"]
    finally:
        assert daemon.stop() == 0


def test_a_provider_is_tried_for_real_added_and_removed(own, provider):
    provider.offer("small", "big")
    provider.script(text="ready")
    new = {"name": "mine", "type": "custom", "base_url": provider.url("/v1"), "api_key": "k"}
    status, answer = own._json("POST", "/api/v1/providers/test", new)
    assert status == 200 and answer["models"] == ["small", "big"]
    status, answer = own._json("POST", "/api/v1/providers/test", {**new, "models": ["small"]})
    assert status == 200 and answer["answer"] == "ready"
    seen = own.get("/api/v1/providers")[1]["hash"]
    status, answer = own._json("POST", "/api/v1/providers", {**new, "models": ["small"], "hash": seen})
    assert status == 200
    assert own.get("/api/v1/models")[1]["default"] == "mine/small"
    assert own._json("POST", "/api/v1/providers/test", {"model": "mine/small"})[1]["answer"] == "ready"
    for chain in (["mine/small"], ["small"]):  # the second replaces the first
        status, answer = own._json("POST", "/api/v1/aliases",
                                   {"hash": answer["hash"], "name": "fast", "models": chain})
        assert status == 200, answer
        assert [a["name"] for a in own.get("/api/v1/models")[1]["aliases"]] == ["fast"]
    status, answer = own._json("DELETE", f"/api/v1/aliases/fast?hash={answer['hash']}")
    assert status == 200 and own.get("/api/v1/models")[1]["aliases"] == []
    bounds = {"name": "mine/small", "context_tokens": 4096, "input_price": "0.15"}
    status, answer = own._json("POST", "/api/v1/models", {"hash": answer["hash"], **bounds})
    assert status == 200, answer
    [model] = own.get("/api/v1/models")[1]["models"]
    assert model["context_tokens"] == 4096 and model["prices"] == {"input": "0.15"}
    change = {"name": "mine/small", "context_tokens": None, "output_price": "2.50"}
    status, answer = own._json("POST", "/api/v1/models", {"hash": answer["hash"], **change})
    assert status == 200, answer
    [model] = own.get("/api/v1/models")[1]["models"]
    assert model["context_tokens"] == 128000  # as of any model of that kind
    assert model["prices"] == {"input": "0.15", "output": "2.50"}
    for wrong in ({"input_price": "cheap"}, {"input_price": 3}, {"context_tokens": "many"},
                  {"context_tokens": -1}):
        status, error = own._json("POST", "/api/v1/models", {"hash": answer["hash"],
                                                             "name": "mine/small", **wrong})
        assert status in (400, 413) and list(wrong)[0] in error["error"]["message"], error
    status, answer = own._json("POST", "/api/v1/models",
                               {"hash": answer["hash"], "name": "mine/small",
                                "input_price": None, "output_price": None})
    assert status == 200 and "prices" not in own.get("/api/v1/models")[1]["models"][0]
    status, _ = own._json("DELETE", f"/api/v1/providers/mine?hash={seen}")
    assert status == 409
    status, _ = own._json("DELETE", f"/api/v1/providers/mine?hash={answer['hash']}")
    assert status == 200
    assert own.get("/api/v1/models")[1]["models"] == []


def test_a_provider_is_found_in_the_file_as_it_is(own, provider):
    new = {"type": "openai", "api_key": "k", "base_url": provider.url("/v1"), "models": ["small"]}
    for name in ("first", "second"):
        seen = own.get("/api/v1/providers")[1]["hash"]
        assert own._json("POST", "/api/v1/providers", {**new, "name": name, "hash": seen})[0] == 200
    text = own.config.read_text(encoding="utf-8")
    kept = "    - {name: kept, type: openai, api_key: k, models: [small]}\n"  # by hand; nobody has told the daemon yet
    own.config.write_text(text.replace("  providers:\n", "  providers:\n" + kept, 1), encoding="utf-8")
    seen = own.get("/api/v1/providers")[1]["hash"]
    status, answer = own._json("DELETE", f"/api/v1/providers/first?hash={seen}")
    assert status == 200, answer
    assert {p["name"] for p in own.get("/api/v1/providers")[1]["providers"]} == {"kept", "second"}


def test_what_a_change_of_a_model_does_not_name_stays_as_the_file_has_it(own, provider):
    seen = own.get("/api/v1/providers")[1]["hash"]
    new = {"type": "openai", "api_key": "k", "base_url": provider.url("/v1"), "models": ["small"], "name": "mine"}
    status, answer = own._json("POST", "/api/v1/providers", {**new, "hash": seen})
    assert status == 200, answer
    bounds = {"name": "mine/small", "context_tokens": 4096}
    assert own._json("POST", "/api/v1/models", {"hash": answer["hash"], **bounds})[0] == 200
    text = own.config.read_text(encoding="utf-8")
    assert text.count("4096") == 1
    own.config.write_text(text.replace("4096", "8192"), encoding="utf-8")  # by hand; nobody has told the daemon yet
    seen = own.get("/api/v1/providers")[1]["hash"]
    status, answer = own._json("POST", "/api/v1/models", {"hash": seen, "name": "mine/small", "input_price": "0.15"})
    assert status == 200, answer
    [model] = own.get("/api/v1/models")[1]["models"]
    assert model["context_tokens"] == 8192 and model["prices"] == {"input": "0.15"}


def test_a_provider_that_does_not_work_says_why(own, provider):
    provider.script(status=401)
    status, answer = own._json("POST", "/api/v1/providers/test", {
        "type": "custom", "base_url": provider.url("/v1"), "models": ["m"]})
    assert status >= 400 and "401" in answer["error"]["message"]
    status, answer = own._json("POST", "/api/v1/providers/test", {
        "type": "custom", "base_url": "http://127.0.0.1:9/v1"})
    assert status >= 400 and answer["error"]["message"]
