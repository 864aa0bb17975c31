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


PARTED = """
CREATE TABLE e (id bigint, day date, v int) PARTITION BY RANGE (day);
CREATE TABLE e_def PARTITION OF e DEFAULT;
CREATE TABLE d (id bigint, day date) PARTITION BY RANGE (day);
CREATE TABLE d1 PARTITION OF d FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE t (id bigint PRIMARY KEY, v int);
CREATE TABLE orders (id bigint PRIMARY KEY, t_id bigint REFERENCES t);
CREATE TABLE i (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v int);
CREATE TABLE p (id bigint PRIMARY KEY);
"""


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE e SET v = 1;",
        "SELECT count(*) FROM e;",
        "DELETE FROM e_def WHERE v = 2;",
        "CREATE TABLE n AS SELECT * FROM e_def;",
        "ALTER TABLE e ADD FOREIGN KEY (id) REFERENCES t;",
        "DO $$ BEGIN PERFORM count(*) FROM e; END $$;",
    ],
)
def test_read_of_a_default_partition_is_no_scan_for_a_new_one(hazard_bench, text):
    assert "partition-scan" not in hazard_bench.rules(PARTED, text)


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE e1 PARTITION OF e FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
        "DO $$ BEGIN ALTER TABLE d DETACH PARTITION d1; ALTER TABLE d ATTACH PARTITION d1"
        " FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'); END $$;",
    ],
    ids=["beside a default partition", "detached and attached"],
)
def test_scan_for_a_new_partition_is_found(hazard_bench, text):
    assert "partition-scan" in hazard_bench.rules(PARTED, text)


@pytest.mark.parametrize(
    "body",
    [
        "IF NOT EXISTS (SELECT FROM t WHERE v = 3) THEN CREATE TABLE n (id bigint REFERENCES t);"
        " END IF;",
        "IF NOT EXISTS (SELECT FROM t WHERE v = 3) THEN INSERT INTO t VALUES (1, 3); END IF;"
        " ALTER TABLE p ADD COLUMN c int;",
        "IF EXISTS (SELECT FROM t WHERE v = 3) THEN RAISE 'x'; END IF; CREATE SEQUENCE sq;"
        " ALTER TABLE p ADD COLUMN c int;",
        "CREATE INDEX ON d (id);",
        "ALTER TABLE e ADD CHECK (v > 0);",
        "ALTER TABLE e ADD FOREIGN KEY (id) REFERENCES t;",
        "CREATE TABLE e2 PARTITION OF e FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
        "ALTER TABLE t ALTER id TYPE int;",
    ],
)
def test_guard_or_single_statement_in_a_block_is_no_work_under_another_lock(hazard_bench, body):
    assert "work-under-lock" not in hazard_bench.rules(PARTED, f"DO $$ BEGIN {body} END $$;")


def test_object_is_the_table_and_not_its_sequence(hazard_bench):
    block = (
        "DO $$ BEGIN CREATE TABLE n (LIKE i); LOCK TABLE i IN ACCESS EXCLUSIVE MODE;"
        " INSERT INTO n SELECT * FROM i; DROP TABLE i; ALTER TABLE n RENAME TO i; END $$;"
    )
    found = hazard_bench.findings(PARTED, block)
    assert [f.object for f in found if f.rule == "work-under-lock"] == ["public.i"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT EXISTS (SELECT FROM t)",
        "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM t)",
        "SELECT a FROM t LIMIT 1",
        "SELECT a FROM t ORDER BY id LIMIT 1",
    ],
)
def test_select_that_ends_at_the_first_row_does_not_count(under_lock, statement):
    assert under_lock(f"{LOCK}{statement};") == []
    assert [line for line, *_ in under_lock(f"{LOCK}{COPY}SELECT * FROM n LIMIT 1;")] == [3]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT a FROM t GROUP BY a HAVING count(*) > 1 LIMIT 1",
        "SELECT count(*) FROM t LIMIT 1",
        "SELECT b FROM t ORDER BY b LIMIT 1",
        "SELECT ARRAY(SELECT id FROM t)",
        "INSERT INTO p SELECT a FROM t GROUP BY a HAVING count(*) > 1 LIMIT 1",
    ],
)
def test_limit_above_a_node_that_reads_all_rows_does_not_hide_it(under_lock, statement):
    assert [line for line, *_ in under_lock(f"{LOCK}{statement};")] == [2]


def test_truncated_new_table_is_empty_again(under_lock):
    text = f"{LOCK}{COPY}CREATE INDEX ON n (id);\nTRUNCATE n;\nUPDATE n SET r = 1;"
    assert [line for line, *_ in under_lock(text)] == [3, 4]


@pytest.mark.parametrize(
    ("new", "later", "message"),
    [
        ("CREATE TEMP TABLE x AS SELECT * FROM t", "UPDATE x SET b = 1", "every row of pg_temp.x"),
        ("CREATE TEMP TABLE x AS SELECT * FROM t", "INSERT INTO p SELECT a FROM x", "the rows of"),
        ("CREATE TABLE x AS SELECT * FROM t", "UPDATE x SET b = 1;\nDROP TABLE x", "every row of"),
    ],
    ids=["temporary, updated", "temporary, copied", "dropped at the end"],
)
def test_new_table_that_is_gone_at_the_end_counts(under_lock, new, later, message):
    found = under_lock(f"{LOCK}{new};\n{later};")
    assert [line for line, *_ in found] == [2, 3]
    assert found[1][3].startswith(message)


def test_moved_rows_fill_a_new_table(under_lock):
    text = (
        f"{LOCK}CREATE TABLE n (LIKE t);\n"
        "WITH d AS (DELETE FROM t RETURNING *) INSERT INTO n SELECT * FROM d;\n"
        "UPDATE n SET b = 1;"
    )
    assert [line for line, *_ in under_lock(text)] == [3, 4]


def test_foreign_key_that_a_type_change_makes_again_is_found_behind_a_lock(hazard_bench):
    text = "ALTER TABLE orders ADD COLUMN z int;\nALTER TABLE t ALTER id TYPE int;"
    assert "foreign-key-scan" in hazard_bench.rules(PARTED, text)


def test_foreign_key_to_a_new_partition_is_no_new_key(hazard_bench):
    schema = (
        "CREATE TABLE par (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE r (id int, pid int REFERENCES par);"
    )
    text = (
        "CREATE TABLE par2 (id int PRIMARY KEY);\n"
        "ALTER TABLE par ATTACH PARTITION par2 FOR VALUES FROM (0) TO (9);"
    )
    found = hazard_bench.findings(schema, text)
    assert [f.rule for f in found if f.object == "public.r"] == []


def test_read_only_transaction_is_a_failure(hazard_bench):
    (file,) = hazard_bench.observe(SCHEMA, "SET transaction_read_only = on; SELECT 1;")
    assert file.failure.message.endswith(" in a read-only transaction")
