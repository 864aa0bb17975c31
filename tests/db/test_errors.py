"""Where in the file an error is, and that no secret is in any of them."""

import re

import pytest

import pgbraid
from pgbraid.model.errors import ConfigError, ConnectionFailed, MigrationFailed
from pgbraid.model.migration import Location
from pgbraid.postgres.client.conninfo import parse_target


def failure(database, text, name="1_a.sql"):
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({name: text}).up(database.conninfo)
    return caught.value.diagnostic


@pytest.mark.parametrize(
    ("text", "line", "column", "excerpt", "caret"),
    [
        ("SELECT emial", 1, 8, "SELECT emial", 7),
        ("SELECT 1;\nSELECT\n  emial;", 3, 3, "  emial;", 2),
        ("-- é→😀\nSELECT 'é😀', emial", 2, 14, "SELECT 'é😀', emial", 13),
        ("SELECT 1;\r\nSELECT 2,\r\n\temial;\r\n", 3, 2, "\temial;", 1),
        ("\ufeffSELECT emial", 1, 8, "SELECT emial", 7),
        ("BEGIN;\nSELECT 1;\nSELECT emial;\nCOMMIT;", 3, 8, "SELECT emial;", 7),
        ("\\restrict x\nSELECT emial;", 2, 8, "SELECT emial;", 7),
        ("SELECT 1;\nSELEC 2;", 2, 1, "SELEC 2;", 0),
        ("COPY none FROM stdin;\n\\.\nSELECT emial;", 1, 1, "COPY none FROM stdin;", None),
    ],
)
def test_an_error_has_its_place_in_the_file(database, text, line, column, excerpt, caret):
    said = failure(database, text)
    assert said.location == Location("1_a.sql", line, column)
    assert (said.excerpt, said.caret) == (excerpt, caret)


def test_an_error_behind_copied_data_has_its_place_in_the_file(database):
    text = "CREATE TABLE t (x int);\nCOPY t FROM stdin;\n1\n\\.\n\nSELECT emial;"
    assert failure(database, text).location == Location("1_a.sql", 6, 8)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "CREATE TABLE t (x int PRIMARY KEY);\nINSERT INTO t VALUES (1);\n-- c\n"
            "INSERT INTO t\n VALUES (1);\nSELECT 1;",
            4,
        ),
        ("SELECT 1;;\n;\nSELECT 1/0;", 3),
        ("DO $$\nBEGIN\n RAISE 'no';\nEND $$;", 1),
    ],
)
def test_an_error_without_position_has_the_place_of_its_statement(database, text, line):
    said = failure(database, text)
    assert (said.location.line, said.caret) == (line, None)


def test_every_slot_of_the_server_is_kept(database):
    text = (
        "DO $$ BEGIN RAISE EXCEPTION 'm' USING DETAIL = 'd', HINT = 'h', ERRCODE = 'P0042'; END $$"
    )
    said = failure(database, text)
    assert (said.severity, said.message, said.detail, said.hint, said.sqlstate) == (
        "ERROR",
        "m",
        "d",
        "h",
        "P0042",
    )
    assert said.context.startswith("PL/pgSQL function inline_code_block")


def test_an_error_inside_a_function_shows_its_query(database):
    said = failure(database, "DO $$ BEGIN PERFORM emial; END $$")
    assert "emial" in said.internal_query


def test_an_error_can_be_shown_again_elsewhere(database):
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": "SELECT emial"}).up(database.conninfo)
    assert str(caught.value) == '1_a.sql:1:8: 1_a failed: column "emial" does not exist'
    assert caught.value.hint


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
def test_no_piece_of_a_password_is_in_an_error_or_a_repr(dsn):
    with pytest.raises((ConfigError, ConnectionFailed)) as caught:
        pgbraid.load({"1_a.sql": "--"}).up(dsn)
    error = caught.value
    shown = [error.message, error.detail, error.hint, repr(error), str(error)]
    shown += [
        repr(error.__cause__),
        repr(error.__context__) if not error.__suppress_context__ else "",
    ]
    text = " ".join(map(str, shown))
    for piece in ("s3cr3t", "odd", "w/th", "chars"):
        assert piece not in text


def test_a_target_shows_its_place_and_no_secret():
    target = parse_target(f"postgresql://me:{ENCODED}@db.example:5433/app")
    assert target.label == "db.example:5433/app"
    assert "s3cr3t" not in repr(target)
    assert target.parameters["password"] == PASSWORD


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "POSTGRESQL"])
def test_schemes_that_mean_postgresql(scheme):
    assert parse_target(f"{scheme}://h/d").label.endswith("/d")


def test_limits_are_set_where_nobody_sets_them(monkeypatch):
    assert parse_target("host=h").parameters["connect_timeout"] == "10"
    assert parse_target("host=h connect_timeout=3").parameters["connect_timeout"] == "3"
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "7")
    assert "connect_timeout" not in parse_target("host=h").parameters


def test_a_parameter_that_libpq_does_not_know_is_named():
    with pytest.raises(ConfigError, match="no parameter 'pgbouncer'"):
        pgbraid.load({}).up("postgresql://u@127.0.0.1:1/app?pgbouncer=true")


@pytest.mark.parametrize("dsn", ["postgresql://u:p?secret=1@h/app", "postgresql://u@h/?secret=x@y"])
def test_what_may_be_a_piece_of_a_password_is_not_named(dsn):
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
def test_a_password_that_is_not_encoded_is_refused_before_anybody_cuts_it(dsn):
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
def test_a_password_that_stands_where_the_port_does_is_not_shown(dsn):
    """A URL without its @ has it there."""
    with pytest.raises(ConfigError, match="the port of the database URL is not a number") as caught:
        pgbraid.load({"1_a.sql": "SELECT 1"}).up(dsn)
    said = f"{caught.value.message}{caught.value.detail}{caught.value.hint}"
    assert "s3cret" not in said
    assert "9999" not in said
    assert "@" in caught.value.hint
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)


@pytest.mark.parametrize(
    "conninfo", ["u:s3cret-x@127.0.0.1", "host=127.0.0.1 port=1 password=s3cret-x user=u"]
)
def test_no_error_has_the_drivers_for_its_context(conninfo):
    """A logger that walks the contexts would find the password there."""
    with pytest.raises(pgbraid.PgbraidError) as caught:
        pgbraid.load({"1_a.sql": "--"}).up(conninfo)
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)


def test_a_session_that_the_server_closes_while_it_is_idle_is_explained(
    database, role, cli, folder
):
    """What the server says as it closes may come before anybody listens."""
    if int(database.value("SHOW server_version_num")) < 140000:
        pytest.skip("this server has no idle_session_timeout")
    database.run(f"ALTER ROLE {role} SUPERUSER; ALTER ROLE {role} SET idle_session_timeout = '2ms'")
    folder.write(_1_a="CREATE TABLE a ()")
    for _ in range(5):
        answer = cli("status", env={"PGBRAID_DATABASE_URL": database.as_role(role)})
        if answer.code:
            assert re.search("idle.session.timeout", answer.err), answer.err
