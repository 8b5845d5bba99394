"""Fixtures: a daemon of one's own, and a provider of language models that does what it is told."""
import http.client
import json
import subprocess
import sys

import pytest

import nexflow
import terminal


class Provider:
    """tests/fakes/provider.py, whose README lists the scripts."""

    def __init__(self, key=None):
        arguments = [sys.executable, nexflow.TOP / "tests/fakes/provider.py", "--port", "0"]
        if key:
            arguments += ["--key", key]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def yaml(self, kind="custom", name="fake", models="[m]", key=None, base=None):
        url = f"http://127.0.0.1:{self.port}" + ("/v1" if kind in ("custom", "openai") else "")
        secret = f', api_key: "{key}"' if key else ""
        return (f'{{name: {name}, type: {kind}, base_url: "{base or url}", models: {models}'
                f"{secret}}}")

    def url(self, path=""):
        return f"http://127.0.0.1:{self.port}{path}"

    def offer(self, *models):
        """What it lists as its models."""
        self._call("POST", "/_script", {"model": "*", "models": list(models), "script": {}})

    def model_does(self, model, **script):
        """What one model does from now on."""
        self._call("POST", "/_script", {"model": model, "script": script})

    def model_does_in_turn(self, model, *scripts):
        """What one model does in turn; the last one for ever."""
        self._call("POST", "/_script", {"model": model, "scripts": list(scripts)})

    def _call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=nexflow.WAIT_S)
        connection.request(method, path, json.dumps(body) if body is not None else None)
        answer = connection.getresponse().read()
        connection.close()
        return json.loads(answer)

    def script(self, **script):
        """What every model does from now on."""
        self._call("POST", "/_script", {"model": "*", "script": script})

    def scripts(self, *scripts):
        """What is done in turn; the last one for ever."""
        self._call("POST", "/_script", {"model": "*", "scripts": list(scripts)})

    def release(self):
        """Let go on what hangs now."""
        self._call("POST", "/_release", {})

    def log(self):
        """The requests it got, as decoded bodies."""
        answer = self._call("GET", "/_log")
        return answer["requests"] if isinstance(answer, dict) else answer

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def provider():
    fake = Provider()
    yield fake
    fake.stop()


@pytest.fixture
def daemon(tmp_path, provider):
    """A daemon with one model, "fake/m"."""
    d = nexflow.Daemon(tmp_path, provider=provider.yaml()).start()
    yield d
    assert d.stop() == 0, d.log()[-2000:]


@pytest.fixture
def served(daemon, tmp_path):
    """A daemon with the model "fake/m", and how to run `nexflow` with its configuration."""
    p = terminal.Place(tmp_path)

    def run(*arguments, **more):
        return p.run("--config", daemon.config, *arguments, **more)
    run.daemon = daemon
    run.place = p
    return run


@pytest.fixture
def locked():
    """A provider that wants the key "sk-right"."""
    fake = Provider(key="sk-right")
    fake.offer("small", "big", "text-embed")
    yield fake
    fake.stop()
