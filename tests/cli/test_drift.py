"""``drift`` and ``snapshot``."""

import pytest

from tests.fixtures.proofs import CHANGES, SETS, TABLE


def test_untouched_database_has_not_drifted(deployed, cli, scratch_env):
    assert (
        "clean: the schema is the one that its 3 migrations built"
        in cli("drift", env=scratch_env, code=0).out
    )


@pytest.mark.parametrize("name", CHANGES)
def test_change_by_hand_is_found_and_named(deployed, cli, scratch_env, database, name):
    database.run(CHANGES[name])
    document = cli("drift", "--json", env=scratch_env, code=1).json
    assert name in {difference["object"] for difference in document["differences"]}
    assert name in cli("drift", env=scratch_env, code=1).out


def test_drift_ignores_objects_named_by_option(deployed, cli, scratch_env, database, tmp_path):
    database.run(CHANGES["table public.t"])
    database.run(CHANGES["index public.t_a_idx"])
    assert cli("drift", "--ignore", "index *", env=scratch_env, code=1)
    (tmp_path / "pgbraid.toml").write_text('ignore = ["index *", "*: privileges"]\n')
    assert "2 ignored" in cli("drift", env=scratch_env, code=0).out


def test_drift_needs_no_superuser_and_writes_nothing(deployed, cli, scratch_env, database, role):
    database.run(f"GRANT SELECT ON applied_migrations, applied_migrations_journal TO {role}")
    database.run(f"ALTER ROLE {role} SET default_transaction_read_only = on")
    as_role = {**scratch_env, "PGBRAID_DATABASE_URL": database.as_role(role)}
    assert "clean" in cli("drift", env=as_role, code=0).out
    database.run(CHANGES["column public.t.z"])
    assert "column public.t.z" in cli("drift", env=as_role, code=1).out


def test_drift_replays_text_that_ran(deployed, cli, scratch_env):
    deployed.remove("104_view.sql")
    assert "the text that ran is replayed" in cli("drift", env=scratch_env, code=0).out
    deployed.write(_105_function="CREATE FUNCTION other() RETURNS int LANGUAGE sql AS 'SELECT 1';")
    assert "clean" in cli("drift", env=scratch_env, code=0).out


def test_drift_of_empty_database(folder, cli, scratch_env):
    folder.write(_101_table=TABLE)
    assert "has no history" in cli("drift", env=scratch_env, code=2).err


def test_snapshot_can_be_committed_and_compared(deployed, cli, scratch_env, database, tmp_path):
    cli("snapshot", "--output", "schema.txt", code=0)
    text = (tmp_path / "schema.txt").read_text()
    assert "[table public.t]\ncolumns = a, b\n" in text
    assert "applied_migrations" not in text
    assert (
        cli("snapshot", "--check", "schema.txt", code=0).out == "schema.txt matches the schema.\n"
    )
    assert cli("snapshot", "--files", "--check", "schema.txt", env=scratch_env, code=0)
    database.run(CHANGES["column public.t.z"])
    answer = cli("snapshot", "--check", "schema.txt", code=1)
    assert "+columns = a, b, z" in answer.out
    assert cli("snapshot", "--check", "none.txt", code=2)


def test_snapshot_shows_revoked_rights_and_no_secret(deployed, cli, database, tmp_path):
    cli("snapshot", "--output", "schema.txt", code=0)
    for change in (
        "REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC",
        "REVOKE INSERT ON t FROM CURRENT_USER",
        "ALTER TABLE t REPLICA IDENTITY NOTHING",
        "COMMENT ON TABLE t IS '-'",
    ):
        database.run(change)
        cli("snapshot", "--check", "schema.txt", code=1)
        cli("snapshot", "--output", "schema.txt", code=0)
    database.run(SETS.format("app.secret = ''hidden7''"))
    assert "hidden7" not in cli("snapshot", code=0).out
    text = (tmp_path / "schema.txt").read_text()
    (tmp_path / "schema.txt").write_text(text.replace("PostgreSQL ", "PostgreSQL 9"))
    assert "was written on PostgreSQL 9" in cli("snapshot", "--check", "schema.txt", code=2).err
