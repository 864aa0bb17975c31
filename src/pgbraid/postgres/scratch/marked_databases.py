"""Marks the databases that pgbraid creates for a run, and drops those of killed runs.

The name of such a database has our prefix and the number of its run, and its connection limit is
our mark. A database without both is never dropped. A run holds an advisory lock on its number, so
the next run can detect, and drop, the databases of a killed run.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from pgbraid.model.errors import ConnectionFailed
from pgbraid.model.migration import LedgerTable
from pgbraid.postgres.client.connection import open_connection
from pgbraid.postgres.client.session import statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pgbraid.postgres.client.connection import Connection
    from pgbraid.postgres.client.conninfo import Target

__all__ = [
    "CONNECTION_LIMIT_MARK",
    "connect_to_server",
    "drop_abandoned",
    "drop_marked",
    "drop_statement",
    "drop_subscriptions_and_slots",
    "keep_session_open",
]

CONNECTION_LIMIT_MARK = 1953
"""The connection limit that marks our databases."""
_IDLES_SINCE = 140000  # the setting idle_session_timeout


def connect_to_server(target: Target, purpose: str, hint: str) -> Connection:
    """Return a connection to the server for ``purpose``, such as test. Raises ConnectionFailed."""
    try:
        return open_connection(target.parameters)
    except psycopg.Error as error:
        message = target.scrub(str(error)).strip().splitlines()
    # Outside of `except`: the driver's error, which may show a password, must not be the context.
    raise ConnectionFailed(
        f"cannot connect to the {purpose} server {target.label}: {message[0] if message else ''}",
        hint=hint,
    )


def keep_session_open(conn: Connection) -> None:
    """Turn off the time-outs of a session: its lock marks the databases as being in use."""
    conn.execute("SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0")
    if conn.info.server_version >= _IDLES_SINCE:
        conn.execute("SET idle_session_timeout = 0")


def drop_abandoned(
    conn: Connection, parameters: Mapping[str, Any], pattern: str, lock_class: int
) -> None:
    """Drop the databases of killed runs, as far as this role may.

    The first group of ``pattern`` is the number of the run in a name.
    """
    query = statement("scratch", "abandoned", LedgerTable(), with_values=True)
    names = conn.execute(
        query, {"pattern": pattern, "mark": CONNECTION_LIMIT_MARK, "class": lock_class}
    ).fetchall()
    for (name,) in names:
        with suppress(psycopg.Error):
            drop_subscriptions_and_slots({**parameters, "dbname": name})
        with suppress(psycopg.Error):
            conn.execute(drop_statement(name))


def drop_marked(conn: Connection, parameters: Mapping[str, Any], name: str) -> None:
    """Drop a database of this run and end its sessions. Raises the driver's error."""
    try:
        conn.execute(drop_statement(name))
    except psycopg.Error:
        with suppress(psycopg.Error):
            drop_subscriptions_and_slots({**parameters, "dbname": name})
        conn.execute(drop_statement(name))


def drop_statement(name: str) -> sql.Composed:
    """Return the statement that drops a database and ends its sessions."""
    return sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))


def drop_subscriptions_and_slots(parameters: Mapping[str, Any]) -> None:
    """Drop the subscriptions and replication slots of a database: they block DROP DATABASE."""
    with open_connection(parameters) as conn:
        names = conn.execute(_text("subscriptions")).fetchall()
        for (name,) in names:
            quoted = sql.Identifier(name)
            # Without a slot name DROP SUBSCRIPTION does not connect to the publisher.
            for change in (
                "ALTER SUBSCRIPTION {} DISABLE",
                "ALTER SUBSCRIPTION {} SET (slot_name = NONE)",
            ):
                conn.execute(sql.SQL(change).format(quoted))
            conn.execute(sql.SQL("DROP SUBSCRIPTION {}").format(quoted))
        conn.execute(_text("drop_slots"))


def _text(name: str) -> sql.Composed:
    return statement("scratch", name, LedgerTable(), with_values=False)
