"""Finds the event trigger or trigger that made a statement of pgbraid fail."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg
from psycopg import ClientCursor, pq

from pgbraid.model import sqlstate

if TYPE_CHECKING:
    from pgbraid.model.migration import Diagnostic
    from pgbraid.postgres.client.connection import Connection

__all__ = ["hint_for_foreign_code"]

_EVENT_TRIGGERS = """
    SELECT e.evtname, p.oid::pg_catalog.regprocedure FROM pg_catalog.pg_event_trigger e
    JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) e.evtfoid
    WHERE pg_catalog.strpos(%s, p.proname) OPERATOR(pg_catalog.>) 0 ORDER BY e.evtname"""
_OF_OTHERS = (
    "Have its owner correct it, make the function SECURITY DEFINER or give this role the rights "
    "that it needs; then run `pgbraid status`."
)


def hint_for_foreign_code(conn: Connection, diagnostic: Diagnostic) -> str | None:
    """Return a hint for a statement of ours that lacks a right, or failed in another role's code.

    The server's context names the function of an event trigger or a trigger.
    """
    if diagnostic.context and conn.info.transaction_status == pq.TransactionStatus.IDLE:
        with suppress(psycopg.Error):
            query = ClientCursor(conn).mogrify(_EVENT_TRIGGERS, [diagnostic.context])
            row = conn.execute(query.encode()).fetchone()
            if row is not None:
                return f"The event trigger {row[0]} called {row[1]}, which failed. {_OF_OTHERS}"
    if diagnostic.sqlstate != sqlstate.INSUFFICIENT_PRIVILEGE:
        return None
    if diagnostic.context:
        return f"Code of another role was called and failed: see CONTEXT. {_OF_OTHERS}"
    return "Check the role's rights on the ledger's schema, then run `pgbraid status`."
