"""Finds the sequences whose next value a row has already, so that an INSERT will fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from pgbraid.postgres.catalog.read import query_json
from pgbraid.postgres.catalog.row_digests import reading_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.model.snapshot import Facts
    from pgbraid.postgres.catalog.tables_with_rows import Column, RowTable
    from pgbraid.postgres.client.connection import Connection

__all__ = ["positions"]

_NUMBERS = frozenset({"20", "21", "23", "1700"})
"""The oids of bigint, smallint, integer and numeric."""
_TEXTS = frozenset({"25", "1042", "1043"})
"""The oids of text, character and character varying: ``'A-' || nextval('s')`` is a key, too."""


def positions(conn: Connection, tables: Iterable[RowTable]) -> dict[str, Facts]:
    """Return the sequences whose next value, or a later one, is taken by a row already.

    The next INSERT then fails, or a later one. Raises psycopg's errors.
    """
    drawn = [
        (table, column, sequence)
        for table in tables
        if table.is_read
        for column in table.columns
        if column.type in _NUMBERS | _TEXTS or not column.built_in
        for sequence in column.sequences
    ]
    if not drawn:
        return {}
    texts = [_position(table, column, sequence) for table, column, sequence in drawn]
    with reading_rows(conn):
        answers = query_json(conn, texts)
    return {
        f"next value of sequence {sequence} for {table.name}.{_name(column)}": (
            None,
            None,
            *answer,
        )
        for (table, column, sequence), answer in zip(drawn, answers, strict=True)
        if answer == ["taken"]
    }


def _position(table: RowTable, column: Column, sequence: str) -> str:
    literal = sql.Literal(sequence).as_string(None)
    value = _name(column)
    if column.type not in _NUMBERS:
        # The last number in a text; a domain may be over a numeric type, with a negative value.
        number = "[0-9]{1,18}" if column.type in _TEXTS else "^-?[0-9]{1,18}|[0-9]{1,18}"
        value = f"substring({value}::text from '({number})[^0-9]*$')::numeric"
    # If is_called is false, last_value itself is the next value. A sequence may count down.
    return (
        "SELECT json_build_array(CASE WHEN CASE WHEN d.seqincrement > 0"
        " THEN s.last_value + CASE WHEN s.is_called THEN d.seqincrement ELSE 0 END <= t.most"
        " ELSE s.last_value + CASE WHEN s.is_called THEN d.seqincrement ELSE 0 END >= t.least END"
        f" THEN 'taken' ELSE 'free' END) FROM {sequence} s, pg_sequence d,"
        f" (SELECT max({value}) AS most, min({value}) AS least"
        f" FROM {table.source}) AS t WHERE d.seqrelid = {literal}::regclass"
    )


def _name(column: Column) -> str:
    return sql.Identifier(column.name).as_string(None)
