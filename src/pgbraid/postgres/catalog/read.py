"""Reads a database's whole schema as a value: every table of pg_catalog, oids made names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from psycopg import ClientCursor, pq

from pgbraid.model.migration import LedgerTable
from pgbraid.postgres.catalog.layout import Layout, make_layout
from pgbraid.postgres.catalog.resolve_oids import CatalogAnswers, make_snapshot
from pgbraid.postgres.client.named_sql import statement
from pgbraid.postgres.client.wire import error_of, send

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.model.snapshot import Snapshot
    from pgbraid.postgres.client.connection import Connection

__all__ = ["catalog_text", "query_json", "read_layout", "read_snapshot"]

_KEYS_SINCE = 140000
_NO_TRACKER = LedgerTable()
"""The statements about the catalog name none."""


def read_layout(conn: Connection) -> Layout:
    """Return how this server's catalog is read; it may be kept for its other databases.

    Raises psycopg's error.
    """
    version = conn.info.server_version
    columns = conn.execute(catalog_text(conn, "columns").encode()).fetchall()
    keys = (
        conn.execute(catalog_text(conn, "keys").encode()).fetchall()
        if version >= _KEYS_SINCE
        else None
    )
    return make_layout(
        version,
        [(a, b, c, d) for a, b, c, d in columns],
        keys and [(a, tuple(b), c, tuple(d), e) for a, b, c, d, e in keys],
    )


def read_snapshot(
    conn: Connection, layout: Layout, ledger: LedgerTable, *, also_ours: Sequence[str] = ()
) -> Snapshot:
    """Return everything the schema is, but for the tracker and the members of extensions.

    It reads in a transaction of its own, or in the one that is open; it writes nothing. What the
    role may not read is named in ``not_compared``; ``also_ours`` names more tables to leave out, as
    ``schema.table``. Raises psycopg's error.
    """
    own = conn.info.transaction_status == pq.TransactionStatus.IDLE
    ours = [f"{ledger.schema}.{table}" for table in (ledger.table, ledger.journal)]
    before = [
        catalog_text(conn, name) for name in (("begin", "settings") if own else ("settings",))
    ]
    questions = [
        catalog_text(conn, "apart", ours=[*ours, *also_ours]),
        *(catalog_text(conn, name) for name in _ABOUT),
        *(table.query for table in layout.tables),
    ]

    def name_others(wanted: str) -> list[Any]:
        answer: list[Any] = query_json(conn, [catalog_text(conn, "names", wanted=wanted)])[0]
        return answer

    try:
        apart, *answers = query_json(conn, [*before, *questions])[-len(questions) :]
        about: dict[str, list[Any]] = dict(zip(_ABOUT, answers, strict=False))
        rows = dict(zip(layout.tables, answers[len(_ABOUT) :], strict=True))
        return make_snapshot(
            layout, CatalogAnswers(apart, rows, about), name_others, _version(conn)
        )
    finally:
        if own and conn.info.transaction_status != pq.TransactionStatus.UNKNOWN:
            conn.execute("ROLLBACK")


_ABOUT = (
    "privileges",
    "member_owners",
    "comments",
    "comments_of_the_server",
    "labels",
    "settings_of_database",
    "dependencies",
)


def catalog_text(conn: Connection, name: str, **values: object) -> str:
    """Return a named statement about the catalog, to stand in a longer message."""
    query = statement("catalog", name, _NO_TRACKER, with_values=bool(values))
    return ClientCursor(conn).mogrify(query, values or None)


def query_json(conn: Connection, questions: Sequence[str]) -> list[Any]:
    """Send questions as one message and return the value that each answers, read as JSON.

    Raises psycopg's error.
    """
    results = send(conn, ";\n".join(questions).encode())
    error = error_of(results)
    if error is not None:
        raise error
    values = (result.get_value(0, 0) if result.ntuples else None for result in results)
    return [json.loads(value) if value else [] for value in values]


def _version(conn: Connection) -> str:
    return (conn.info.parameter_status("server_version") or "").partition(" ")[0]
