"""What a database already holds where the applied set is empty: asked by a first run only."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from psycopg import errors, sql

from pgbraid.core.model import Applied

if TYPE_CHECKING:
    from pgbraid.core.answers import Foreign
    from pgbraid.db.session import Session

__all__ = ["has_foreign_rows", "made_in_schema", "read_ledgers", "read_user_tables"]


def read_user_tables(session: Session) -> list[str]:
    """Return the names of at most two tables that this role may use, as ``schema.table``."""
    tracker = session.tracker
    rows = session.run(
        "first_run",
        "user_tables",
        schema=tracker.schema,
        table=tracker.table,
        journal=tracker.journal,
    )
    return [f"{schema}.{table}" for schema, table in rows]


def read_ledgers(session: Session) -> dict[tuple[str, str], tuple[Applied, ...]]:
    """Return the other trackers of the database, by schema and table, with their rows.

    One that row security would hide rows of is passed over.
    """
    tracker = session.tracker
    found = session.run(
        "first_run", "ledgers", schema=tracker.schema, table=tracker.table
    ).fetchall()
    ledgers: dict[tuple[str, str], tuple[Applied, ...]] = {}
    for schema, table in found:
        with suppress(errors.InsufficientPrivilege, errors.UndefinedTable):
            ledgers[schema, table] = _rows(session, schema, table)
    return ledgers


def _rows(session: Session, schema: str, table: str) -> tuple[Applied, ...]:
    query = sql.SQL(
        "SELECT pg_catalog.set_config('row_security', 'off', true),"
        " pg_catalog.set_config('bytea_output', 'hex', true);"
        " SELECT version::pg_catalog.text, name::pg_catalog.text, checksum::pg_catalog.text FROM {}"
    ).format(sql.Identifier(schema, table))
    cursor = session.conn.execute(query)
    cursor.nextset()
    return tuple(
        Applied(int(version), name, checksum.lower().removeprefix("\\x") if checksum else None)
        for version, name, checksum in cursor
        if version is not None and version.isdecimal()
    )


def has_foreign_rows(session: Session, table: Foreign) -> bool:
    """Whether a table holds anything; one that this role may not read counts as if it did."""
    source = sql.Identifier(table.schema, table.table)
    try:
        row = session.conn.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(source))
        return row.fetchone() == (True,)
    except errors.InsufficientPrivilege:
        return True


def made_in_schema(session: Session) -> bool:
    """Whether the tracker's schema holds anything but the tracker and its journal."""
    tracker = session.tracker
    row = session.run(
        "first_run",
        "made_in_schema",
        schema=tracker.schema,
        table=tracker.table,
        journal=tracker.journal,
    ).fetchone()
    return row == (True,)
