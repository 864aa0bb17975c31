"""pytest-xdist: `pytest -n 4`; the workers share one server and one template."""

import psycopg
import pytest


@pytest.mark.parametrize("attempt", range(8))
def test_own_database(pgbraid_dsn, attempt):
    with psycopg.connect(pgbraid_dsn) as connection:
        connection.execute("INSERT INTO users (name) VALUES ('Ada')")
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (1,)


@pytest.mark.xdist_group("together")
@pytest.mark.parametrize("attempt", range(2))
def test_on_one_worker(pgbraid_conn, attempt):
    assert pgbraid_conn.execute("SELECT count(*) FROM users").fetchone() == (0,)
