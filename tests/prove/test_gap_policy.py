"""gaps = prove: the proof of a gap before it runs, and its report."""

import pytest

import pgbraid
from pgbraid.model.events import GapProven
from pgbraid.model.proof import Verdict

TABLE = "CREATE TABLE t (id int);"


@pytest.fixture
def prove_on(server, monkeypatch):
    """Replay on the server of the tests, as on a server that others use."""
    monkeypatch.setenv("PGBRAID_SCRATCH_URL", server)


@pytest.fixture
def up(folder, database, programs, monkeypatch):
    """Run up with gaps = prove on an embedded scratch server; return report and proofs."""
    monkeypatch.setenv("PGBRAID_PG_BIN", programs)

    def run(conninfo=None, **options):
        proofs = []

        def record_event(event):
            if isinstance(event, GapProven):
                proofs.append(event.proof)

        migrator = folder.load(settings=False, gaps="prove", **options)
        report = migrator.up(conninfo or database.conninfo, on_event=record_event)
        return [o.migration.version for o in report.applied], proofs

    return run


@pytest.mark.parametrize(
    ("third", "fourth"),
    [
        ("CREATE TABLE a (id int);", "ALTER TABLE a ADD name text;"),
        ("ALTER TABLE t ADD COLUMN a int;", "ALTER TABLE t ADD COLUMN b int;"),
        ("CREATE TYPE kind AS ENUM ('x');", "ALTER TYPE kind ADD VALUE 'y';"),
    ],
)
def test_second_gap_is_judged_by_its_own_order(folder, up, third, fourth):
    folder.write(_001_t=TABLE, _005_other="CREATE TABLE o (id int);")
    up()
    folder.write(_003_a=third)
    assert up()[0] == [3]
    folder.write(_004_b=fourth)
    assert up()[0] == [4]


def test_second_gap_is_refused_for_its_own_order(folder, up):
    folder.write(_001_t=TABLE, _005_v="CREATE VIEW v AS SELECT * FROM t;")
    up()
    folder.write(_003_a="CREATE TABLE a (id int);")
    up()
    folder.write(_004_b="ALTER TABLE t ADD COLUMN b int;")
    with pytest.raises(
        pgbraid.NotProven, match="004_b is out of order and not proven: in version order"
    ) as caught:
        up()
    pair = caught.value.proof.pair
    assert (pair.first.version, pair.second.version) == (5, 4)


def test_directive_allows_difference_of_its_own_gap_beside_another(folder, up):
    folder.write(_001_t=TABLE, _005_v="CREATE VIEW v AS SELECT * FROM t;")
    up()
    folder.write(
        _003_a="CREATE TABLE a (id int);",
        _004_c="-- pgbraid: allow-difference=the view follows\n"
        "ALTER TABLE t ADD c int; INSERT INTO a VALUES (1);",
    )
    versions, (proof,) = up()
    assert versions == [3, 4]
    assert proof.allowed_reason == "004_c allows it: the view follows"
    history = [1, 5, 3, 4]
    assert folder.load(settings=False).prove(history=history).allowed_reason == proof.allowed_reason


@pytest.mark.server
def test_directive_does_not_allow_difference_of_another_gap(folder):
    folder.write(
        _001_t=TABLE,
        _003_a="ALTER TABLE t ADD a int;",
        _004_c="-- pgbraid: allow-difference=the view follows\nALTER TABLE t ADD c int;",
        _005_v="CREATE VIEW v AS SELECT * FROM t;",
    )
    proof = folder.load(settings=False).prove(history=[1, 5, 3, 4])
    assert proof.allowed_reason is None
    assert {proof.pair.first.version, proof.pair.second.version} == {3, 5}


def test_generated_key_of_another_row_stops_gap(folder, up):
    folder.write(
        _101_tables="CREATE TABLE roles (id serial PRIMARY KEY, name text UNIQUE);"
        "CREATE TABLE users (name text, role_id int REFERENCES roles);",
        _104_guest="INSERT INTO roles (name) VALUES ('guest');",
    )
    up()
    folder.write(
        _103_admin="INSERT INTO roles (name) VALUES ('admin');",
        _105_eve="INSERT INTO users VALUES ('eve', 1);",
    )
    with pytest.raises(pgbraid.NotProven) as caught:
        up()
    assert "rows of table public.users" in caught.value.detail


@pytest.fixture
def renumbered(folder, up):
    folder.write(
        _101_table="CREATE TABLE t (id serial PRIMARY KEY, name text);",
        _104_b="INSERT INTO t (name) VALUES ('b');",
    )
    up()
    return folder.write(_103_a="INSERT INTO t (name) VALUES ('a');")


def test_journal_lists_parts_that_proof_did_not_compare(renumbered, up, database):
    _, (proof,) = up()
    assert proof.verdict is Verdict.SAME
    assert not proof.complete
    (detail,) = database.rows(
        "SELECT detail FROM applied_migrations_journal WHERE event = 'proven'"
    )
    assert detail[0]["not_compared"] == list(proof.not_compared)
    assert detail[0]["not_compared"][0].startswith("public.t.id: generated")


def test_command_lists_parts_that_proof_did_not_compare(renumbered, cli, programs):
    answer = cli("up", "--gaps", "prove", env={"PGBRAID_PG_BIN": programs}, code=0)
    message = (
        "proven: both orders end the same, except 1 object that could not be compared (3 replays)"
    )
    assert message in answer.err
    assert "  not compared: public.t.id: generated" in answer.err


def test_proof_that_left_something_out_is_refused_where_all_is_required(renumbered, up, database):
    with pytest.raises(pgbraid.NotProven, match="not everything was compared") as caught:
        up(gaps_require="complete")
    assert "Not compared: public.t.id" in caught.value.detail
    assert database.versions() == [101, 104]
    renumbered.write(_103_a="CREATE TABLE other (id int);")
    assert up(gaps_require="complete")[0] == [103]


def test_proof_replays_with_rights_of_role_that_migrates(folder, up, database, role):
    """Row security hides rows from ordinary roles, and if it is forced, from the owner, too."""
    database.run(f"GRANT CREATE ON SCHEMA public TO {role}")
    folder.write(
        _101_t="CREATE TABLE t (tenant text); INSERT INTO t VALUES ('a'), ('b');",
        _104_upper="UPDATE t SET tenant = upper(tenant);",
    )
    up(database.as_role(role))
    folder.write(
        _103_policy="ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
        "ALTER TABLE t FORCE ROW LEVEL SECURITY;"
        "CREATE POLICY p ON t USING (tenant = current_setting('app.tenant', true));"
    )
    with pytest.raises(pgbraid.NotProven) as caught:
        up(database.as_role(role))
    assert "rows of table public.t" in caught.value.detail
    assert folder.load(settings=False).prove(database.conninfo).verdict is Verdict.DIFFERENT


def test_rights_that_only_platform_gives_are_named(folder, database, role, programs, monkeypatch):
    """For example, the rights of a role that may create event triggers only on its platform."""
    monkeypatch.setenv("PGBRAID_PG_BIN", programs)
    database.run(
        f"ALTER TABLE IF EXISTS t OWNER TO {role}; GRANT CREATE ON SCHEMA public TO {role}"
    )
    folder.write(
        _101_trigger="CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION f();",
        _104_t=TABLE,
    )
    folder.load(settings=False).up(database.conninfo)
    for table in ("applied_migrations", "applied_migrations_journal"):
        database.run(f"ALTER TABLE {table} OWNER TO {role}")
    folder.write(_103_other="CREATE TABLE o (id int);")
    proof = folder.load(settings=False).prove(database.conninfo)
    assert proof.verdict is Verdict.SAME
    assert len(proof.not_compared) == 1
    assert f"the rights of role {role}: 101_trigger needs rights" in proof.not_compared[0]


def test_undone_migration_is_replayed_with_its_down_file(folder, database):
    folder.write(
        _001_tags="CREATE TABLE tags (name text);", _003_a="INSERT INTO tags VALUES ('a');"
    )
    folder.put("002_x.up.sql", "INSERT INTO tags VALUES ('x');")
    folder.put("002_x.down.sql", "DELETE FROM tags;")
    migrator = folder.load(settings=False)
    migrator.up(database.conninfo)
    migrator.undo(database.conninfo, 2)
    migrator.up(database.conninfo)
    assert database.rows("SELECT name FROM tags") == [("x",)]
    proof = migrator.prove(database.conninfo)
    assert proof.verdict is Verdict.DIFFERENT
    assert "undoing it did not take back all that it did" in proof.no_pair
    database.as_made()
    assert migrator.drift(database.conninfo).ok


def test_table_that_was_undone_and_made_again_is_same(folder, database):
    folder.write(_001_t=TABLE, _003_o="CREATE TABLE o (id int);")
    folder.put("002_x.up.sql", "CREATE TABLE x (id int);")
    folder.put("002_x.down.sql", "DROP TABLE x;")
    migrator = folder.load(settings=False)
    migrator.up(database.conninfo)
    migrator.undo(database.conninfo, 2)
    migrator.up(database.conninfo)
    proof = migrator.prove(database.conninfo)
    assert (proof.verdict, proof.replays > 0) == (Verdict.SAME, True)
    assert [m.version for m in proof.recorded_order] == [1, 3, 2]


@pytest.mark.parametrize(
    ("setting", "fifth", "third"),
    [
        (
            "default_text_search_config = 'pg_catalog.english'",
            "INSERT INTO t SELECT count(*) FROM t WHERE to_tsvector('the') = ''",
            "INSERT INTO t SELECT 7 WHERE to_tsvector('the') = ''",
        ),
        (
            "transform_null_equals = on",
            "INSERT INTO t SELECT count(*) FROM t WHERE (NULL = NULL)",
            "INSERT INTO t SELECT 7 WHERE (NULL = NULL)",
        ),
        (
            "bytea_output = 'escape'",
            "INSERT INTO t SELECT count(*) FROM t WHERE 'a'::bytea::text = 'a'",
            "INSERT INTO t SELECT 7 WHERE 'a'::bytea::text = 'a'",
        ),
        (
            "extra_float_digits = 0",
            "INSERT INTO t SELECT count(*) FROM t WHERE (0.1::float8 + 0.2)::text = '0.3'",
            "INSERT INTO t SELECT 7 WHERE (0.1::float8 + 0.2)::text = '0.3'",
        ),
        (
            "array_nulls = off",
            "INSERT INTO t SELECT count(*) FROM t WHERE ('{NULL}'::text[])[1] = 'NULL'",
            "INSERT INTO t SELECT 7 WHERE ('{NULL}'::text[])[1] = 'NULL'",
        ),
    ],
    ids=["text search", "null", "bytea", "float", "array"],
)
def test_replay_has_settings_of_database(folder, up, database, setting, fifth, third):
    """With the defaults of the server, both orders end the same; with the setting they do not."""
    database.run(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET "
        f"{setting.replace(chr(39), chr(39) * 2)}', current_database()); END $$"
    )
    folder.write(_001_t=TABLE, _005_fifth=f"{fifth};")
    up()
    folder.write(_003_third=f"{third};")
    with pytest.raises(pgbraid.NotProven, match="003_third is out of order and not proven"):
        up()
