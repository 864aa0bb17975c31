"""Determines what ``lint`` judges, and on top of which migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.migrate.planning.empty_files import refuse_new_empty_files
from pgbraid.migrate.planning.trackers import plan_adoption
from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.options import PlanRequest
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.ledger.applied_set import read_ledger
from pgbraid.postgres.ledger.history import read_history
from pgbraid.postgres.statistics.production_sizes import read_sizes
from pgbraid.prove.branch_order import merge
from pgbraid.prove.inputs import recorded, refuse_contradictions, refuse_problems
from pgbraid.prove.lint import LintInput
from pgbraid.prove.replaced_history import with_baselines
from pgbraid.source.content import check_scripts
from pgbraid.source.git import files_at_commit, merge_base

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.model.hazards.sizes import Sizes
    from pgbraid.model.migration import LedgerTable, Migration, MigrationSet
    from pgbraid.model.options import RunOptions
    from pgbraid.postgres.client.conninfo import Target

__all__ = ["lint_added", "lint_each", "lint_pending"]


def lint_pending(
    migrations: MigrationSet,
    target: Target,
    ledger: LedgerTable,
    options: RunOptions,
    *,
    adopt: bool = True,
) -> tuple[LintInput, Sizes]:
    """Return the pending migrations of a database behind its history, and its sizes.

    With ``adopt``, a history of another tool that ``up`` would adopt counts. The database is only
    read, on one connection, which is closed before anything is replayed. Raises ProblemsFound,
    ServerError, ConnectionFailed, and LockTimeout if the ledger stays locked.
    """
    refuse_problems(migrations)
    with connect(target, ledger, options.stop) as session:
        state = read_ledger(session)  # has a limit for the wait, and checks the rights
        request = PlanRequest(adopt=adopt)
        adoption, problems = plan_adoption(session, migrations, state, request)
        errors = tuple(p for p in problems if p.severity == "error")
        if errors:
            raise ProblemsFound(errors)
        history = read_history(session, options.role)
        with translate_errors(session):
            sizes = read_sizes(session)
    refuse_contradictions(history, ledger)
    history = with_baselines(migrations, history)
    applied, notes = recorded(migrations, history, as_recorded=True)
    versions = {row.version for row in history.rows}
    if adoption is not None:
        applied = adoption.migrations
        versions |= {migration.version for migration in applied}
    pending = tuple(m for m in migrations.migrations if m.version not in versions)
    last = max(versions, default=-1)
    _check(pending, migrations, [m.version for m in pending if m.version < last])
    return LintInput(applied, pending, "pending", like=history, notes=notes), sizes


def lint_added(migrations: MigrationSet, folder: str, ref: str) -> LintInput:
    """Return the migrations that the folder adds to the git commit ``ref``, behind those of it.

    No database is read. Raises ConfigError, and ProblemsFound as ``prove --base`` does.
    """
    refuse_problems(migrations)
    fork = files_at_commit(folder, merge_base(folder, ref))
    merged = merge(migrations, files_at_commit(folder, ref), fork, ref)
    _check(merged.added, migrations, [m.version for m in merged.added])
    return LintInput(merged.before, merged.added, f"added to {ref}", notes=merged.notes)


def lint_each(
    migrations: MigrationSet, versions: Iterable[int] | None, since: int | None = None
) -> LintInput:
    """Return each migration, or those of ``versions``, as if it were the only pending one.

    Without ``versions``, those below ``since`` are not judged. No database is read. Raises
    ConfigError for a version without a file, and ProblemsFound.
    """
    refuse_problems(migrations)
    files = migrations.migrations
    if versions is None:
        chosen = frozenset(m.version for m in files if since is None or m.version >= since)
        label = "each file"
    else:
        chosen = frozenset(versions)
        missing = sorted(chosen - {m.version for m in files})
        if missing:
            raise ConfigError(
                f"version {missing[0]} has no file in {migrations.label}",
                hint="Run `pgbraid status` for the versions that there are.",
            )
        label = "named"
    _check([m for m in files if m.version in chosen], migrations)
    first = min(chosen, default=None)
    last = max(chosen, default=None)
    if first is None or last is None:
        return LintInput((), (), label, each=True)
    before = tuple(m for m in files if m.version < first)
    judged = tuple(m for m in files if first <= m.version <= last)
    return LintInput(before, judged, label, each=True, chosen=chosen)


def _check(judged: Iterable[Migration], migrations: MigrationSet, new: Iterable[int] = ()) -> None:
    """Raise ProblemsFound for files that ``up`` refuses; a file of ``new`` needs a statement."""
    found = refuse_new_empty_files(tuple(check_scripts(judged)), migrations, new)
    problems = tuple(p for p in found if p.severity == "error")
    if problems:
        raise ProblemsFound(problems)
