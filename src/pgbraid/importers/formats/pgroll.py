"""pgroll: one row for each migration, which is JSON; pgbraid cannot run these files.

Source: ``pkg/state/init.sql``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers.formats.tool import History, Recorded, Tool, unfinished

if TYPE_CHECKING:
    from pgbraid.model.migration import Problem
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]

_LONGEST_NAME = 63


def _read(table: TrackerTable) -> History | tuple[Problem, ...]:
    # Changes that were made without pgroll are recorded as inferred.
    rows = [row for row in table.records() if row.get("migration_type") != "inferred"]
    started = [row["name"] for row in rows if row.get("done") is False]
    if started:
        hint = "Complete it with `pgroll complete`, or undo it with `pgroll rollback`."
        return tuple(unfinished(table, "pgroll", name, "has started", hint) for name in started)
    return History(tuple(Recorded(row["name"]) for row in rows))


def _version_schemas(table: TrackerTable) -> frozenset[str]:
    """Return the names of the schemas with the views of each version, also of old versions."""
    rows = table.records()
    names = ((row, row["migration"].get("version_schema") or row["name"]) for row in rows)
    return frozenset(f"{row['schema']}_{name}"[:_LONGEST_NAME] for row, name in names)


TOOL = Tool(
    "pgroll",
    ("migrations",),
    (("schema", "name"), ("name", "text"), ("migration", "jsonb")),
    "name",
    read=_read,
    schema="pgroll",
    more=("done", "migration_type"),
    schemas=_version_schemas,
    removal="When no application uses a schema such as public_05_add_email any more, remove all of "
    "pgroll with `DROP SCHEMA pgroll CASCADE`, and then these schemas.",
)
