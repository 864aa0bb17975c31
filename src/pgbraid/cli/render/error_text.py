"""What is said of an error beside its own message: what stays applied, and the next command."""

from __future__ import annotations

from pgbraid.cli.render import characters, psql
from pgbraid.model import sqlstate

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from pgbraid.model.errors import MigrationFailed, ProblemsFound

__all__ = ["problems_found", "what_stands"]

_IN_THE_WAY = frozenset(
    {sqlstate.LOCK_NOT_AVAILABLE, sqlstate.DEADLOCK_DETECTED, sqlstate.SERIALIZATION_FAILURE}
)
"""No lock in time, a deadlock, a serialization failure: nothing is wrong with the file."""


def problems_found(error: ProblemsFound) -> str:
    """Return how many problems were found, and how many migrations were applied before."""
    found = f"{psql.count(len(error.problems), 'problem')} found"
    before = psql.count(len(error.applied), "migration")
    return f"{found}; {before} applied before" if error.applied else f"{found}; nothing was run"


def what_stands(error: MigrationFailed, command: str, *, throw_away: bool) -> str:
    """Return what a failed migration leaves behind, and what to do next."""
    label = characters.clean(error.migration.label)
    if error.completed_of_total:
        done, total = error.completed_of_total
        stands = f"{label} is incomplete: {done} of its {psql.count(total, 'statement')} through"
        before = psql.count(len(error.applied), "migration")
        return f"{stands}; {before} applied before it. Everything later waits for it."
    if error.incomplete:
        return f"{label} is not recorded. Look at what it left before you run anything again."
    if command == "undo":
        return f"The down file was rolled back; {label} stays applied."
    end = "gone with the throw-away server" if throw_away else "kept"
    before = f"{psql.count(len(error.applied), 'migration')} applied before it, {end}"
    kept = before if error.applied else "nothing was applied"
    if error.sqlstate in _IN_THE_WAY:
        return f"{label} was rolled back; {kept}."
    return f"{label} was rolled back; {kept}. Mend the file, then run `pgbraid up` again."
