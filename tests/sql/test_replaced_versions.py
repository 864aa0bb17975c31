"""The directive replaces: an exact list of versions."""

import pytest

from pgbraid.sql.directives import directive_errors, read_directives
from pgbraid.sql.parser import parse
from pgbraid.sql.replaced_versions import format_replaced, parse_replaced

TIMESTAMPS = [20240101000000 + 1000000 * n for n in range(300)]


@pytest.mark.parametrize(
    ("value", "versions"),
    [
        ("1", (1,)),
        ("1-3", (1, 2, 3)),
        ("3,1-2,7", (1, 2, 3, 7)),
        ("007", (7,)),
        ("0-1", (0, 1)),
        (f"{2**63 - 1}", (2**63 - 1,)),
    ],
)
def test_list_is_read(value, versions):
    assert parse_replaced(value) == (versions, ())


@pytest.mark.parametrize(
    "value", ["", "a", "1,", "1--2", "3-1", "1-", "1-9999999", "1_", "-1", "1 "]
)
def test_wrong_list_is_error(value):
    assert isinstance(parse_replaced(value), str)


@pytest.mark.parametrize(
    "versions", [[1], [1, 2], [1, 2, 3], [1, 3, 4, 5, 9], TIMESTAMPS, [*range(1, 500)]]
)
def test_written_list_is_read_as_same_versions(versions):
    text = format_replaced(versions, [(versions[0], "baseline")])
    directives = read_directives(f"{text}SELECT 1;")
    assert directives.replaces == tuple(versions)
    assert directives.earlier_baselines == ((versions[0], "baseline"),)
    assert list(directive_errors(parse(f"{text}SELECT 1;"), after_statements=False)) == []
    assert all(len(line) <= 100 for line in text.splitlines())


def test_list_stands_beside_other_directives():
    text = "-- pgbraid: lock-timeout=2s, replaces=1-3,5, statement-timeout=1s\nSELECT 1;"
    directives = read_directives(text)
    assert (directives.replaces, directives.lock_timeout) == ((1, 2, 3, 5), 2.0)
    assert directives.statement_timeout == 1.0


@pytest.mark.parametrize(
    "head", ["replaces=1-x", "replaces=", "replaces", "replaces=1 no-transaction"]
)
def test_wrong_directive_is_reported(head):
    assert list(directive_errors(parse(f"-- pgbraid: {head}\nSELECT 1;"), after_statements=False))


def test_misspelt_directive_is_reported():
    script = parse("-- pgbraid replaces=1-3\nSELECT 1;")
    assert list(directive_errors(script, after_statements=False))
