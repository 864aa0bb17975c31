"""Compares rows by what they say, and generated keys by the rows that they identify.

Two orders may give the same row other numbers, as a sequence counts what comes first. So a
generated key is not compared as a value: a row is known by its other columns, and a foreign key by
the row it refers to. Each row gets a digest of its own values; then, round by round, the digests
of the rows that it refers to, and of those that refer to it, are mixed in, until no more rows can
be told apart. Graphs are compared in this way: it is called colour refinement. Rows that stay alike
are interchangeable.
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
"""How many rounds are tried, until one tells no more rows apart than the one before."""
_NUMBERS = frozenset({"20", "21", "23", "1700"})
"""The oids of bigint, smallint, integer and numeric."""
_TEXTS = frozenset({"25", "1042", "1043"})
"""The oids of text, character and character varying: ``'A-' || nextval('s')`` is a key, too."""


@dataclass(frozen=True, slots=True)
class Mask:
    """The values of a column that are not compared, by their hashes; None for all of them.

    ``stays`` has what is compared of them all the same, where only a part of each changes.
    """

    hashes: frozenset[int] | None = None
    stays: Mapping[int, str] = field(default_factory=dict)


EVERY = Mask()


@dataclass(frozen=True, slots=True)
class Meaning:
    """How rows are to be compared.

    ``keys`` are columns that identify a row by values which differ in every replay, such as random
    identifiers; ``masks`` are values that do, by table and column; ``excluded`` are tables whose
    own values cannot be compared at all.
    """

    keys: frozenset[tuple[str, str]] = frozenset()
    masks: Mapping[tuple[str, str], Mask] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()

    def is_key(self, table: RowTable, column: Column) -> bool:
        """Whether a column's values are generated, and stand for the row only."""
        return column.identifies or (table.name, column.name) in self.keys


class _Link(NamedTuple):
    """A foreign key that leads to a generated key: the tables by their numbers, and the columns."""

    source: int
    columns: tuple[str, ...]
    target: int
    referred: tuple[str, ...]
    of_view: bool
    """Whether the source is a view, which may show keys of rows that are gone."""


def generated_keys(tables: Iterable[RowTable], meaning: Meaning) -> Iterator[tuple[RowTable, str]]:
    """Yield each table with a column whose values are generated and stand for the row only."""
    for table in tables:
        for column in table.columns:
            if meaning.is_key(table, column):
                yield table, column.name


def digests_by_meaning(
    conn: Connection,
    tables: Iterable[RowTable],
    meaning: Meaning,
    wanted: frozenset[str] | None = None,
) -> tuple[dict[str, Facts], frozenset[str]]:
    """Return digests of the rows of tables, and the names of those that they do not cover whole.

    Two digests are the same where the rows are, but for generated keys and masked values. With
    ``wanted``, only tables with these labels are read, and those that they are linked with. Raises
    psycopg's error.
    """
    graph = _Graph(tuple(table for table in tables if table.is_read), meaning)
    chosen = graph.reachable(wanted)
    answer: list[tuple[str, str, str, int, int]] = []
    growing: set[str] = set()
    with reading_rows(conn):
        for rounds in _ROUNDS if chosen else ():
            (answer,) = query_json(conn, [graph.question(chosen, rounds)])
            growing = {label for label, _, _, before, after in answer if before != after}
            if not growing:
                break
    digests: dict[str, Facts] = {
        label: (rows, digest, None)
        for label, rows, digest, _, _ in answer
        if rows != "0" and (wanted is None or label in wanted) and label not in graph.excluded
    }
    names = {graph.tables[n].label: graph.tables[n].name for n in chosen}
    return digests, frozenset(names[label] for label in growing)


class _Graph:
    """The tables, which of their columns identify a row, and the links between them."""

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
        """Return the columns of each table that name a row by a generated key, of any table.

        A reference to such a key can be a part of a key itself, and be referred to.
        """
        found = [set(keys) for keys in self._keys]
        size = -1
        while size != (size := sum(map(len, found))):
            for n, table in enumerate(self.tables):
                for key in table.keys:
                    target = self._numbers.get(key.table)
                    pairs = zip(key.columns, key.referred, strict=True)
                    if target is not None:
                        found[n] |= {own for own, other in pairs if other in found[target]}
        return [frozenset(columns) for columns in found]

    def _refers_to_a_key(self, key: ForeignKey) -> bool:
        target = self._numbers.get(key.table)
        return target is not None and bool(self._named[target].intersection(key.referred))

    def _keys_of_view(self, view: RowTable) -> Iterator[ForeignKey]:
        """Take a view's column that shows a generated key, or leads to one, for a reference."""
        for column in view.columns:
            found = self._origin(view.origins.get(column.number))
            key = self._key_behind(*found) if found else None
            if key:
                number, name = key
                yield ForeignKey((column.name,), self.tables[number].oid, (name,))

    def _origin(self, place: tuple[str, int] | None) -> tuple[int, str] | None:
        """Return the table and the column that a view's column shows, by way of other views."""
        while place and place[0] in self._numbers:
            number = self._numbers[place[0]]
            table = self.tables[number]
            if not table.origins:
                return next(((number, c.name) for c in table.columns if c.number == place[1]), None)
            place = table.origins.get(place[1])
        return None

    def _key_behind(self, number: int, column: str) -> tuple[int, str] | None:
        """Return the generated key that a column is, or that it refers to by other tables."""
        seen = set[tuple[int, str]]()
        while column not in self._keys[number]:
            seen.add((number, column))
            behind = (
                (self._numbers[key.table], other)
                for key in self.tables[number].keys
                if key.table in self._numbers
                for own, other in zip(key.columns, key.referred, strict=True)
                if own == column and other in self._named[self._numbers[key.table]]
            )
            step = next((place for place in behind if place not in seen), None)
            if step is None:
                return None
            number, column = step
        return number, column

    def _not_compared(self, number: int, table: RowTable) -> frozenset[str]:
        """Return the columns whose values are not compared: generated keys, and links to such."""
        if table.name in self.meaning.excluded:
            return frozenset(column.name for column in table.columns)
        # Of a masked key the values that do not change from replay to replay are compared.
        hidden = {c for c in self._keys[number] if (table.name, c) not in self.meaning.masks}
        for link in self._links:
            if link.source == number:
                hidden |= {
                    own
                    for own, other in zip(link.columns, link.referred, strict=True)
                    if other in self._named[link.target]
                }
        return frozenset(hidden | {c.name for c in table.columns if c.made_of & hidden})

    def reachable(self, wanted: frozenset[str] | None) -> list[int]:
        """Return the numbers of the wanted tables, and of all that these are linked with."""
        found = {n for n, t in enumerate(self.tables) if wanted is None or t.label in wanted}
        while True:
            more = {link.target for link in self._links if link.source in found}
            more |= {link.source for link in self._links if link.target in found}
            if more <= found:
                return sorted(found)
            found |= more

    def question(self, chosen: list[int], rounds: int) -> str:
        """Return the question of the digests of these tables after so many rounds."""
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
        """Return the query of a table's rows: their keys, and the digests of their own values."""
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
        """Return a column's value as it is compared, with what is masked masked."""
        mask, name = self.meaning.masks.get((table.name, column)), _name(column)
        if mask is None:
            return name
        if mask.hashes is None:
            return "'~'"
        if mask.stays:
            values, kept = (
                ",".join(map(str, listed)) for listed in (mask.stays, mask.stays.values())
            )
            return (
                f"coalesce(('{{{kept}}}'::text[])[array_position('{{{values}}}'::int8[],"
                f" hashtextextended(ROW({name})::text, 0))], ROW({name})::text)"
            )
        hashes = ",".join(map(str, sorted(mask.hashes)))
        return (
            f"CASE WHEN hashtextextended(ROW({name})::text, 0) IN"
            f" (SELECT unnest('{{{hashes}}}'::int8[])) THEN '~' ELSE ROW({name})::text END"
        )

    def _aliases(self, number: int) -> dict[tuple[str, ...], str]:
        """Return the lists of columns by which a table's rows are linked, each with its name."""
        lists = [link.columns for link in self._links if link.source == number]
        lists += [link.referred for link in self._links if link.target == number]
        return {columns: f"k{n}" for n, columns in enumerate(dict.fromkeys(lists))}

    def _round(self, number: int, this: int) -> str:
        """Return the query that mixes what a table's rows are linked with into their digests."""
        own = self._aliases(number)
        parts, joins = ["s.c"], []
        for n, link in enumerate(self._links):
            if link.source == number:
                there = self._aliases(link.target)[link.referred]
                joins.append(
                    f" LEFT JOIN q{link.target}_{this - 1} t{n} ON t{n}.{there} ="
                    f" s.{own[link.columns]}"
                )
                lost = (
                    f"left(s.{own[link.columns]}, 0)" if link.of_view else f"s.{own[link.columns]}"
                )
                parts.append(f"coalesce(t{n}.c::text, {lost}, 'none')")
            if link.target == number:
                there = self._aliases(link.source)[link.columns]
                joins.append(
                    f" LEFT JOIN (SELECT {there} AS k, sum(c) AS c FROM q{link.source}_{this - 1}"
                    f" GROUP BY 1) f{n} ON f{n}.k = s.{own[link.referred]}"
                )
                parts.append(f"coalesce(f{n}.c::text, 'none')")
        keys = "".join(f", s.{alias}" for alias in own.values())
        return (
            f"q{number}_{this} AS MATERIALIZED (SELECT hashtextextended(concat_ws('|',"
            f" {', '.join(parts)}), 0) AS c{keys} FROM q{number}_{this - 1} s{''.join(joins)})"
        )

    def _answer(self, number: int, rounds: int) -> str:
        """Return the query of a table's digest, and of how many digests its rows have."""
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
    """Return the sequences that columns draw from whose next value is not free.

    A row has that value, or one that the sequence comes to later: the next INSERT fails, or one
    behind it. Raises psycopg's error.
    """
    asked = [
        (table, column, sequence)
        for table in tables
        if table.is_read
        for column in table.columns
        if column.type in _NUMBERS | _TEXTS or not column.built_in
        for sequence in column.sequences
    ]
    if not asked:
        return {}
    texts = [_position(table, column, sequence) for table, column, sequence in asked]
    with reading_rows(conn):
        answers = query_json(conn, texts)
    return {
        f"next value of sequence {sequence} for {table.name}.{_name(column.name)}": (
            None,
            None,
            *answer,
        )
        for (table, column, sequence), answer in zip(asked, answers, strict=True)
        if answer == ["taken"]
    }


def _position(table: RowTable, column: Column, sequence: str) -> str:
    literal = sql.Literal(sequence).as_string(None)
    value = _name(column.name)
    if column.type not in _NUMBERS:
        # The number at the end of a text; of a domain, also one below zero.
        number = "[0-9]{1,18}" if column.type in _TEXTS else "^-?[0-9]{1,18}|[0-9]{1,18}"
        value = f"substring({value}::text from '({number})[^0-9]*$')::numeric"
    return (
        "SELECT json_build_array(CASE WHEN CASE WHEN d.seqincrement > 0"
        " THEN s.last_value + CASE WHEN s.is_called THEN d.seqincrement ELSE 0 END <= t.most"
        " ELSE s.last_value + CASE WHEN s.is_called THEN d.seqincrement ELSE 0 END >= t.least END"
        f" THEN 'taken' ELSE 'free' END) FROM {sequence} s, pg_sequence d,"
        f" (SELECT max({value}) AS most, min({value}) AS least"
        f" FROM {table.source}) AS t WHERE d.seqrelid = {literal}::regclass"
    )
