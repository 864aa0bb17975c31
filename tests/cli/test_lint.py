"""``pgbraid lint``, ``up --hazards`` and ``check --base --lint``."""

import json

import psycopg
import pytest

from pgbraid.hazards.rules.catalogue import RULE_IDS

ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, state text);\n"
INDEX = "CREATE INDEX orders_state ON orders (state);\n"
BEHIND = "ALTER TABLE orders ADD COLUMN region text;\nUPDATE orders SET region = 'north';\n"
LARGE = {"rows": 31_000_000, "bytes": 5_000_000_000, "index_bytes": 900_000_000}
SIZES = {
    "pgbraid_sizes": 1,
    "taken_at": "2026-11-20T04:00:00+00:00",
    "server_version": "16.4",
    "timezone": "UTC",
    "tables": {"public.orders": LARGE},
}


@pytest.fixture
def sizes(folder):
    folder.path.parent.joinpath("sizes.json").write_text(json.dumps(SIZES))
    return str(folder.path.parent / "sizes.json")


def rules_of(document, *severities):
    return [f["rule"] for f in document["findings"] if f["severity"] in severities]


def test_pending_migrations_of_a_database_are_judged_by_its_sizes(
    folder, cli, scratch_env, database
):
    folder.write(_1_orders=ORDERS)
    cli("up", code=0)
    folder.write(_2_index=INDEX, _3_behind=BEHIND)
    document = cli("lint", "--json", env=scratch_env, code=0).json
    assert document["judged"] == "pending"
    assert [trace["version"] for trace in document["traces"]] == [2, 3]
    assert document["sizes"]["from"]
    assert database.versions() == [1]
    database.run("INSERT INTO orders SELECT g, 'x' FROM generate_series(1, 200000) g")
    database.run("ANALYZE orders")
    document = cli("lint", "--json", env=scratch_env, code=0).json
    assert ("index-build", 2) in {(f["rule"], f["version"]) for f in document["findings"]}
    (behind,) = [f for f in document["findings"] if f["rule"] == "work-under-lock"]
    assert behind["severity"] == "warning"
    assert 190_000 < behind["rows"] < 210_000
    assert behind["held_since"] == 1


def test_text_shows_timeline_finding_and_better_sql(folder, cli, scratch_env, sizes):
    folder.write(_1_orders=ORDERS, _2_index=INDEX, _3_behind=BEHIND)
    out = cli("lint", "--all", "--sizes", sizes, env=scratch_env, code=1).out
    assert "3_behind.sql  public.orders: reads and writes blocked for about " in out
    assert "orders 31 M rows" in out
    assert "3_behind.sql:2: ERROR:  work-under-lock: every row of public.orders is written" in out
    assert "LINE 2: UPDATE orders SET region = 'north'" in out
    assert "    CREATE INDEX CONCURRENTLY orders_state ON public.orders" in out
    assert "1_orders" not in out
    assert out.rstrip().splitlines()[-1].startswith("3 migrations judged on PostgreSQL ")


def test_named_version_is_judged_alone(folder, cli, scratch_env, sizes):
    folder.write(_1_orders=ORDERS, _2_index=INDEX, _3_behind=BEHIND)
    document = cli("lint", "2", "--sizes", sizes, "--json", env=scratch_env, code=1).json
    assert document["judged"] == "named"
    assert {f["version"] for f in document["findings"]} == {2}


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1), ("notice", 1)])
def test_exit_code_depends_on_fail_on(folder, cli, scratch_env, fail_on, code):
    folder.write(_1_orders=ORDERS, _2_index=INDEX)
    cli("lint", "--all", "--fail-on", fail_on, env=scratch_env, code=code)


def test_migration_that_fails_is_a_finding_with_its_line(folder, cli, scratch_env):
    folder.write(_1_orders=ORDERS, _2_broken="SELECT 1;\nALTER TABLE nothing ADD COLUMN a int;\n")
    answer = cli("lint", "--all", env=scratch_env, code=3)
    assert '2_broken.sql:2:1: ERROR:  relation "nothing" does not exist' in answer.out
    document = cli("lint", "--all", "--json", env=scratch_env, code=3).json
    (finding,) = [f for f in document["findings"] if f["rule"] == "fails"]
    assert (finding["version"], finding["line"]) == (2, 2)


def test_nothing_pending_starts_no_server(folder, cli):
    folder.write(_1_orders=ORDERS)
    cli("up", code=0)
    nowhere = {"PGBRAID_SCRATCH_URL": "postgresql://nobody@127.0.0.1:1/none"}
    assert "Nothing to judge" in cli("lint", env=nowhere, code=0).out


def test_probe_finds_row_on_which_the_migration_fails(folder, cli, scratch_env, database):
    folder.write(_1_orders=ORDERS)
    cli("up", code=0)
    database.run("INSERT INTO orders VALUES (1, 'x'), (2, 'x')")
    folder.write(
        _2_unique="-- pgbraid: no-transaction\n"
        "CREATE UNIQUE INDEX CONCURRENTLY orders_state ON orders (state);\n"
    )
    document = cli("lint", "--probe", "--json", env=scratch_env, code=1).json
    (finding,) = [f for f in document["findings"] if f["rule"] == "may-fail"]
    assert finding["severity"] == "error"
    assert finding["detail"] == "The database has such a row now."
    database.run("DELETE FROM orders")
    cli("lint", "--probe", env=scratch_env, code=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "1:2"),
        ('{"pgbraid_sizes": 99}', "99"),
        (json.dumps({**SIZES, "tables": {"public.orders": {**LARGE, "rows": -1}}}), "rows"),
        (json.dumps({**SIZES, "tables": {"public.carts": LARGE}}), "another database"),
    ],
)
def test_sizes_file_that_cannot_be_used_is_an_error(folder, cli, scratch_env, text, message):
    folder.write(_1_orders=ORDERS, _2_index=INDEX)
    path = folder.path.parent / "sizes.json"
    path.write_text(text)
    answer = cli("lint", "--all", "--sizes", str(path), env=scratch_env, code=2)
    assert message in answer.err


def test_queries_of_which_none_can_be_prepared_are_an_error(folder, cli, scratch_env):
    folder.write(_1_orders=ORDERS, _2_index=INDEX)
    path = folder.path.parent / "queries.sql"
    path.write_text("SELECT nothing FROM nowhere;\n")
    answer = cli("lint", "2", "--queries", str(path), env=scratch_env, code=2)
    assert "none of the 1 queries can be prepared" in answer.err


def test_broken_query_is_named(folder, cli, scratch_env):
    folder.write(_1_orders=ORDERS, _2_drop="ALTER TABLE orders DROP COLUMN state;\n")
    path = folder.path.parent / "queries.sql"
    path.write_text("SELECT state FROM orders WHERE id = $1;\n")
    out = cli("lint", "2", "--queries", str(path), env=scratch_env, code=1).out
    assert (
        'query-breaks: a query of the running release fails: column "state" does not exist' in out
    )
    assert "SELECT state FROM orders WHERE id = $1" in out


@pytest.mark.parametrize(
    "words",
    [
        ("--base", "main", "--all"),
        ("--all", "2"),
        ("--all", "--probe"),
        ("--rules", "2"),
        ("--json", "--all", "--format", "sarif"),
    ],
)
def test_contradicting_options_are_refused(folder, cli, words):
    folder.write(_1_orders=ORDERS)
    cli("lint", *words, code=2)


def test_files_are_not_judged_with_a_database(folder, cli):
    folder.write(_1_orders=ORDERS)
    answer = cli("lint", "--all", "--database", "postgresql://localhost/none", code=2)
    assert "cannot be combined" in answer.err


def test_unknown_version_is_an_error(folder, cli, scratch_env):
    folder.write(_1_orders=ORDERS)
    assert "version 9 has no file" in cli("lint", "9", env=scratch_env, code=2).err


def test_rules_are_listed(folder, cli):
    out = cli("lint", "--rules", code=0).out
    assert all(rule in out for rule in RULE_IDS)
    document = cli("lint", "--rules", "--json", code=0).json
    assert [rule["rule"] for rule in document["rules"]] == list(RULE_IDS)


def test_up_with_hazards_warn_prints_findings_and_runs(folder, cli, scratch_env, database):
    folder.write(_1_orders=ORDERS)
    cli("up", "--hazards", "warn", env=scratch_env, code=0)
    folder.write(_2_drop="ALTER TABLE orders DROP COLUMN state;\n")
    database.run("INSERT INTO orders VALUES (1, 'x')")
    database.run("ANALYZE orders")
    answer = cli("up", "--hazards", "warn", env=scratch_env, code=0)
    assert "drop-column: column state of public.orders is dropped" in answer.err
    assert database.versions() == [1, 2]


def test_up_with_hazards_refuse_stops_before_anything_is_done(folder, cli, scratch_env, database):
    folder.write(_1_orders=ORDERS)
    cli("up", code=0)
    folder.write(_2_add="ALTER TABLE orders ADD COLUMN a int;\n")
    folder.write(_3_drop="ALTER TABLE orders DROP COLUMN state;\n")
    database.run("INSERT INTO orders VALUES (1, 'x')")
    database.run("ANALYZE orders")
    answer = cli("up", "--hazards", "refuse", env=scratch_env, code=1)
    assert "1 grave hazard in the pending migrations, and --hazards is refuse" in answer.err
    assert database.versions() == [1]
    document = cli("up", "--hazards", "refuse", "--json", env=scratch_env, code=1).json
    assert document["error"]["type"] == "HazardsRefused"
    allowed = "-- pgbraid: allow-hazard=drop-column(orders) the release of May does not use it\n"
    folder.write(_3_drop=f"{allowed}ALTER TABLE orders DROP COLUMN state;\n")
    document = cli("up", "--hazards", "refuse", "--json", env=scratch_env, code=0).json
    assert [
        f["allowed"] for f in document["hazards"]["findings"] if f["rule"] == "drop-column"
    ] == ["the release of May does not use it"]
    assert database.versions() == [1, 2, 3]


def test_proof_reports_hazards_of_what_it_replays(folder, cli, scratch_env, database):
    folder.write(_1_orders=ORDERS, _3_more="CREATE TABLE more (id int);\n")
    cli("up", code=0)
    database.run("INSERT INTO orders VALUES (1, 'x')")
    database.run("ANALYZE orders")
    folder.write(_2_drop="ALTER TABLE orders DROP COLUMN state;\n")
    answer = cli("prove", env=scratch_env, code=0)
    assert answer.out.startswith("same: ")
    assert "drop-column: column state of public.orders is dropped" in answer.out
    document = cli("prove", "--json", env=scratch_env, code=0).json
    assert rules_of(document["hazards"], "error") == ["drop-column"]


def test_report_page_shows_the_findings(folder, cli, scratch_env):
    folder.write(_1_orders=ORDERS)
    cli("up", code=0)
    folder.write(_2_drop="ALTER TABLE orders DROP COLUMN state;\n")
    document = cli("lint", "2", "--json", env=scratch_env, code=1).out
    path = folder.path.parent / "lint.json"
    path.write_text(document)
    cli("report", "--hazards", str(path), code=0)
    page = (folder.path.parent / "pgbraid-report.html").read_text()
    assert "drop-column" in page
    assert "column state of public.orders is dropped" in page


@pytest.fixture
def history_that_fails_elsewhere(folder, cli, database):
    """A database whose history needs a table that no migration makes."""
    database.run("CREATE TABLE made_by_hand (id int)")
    folder.write(_1_orders=f"{ORDERS}ALTER TABLE made_by_hand ADD COLUMN a int;\n")
    cli("up", code=0)
    folder.write(_2_add="ALTER TABLE orders ADD COLUMN a int;\n")
    return database


def test_history_that_cannot_be_replayed_is_an_error_of_lint(
    history_that_fails_elsewhere, cli, scratch_env
):
    answer = cli("lint", env=scratch_env, code=3)
    assert "1_orders is in the history, and fails on the scratch server" in answer.err


def test_history_that_cannot_be_replayed_stops_a_run_only_with_refuse(
    history_that_fails_elsewhere, cli, scratch_env
):
    answer = cli("up", "--hazards", "refuse", env=scratch_env, code=1)
    assert "no hazards could be measured, and --hazards is refuse; nothing was run" in answer.err
    assert history_that_fails_elsewhere.versions() == [1]
    answer = cli("up", "--hazards", "warn", env=scratch_env, code=0)
    assert "WARNING:  no hazards were measured: 1_orders fails on the scratch server" in answer.err
    assert history_that_fails_elsewhere.versions() == [1, 2]


def test_missing_scratch_server_does_not_stop_a_run_with_warn(folder, cli, database):
    folder.write(_1_orders=ORDERS)
    cli("up", code=0)
    folder.write(_2_add="ALTER TABLE orders ADD COLUMN a int;\n")
    nowhere = {"PGBRAID_SCRATCH_URL": "postgresql://nobody@127.0.0.1:1/none"}
    answer = cli("up", "--hazards", "warn", env=nowhere, code=0)
    assert "WARNING:  no hazards were measured" in answer.err
    assert database.versions() == [1, 2]


def test_passwords_in_migrations_are_masked(folder, cli, scratch_env):
    folder.write(
        _1_orders=ORDERS,
        _2_state="UPDATE orders SET state='token=hunter2';\n"
        "ALTER TABLE orders DROP COLUMN state;\n",
    )
    for form in ("text", "json", "github", "gitlab", "sarif"):
        answer = cli("lint", "2", "--format", form, env=scratch_env)
        assert "large-write" in answer.out, answer
        assert "hunter2" not in answer.out + answer.err


@pytest.mark.parametrize("where", ["pending", "all"])
def test_file_without_a_statement_is_refused_as_up_refuses_it(folder, cli, scratch_env, where):
    folder.write(_1_orders=ORDERS)
    cli("up", code=0)
    folder.write(_2_empty="-- nothing yet\n")
    answer = cli("lint", *(["--all"] if where == "all" else []), env=scratch_env, code=1)
    assert "2_empty.sql has no statement" in answer.err


@pytest.mark.parametrize("text", ["DROP TABLE {} CASCADE", "TRUNCATE {}", "DELETE FROM {}"])
def test_write_to_the_ledger_fails_as_in_up(folder, cli, scratch_env, text):
    folder.write(_1_orders=ORDERS, _2_ledger=text.format("applied_migrations"))
    document = cli("lint", "2", "--json", env=scratch_env, code=3).json
    (finding,) = [f for f in document["findings"] if f["rule"] == "fails"]
    assert "writes to public.applied_migrations" in finding["message"]


def test_prepared_statements_that_a_block_removes_do_not_matter(folder, cli, scratch_env):
    removing = "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$;\nDEALLOCATE ALL;\n"
    folder.write(_1_orders=ORDERS, _2_behind=removing + BEHIND)
    document = cli("lint", "2", "--json", env=scratch_env, code=0).json
    assert "work-under-lock" in rules_of(document, "warning")


def test_name_with_a_line_break_keeps_the_timeline_in_its_lines(folder, cli, scratch_env):
    folder.write(_1_orders='CREATE TABLE "a\nb" (i int);', _2_index='CREATE INDEX ON "a\nb" (i);')
    out = cli("lint", "2", env=scratch_env, code=0).out
    assert "takes |  a b\n" in out


def test_probe_that_found_a_row_has_no_hint_to_probe(folder, cli, scratch_env, database):
    folder.write(_1_orders=ORDERS)
    cli("up", code=0)
    database.run("INSERT INTO orders VALUES (1, NULL)")
    folder.write(_2_not_null="ALTER TABLE orders ALTER state SET NOT NULL")
    document = cli("lint", "--probe", "--json", env=scratch_env, code=1).json
    (finding,) = [f for f in document["findings"] if f["rule"] == "may-fail"]
    assert (finding["severity"], finding["hint"]) == ("error", None)


def test_role_of_a_no_transaction_file_is_refused_on_a_server_of_others(folder, cli, scratch_env):
    block = "DO $$ BEGIN EXECUTE 'CREATE ROLE lint_other'; END $$;\n"
    folder.write(_1_orders=ORDERS, _2_role=f"-- pgbraid: no-transaction\n{block}")
    answer = cli("lint", "2", env=scratch_env, code=2)
    assert "changes what the databases" in answer.err
    roles = "SELECT count(*) FROM pg_roles WHERE rolname = 'lint_other'"
    with psycopg.connect(scratch_env["PGBRAID_SCRATCH_URL"]) as scratch:
        assert scratch.execute(roles).fetchone() == (0,)


def test_time_zone_that_the_scratch_server_lacks_is_noted(folder, cli, scratch_env, sizes):
    text = json.dumps({**SIZES, "timezone": "Mars/Olympus"})
    folder.path.parent.joinpath("sizes.json").write_text(text)
    folder.write(_1_orders=ORDERS, _2_index="CREATE INDEX ON orders (id);")
    notes = cli("lint", "2", "--sizes", sizes, "--json", env=scratch_env, code=1).json["notes"]
    assert any("no time zone 'Mars/Olympus'" in note for note in notes)


def test_migration_that_fails_cannot_be_allowed(folder, cli, scratch_env):
    folder.write(
        _1_orders=ORDERS, _2_lost="-- pgbraid: allow-hazard=fails it may\nDROP TABLE lost;"
    )
    answer = cli("lint", "2", env=scratch_env, code=3)
    assert "allow-hazard=fails cannot allow a migration that fails" in answer.out + answer.err
    assert "ALLOWED" not in answer.out


def test_locked_ledger_ends_lint_with_the_name_of_the_session(folder, cli, scratch_env, database):
    folder.write(_1_orders=ORDERS)
    cli("up", code=0)
    with psycopg.connect(database.conninfo) as other:
        other.execute("LOCK TABLE applied_migrations")
        answer = cli("lint", env=scratch_env, code=4)
    assert "applied_migrations or its journal is locked" in answer.err


def test_number_of_rows_that_no_table_can_have_is_refused(folder, cli, sizes):
    tables = {"public.orders": {"rows": 1e300}}
    folder.path.parent.joinpath("sizes.json").write_text(json.dumps({**SIZES, "tables": tables}))
    folder.write(_1_orders=ORDERS)
    assert "must be a whole number" in cli("lint", "--all", "--sizes", sizes, code=2).err


@pytest.mark.parametrize("command", ["lint", "up", "up --dry-run"])
def test_history_that_up_adopts_is_behind_the_judged_migrations(
    folder, cli, scratch_env, database, command
):
    database.run("CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty bool)")
    database.run("INSERT INTO schema_migrations VALUES (1, false)")
    database.run(ORDERS)
    folder.write(_1_orders=ORDERS, _2_state="ALTER TABLE orders DROP COLUMN state;")
    refusing = ("--hazards", "refuse") if command != "lint" else ()
    answer = cli(*command.split(), *refusing, env=scratch_env, code=1)
    assert "drop-column: column state of public.orders" in answer.out + answer.err
    assert "1 migration judged" in answer.out + answer.err
