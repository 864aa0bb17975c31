"""Creates the database of a target that does not exist yet, over a connection to another one."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
from psycopg import errors, pq, sql

from pgbraid.model.errors import ServerError
from pgbraid.postgres.client.background_connect import ping_server
from pgbraid.postgres.client.connection import open_connection
from pgbraid.postgres.client.server_errors import diagnose

if TYPE_CHECKING:
    from pgbraid.model.options import StopToken
    from pgbraid.postgres.client.connection import Connection
    from pgbraid.postgres.client.conninfo import Target

__all__ = ["exists_or_is_created"]

_OTHERS = ("postgres", "template1")
"""The databases of every server, in the order in which they are tried."""
_EXISTS = "SELECT FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) %s"
_TEMPLATE_IN_USE = 30.0
"""Seconds to try again while another session uses the template."""
_PAUSE = 0.2


def exists_or_is_created(target: Target, name: str, stop: StopToken) -> bool | None:
    """Create the database ``name`` on the target's server if it does not exist there.

    Return True if it was created, False if it exists, also because another process created it at
    the same time, and None if that cannot be found out: the server does not accept connections, or
    not to another database. Raises ServerError if the server does not let this role create it.
    """
    if not name or ping_server(target.parameters) != pq.Ping.OK:
        return None
    for other in _OTHERS:
        try:
            conn = open_connection({**target.parameters, "dbname": other})
        except psycopg.Error:
            continue
        conn.stop = stop.event
        with closing(conn):
            return _create(conn, target, name, stop)
    return None


def _create(conn: Connection, target: Target, name: str, stop: StopToken) -> bool:
    deadline = time.monotonic() + _TEMPLATE_IN_USE
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    while True:
        try:
            if conn.execute(_EXISTS, (name,)).rowcount:
                return False
            conn.execute(statement)
        except (errors.DuplicateDatabase, errors.UniqueViolation):
            return False  # another process was faster
        except psycopg.Error as error:
            stop.check()
            if not isinstance(error, errors.ObjectInUse) or time.monotonic() > deadline:
                raise _refused(target, name, error) from None
        else:
            return True
        stop.sleep(_PAUSE)


def _refused(target: Target, name: str, error: psycopg.Error) -> ServerError:
    diagnostic = diagnose(target, error.diag, error)
    shown = target.scrub(name)
    hint = "Create it by hand, then run `pgbraid up` again."
    if isinstance(error, errors.InsufficientPrivilege):
        hint = (
            "Let a role with the attribute CREATEDB create it, or give this role that attribute "
            "with ALTER ROLE … CREATEDB; then run `pgbraid up` again."
        )
    return ServerError(
        f"the database {shown} does not exist, and cannot be created: {diagnostic.message}",
        detail=diagnostic.detail,
        hint=hint,
        diagnostic=diagnostic,
    )
