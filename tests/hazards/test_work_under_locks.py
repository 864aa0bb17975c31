"""Work while a transaction keeps others out: on new tables, through indexes, inside a DO block."""

import pytest

from tests.fixtures.hazards import every_table

SCHEMA = """
CREATE TABLE t (id bigint PRIMARY KEY, a int NOT NULL, b int, status text NOT NULL);
CREATE UNIQUE INDEX t_a_b ON t (a, b);
CREATE INDEX t_status ON t (status);
CREATE TABLE p (id bigint PRIMARY KEY);
"""
LOCK = "ALTER TABLE p ADD COLUMN c int;\n"
COPY = "CREATE TABLE n (id bigint, r bigint);\nINSERT INTO n SELECT id, id FROM t;\n"


@pytest.fixture
def under_lock(hazard_bench):
    """Return line, blocked statements, table and message of each work under a lock."""

    def find(text):
        found = hazard_bench.findings(SCHEMA, text, sizes=every_table(50_000_000))
        return [
            (f.line, f.blocks.value, f.object, f.message)
            for f in found
            if f.rule == "work-under-lock"
        ]

    return find


@pytest.mark.parametrize(
    ("statement", "doing"),
    [
        ("ALTER TABLE n ADD FOREIGN KEY (r) REFERENCES t (id)", "every row of public.n is checked"),
        ("ALTER TABLE n ADD CHECK (r > 0)", "every row of public.n is read"),
        ("ALTER TABLE n ALTER r SET NOT NULL", "every row of public.n is read"),
        ("ALTER TABLE n ADD UNIQUE (id)", "an index is built on public.n"),
        ("CREATE INDEX ON n (r)", "an index is built on public.n"),
        ("ALTER TABLE n ALTER id TYPE text", "every row of public.n is read"),
        ("UPDATE n SET r = 1", "every row of public.n is written"),
        ("DELETE FROM n", "every row of public.n is written"),
        ("CREATE TABLE m AS SELECT * FROM n", "the rows of public.n are copied"),
    ],
)
def test_work_on_a_new_table_that_an_old_one_filled_counts(under_lock, statement, doing):
    found = under_lock(f"{LOCK}{COPY}{statement};")
    assert [line for line, *_ in found] == [3, 4]
    assert found[-1][3] == f"{doing} while line 1 keeps readers and writers out of public.p"


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE n ADD FOREIGN KEY (r) REFERENCES t (id)",
        "ALTER TABLE n ADD UNIQUE (id)",
        "UPDATE n SET r = 1",
    ],
)
def test_work_on_a_new_table_with_given_rows_does_not_count(under_lock, statement):
    new = "CREATE TABLE n (id bigint, r bigint);\nINSERT INTO n VALUES (1, 1);\n"
    assert under_lock(f"{LOCK}{new}{statement};") == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM t",
        "SELECT a, b FROM t GROUP BY a, b HAVING count(*) > 1",
        "SELECT FROM t WHERE b = 1",
    ],
)
def test_select_that_reads_a_whole_index_counts(under_lock, statement):
    found = under_lock(f"{LOCK}{statement};")
    assert [(line, table) for line, _, table, _ in found] == [(2, "public.p")]


@pytest.mark.parametrize(
    "statement",
    ["SELECT FROM t WHERE a = 1", "SELECT FROM t WHERE id = 5", "SELECT FROM t LIMIT 1"],
)
def test_select_of_few_rows_does_not_count(under_lock, statement):
    assert under_lock(f"{LOCK}{statement};") == []


@pytest.mark.parametrize(
    ("body", "doing"),
    [
        (
            "ALTER TABLE t ADD COLUMN c int; UPDATE t SET c = 1;",
            "rows of public.t that no index finds are written",
        ),
        (
            "ALTER TABLE t ADD COLUMN c int; CREATE INDEX t_c ON t (c);",
            "an index is built on public.t",
        ),
        (
            "CREATE TABLE n (LIKE t); LOCK TABLE t IN ACCESS EXCLUSIVE MODE;"
            " INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
            "the rows of public.t are copied",
        ),
    ],
    ids=["update", "index", "copy"],
)
def test_lock_and_work_in_one_block_are_found(under_lock, body, doing):
    ((line, blocks, table, message),) = under_lock(f"DO $$ BEGIN {body} END $$;")
    assert (line, blocks, table) == (1, "reads and writes", "public.t")
    assert message == f"{doing} while the same statement keeps readers and writers out of it"


@pytest.mark.parametrize(
    "body",
    [
        "ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES t;",
        "ALTER TABLE t ADD UNIQUE (b, id);",
        "CREATE INDEX t_b ON t (b);",
        "IF EXISTS (SELECT FROM t WHERE b = 1) THEN ALTER TABLE t ADD COLUMN c int; END IF;",
        "UPDATE t SET b = 1;",
    ],
)
def test_block_with_no_lock_beyond_that_of_its_work_has_no_such_finding(under_lock, body):
    assert under_lock(f"DO $$ BEGIN {body} END $$;") == []


def test_line_is_that_of_the_lock_which_blocks(under_lock):
    text = (
        "CREATE TABLE n (id bigint REFERENCES t);\nALTER TABLE t ADD COLUMN c int;\n"
        "UPDATE t SET c = 1;"
    )
    ((line, _, _, message),) = under_lock(text)
    assert line == 3
    assert message.endswith("while line 2 keeps readers and writers out of it")


def test_copy_of_a_dropped_partition_is_no_scan_of_a_new_partition(hazard_bench):
    schema = (
        "CREATE TABLE e (id bigint, day date) PARTITION BY RANGE (day);"
        "CREATE TABLE e1 PARTITION OF e FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
    )
    block = (
        "DO $$ BEGIN CREATE TABLE n (LIKE e); LOCK TABLE e IN ACCESS EXCLUSIVE MODE;"
        " INSERT INTO n SELECT * FROM e1; DROP TABLE e1;"
        " CREATE TABLE e2 PARTITION OF e FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
        " END $$;"
    )
    rules = hazard_bench.rules(schema, block)
    assert "work-under-lock" in rules
    assert "partition-scan" not in rules
