"""A Redis of one's own: Debian's server, a private directory, a free port."""
import pathlib
import shutil
import signal
import socketserver
import subprocess
import tempfile
import threading
import time

import ports


class Redis:
    def __init__(self, *options):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="nf-redis-"))
        self.port = ports.free_port()
        self.options = options
        self.process = None

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.dir,
             "--save", "", "--appendonly", "no", *self.options], stdout=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while self.ask("PING") != "PONG":
            assert time.monotonic() < end and self.process.poll() is None, "Redis does not start"
            time.sleep(0.02)
        return self

    def ask(self, *words):
        done = subprocess.run(["redis-cli", "-p", str(self.port), *words], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return done.stdout.strip()

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(60)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def stop(self):
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


class _Liar(socketserver.StreamRequestHandler):
    def word(self):
        n = int(self.rfile.readline()[1:])
        return self.rfile.read(n + 2)[:n]

    def handle(self):
        try:
            while line := self.rfile.readline():
                words = [self.word() for _ in range(int(line[1:]))]
                self.wfile.write(self.answer(words))
        except OSError:
            pass  # it was left

    def answer(self, words):
        name = words[0].upper()
        if name == b"SUBSCRIBE":
            return b"*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:1\r\n" % (len(words[1]), words[1])
        if name in (b"EVAL", b"EVALSHA"):
            self.server.scripts += 1
            return self.server.says
        return {b"PING": b"+PONG\r\n", b"GET": b"$-1\r\n", b"PUBLISH": b":0\r\n"}.get(name, b"+OK\r\n")


class Liar(socketserver.ThreadingTCPServer):
    """Speaks the protocol ("Redis serialization protocol specification"), and says `says` to scripts."""
    daemon_threads = True

    def __init__(self, says):
        super().__init__(("127.0.0.1", 0), _Liar)
        self.says, self.scripts = says, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.server_address[1]}/0"

    def stop(self):
        self.shutdown()
        self.server_close()
