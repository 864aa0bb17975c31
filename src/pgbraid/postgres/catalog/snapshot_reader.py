"""Reads snapshots of the databases of one server."""

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
from pgbraid.postgres.catalog.row_identity import Meaning, digests_by_meaning
from pgbraid.postgres.catalog.sequence_positions import positions
from pgbraid.postgres.catalog.tables_with_rows import row_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.model.migration import LedgerTable
    from pgbraid.postgres.catalog.layout import Layout
    from pgbraid.postgres.catalog.shared_objects import SharedObjects
    from pgbraid.postgres.client.connection import Connection

__all__ = ["EVERYTHING", "Scope", "SnapshotReader"]


@dataclass(frozen=True, slots=True)
class Scope:
    """The parts of a database to read: the schema, and the rows of the tables with these labels.

    If ``rows`` is None, the rows of all tables are read.
    """

    schema: bool = True
    rows: frozenset[str] | None = frozenset()
    meaning: Meaning = field(default_factory=Meaning)


EVERYTHING = Scope()


class SnapshotReader:
    """Reads snapshots, and keeps the layout of the catalog for the next one.

    There is one layout for each login role, as roles may read different columns. With ``shared``,
    snapshots of the schema have the objects that the databases of the server share, too. The
    methods raise psycopg's errors.
    """

    def __init__(
        self,
        ledger: LedgerTable,
        *,
        also_ours: Sequence[str] = (),
        shared: SharedObjects | None = None,
    ) -> None:
        self._also_ours, self._shared = also_ours, shared
        self.ledger = ledger
        self._ours = [f"{ledger.schema}.{name}" for name in (ledger.table, ledger.journal)]
        self._layouts: dict[str, Layout] = {}

    def schema(self, conn: Connection) -> Snapshot:
        """Return the schema, read in the open transaction if there is one."""
        layout = self._layouts.get(conn.info.user) or read_layout(conn)
        self._layouts[conn.info.user] = layout
        snapshot = read_snapshot(conn, layout, self.ledger, also_ours=self._also_ours)
        return self._shared.read(conn, snapshot) if self._shared else snapshot

    def whole(self, conn: Connection, earlier: KnownRows | None = None) -> tuple[Snapshot, Rows]:
        """Return the snapshot of the schema and all rows, and the digests of the rows.

        Large tables that were not written since ``earlier`` are not read again.
        """
        rows = read_rows(conn, self.ledger, earlier)
        return with_rows(self.schema(conn), rows), rows

    def within(self, conn: Connection, scope: Scope) -> Snapshot:
        """Return the parts of a database in this scope, the rows compared by meaning."""
        snapshot = self.schema(conn) if scope.schema else Snapshot(MappingProxyType({}))
        labels = scope.rows
        if labels is not None and not labels:
            return snapshot
        with reading_rows(conn):
            texts = [catalog_text(conn, name) for name in ("tables", "large_objects")]
            listed, objects = query_json(conn, texts)
        tables = row_tables(listed, self._ours)
        digests, _ = digests_by_meaning(conn, tables, scope.meaning, labels)
        digests |= positions(conn, [t for t in tables if labels is None or t.label in labels])
        parts = {**snapshot.catalogs, DATA: data_part({**digests, **large_objects(objects)})}
        return replace(snapshot, catalogs=MappingProxyType(parts))

    def known(self, conn: Connection) -> KnownRows:
        """Return the digests of a database's tables, for later readings of its copies."""
        rows = read_rows(conn, self.ledger)
        row = conn.execute(b"SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text").fetchone()
        return KnownRows(
            str(row[0]) if row else "0",
            {table.label: table.shape for table in rows.tables},
            {table.label: rows.digests.get(table.label, ("0", "", None)) for table in rows.tables},
        )
