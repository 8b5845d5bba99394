"""The program that loads the daemon in measurements: it must never wait without saying for what."""
import socket
import subprocess

import pytest

import nexflow


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
