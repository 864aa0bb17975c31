"""No part of a password is in an error, a hint or a repr."""

import psycopg
import pytest

import pgbraid
from pgbraid import Limits, MigrationFailed
from pgbraid.model.errors import ConfigError, ConnectionFailed
from pgbraid.postgres.client.conninfo import parse_target


def test_no_password_of_another_session_behind_comment_is_shown(big, role):
    emitted = []
    with psycopg.connect(big.conninfo, prepare_threshold=None) as other:
        other.execute("LOCK TABLE big IN ACCESS SHARE MODE")
        other.execute(f"-- rotate\nALTER ROLE {role} PASSWORD 'hunter2'")
        with pytest.raises(MigrationFailed) as caught:
            pgbraid.load({"1_a.sql": "ALTER TABLE big ADD x int"}, limits=Limits(retry_for=1)).up(
                big.conninfo, on_event=emitted.append
            )
    assert "hunter2" not in repr(emitted)
    assert "hunter2" not in str(caught.value.detail)


PASSWORD = "s3cr3t:w/th@odd%chars"
ENCODED = "s3cr3t%3Aw%2Fth%40odd%25chars"
DSNS = [
    f"postgresql://me:{ENCODED}@127.0.0.1:1/db",
    f"postgresql://me:{PASSWORD}@127.0.0.1:1/db",
    f"postgre://me:{ENCODED}@127.0.0.1:1/db",
    f"mysql://me:{ENCODED}@127.0.0.1:1/db",
    f"postgresql://me:{PASSWORD.replace('%', '%zz')}@127.0.0.1:1/db",
    f"host=127.0.0.1 port=1 password={PASSWORD} user=me",
    f"host=127.0.0.1 port=1 password='{PASSWORD}' user",
    f"host=127.0.0.1 port=1 pasword={PASSWORD}",
    f"postgresql://127.0.0.1:1/db?user=me&password={ENCODED}",
    f"postgresql://127.0.0.1:1/db?nope=1&password={ENCODED}",
    f"postgresql://me:{ENCODED}@127.0.0.1:port/db",
    f"me:{PASSWORD}@127.0.0.1",
]


@pytest.mark.parametrize("dsn", DSNS)
def test_no_part_of_password_is_in_error_or_repr(dsn):
    with pytest.raises((ConfigError, ConnectionFailed)) as caught:
        pgbraid.load({"1_a.sql": "SELECT 1"}).up(dsn)
    error = caught.value
    shown = [error.message, error.detail, error.hint, repr(error), str(error)]
    shown += [
        repr(error.__cause__),
        repr(error.__context__) if not error.__suppress_context__ else "",
    ]
    text = " ".join(map(str, shown))
    for part in ("s3cr3t", "odd", "w/th", "chars"):
        assert part not in text


def test_target_shows_its_place_and_no_secret():
    target = parse_target(f"postgresql://me:{ENCODED}@db.example:5433/app")
    assert target.label == "db.example:5433/app"
    assert "s3cr3t" not in repr(target)
    assert target.parameters["password"] == PASSWORD


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "POSTGRESQL"])
def test_schemes_that_mean_postgresql(scheme):
    assert parse_target(f"{scheme}://h/d").label.endswith("/d")


def test_limits_have_defaults(monkeypatch):
    assert parse_target("host=h").parameters["connect_timeout"] == "10"
    assert parse_target("host=h connect_timeout=3").parameters["connect_timeout"] == "3"
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "7")
    assert "connect_timeout" not in parse_target("host=h").parameters


def test_parameter_that_libpq_does_not_know_is_named():
    with pytest.raises(ConfigError, match="no parameter 'pgbouncer'"):
        pgbraid.load({}).up("postgresql://u@127.0.0.1:1/app?pgbouncer=true")


@pytest.mark.parametrize("dsn", ["postgresql://u:p?secret=1@h/app", "postgresql://u@h/?secret=x@y"])
def test_possible_part_of_password_is_not_named(dsn):
    with pytest.raises(pgbraid.PgbraidError) as caught:
        pgbraid.load({}).up(dsn)
    assert "secret" not in f"{caught.value.message}{caught.value.detail}{caught.value.hint}"


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:s3cr/et@127.0.0.1:1/app",
        "postgresql://u:s3cr@et@127.0.0.1:1/app",
        "postgresql://u:s3@cr/e@t@127.0.0.1:1/app",
        "postgresql://u:a/b@127.0.0.1:1/app?sslmode=disable",
    ],
)
def test_unencoded_password_is_refused(dsn):
    with pytest.raises(ConfigError, match="libpq cannot parse the database URL") as caught:
        pgbraid.load({"1_a.sql": "SELECT 1"}).up(dsn)
    assert "percent-encoded" in caught.value.detail
    assert "et" not in (caught.value.message + str(caught.value.detail)).split()
    assert "s3" not in f"{caught.value.message}{caught.value.detail}"


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:s3cret",
        "postgresql://u:s3cret/app",
        "postgresql://u:s3cret:5432/app",
        "postgresql://127.0.0.1,u:s3cret/app",
        "postgresql://u:99999999/app",
        "postgresql+psycopg://u:s3cret?sslmode=disable",
    ],
)
def test_password_that_stands_where_port_does_is_not_shown(dsn):
    """In a URL without @, the password is in the place of the port."""
    with pytest.raises(ConfigError, match="the port of the database URL is not a number") as caught:
        pgbraid.load({"1_a.sql": "SELECT 1"}).up(dsn)
    expected = f"{caught.value.message}{caught.value.detail}{caught.value.hint}"
    assert "s3cret" not in expected
    assert "9999" not in expected
    assert "@" in caught.value.hint
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)


@pytest.mark.parametrize(
    "conninfo", ["u:s3cret-x@127.0.0.1", "host=127.0.0.1 port=1 password=s3cret-x user=u"]
)
def test_no_error_has_drivers_for_its_context(conninfo):
    """A logger that follows the contexts of an error would print the password."""
    with pytest.raises(pgbraid.PgbraidError) as caught:
        pgbraid.load({"1_a.sql": "SELECT 1"}).up(conninfo)
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)
