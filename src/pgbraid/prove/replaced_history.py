"""Reads a recorded history as the files do after a squash, with baselines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.migrate.planning.replaced_rows import find_replaced, incomplete_squash
from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import AppliedMigration

if TYPE_CHECKING:
    from pgbraid.model.migration import MigrationSet
    from pgbraid.model.plan import ReplacedRows
    from pgbraid.postgres.ledger.history import AppliedHistory

__all__ = ["with_baselines"]


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
