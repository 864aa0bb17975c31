"""Finds and reads the tracker tables of other tools, and drops them after an adoption."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from psycopg import errors, sql

from pgbraid.postgres.client.server_errors import diagnose

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import LiteralString

    from pgbraid.model.results import TrackerTable
    from pgbraid.postgres.client.session import Session

__all__ = [
    "create_table",
    "drop_empty_schema",
    "drop_tables",
    "has_rows",
    "is_locked",
    "is_readable",
    "read_keys",
    "read_tracker_rows",
    "read_tracker_tables",
    "write_rows",
]


_SECURE = sql.SQL("SELECT pg_catalog.set_config('row_security', 'off', true); ")
"""Row security then raises an error instead of hiding rows."""
_MOST_KEYS = 10_000


def read_tracker_tables(session: Session, tables: Iterable[str]) -> tuple[TrackerTable, ...]:
    """Return the tables of these names without rows: the ledger's schema first, then public.

    A view or a foreign table has no columns here: reading it could run code of other roles.
    """
    from pgbraid.model.results import TrackerTable  # noqa: PLC0415 - few runs need it

    columns_of: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for schema, table, column, kind in session.run(
        "ledger", "foreign_columns", tables=list(tables)
    ):
        columns = columns_of[schema, table]
        if column is not None:
            columns.append((column, kind))
    first = {session.ledger.schema: 0, "public": 1}
    ordered = sorted(columns_of.items(), key=lambda item: (first.get(item[0][0], 2), *item[0]))
    return tuple(TrackerTable(*name, tuple(columns), ()) for name, columns in ordered)


def read_tracker_rows(
    session: Session, table: TrackerTable, names: Collection[str]
) -> TrackerTable:
    """Return the table with its rows, restricted to the columns in ``names``.

    Raises ServerError if this role may not read them all.
    """
    from pgbraid.model.errors import ServerError  # noqa: PLC0415 - few runs need it
    from pgbraid.model.results import TrackerTable  # noqa: PLC0415 - few runs need it

    selected = tuple(column for column in table.columns if column[0] in names)
    columns = sql.SQL(", ").join(sql.Identifier(name) for name, _ in selected)
    source = sql.Identifier(table.schema, table.table)
    query = _SECURE + sql.SQL("SELECT {} FROM {}").format(columns, source)
    try:
        cursor = session.conn.execute(query)
    except errors.InsufficientPrivilege as error:
        diagnostic = diagnose(session.target, error.diag, error)
        raise ServerError(
            f"this role may not read {table.name}, the tracker of another tool",
            detail=f"The server reports: {diagnostic.message}.",
            hint="Grant SELECT on the table to this role, or run the command as its owner; if row "
            "security hides rows, as a role with BYPASSRLS.",
            diagnostic=diagnostic,
        ) from None
    cursor.nextset()
    return TrackerTable(table.schema, table.table, selected, tuple(cursor.fetchall()))


def has_rows(session: Session, table: TrackerTable) -> bool:
    """Whether a table has a row, or cannot be read by this role; a view may always have one."""
    if not table.columns:
        return True
    source = sql.Identifier(table.schema, table.table)
    query = _SECURE + sql.SQL("SELECT EXISTS (SELECT FROM {})").format(source)
    try:
        cursor = session.conn.execute(query)
        cursor.nextset()
        return cursor.fetchone() == (True,)
    except errors.InsufficientPrivilege:
        return True


def is_readable(session: Session, table: TrackerTable) -> bool:
    """Whether this role may read a table."""
    source = sql.Identifier(table.schema, table.table)
    try:
        session.conn.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(source))
    except errors.InsufficientPrivilege:
        return False
    return True


def read_keys(session: Session, table: TrackerTable, key: str) -> tuple[int, list[str]] | None:
    """Return the number of rows and the different keys as text; None if they may not be read.

    At most 10,000 keys are returned.
    """
    source, column = sql.Identifier(table.schema, table.table), sql.Identifier(key)
    query = _SECURE + sql.SQL(
        "SELECT (SELECT pg_catalog.count(*) FROM {}), ARRAY(SELECT DISTINCT {}::pg_catalog.text"
        " FROM {} WHERE {} IS NOT NULL LIMIT {})"
    ).format(source, column, source, column, sql.Literal(_MOST_KEYS))
    try:
        cursor = session.conn.execute(query)
    except errors.InsufficientPrivilege:
        return None
    cursor.nextset()
    row = cursor.fetchone()
    return (int(row[0]), list(row[1])) if row else (0, [])


def is_locked(session: Session, schema: str, table: str, column: str) -> bool:
    """Whether a row of a tool's lock table shows that the tool is running; no table means no."""
    source = sql.Identifier(schema, table)
    query = sql.SQL(
        "SELECT EXISTS (SELECT FROM {} WHERE {}::pg_catalog.text = ANY ('{{1,true,t}}'))"
    ).format(source, sql.Identifier(column))
    try:
        return session.conn.execute(query).fetchone() == (True,)
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.InsufficientPrivilege):
        return False


def create_table(
    session: Session, table: TrackerTable, statements: Iterable[LiteralString]
) -> None:
    """Create another tool's table; ``{table}``, ``{key}`` and ``{index}`` stand for names."""
    identifier = sql.Identifier(table.schema, table.table)
    for statement in statements:
        query = sql.SQL(statement)
        key, index = sql.Identifier(f"{table.table}_pk"), sql.Identifier(f"{table.table}_s_idx")
        session.conn.execute(query.format(table=identifier, key=key, index=index))


def write_rows(
    session: Session,
    table: TrackerTable,
    columns: Collection[str],
    rows: Iterable[tuple[object, ...]],
    *,
    replace: bool,
) -> None:
    """Write rows into another tool's table; with ``replace`` instead of all that it has."""
    identifier = sql.Identifier(table.schema, table.table)
    if replace:
        session.conn.execute(sql.SQL("DELETE FROM {}").format(identifier))
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    for row in rows:
        # The driver would take a percent sign in the name of a schema for a parameter.
        values = sql.SQL(", ").join(map(sql.Literal, row))
        insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(identifier, names, values)
        session.conn.execute(insert)


def drop_tables(session: Session, schema: str, names: Sequence[str]) -> None:
    """Drop those tables and enum types of another tool that exist."""
    cursor = session.conn.execute(
        "SELECT typtype = 'e', typname FROM pg_catalog.pg_type"
        "  LEFT JOIN pg_catalog.pg_class c ON c.oid = typrelid"
        " WHERE (typtype = 'e' OR relkind IN ('r', 'p')) AND typname = ANY (%s) AND typnamespace ="
        " (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s)"
        " ORDER BY 1, 2",
        (list(names), schema),
    )
    found = cursor.fetchall()
    # The tables go first, because their columns use the types.
    for is_type, drop in ((False, sql.SQL("DROP TABLE {}")), (True, sql.SQL("DROP TYPE {}"))):
        identifiers = [sql.Identifier(schema, name) for enum, name in found if enum is is_type]
        if identifiers:
            session.conn.execute(drop.format(sql.SQL(", ").join(identifiers)))


def drop_empty_schema(session: Session, schema: str) -> None:
    """Drop a schema if it has no object and belongs to a role of this session."""
    cursor = session.conn.execute(
        "SELECT FROM pg_catalog.pg_namespace n WHERE nspname = %s"
        " AND pg_catalog.pg_has_role(nspowner, 'USAGE') AND NOT EXISTS"
        " (SELECT FROM pg_catalog.pg_depend WHERE refobjid = n.oid"
        "  AND refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass)",
        (schema,),
    )
    if cursor.fetchone() is not None:
        session.conn.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(schema)))
