"""squash: the baseline of a history gives the same schema and rows, or nothing is written."""

import pytest

import pgbraid
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import RunOptions, ScratchServerConfig
from pgbraid.prove.squash import SquashRequest, squash_migrations
from pgbraid.settings.environment import cache_dir
from tests.fixtures.squashes import DIFFERENT, SAME, TABLE


@pytest.fixture
def squash(folder, programs):
    def run(to=102, **choices):
        place = ScratchServerConfig(None, programs, cache_dir(), choices.pop("prelude", None))
        options = RunOptions(scratch=place, role=choices.pop("role", None))
        ledger = LedgerTable(choices.pop("schema", "public"))
        return squash_migrations(
            folder.load(settings=False).migrations, ledger, options, SquashRequest(to, **choices)
        )

    return run


def names(folder):
    return sorted(path.name for path in folder.path.iterdir())


@pytest.mark.parametrize("kind", SAME)
def test_baseline_gives_same_schema_and_rows(folder, squash, kind):
    folder.write(_101_table=TABLE, _102_more=SAME[kind], _103_later="CREATE TABLE z ();")
    result = squash()
    assert (result.differences, result.failure, result.lost) == ((), None, ())
    assert names(folder) == ["102_baseline.sql", "103_later.sql"]
    assert folder.load(settings=False).check_files().ok


@pytest.mark.parametrize("lost", DIFFERENT)
def test_change_that_dump_leaves_out_is_named(folder, squash, lost):
    folder.write(_101_table=TABLE, _102_more=DIFFERENT[lost])
    result = squash()
    assert not result.ok
    found = [*result.lost, *(d.name for d in result.differences)]
    expected = "database" if lost.startswith("setting of") else lost
    assert [name for name in found if name.startswith(expected)], found
    assert names(folder) == ["101_table.sql", "102_more.sql"]


def test_extension_of_history_is_created_by_baseline(folder, squash, database):
    database.extend("pgcrypto")
    folder.write(_101_a="CREATE EXTENSION pgcrypto;", _102_b="CREATE TABLE t (a text);")
    assert squash().ok
    assert (
        "CREATE EXTENSION IF NOT EXISTS pgcrypto" in (folder.path / "102_baseline.sql").read_text()
    )


def test_database_that_ran_baseline_equals_one_that_ran_migrations(
    folder, squash, database, server
):
    folder.write(_101_table=TABLE, _102_rows=SAME["rows"], _103_later="ALTER TABLE t ADD z int;")
    old = folder.load(settings=False)
    old.up(database.conninfo)
    before = database.rows("SELECT * FROM t ORDER BY id")
    assert squash().ok
    new = folder.load(settings=False)
    assert new.check(database.conninfo).ok
    database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    new.up(database.conninfo)
    assert database.rows("SELECT * FROM t ORDER BY id") == before


def test_objects_of_migrating_role_belong_to_role_that_runs_baseline(
    folder, squash, database, role
):
    folder.write(_101_table=TABLE, _102_more=SAME["views"])
    assert squash().ok
    database.run(f"GRANT CREATE ON SCHEMA public TO {role}")
    folder.load(settings=False).up(database.as_role(role))
    owner = (
        "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relname IN ('t', 'v', 'mv')"
    )
    assert database.value(owner) == role


def test_values_that_differ_in_each_replay_are_listed(folder, squash):
    folder.write(
        _101_table="CREATE TABLE t (id int, at timestamptz, key uuid);",
        _102_rows="INSERT INTO t VALUES (1, clock_timestamp(), gen_random_uuid());",
    )
    result = squash(dry_run=True)
    assert result.ok
    assert [line.partition(":")[0] for line in result.frozen] == ["public.t.at", "public.t.key"]


def test_prelude_is_not_a_part_of_baseline(folder, squash, tmp_path):
    prelude = tmp_path / "prelude.sql"
    prelude.write_text("CREATE SCHEMA platform; CREATE TABLE platform.users (id int);")
    folder.write(_101_a="CREATE VIEW v AS SELECT * FROM platform.users;", _102_b=TABLE)
    result = squash(prelude=str(prelude))
    assert result.ok
    assert "CREATE TABLE platform.users" not in result.text


def test_schema_of_ledger_may_be_used_by_migrations(folder, squash):
    folder.write(_101_a="CREATE TABLE app.t (id int);", _102_b="CREATE TABLE app.u (id int);")
    result = squash(schema="app")
    assert result.ok
    assert "CREATE SCHEMA IF NOT EXISTS app;" in result.text
    assert "applied_migrations" not in result.text


def test_role_option_is_role_of_replays(folder, squash):
    folder.write(_101_a=TABLE, _102_b="GRANT SELECT ON t TO app_reader;")
    result = squash(role="deployer")
    assert result.ok
    assert "deployer" not in result.text


def test_second_squash_names_first_baseline(folder, squash):
    folder.write(_101_table=TABLE, _102_b="SELECT 1;", _103_c="CREATE TABLE c ();")
    assert squash(102).ok
    assert squash(103, name="second").ok
    assert names(folder) == ["103_second.sql"]
    head = (folder.path / "103_second.sql").read_text().splitlines()[0]
    assert head == "-- pgbraid: replaces=101,103,102_baseline"


def test_same_history_gives_same_text(folder, squash):
    folder.write(_101_table=TABLE, _102_more=SAME["partitions"])
    assert squash(dry_run=True).text == squash(dry_run=True).text


def test_migration_that_fails_is_named_and_nothing_is_written(folder, squash):
    folder.write(_101_table=TABLE, _102_bad="SELECT 1 / 0;")
    with pytest.raises(pgbraid.ServerError, match="102_bad fails: division by zero"):
        squash()
    assert names(folder) == ["101_table.sql", "102_bad.sql"]


@pytest.mark.parametrize(
    ("to", "name", "message"),
    [
        (105, "baseline", "no migration has that version"),
        (101, "baseline", "is the only migration up to 101"),
        (102, "more", "cannot have the name of 102_more.sql"),
        (102, "---", "has no letter or digit"),
    ],
)
def test_wrong_request_is_refused(folder, squash, to, name, message):
    folder.write(_101_table=TABLE, _102_more="SELECT 1;")
    with pytest.raises(pgbraid.ConfigError, match=message):
        squash(to, name=name)


def test_migrations_without_folder_are_refused():
    migrations = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 2"}).migrations
    with pytest.raises(pgbraid.ConfigError, match="is not a folder"):
        squash_migrations(migrations, LedgerTable(), RunOptions(), SquashRequest(2))


def test_outdated_materialized_view_is_refreshed(folder, squash, database):
    view = (
        "CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM t; INSERT INTO t (name) VALUES ('x');"
    )
    folder.write(_101_table=TABLE, _102_view=view)
    result = squash()
    assert result.ok
    assert result.without_effect == ("rows of materialized view public.mv",)
    folder.load(settings=False).up(database.conninfo)
    assert database.value("SELECT count FROM mv") == 1


def test_pair_of_files_gets_baseline_with_ending_of_pair(folder, squash):
    folder.put("101_a.up.sql", TABLE).put("102_b.up.sql", "SELECT 1;")
    folder.put("101_a.down.sql", "DROP TABLE t;").put("102_b.down.sql", "SELECT 1;")
    assert squash().ok
    assert names(folder) == ["102_baseline.up.sql"]


def test_server_of_others_is_used_and_left_as_it_was(folder, server, database):
    folder.write(_101_table=TABLE, _102_more=SAME["rows"] + SAME["views"])
    options = RunOptions(scratch=ScratchServerConfig(server), role="deployer")
    migrations = folder.load(settings=False).migrations
    result = squash_migrations(migrations, LedgerTable(), options, SquashRequest(102))
    assert (result.differences, result.failure, result.lost) == ((), None, ())
    assert "OWNER TO" not in result.text
    query = "SELECT datname FROM pg_database WHERE datname LIKE 'pgbraid_scratch%'"
    assert database.rows(query) == []


def test_baseline_above_one_megabyte_is_proven_and_runs(folder, squash, database):
    rows = "INSERT INTO t (name) SELECT repeat('x', 100) || i FROM generate_series(1, 12000) i;"
    folder.write(_101_table=TABLE, _102_rows=rows)
    assert squash().ok
    assert (folder.path / "102_baseline.sql").stat().st_size > 1_000_000
    folder.load(settings=False).up(database.conninfo)
    assert database.value("SELECT count(*) FROM t") == 12000
