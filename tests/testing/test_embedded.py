"""``pgbraid.embedded()`` runs a server for as long as a block lasts."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

import pgbraid


@pytest.fixture(autouse=True)
def named_programs(programs, monkeypatch):
    monkeypatch.setenv("PGBRAID_PG_BIN", programs)


def folder_of(url):
    return Path(psycopg.conninfo.conninfo_to_dict(url)["host"])


def test_server_runs_as_long_as_block():
    with pgbraid.embedded() as server:
        with psycopg.connect(server.url) as conn:
            assert conn.execute("SELECT current_database()").fetchone() == ("postgres",)
        assert server.label.startswith("embedded PostgreSQL ")
        place = folder_of(server.url)
        assert place.is_dir()
    assert not place.exists()


def test_databases_are_empty_and_have_names_of_their_own():
    with pgbraid.embedded() as server:
        urls = {server.create_database(), server.create_database(), server.create_database("a b@")}
        assert len(urls) == 3
        for url in urls:
            pgbraid.load({"1_a.sql": "CREATE TABLE a ();"}, settings=False).up(url)
        with pytest.raises(pgbraid.ServerError, match="'a b@' cannot be created"):
            server.create_database("a b@")
        for name in ("", "a\0", 3):
            with pytest.raises(pgbraid.ConfigError):
                server.create_database(name)


def test_asynchronous_block_ends_server():
    async def run():
        async with pgbraid.embedded() as server:
            url = server.create_database()
            async with await psycopg.AsyncConnection.connect(url) as conn:
                await conn.execute("CREATE TABLE a ()")
            return folder_of(url)

    assert not asyncio.run(run()).exists()


def test_cancelled_start_leaves_no_server():
    places = []

    async def run():
        async def start():
            async with pgbraid.embedded() as server:
                places.append(folder_of(server.url))

        task = asyncio.create_task(start())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert not places


def test_exception_of_block_ends_server():
    places = []

    def run():
        with pgbraid.embedded() as server:
            places.append(folder_of(server.url))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()
    assert not places[0].exists()


def test_data_in_folder_stay(tmp_path):
    for attempt in range(2):
        with pgbraid.embedded(tmp_path / "db") as server, psycopg.connect(server.url) as conn:
            conn.execute("CREATE TABLE IF NOT EXISTS a (n int)")
            assert conn.execute("SELECT count(*) FROM a").fetchone() == (attempt,)
            conn.execute("INSERT INTO a VALUES (1)")


def test_block_cannot_be_entered_twice():
    server = pgbraid.embedded()
    with server, pytest.raises(pgbraid.ConfigError, match="started already"):
        server.__enter__()


LEAKS = {
    "PGHOST": "192.0.2.1",
    "PGHOSTADDR": "192.0.2.1",
    "PGPORT": "1",
    "PGUSER": "someone",
    "PGDATABASE": "other",
    "PGOPTIONS": "-c nothing=1",
    "PGSSLMODE": "verify-full",
    "PGTARGETSESSIONATTRS": "standby",
    "PGCONNECT_TIMEOUT": "2",
}


def test_libpq_variables_lead_nowhere_else(monkeypatch):
    for name, value in LEAKS.items():
        monkeypatch.setenv(name, value)
    with pgbraid.embedded() as server, psycopg.connect(server.create_database("a")) as conn:
        query = "SELECT current_user, current_database()"
        assert conn.execute(query).fetchone() == ("postgres", "a")


def test_url_is_short_without_libpq_variables(monkeypatch):
    for name in LEAKS:
        monkeypatch.delenv(name, raising=False)
    with pgbraid.embedded() as server:
        assert set(psycopg.conninfo.conninfo_to_dict(server.url)) == {
            "user",
            "dbname",
            "host",
            "port",
        }


def test_killed_process_leaves_no_server():
    text = (
        "import os, pgbraid, signal\nwith pgbraid.embedded() as s:\n"
        "    print(s.url, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    place = folder_of(done.stdout.strip())
    with pgbraid.embedded():
        pass
    for _ in range(600):
        if (place / ".s.PGSQL.5432").exists():
            time.sleep(0.1)
    assert not (place / ".s.PGSQL.5432").exists()


def test_name_is_not_imported_with_package():
    text = "import sys, pgbraid; assert 'pgbraid.servers' not in sys.modules; pgbraid.embedded"
    subprocess.run([sys.executable, "-c", text], check=True)


@pytest.mark.parametrize("folder", ["", "'dev-db'"])
def test_forked_child_that_leaves_block_leaves_server(folder, tmp_path):
    script = (
        "import os, sys, psycopg, pgbraid\n"
        f"with pgbraid.embedded({folder}) as server:\n"
        "    child = os.fork()\n"
        "    if child == 0: sys.exit(0)\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "    psycopg.connect(server.url).close()\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, cwd=tmp_path)
