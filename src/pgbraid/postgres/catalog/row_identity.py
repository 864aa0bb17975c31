"""Compares rows by meaning: generated keys are compared by the rows that they identify.

Two orders may number the same row differently, because a sequence counts in order of insertion. So
the value of a generated key is not compared. A row is identified by its other columns, and a
foreign key by the row that it refers to. First, each row gets a digest of its own values. Then,
round by round, the digests of the rows that it refers to, and of the rows that refer to it, are
mixed in, until a round distinguishes no more rows than the one before. This algorithm for graphs
is called colour refinement. Rows with the same final digest are interchangeable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from psycopg import sql

from pgbraid.postgres.catalog.read import query_json
from pgbraid.postgres.catalog.row_digests import reading_rows
from pgbraid.postgres.catalog.tables_with_rows import ForeignKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pgbraid.model.snapshot import Facts
    from pgbraid.postgres.catalog.tables_with_rows import Column, RowTable
    from pgbraid.postgres.client.connection import Connection

__all__ = ["EVERY", "Mask", "Meaning", "digests_by_meaning", "generated_keys", "positions"]

_ROUNDS = (2, 4, 8, 16, 32)
"""The numbers of rounds to try, until the last round distinguishes no more rows."""
_NUMBERS = frozenset({"20", "21", "23", "1700"})
"""The oids of bigint, smallint, integer and numeric."""
_TEXTS = frozenset({"25", "1042", "1043"})
"""The oids of text, character and character varying: ``'A-' || nextval('s')`` is a key, too."""


@dataclass(frozen=True, slots=True)
class Mask:
    """The values of a column that are not compared, by their hashes; None for all values.

    If only a part of each value changes, ``constant`` has a digest of the other part by hash.
    This digest is compared.
    """

    hashes: frozenset[int] | None = None
    constant: Mapping[int, str] = field(default_factory=dict)


EVERY = Mask()


@dataclass(frozen=True, slots=True)
class Meaning:
    """How to compare rows.

    ``keys`` are columns that identify a row by a value that differs in every replay, such as a
    random identifier. ``masks`` are the values that differ in every replay, by table and column.
    ``excluded`` are tables whose own values cannot be compared at all.
    """

    keys: frozenset[tuple[str, str]] = frozenset()
    masks: Mapping[tuple[str, str], Mask] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()

    def is_key(self, table: RowTable, column: Column) -> bool:
        """Return whether the values of a column are generated only to identify the row."""
        return column.identifies or (table.name, column.name) in self.keys


class _Link(NamedTuple):
    """A foreign key that refers to a generated key: the numbers of the tables, and the columns."""

    source: int
    columns: tuple[str, ...]
    target: int
    referred: tuple[str, ...]
    of_view: bool
    """Whether the source is a materialized view, which may show keys of deleted rows."""


def generated_keys(tables: Iterable[RowTable], meaning: Meaning) -> Iterator[tuple[RowTable, str]]:
    """Yield the columns whose values are generated only to identify the row, with their tables."""
    for table in tables:
        for column in table.columns:
            if meaning.is_key(table, column):
                yield table, column.name


def digests_by_meaning(
    conn: Connection,
    tables: Iterable[RowTable],
    meaning: Meaning,
    labels: frozenset[str] | None = None,
) -> tuple[dict[str, Facts], frozenset[str]]:
    """Return the digests of the rows of tables, and the tables that need still more rounds.

    Two digests are equal if the rows are equal except for generated keys and masked values. With
    ``labels``, only these tables and the tables linked to them are read. Raises psycopg's errors.
    """
    graph = _Graph(tuple(table for table in tables if table.is_read), meaning)
    chosen = graph.reachable(labels)
    answer: list[tuple[str, str, str, int, int]] = []
    growing: set[str] = set()
    with reading_rows(conn):
        for rounds in _ROUNDS if chosen else ():
            (answer,) = query_json(conn, [graph.query(chosen, rounds)])
            growing = {label for label, _, _, before, after in answer if before != after}
            if not growing:
                break
    digests: dict[str, Facts] = {
        label: (rows, digest, None)
        for label, rows, digest, _, _ in answer
        if rows != "0" and (labels is None or label in labels) and label not in graph.excluded
    }
    names = {graph.tables[n].label: graph.tables[n].name for n in chosen}
    return digests, frozenset(names[label] for label in growing)


class _Graph:
    """The tables, the columns that identify their rows, and the links between the tables."""

    def __init__(self, tables: tuple[RowTable, ...], meaning: Meaning) -> None:
        self.tables, self.meaning = tables, meaning
        self.excluded = {t.label for t in tables if t.name in meaning.excluded}
        self._numbers = {table.oid: n for n, table in enumerate(tables)}
        self._keys = [
            frozenset(c.name for c in table.columns if meaning.is_key(table, c)) for table in tables
        ]
        self._named = self._names_of_rows()
        self._links = [
            _Link(n, key.columns, self._numbers[key.table], key.referred, bool(table.origins))
            for n, table in enumerate(tables)
            for key in (*table.keys, *self._keys_of_view(table))
            if self._refers_to_a_key(key)
        ]
        self._hidden = [self._not_compared(n, table) for n, table in enumerate(tables)]

    def _names_of_rows(self) -> list[frozenset[str]]:
        """Return the columns of each table that hold a generated key of this or another table.

        A column that refers to a generated key can be a part of a key that others refer to.
        """
        named = [set(keys) for keys in self._keys]
        size = -1
        while size != (size := sum(map(len, named))):
            for n, table in enumerate(self.tables):
                for key in table.keys:
                    target = self._numbers.get(key.table)
                    pairs = zip(key.columns, key.referred, strict=True)
                    if target is not None:
                        named[n] |= {column for column, other in pairs if other in named[target]}
        return [frozenset(columns) for columns in named]

    def _refers_to_a_key(self, key: ForeignKey) -> bool:
        target = self._numbers.get(key.table)
        return target is not None and bool(self._named[target].intersection(key.referred))

    def _keys_of_view(self, view: RowTable) -> Iterator[ForeignKey]:
        """Yield a foreign key for each column of a view that shows a generated key.

        The key may be a table's own, or the key that a foreign key refers to.
        """
        for column in view.columns:
            origin = self._origin(view.origins.get(column.number))
            key = self._key_of(*origin) if origin else None
            if key:
                number, name = key
                yield ForeignKey((column.name,), self.tables[number].oid, (name,))

    def _origin(self, place: tuple[str, int] | None) -> tuple[int, str] | None:
        """Return the table and the column that a view's column shows, also through other views."""
        while place and place[0] in self._numbers:
            number = self._numbers[place[0]]
            table = self.tables[number]
            if not table.origins:
                return next(((number, c.name) for c in table.columns if c.number == place[1]), None)
            place = table.origins.get(place[1])
        return None

    def _key_of(self, number: int, column: str) -> tuple[int, str] | None:
        """Return the generated key that a column is, or refers to directly or indirectly."""
        seen = set[tuple[int, str]]()
        while column not in self._keys[number]:
            seen.add((number, column))
            referred = (
                (self._numbers[key.table], other)
                for key in self.tables[number].keys
                if key.table in self._numbers
                for referring, other in zip(key.columns, key.referred, strict=True)
                if referring == column and other in self._named[self._numbers[key.table]]
            )
            step = next((place for place in referred if place not in seen), None)
            if step is None:
                return None
            number, column = step
        return number, column

    def _not_compared(self, number: int, table: RowTable) -> frozenset[str]:
        """Return the columns whose values are not compared: generated keys and links to them."""
        if table.name in self.meaning.excluded:
            return frozenset(column.name for column in table.columns)
        # A masked key is not hidden: its values that are the same in every replay are compared.
        hidden = {c for c in self._keys[number] if (table.name, c) not in self.meaning.masks}
        for link in self._links:
            if link.source == number:
                hidden |= {
                    column
                    for column, other in zip(link.columns, link.referred, strict=True)
                    if other in self._named[link.target]
                }
        return frozenset(hidden | {c.name for c in table.columns if c.made_of & hidden})

    def reachable(self, labels: frozenset[str] | None) -> list[int]:
        """Return the numbers of the tables with these labels, and of all tables linked to them."""
        numbers = {n for n, t in enumerate(self.tables) if labels is None or t.label in labels}
        while True:
            more = {link.target for link in self._links if link.source in numbers}
            more |= {link.source for link in self._links if link.target in numbers}
            if more <= numbers:
                return sorted(numbers)
            numbers |= more

    def query(self, chosen: list[int], rounds: int) -> str:
        """Return the query for the digests of these tables after a number of rounds."""
        linked = {n for link in self._links for n in (link.source, link.target)} & set(chosen)
        texts = [self._first(n) for n in chosen]
        for number in range(1, rounds + 1):
            texts += [self._round(n, number) for n in sorted(linked)]
        answers = (self._answer(n, rounds if n in linked else 0) for n in chosen)
        return (
            f"WITH {', '.join(texts)} SELECT json_agg(json_build_array(label, rows, digest, before,"
            f" after)) FROM ({' UNION ALL '.join(answers)})"
            " AS answer (label, rows, digest, before, after)"
        )

    def _first(self, number: int) -> str:
        """Return the query for a table's rows: their keys, and the digests of their own values."""
        table = self.tables[number]
        values = (
            self._value(table, column.name)
            for column in table.columns
            if column.name not in self._hidden[number]
        )
        keys = (
            f", CASE WHEN {' AND '.join(f'{_name(c)} IS NOT NULL' for c in columns)}"
            f" THEN ROW({', '.join(map(_name, columns))})::text END AS {alias}"
            for columns, alias in self._aliases(number).items()
        )
        return (
            f"q{number}_0 AS MATERIALIZED (SELECT hashtextextended(ROW({', '.join(values)})::text,"
            f" 0) AS c{''.join(keys)} FROM {table.source})"
        )

    def _value(self, table: RowTable, column: str) -> str:
        """Return the expression for a column's value, with the masked values replaced."""
        mask, name = self.meaning.masks.get((table.name, column)), _name(column)
        if mask is None:
            return name
        if mask.hashes is None:
            return "'~'"
        if mask.constant:
            values, digests = (
                ",".join(map(str, listed)) for listed in (mask.constant, mask.constant.values())
            )
            return (
                f"coalesce(('{{{digests}}}'::text[])[array_position('{{{values}}}'::int8[],"
                f" hashtextextended(ROW({name})::text, 0))], ROW({name})::text)"
            )
        hashes = ",".join(map(str, sorted(mask.hashes)))
        return (
            f"CASE WHEN hashtextextended(ROW({name})::text, 0) IN"
            f" (SELECT unnest('{{{hashes}}}'::int8[])) THEN '~' ELSE ROW({name})::text END"
        )

    def _aliases(self, number: int) -> dict[tuple[str, ...], str]:
        """Return the lists of columns that link a table's rows, each with its alias."""
        lists = [link.columns for link in self._links if link.source == number]
        lists += [link.referred for link in self._links if link.target == number]
        return {columns: f"k{n}" for n, columns in enumerate(dict.fromkeys(lists))}

    def _round(self, number: int, this: int) -> str:
        """Return the query that mixes the digests of linked rows into those of a table's rows."""
        aliases = self._aliases(number)
        parts, joins = ["s.c"], []
        for n, link in enumerate(self._links):
            if link.source == number:
                there = self._aliases(link.target)[link.referred]
                joins.append(
                    f" LEFT JOIN q{link.target}_{this - 1} t{n} ON t{n}.{there} ="
                    f" s.{aliases[link.columns]}"
                )
                # A table's reference to no row is compared by value. In a view it is the generated
                # key of a deleted row, so only its existence is compared.
                missing = f"s.{aliases[link.columns]}"
                missing = f"left({missing}, 0)" if link.of_view else missing
                parts.append(f"coalesce(t{n}.c::text, {missing}, 'none')")
            if link.target == number:
                there = self._aliases(link.source)[link.columns]
                joins.append(
                    f" LEFT JOIN (SELECT {there} AS k, sum(c) AS c FROM q{link.source}_{this - 1}"
                    f" GROUP BY 1) f{n} ON f{n}.k = s.{aliases[link.referred]}"
                )
                parts.append(f"coalesce(f{n}.c::text, 'none')")
        keys = "".join(f", s.{alias}" for alias in aliases.values())
        return (
            f"q{number}_{this} AS MATERIALIZED (SELECT hashtextextended(concat_ws('|',"
            f" {', '.join(parts)}), 0) AS c{keys} FROM q{number}_{this - 1} s{''.join(joins)})"
        )

    def _answer(self, number: int, rounds: int) -> str:
        """Return the query for a table's digest, and its distinct row digests before and now."""
        label = sql.Literal(self.tables[number].label).as_string(None)
        before = f"(SELECT count(DISTINCT c) FROM q{number}_{max(rounds - 1, 0)})"
        return (
            f"SELECT {label}, count(*)::text, concat_ws('/', sum(hashtextextended(c::text, 0)),"
            f" sum(hashtextextended(c::text, 1))), {before}, count(DISTINCT c)"
            f" FROM q{number}_{rounds}"
        )


def _name(column: str) -> str:
    return sql.Identifier(column).as_string(None)


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
        f"next value of sequence {sequence} for {table.name}.{_name(column.name)}": (
            None,
            None,
            *answer,
        )
        for (table, column, sequence), answer in zip(drawn, answers, strict=True)
        if answer == ["taken"]
    }


def _position(table: RowTable, column: Column, sequence: str) -> str:
    literal = sql.Literal(sequence).as_string(None)
    value = _name(column.name)
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
