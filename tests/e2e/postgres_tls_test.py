"""TLS to PostgreSQL: with a server whose certificate a test's own authority has signed."""
import os
import shutil

import pytest

import certificates
import nexflow
import postgres

NAME = "db.nexflow.test"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return certificates.Authority(tmp_path_factory.mktemp("ca"))


def serve(authority, tmp_path, name, hba):
    """A server that shows a certificate for `name`."""
    server = postgres.Postgres(settings={"ssl": "on"})
    _, owner = postgres.unprivileged()
    for source, file in zip(authority.issue(name), ("server.crt", "server.key")):
        shutil.copy(source, server.data / file)
        os.chown(server.data / file, *owner)
        os.chmod(server.data / file, 0o600)
    (server.data / "pg_hba.conf").write_text(f"local all all trust\n{hba} all all 127.0.0.1/32 trust\n",
                                             encoding="ascii")
    return server.start()


@pytest.fixture(scope="module")
def server(authority, tmp_path_factory):
    """It takes nobody without TLS."""
    one = serve(authority, tmp_path_factory.mktemp("tls"), NAME, "hostssl")
    yield one
    one.stop()


@pytest.fixture(scope="module")
def plain():
    """A server without TLS."""
    one = postgres.Postgres().start()
    yield one
    one.stop()


def url(server, authority, name=NAME, mode="verify-full", ca=None):
    """As one that is elsewhere: the name is looked up by nobody, since the address is given."""
    return (f"postgresql://nexflow@{name}:{server.port}/postgres?hostaddr=127.0.0.1&sslmode={mode}"
            f"&sslrootcert={ca or authority.file}")


def refused(tmp_path, provider, where):
    """What a daemon says that cannot begin with that database."""
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml(), database=where).start(wait=False)
    assert daemon.process.wait(nexflow.WAIT_S) == 1
    return daemon.log()


def test_messages_go_over_tls_to_a_server_that_is_who_it_says(tmp_path, provider, server, authority):
    daemon = nexflow.Daemon(tmp_path, provider=provider.yaml(), database=url(server, authority)).start()
    _, accepted = daemon.post("/api/v1/messages", {"content": "hello", "message_id": "m1"})
    daemon.wait_until(lambda: len(daemon.messages(accepted["session_id"])) == 2)
    seen = server.sql("SELECT count(*),count(*) FILTER (WHERE ssl AND version LIKE 'TLSv1.%') FROM pg_stat_ssl "
                      "JOIN pg_stat_activity USING(pid) WHERE application_name='nexflow'")
    connections, with_tls = map(int, seen.split("|"))
    assert connections >= 2 and connections == with_tls
    assert daemon.stop() == 0


def test_a_server_with_another_name_is_refused(tmp_path, provider, server, authority):
    said = refused(tmp_path, provider, url(server, authority, name="other.nexflow.test"))
    assert "other.nexflow.test" in said and "does not match host name" in said


def test_a_certificate_of_another_authority_is_refused(tmp_path, provider, server, authority):
    other = certificates.Authority(tmp_path, "other")
    said = refused(tmp_path / "d", provider, url(server, authority, ca=other.file))
    assert "certificate verify failed" in said


def test_no_tls_is_refused_by_a_server_that_wants_it(tmp_path, provider, server, authority):
    said = refused(tmp_path, provider, url(server, authority, mode="disable"))
    assert "no encryption" in said


@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_a_server_without_tls_is_refused_if_tls_is_wanted(tmp_path, provider, plain, authority, mode):
    said = refused(tmp_path, provider, url(plain, authority, mode=mode))
    assert "server does not support SSL" in said
