"""pytest-asyncio: the fixtures of pgbraid are synchronous, so no event loop is tied to them."""

import asyncpg
import pytest


@pytest.mark.asyncio
@pytest.mark.parametrize("attempt", [1, 2])
async def test_own_database(pgbraid_dsn, attempt):
    connection = await asyncpg.connect(pgbraid_dsn)
    await connection.execute("INSERT INTO users (name) VALUES ('Ada')")
    assert await connection.fetchval("SELECT count(*) FROM users") == 1
    await connection.close()
