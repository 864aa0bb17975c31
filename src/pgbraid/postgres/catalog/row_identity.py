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

__all__ = ["EVERY", "Mask", "Meaning", "RowGraph", "digests_by_meaning", "generated_keys"]

_ROUNDS = (2, 4, 8, 16, 32)
"""The numbers of rounds to try, until the last round distinguishes no more rows."""


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
    graph = RowGraph(tuple(table for table in tables if table.is_read), meaning)
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


class RowGraph:
    """The tables, the columns that identify their rows, and the links between the tables.

    ``traced`` is the label of a table whose rows are listed one by one, see ``listing``.
    """

    def __init__(
        self, tables: tuple[RowTable, ...], meaning: Meaning, traced: str | None = None
    ) -> None:
        self.tables, self.meaning, self._traced = tables, meaning, traced
        self._identity: tuple[str, ...] = ()
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

    def hidden(self, label: str) -> frozenset[str]:
        """Return the columns of a table whose values are not compared."""
        return self._hidden[self._number(label)]

    def leave_out(self, label: str, columns: frozenset[str]) -> None:
        """Compare the values of these columns of a table no more."""
        self._hidden[self._number(label)] |= columns

    def identify_by(self, columns: tuple[str, ...]) -> None:
        """Identify the listed rows by these columns; without columns, by their own values."""
        self._identity = columns

    def compared(self, label: str, column: str) -> str:
        """Return the expression for the value of a column as it is compared."""
        return self._value(self.tables[self._number(label)], column)

    def _number(self, label: str) -> int:
        return next(n for n, table in enumerate(self.tables) if table.label == label)

    def listing(self, label: str, rounds: int) -> tuple[str, str]:
        """Return a WITH clause, and its query with a row for each row of the traced table.

        It has a hash of the columns that identify the row (``id``), the digest of the row after a
        number of rounds (``c``), and the place of the row (``place``).
        """
        chosen = self.reachable(frozenset({label})) if rounds else [self._number(label)]
        texts, linked = self._rounds(chosen, rounds)
        number = self._number(label)
        return f"WITH {', '.join(texts)}", f"q{number}_{rounds if number in linked else 0}"

    def query(self, chosen: list[int], rounds: int) -> str:
        """Return the query for the digests of these tables after a number of rounds."""
        texts, linked = self._rounds(chosen, rounds)
        answers = (self._answer(n, rounds if n in linked else 0) for n in chosen)
        return (
            f"WITH {', '.join(texts)} SELECT json_agg(json_build_array(label, rows, digest, before,"
            f" after)) FROM ({' UNION ALL '.join(answers)})"
            " AS answer (label, rows, digest, before, after)"
        )

    def _rounds(self, chosen: list[int], rounds: int) -> tuple[list[str], set[int]]:
        """Return the queries of all rounds, and the tables that take part in them."""
        linked = {n for link in self._links for n in (link.source, link.target)} & set(chosen)
        texts = [self._first(n) for n in chosen]
        for number in range(1, rounds + 1):
            texts += [self._round(n, number) for n in sorted(linked)]
        return texts, linked

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
        digest = f"hashtextextended(ROW({', '.join(values)})::text, 0)"
        place = ""
        if table.label == self._traced:
            named = f"hashtextextended(ROW({', '.join(map(_name, self._identity))})::text, 0)"
            place = (
                f", {named if self._identity else digest} AS id,"
                " concat_ws(' ', tableoid::oid, ctid) AS place"
            )
        return (
            f"q{number}_0 AS MATERIALIZED (SELECT {digest} AS c{''.join(keys)}{place}"
            f" FROM {table.source})"
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
        keys += ", s.id, s.place" if self.tables[number].label == self._traced else ""
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
