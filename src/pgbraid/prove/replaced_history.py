"""Reads a recorded history as the files do after a squash, with baselines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.migrate.planning.replaced_rows import find_replaced, incomplete_squash
from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import AppliedMigration
from pgbraid.source.baselines import baselines_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.model.migration import MigrationSet
    from pgbraid.model.plan import ReplacedRows
    from pgbraid.postgres.ledger.history import AppliedHistory

__all__ = ["list_with_baselines", "with_baselines"]


def with_baselines(
    migrations: MigrationSet, history: AppliedHistory, *, refuse_parts: bool = True
) -> AppliedHistory:
    """Return the history with the row of a baseline in place of all rows that it replaces.

    The baseline takes the place of the first of them. If the database has only a part of them,
    raise ProblemsFound; without ``refuse_parts`` these rows stay, because the journal has their
    texts.
    """
    for replaced in find_replaced(migrations, history.rows):
        if not replaced.lacking:
            history = _with_baseline(history, replaced)
        elif refuse_parts:
            raise ProblemsFound((incomplete_squash(replaced),))
    return history


def list_with_baselines(migrations: MigrationSet, versions: Sequence[int]) -> tuple[int, ...]:
    """Return a list of applied versions with baselines in place of the versions that they replace.

    A list has no names. So the version of a baseline without any other version that it replaces
    counts as the baseline. Raises ProblemsFound for a part of the replaced versions.
    """
    for baseline in baselines_of(migrations):
        replaced = [version for version in versions if version in baseline.directives.replaces]
        if not replaced or replaced == [baseline.version]:
            continue
        names = {
            version: name
            for version, name in baseline.directives.earlier_baselines
            if not any(other < version for other in replaced)
        }
        rows = [AppliedMigration(version, names.get(version), None) for version in replaced]
        for part in find_replaced(migrations, rows):
            if part.lacking:
                raise ProblemsFound((incomplete_squash(part),))
        at = versions.index(replaced[0])
        rest = [version for version in versions[at:] if version not in replaced]
        versions = (*versions[:at], baseline.version, *rest)
    return tuple(versions)


def _with_baseline(history: AppliedHistory, replaced: ReplacedRows) -> AppliedHistory:
    baseline = replaced.baseline
    versions = {row.version for row in replaced.rows} | {baseline.version}
    at = next(place for place, row in enumerate(history.rows) if row.version in versions)
    rows = [row for row in history.rows if row.version not in versions]
    rows.insert(at, AppliedMigration(baseline.version, baseline.name, baseline.checksum))
    places = {v: place for v, place in history.places.items() if v not in versions}
    first = min((p for v, p in history.places.items() if v in versions), default=None)
    if first is not None:
        places[baseline.version] = first
    after = [p for v, p in history.places.items() if v in versions]
    between = [v for v, place in places.items() if after and min(after) < place < max(after)]
    notes = [f"{baseline.label} stands for the {len(replaced.rows)} migrations that it replaces"]
    notes += [
        f"version {version} ran between migrations that {baseline.label} replaces: it is replayed "
        "after the baseline"
        for version in sorted(between)
    ]
    return replace(
        history,
        rows=tuple(rows),
        texts={v: text for v, text in history.texts.items() if v not in versions},
        places=places,
        # A down file of a replaced migration would undo a part of the baseline.
        undone=tuple(row for row in history.undone if row.version not in versions),
        notes=(*history.notes, *notes),
    )
