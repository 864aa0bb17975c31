"""Other tools' tracker tables: found, read, and dropped once they are adopted."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.core.answers import Foreign
    from pgbraid.db.session import Session

__all__ = ["drop_table", "read_foreign", "read_foreign_rows"]


def read_foreign(session: Session, tables: Iterable[str]) -> tuple[Foreign, ...]:
    """Return the tables of those names in the tracker's schema, then in public, without rows."""
    from pgbraid.core.answers import Foreign  # noqa: PLC0415 - only where one is looked for

    schemas = list(dict.fromkeys((session.tracker.schema, "public")))
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for schema, table, column, kind in session.run(
        "ledger", "foreign_columns", schemas=schemas, tables=list(tables)
    ):
        found[schema, table].append((column, kind))
    ordered = sorted(found.items(), key=lambda item: (schemas.index(item[0][0]), item[0][1]))
    return tuple(Foreign(*name, tuple(columns), ()) for name, columns in ordered)


def read_foreign_rows(session: Session, table: Foreign) -> Foreign:
    """Return the table with its rows."""
    from pgbraid.core.answers import Foreign  # noqa: PLC0415 - only where one is looked for

    columns = sql.SQL(", ").join(sql.Identifier(name) for name, _ in table.columns)
    source = sql.Identifier(table.schema, table.table)
    query = sql.SQL("SELECT {} FROM {}").format(columns, source)
    rows = tuple(session.conn.execute(query).fetchall())
    return Foreign(table.schema, table.table, table.columns, rows)


def drop_table(session: Session, schema: str, table: str) -> None:
    """Drop another tool's table, which has been adopted."""
    session.conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(schema, table)))
