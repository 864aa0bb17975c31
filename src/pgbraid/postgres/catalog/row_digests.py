"""Reads the rows of a database as one digest per table, over all columns."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pgbraid.model.snapshot import DATA, SEQUENCES, CatalogRows, Snapshot
from pgbraid.postgres.catalog.read import catalog_text, query_json
from pgbraid.postgres.catalog.tables_with_rows import row_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pgbraid.model.migration import LedgerTable
    from pgbraid.model.snapshot import Facts
    from pgbraid.postgres.catalog.tables_with_rows import RowTable
    from pgbraid.postgres.client.connection import Connection

__all__ = [
    "KnownRows",
    "Rows",
    "data_part",
    "large_objects",
    "read_rows",
    "reading_rows",
    "with_rows",
]

_WORTH_A_LOOK = 4_000_000
"""Size in bytes above which looking for new rows is cheaper than reading all rows again."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The contents of the tables and sequences of a database.

    ``digests`` has the number of rows of each table and the digest of all its rows, ``sequences``
    the value of each sequence.
    """

    tables: tuple[RowTable, ...]
    digests: Mapping[str, Facts]
    sequences: Mapping[str, Facts]

    @property
    def unread(self) -> tuple[str, ...]:
        """The tables whose rows were not read, with the reason."""
        return tuple(
            f"{table.name}: its rows, "
            + (
                "row security hides some from this role"
                if table.readable
                else "this role may not read them"
            )
            for table in self.tables
            if not table.is_read
        )


@dataclass(frozen=True, slots=True)
class KnownRows:
    """The digests of a database's tables before migrations ran on a copy of it.

    Rows written on the copy have the transaction id ``since`` or a later one.
    """

    since: str
    shapes: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, Facts] = field(default_factory=dict)


@contextmanager
def reading_rows(conn: Connection) -> Iterator[None]:
    """Read in one transaction, the open one or a new one, with fixed settings for output.

    The settings fix the output format of values, such as DateStyle.
    """
    begin = conn.info.transaction_status == 0
    try:
        conn.execute((("BEGIN;" if begin else "") + catalog_text(conn, "settings")).encode())
        yield
    finally:
        if begin and not conn.closed:
            conn.execute("ROLLBACK")


def read_rows(conn: Connection, ledger: LedgerTable, earlier: KnownRows | None = None) -> Rows:
    """Return the contents of the tables and sequences, without the ledger.

    A large table that was not written since ``earlier`` is not read again. Raises psycopg's
    errors.
    """
    with reading_rows(conn):
        texts = [catalog_text(conn, name) for name in ("tables", "sequences", "large_objects")]
        listed, sequences, objects = query_json(conn, texts)
        ours = {f"{ledger.schema}.{name}" for name in (ledger.table, ledger.journal)}
        tables = row_tables(listed, ours)
        old = _unwritten(conn, tables, earlier) if earlier else {}
        digests = _digests(conn, [t for t in tables if t.is_read and t.label not in old])
        values = _sequences(conn, [s for s in sequences if not _is_journals(s, ours)])
    return Rows(tables, {**old, **digests, **large_objects(objects)}, values)


def with_rows(snapshot: Snapshot, rows: Rows) -> Snapshot:
    """Return a snapshot with the contents of the tables and sequences added."""
    parts = {
        **snapshot.catalogs,
        DATA: data_part(rows.digests),
        SEQUENCES: CatalogRows(("last_value", "is_called"), MappingProxyType(dict(rows.sequences))),
    }
    parents = {table.label: f"{table.kind} {table.name}" for table in rows.tables}
    return replace(
        snapshot,
        catalogs=MappingProxyType(parts),
        parents=MappingProxyType({**snapshot.parents, **parents}),
        not_compared=(*snapshot.not_compared, *rows.unread),
    )


def data_part(digests: Mapping[str, Facts]) -> CatalogRows:
    """Return digests of rows, and the positions of sequences, as a part of a snapshot."""
    return CatalogRows(("rows", "digest", "next value"), MappingProxyType(dict(digests)))


def _digests(conn: Connection, tables: Iterable[RowTable]) -> dict[str, Facts]:
    listed = list(tables)
    if not listed:
        return {}
    answers = query_json(conn, [_digest(table) for table in listed])
    return {
        table.label: (*answer, None)
        for table, answer in zip(listed, answers, strict=True)
        if answer[0] != "0"
    }


def _digest(table: RowTable) -> str:
    """Return the query for the number of rows of a table, and two sums of their hashes."""
    # The columns are sorted by name (see the query `tables`): a different order of columns is
    # reported elsewhere. Sums, as the order of the rows has no meaning.
    names = [sql.Identifier(column.name) for column in table.columns]
    row = sql.SQL("ROW({})::text").format(sql.SQL(", ").join(names))
    query = sql.SQL(
        "SELECT json_build_array(count(*)::text, concat_ws('/', sum(hashtextextended({row}, 0)),"
        " sum(hashtextextended({row}, 1)))) FROM "
    )
    return query.format(row=row).as_string(None) + table.source


def _unwritten(
    conn: Connection, tables: Iterable[RowTable], earlier: KnownRows
) -> dict[str, Facts]:
    """Return the digests of large tables without an inserted, updated or deleted row.

    An inserted or updated row has the id of its transaction in xmin, and a deleted row is
    missing from the count. Checking both takes a tenth of the time of reading all rows.
    """
    candidates = [
        table
        for table in tables
        if table.is_read
        and table.bytes > _WORTH_A_LOOK
        and table.shape is not None
        and earlier.shapes.get(table.label) == table.shape
    ]
    if not candidates:
        return {}
    # age() and not a comparison of xids, which wrap around.
    query = (
        "SELECT json_build_array(count(*)::text, count(*) FILTER (WHERE age(xmin) <="
        f" age('{int(earlier.since) % 2**32}'::xid))::text) FROM "
    )
    answers = query_json(conn, [query + table.source for table in candidates])
    return {
        table.label: earlier.digests[table.label]
        for table, (count, new) in zip(candidates, answers, strict=True)
        if new == "0" and earlier.digests[table.label][0] == count
    }


def _sequences(conn: Connection, names: list[str]) -> dict[str, Facts]:
    if not names:
        return {}
    query = "SELECT json_build_array(last_value::text, is_called::text) FROM "
    texts = [query + name for name in names]
    return {
        f"value of sequence {name}": tuple(answer)
        for name, answer in zip(names, query_json(conn, texts), strict=True)
    }


def large_objects(listed: list[Any]) -> dict[str, Facts]:
    """Return large objects by the digest of their data, as their oids differ in every replay."""
    rows: dict[str, Facts] = {}
    for digest, owner, acl, comment in sorted(listed, key=str):
        key = f"large object {digest}"
        while key in rows:
            key += "'"
        rows[key] = (owner, f"{acl} {comment or ''}".rstrip(), None)
    return rows


def _is_journals(sequence: str, ours: set[str]) -> bool:
    return any(sequence.startswith(f"{name}_") for name in ours)
