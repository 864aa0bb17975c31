"""Runs files of SQL, and makes roles, while a template is filled."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from pgbraid.model import sqlstate
from pgbraid.model.errors import ConfigError

if TYPE_CHECKING:
    from pgbraid.model.migration import Diagnostic
    from pgbraid.postgres.clones.clone_server import CloneServer

__all__ = ["create_role", "missing_role", "own_database", "run_script"]

_ROLE = re.compile(r'^role "(?P<name>.+)" does not exist$')


def run_script(
    server: CloneServer, name: str, path: str, text: str, search_path: str | None = None
) -> None:
    """Run the text of a file in a database, in one transaction.

    Raises ConfigError, with the line, if the server rejects it, and ServerError.
    """
    with server.connect(name) as conn:
        try:
            conn.execute(b"BEGIN")
            if search_path is not None:
                conn.execute(
                    "SELECT pg_catalog.set_config('search_path', %s, true)", (search_path,)
                )
            conn.execute(text.encode())
            conn.execute(b"COMMIT")
        except psycopg.Error as error:
            position = error.diag.statement_position
            line = f":{text.count(chr(10), 0, int(position) - 1) + 1}" if position else ""
            raise ConfigError(
                f"{path}{line}: the file fails: {error.diag.message_primary or error}",
                detail=error.diag.message_detail,
                hint="Correct the file, then run the tests again.",
            ) from None


def missing_role(diagnostic: Diagnostic) -> str | None:
    """Return the name of the role without which a migration failed, or None."""
    if diagnostic.sqlstate != sqlstate.UNDEFINED_OBJECT:
        return None
    match = _ROLE.match(diagnostic.message)
    return match["name"] if match else None


def create_role(server: CloneServer, name: str, *, login: bool = False) -> None:
    """Create a role, unless it exists. Raises ServerError."""
    exists = "SELECT count(*) > 0 FROM pg_catalog.pg_roles WHERE rolname = %s"
    option = " LOGIN" if login else ""
    with server.connect() as conn:
        try:
            if conn.execute(exists, (name,)).fetchone() == (False,):
                role = sql.Identifier(name).as_string(None)
                conn.execute(f"CREATE ROLE {role}{option}".encode())
        except psycopg.errors.DuplicateObject:
            pass  # another worker was faster
        except psycopg.Error as error:
            raise server.rejected(error) from None


def own_database(server: CloneServer, name: str, role: str) -> None:
    """Make a role the owner of a database. Raises ServerError."""
    with server.connect() as conn:
        try:
            conn.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
                    sql.Identifier(name), sql.Identifier(role)
                )
            )
        except psycopg.Error as error:
            raise server.rejected(error) from None
