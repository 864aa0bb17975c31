"""Reads the applied set as the files do after a squash: a baseline stands for what it replaces.

========================================  ======================================================
the database has                          the baseline
========================================  ======================================================
no replaced version                       is pending
the baseline's own row                    is applied; other rows that it replaces stay
all replaced versions                     counts as applied; nothing is written
the row of an earlier baseline, and all   counts as applied
replaced versions above it
a part of the replaced versions           is pending, with the error ``squash_incomplete``
========================================  ======================================================
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.model.migration import AppliedMigration, Location, Problem
from pgbraid.model.plan import ReplacedRows
from pgbraid.source.baselines import baselines_of, listed
from pgbraid.source.filenames import same_migration_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pgbraid.model.migration import Migration, MigrationSet
    from pgbraid.model.plan import LedgerState

__all__ = ["find_replaced", "incomplete_squash", "squash_problems", "with_baselines"]


def with_baselines(migrations: MigrationSet, state: LedgerState) -> LedgerState:
    """Return the state with the rows of replaced versions moved to ``replaced``.

    A baseline that counts as applied has a row in ``applied``, with the checksum of its file: the
    recorded one is that of the file that had its version before.
    """
    histories = find_replaced(migrations, state.applied)
    moved = {row.version for replaced in histories for row in replaced.rows}
    if not moved:
        return state
    rows = [row for row in state.applied if row.version not in moved]
    present = {row.version for row in rows}
    rows += [
        _row(replaced)
        for replaced in histories
        if not (replaced.lacking or replaced.baseline.version in present)
    ]
    rows.sort(key=lambda row: row.version)
    return replace(state, applied=tuple(rows), replaced=histories)


def _row(replaced: ReplacedRows) -> AppliedMigration:
    baseline = replaced.baseline
    row = next((row for row in replaced.rows if row.version == baseline.version), None)
    if row is None:
        return AppliedMigration(baseline.version, baseline.name, baseline.checksum)
    # Later migrations are recorded in the style of this row.
    name, recorded = baseline.name, row.name or ""
    if recorded.endswith(".sql"):
        name = baseline.file
    elif recorded.startswith((f"{baseline.digits}_", f"{baseline.version}_")):
        zeros = recorded.startswith(f"{baseline.digits}_")
        name = baseline.label if zeros else f"{baseline.version}_{name}"
    return AppliedMigration(baseline.version, name, baseline.checksum, row.applied_at)


def find_replaced(
    migrations: MigrationSet, applied: Sequence[AppliedMigration]
) -> tuple[ReplacedRows, ...]:
    """Return the applied rows that each baseline replaces, if there are any.

    ``applied`` may be in any order.
    """
    rows = {row.version: row for row in applied}
    histories = (_find(baseline, rows) for baseline in baselines_of(migrations))
    return tuple(replaced for replaced in histories if replaced is not None)


def _find(baseline: Migration, rows: Mapping[int, AppliedMigration]) -> ReplacedRows | None:
    directives = baseline.directives
    here = tuple(rows[version] for version in directives.replaces if version in rows)
    if _is_row_of(rows, baseline.version, baseline.name):
        others = tuple(row for row in here if row.version != baseline.version)
        return ReplacedRows(baseline, others) if others else None
    if not here:
        return None
    # The row of an earlier baseline stands for all versions up to its own.
    earlier = (v for v, name in directives.earlier_baselines if _is_row_of(rows, v, name))
    through = max(earlier, default=-1)
    lacking = tuple(v for v in directives.replaces if v > through and v not in rows)
    return ReplacedRows(baseline, here, lacking)


def _is_row_of(rows: Mapping[int, AppliedMigration], version: int, name: str) -> bool:
    """Whether the row of a version was written by a migration of this name."""
    row = rows.get(version)
    return row is not None and same_migration_name(row.name or "", version, name)


def squash_problems(state: LedgerState) -> Iterator[Problem]:
    """Yield an error for each baseline of which the database has only a part."""
    disputed = {mismatch.version for mismatch in state.mismatches}
    for replaced in state.replaced:
        # If the journal has a lacking version, that error names the way out.
        if replaced.lacking and not disputed.intersection(replaced.lacking):
            yield incomplete_squash(replaced)


def incomplete_squash(replaced: ReplacedRows) -> Problem:
    """Return the problem of a database that has a part of the versions that a baseline replaces."""
    baseline, lacking = replaced.baseline, replaced.lacking
    them = "it" if len(lacking) == 1 else "them"
    return Problem(
        "squash_incomplete",
        f"{baseline.label} replaces {len(baseline.directives.replaces)} versions, and this "
        f"database has only a part of them: it lacks {listed(lacking)}",
        detail="The baseline runs only on a database that has none of them, and their own files "
        "are gone.",
        hint="Deploy the last release before the squash, the commit in which these files still "
        f"exist, and run `pgbraid up` there; then come back. If the changes of {lacking[0]} are in "
        f"the database by other means, record {them} with that release: `pgbraid baseline --only "
        f"{lacking[0]}`.",
        location=Location(baseline.path),
        versions=lacking,
    )
