"""Adds to an error message which migrations stay applied, and the next command."""

from __future__ import annotations

from pgbraid.cli.render import characters, psql
from pgbraid.model import sqlstate

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from pgbraid.model.errors import MigrationFailed, ProblemsFound

__all__ = ["failure_summary", "problems_summary"]

_TRANSIENT = frozenset(
    {sqlstate.LOCK_NOT_AVAILABLE, sqlstate.DEADLOCK_DETECTED, sqlstate.SERIALIZATION_FAILURE}
)
"""Errors that another session caused: the file needs no change."""


def problems_summary(error: ProblemsFound) -> str:
    """Return the number of problems, and of the migrations applied before."""
    problems = f"{psql.count(len(error.problems), 'problem')} found"
    before = psql.count(len(error.applied), "migration")
    return (
        f"{problems}; {before} applied before" if error.applied else f"{problems}; nothing was run"
    )


def failure_summary(error: MigrationFailed, command: str, *, temporary_server: bool) -> str:
    """Return the state that a failed migration leaves, and the next step."""
    label = characters.clean(error.migration.label)
    if error.completed_of_total:
        done, total = error.completed_of_total
        state = f"{label} is incomplete: {done} of its {psql.count(total, 'statement')} completed"
        before = psql.count(len(error.applied), "migration")
        return f"{state}; {before} applied before it. All later migrations wait for it."
    if error.incomplete:
        return f"{label} is not recorded. Check which changes it committed before the next run."
    if command == "undo":
        return f"The down file was rolled back; {label} stays applied."
    end = "removed with the temporary server" if temporary_server else "kept"
    before = f"{psql.count(len(error.applied), 'migration')} applied before it, {end}"
    applied = before if error.applied else "nothing was applied"
    if error.sqlstate in _TRANSIENT:
        return f"{label} was rolled back; {applied}."
    return f"{label} was rolled back; {applied}. Fix the file, then run `pgbraid up` again."
