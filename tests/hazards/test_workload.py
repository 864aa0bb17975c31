import pytest

from pgbraid.hazards.workload import Query, format_workload, parse_workload
from pgbraid.model.errors import ConfigError


def test_each_statement_has_its_line_and_keeps_its_parameters():
    text = (
        "-- a comment; with a semicolon\n"
        "SELECT * FROM a WHERE id = $1;\n"
        "\n"
        "UPDATE a\n   SET b = ';'\n WHERE c = $2 ; SELECT 1;\r\n"
        "SELECT 2"
    )
    assert parse_workload(text, "q.sql") == (
        Query("SELECT * FROM a WHERE id = $1", 2),
        Query("UPDATE a\n   SET b = ';'\n WHERE c = $2", 4),
        Query("SELECT 1", 6),
        Query("SELECT 2", 7),
    )


@pytest.mark.parametrize("text", ["", "\n", "-- nothing\n", ";;"])
def test_file_without_statements_has_no_query(text):
    assert parse_workload(text, "q.sql") == ()


def test_what_is_written_is_read_again_in_order():
    queries = ("SELECT b FROM c WHERE d = $1", "DELETE FROM a")
    text = format_workload(queries)
    assert [query.text for query in parse_workload(text, "q.sql")] == sorted(queries)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1;\n\\gset\n", "q.sql:2:1: \\gset is a meta-command of psql"),
        ("SELECT 1;\n  SELECT 'x;\n", "q.sql:2:10: a quote or comment has no end"),
        ("SELECT 1 /* x;", "q.sql:1:10: a quote or comment has no end"),
        ("SELECT $$x;", "q.sql:1:8: a quote or comment has no end"),
        ("SELECT 1;\nCOPY a FROM STDIN;\n1\n\\.\n", "q.sql:2:1: COPY from the client cannot be"),
    ],
)
def test_what_is_no_statement_is_an_error_with_the_place(text, message):
    with pytest.raises(ConfigError) as raised:
        parse_workload(text, "q.sql")
    assert raised.value.message.startswith(message)
    assert "pgbraid sizes --queries" in raised.value.hint
