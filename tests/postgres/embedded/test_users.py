"""The user of the server: a user without a name; the servers that a connection may reach."""

import os
import pwd
import shutil
import subprocess
import sys

import psycopg
import pytest

from pgbraid.postgres.server.os_user import ServerUser
from pgbraid.postgres.server.process import conninfo_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the scenes read /proc")
NUMBER = 1000670


@pytest.fixture
def nameless(scene):
    """A scene of a user without a name, as in a container that runs as a user number."""
    if os.geteuid() or not scene.runner[0]:
        pytest.skip("only root can become another user, and root has a name")
    assert NUMBER not in {entry.pw_uid for entry in pwd.getpwall()}
    scene.runner = scene.owner = (NUMBER, 0)
    for path in (scene.path, *scene.canary.rglob("*"), scene.path / "cache"):
        scene.give(path, scene.runner)
    scene.cache = scene.path / "cache"
    return scene


def keep_for_all(scene, stage):
    """Add a template that root made for all users, as in an image."""
    shared = scene.path / "shared"
    shared.rmdir()
    shutil.copytree(stage.cache, shared)
    for path in (scene.path, shared, *shared.rglob("*")):
        scene.give(path, (0, 0))
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_user_without_name_gets_hint(nameless):
    answer = nameless.run(lasting=False)
    assert "initdb fails for a user that has no name on this machine" in answer
    assert "could not look up effective user ID" in answer
    for help_ in ("/etc/passwd", "nss_wrapper", "pgbraid demo", "`conninfo`", "`scratch_url`"):
        assert help_ in answer


@pytest.mark.parametrize("lasting", [True, False])
def test_user_without_name_uses_template_that_root_keeps(nameless, stage, lasting):
    keep_for_all(nameless, stage)
    nameless.put(nameless.path / "home")
    nameless.made |= {nameless.folder}
    nameless.put(nameless.folder)
    for _ in range(2):
        assert "host=" in nameless.run(lasting=lasting)
    assert list(nameless.temporary.glob("pgbraid-embedded-*")) == []


def test_user_without_name_joins_no_foreign_server(nameless, stage):
    """libpq cannot verify which user runs the server."""
    keep_for_all(nameless, stage)
    nameless.put(nameless.folder)
    assert "host=" in nameless.run()
    nameless.made |= {nameless.folder}
    nameless.foreign()
    nameless.await_ping(nameless.data)
    nameless.try_layout(lambda _: {"expected": "cannot verify that the server on the socket in"})


def test_connection_reaches_expected_users_server_alone(scene):
    scene.has_data()
    scene.foreign()
    scene.await_ping(scene.data)
    user = ServerUser(scene.owner if os.geteuid() == 0 else None)
    psycopg.connect(conninfo_of(scene.data, user)).close()
    other = scene.other[0]
    with pytest.raises(psycopg.OperationalError, match="requirepeer specifies"):
        psycopg.connect(conninfo_of(scene.data, ServerUser((other, other))))


def test_data_can_be_inspected_as_documented(scene):
    """No other user can connect to a server that was started without options."""
    psql = scene.programs / "psql"
    if not psql.exists():
        pytest.skip("these server programs have no psql")
    scene.has_data()
    scene.run(sql=["CREATE TABLE looked_at ()"])
    scene.foreign()
    scene.await_ping(scene.data)
    words = [psql, "-h", scene.data, "-U", "postgres", "-Atc", "SELECT count(*) FROM looked_at"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "0\n"
    with psycopg.connect(f"host={scene.data} user=postgres dbname=postgres") as conn:
        assert conn.execute("SHOW listen_addresses").fetchone() == ("",)
    assert (scene.data / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0
