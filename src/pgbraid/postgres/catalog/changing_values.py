"""Finds the values that differ between two replays of one order: clocks, random numbers.

Only these values are left out of a comparison, not their columns: a row that both replays have
must exist in the other order, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from psycopg import sql

from pgbraid.postgres.catalog.changing_text import Texts, constant_parts
from pgbraid.postgres.catalog.read import query_json
from pgbraid.postgres.catalog.row_digests import reading_rows
from pgbraid.postgres.catalog.row_identity import EVERY, Mask, Meaning, digests_by_meaning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pgbraid.postgres.catalog.row_digests import Rows
    from pgbraid.postgres.catalog.tables_with_rows import RowTable
    from pgbraid.postgres.client.connection import Connection

__all__ = ["ChangingRows", "find_changing", "in_parts"]

_BUCKETS = 1024
_FEW = 20_000
"""Up to so many rows are compared at once; of more rows, only the buckets that differ."""
_ANY_BUCKET = range(_BUCKETS)
_MOST_TEXTS, _LONGEST_TEXTS = 1000, 1_000_000
"""Limits for comparing texts part by part: changing values of a column, and their characters."""
_TIMES = frozenset({"1082", "1083", "1114", "1184", "1186", "1266"})
"""The oids of the date and time types, whose values have no constant part."""


@dataclass(frozen=True, slots=True)
class ChangingRows:
    """The values in rows that differ between two replays of one order.

    ``meaning`` defines how to compare the rows of the first replay. ``values`` has, by table and
    column, the number of values that change. It has None for a column that cannot be compared
    at all, and for such a table under an empty column name. ``texts`` has the values of which a
    part may be constant.
    """

    meaning: Meaning = field(default_factory=Meaning)
    values: Mapping[tuple[str, str], int | None] | None = None
    texts: Mapping[tuple[str, str], Texts] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values)


def find_changing(first: tuple[Connection, Rows], second: tuple[Connection, Rows]) -> ChangingRows:
    """Return the values that differ between two replays of one order. Raises psycopg's errors."""
    theirs = {table.label: table for table in second[1].tables}
    differing = [
        table
        for table in first[1].tables
        if first[1].digests.get(table.label) != second[1].digests.get(table.label)
    ]
    if not differing:
        return ChangingRows()
    masks: tuple[dict[tuple[str, str], Mask], ...] = ({}, {})
    values: dict[tuple[str, str], int | None] = {}
    texts: dict[tuple[str, str], Texts] = {}
    excluded = set[str]()
    for table in differing:
        if table.label not in theirs or not table.is_read:
            excluded.add(table.name)
            continue
        divisible = {column.name for column in table.columns if column.type not in _TIMES}
        for column, hashes in _changing_columns(first[0], second[0], table):
            values[table.name, column] = None if hashes is None else len(hashes[0])
            for side, mask in enumerate(masks):
                mask[table.name, column] = EVERY if hashes is None else Mask(hashes[side])
            if hashes and column in divisible:
                ours, again = (
                    _texts(*of, table, column)
                    for of in zip((first[0], second[0]), hashes, strict=True)
                )
                if ours and again:
                    texts[table.name, column] = Texts(ours, again)
    keys = _referred(first[1].tables) & values.keys()
    meanings = [Meaning(frozenset(keys), mask, frozenset(excluded)) for mask in masks]
    # Excluding a table changes the digests of the tables linked to it: repeat until none differs.
    while unequal := _unequal_tables(first, second, meanings):
        excluded |= unequal
        meanings = [replace(meaning, excluded=frozenset(excluded)) for meaning in meanings]
    values |= dict.fromkeys(((name, "") for name in excluded), None)
    texts = {place: both for place, both in texts.items() if place[0] not in excluded}
    return ChangingRows(meanings[0], values, texts)


def in_parts(
    *orders: ChangingRows,
) -> tuple[tuple[ChangingRows, ...], frozenset[tuple[str, str]]]:
    """Add the constant parts of texts to the masks of each order; return also their columns."""
    columns = set[tuple[str, str]]()
    masks = [dict(changing.meaning.masks) for changing in orders]
    for place in {place for changing in orders for place in changing.texts}:
        has = [n for n, changing in enumerate(orders) if place in changing.meaning.masks]
        texts = [orders[n].texts.get(place) for n in has]
        parts = None if None in texts else constant_parts(*(t for t in texts if t))
        for n, constant in zip(has, parts or (), strict=False):
            masks[n][place] = replace(masks[n][place], constant=constant)
            columns.add(place)
    changed = (
        replace(changing, meaning=replace(changing.meaning, masks=mask))
        for changing, mask in zip(orders, masks, strict=True)
    )
    return tuple(changed), frozenset(columns)


def _unequal_tables(
    first: tuple[Connection, Rows], second: tuple[Connection, Rows], meanings: list[Meaning]
) -> set[str]:
    """Return the tables whose rows differ although all changing values are masked."""
    ours, _ = digests_by_meaning(first[0], first[1].tables, meanings[0])
    theirs, _ = digests_by_meaning(second[0], second[1].tables, meanings[1])
    return {t.name for t in first[1].tables if ours.get(t.label) != theirs.get(t.label)}


def _referred(tables: tuple[RowTable, ...]) -> set[tuple[str, str]]:
    """Return the columns that foreign keys refer to."""
    names = {table.oid: table.name for table in tables}
    return {
        (names[key.table], column)
        for table in tables
        for key in table.keys
        if key.table in names
        for column in key.referred
    }


def _changing_columns(
    first: Connection, second: Connection, table: RowTable
) -> Iterator[tuple[str, tuple[frozenset[int], frozenset[int]] | None]]:
    """Yield the columns with changing values, and the hashes of these values on either side.

    Yield None for the hashes if a value is on both sides, but not equally often. Then changing
    values cannot be separated from others: a column of random numbers from a small range.
    """
    columns = [column.name for column in table.columns]
    # One scan finds the columns that differ; only these are then compared value by value.
    sums = [_sums(conn, table, columns) for conn in (first, second)]
    for column in columns:
        if sums[0][column] == sums[1][column]:
            continue
        counts = _counts(first, second, table, column)
        ours, theirs = counts
        both = ours.keys() & theirs.keys()
        if any(ours[value] != theirs[value] for value in both):
            yield column, None
        else:
            yield column, (frozenset(ours.keys() - both), frozenset(theirs.keys() - both))


def _sums(conn: Connection, table: RowTable, columns: list[str]) -> dict[str, str | None]:
    sums = ", ".join(f"sum({_hash(column)})::text" for column in columns)
    with reading_rows(conn):
        (answer,) = query_json(conn, [f"SELECT to_json(ARRAY[{sums}]) FROM {table.source}"])
    return dict(zip(columns, answer, strict=True))


def _counts(
    first: Connection, second: Connection, table: RowTable, column: str
) -> tuple[dict[int, int], dict[int, int]]:
    """Return how many rows have each value of a column, by its hash, on both sides.

    Of a large table, leave out the buckets of values that are equal on both sides.
    """
    buckets: list[int] | None = None
    if max(_count(conn, table) for conn in (first, second)) > _FEW:
        ours, theirs = (_by_bucket(conn, table, column) for conn in (first, second))
        buckets = [n for n in _ANY_BUCKET if ours.get(n) != theirs.get(n)]
    one, other = (_values(conn, table, column, buckets) for conn in (first, second))
    return one, other


def _count(conn: Connection, table: RowTable) -> int:
    with reading_rows(conn):
        (answer,) = query_json(conn, [f"SELECT to_json(count(*)) FROM {table.source}"])
    return int(answer)


def _texts(
    conn: Connection, hashes: frozenset[int], table: RowTable, column: str
) -> dict[int, tuple[str, int]] | None:
    """Return the texts of the values with these hashes; None if there are too many."""
    if len(hashes) > _MOST_TEXTS:
        return None
    name, listed = sql.Identifier(column).as_string(None), ",".join(map(str, sorted(hashes)))
    query = (
        "SELECT json_agg(json_build_array(value::text, text, n)) FROM"
        f" (SELECT {_hash(column)} AS value, max({name}::text) AS text, count(*) AS n"
        f" FROM {table.source} WHERE {_hash(column)} = ANY ('{{{listed}}}'::int8[])"
        f" GROUP BY 1 HAVING count({name}) > 0) AS found"
    )
    with reading_rows(conn):
        (answer,) = query_json(conn, [query])
    if answer is None or sum(len(text) for _, text, _ in answer) > _LONGEST_TEXTS:
        return None
    texts = {int(value): (text, int(number)) for value, text, number in answer}
    return texts if texts.keys() == hashes else None


def _by_bucket(conn: Connection, table: RowTable, column: str) -> dict[int, str]:
    query = (
        "SELECT json_agg(json_build_array(n, total)) FROM"
        f" (SELECT {_hash(column)} & {_BUCKETS - 1} AS n, sum({_hash(column)})::text AS total"
        f" FROM {table.source} GROUP BY 1) AS bucket"
    )
    with reading_rows(conn):
        (answer,) = query_json(conn, [query])
    return {int(number): total for number, total in answer}


def _values(
    conn: Connection, table: RowTable, column: str, buckets: list[int] | None
) -> dict[int, int]:
    where = ""
    if buckets is not None:
        listed = ",".join(map(str, buckets))
        where = f" WHERE ({_hash(column)} & {_BUCKETS - 1}) = ANY ('{{{listed}}}'::int8[])"
    query = (
        "SELECT json_agg(json_build_array(value::text, n)) FROM"
        f" (SELECT {_hash(column)} AS value, count(*) AS n FROM {table.source}{where}"
        " GROUP BY 1) AS found"
    )
    with reading_rows(conn):
        (answer,) = query_json(conn, [query])
    return {int(value): int(number) for value, number in answer}


def _hash(column: str) -> str:
    return f"hashtextextended(ROW({sql.Identifier(column).as_string(None)})::text, 0)"
