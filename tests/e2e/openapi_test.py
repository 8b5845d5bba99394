"""docs/openapi.yaml against the routes and against what the daemon really answers."""
import asyncio
import re

import jsonschema
import pytest
import yaml

import nexflow

SPEC = yaml.safe_load((nexflow.TOP / "docs/openapi.yaml").read_text(encoding="utf-8"))
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(name="daemon")
def _daemon(tmp_path):
    daemon = nexflow.Daemon(tmp_path).start()
    yield daemon
    assert daemon.stop() == 0


def closed(schema, part_of=False):
    """The schema with its references put in, and with objects that have described members only."""
    if isinstance(schema, list):
        return [closed(one, part_of) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return closed(SPEC["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], part_of)
    whole = {key: closed(value, key == "allOf") for key, value in schema.items()}
    if not part_of and ("allOf" in schema or isinstance(schema.get("properties"), dict)):
        whole["unevaluatedProperties"] = False
    return whole


def validate(method, path, status, body):
    """The body against the schema of that operation's response."""
    responses = SPEC["paths"][path][method]["responses"]
    response = responses.get(str(status), responses.get("default"))
    assert response, f"{method} {path} answers {status}, which is not described"
    if "$ref" in response:
        response = SPEC["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    if "content" not in response:
        assert body in ("", None)
        return
    schema = closed(response["content"]["application/json"]["schema"])
    jsonschema.Draft202012Validator(schema).validate(body)


def test_the_description_and_the_routes_are_the_same():
    source = (nexflow.TOP / "channels/web/web.c").read_text(encoding="utf-8")
    routes = set(re.findall(r'\{ "([A-Z]+)", "([^"]+)",', source))
    assert len(routes) > 20, "the table of routes has moved: this test must follow it"
    page = {("GET", "/"), ("GET", "/{file...}")}
    described = {(m.upper(), path) for path, item in SPEC["paths"].items() for m in item
                 if m in METHODS}
    assert routes - page == described


def test_every_operation_is_in_the_list_for_people():
    rows = (nexflow.TOP / "docs/api.md").read_text(encoding="utf-8").splitlines()
    for path, item in SPEC["paths"].items():
        named = [row for row in rows if re.search(re.escape(path) + r"(?![/\w{])", row)]
        for method in item:
            assert method not in METHODS or any(method.upper() in row for row in named), (method, path)


def test_every_operation_answers_as_described(daemon):
    called = {("get", "/ws")}  # below

    def call(method, path, body=None, query="", **params):
        called.add((method, path))
        real = path + query
        for name, value in params.items():
            real = real.replace("{" + name + "}", value)
        status, answer = daemon._json(method.upper(), real, body)
        validate(method, path, status, answer)
        return status, answer

    assert call("get", "/health")[0] == 200
    assert call("get", "/ready")[0] == 503
    for path in ("/health", "/ready"):
        status, answer = daemon._json("GET", path, token=None)
        validate("get", path, status, answer)
    assert call("get", "/api/v1/models")[0] == 200
    assert call("get", "/api/v1/users/me")[0] == 200
    assert call("get", "/api/v1/auth")[1]["user"]["role"] == "owner"
    assert call("get", "/health")[1]["not_ready"] == call("get", "/ready")[1]["reasons"]
    status, user = call("post", "/api/v1/users", {"name": "Second", "role": "user"})
    assert status == 201
    assert call("patch", "/api/v1/users/{id}", {"status": "blocked"}, id=user["id"])[0] == 200
    assert call("post", "/api/v1/users/{id}/links", {}, id=user["id"])[0] == 201
    assert call("get", "/api/v1/users")[0] == 200
    assert call("post", "/api/v1/users/{id}/invites", {}, id="me")[0] == 201
    account = {"network": "telegram", "account": "4711"}
    assert call("post", "/api/v1/users/{id}/identities", account, id="me")[0] == 200
    assert len(call("get", "/api/v1/users/{id}/identities", id="me")[1]["identities"]) == 2
    assert call("delete", "/api/v1/users/{id}/identities/{network}/{account}", id="me",
                **account)[0] == 200
    assert call("get", "/api/v1/pairings")[0] == 200
    assert call("post", "/api/v1/pairings/{code}", {"decision": "deny"}, code="ABCD-2345")[0] == 404
    assert call("get", "/api/v1/channels")[1] == {"channels": [], "next_cursor": None}
    assert call("get", "/api/v1/channels/{name}/qr.svg", name="telegram")[0] == 404
    assert call("post", "/api/v1/channels/{name}/test", {}, name="telegram")[0] == 404
    assert call("post", "/api/v1/auth/exchange", {"token": "wrong"})[0] == 401
    assert call("post", "/api/v1/auth/logout", {})[0] == 204
    status, session = call("post", "/api/v1/sessions", {"title": "One"})
    assert status == 201
    one = {"id": session["id"]}
    assert call("get", "/api/v1/sessions")[0] == 200
    assert call("get", "/api/v1/sessions/{id}", **one)[0] == 200
    assert call("patch", "/api/v1/sessions/{id}", {"title": "Two"}, **one)[1]["title"] == "Two"
    status, accepted = call("post", "/api/v1/messages",
                            {"message_id": "m1", "session_id": session["id"], "content": "hi"})
    assert status == 202
    daemon.wait_until(lambda: daemon.get(f"/api/v1/sessions/{one['id']}")[1]["pending"] == 0)
    assert call("get", "/api/v1/sessions/{id}/messages", **one)[0] == 200
    assert call("patch", "/api/v1/sessions/{id}", {"pinned": True}, **one)[1]["pinned"]
    assert call("get", "/api/v1/sessions")[1]["pinned"][0]["id"] == one["id"]
    assert call("get", "/api/v1/search", query="?q=hi")[1]["hits"][0]["session_id"] == one["id"]
    assert call("get", "/api/v1/search", query="?q=")[0] == 400
    export = call("get", "/api/v1/sessions/{id}/export", query="?format=json", **one)[1]
    assert export["version"] == 1 and export["messages"][0]["content"] == "hi"
    assert call("get", "/api/v1/tasks")[1]["tasks"][0]["status"] == "failed"
    status, task = call("get", "/api/v1/tasks/{id}", id=accepted["run_id"])
    assert status == 200 and task["steps"] and task["changes"]
    assert call("post", "/api/v1/tasks/{id}/cancel", {}, id=accepted["run_id"])[0] == 409
    assert call("post", "/api/v1/sessions/{id}/stop", {}, **one)[0] == 404
    assert call("get", "/api/v1/sessions/{id}/runs/{run}/files/{n}", run=accepted["run_id"], n="0",
                **one)[0] == 404
    assert call("delete", "/api/v1/sessions/{id}", **one)[0] == 204
    assert call("get", "/api/v1/sessions/{id}", **one)[0] == 404
    assert call("get", "/api/v1/usage")[0] == 200
    assert call("get", "/api/v1/status")[0] == 200
    assert call("get", "/api/v1/approvals")[0] == 200
    assert call("post", "/api/v1/approvals/{id}", {"decision": "deny"}, id=one["id"])[0] == 404
    schedules(call)
    configuration(call)
    skills(call)
    status, text = daemon.get("/metrics")
    called.add(("get", "/metrics"))
    assert status == 200 and "nexflow_turns_total" in text
    assert {(m, path) for path, item in SPEC["paths"].items() for m in item if m in METHODS} == called


def schedules(call):
    at = "/api/v1/schedules"
    wish = {"kind": "reminder", "text": "tea", "cron": "0 9 * * 1-5"}
    assert call("post", f"{at}/preview", wish)[0] == 200
    status, made = call("post", at, wish)
    assert status == 201
    one = {"id": made["id"]}
    assert call("get", at)[1]["schedules"][0]["id"] == one["id"]
    assert call("get", f"{at}/{{id}}", **one)[0] == 200
    assert call("patch", f"{at}/{{id}}", {"text": "coffee"}, **one)[1]["text"] == "coffee"
    assert call("post", f"{at}/{{id}}/pause", {}, **one)[1]["status"] == "paused"
    assert call("post", f"{at}/{{id}}/resume", {}, **one)[1]["status"] == "active"
    assert call("post", f"{at}/{{id}}/run", {}, **one)[0] == 202
    assert len(call("get", f"{at}/{{id}}/runs", **one)[1]["runs"]) == 1
    assert call("delete", f"{at}/{{id}}", **one)[0] == 204


def configuration(call):
    seen = call("get", "/api/v1/config")[1]["hash"]

    def change(method, path, body, **params):
        nonlocal seen
        query = f"?hash={seen}" if body is None else ""
        status, answer = call(method, path, body and {**body, "hash": seen}, query, **params)
        assert status == 200, answer
        seen = answer["hash"]
    change("patch", "/api/v1/config", {"set": {"log.level": "warn"}})
    change("post", "/api/v1/providers", {"name": "mine", "type": "ollama", "models": ["m"],
                                         "base_url": "http://127.0.0.1:9"})
    assert call("get", "/api/v1/providers")[1]["providers"][0]["name"] == "mine"
    change("post", "/api/v1/models", {"name": "mine/m", "input_price": "0.15"})
    change("post", "/api/v1/aliases", {"name": "fast", "models": ["mine/m"]})
    assert call("get", "/api/v1/models")[1]["models"][0]["prices"] == {"input": "0.15"}
    assert call("post", "/api/v1/providers/test", {"model": "mine/m"})[0] == 503
    change("delete", "/api/v1/aliases/{name}", None, name="fast")
    change("post", "/api/v1/models", {"name": "mine/m", "input_price": None})
    change("delete", "/api/v1/providers/{name}", None, name="mine")
    assert call("post", "/api/v1/channels", {"network": "telegram", "token": "x"})[0] == 400
    assert call("post", "/api/v1/channels/{name}/token", {"token": "x"}, name="telegram")[0] == 404
    assert call("delete", "/api/v1/channels/{name}", name="telegram")[0] == 404


def skills(call):
    at, nothing = "/api/v1/skills", {"name": "nothing"}
    assert call("get", at)[0] == 200
    assert call("post", at, {"path": str(nexflow.TOP / "tests/e2e/probe"), "inspect": True})[0] == 404
    assert call("get", f"{at}/{{name}}", **nothing)[0] == 404
    assert call("post", f"{at}/{{name}}/enable", {"hash": "0" * 64}, **nothing)[0] == 404
    assert call("post", f"{at}/{{name}}/disable", {}, **nothing)[0] == 404
    assert call("get", f"{at}/{{name}}/logs", **nothing)[0] == 404
    assert call("delete", f"{at}/{{name}}", **nothing)[0] == 404
    assert call("post", f"{at}/{{name}}/tools/{{tool}}/run", {}, tool="x", **nothing)[0] == 404


def test_a_web_socket_is_opened_at_the_path_that_is_described(daemon):
    async def talk():
        async with daemon.connect() as socket:
            return (await socket.say("hi", "m1"))["type"]
    assert asyncio.run(talk()) == "accepted"
