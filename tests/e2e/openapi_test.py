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
    schema = dict(response["content"]["application/json"]["schema"])
    schema["components"] = SPEC["components"]
    jsonschema.Draft202012Validator(schema).validate(body)


def test_the_description_and_the_routes_are_the_same():
    source = (nexflow.TOP / "channels/web/web.c").read_text(encoding="utf-8")
    routes = set(re.findall(r'\{ "([A-Z]+)", "([^"]+)",', source))
    assert len(routes) > 20, "the table of routes has moved: this test must follow it"
    page = {("GET", "/"), ("GET", "/{file...}")}
    described = {(m.upper(), path) for path, item in SPEC["paths"].items() for m in item
                 if m in METHODS}
    assert routes - page == described


def test_every_operation_answers_as_described(daemon):
    def call(method, path, body=None, query="", **params):
        real = path + query
        for name, value in params.items():
            real = real.replace("{" + name + "}", value)
        status, answer = daemon._json(method.upper(), real, body)
        validate(method, path, status, answer)
        return status, answer

    assert call("get", "/health")[0] == 200
    assert call("get", "/ready")[0] == 503
    assert call("get", "/api/v1/models")[0] == 200
    assert call("get", "/api/v1/users/me")[0] == 200
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
    assert call("get", "/api/v1/channels")[1] == {"channels": []}
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
    assert call("delete", "/api/v1/sessions/{id}", **one)[0] == 204
    assert call("get", "/api/v1/sessions/{id}", **one)[0] == 404
    status, text = daemon.get("/metrics")
    assert status == 200 and "nexflow_turns_total" in text


def test_a_web_socket_is_opened_at_the_path_that_is_described(daemon):
    async def talk():
        async with daemon.connect() as socket:
            return (await socket.say("hi", "m1"))["type"]
    assert asyncio.run(talk()) == "accepted"
