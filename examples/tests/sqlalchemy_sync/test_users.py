"""SQLAlchemy 2: a database of its own for each test, or a transaction that is rolled back."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session


@pytest.fixture
def engine(pgbraid_db):
    engine = create_engine(pgbraid_db.url("psycopg"))
    yield engine
    engine.dispose()


@pytest.fixture
def session(pgbraid_conn):
    engine = create_engine("postgresql+psycopg://", creator=lambda: pgbraid_conn)
    with engine.connect() as connection:
        connection.begin()
        # A commit of the session ends a savepoint, not the transaction of the test.
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session


def test_own_database(engine):
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO users (name) VALUES ('Ada')"))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM users")) == 1


@pytest.mark.parametrize("attempt", [1, 2])
def test_rolled_back(session, attempt):
    session.execute(text("INSERT INTO users (name) VALUES ('Ada')"))
    session.commit()
    assert session.scalar(text("SELECT count(*) FROM users")) == 1
