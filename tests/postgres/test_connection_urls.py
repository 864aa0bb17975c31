"""A URL for another driver is refused with libpq's name of its parameter."""

import pytest

import pgbraid
from pgbraid.postgres.client.conninfo import parse_target

HOST = "127.0.0.1:1/app"


@pytest.mark.parametrize(
    ("conninfo", "name", "hint"),
    [
        (f"postgres://{HOST}?sslmode=disable&x-migrations-table=m", "x-migrations-table", "golang"),
        (f"postgresql://{HOST}?user=p&currentSchema=app", "currentSchema", "search_path%3Dapp"),
        (f"postgresql://u@{HOST}?schema=app&pgbouncer=true", "schema", "schema with `schema`"),
        (f"postgresql://u@{HOST}?search_path=app", "search_path", "search_path%3D"),
        (f"postgresql+asyncpg://u@{HOST}?ssl=require", "ssl", "Write sslmode=require in"),
        (f"postgresql+asyncpg://u@{HOST}?ssl=verify-full", "ssl", "Write sslmode=verify-full in"),
        (f"postgresql://u@{HOST}?ssl=false", "ssl", "Write sslmode=disable in"),
        (f"postgresql://u@{HOST}?ssl", "ssl", "Write sslmode=require in"),
        (f"postgresql://u@{HOST}?ApplicationName=me", "ApplicationName", "application_name"),
        (f"postgresql://u@{HOST}?timeout=3", "timeout", "connect_timeout"),
        (f"postgresql://u@{HOST}?statement_timeout=3s", "statement_timeout", "options=-c%20name"),
        (f"postgresql://u@{HOST}?prepareThreshold=0", "prepareThreshold", "Remove it"),
        ("host=h currentSchema=app", "currentSchema", "search_path%3D"),
        ("host=h ssl=require", "ssl", "Write sslmode=require in"),
    ],
)  # fmt: skip
def test_parameter_of_another_driver_is_named_with_libpqs_word_for_it(conninfo, name, hint):
    with pytest.raises(pgbraid.ConfigError) as caught:
        parse_target(conninfo)
    assert caught.value.message.startswith(f"libpq knows no parameter '{name}' in a database ")
    assert hint in caught.value.hint


@pytest.mark.parametrize("prefix", ["jdbc:", "JDBC:"])
def test_jdbc_url_is_named_as_such(prefix):
    with pytest.raises(pgbraid.ConfigError, match="begins with jdbc:") as caught:
        parse_target(f"{prefix}postgresql://{HOST}?user=postgres&password=hunter2")
    assert "Remove `jdbc:`" in caught.value.hint
    assert "hunter2" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    "conninfo",
    [
        f"postgresql://{HOST}?password=pa&hunter=2",
        f"postgresql://{HOST}?sslpassword=pa&hunter=2",
        "host=h password=pa hunter=2",
        "postgresql://u:pa&hunter=2@h/d?hunter=2@x",
        "jdbc:postgresql://h/d?password=hunter",
    ],
)
def test_possible_part_of_password_is_not_named_as_parameter(conninfo):
    with pytest.raises(pgbraid.ConfigError) as caught:
        parse_target(conninfo)
    error = caught.value
    assert "hunter" not in f"{error.message} {error.detail} {error.hint}"


@pytest.mark.parametrize(
    ("conninfo", "label"),
    [
        ("service=there", "service there"),
        ("service=there user=me", "service there"),
        ("service=there dbname=app", "service there/app"),
        ("host=h service=there", "h:5432/me"),
    ],
)
def test_database_that_only_service_names_is_not_guessed(conninfo, label, monkeypatch):
    for name in ("PGPORT", "PGDATABASE", "PGHOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGUSER", "me")
    assert parse_target(conninfo).label == label
