"""The tests are the same on every server."""

import psycopg


def test_own_database(pgbraid_dsn):
    with psycopg.connect(pgbraid_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)
