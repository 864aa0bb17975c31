"""The preflight of most commands: compares the files with the ledger and returns the plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pgbraid.migrate.planning.planner import make_plan_without_work
from pgbraid.migrate.planning.unchanged import is_unchanged
from pgbraid.model.errors import ConfigError
from pgbraid.model.options import PlanRequest, RunOptions
from pgbraid.postgres.ledger.applied_set import read_ledger

if TYPE_CHECKING:
    from pgbraid.model.migration import LedgerTable, MigrationSet
    from pgbraid.model.plan import LedgerState, Plan
    from pgbraid.postgres.client.conninfo import Target
    from pgbraid.postgres.client.session import Session

__all__ = ["Command", "read_plan"]


def read_plan(
    session: Session,
    migrations: MigrationSet,
    request: PlanRequest,
    *,
    inspected: Plan | None = None,
    options: RunOptions | None = None,
) -> Plan:
    """Return the plan with the problems found in files and database. Writes nothing.

    If nothing is pending and nothing was modified, one query suffices. The scripts of an earlier
    plan, ``inspected``, are not checked again. If another session has locked a table of the ledger,
    a run with ``options`` waits for ``lock_wait``; a command without ``options`` raises LockTimeout
    after 5 seconds.
    """
    if options:
        wait, on_waiting = options.lock_wait, options.report_waiting
        state = read_ledger(session, times=request.with_times, wait=wait, on_waiting=on_waiting)
    else:
        state = read_ledger(session, times=request.with_times)
    if any(migration.directives.replaces for migration in migrations.migrations):
        from pgbraid.migrate.planning.replaced_rows import with_baselines  # noqa: PLC0415 - few folders have a baseline

        state = with_baselines(migrations, state)
    _check_versions(migrations, state, request)
    if _nothing_to_do(migrations, state) and not request.not_applied:
        return make_plan_without_work(migrations, state)
    from pgbraid.migrate.planning.preflight_checks import plan_with_checks  # noqa: PLC0415 - most boots find nothing new

    return plan_with_checks(session, migrations, state, request, inspected=inspected)


def _nothing_to_do(migrations: MigrationSet, state: LedgerState) -> bool:
    return not (state.incomplete or state.mismatches) and is_unchanged(
        state.applied, migrations.migrations
    )


def _check_versions(migrations: MigrationSet, state: LedgerState, request: PlanRequest) -> None:
    existing = {m.version for m in migrations.migrations} | {row.version for row in state.applied}
    existing |= {version for problem in migrations.problems for version in problem.versions}
    existing |= {version for m in migrations.migrations for version in m.directives.replaces}
    for name, versions in (
        ("`to`", () if request.to is None else (request.to,)),
        ("`not_applied`", request.not_applied),
    ):
        for version in versions:
            if version not in existing:
                raise ConfigError(
                    f"{name} {version}: no migration has that version",
                    hint="Run `pgbraid status` to see the versions.",
                )


@dataclass(frozen=True, slots=True)
class Command:
    """The input of a command: the migrations, the database with its ledger, and the request."""

    migrations: MigrationSet
    target: Target
    ledger: LedgerTable
    request: PlanRequest = field(default_factory=PlanRequest)
    options: RunOptions = field(default_factory=RunOptions)
