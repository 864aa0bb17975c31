"""An error of a migration's says what to do, where the server's words alone do not."""

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


def test_what_is_deferred_and_waits_for_the_table_is_said(database):
    said = hint(database, PENDING)
    assert "SET CONSTRAINTS ALL IMMEDIATE" in said
    cured = PENDING.replace("ALTER TABLE c", "SET CONSTRAINTS ALL IMMEDIATE;\nALTER TABLE c")
    pgbraid.load({"1_a.sql": cured}).up(database.conninfo)


@pytest.mark.parametrize("name", ["transaction_timeout_of_2050", "no_such_setting"])
def test_a_setting_of_a_newer_server_may_come_of_a_newer_dump(database, name):
    said = hint(database, f"SET {name} = 0; CREATE TABLE a ()")
    assert f"has no setting {name}" in said
    assert "pg_dump" in said


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("ALTER TABLE c OWNER TO :owner", ":owner"),
        ("SELECT :'name'", ":'name"),
        ('SELECT :"name"', ':"name'),
    ],
)
def test_a_variable_of_psql_is_said_to_be_one(database, text, variable):
    said = hint(database, f"CREATE TABLE c (); {text};")
    assert said.startswith(f"{variable} looks like a psql variable")


@pytest.mark.parametrize("text", ["SELECT 1 : 2", "SELECT a[1::2]", "SELEC 1"])
def test_another_syntax_error_is_not(database, text):
    assert "variable" not in hint(database, text)


@pytest.mark.parametrize("table", ["applied_migrations", "done"])
def test_a_dump_that_holds_the_tracker_is_said_to_be_one(database, table):
    for name in (table, f"{table}_journal"):
        text = f"CREATE TABLE public.{name} (version bigint)"
        said = hint(database, text, table=table)
        assert f"pg_dump -T 'public.{table}*'" in said


def test_a_table_of_another_name_that_is_there_has_no_such_hint(database):
    said = hint(database, "CREATE TABLE a (); CREATE TABLE a ()")
    assert "pg_dump" not in said
