"""An error in the trigger of another role, during a statement of pgbraid, names the trigger."""

import pytest

FUNCTION = """
CREATE SCHEMA hidden;
CREATE TABLE hidden.log (x text);
CREATE FUNCTION hidden.note() RETURNS {returns} LANGUAGE plpgsql AS
    $$ BEGIN {body}; RETURN {value}; END $$;
GRANT USAGE, CREATE ON SCHEMA public TO {role};
"""


@pytest.fixture
def event_trigger(server, database, role):
    """A function that creates an event trigger with a body, which fires on DDL of the role."""
    made = []

    def make(body):
        text = FUNCTION.format(returns="event_trigger", body=body, role=role, value="")
        name = f"watch_{role}"
        database.run(text.replace("RETURN ;", ""))
        database.run(
            f"CREATE EVENT TRIGGER {name} ON ddl_command_end EXECUTE FUNCTION hidden.note()"
        )
        made.append(name)
        return name

    yield make
    for name in made:
        database.run(f"DROP EVENT TRIGGER {name}")


@pytest.mark.parametrize(
    "body", ["INSERT INTO hidden.log VALUES (tg_tag)", "RAISE EXCEPTION 'no DDL on Fridays'"]
)
def test_event_trigger_that_fails_in_our_statement_is_named(
    database, cli, folder, role, event_trigger, body
):
    name = event_trigger(body)
    folder.write(_1_a="CREATE TABLE a ()")
    env = {"PGBRAID_DATABASE_URL": database.as_role(role)}
    answer = cli("up", env=env, code=4)
    assert f"HINT:  The event trigger {name} called hidden.note()" in answer.err
    assert "CONTEXT:  PL/pgSQL function hidden.note() line 1 at " in answer.err
    assert "rights on the ledger's schema" not in answer.err
    error = cli("up", "--json", env=env).json["error"]
    assert "PL/pgSQL function hidden.note()" in error["diagnostic"]["context"]


def test_failing_trigger_on_applied_set_is_not_reported_as_missing_right(
    database, cli, folder, role
):
    folder.write(_1_a="CREATE TABLE a ()")
    env = {"PGBRAID_DATABASE_URL": database.as_role(role)}
    body = "INSERT INTO hidden.log VALUES ('x')"
    database.run(FUNCTION.format(returns="trigger", body=body, role=role, value="NEW"))
    cli("up", env=env, code=0)
    database.run(
        "CREATE TRIGGER note BEFORE INSERT ON applied_migrations FOR EACH ROW"
        " EXECUTE FUNCTION hidden.note()"
    )
    folder.write(_2_b="CREATE TABLE b ()")
    answer = cli("up", env=env)
    assert answer.code
    assert "CONTEXT:  " in answer.err
    assert "hidden.note()" in answer.err
    assert "rights on the ledger's schema" not in answer.err


def test_missing_right_on_ledger_is_reported_as_such(database, cli, folder, role):
    folder.write(_1_a="CREATE TABLE a ()")
    answer = cli("up", env={"PGBRAID_DATABASE_URL": database.as_role(role)}, code=4)
    assert "HINT:  Check the role's rights on the ledger's schema" in answer.err
