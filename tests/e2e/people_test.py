"""People of chat networks over REST: who asks to be let in, whose accounts are whose."""
import time

import pytest

import nexflow

HOUR_MS = 3600 * 1000


@pytest.fixture(name="daemon")
def _daemon(tmp_path):
    daemon = nexflow.Daemon(tmp_path).start()
    yield daemon
    assert daemon.stop() == 0


def asks(daemon, account="4711", code="ABCD2345", age_ms=0, name="Anna"):
    """As if an account had written to a bot."""
    now = int(time.time() * 1000) - age_ms
    daemon.write(f"INSERT INTO pairings VALUES('telegram','{account}',{now},'{code}','{name}','telegram',"
                 f"'77','u1',1,1,{now},{now + HOUR_MS})")


def pairings(daemon):
    status, page = daemon.get("/api/v1/pairings")
    assert status == 200, page
    return page["pairings"]


def identities(daemon, user="me", **more):
    status, body = daemon.get(f"/api/v1/users/{user}/identities", **more)
    assert status == 200, body
    return [(i["network"], i["account"]) for i in body["identities"]]


def as_user(cookie):
    return {"token": None, "headers": {"Cookie": f"nexflow_session={cookie}"}}


def changes(daemon, cookie):
    """A request of a browser that changes something needs its origin."""
    more = as_user(cookie)
    more["headers"]["Origin"] = f"http://127.0.0.1:{daemon.port}"
    return more


def test_who_asks_is_let_in_as_a_new_user(daemon):
    asks(daemon)
    [p] = pairings(daemon)
    assert (p["code"], p["account"], p["name"], p["status"]) == ("ABCD-2345", "4711", "Anna", "open")
    status, user = daemon.post("/api/v1/pairings/abcd-2345", {"decision": "approve"})
    assert status == 200 and user["name"] == "Anna" and user["role"] == "user"
    assert pairings(daemon) == []
    assert ("telegram", "4711") in identities(daemon, user["id"])
    assert daemon.post("/api/v1/pairings/abcd-2345", {"decision": "approve"})[0] == 404


def test_who_asks_can_be_somebody_known(daemon):
    asks(daemon)
    status, user = daemon.post("/api/v1/pairings/ABCD2345", {"decision": "approve", "user": "me"})
    assert status == 200 and user["role"] == "owner"
    assert ("telegram", "4711") in identities(daemon)


def test_a_request_ends_after_an_hour(daemon):
    asks(daemon, age_ms=HOUR_MS)
    assert pairings(daemon) == []
    status, body = daemon.post("/api/v1/pairings/ABCD2345", {"decision": "approve"})
    assert status == 404 and "hour" in body["error"]["message"]


def test_a_denied_account_stays_out_until_it_is_let_in(daemon):
    asks(daemon)
    assert daemon.post("/api/v1/pairings/ABCD2345", {"decision": "deny"})[0] == 204
    [p] = pairings(daemon)
    assert p["status"] == "denied"
    assert daemon.post("/api/v1/pairings/ABCD2345", {"decision": "approve"})[0] == 200


@pytest.mark.parametrize("body, says", [
    ({}, "decision"), ({"decision": "maybe"}, "decision"),
    ({"decision": "deny", "name": "X"}, "deny"),
    ({"decision": "approve", "user": "nobody"}, "user"),
    ({"decision": "approve", "user": "me", "name": "X"}, "name"),
    ({"decision": "approve", "role": "god"}, "role"),
    ({"decision": "approve", "name": "x" * 65}, "name"),
    ({"decision": "approve", "name": "a\u0007b"}, "name")])
def test_wrong_decisions_are_refused_and_change_nothing(daemon, body, says):
    asks(daemon)
    status, answer = daemon.post("/api/v1/pairings/ABCD2345", body)
    assert status in (400, 413) and says in answer["error"]["message"]
    assert len(pairings(daemon)) == 1


def test_plain_users_let_nobody_in_and_see_their_own_accounts_only(daemon):
    asks(daemon)
    user, cookie = daemon.user("Bob")
    assert daemon.get("/api/v1/pairings", **as_user(cookie))[0] == 403
    assert daemon.post("/api/v1/pairings/ABCD2345", {"decision": "approve"},
                       **changes(daemon, cookie))[0] == 403
    owner = daemon.get("/api/v1/users/me")[1]["id"]
    assert daemon.get(f"/api/v1/users/{owner}/identities", **as_user(cookie))[0] == 403
    assert daemon.post(f"/api/v1/users/{owner}/invites", {}, **changes(daemon, cookie))[0] == 403
    assert identities(daemon, "me", **as_user(cookie)) == [("local", user["id"])]
    status, invite = daemon.post("/api/v1/users/me/invites", {}, **changes(daemon, cookie))
    assert status == 201 and invite["ways"] == []


def test_accounts_are_linked_moved_and_unlinked(daemon):
    anna, _ = daemon.user("Anna")
    account = {"network": "discord", "account": "9"}
    assert daemon.post("/api/v1/users/me/identities", account)[0] == 200
    assert daemon.post(f"/api/v1/users/{anna['id']}/identities", account)[0] == 200
    assert ("discord", "9") in identities(daemon, anna["id"])
    assert ("discord", "9") not in identities(daemon)
    path = f"/api/v1/users/{anna['id']}/identities/discord/9"
    assert daemon.request("DELETE", path)[0] == 200
    assert daemon.request("DELETE", path)[0] == 404
    assert daemon.request("DELETE", "/api/v1/users/me/identities/local/owner")[0] == 403
    for wrong in ({"network": "No", "account": "1"}, {"network": "x", "account": "a b"},
                  {"network": "x" * 17, "account": "1"}, {"network": "x"}):
        assert daemon.post("/api/v1/users/me/identities", wrong)[0] in (400, 413)


def test_an_invitation_is_kept_as_its_hash(daemon):
    status, invite = daemon.post("/api/v1/users/me/invites")
    assert status == 201
    code = invite["code"].replace("-", "")
    assert len(code) == 16
    assert daemon.stop() == 0
    kept = b"".join(p.read_bytes() for p in (daemon.dir / "data").iterdir() if p.is_file())
    assert code.encode() not in kept
    daemon.start()
