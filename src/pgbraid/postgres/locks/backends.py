"""Describes other sessions of the server as text for messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.sql.secrets import mask, secrets_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.postgres.client.session import Session

__all__ = ["describe_backends", "without_query"]

_LONGEST = 80
_CLIENT = "client backend"
_QUERY = re.compile(", (?:running|last ran): .*", re.DOTALL)
"""The query of a session, from the first place where it may begin."""
_PREPARED = "a prepared transaction (see pg_prepared_xacts)"
_PREPARED_HERE = """
    SELECT gid, owner, pg_catalog.to_char(prepared, 'YYYY-MM-DD HH24:MI:SS TZH')
      FROM pg_catalog.pg_prepared_xacts
     WHERE database OPERATOR(pg_catalog.=) pg_catalog.current_database() ORDER BY prepared"""


def describe_backends(session: Session, pids: Iterable[int]) -> tuple[str, ...]:
    """Return a description of each backend, oldest transaction first, as the role may see it.

    Process 0 is a prepared transaction, as in ``pg_blocking_pids``.
    """
    distinct = list(dict.fromkeys(pids))
    descriptions = [
        _described(session, row)
        for row in session.run(
            "session", "describe_backends", pids=[pid for pid in distinct if pid]
        )
    ]
    return (*descriptions, *([_prepared(session)] if 0 in distinct else []))


def without_query(description: str) -> str:
    """Return a description without the session's query, which may have values of rows.

    For a text that is kept, such as a journal line.
    """
    return _QUERY.sub("", description)


def _prepared(session: Session) -> str:
    """Name all prepared transactions of the database: the server does not show which one blocks."""
    rows = session.conn.execute(_PREPARED_HERE.encode()).fetchall()
    names = [f"{gid!r} (role {role}, prepared {since})" for gid, role, since in rows]
    if not names:
        return _PREPARED
    return f"the prepared transaction {' or '.join(names)}"


def _described(session: Session, row: tuple[object, ...]) -> str:
    pid, role, application, kind, host, since, in_transaction, state, query = row
    if kind != _CLIENT and kind is not None:
        return f"process {pid} ({kind})"
    began = "in a transaction since" if in_transaction else "connected since"
    parts = [
        f"process {pid} ({application or 'no application name'})",
        f"role {role}" if role else "",
        f"host {host}" if since else "",
        f"{began} {since}" if since else "",
        _doing(session, state, query),
    ]
    return ", ".join(part for part in parts if part)


def _doing(session: Session, state: object, query: object) -> str:
    """Return the session's present or last query in one line, with secrets masked."""
    if not state:
        return ""
    text = session.target.scrub(str(query or ""))
    text = " ".join(mask(text, secrets_in(text)).split())
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    if state == "active":
        return f"running: {shown}" if shown else "active"
    return f"{state}, last ran: {shown}" if shown else str(state)
