"""A stand-in of the daemon behind its Unix socket, for commands that ask one."""
import http.server
import json
import socketserver
import threading

import pytest


class FakeDaemon(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers on a Unix socket what a test put into `answers`, and keeps what it was asked."""
    daemon_threads = True

    def __init__(self, path):
        self.answers, self.asked = {}, []
        super().__init__(str(path), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def will(self, method, path, status=200, body=None):
        self.answers[method, path] = (status, body)

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass

    def answer(self):
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, json.loads(text) if text else None))
        missing = (404, {"error": {"code": "not-found", "message": f"there is no {self.path}"}})
        status, body = self.server.answers.get((self.command, self.path), missing)
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = answer


@pytest.fixture(name="fake")
def own_fake(tmp_path):
    """Where `nexflow`, run in tmp_path, looks for its daemon."""
    (tmp_path / "var").mkdir(mode=0o700)
    f = FakeDaemon(tmp_path / "var/nexflow.sock")
    yield f
    f.stop()


SKILL = {"name": "notes", "version": "1.0.0", "description": "Keeps notes.", "status": "enabled",
         "hash": "ab" * 32, "granted": True, "kind": "plugin", "mode": "oneshot", "min_level": "",
         "may": ["keeps up to 1024 KiB for each person"],
         "tools": [{"name": "save", "call": "notes_save", "description": "Save a note.",
                    "arguments": {"type": "object"}, "idempotent": False, "approval": "ask",
                    "timeout_ms": 5000}]}
