"""The list of migration tools whose tracker and files pgbraid reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers.formats import (
    alembic,
    atlas,
    dblift,
    dbmate,
    dbup,
    diesel,
    django,
    drizzle,
    ecto,
    flyway,
    golang_migrate,
    goose,
    graphile_migrate,
    hasura,
    knex,
    liquibase,
    node_pg_migrate,
    pgmigrate,
    pgroll,
    prisma,
    refinery,
    sqitch,
    sql_migrate,
    sqlx,
    supabase,
    tern,
    typeorm,
    umzug,
    yandex_pgmigrate,
    yoyo,
)
from pgbraid.importers.formats.tool import Tool

if TYPE_CHECKING:
    from pgbraid.model.results import TrackerTable

__all__ = ["DISTINCTIVE", "NAMES", "TABLES", "TOOLS", "Tool", "find_tool", "tool_named"]

# Several tools name their table schema_migrations: hasura, with the columns of golang-migrate,
# stands before it.
TOOLS: tuple[Tool, ...] = (
    hasura.TOOL,
    supabase.TOOL,
    ecto.TOOL,
    dbmate.TOOL,
    goose.TOOL,
    sql_migrate.TOOL,
    flyway.TOOL,
    dblift.TOOL,
    liquibase.TOOL,
    sqlx.TOOL,
    refinery.TOOL,
    diesel.TOOL,
    alembic.TOOL,
    django.TOOL,
    yoyo.TOOL,
    yoyo.TOOL_4,
    tern.TOOL,
    yandex_pgmigrate.TOOL,
    node_pg_migrate.TOOL,
    graphile_migrate.TOOL,
    knex.TOOL,
    prisma.TOOL,
    sqitch.TOOL,
    atlas.TOOL,
    typeorm.TOOL,
    umzug.TOOL,
    drizzle.TOOL,
    dbup.TOOL,
    pgmigrate.TOOL,
    pgroll.TOOL,
    golang_migrate.TOOL,
)
"""All tools. Add a new tool's module to this tuple."""
TABLES = tuple(sorted({table for tool in TOOLS for table in tool.tables}))
"""The names of all tracker tables, without schema."""
DISTINCTIVE = frozenset(TABLES) - {"changes", "migrations", "schema_version", "schemaversions"}
"""The names that an application would hardly give to a table of its own."""
NAMES = tuple(sorted({name for tool in TOOLS for name in tool.names}))
"""The names by which the command line selects a tool."""


def find_tool(table: TrackerTable) -> Tool | None:
    """Return the tool whose tracker this table is, or None."""
    return next((tool for tool in TOOLS if tool.matches(table)), None)


def tool_named(name: str) -> Tool | None:
    """Return the tool with one of the names of the command line, or None."""
    return next((tool for tool in TOOLS if name.lower() in tool.names), None)
