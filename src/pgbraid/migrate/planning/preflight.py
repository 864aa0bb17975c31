"""Looks at files and database together and says what is to do: what every command begins with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pgbraid.migrate.planning.planner import make_plan
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
    """Return what is to do, with every problem of files and database; it only reads.

    Where nothing is to do and nothing has changed, it takes one message. The texts of the steps
    that an earlier plan has ``inspected`` are not looked at again. A run with ``options`` waits
    as long as for another run where somebody has locked the set; else that is told soon.
    """
    if options:
        wait, tell = options.lock_wait, options.report_waiting
        state = read_ledger(session, times=request.with_times, wait=wait, on_waiting=tell)
    else:
        state = read_ledger(session, times=request.with_times)
    _check_versions(migrations, state, request)
    if _nothing_to_do(migrations, state) and not request.not_applied:
        return make_plan(migrations, state, verify=request.verify, to=request.to)
    from pgbraid.migrate.planning.preflight_checks import plan_with_checks  # noqa: PLC0415 - most boots find nothing new

    return plan_with_checks(session, migrations, state, request, inspected=inspected)


def _nothing_to_do(migrations: MigrationSet, state: LedgerState) -> bool:
    """Whether the set is that of the files, and as far as it has checksums, those are theirs."""
    if state.incomplete or state.mismatches:
        return False
    if not state.applied or len(state.applied) != len(migrations.migrations):
        return False
    return all(
        row.version == file.version and row.checksum in {file.checksum, None}
        for row, file in zip(state.applied, migrations.migrations, strict=True)
    )


def _check_versions(migrations: MigrationSet, state: LedgerState, request: PlanRequest) -> None:
    known = {m.version for m in migrations.migrations} | {row.version for row in state.applied}
    known |= {version for problem in migrations.problems for version in problem.versions}
    for name, versions in (
        ("`to`", () if request.to is None else (request.to,)),
        ("`not_applied`", request.not_applied),
    ):
        for version in versions:
            if version not in known:
                raise ConfigError(
                    f"{name} {version}: no migration has that version",
                    hint="Run `pgbraid status` to see the versions.",
                )


@dataclass(frozen=True, slots=True)
class Command:
    """The migrations, the database with its ledger, and what the caller asks for."""

    migrations: MigrationSet
    target: Target
    ledger: LedgerTable
    request: PlanRequest = field(default_factory=PlanRequest)
    options: RunOptions = field(default_factory=RunOptions)
