"""Reads the whole schema of a database as a value: all of pg_catalog, with names for oids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from psycopg import ClientCursor, pq

from pgbraid.model.migration import LedgerTable
from pgbraid.postgres.catalog.layout import Layout, make_layout
from pgbraid.postgres.catalog.resolve_oids import CatalogAnswers, make_snapshot
from pgbraid.postgres.client.connection import error_of, send
from pgbraid.postgres.client.session import statement
from pgbraid.sql.secret_values import masked_setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.model.snapshot import Snapshot
    from pgbraid.postgres.client.connection import Connection

__all__ = ["catalog_text", "query_json", "read_layout", "read_snapshot"]

_KEYS_SINCE = 140000  # pg_get_catalog_foreign_keys
_ANY_LEDGER = LedgerTable()
"""Any ledger will do: the statements about the catalog do not name it."""


def read_layout(conn: Connection) -> Layout:
    """Return how to read the catalog of this server, valid for all its databases.

    Raises psycopg's errors.
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
    """Return the snapshot of a schema, without the ledger and the members of extensions.

    Read in the open transaction, or else in a new one; write nothing. ``not_compared`` of the
    snapshot names the objects that the role may not read. ``also_ours`` names more tables to
    leave out, as ``schema.table``. Raises psycopg's errors.
    """
    begin = conn.info.transaction_status == pq.TransactionStatus.IDLE
    ours = [f"{ledger.schema}.{table}" for table in (ledger.table, ledger.journal)]
    before = [
        catalog_text(conn, name) for name in (("begin", "settings") if begin else ("settings",))
    ]
    queries = [
        catalog_text(conn, "excluded", ours=[*ours, *also_ours]),
        *(catalog_text(conn, name) for name in _ANNOTATIONS),
        *(table.query for table in layout.tables),
    ]

    def identify(objects: str) -> list[Any]:
        identities: list[Any] = query_json(conn, [catalog_text(conn, "names", objects=objects)])[0]
        return identities

    try:
        # One message for all queries, and one JSON value for each table: the driver then handles
        # one cell for a table, and not one for each fact.
        excluded, *answers = query_json(conn, [*before, *queries])[-len(queries) :]
        annotations: dict[str, list[Any]] = dict(zip(_ANNOTATIONS, answers, strict=False))
        settings = annotations["settings_of_database"]
        annotations["settings_of_database"] = [
            (role, f"{{{','.join(map(_masked, set_values))}}}") for role, set_values in settings
        ]
        rows = dict(zip(layout.tables, answers[len(_ANNOTATIONS) :], strict=True))
        return make_snapshot(
            layout, CatalogAnswers(excluded, rows, annotations), identify, _version(conn)
        )
    finally:
        if begin and conn.info.transaction_status != pq.TransactionStatus.UNKNOWN:
            conn.execute("ROLLBACK")


_ANNOTATIONS = (
    "privileges",
    "member_owners",
    "comments",
    "comments_of_the_server",
    "labels",
    "settings_of_database",
    "dependencies",
)


def catalog_text(conn: Connection, name: str, **values: object) -> str:
    """Return the text of a named statement about the catalog, as a part of a longer message."""
    query = statement("catalog", name, _ANY_LEDGER, with_values=bool(values))
    return ClientCursor(conn).mogrify(query, values or None)


def query_json(conn: Connection, queries: Sequence[str]) -> list[Any]:
    """Send queries as one message, and return the JSON value of each one's first cell.

    The value is an empty list if there is no row or the cell is null. Raises psycopg's errors.
    """
    results = send(conn, ";\n".join(queries).encode())
    error = error_of(results)
    if error is not None:
        raise error
    values = (result.get_value(0, 0) if result.ntuples else None for result in results)
    return [json.loads(value) if value else [] for value in values]


def _masked(setting: str) -> str:
    name, _, value = setting.partition("=")
    return f"{name}={masked_setting(name, value)}"


def _version(conn: Connection) -> str:
    return (conn.info.parameter_status("server_version") or "").partition(" ")[0]
