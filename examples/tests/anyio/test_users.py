"""anyio, with psycopg's asynchronous connections."""

import psycopg
import pytest


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize("attempt", [1, 2])
async def test_own_database(pgbraid_dsn, attempt):
    async with await psycopg.AsyncConnection.connect(pgbraid_dsn) as connection:
        await connection.execute("INSERT INTO users (name) VALUES ('Ada')")
        count = await connection.execute("SELECT count(*) FROM users")
        assert await count.fetchone() == (1,)
