"""Who may do what: every operation of docs/openapi.yaml against the least role that it says it needs."""
import pytest

import nexflow
from openapi_test import METHODS, SPEC

OPERATIONS = [(method.upper(), path, operation) for path, item in SPEC["paths"].items()
              for method, operation in item.items() if method in METHODS]
RANK = {"user": 0, "admin": 1, "owner": 2}
NOTHING = "0" * 13  # as an id: there is nothing with it
# What the bodies of all operations that need a role have, so that it is the role that is missing.
BODY = {"hash": "0" * 64, "set": {}, "name": "somebody", "type": "custom", "models": ["m"],
        "path": "/nowhere", "network": "telegram", "account": "1", "token": "1:x", "decision": "approve"}


@pytest.fixture(name="daemon")
def _daemon(tmp_path):
    daemon = nexflow.Daemon(tmp_path).start()
    yield daemon
    assert daemon.stop() == 0


def filled(path, user_id):
    """The path about somebody else, or about nothing."""
    path = path.replace("/users/{id}", f"/users/{user_id}")
    for name, value in {"id": NOTHING, "run": NOTHING, "n": "0"}.items():
        path = path.replace("{" + name + "}", value)
    return path.replace("{", "no-").replace("}", "")


def statuses(daemon, operations, user_id, **who):
    return {(method, path): daemon._json(method, filled(path, user_id),
                                         None if method in ("GET", "DELETE") else BODY, **who)[0]
            for method, path, _ in operations}


def signed_in(daemon, cookie):
    return {"token": None, "headers": {"Cookie": f"nexflow_session={cookie}",
                                       "Origin": f"http://127.0.0.1:{daemon.port}"}}


def needs(operation):
    return RANK[operation.get("x-role", "user")]


@pytest.mark.parametrize("role", ["user", "admin"])
def test_what_needs_a_higher_role_is_denied(daemon, role):
    owner = daemon.get("/api/v1/users/me")[1]["id"]
    _, cookie = daemon.user("Somebody", role)
    above = [o for o in OPERATIONS if needs(o[2]) > RANK[role]]
    assert len(above) > 10
    found = statuses(daemon, above, owner, **signed_in(daemon, cookie))
    assert {o: s for o, s in found.items() if s != 403} == {}
    assert daemon.get("/health")[1]["config_loads"] == 0


def test_what_needs_no_role_is_not_denied_to_a_plain_user(daemon):
    user, cookie = daemon.user("Somebody")
    theirs = [o for o in OPERATIONS if needs(o[2]) == 0 and o[2].get("security") != []
              and not o[1].endswith("/logout")]
    found = statuses(daemon, theirs, user["id"], **signed_in(daemon, cookie))
    assert {o: s for o, s in found.items() if s in (401, 403) or s >= 500} == {}


def test_who_is_not_signed_in_may_nothing_but_what_says_so(daemon):
    closed = [o for o in OPERATIONS if o[2].get("security") != []]
    found = statuses(daemon, closed, NOTHING, token=None)
    assert {o: s for o, s in found.items() if s != 401} == {}
