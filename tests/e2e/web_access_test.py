"""Who may come in by the web and what strangers hear, by the real daemon."""
import asyncio
import http.client
import re
import socket
import subprocess

import pytest

import nexflow


def run(coroutine):
    return asyncio.run(coroutine)


def test_without_credentials_nothing_but_health_the_page_and_sign_in_is_served(daemon):
    for path in ("/api/v1/sessions", "/api/v1/users/me", "/api/v1/models", "/metrics", "/ws"):
        status, body = daemon.get(path, token=None)
        assert status == 401 and body["error"]["code"] == "denied", path
    assert daemon.get("/api/v1/sessions", token="wrong-token-0123456789")[0] == 401
    assert daemon.get("/api/v1/auth", token=None) == (200, {"user": None})
    assert daemon.get("/api/v1/auth", token="wrong-token-0123456789")[0] == 401
    assert daemon.get("/api/v1/auth")[1]["user"] == daemon.get("/api/v1/users/me")[1]
    for path in ("/health", "/ready", "/"):
        daemon.wait_until(lambda p=path: daemon.get(p, token=None)[0] == 200)  # /ready: unless it was late


def test_what_is_wrong_is_told_to_who_manages_it_alone(tmp_path):
    daemon = nexflow.Daemon(tmp_path).start()  # without a model, so not ready
    try:
        _, user = daemon.user("Bob")
        _, admin = daemon.user("Root", "admin")
        blocked, gone = daemon.user("Gone", "admin")
        assert daemon.request("PATCH", f"/api/v1/users/{blocked['id']}", {"status": "blocked"})[0] == 200

        def told(token=None, cookie=None):
            headers = {"Cookie": f"nexflow_session={cookie}"} if cookie else {}
            status, ready = daemon.get("/ready", token=token, headers=headers)
            assert status == 503
            status, health = daemon.get("/health", token=token, headers=headers)
            assert status == 200 and {"level", "missing"} <= health.pop("sandbox").keys()
            return ready, health

        nothing = ({"ready": False}, {"status": "ok", "ready": False})
        for who in ({}, {"cookie": user}, {"cookie": gone}, {"cookie": "x" * 43}, {"token": "wrong-token-0123456789"}):
            assert told(**who) == nothing, who
        for who in ({"token": nexflow.TOKEN}, {"cookie": admin}):
            ready, health = told(**who)
            assert "no language model" in ready["reasons"][0], who
            assert health["not_ready"] == ready["reasons"] and health["database"] == "ok" and health["version"]
        for _ in range(40):  # monitoring with an old token; and guessing here is guessing
            told(token="wrong-token-0123456789")
        assert daemon.get("/api/v1/users/me")[1]["role"] == "owner"
        assert told(token=nexflow.TOKEN) == nothing
    finally:
        assert daemon.stop() == 0


def test_who_guesses_elsewhere_is_no_wiser_from_probes(tmp_path):
    daemon = nexflow.Daemon(tmp_path).start()
    try:
        assert "not_ready" in daemon.get("/health")[1]
        while daemon.get("/api/v1/users/me", token="wrong-token-0123456789")[0] != 429:
            pass
        assert daemon.get("/health")[1].keys() == {"status", "ready", "sandbox"}
    finally:
        assert daemon.stop() == 0


@pytest.mark.parametrize("headers, status", [
    ({"Host": "evil.example"}, 403),
    ({"Host": "127.0.0.1:1"}, 403),
    ({"Origin": "http://evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({}, 200),
])
def test_foreign_hosts_and_origins_are_refused(daemon, headers, status):
    assert daemon.get("/api/v1/users/me", headers=headers)[0] == status
    if status == 403:
        assert daemon.get("/health", headers=headers)[0] == 403


@pytest.mark.parametrize("url, says", [
    ("nexflow.example.org", "must begin with https:// or http://"),
    ("ftp://nexflow.example.org", "must begin with https:// or http://"),
    ("https://", "must have a host"),
    ("https://b\u00fccher.example", "must end behind the host"),
    ("https://[::1", "must have a host"),
    ("https://me@nexflow.example.org", "must end behind the host"),
    ("https://nexflow.example.org/chat", "must end behind the host"),
    ("https://nexflow.example.org/?a", "must end behind the host"),
    ("https://nexflow.example.org#x", "must end behind the host"),
    ("https://nexflow.example.org:0", "port from 1 to 65535"),
    ("https://nexflow.example.org:65536", "port from 1 to 65535"),
    ("https://nexflow.example.org:", "port from 1 to 65535"),
    ("https://" + "a" * 254, "must have a host"),
])
def test_a_wrong_public_url_is_refused_with_its_key(tmp_path, url, says):
    daemon = nexflow.Daemon(tmp_path)
    text = daemon.config.read_text(encoding="utf-8")
    daemon.config.write_text(text.replace("server: {", f'server: {{public_url: "{url}", '), encoding="utf-8")
    checked = subprocess.run([nexflow.BIN / "nexflow", "--config", daemon.config, "config", "check"],
                             capture_output=True, text=True, check=False)
    assert checked.returncode != 0
    assert "server.public_url: " in checked.stderr and says in checked.stderr, checked.stderr
    assert ":1:" in checked.stderr


@pytest.mark.parametrize("url, origin, hosts, secure", [
    ("https://Nexflow.Example.org/", "https://nexflow.example.org",
     ("nexflow.example.org", "nexflow.example.org:443", "NEXFLOW.example.org"), True),
    ("https://nexflow.example.org:443", "https://nexflow.example.org", ("nexflow.example.org",), True),
    ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443", ("[2001:db8::1]", "[2001:db8::1]:8443"), True),
    ("http://nexflow.lan:80", "http://nexflow.lan", ("nexflow.lan",), False),
])
def test_a_public_url_is_a_name_of_ours(tmp_path, url, origin, hosts, secure):
    daemon = nexflow.Daemon(tmp_path)
    text = daemon.config.read_text(encoding="utf-8")
    daemon.config.write_text(text.replace(
        "server: {", f'server: {{public_url: "{url}", hosts: [other.example], '), encoding="utf-8")
    daemon.start()
    try:
        assert daemon.get("/health", headers={"Host": "other.example", "Origin": "https://other.example"})[0] == 200
        assert daemon.get("/health", headers={"Host": "evil.example"})[0] == 403
        for host in hosts:
            _, link = daemon.post("/api/v1/users/me/links")
            assert link["url"].startswith(origin + "/#t="), link
            status, headers, _ = daemon.request(
                "POST", "/api/v1/auth/exchange", {"token": link["url"].split("#t=")[1]}, token=None,
                headers={"Host": host, "Origin": origin})
            assert status == 204, host
            assert headers["Set-Cookie"].startswith("__Host-" if secure else "nexflow_session=")
            assert ("Secure" in headers["Set-Cookie"]) == secure
            assert daemon.get("/health", headers={"Host": host, "Origin": "https://other.example"})[0] == 403
    finally:
        assert daemon.stop() == 0


def test_a_link_works_once_and_its_cookie_until_it_is_revoked(daemon):
    _, link = daemon.post("/api/v1/users/me/links")
    token = link["url"].split("#t=")[1]
    status, headers, _ = daemon.request("POST", "/api/v1/auth/exchange", {"token": token},
                                        token=None)
    cookie = headers["Set-Cookie"]
    assert status == 204 and "HttpOnly" in cookie and "SameSite=Strict" in cookie
    again = daemon.request("POST", "/api/v1/auth/exchange", {"token": token}, token=None)
    assert again[0] == 401

    signed_in = {"Cookie": cookie.split(";")[0], "Origin": f"http://127.0.0.1:{daemon.port}"}
    assert daemon.get("/api/v1/users/me", token=None, headers=signed_in)[1]["role"] == "owner"
    no_origin = {"Cookie": signed_in["Cookie"]}
    assert daemon.post("/api/v1/sessions", {}, token=None, headers=no_origin)[0] == 401
    assert daemon.post("/api/v1/auth/logout", token=None, headers=signed_in)[0] == 204
    assert daemon.get("/api/v1/users/me", token=None, headers=signed_in)[0] == 401


def test_guessing_is_slowed_down(daemon):
    def guess():
        return daemon.request("GET", "/api/v1/users/me", token="guess-0123456789abcdef")
    assert [guess()[0] for _ in range(30)] == [401] * 30
    # One comes back every two seconds, also meanwhile.
    refused = next(a for a in iter(guess, None) if a[0] != 401)
    assert refused[0] == 429 and int(refused[1]["Retry-After"]) >= 1


def test_only_a_proxy_of_ours_says_who_guesses(daemon):
    for i in range(40):
        status, _ = daemon.get("/api/v1/users/me", token="guess-0123456789abcdef",
                               headers={"X-Forwarded-For": f"10.0.0.{i}"})
    assert status == 429


def test_a_user_may_not_manage_users_and_a_blocked_one_may_nothing(daemon):
    user, cookie = daemon.user("Bob")
    headers = {"Cookie": f"nexflow_session={cookie}", "Origin": f"http://127.0.0.1:{daemon.port}"}
    assert daemon.get("/api/v1/users", token=None, headers=headers)[0] == 403
    assert daemon.get("/metrics", token=None, headers=headers)[0] == 403
    assert daemon.get("/api/v1/sessions", token=None, headers=headers)[0] == 200

    async def blocked():
        async with daemon.connect(cookie) as socket:
            status, headers_, body = daemon.request(
                "PATCH", f"/api/v1/users/{user['id']}", {"status": "blocked"})
            assert status == 200, body
            await asyncio.wait_for(socket.ws.wait_closed(), nexflow.WAIT_S)
            return socket.ws.close_code
    assert run(blocked()) == 1008
    assert daemon.get("/api/v1/sessions", token=None, headers=headers)[0] in (401, 403)


def test_the_last_owner_cannot_be_demoted_or_blocked(daemon):
    _, me = daemon.get("/api/v1/users/me")
    for change in ({"role": "user"}, {"status": "blocked"}):
        status, _, body = daemon.request("PATCH", f"/api/v1/users/{me['id']}", change)
        assert status in (403, 409), body
    assert daemon.get("/api/v1/users/me")[1]["role"] == "owner"


def test_every_answer_has_the_headers_that_keep_browsers_apart(daemon):
    page = daemon.request("GET", "/", token=None)[2]
    chunk = re.search(r'"(/[^"]+\.js)"', page)[1]
    answers = {path: daemon.request("GET", path, token=token) for path, token in (
        ("/", None), (chunk, None), ("/health", None), ("/nothing/here", None), ("/api/v1/users/me", nexflow.TOKEN),
        ("/api/v1/sessions", None), ("/api/v1/sessions/none", nexflow.TOKEN))}
    answers["evil"] = daemon.request("GET", "/", headers={"Host": "evil.example"}, token=None)
    host = f"127.0.0.1:{daemon.port}"
    for name, text in (("twice", f"GET / HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n"), ("no request", "x\r\n\r\n"),
                       ("delete", f"DELETE / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")):
        with socket.create_connection(("127.0.0.1", daemon.port), nexflow.WAIT_S) as raw:
            raw.sendall(text.encode())
            answer = http.client.HTTPResponse(raw)
            answer.begin()
            answers[name] = answer.status, answer.headers, answer.read()
    assert [a[0] for a in answers.values()] == [200, 200, 200, 404, 200, 401, 404, 403, 400, 400, 401]
    for path, (_, headers, _) in answers.items():
        for name, value in (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
                            ("Cross-Origin-Opener-Policy", "same-origin"), ("X-Frame-Options", "DENY"),
                            ("Cross-Origin-Resource-Policy", "same-origin")):
            assert headers.get_all(name) == [value], (path, name)
        assert not any(name.lower().startswith("access-control-") for name in headers), path
    for path in set(answers) - {"/", chunk}:
        assert answers[path][1].get_all("Cache-Control") == ["no-store"], path
    assert answers["/"][1]["Cache-Control"] == "no-cache"
    for path in ("/", chunk):
        policy = answers[path][1]["Content-Security-Policy"]
        for rule in ("default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'",
                     "base-uri 'none'", "form-action 'self'"):
            assert rule in policy, (path, rule)
        assert "camera=()" in answers[path][1]["Permissions-Policy"]


def test_the_page_comes_with_a_strict_policy(daemon):
    status, headers, text = daemon.request("GET", "/", token=None)
    assert status == 200 and "<!doctype html>" in text.lower()
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    etag = headers["ETag"]
    assert daemon.request("GET", "/", headers={"If-None-Match": etag}, token=None)[0] == 304
