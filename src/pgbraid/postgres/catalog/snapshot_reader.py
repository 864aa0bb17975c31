"""Reads snapshots of one server's databases, each in the same way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from pgbraid.model.snapshot import DATA, Snapshot
from pgbraid.postgres.catalog.read import catalog_text, query_json, read_layout, read_snapshot
from pgbraid.postgres.catalog.row_digests import (
    KnownRows,
    Rows,
    data_part,
    large_objects,
    read_rows,
    reading_rows,
    with_rows,
)
from pgbraid.postgres.catalog.row_identity import Meaning, digests_by_meaning, positions
from pgbraid.postgres.catalog.tables_with_rows import row_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.model.migration import LedgerTable
    from pgbraid.postgres.catalog.layout import Layout
    from pgbraid.postgres.client.connection import Connection

__all__ = ["EVERYTHING", "Scope", "SnapshotReader"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What is read of a database: the schema, and the rows of the tables with these labels.

    None stands for the rows of all tables.
    """

    schema: bool = True
    rows: frozenset[str] | None = frozenset()
    meaning: Meaning = field(default_factory=Meaning)


EVERYTHING = Scope()


class SnapshotReader:
    """Keeps the layout of the catalog from one snapshot to the next. Raises psycopg's errors.

    There is one layout for each role that connects, as roles may read different columns.
    """

    def __init__(self, ledger: LedgerTable, *, also_ours: Sequence[str] = ()) -> None:
        self._also_ours = also_ours
        self.tracker = ledger
        self._ours = [f"{ledger.schema}.{name}" for name in (ledger.table, ledger.journal)]
        self._layouts: dict[str, Layout] = {}

    def schema(self, conn: Connection) -> Snapshot:
        """Return the schema; it reads in the transaction that is open, if there is one."""
        layout = self._layouts.get(conn.info.user) or read_layout(conn)
        self._layouts[conn.info.user] = layout
        return read_snapshot(conn, layout, self.tracker, also_ours=self._also_ours)

    def whole(self, conn: Connection, known: KnownRows | None = None) -> tuple[Snapshot, Rows]:
        """Return the schema with all rows, and the rows themselves, as digests.

        Large tables in which nothing was written since ``known`` are not read again.
        """
        rows = read_rows(conn, self.tracker, known)
        return with_rows(self.schema(conn), rows), rows

    def within(self, conn: Connection, scope: Scope) -> Snapshot:
        """Return what a search compares: the schema, or the rows of some tables by meaning."""
        snapshot = self.schema(conn) if scope.schema else Snapshot(MappingProxyType({}))
        wanted = scope.rows
        if wanted is not None and not wanted:
            return snapshot
        with reading_rows(conn):
            texts = [catalog_text(conn, name) for name in ("tables", "large_objects")]
            found, objects = query_json(conn, texts)
        tables = row_tables(found, self._ours)
        digests, _ = digests_by_meaning(conn, tables, scope.meaning, wanted)
        digests |= positions(conn, [t for t in tables if wanted is None or t.label in wanted])
        parts = {**snapshot.catalogs, DATA: data_part({**digests, **large_objects(objects)})}
        return replace(snapshot, catalogs=MappingProxyType(parts))

    def known(self, conn: Connection) -> KnownRows:
        """Return what the large tables of a database hold, to compare its copies with."""
        rows = read_rows(conn, self.tracker)
        row = conn.execute(b"SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text").fetchone()
        return KnownRows(
            str(row[0]) if row else "0",
            {table.label: table.shape for table in rows.tables},
            {table.label: rows.digests.get(table.label, ("0", "", None)) for table in rows.tables},
        )
