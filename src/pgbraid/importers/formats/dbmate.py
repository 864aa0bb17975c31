"""dbmate, and Rails, whose table has the same column: one row for each migration.

Sources: dbmate ``pkg/driver/postgres``, ``pkg/dbmate/migration.go``; Active Record
``schema_migration.rb``. Leading zeros of a version are kept in the table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import numbered, read_all
from pgbraid.importers.formats.tool import NAME, Export, Tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.importers.formats.tool import ExportedMigration

__all__ = ["TOOL"]


def _export(migrations: Sequence[ExportedMigration], _rows: int) -> Export:
    return Export(
        ("CREATE TABLE {table} (version varchar PRIMARY KEY)",),
        ("version",),
        tuple((migration.digits,) for migration in migrations),
        note="dbmate reads files with the names NNN_name.sql that begin with `-- migrate:up` and "
        "have a line `-- migrate:down`",
    )


TOOL = Tool(
    "dbmate or Rails",
    ("schema_migrations",),
    (("version", NAME),),
    "version",
    read=read_all("version"),
    files=numbered(pattern=re.compile(r"([0-9]+)_?(.*)\.sql", re.DOTALL), sections=True),
    ids=("dbmate", "rails"),
    beside=("ar_internal_metadata",),
    exact=True,
    by_version=True,
    export=_export,
    runs_as_it_is=True,
)
