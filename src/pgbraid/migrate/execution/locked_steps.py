"""The steps of ``up`` between the unlocked plan and the report, called by ``migrate/up.py``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.migrate.execution.transactional import RunContext, record_adoption
from pgbraid.model.errors import LockTimeout, ServerError
from pgbraid.model.events import Planned
from pgbraid.model.migration import Problem, Severity
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.client.server_requirements import pooler_refusal
from pgbraid.postgres.ledger import journal
from pgbraid.postgres.ledger.applied_set import read_ledger
from pgbraid.postgres.ledger.first_run import made_in_schema
from pgbraid.postgres.ledger.record import read_unexpected_rows
from pgbraid.postgres.ledger.tables import LedgerTraits, ensure_schema, ensure_tables
from pgbraid.postgres.locks.session_lock import acquire_session_lock, retry_on_lock_lost
from pgbraid.postgres.transaction.boundaries import transaction
from pgbraid.source.filenames import name_style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.findings import HazardReport
    from pgbraid.model.migration import MigrationResult, MigrationSet
    from pgbraid.model.options import PlanRequest, RunOptions
    from pgbraid.model.plan import Plan
    from pgbraid.model.proof import Proof
    from pgbraid.postgres.client.session import Session
    from pgbraid.postgres.locks.lock_monitor import LockMonitor

__all__ = [
    "adopt_history",
    "begin_run",
    "check_hazards",
    "lock_and_create_ledger",
    "prove_gaps",
    "reject_pooler",
    "reject_unexpected_rows",
    "with_other_schema_warning",
    "with_warnings",
]

_FIRST_PLAN_ONLY = frozenset({"journal_missing", "database_not_empty"})
"""Warnings that only the unlocked plan can have: the run itself removes their cause."""


def reject_pooler(session: Session, plan: Plan) -> None:
    """Raise TargetRefused if a pooled session would have to run a non-transactional migration."""
    for step in plan.steps if session.pooler else ():
        if step.migration.directives.no_transaction:
            raise pooler_refusal(session, f"{step.migration.label} (no-transaction)")


def lock_and_create_ledger(
    session: Session, options: RunOptions, first: Plan
) -> LedgerTraits | None:
    """Create the schema if it is missing, take the lock, then create the missing tables.

    Returns None if another run has applied all steps of the unlocked plan during the wait.
    """
    fresh = not first.applied

    def ensure() -> LedgerTraits:
        with transaction(session):
            return ensure_tables(session, fresh=fresh)

    ensure_schema(session)
    wait, done = options.lock_wait, partial(_is_done, session, first)
    if not acquire_session_lock(
        session, wait=wait, work_is_done=done, on_waiting=options.report_waiting
    ):
        return None
    if not session.pooler:
        return ensure_tables(session, fresh=fresh)
    # A pooled session holds no session lock, so the transaction takes the xact lock.
    return retry_on_lock_lost(session, ensure, wait=wait, on_waiting=options.report_waiting)


def _is_done(session: Session, plan: Plan) -> bool:
    """Whether another run has applied all steps of the plan in the meantime."""
    try:
        applied = {row.version for row in read_ledger(session, wait=0).applied}
    except LockTimeout:  # another session has locked the table, so keep waiting
        return False
    planned = {step.migration.version for step in plan.steps}
    planned |= {m.version for m in plan.adoption.migrations} if plan.adoption else set()
    return planned <= applied


def begin_run(
    session: Session, monitor: LockMonitor, command: Command, traits: LedgerTraits, plan: Plan
) -> RunContext:
    """Return the context of the run: session, ledger, options and run id."""
    style = name_style(plan.applied, command.migrations.migrations)
    fresh = traits.database_is_empty and plan.adoption is None and not session.pooler
    return RunContext(session, traits, style, command.options, fresh=fresh, monitor=monitor)


def with_warnings(run: RunContext, plan: Plan, first: Plan) -> Plan:
    """Add the unlocked plan's warnings and those on ownership to the plan; emit ``Planned``."""
    earlier = tuple(p for p in first.warnings if p.code in _FIRST_PLAN_ONLY)
    earlier = earlier if len(plan.applied) == len(first.applied) else ()
    problems = (*earlier, *plan.problems, *_ownership_warnings(run.session, run.ledger_traits))
    plan = replace(plan, problems=problems)
    run.options.on_event(Planned(plan, run.run_id))
    return plan


def _ownership_warnings(session: Session, traits: LedgerTraits) -> Iterator[Problem]:
    """Warn of roles that could make pgbraid's statements run their code."""
    name = f"{session.ledger.schema}.{session.ledger.table}"
    if traits.owners:
        yield Problem(
            "foreign_owner",
            f"{name} or its journal belongs to role {traits.owners[0]}",
            detail="The owner of a table can create a trigger, which runs with the privileges of "
            "the migrating role.",
            hint="Give both tables to the migrating role with ALTER TABLE … OWNER TO.",
            severity=Severity.WARNING,
        )
    if traits.writers:
        yield Problem(
            "ledger_writable",
            f"{', '.join(traits.writers)} may write to {name} or its journal",
            detail="If such a role deletes a row, a migration runs a second time.",
            hint="Revoke the privileges with REVOKE … ON TABLE … FROM; pgbraid itself grants none.",
            severity=Severity.WARNING,
        )
    if traits.schema_creators:
        yield Problem(
            "schema_writable",
            f"{', '.join(traits.schema_creators)} may create tables in the schema "
            f"{session.ledger.schema}",
            detail="If one of these roles creates a table of the ledger first, its code can run "
            "with the privileges of the migrating role.",
            hint=f"Run REVOKE CREATE ON SCHEMA {session.ledger.schema} FROM these roles, or keep "
            "the ledger in a schema of its own with `schema`.",
            severity=Severity.WARNING,
        )


def adopt_history(run: RunContext, plan: Plan) -> None:
    """Record the migrations that another tool has applied, if the plan adopts them."""
    if plan.adoption:
        adopt = partial(record_adoption, run, plan.adoption)
        retry_on_lock_lost(
            run.session, adopt, wait=run.options.lock_wait, on_waiting=run.report_waiting
        )


def prove_gaps(run: RunContext, migrations: MigrationSet, plan: Plan) -> None:
    """Prove the gaps of the plan and journal the proof, if the gap policy is ``prove``.

    Raises NotProven if the proof fails. Raises TargetRefused behind a pooler, where no lock can be
    held while the proof runs.
    """
    if run.options.gap_check is None or not plan.gaps:
        return
    if run.session.pooler:
        raise pooler_refusal(run.session, "a proof")
    proof = run.options.gap_check(run.session, migrations, plan, run.options)
    _journal_proof(run, proof, plan)


def check_hazards(run: RunContext, migrations: MigrationSet, plan: Plan) -> HazardReport | None:
    """Measure what the steps of the plan would do, if the setting ``hazards`` asks for it.

    On an empty database nothing is measured: no other session works there. Raises HazardsRefused
    if the setting is ``refuse`` and a finding is an error.

    Behind a pooler no lock is held meanwhile. Another run can then apply some of the steps; the
    others are still those that were measured.
    """
    if run.options.hazard_check is None or not plan.steps:
        return None
    if not plan.applied and plan.adoption is None:
        return None
    return run.options.hazard_check(run.session, migrations, plan, run.options)


def _journal_proof(run: RunContext, proof: Proof, plan: Plan) -> None:
    """Append the result of the proof to the journal, once for each out-of-order migration."""
    detail = {
        "verdict": proof.verdict.value,
        "allowed": proof.allowed_reason,
        "inversions": proof.inversions,
        "replays": proof.replays,
        "server": proof.server,
        "order": [m.version for m in proof.recorded_order],
        "not_compared": list(proof.not_compared),
    }
    steps = {step.migration.version for step in plan.steps}
    with transaction(run.session):
        for migration in proof.out_of_order:
            if migration.version in steps:
                entry = journal.JournalEntry(
                    run.run_id,
                    "proven",
                    migration.version,
                    migration.name,
                    checksum=migration.checksum,
                    detail=detail,
                )
                journal.append(run.session, entry)


def reject_unexpected_rows(
    run: RunContext, plan: Plan, applied: tuple[MigrationResult, ...]
) -> None:
    """Raise ServerError if the applied set has a new row that no run of pgbraid wrote.

    A migration may leave a trigger or a constraint on the journal. Such a trigger can write to the
    applied set after the migration was checked, even during its COMMIT.
    """
    expected = [row.version for row in plan.applied]
    expected += [row.version for replaced in plan.replaced for row in replaced.rows]
    expected += [result.migration.version for result in applied]
    expected += [m.version for m in plan.adoption.migrations] if plan.adoption else []
    with translate_errors(run.session):
        unexpected = read_unexpected_rows(run.session, expected, run.run_id) if applied else ()
    if unexpected:
        name = f"{run.session.ledger.schema}.{run.session.ledger.table}"
        raise ServerError(
            f"{name} has version {unexpected[0]} now, but no run of pgbraid has applied it",
            detail="The row was written during this run: by a migration, by a trigger or "
            "constraint on the journal, or by another program. The migrations of this run stay "
            "applied.",
            hint=f"If the changes of version {unexpected[0]} are in the database, keep the row. If "
            "not, delete the row, and the next `pgbraid up` runs that version.",
        )


def with_other_schema_warning(
    run: RunContext, plan: Plan, request: PlanRequest, applied: tuple[MigrationResult, ...]
) -> Plan:
    """Add a warning to the plan if the migrations created nothing in the ledger's schema."""
    session = run.session
    per_schema = not request.one_ledger and applied and session.target.search_path is None
    if per_schema and session.ledger.schema != "public" and not made_in_schema(session):
        return replace(plan, problems=(*plan.problems, _made_elsewhere(session)))
    return plan


def _made_elsewhere(session: Session) -> Problem:
    """Return the warning that the migrations of one schema created nothing in it."""
    schema = session.ledger.schema
    return Problem(
        "made_elsewhere",
        f"the migrations created nothing in the schema {schema} of the ledger",
        detail="With ledgers = many, each schema should have its own tables. Unqualified names are "
        "created in the first schema of the search_path.",
        hint="Set `search_path` to the schema in which the migrations should create their tables, "
        f"such as {schema}.",
        severity=Severity.WARNING,
    )
