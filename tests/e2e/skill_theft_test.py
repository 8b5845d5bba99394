"""A skill that tries to get at what is not its own through the broker, end to end: another person's keys, files outside
its workspace, services in private networks."""
import http.server
import json
import os
import pathlib
import shutil
import threading

import pytest

import nexflow

THIEF = pathlib.Path(os.environ.get("NF_ATTACK_FILES", nexflow.BIN.parent / "tests/attack")) / "thief.so"
OK, INVALID, NOT_FOUND, DENIED = 0, 1, 2, 3


class Service(http.server.ThreadingHTTPServer):
    """Something private: /open/ is granted to the skill, the rest is not."""

    def __init__(self):
        self.asked = []
        super().__init__(("127.0.0.1", 0), Page)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Page(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path.startswith("/open/to?"):
            self.send_response(302)
            self.send_header("Location", self.path.split("?", 1)[1])
        else:
            self.send_response(200)
        body = b"open" if self.path.startswith("/open/") else b"the secret of the service"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def install(daemon, directory, http):
    directory.mkdir()
    shutil.copy(THIEF, directory)
    string = {"type": "string"}
    (directory / "skill.json").write_text(json.dumps({
        "name": "thief", "version": "1.0.0", "description": "Asks for everything.", "entry": "thief.so",
        "tools": [{"name": "ask", "description": "Ask.", "approval": "never", "timeout_ms": 10000,
                   "parameters": {"type": "object", "properties": {"what": string, "name": string, "value": string}}}],
        "capabilities": {"kv": True, "files": "workspace", "http": http}}), encoding="utf-8")
    status, skill = daemon.post("/api/v1/skills", {"path": str(directory)})
    assert status == 201, skill
    status, skill = daemon.post("/api/v1/skills/thief/enable", {"hash": skill["hash"]})
    assert status == 200, skill


@pytest.fixture(scope="module")
def service():
    s = Service()
    yield s
    s.shutdown()
    s.server_close()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, service):
    tmp_path = tmp_path_factory.mktemp("theft")
    port = service.server_address[1]
    d = nexflow.Daemon(tmp_path, config="skills: {bundled: [none], allow_private: ['127.0.0.1'], min_level: L0.5}\n")
    d.start()
    install(d, tmp_path / "thief", [f"http://127.0.0.1:{port}/open/", "http://localhost/",
                                    "http://169.254.169.254/", "http://0.0.0.0/"])
    yield d
    assert d.stop() == 0, d.log()[-2000:]


@pytest.fixture(scope="module")
def eve(daemon):
    """Another person: how they ask."""
    _, cookie = daemon.user("Eve")
    return {"token": None, "headers": {"Cookie": f"nexflow_session={cookie}",
                                       "Origin": f"http://127.0.0.1:{daemon.port}"}}


def ask(daemon, what, name, value=None, **who):
    """(code, text) of what the broker said"""
    arguments = {"what": what, "name": name, **({"value": value} if value is not None else {})}
    status, got = daemon.post("/api/v1/skills/thief/tools/ask/run", arguments, **who)
    assert status == 200, got
    answer = json.loads(got["result"])
    return answer["code"], answer["text"]


def test_one_persons_keys_are_not_anothers(daemon, eve):
    assert ask(daemon, "kv_put", "diary", "of the owner")[0] == OK
    assert ask(daemon, "kv_get", "diary") == (OK, "of the owner")

    assert ask(daemon, "kv_get", "diary", **eve)[0] == NOT_FOUND
    assert ask(daemon, "kv_list", "", **eve) == (OK, "[]")
    assert ask(daemon, "kv_put", "diary", "of Eve", **eve)[0] == OK
    assert ask(daemon, "kv_get", "diary") == (OK, "of the owner")


@pytest.mark.parametrize("key", ["../1/diary", "thief/1/diary", "diary%", "di ary", "", "a" * 129, "%", "_", "*"])
def test_no_key_leads_to_another_store(daemon, eve, key):
    assert ask(daemon, "kv_put", "diary", "of the owner")[0] == OK
    code, text = ask(daemon, "kv_get", key, **eve)
    assert code in (INVALID, NOT_FOUND, 4) and "of the owner" not in text


OUTSIDE = ["..", "../secret", "a/../../secret", "./secret", "/etc/passwd", "//etc/passwd", "/proc/self/environ",
           "a//b", "a/", "a/.", ".", "a/./b", "a" * 201, "a/" * 17 + "b", "a" * 1025, "\x01", "a\nb", "..\u200b/../x",
           "\u002e\u002e/secret", "~/x", "a\\..\\..\\secret"]


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_path_leads_out_of_the_workspace(daemon, path):
    (daemon.dir / "data").joinpath("secret").write_text("not its own", encoding="utf-8")
    code, text = ask(daemon, "file_read", path)
    assert code != OK and "not its own" not in text and "root:" not in text
    before = sorted(str(p) for p in daemon.dir.rglob("*") if "workspaces" not in str(p))
    ask(daemon, "file_write", path, "planted")
    ask(daemon, "file_remove", path)
    after = sorted(str(p) for p in daemon.dir.rglob("*") if "workspaces" not in str(p))
    planted = [p for p in set(after) - set(before) if not p.endswith(("-wal", "-shm", ".log"))]
    assert not [p for p in planted if "secret" in p or "passwd" in p], planted
    assert (daemon.dir / "data/secret").read_text(encoding="utf-8") == "not its own"


def workspace(daemon):
    """Where the files of a call by hand are."""
    assert ask(daemon, "file_write", "here", "x")[0] == OK
    found = [p for p in daemon.dir.rglob("here") if p.is_file()]
    assert len(found) == 1
    return found[0].parent


def test_what_somebody_planted_in_the_workspace_is_not_followed(daemon):
    secret = daemon.dir / "secret"
    secret.write_text("not its own", encoding="utf-8")
    place = workspace(daemon)
    (place / "pointer").symlink_to(secret)
    (place / "up").symlink_to(daemon.dir)
    (place / "magic").symlink_to("/proc/self/root")
    (place / "environ").symlink_to("/proc/self/environ")
    os.mkfifo(place / "fifo")
    for path in ("pointer", "up/secret", "magic/etc/passwd", "environ", "fifo"):
        code, text = ask(daemon, "file_read", path)
        assert code != OK and "not its own" not in text and "root:" not in text, path
        assert ask(daemon, "file_write", "up/planted", "x")[0] != OK
    ask(daemon, "file_write", "pointer", "overwritten")
    ask(daemon, "file_remove", "pointer")
    assert secret.read_text(encoding="utf-8") == "not its own"
    assert not (daemon.dir / "planted").exists()


def test_only_what_is_granted_is_fetched(daemon, service):
    port = service.server_address[1]
    assert ask(daemon, "fetch", f"http://127.0.0.1:{port}/open/x") == (OK, "open")
    service.asked.clear()
    here = f"127.0.0.1:{port}"
    for url in (f"http://{here}/secret", f"http://{here}/open/../secret", f"http://{here}/open/%2e%2e/secret",
                f"http://{here}/open", f"http://{here}/openly/x",
                f"http://{here}/open/..%2fsecret", f"http://{here}/open\\..\\secret",
                f"http://user:pass@{here}/open/x", f"http://{here}@example.org/open/x",
                f"http://example.org#@{here}/open/x", f"http://127.0.0.1:{port + 1}/open/x",
                f"http://0x7f000001:{port}/open/x", f"http://2130706433:{port}/open/x",
                f"http://127.1:{port}/open/x", f"http://0177.0.0.1:{port}/open/x", f"http://[::ffff:127.0.0.1]:{port}/open/x",
                f"http://localhost:{port}/open/x", f"https://{here}/open/x", f"ftp://{here}/open/x",
                "file:///etc/passwd", "gopher://127.0.0.1/x", f"http://{here}/open/x\r\nHost: evil",
                f"HTTP://{here}/secret", f" http://{here}/open/x", f"http://{here}\t/open/x", "", "http://"):
        code, text = ask(daemon, "fetch", url)
        assert code != OK and "secret of the service" not in text, url
    assert all(path.startswith("/open/") and ".." not in path for path in service.asked), service.asked


def test_the_manifest_alone_opens_no_private_network(daemon, service):
    for url in ("http://localhost/", "http://169.254.169.254/latest/meta-data/", "http://0.0.0.0/"):
        code, text = ask(daemon, "fetch", url)
        assert code == DENIED, (url, code, text)


def test_a_redirect_leads_nowhere_else(daemon, service):
    port = service.server_address[1]
    here = f"http://127.0.0.1:{port}"
    assert ask(daemon, "fetch", f"{here}/open/to?/open/x") == (OK, "open")
    service.asked.clear()
    for target in ("/secret", "../secret", f"{here}/secret", f"//127.0.0.1:{port}/secret", "file:///etc/passwd",
                   f"http://localhost:{port}/open/x", f"http://127.0.0.1:{port}/open/%2e%2e/secret",
                   "http://169.254.169.254/"):
        code, text = ask(daemon, "fetch", f"{here}/open/to?{target}")
        assert code != OK and "secret of the service" not in text, target
    assert all(path.startswith("/open/to?") for path in service.asked), service.asked


@pytest.mark.parametrize("header", ["Host: evil", "Cookie: a=b\r\nX: y", "Content-Length: 5", "Transfer-Encoding: chunked",
                                    "X-Key: ${secret:API_KEY}", "X: a\nb", "no colon", ": empty"])
def test_no_header_makes_another_request(daemon, service, header):
    port = service.server_address[1]
    service.asked.clear()
    code, _ = ask(daemon, "fetch", f"http://127.0.0.1:{port}/open/x", header)
    assert code in (OK, INVALID, DENIED)
    assert service.asked in ([], ["/open/x"])


def test_files_that_were_exchanged_after_the_grant_do_not_run(daemon):
    assert ask(daemon, "kv_put", "a", "b")[0] == OK
    kept = [p for p in (daemon.dir / "data").rglob("thief.so")]
    assert len(kept) == 1
    other = THIEF.parent / "variant_good.so"
    os.chmod(kept[0].parent, 0o755)
    os.replace(shutil.copy(other, kept[0].parent / "new.so"), kept[0])
    status, got = daemon.post("/api/v1/skills/thief/tools/ask/run", {"what": "kv_get", "name": "a"})
    assert status >= 400, got
    _, skill = daemon.get("/api/v1/skills/thief")
    assert skill.get("problem"), skill
