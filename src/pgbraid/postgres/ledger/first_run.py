"""Reads what a database already contains; only a run with an empty applied set needs it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from psycopg import errors, sql

from pgbraid.model.migration import AppliedMigration
from pgbraid.postgres.ledger.applied_set import as_hex

if TYPE_CHECKING:
    from pgbraid.postgres.client.session import Session

__all__ = ["made_in_schema", "read_ledgers", "read_user_tables"]


def read_user_tables(session: Session) -> list[str]:
    """Return the names of at most two tables that this role may use, as ``schema.table``."""
    ledger = session.ledger
    rows = session.run(
        "first_run",
        "user_tables",
        schema=ledger.schema,
        table=ledger.table,
        journal=ledger.journal,
    )
    return [f"{schema}.{table}" for schema, table in rows]


def read_ledgers(session: Session) -> dict[tuple[str, str], tuple[AppliedMigration, ...]]:
    """Return the other applied sets of the database, by schema and table, with their rows.

    A table is left out if row security would hide rows of it.
    """
    ledger = session.ledger
    tables = session.run("first_run", "ledgers", schema=ledger.schema, table=ledger.table)
    ledgers: dict[tuple[str, str], tuple[AppliedMigration, ...]] = {}
    for schema, table in tables.fetchall():
        with suppress(errors.InsufficientPrivilege, errors.UndefinedTable):
            ledgers[schema, table] = _rows(session, schema, table)
    return ledgers


def _rows(session: Session, schema: str, table: str) -> tuple[AppliedMigration, ...]:
    # Row security then raises an error, and `read_ledgers` skips the table.
    query = sql.SQL(
        "SELECT pg_catalog.set_config('row_security', 'off', true),"
        " pg_catalog.set_config('bytea_output', 'hex', true);"
        " SELECT version::pg_catalog.text, name::pg_catalog.text, checksum::pg_catalog.text FROM {}"
    ).format(sql.Identifier(schema, table))
    cursor = session.conn.execute(query)
    cursor.nextset()
    return tuple(
        AppliedMigration(int(version), name, as_hex(checksum))
        for version, name, checksum in cursor
        if version is not None and version.isdecimal()
    )


def made_in_schema(session: Session) -> bool:
    """Whether the ledger's schema contains other objects besides the ledger."""
    ledger = session.ledger
    row = session.run(
        "first_run",
        "made_in_schema",
        schema=ledger.schema,
        table=ledger.table,
        journal=ledger.journal,
    ).fetchone()
    return row == (True,)
