"""Hints of migration errors, where the message of the server does not suffice."""

import pytest

import pgbraid

PENDING = """
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (pid int REFERENCES p DEFERRABLE INITIALLY DEFERRED, note text);
INSERT INTO p VALUES (1);
INSERT INTO c VALUES (1, 'x');
ALTER TABLE c ALTER note SET NOT NULL;
"""


def hint(database, text, **options):
    with pytest.raises(pgbraid.MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text}, **options).up(database.conninfo)
    return caught.value.hint


def test_pending_trigger_events_get_hint(database):
    message = hint(database, PENDING)
    assert "SET CONSTRAINTS ALL IMMEDIATE" in message
    cured = PENDING.replace("ALTER TABLE c", "SET CONSTRAINTS ALL IMMEDIATE;\nALTER TABLE c")
    pgbraid.load({"1_a.sql": cured}).up(database.conninfo)


@pytest.mark.parametrize("name", ["transaction_timeout_of_2050", "no_such_setting"])
def test_setting_of_newer_server_gets_hint(database, name):
    message = hint(database, f"SET {name} = 0; CREATE TABLE a ()")
    assert f"has no setting {name}" in message
    assert "pg_dump" in message


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("ALTER TABLE c OWNER TO :owner", ":owner"),
        ("SELECT :'name'", ":'name"),
        ('SELECT :"name"', ':"name'),
    ],
)
def test_psql_variable_gets_hint(database, text, variable):
    message = hint(database, f"CREATE TABLE c (); {text};")
    assert message.startswith(f"{variable} looks like a psql variable")


@pytest.mark.parametrize("text", ["SELECT 1 : 2", "SELECT a[1::2]", "SELEC 1"])
def test_other_syntax_error_gets_no_hint(database, text):
    assert "variable" not in hint(database, text)


@pytest.mark.parametrize("table", ["applied_migrations", "done"])
def test_dump_with_ledger_gets_hint(database, table):
    for name in (table, f"{table}_journal"):
        text = f"CREATE TABLE public.{name} (version bigint)"
        message = hint(database, text, table=table)
        assert f"pg_dump -T 'public.{table}*'" in message


def test_existing_table_of_another_name_gets_no_hint(database):
    message = hint(database, "CREATE TABLE a (); CREATE TABLE a ()")
    assert "pg_dump" not in message
