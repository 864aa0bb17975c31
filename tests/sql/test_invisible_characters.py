"""Invisible characters are reported with their place; in quotes and comments they are data."""

import pytest

from pgbraid.sql.checks.invisible import code_points, invisible_characters
from pgbraid.sql.parser import parse
from pgbraid.sql.stream import split_stream

NBSP, ZWSP, BOM = "\u00a0", "\u200b", "\ufeff"


def found(text):
    return [(at, code_points(char)) for at, char in invisible_characters(parse(text))]


def test_invisible_character_is_named_with_its_place():
    text = f"CREATE TABLE{NBSP}a ();\nSELECT{ZWSP} 1;{BOM}"
    assert found(text) == [
        (12, "U+00A0 (NO-BREAK SPACE)"),
        (25, "U+200B (ZERO WIDTH SPACE)"),
        (29, "U+FEFF (ZERO WIDTH NO-BREAK SPACE)"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT '{}'",
        "SELECT E'a\\'{}'",
        'SELECT 1 AS "{}"',
        "SELECT $$ {} $$, $x${}$x$",
        "-- {}\nSELECT 1",
        "SELECT /* {} /* {} */ {} */ 1",
        "SELECT 1; -- {}",
        "/* {} */",
        "COPY t FROM stdin;\na{}b\n\\.\nSELECT 1",
        "\\restrict x\nSELECT 'é{}'",
    ],
)
@pytest.mark.parametrize("char", [NBSP, ZWSP, BOM])
def test_invisible_character_in_quotes_comments_and_data_is_text(text, char):
    assert found(text.replace("{}", char)) == []


@pytest.mark.parametrize("text", ["{}SELECT 1", "SELECT 1{}", "SELECT{}1; {}", "{}", "-- a\n{}b"])
def test_invisible_character_elsewhere_is_reported(text):
    places = [index for index, char in enumerate(text.replace("{}", NBSP)) if char == NBSP]
    assert [at for at, _ in found(text.replace("{}", NBSP))] == places


def test_byte_order_mark_at_beginning_is_allowed():
    assert found(f"{BOM}SELECT 1") == []
    assert found(f"{BOM}{BOM}SELECT 1") == [(0, "U+FEFF (ZERO WIDTH NO-BREAK SPACE)")]


@pytest.mark.parametrize("char", ["\x0b", "\x1a", "\x7f", "\x85", "\u3000", "\u2028", "\u00ad"])
def test_related_characters_are_reported(char):
    assert len(found(f"SELECT{char}1")) == 1


@pytest.mark.parametrize("text", ["SELECT\t1\r\n\f", "SELECT é, 列, 'ß', ñandú", "SELECT 😀"])
def test_visible_or_usual_characters_are_allowed(text):
    assert found(text) == []


def test_mark_in_middle_of_large_text_stays_where_it_is():
    """It may be the first character of a window of the search."""
    chunks = [f"SELECT '{'x' * 140_000}';", f"{BOM}SELECT 2;", "SELECT 3;" * 20_000]
    parts = list(split_stream(chunks))
    assert "".join(part.script.text for part in parts) == "".join(chunks)
