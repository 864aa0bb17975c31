"""Says whose code it was that made a statement of ours fail."""

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


def hint_for_foreign_code(conn: Connection, said: Diagnostic) -> str | None:
    """Return a hint for a statement of ours that failed in code of somebody else, or has no right.

    The code is named in the server's context: an event trigger's, or that of a trigger.
    """
    if said.context and conn.info.transaction_status == pq.TransactionStatus.IDLE:
        with suppress(psycopg.Error):
            question = ClientCursor(conn).mogrify(_EVENT_TRIGGERS, [said.context])
            row = conn.execute(question.encode()).fetchone()
            if row is not None:
                return f"The event trigger {row[0]} ran {row[1]} here, which failed. {_OF_OTHERS}"
    if said.sqlstate != sqlstate.INSUFFICIENT_PRIVILEGE:
        return None
    if said.context:
        return f"Code of somebody else's ran here, and failed: see CONTEXT. {_OF_OTHERS}"
    return "Check the role's rights on the tracker's schema, then run `pgbraid status`."
