"""`ready` on servers that restart, die, follow another one, or refuse a password."""

import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import pgbraid
from devtools.checkout import Skip
from devtools.cluster import Cluster
from pgbraid.migrate import wait
from tests.fixtures.programs import Program
from tests.fixtures.waits import load, waiting

A = {"1_a.sql": "CREATE TABLE a ()"}
B = {"2_b.sql": "CREATE TABLE b ()"}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Read more often than each second."""
    monkeypatch.setattr(wait, "_PAUSE", 0.05)
    monkeypatch.setattr(wait, "_SECOND_LOOK", 0.01)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_wait_survives_server_that_restarts(cluster, end):
    url = cluster.database.conninfo
    with waiting(A, url) as reasons:
        reasons.until("not applied")
        getattr(cluster, end)()
        reasons.until("cannot connect to")
        cluster.start()
        load(A).up(url)
    assert reasons.result.ready


def test_wait_begins_before_server_does(cluster):
    url = cluster.database.conninfo
    load(A).up(url)
    cluster.stop()
    with waiting(A, url) as reasons:
        reasons.until("cannot connect to")
        cluster.start()
    assert (reasons.result.ready, reasons.result.asked) == (True, 1)


def test_server_without_free_connection_is_waited_for(cluster):
    url = cluster.database.conninfo
    load(A).up(url)
    cluster.database.run("CREATE ROLE app LOGIN CONNECTION LIMIT 1")
    cluster.database.run("GRANT SELECT ON applied_migrations TO app")
    limited = make_conninfo(url, user="app")
    with psycopg.connect(limited), waiting(A, limited) as reasons:
        reasons.until("too many connections")
        cluster.database.run("ALTER ROLE app CONNECTION LIMIT 2")
    assert reasons.result.ready


def refuse(cluster, *, line):
    """Put a line at the start of pg_hba.conf."""
    path = Path(cluster.data, "pg_hba.conf")
    path.write_text(f"{line}\n{path.read_text()}")
    cluster.database.run("SELECT pg_reload_conf()")


def test_refused_user_ends_wait_at_once(cluster, clean_env, tmp_path, folder):
    database = cluster.database
    for role, line in (
        ("secret", "local all secret scram-sha-256"),
        ("outside", "local all outside reject"),
    ):
        database.run(
            f"SET password_encryption = 'scram-sha-256'; CREATE ROLE {role} LOGIN PASSWORD 'right'"
        )
        refuse(cluster, line=line)
    database.run("CREATE ROLE nobody_else NOLOGIN")
    folder.write(_1_a="CREATE TABLE a ()")
    program = Program(tmp_path, {**clean_env, "PGPASSWORD": "wrong"})
    for role, message in (
        ("secret", "password authentication failed"),
        ("outside", "pg_hba.conf rejects"),
        ("nobody_else", "is not permitted to log in"),
    ):
        url = make_conninfo(database.conninfo, user=role)
        answer = program("wait", "--database", url, code=4)
        assert message in answer.err
        assert "waiting" not in answer.err
    right = make_conninfo(database.conninfo, user="secret")
    answer = program(
        "wait", "--timeout=0", "--database", right, env={"PGPASSWORD": "right"}, code=1
    )
    assert answer.out.startswith("not ready: 1 migration is not applied")


def test_standby_is_ready_once_it_has_received_migrations(cluster):
    folder = cluster.folder.parent / "standby"
    standby = Cluster(cluster.programs, folder, {"fsync": "off"})
    try:
        standby.fill_from(cluster).start()
    except Skip as reason:
        standby.remove()
        pytest.skip(str(reason))
    try:
        with waiting(A | B, standby.database.conninfo) as reasons:
            reasons.until("not applied")
            load(A | B).up(cluster.database.conninfo)
        assert reasons.result.ready
        assert load(A | B).check(standby.database.conninfo, newer_ok=True).ok
    finally:
        standby.remove()


def test_server_that_does_not_answer_ends_wait_all_the_same(cluster, monkeypatch):
    """The processes of the server are halted: the connection stays, and no answer comes."""
    monkeypatch.setattr(wait, "_ANSWER_TIME", 0.5)
    url = cluster.database.conninfo
    with waiting(A, url, timeout=1) as reasons:
        reasons.until("not applied")
        backends = [
            str(pid) for (pid,) in cluster.database.rows("SELECT pid FROM pg_stat_activity")
        ]
        halted = [str(cluster.process.pid), *backends]
        subprocess.run(["kill", "-STOP", *halted], check=False)
        try:
            reasons.ended.wait(60)
        finally:
            subprocess.run(["kill", "-CONT", *halted], check=False)
    assert isinstance(reasons.result, pgbraid.NotReady)
