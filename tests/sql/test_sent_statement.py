import pytest

from pgbraid.sql.sent_statement import is_hidden, usable_text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("SELECT a FROM b WHERE c = $1", "SELECT a FROM b WHERE c = $1"),
        ("/*app='x'*/ select a\n\tFROM b -- of it\n", "select a FROM b"),
        ("SELECT a/* x */FROM b;", "SELECT a FROM b"),
        ('SELECT "a  b", "c -- d" FROM b', 'SELECT "a  b", "c -- d" FROM b'),
        ("((SELECT $1)) UNION SELECT $2", "((SELECT $1)) UNION SELECT $2"),
        ("INSERT INTO a VALUES ($1)", "INSERT INTO a VALUES ($1)"),
        ("MERGE INTO a USING b ON $1 WHEN MATCHED THEN DELETE", ...),
        ("WITH x AS (SELECT $1) SELECT * FROM x", ...),
        ("DELETE FROM a", ...),
        ("UPDATE a SET b = $1::numeric(10, 2) ORDER BY 1", ...),
        ("SELECT id FROM jobs WHERE pg_try_advisory_xact_lock(id)", ...),
        ("SELECT pg_sleep ($1)", ...),
    ],
)
def test_statement_on_rows_is_kept_without_comments(text, kept):
    assert usable_text(text) == (text if kept is ... else kept)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "SET a = $1",
        "CREATE TABLE a (i int)",
        "VACUUM a",
        "SELECT 'secret'",
        "SELECT E'secret'",
        "SELECT $$secret$$",
        "SELECT N'secret'",
        "SELECT 'secr",
        "SELECT $1; SELECT $2",
        "$1",
        "<insufficient privilege>",
        "SELECT * FROM pg_stat_activity",
        "SELECT oid FROM pg_class WHERE relname = $1",
        "SELECT pg_catalog.now()",
        "SELECT * FROM information_schema.tables",
    ],
)
def test_other_text_is_not_kept(text):
    assert usable_text(text) is None


def test_hidden_statement_is_recognised():
    assert is_hidden("<insufficient privilege>")
    assert not is_hidden("SELECT 1")
