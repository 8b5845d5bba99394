"""The programs that load the daemon in measurements: what they say must be so, and they never wait without saying
for what."""
import socket
import subprocess
import sys

import pytest

import nexflow

sys.path.insert(0, str(nexflow.TOP / "tests/bench"))
import soak  # noqa: E402


@pytest.fixture
def model():
    with subprocess.Popen([nexflow.BIN / "instant_model"], stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().split()[1]
        process.kill()


@pytest.fixture
def daemon(tmp_path, model):
    provider = f'{{name: f, type: custom, base_url: "http://127.0.0.1:{model}/v1", models: [m]}}'
    d = nexflow.Daemon(tmp_path, provider=provider,
                       config="limits: {messages_per_minute: 1000000}\n").start()
    (tmp_path / "cookies").write_text("".join(d.user(f"user {i}")[1] + "\n" for i in range(3)), encoding="utf-8")
    yield d
    d.kill()


def command(daemon, turns, patience=nexflow.WAIT_S):
    return [nexflow.BIN / "turn_load", str(daemon.port), daemon.dir / "cookies", "3", str(turns), str(patience)]


def test_a_later_process_of_the_same_number_loads_as_well(daemon):
    """As it happens where many programs run: its messages are no doubles of the former one's."""
    first = ["unshare", "--user", "--map-root-user", "--pid", "--fork"]  # it is process 1
    if subprocess.run([*first, "true"], check=False).returncode != 0:
        pytest.skip("no name spaces of processes here")
    for _ in range(2):
        subprocess.run([*first, *command(daemon, 30)], check=True, timeout=2 * nexflow.WAIT_S)


def told_by(tmp_path, frames):
    """What it says and how it ends when that comes instead of an answer, and then nothing any more."""
    (tmp_path / "cookies").write_text("x\n", encoding="ascii")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(nexflow.WAIT_S)
        words = [nexflow.BIN / "turn_load", str(server.getsockname()[1]), tmp_path / "cookies", "1", "1"]
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as load:
            peer, _ = server.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"HTTP/1.1 101 X\r\n\r\n")
                assert b"user_message" in peer.recv(4096)
                with nexflow.frozen(load):
                    peer.sendall(frames)
                    peer.close()
            return load.stderr.read(), load.wait(nexflow.WAIT_S)


def test_that_the_daemon_hung_up_is_told(tmp_path):
    """Also to who writes into what is gone: pings want answers."""
    said, code = told_by(tmp_path, 3 * b"\x89\0")
    assert code == 1 and "turn_load: write: " in said, (code, said)
    said, code = told_by(tmp_path, b"")
    assert code == 1 and "waiting for its message to be accepted: the daemon has hung up" in said, (code, said)
    said, code = told_by(tmp_path, b"\x88\x06\x03\xf0slow")
    assert code == 1 and "the daemon closes: 1008 slow" in said, (code, said)


def test_what_it_waited_for_too_long_is_told(daemon):
    with subprocess.Popen(command(daemon, 10_000_000, patience=2), stderr=subprocess.PIPE, text=True) as load:
        daemon.wait_until(lambda: len(daemon.rows("SELECT id FROM sessions")) == 3)
        with nexflow.frozen(daemon.process):
            said = load.stderr.read()
    assert load.returncode == 1
    assert "turn_load: session " in said and " s for " in said


def test_a_soak_tells_growth_from_levels_that_come_and_go():
    """120 readings in 20 minutes of 16 MB that is now on one of two levels, now on the other."""
    levels = [b * 100000 for b in (0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1) for _ in range(10)]
    here = [(i / 360, 16e6 + level) for i, level in enumerate(levels)]
    assert soak.grows(here)[1] > 0.01 * 16e6  # so the slope alone would say
    assert not soak.grows(here)[0]
    leak = [(x, y + 1e6 * x) for x, y in here]  # a byte of each turn at 280 turns a second
    assert soak.grows(leak)[0]
    assert soak.grows([(x, 16e6 + 1e6 * x) for x, _ in here])[0]
    assert not soak.grows([(x, 16e6) for x, _ in here])[0]
