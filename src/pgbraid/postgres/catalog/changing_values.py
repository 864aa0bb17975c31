"""Finds the values that differ between two replays of one order: clocks, random numbers.

Only such values are left out of a comparison, not the columns they stand in: a row that both
replays have must be there in the other order, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from psycopg import sql

from pgbraid.postgres.catalog.changing_text import Texts, what_stays
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
"""Rows of a column that are compared at once; of more, only the buckets that differ."""
_ANY_BUCKET = range(_BUCKETS)
_MOST_TEXTS, _LONGEST_TEXTS = 1000, 1_000_000
"""Changing values of a column, and characters of them all, that are looked at part by part."""
_TIMES = frozenset({"1082", "1083", "1114", "1184", "1186", "1266"})
"""The oids of the types of times: one of which a part changes is another time."""


@dataclass(frozen=True, slots=True)
class ChangingRows:
    """What of the rows differs between two replays of one order.

    ``left`` says how to compare the rows of the first replay. ``values`` says of each column, by
    table, how many values of it change; None of a column, or of a table under an empty name, that
    cannot be compared at all. ``texts`` are the values of which a part may stay.
    """

    left: Meaning = field(default_factory=Meaning)
    values: Mapping[tuple[str, str], int | None] | None = None
    texts: Mapping[tuple[str, str], Texts] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values)


def find_changing(left: tuple[Connection, Rows], right: tuple[Connection, Rows]) -> ChangingRows:
    """Return what differs between the rows of two replays of one order. Raises psycopg's error."""
    theirs = {table.label: table for table in right[1].tables}
    differing = [
        table
        for table in left[1].tables
        if left[1].digests.get(table.label) != right[1].digests.get(table.label)
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
        may_stay = {column.name for column in table.columns if column.type not in _TIMES}
        for column, found in _changing_columns(left[0], right[0], table):
            values[table.name, column] = None if found is None else len(found[0])
            for side, mask in enumerate(masks):
                mask[table.name, column] = EVERY if found is None else Mask(found[side])
            if found and column in may_stay:
                both = (
                    _texts(*of, table, column)
                    for of in zip((left[0], right[0]), found, strict=True)
                )
                ours, again = both
                if ours and again:
                    texts[table.name, column] = Texts(ours, again)
    keys = _referred(left[1].tables) & values.keys()
    meanings = [Meaning(frozenset(keys), mask, frozenset(excluded)) for mask in masks]
    while unlike := _unlike(left, right, meanings):
        excluded |= unlike
        meanings = [replace(meaning, excluded=frozenset(excluded)) for meaning in meanings]
    values |= dict.fromkeys(((name, "") for name in excluded), None)
    texts = {place: found for place, found in texts.items() if place[0] not in excluded}
    return ChangingRows(meanings[0], values, texts)


def in_parts(
    *orders: ChangingRows,
) -> tuple[tuple[ChangingRows, ...], frozenset[tuple[str, str]]]:
    """Return what changes in each order, with what stays in the masks, and in which columns."""
    columns = set[tuple[str, str]]()
    masks = [dict(changing.left.masks) for changing in orders]
    for place in {place for changing in orders for place in changing.texts}:
        has = [n for n, changing in enumerate(orders) if place in changing.left.masks]
        found = [orders[n].texts.get(place) for n in has]
        stays = None if None in found else what_stays(*(f for f in found if f))
        for n, kept in zip(has, stays or (), strict=False):
            masks[n][place] = replace(masks[n][place], stays=kept)
            columns.add(place)
    changed = (
        replace(changing, left=replace(changing.left, masks=mask))
        for changing, mask in zip(orders, masks, strict=True)
    )
    return tuple(changed), frozenset(columns)


def _unlike(
    left: tuple[Connection, Rows], right: tuple[Connection, Rows], meanings: list[Meaning]
) -> set[str]:
    """Return the tables whose rows are not the same although all that changes is masked."""
    ours, _ = digests_by_meaning(left[0], left[1].tables, meanings[0])
    theirs, _ = digests_by_meaning(right[0], right[1].tables, meanings[1])
    return {t.name for t in left[1].tables if ours.get(t.label) != theirs.get(t.label)}


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
    left: Connection, right: Connection, table: RowTable
) -> Iterator[tuple[str, tuple[frozenset[int], frozenset[int]] | None]]:
    """Yield the columns with values that change: the hashes of these on either side.

    None stands for a column where no value can be told from those that do not change, as with
    random numbers among few.
    """
    columns = [column.name for column in table.columns]
    sums = [_sums(conn, table, columns) for conn in (left, right)]
    for column in columns:
        if sums[0][column] == sums[1][column]:
            continue
        counts = _counts(left, right, table, column)
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
    left: Connection, right: Connection, table: RowTable, column: str
) -> tuple[dict[int, int], dict[int, int]]:
    """Return how often each value stands in a column, by its hash, on both sides.

    Of a large table, values are left out that certainly stand on both sides equally often.
    """
    buckets: list[int] | None = None
    if max(_count(conn, table) for conn in (left, right)) > _FEW:
        ours, theirs = (_by_bucket(conn, table, column) for conn in (left, right))
        buckets = [n for n in _ANY_BUCKET if ours.get(n) != theirs.get(n)]
    one, other = (_values(conn, table, column, buckets) for conn in (left, right))
    return one, other


def _count(conn: Connection, table: RowTable) -> int:
    with reading_rows(conn):
        (answer,) = query_json(conn, [f"SELECT to_json(count(*)) FROM {table.source}"])
    return int(answer)


def _texts(
    conn: Connection, hashes: frozenset[int], table: RowTable, column: str
) -> dict[int, tuple[str, int]] | None:
    """Return the texts of the values with these hashes; None where they are too much to look at."""
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
    found = {int(value): (text, int(number)) for value, text, number in answer}
    return found if found.keys() == hashes else None


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
