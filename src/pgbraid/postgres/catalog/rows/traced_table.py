"""Reads one table of a database row by row: digests of all rows, and the values of a few."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from psycopg import sql

from pgbraid.model.snapshot import CHANGING_VALUE
from pgbraid.postgres.catalog.read import catalog_text, query_json
from pgbraid.postgres.catalog.row_identity import Meaning, RowGraph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias

    from pgbraid.postgres.catalog.tables_with_rows import RowTable
    from pgbraid.postgres.client.connection import Connection

    MaskRow: TypeAlias = Callable[[RowTable, dict[str, str | None]], dict[str, str | None]]

__all__ = ["BUCKETS", "EnoughRows", "RowSide", "TracedTable", "ValuesOfRow"]

BUCKETS = 1024
"""The number of parts into which the rows of a large table are divided by their identities."""
_MOST = 50_000
"""The most rows to compare one by one, of each side."""
_BATCH = 5000
_LONGEST = 2000
"""The most characters of a value that are read, of the rows to be shown."""
_LONGEST_OF_SOME = 100
"""The most characters of a value that are read to match or to sort rows."""


@dataclass(frozen=True, slots=True)
class RowSide:
    """One of the two databases: its connection, its tables, and how to compare their rows."""

    conn: Connection = field(repr=False)
    tables: tuple[RowTable, ...]
    meaning: Meaning

    def table(self, label: str) -> RowTable | None:
        """Return the table with this label, if it has or had rows that can be read."""
        return next((t for t in self.tables if t.label == label and t.is_read), None)


class ValuesOfRow(NamedTuple):
    """A row as it was read: the texts of its values, and the hashes that are compared."""

    values: dict[str, str | None]
    hashes: dict[str, str]


class EnoughRows(Exception):
    """Ends the comparison of a table with very many differing rows."""


class TracedTable:
    """The traced table of one database."""

    def __init__(self, side: RowSide, label: str, common: frozenset[str], mask: MaskRow) -> None:
        self._mask = mask
        table = side.table(label)
        assert table is not None  # noqa: S101 - the caller has looked
        self._conn, self._label, self._table, self._meaning = side.conn, label, table, side.meaning
        columns = tuple(column for column in table.columns if column.name in common)
        tables = tuple(
            replace(table, columns=columns) if t.label == label else t
            for t in side.tables
            if t.is_read
        )
        self.graph = RowGraph(tables, side.meaning, label)
        self.masked = {column for name, column in side.meaning.masks if name == table.name}
        self.count = 0

    def keys(self) -> list[tuple[str, ...]]:
        """Return the keys of the table, the primary key first."""
        (listed,) = query_json(
            self._conn, [catalog_text(self._conn, "row_keys", table=self._table.oid)]
        )
        return [tuple(columns) for columns in listed]

    def digest(self, rounds: int) -> str:
        """Return the digest of all rows after a number of rounds."""
        texts, source = self.graph.listing(self._label, rounds)
        query = (
            f"{texts} SELECT json_build_array(count(*), concat_ws('/',"
            f" sum(hashtextextended(c::text, 0)), sum(hashtextextended(c::text, 1)))) FROM {source}"
        )
        ((self.count, digest),) = query_json(self._conn, [query])
        return str(digest)

    def sums(self, rounds: int) -> dict[int, str]:
        """Return a sum of hashes for each part of the rows, by their identities."""
        texts, source = self.graph.listing(self._label, rounds)
        query = (
            f"{texts} SELECT json_agg(json_build_array(n, total)) FROM (SELECT id & {BUCKETS - 1}"
            f" AS n, sum(hashtextextended(concat_ws('/', id, c), 0))::text AS total FROM {source}"
            " GROUP BY 1) AS bucket"
        )
        (answer,) = query_json(self._conn, [query])
        return {int(number): total for number, total in answer}

    def stream(
        self, number: int, rounds: int, buckets: list[int] | None
    ) -> Iterator[tuple[int, int, int, int, str]]:
        """Yield identity, ``number``, digest, count and place of the rows, in this order.

        Equal rows are one item; ``number`` is that of the side.
        Raises EnoughRows after very many rows.
        """
        texts, source = self.graph.listing(self._label, rounds)
        where = ""
        if buckets is not None:
            listed = ",".join(map(str, buckets))
            where = f" WHERE (id & {BUCKETS - 1}) = ANY ('{{{listed}}}'::int8[])"
        query = (
            f"DECLARE pgbraid_rows NO SCROLL CURSOR FOR {texts} SELECT id, c, count(*), min(place)"
            f" FROM {source}{where} GROUP BY 1, 2 ORDER BY 1, 2"
        )
        self._conn.execute(query.encode())
        read = 0
        while rows := self._conn.execute(f"FETCH {_BATCH} FROM pgbraid_rows".encode()).fetchall():
            for identity, digest, count, place in rows:
                yield identity, number, digest, count, place
            read += len(rows)
            if read >= _MOST:
                raise EnoughRows
        self._conn.execute(b"CLOSE pgbraid_rows")

    def rows(self, places: list[str], columns: Sequence[str] | None) -> dict[str, ValuesOfRow]:
        """Return the rows at these places: some columns as they are, or the whole masked rows."""
        if not places:
            return {}
        ordered = sorted(self._table.columns, key=lambda column: column.number)
        names = [c.name for c in ordered] if columns is None else list(columns)
        longest = _LONGEST if columns is None else _LONGEST_OF_SOME
        texts, hashes, raw = [], [], []
        for name in names:
            quoted = sql.Identifier(name).as_string(None)
            # Not a cast to text, which a migration can define.
            text = f"CASE WHEN {quoted} IS DISTINCT FROM NULL THEN format('%s', {quoted}) END"
            texts.append(f"left({text}, {longest})")
            value = self.graph.compared(self._label, name)
            hashes.append(f"hashtextextended(ROW({value})::text, 0)::text")
            raw.append(f"hashtextextended(ROW({quoted})::text, 0)::text")
        place, listed = "concat_ws(' ', tableoid::oid, ctid)", ",".join(f'"{p}"' for p in places)
        lists = ", ".join("ARRAY[" + ", ".join(part) + "]" for part in (texts, hashes, raw))
        query = (
            f"SELECT json_agg(json_build_array({place}, {lists})) FROM {self._table.source}"
            f" WHERE {place} = ANY ('{{{listed}}}'::text[])"
        )
        (answer,) = query_json(self._conn, [query])
        rows = {}
        for at, values, compared, raws in answer:
            shown = {
                name: self._shown(name, text, digest)
                for name, text, digest in zip(names, values, raws, strict=True)
            }
            if columns is None:
                shown = self._mask(self._table, shown)
            rows[at] = ValuesOfRow(shown, dict(zip(names, compared, strict=True)))
        return rows

    def _shown(self, column: str, text: str | None, digest: str) -> str | None:
        """Return the text of a value, or a placeholder if it differs in each replay."""
        mask = self._meaning.masks.get((self._table.name, column))
        if mask is None or text is None:
            return text
        return CHANGING_VALUE if mask.hashes is None or int(digest) in mask.hashes else text
