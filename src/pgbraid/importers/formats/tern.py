"""tern: one row with the number of the last migration.

Source: ``migrate/migrate.go``. The numbers of the files are consecutive from 1.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import numbered
from pgbraid.importers.formats.tool import History, Tool
from pgbraid.model.migration import Problem

if TYPE_CHECKING:
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]


def _read(table: TrackerTable) -> History | tuple[Problem, ...]:
    versions = [row["version"] for row in table.records()]
    if len(versions) > 1:
        return (
            Problem(
                "tracker_ambiguous",
                f"{table.name} has {len(versions)} rows; tern keeps one",
                hint="Keep only the row of the highest version that is fully applied, then run "
                "`pgbraid adopt`.",
            ),
        )
    version = versions[0] if versions else 0
    return History(through=str(version)) if version else History()


TOOL = Tool(
    "tern",
    ("schema_version",),
    (("version", "integer"),),
    "version",
    read=_read,
    files=numbered(pattern=re.compile(r"([0-9]+)_(.+)\.sql", re.DOTALL), sections=True),
    exact=True,
    has_initial_row=True,
    by_version=True,
    runs_as_it_is=True,
)
