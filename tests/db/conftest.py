"""Fixtures of the tests that need a pooler, or a proxy with a key of its own."""

import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgbraid.postgres.server.os_user import server_user

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
CONFIGURATION = """
[databases]
{name} = {known} dbname={name} {options}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = {clients}
{more}
"""


@contextmanager
def bouncer(database, size, options="", mode="transaction", clients=200, more=""):
    """Run a PgBouncer before a database; yield a connection string that leads through it.

    Its folder is one that PgBouncer, which refuses root as the server does, can reach. ``more`` are
    settings of its.
    """
    if PGBOUNCER is None:
        pytest.skip("no PgBouncer is installed")
    server = conninfo_to_dict(database.conninfo)
    known = " ".join(f"{key}={server[key]}" for key in ("host", "port", "user") if server.get(key))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "pgbouncer.ini")
        file.write_text(
            CONFIGURATION.format(
                name=server["dbname"],
                known=known,
                options=options,
                port=port,
                mode=mode,
                size=size,
                clients=clients,
                more=more,
            )
        )
        user = server_user()
        user.chown_all(Path(name))
        process = subprocess.Popen([PGBOUNCER, "-q", file], stderr=subprocess.PIPE, **user.popen())
        conninfo = make_conninfo(host="127.0.0.1", port=port, dbname=server["dbname"], user="any")
        for _ in range(100):
            try:
                psycopg.connect(conninfo, autocommit=True).close()
                break
            except psycopg.OperationalError:
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.05)
        try:
            yield conninfo
        finally:
            process.terminate()
            process.communicate()


@pytest.fixture
def bouncing(database):
    """What runs a PgBouncer before the database, of a size, for a block."""
    return partial(bouncer, database)


@pytest.fixture
def pooled(database):
    """A connection string of the database's that leads through a pool of three sessions."""
    with bouncer(database, 3) as conninfo:
        yield conninfo


@pytest.fixture
def pool(database, request):
    """The same through a pool of one session; its parameter are options of the database's."""
    with bouncer(database, 1, getattr(request, "param", "")) as conninfo:
        yield conninfo
