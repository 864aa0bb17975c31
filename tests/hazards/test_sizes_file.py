import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgbraid.hazards.sizes_file import format_sizes, parse_sizes
from pgbraid.model.errors import ConfigError
from pgbraid.model.hazards.sizes import Sizes, TableSize

_AT = datetime(2026, 11, 20, 9, 0, 0, tzinfo=UTC)
_WHOLE = Sizes(
    {
        "public.orders": TableSize(412_000_000, 90_000_000_000, 30_000_000_000, 0, 120.5, 3.25),
        "public.customers": TableSize(None, None, part_of="public.people"),
    },
    "sizes.json",
    taken_at=_AT,
    server_version="15.18",
    timezone="Europe/Berlin",
    stats_since=_AT,
    standbys=2,
    published=frozenset({"public.orders", "public.customers"}),
)


def file_of(**members):
    return json.dumps({"pgbraid_sizes": 1, "tables": {}, **members})


def test_file_has_one_table_in_a_line_in_order_of_names():
    assert format_sizes(_WHOLE) == (
        "{\n"
        '  "pgbraid_sizes": 1,\n'
        '  "taken_at": "2026-11-20T09:00:00Z",\n'
        '  "server_version": "15.18",\n'
        '  "timezone": "Europe/Berlin",\n'
        '  "stats_since": "2026-11-20T09:00:00Z",\n'
        '  "standbys": 2,\n'
        '  "published": [\n'
        '    "public.customers",\n'
        '    "public.orders"\n'
        "  ],\n"
        '  "tables": {\n'
        '    "public.customers": {"rows": null, "bytes": null, "index_bytes": null, '
        '"toast_bytes": null, "reads_per_s": null, "writes_per_s": null, '
        '"part_of": "public.people"},\n'
        '    "public.orders": {"rows": 412000000, "bytes": 90000000000, '
        '"index_bytes": 30000000000, "toast_bytes": 0, '
        '"reads_per_s": 120.5, "writes_per_s": 3.25}\n'
        "  }\n"
        "}\n"
    )


def test_what_is_written_is_read_again():
    assert parse_sizes(format_sizes(_WHOLE), "sizes.json") == _WHOLE
    assert parse_sizes(format_sizes(Sizes({}, "x")), "x") == Sizes({}, "x")


@given(st.text(st.characters(), max_size=80))
def test_any_name_survives_in_one_printable_line(name):
    sizes = Sizes({name: TableSize(1, 2)}, "x", published=frozenset({name}))
    text = format_sizes(sizes)
    assert parse_sizes(text.encode().decode(), "x") == sizes
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.count("\n") == len(format_sizes(_WHOLE).splitlines()) - 2


def test_file_written_by_hand_needs_only_format_and_tables():
    sizes = parse_sizes('{"pgbraid_sizes": 1, "tables": {"public.a": {"rows": 5e6}}}', "x")
    assert sizes.get("public.a") == TableSize(5_000_000, None)
    assert sizes.get("public.b") is None


def test_time_of_another_zone_is_the_same_time():
    assert parse_sizes(file_of(taken_at="2026-11-20T10:00:00+01:00"), "x").taken_at == _AT


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "sizes.json:1:1: no valid JSON: Expecting value"),
        ('{\n  "pgbraid_sizes": 1,\n  "tables": {,}\n}', "sizes.json:3:14: no valid JSON"),
        ("[" * 100_000, "sizes.json: the JSON is nested too deeply"),
        ("[]", "sizes.json: this is no sizes file: it has no member pgbraid_sizes"),
        ('{"tables": {}}', "sizes.json: this is no sizes file: it has no member pgbraid_sizes"),
        ('{"pgbraid_sizes": 1}', "sizes.json: the member tables is missing"),
        (file_of(pgbraid_sizes=2), "sizes.json: the sizes file has format 2, and this release"),
        (
            file_of(pgbraid_sizes=True),
            "pgbraid_sizes must be the number of a format, from 1, not t",
        ),
        (
            file_of(pgbraid_sizes="1"),
            'pgbraid_sizes must be the number of a format, from 1, not "1"',
        ),
        (file_of(pgbraid_sizes=0), "pgbraid_sizes must be the number of a format, from 1, not 0"),
        (file_of(tables=[]), "sizes.json: tables must be an object, not []"),
        (file_of(table={}), 'sizes.json: "table" is not a member of the format'),
        (file_of(tables={"a.b": 5}), 'tables["a.b"] must be an object, not 5'),
        (file_of(tables={"a.b": {"row": 5}}), 'tables["a.b"]."row" is not a member of the format'),
        (
            file_of(tables={"a.b": {"rows": -1}}),
            'tables["a.b"].rows must be a whole number from 0, or null, not -1',
        ),
        (
            file_of(tables={"a.b": {"bytes": 1.5}}),
            "must be a whole number from 0, or null, not 1.5",
        ),
        (file_of(tables={"a.b": {"rows": "1"}}), 'must be a whole number from 0, or null, not "1"'),
        (
            file_of(tables={"a.b": {"rows": True}}),
            "must be a whole number from 0, or null, not true",
        ),
        (
            file_of(tables={"a.b": {"reads_per_s": -0.5}}),
            'tables["a.b"].reads_per_s must be a number from 0, or null, not -0.5',
        ),
        (file_of(tables={"a.b": {"rows": float("nan")}}), "sizes.json: NaN is no valid JSON"),
        (file_of(tables={"a.b": {"rows": float("inf")}}), "sizes.json: Infinity is no valid JSON"),
        (
            '{"pgbraid_sizes": 1, "tables": {"a.b": {"rows": 1e999}}}',
            "must be a whole number from 0, or null, not Infinity",
        ),
        (
            '{"pgbraid_sizes": 1, "tables": {"a.b": {"rows": 1%s}}}' % ("0" * 5000),
            "sizes.json: a number has 5001 digits",
        ),
        (
            '{"pgbraid_sizes": 1, "tables": {"a.b": {}, "a.b": {}}}',
            'sizes.json: the member "a.b" is there twice',
        ),
        (file_of(tables={"a.b": {"part_of": 1}}), 'tables["a.b"].part_of must be a text or null'),
        (file_of(standbys=-1), "standbys must be a whole number from 0, or null, not -1"),
        (file_of(published="a.b"), 'published must be a list of texts, not "a.b"'),
        (file_of(published=[1]), "published must be a list of texts, not [1]"),
        (file_of(timezone=1), "timezone must be a text or null, not 1"),
        (file_of(taken_at="today"), "taken_at must be a time with its zone, such as 2026-11-20T09"),
        (file_of(taken_at="2026-11-20T09:00:00"), "taken_at must be a time with its zone"),
        (file_of(stats_since="0001-01-01T00:00:00+23:00"), "stats_since must be a time"),
        (file_of(server_version=["x" * 500]), "xxx…"),
    ],
)
def test_wrong_file_is_an_error_with_the_place(text, message):
    with pytest.raises(ConfigError) as raised:
        parse_sizes(text, "sizes.json")
    assert message in raised.value.message
    assert raised.value.message.startswith("sizes.json:")
    assert len(raised.value.message) < 250
    assert "pgbraid sizes --output" in raised.value.hint
