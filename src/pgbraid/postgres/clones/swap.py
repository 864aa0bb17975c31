"""Puts a fresh clone in the place of a used database of a fixed name."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from pgbraid.postgres.clones.clone_server import text

if TYPE_CHECKING:
    from pgbraid.postgres.clones.clone_server import CloneServer

__all__ = ["swap_in"]

_PAUSE = 0.005
_LONGEST = 30.0
"""Seconds in which the sessions of the used database must end."""


def swap_in(server: CloneServer, fixed: str, clone: str) -> str | None:
    """Rename ``clone`` to ``fixed``; return the new name of the database that had it before.

    The sessions of that database are ended, and it accepts no more. Raises ServerError.
    """
    conn = server.conn
    try:
        used = server.new_name() if _has(server, fixed) else None
        if used is not None:
            conn.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(fixed))
            )
            _rename(server, fixed, used)
        _rename(server, clone, fixed)
    except psycopg.Error as error:
        raise server.rejected(error) from None
    return used


def _has(server: CloneServer, name: str) -> bool:
    query = "SELECT count(*) > 0 FROM pg_catalog.pg_database WHERE datname = %s"
    return server.conn.execute(query, (name,)).fetchone() == (True,)


def _rename(server: CloneServer, old: str, new: str) -> None:
    """Rename a database, whose sessions are ended, again until none is left."""
    statement = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
        sql.Identifier(old), sql.Identifier(new)
    )
    deadline = time.monotonic() + _LONGEST
    while True:
        # The server itself waits five seconds for sessions that end by themselves.
        while server.conn.execute(text("sessions_of"), {"name": old}).fetchone() != (0,):
            server.conn.execute(text("end_sessions"), {"name": old})
            if time.monotonic() > deadline:
                break
            time.sleep(_PAUSE)
        with suppress(psycopg.errors.ObjectInUse):
            server.conn.execute(statement)
            return
        if time.monotonic() > deadline:
            server.conn.execute(statement)
            return
