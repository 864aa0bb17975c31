"""Reads the rows of a database as digests, every column of every table in them."""

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
"""Bytes above which it is cheaper to look for new rows than to read them all again."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What the tables and sequences of a database hold.

    ``digests`` has the number of rows of each table and the digest of them all; ``sequences`` what
    each of them stands at.
    """

    tables: tuple[RowTable, ...]
    digests: Mapping[str, Facts]
    sequences: Mapping[str, Facts]

    @property
    def unread(self) -> tuple[str, ...]:
        """The tables whose rows were not read, and why."""
        return tuple(
            f"{table.name}: its rows, "
            + ("row security hides some from this role" if table.readable else "this role may not")
            for table in self.tables
            if not table.is_read
        )


@dataclass(frozen=True, slots=True)
class KnownRows:
    """What a database held before something ran on a copy of it.

    Rows that were written since have a transaction id of ``since`` or later.
    """

    since: str
    shapes: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, Facts] = field(default_factory=dict)


@contextmanager
def reading_rows(conn: Connection) -> Iterator[None]:
    """Read in one transaction, in which values have one spelling; in the open one, if there is."""
    own = conn.info.transaction_status == 0
    try:
        conn.execute((("BEGIN;" if own else "") + catalog_text(conn, "settings")).encode())
        yield
    finally:
        if own and not conn.closed:
            conn.execute("ROLLBACK")


def read_rows(conn: Connection, ledger: LedgerTable, known: KnownRows | None = None) -> Rows:
    """Return what the tables and sequences hold. Raises psycopg's error.

    The tracker and the journal are left out. A large table in which nothing was written since
    ``known`` is not read again.
    """
    with reading_rows(conn):
        texts = [catalog_text(conn, name) for name in ("tables", "sequences", "large_objects")]
        found, sequences, objects = query_json(conn, texts)
        ours = {f"{ledger.schema}.{name}" for name in (ledger.table, ledger.journal)}
        tables = row_tables(found, ours)
        old = _unwritten(conn, tables, known) if known else {}
        digests = _digests(conn, [t for t in tables if t.is_read and t.label not in old])
        standing = _sequences(conn, [s for s in sequences if not _is_journals(s, ours)])
    return Rows(tables, {**old, **digests, **large_objects(objects)}, standing)


def with_rows(snapshot: Snapshot, rows: Rows) -> Snapshot:
    """Return a snapshot with what the tables and sequences hold."""
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
    """Return digests of rows, and positions of sequences, as a part of a snapshot."""
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
    """Return the question of how many rows a table has, and of two sums of their hashes.

    The columns go by name, so that their order says nothing.
    """
    names = [sql.Identifier(column.name) for column in table.columns]
    row = sql.SQL("ROW({})::text").format(sql.SQL(", ").join(names))
    question = sql.SQL(
        "SELECT json_build_array(count(*)::text, concat_ws('/', sum(hashtextextended({row}, 0)),"
        " sum(hashtextextended({row}, 1)))) FROM "
    )
    return question.format(row=row).as_string(None) + table.source


def _unwritten(conn: Connection, tables: Iterable[RowTable], known: KnownRows) -> dict[str, Facts]:
    """Return the digests of large tables in which nothing was written, updated or deleted.

    Every row that is written bears the id of its transaction, and a row that is deleted is missing
    from the count. A look at both takes a tenth of the time that reading the rows does.
    """
    asked = [
        table
        for table in tables
        if table.is_read
        and table.bytes > _WORTH_A_LOOK
        and table.shape is not None
        and known.shapes.get(table.label) == table.shape
    ]
    if not asked:
        return {}
    look = (
        "SELECT json_build_array(count(*)::text, count(*) FILTER (WHERE age(xmin) <="
        f" age('{int(known.since) % 2**32}'::xid))::text) FROM "
    )
    answers = query_json(conn, [look + table.source for table in asked])
    return {
        table.label: known.digests[table.label]
        for table, (count, new) in zip(asked, answers, strict=True)
        if new == "0" and known.digests[table.label][0] == count
    }


def _sequences(conn: Connection, names: list[str]) -> dict[str, Facts]:
    if not names:
        return {}
    ask_value = "SELECT json_build_array(last_value::text, is_called::text) FROM "
    texts = [ask_value + name for name in names]
    return {
        f"value of sequence {name}": tuple(answer)
        for name, answer in zip(names, query_json(conn, texts), strict=True)
    }


def large_objects(found: list[Any]) -> dict[str, Facts]:
    """Return large objects by the digests of what they hold: their numbers are the replay's."""
    rows: dict[str, Facts] = {}
    for digest, owner, acl, comment in sorted(found, key=str):
        key = f"large object {digest}"
        while key in rows:
            key += "'"
        rows[key] = (owner, f"{acl} {comment or ''}".rstrip(), None)
    return rows


def _is_journals(sequence: str, ours: set[str]) -> bool:
    return any(sequence.startswith(f"{name}_") for name in ours)
