"""Creates databases for callers, and opens connections to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgbraid.model.errors import ServerError
from pgbraid.postgres.client.connection import open_connection

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["connect_to", "create_database", "in_database"]


def create_database(conninfo: str, name: str) -> None:
    """Create an empty database on an embedded server. Raises ServerError."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
    try:
        with open_connection(conninfo_to_dict(conninfo)) as conn:
            conn.execute(statement)
    except psycopg.Error as error:
        message = error.diag.message_primary or str(error)
        raise ServerError(
            f"the database {name!r} cannot be created: {message}",
            hint="Give another name to `create_database`, or none; `psql -l` lists those that are "
            "there.",
        ) from None


def in_database(conninfo: str, name: str) -> str:
    """Return the connection string with another database."""
    return make_conninfo(conninfo, dbname=name)


def connect_to(parameters: Mapping[str, Any], options: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the caller's classes
    """Return a connection of psycopg; ``options`` are those of ``psycopg.connect``."""
    return psycopg.connect(**{**parameters, **options})
