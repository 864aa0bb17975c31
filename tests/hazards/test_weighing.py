"""How findings are weighed: by size, by the locks that are held, by traffic."""

import pytest

from pgbraid.hazards.analysis.context import Weights
from pgbraid.hazards.analysis.weighing import duration, severity_of
from pgbraid.model.findings import Blocks
from pgbraid.model.hazards.sizes import Sizes
from tests.fixtures.hazards import every_table, size_of

ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, state text);"
INDEX = "CREATE INDEX ON orders (state);"
BEHIND = "ALTER TABLE orders ADD COLUMN region text;\nUPDATE orders SET region = 'x';"


@pytest.mark.parametrize(
    ("seconds", "severity"),
    [
        (0.0, "none"),
        (0.099, "none"),
        (0.1, "notice"),
        (0.99, "notice"),
        (1.0, "warning"),
        (9.99, "warning"),
        (10.0, "error"),
        (None, "warning"),
    ],
)
def test_severity_grows_with_seconds(seconds, severity):
    assert severity_of(seconds, Weights()) == severity


def test_thresholds_are_those_of_the_settings():
    weights = Weights(warn=60.0, error=600.0)
    assert [severity_of(s, weights) for s in (59.0, 60.0, 600.0)] == ["notice", "warning", "error"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0.4 s"),
        (7.2, "7 s"),
        (119, "119 s"),
        (540, "9 min"),
        (9000, "2 h"),
        (259200, "3 days"),
    ],
)
def test_duration_has_one_unit(seconds, text):
    assert duration(seconds) == text


def only(findings, rule):
    (finding,) = [f for f in findings if f.rule == rule]
    return finding


@pytest.mark.parametrize(
    ("rows", "severity"),
    [(1_000, None), (500_000, "notice"), (5_000_000, "warning"), (10**9, "error")],
)
def test_one_index_is_weighed_by_rows(hazard_bench, rows, severity):
    found = hazard_bench.findings(ORDERS, INDEX, sizes=every_table(rows))
    assert [f.severity for f in found if f.rule == "index-build"] == (
        [severity] if severity else []
    )


def test_table_without_size_is_a_warning(hazard_bench):
    sizes = Sizes({"public.other": size_of(1)}, "test")
    finding = only(hazard_bench.findings(ORDERS, INDEX, sizes=sizes), "index-build")
    assert (finding.severity, finding.seconds, finding.rows) == ("warning", None, None)


def test_busy_table_is_one_grade_higher(hazard_bench):
    quiet = only(hazard_bench.findings(ORDERS, INDEX, sizes=every_table(500_000)), "index-build")
    busy = only(
        hazard_bench.findings(
            ORDERS, INDEX, sizes=every_table(500_000, reads_per_s=9.0, writes_per_s=5000.0)
        ),
        "index-build",
    )
    assert (quiet.severity, quiet.queries_waiting) == ("notice", None)
    assert busy.severity == "warning"
    # an index build keeps only writers waiting
    assert busy.queries_waiting == round(busy.seconds * 5000)


def test_lock_of_earlier_statement_counts_for_later_work(hazard_bench):
    finding = only(hazard_bench.findings(ORDERS, BEHIND), "work-under-lock")
    assert finding.blocks is Blocks.READS_AND_WRITES
    assert (finding.held_since, finding.statement_number, finding.line) == (1, 2, 2)
    assert finding.seconds > 60
    assert finding.object == "public.orders"


def test_statements_of_a_file_outside_a_transaction_hold_no_lock_for_others(hazard_bench):
    text = f"-- pgbraid: no-transaction\n{BEHIND}"
    assert hazard_bench.rules(ORDERS, text) == {"large-write"}


def test_new_table_counts_as_empty(hazard_bench):
    text = (
        "CREATE TABLE n (id bigint, state text);\nCREATE INDEX ON n (state);\nUPDATE n SET id = 1;"
    )
    assert hazard_bench.rules(ORDERS, text) == set()


def test_new_table_has_the_size_of_the_one_that_fills_it(hazard_bench):
    text = (
        "ALTER TABLE orders ADD COLUMN region text;\nCREATE TABLE n AS SELECT * FROM orders;\n"
        "CREATE INDEX ON n (state);"
    )
    found = hazard_bench.findings(ORDERS, text)
    under = [f for f in found if f.rule == "work-under-lock"]
    assert [f.statement_number for f in under] == [2, 3]
    assert not [f for f in found if f.rule == "index-build"]  # no other session uses the table


def test_table_of_the_deploy_before_keeps_the_size_of_its_old_name(hazard_bench):
    sizes = Sizes({"public.orders": size_of(10**9)}, "test", timezone="UTC")
    rename = "ALTER TABLE orders RENAME TO purchases;"
    found = hazard_bench.findings(ORDERS, rename, "CREATE INDEX ON purchases (state);", sizes=sizes)
    finding = only(found, "index-build")
    assert (finding.severity, finding.object, finding.rows) == ("error", "public.orders", 10**9)


def test_partitions_are_reported_once_at_their_table(hazard_bench):
    before = (
        "CREATE TABLE e (id bigint, day date NOT NULL) PARTITION BY RANGE (day);\n"
        "CREATE TABLE e1 PARTITION OF e FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');\n"
        "CREATE TABLE e2 PARTITION OF e FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');\n"
    )
    found = hazard_bench.findings(before, "ALTER TABLE e ALTER id TYPE text;")
    assert only(found, "rewrite").object == "public.e"


def test_migration_may_use_prepared_statements(hazard_bench):
    text = (
        "PREPARE one AS SELECT 1;\nEXECUTE one;\nPREPARE two AS SELECT 2;\nDEALLOCATE one;\n"
        "EXECUTE two;\nDEALLOCATE ALL;\nALTER TABLE orders ADD COLUMN region text;\n"
        "DISCARD PLANS;\nUPDATE orders SET region = 'x';"
    )
    (file,) = hazard_bench.observe(ORDERS, text)
    assert file.failure is None
    assert [len(s.locks) > 0 for s in file.statements] == [False] * 6 + [True] * 3


def test_statements_that_hidden_code_removes_are_prepared_again(hazard_bench):
    text = (
        "CREATE FUNCTION forget() RETURNS int LANGUAGE plpgsql AS"
        " $$ BEGIN EXECUTE 'DEALLO' || 'CATE ALL'; RETURN 1; END $$;"
        "ALTER TABLE orders ADD COLUMN region text; SELECT forget();"
        "DO $$ BEGIN PERFORM forget(); END $$; ALTER TABLE orders ADD COLUMN city text;"
    )
    one, other = hazard_bench.observe(ORDERS, text, "ALTER TABLE orders ADD COLUMN street text;")
    assert (one.failure, other.failure) == (None, None)
    assert [len(s.changed) for s in one.statements] == [0, 1, 0, 0, 1]
    assert other.statements[0].changed


@pytest.mark.parametrize(
    "first",
    [
        "PREPARE one AS SELECT 1;",
        "DEALLOCATE ALL;",
        "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; EXECUTE 'PREPARE one AS SELECT 1'; END $$;",
        "-- pgbraid: no-transaction\nPREPARE one AS SELECT 1;\nVACUUM orders;",
        "-- pgbraid: no-transaction\nDISCARD ALL;",
    ],
)
def test_next_migration_has_no_prepared_statement_of_the_one_before(hazard_bench, first):
    second = "PREPARE one AS SELECT 2; ALTER TABLE orders ADD COLUMN region text;"
    seen = hazard_bench.observe(ORDERS, first, second)
    assert [file.failure for file in seen] == [None, None]
    assert seen[1].statements[1].changed
