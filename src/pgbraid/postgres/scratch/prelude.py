"""Prepares an embedded server: creates the role and runs the prelude that migrations expect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from pgbraid.model import sqlstate
from pgbraid.model.errors import EmbeddedError
from pgbraid.model.migration import LedgerTable
from pgbraid.postgres.client.connection import open_connection
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.client.session import statement
from pgbraid.postgres.scratch.databases import prelude_fails

if TYPE_CHECKING:
    from pgbraid.model.errors import MigrationFailed
    from pgbraid.model.options import Prelude
    from pgbraid.postgres.client.connection import Connection
    from pgbraid.postgres.client.conninfo import Target

__all__ = ["prepare_embedded", "provide_role"]

_ROLE = re.compile(r'^role "(?P<name>.+)" does not exist$')
_PUBLIC_IS_THE_OWNERS_SINCE = 150000
"""The first server version where the database's owner owns the schema public."""


def prepare_embedded(conninfo: str, role: str | None, prelude: Prelude | None) -> None:
    """Create the migrating role, as the owner of the database, and run the prelude.

    The role is not a superuser, so that a migration fails here if a managed server would reject
    it. The prelude runs in an empty database only. Raises ConfigError if the prelude fails, and
    EmbeddedError if the server refuses the connection.
    """
    try:
        opened = open_connection(parse_target(conninfo).parameters)
    except psycopg.OperationalError as error:  # a migration or a setting can forbid it
        raise EmbeddedError(
            "the embedded server refuses the connection of its superuser",
            detail=str(error).strip(),
            hint="Its data are damaged, or a migration changed the role or the database postgres. "
            "Correct that in the folder, or name another folder with `embedded`.",
        ) from None
    with opened as conn:
        if role is not None and not _has_role(conn, role):
            _create_owner(conn, role)
        if prelude is not None and _is_true(conn, "is_empty"):
            _run_prelude(conn, prelude)


def provide_role(target: Target, error: MigrationFailed) -> str | None:
    """Create the role that a failed migration lacked, and return its name.

    Return None if the error (42704) does not name a missing role.
    """
    if error.sqlstate != sqlstate.UNDEFINED_OBJECT:
        return None
    match = _ROLE.match(error.diagnostic.message)
    if match is None:
        return None
    # Without `options` the session keeps the login role, the superuser of the embedded server.
    parameters = {**target.parameters, "options": ""}
    with open_connection(parameters) as conn:
        if _has_role(conn, match["name"]):
            return None
        conn.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(match["name"])))
    return match["name"]


def _create_owner(conn: Connection, role: str) -> None:
    name = sql.Identifier(role)
    conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    database = sql.Identifier(conn.info.dbname)
    conn.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, name))
    if conn.info.server_version < _PUBLIC_IS_THE_OWNERS_SINCE:
        conn.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(name))


def _run_prelude(conn: Connection, prelude: Prelude) -> None:
    try:
        conn.execute(prelude.text.encode())
    except psycopg.Error as error:
        raise prelude_fails(prelude, error) from None


def _has_role(conn: Connection, name: str) -> bool:
    return _is_true(conn, "has_role", name=name)


def _is_true(conn: Connection, name: str, /, **values: object) -> bool:
    query = statement("scratch", name, LedgerTable(), with_values=bool(values))
    return conn.execute(query, values or None).fetchone() == (True,)
