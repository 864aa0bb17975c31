"""Reads the most frequent statements of a database from pg_stat_statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import errors, sql

from pgbraid.model.hazards.sizes import Workload
from pgbraid.postgres.statement_texts import statement_text
from pgbraid.sql.sent_statement import is_hidden, usable_text

if TYPE_CHECKING:
    from typing import Any

    from pgbraid.postgres.client.session import Session

__all__ = ["MOST_STATEMENTS", "read_workload"]

MOST_STATEMENTS = 500


def read_workload(session: Session, limit: int = MOST_STATEMENTS) -> Workload:
    """Return the most frequent statements that read or write rows, at most ``limit``.

    The texts are those of pg_stat_statements, in which parameters replace the constants. A text
    that still has a string constant is left out, as it may hold data or a secret. Raises psycopg's
    errors, except for an extension that is missing or that the role may not read.
    """
    try:
        texts = _texts(session)
    except (errors.InsufficientPrivilege, errors.ObjectNotInPrerequisiteState) as error:
        return Workload(unreadable=error.diag.message_primary or "")
    if texts is None:
        return Workload(unreadable="the extension pg_stat_statements is not in this database")
    queries: dict[str, None] = {}  # a set that keeps the order
    left_out = 0
    for text in texts:
        query = usable_text(text)
        if query is None:
            left_out += 1
        elif len(queries) < limit:
            queries[query] = None
    if not queries and any(is_hidden(text) for text in texts):
        return Workload(unreadable="the role may not read the statements of other roles")
    return Workload(tuple(queries), left_out=left_out)


def _texts(session: Session) -> list[str] | None:
    """Return the texts, the most frequent first; None if there is no extension."""
    found = _rows(session, sql.SQL(statement_text("statistics", "statement_statistics")))
    if not found:
        return None
    schema, has_toplevel = found[0]
    query = sql.SQL(statement_text("statistics", "frequent_statements")).format(
        view=sql.Identifier(schema, "pg_stat_statements"),
        toplevel=sql.SQL("s.toplevel" if has_toplevel else "true"),
    )
    return [text for (text,) in _rows(session, query) if text is not None]


def _rows(session: Session, query: sql.Composable) -> list[tuple[Any, ...]]:
    session.check_stop()
    settings = sql.SQL(statement_text("statistics", "own_settings"))
    cursor = session.conn.execute(sql.SQL(";\n").join([settings, query]))
    cursor.nextset()  # the first result is that of the settings
    return cursor.fetchall()
