"""The document with the hazards that the page shows."""

import json

import pytest

from pgbraid import ConfigError
from pgbraid.page.sections.hazards import parse_hazards
from tests.fixtures.pages import Elements, page_of, row

FULL = {
    "rule": "A1",
    "severity": "error",
    "version": 12,
    "file": "migrations/012_x.sql",
    "line": 3,
    "end_line": 4,
    "statement_number": 2,
    "object": "public.orders",
    "lock": "ACCESS EXCLUSIVE",
    "blocks": "reads and writes",
    "seconds": 41.5,
    "held_since": "statement 1",
    "rows": 1_200_000,
    "bytes": 3_400_000_000,
    "queries_waiting": 820.5,
    "message": "rewrites the table",
    "hint": "Add the column first.",
    "instead": "ALTER TABLE …",
    "allowed": None,
}
NOTICE = {"rule": "C2", "severity": "notice", "message": "small"}


def test_members_are_read_and_the_most_severe_comes_first():
    text = json.dumps({"findings": [NOTICE, {**FULL, "unknown": [1]}], "format": 1})
    first, second = parse_hazards(text, "h.json")
    assert {name: getattr(first, name) for name in FULL} == FULL
    assert (second.rule, second.version) == ("C2", None)


def test_findings_without_weight_are_left_out():
    text = json.dumps({"findings": [{**NOTICE, "severity": "none"}, NOTICE]})
    assert [hazard.severity for hazard in parse_hazards(text, "h.json")] == ["notice"]


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ("{", "h.json is not JSON"),
        ("[]", "h.json has no list `findings`"),
        ('{"findings": {}}', "h.json has no list `findings`"),
        ('{"findings": [1]}', "h.json: findings[0] is not an object"),
        ({"rule": "A"}, "h.json: findings[1] has no severity"),
        ({**NOTICE, "severity": "fatal"}, "h.json: findings[1].severity must be"),
        ({**NOTICE, "seconds": "long"}, "h.json: findings[1].seconds is not a number"),
        ({**NOTICE, "rows": True}, "h.json: findings[1].rows is not a number"),
        ({**NOTICE, "message": {}}, "h.json: findings[1].message is not a text"),
        ({**NOTICE, "seconds": float("nan")}, "h.json: findings[1].seconds is not a finite"),
        ("[" * 100_000, "h.json is not JSON"),
    ],
)
def test_other_shape_is_refused_with_its_place(document, place):
    text = document
    if isinstance(document, dict):
        text = json.dumps({"findings": [NOTICE, document]})
    with pytest.raises(ConfigError) as caught:
        parse_hazards(text, "h.json")
    assert caught.value.message.startswith(place)


def test_page_shows_hazards():
    hazards = parse_hazards(json.dumps({"findings": [FULL, NOTICE]}), "h.json")
    page = page_of([row(1)], hazards=hazards)
    text = Elements(page.html).text
    for part in ("ACCESS EXCLUSIVE", "41.50 s", "1,200,000 rows, 3.4 GB", "820 queries wait"):
        assert part in text
    assert "012_x.sql:3" in text
    assert page.json["hazards"][0]["object"] == "public.orders"
    assert page.json["tiles"]["hazards"] == 2


def test_page_without_hazards_has_no_such_section():
    assert 'id="hazards"' not in page_of([row(1)]).html
    assert "None was found." in Elements(page_of([row(1)], hazards=()).html).text
