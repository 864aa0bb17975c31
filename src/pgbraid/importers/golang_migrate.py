"""Adopts the tracker of golang-migrate: one row with the highest version and a dirty flag.

Source: its ``database/pgx/v5`` driver, which creates ``schema_migrations(version bigint,
dirty boolean)`` and keeps at most one row in it. Version -1 means that no version is applied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers.tool import Tool
from pgbraid.model.migration import MigrationSet, Problem
from pgbraid.model.results import Adoption, TrackerTable

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["TOOL"]

_COLUMNS = (("version", "bigint"), ("dirty", "boolean"))


def _adopt(
    table: TrackerTable, migrations: MigrationSet, not_applied: Collection[int]
) -> Adoption | tuple[Problem, ...]:
    source = f"{table.schema}.{table.table}"
    names = [name for name, _ in table.columns]
    rows = [dict(zip(names, row, strict=True)) for row in table.rows]
    if any(row["dirty"] for row in rows):
        return (_dirty(source, next(row["version"] for row in rows if row["dirty"])),)
    if len(rows) > 1 or any(row["version"] is None for row in rows):
        return (_several(source, len(rows)),)
    version = rows[0]["version"] if rows else -1
    if version < 0:
        return Adoption("golang-migrate", source, ())
    if migrations.get(version) is None:
        return (_no_file(source, version, migrations),)
    below = [m for m in migrations.migrations if m.version <= version]
    excluded = tuple(sorted(m.version for m in below if m.version in not_applied))
    return Adoption(
        "golang-migrate",
        source,
        tuple(m for m in below if m.version not in not_applied),
        excluded,
        counter=version,
        note=_note(source, version, len(below) - len(excluded), excluded),
    )


def _note(source: str, version: int, count: int, excluded: tuple[int, ...]) -> str:
    text = (
        f"{source} has version {version}: all {count} migrations up to it are adopted as applied. "
        "A counter does not record skipped versions; "
    )
    if excluded:
        return text + f"not adopted, as requested: {', '.join(map(str, excluded))}."
    return text + "if it skipped one, name it with `not_applied`."


def _dirty(source: str, version: int) -> Problem:
    return Problem(
        "tracker_dirty",
        f"{source} is dirty at version {version}: golang-migrate stopped in the middle of it",
        detail="The table does not record how much of that migration was applied.",
        hint=f"Finish or undo migration {version} by hand, clear the flag with `migrate force "
        "VERSION` (the last version that is fully applied), then run `pgbraid up` again.",
        versions=(version,),
    )


def _several(source: str, count: int) -> Problem:
    return Problem(
        "tracker_ambiguous",
        f"{source} has {count} rows or no version; golang-migrate keeps one row with a version",
        hint="Keep only the row of the highest version that is fully applied, then run "
        "`pgbraid adopt`.",
    )


def _no_file(source: str, version: int, migrations: MigrationSet) -> Problem:
    return Problem(
        "tracker_version_without_file",
        f"{source} has version {version}, but no file of that version is in {migrations.label}",
        detail="The folder may be another one, or this release is older than the database.",
        hint="Name the folder of golang-migrate with `dir`, then run `pgbraid adopt`. If the table "
        "belongs to another application, ignore it with `adopt = false`.",
        versions=(version,),
    )


# Hasura's table in the schema hdb_catalog has the same columns; it stands before this in the list.
TOOL = Tool("golang-migrate", ("schema_migrations",), _COLUMNS, "version", adopt=_adopt)
