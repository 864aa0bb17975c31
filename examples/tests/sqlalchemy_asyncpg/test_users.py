"""SQLAlchemy 2 with asyncpg: NullPool, as each test has an event loop of its own."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool


@pytest.fixture
def engine(pgbraid_db):
    return create_async_engine(pgbraid_db.url("asyncpg"), poolclass=NullPool)


@pytest.mark.asyncio
@pytest.mark.parametrize("attempt", [1, 2])
async def test_own_database(engine, attempt):
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO users (name) VALUES ('Ada')"))
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM users")) == 1
