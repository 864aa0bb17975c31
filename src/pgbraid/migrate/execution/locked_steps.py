"""The steps of ``up`` under the lock, in the order in which ``migrate/up.py`` calls them."""

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
    from pgbraid.model.migration import MigrationResult, MigrationSet
    from pgbraid.model.options import PlanRequest, RunOptions
    from pgbraid.model.plan import Plan
    from pgbraid.model.proof import Proof
    from pgbraid.postgres.client.session import Session
    from pgbraid.postgres.locks.lock_monitor import LockMonitor

__all__ = [
    "adopt_history",
    "begin_run",
    "lock_and_create_ledger",
    "prove_gaps",
    "reject_pooler",
    "reject_unexpected_rows",
    "with_other_schema_warning",
    "with_warnings",
]

_FIRST_PLAN_ONLY = frozenset({"journal_missing", "database_not_empty"})
"""Warnings of the first plan that no longer show once the tables are there."""


def reject_pooler(session: Session, plan: Plan) -> None:
    """Refuse what runs outside a transaction where a session lasts for a transaction only."""
    for step in plan.steps if session.pooled else ():
        if step.migration.directives.no_transaction:
            what = f"{step.migration.label}, which asks for no-transaction,"
            raise pooler_refusal(session, what)


def lock_and_create_ledger(
    session: Session, options: RunOptions, first: Plan
) -> LedgerTraits | None:
    """Ensure the schema, take the lock, ensure the tables, in this order.

    None where another run has meanwhile applied all that this one was to apply.
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
    if not session.pooled:
        return ensure_tables(session, fresh=fresh)
    return retry_on_lock_lost(session, ensure, wait=wait, on_waiting=options.report_waiting)


def _is_done(session: Session, plan: Plan) -> bool:
    """Whether another run has applied meanwhile all that this one was to apply."""
    try:
        have = {row.version for row in read_ledger(session, wait=0).applied}
    except LockTimeout:  # somebody has locked the set; one waits on
        return False
    wanted = {step.migration.version for step in plan.steps}
    wanted |= {m.version for m in plan.adoption.migrations} if plan.adoption else set()
    return wanted <= have


def begin_run(
    session: Session, monitor: LockMonitor, command: Command, traits: LedgerTraits, plan: Plan
) -> RunContext:
    """Return the run: its session, its ledger, its options and its identifier."""
    style = name_style(plan.applied, command.migrations.migrations)
    fresh = traits.database_is_empty and plan.adoption is None and not session.pooled
    return RunContext(session, traits, style, command.options, fresh=fresh, monitor=monitor)


def with_warnings(run: RunContext, plan: Plan, first: Plan) -> Plan:
    """Return the plan with the warnings that only the first plan or the tables show; report it."""
    before = tuple(p for p in first.warnings if p.code in _FIRST_PLAN_ONLY)
    before = before if len(plan.applied) == len(first.applied) else ()
    problems = (*before, *plan.problems, *_ownership_warnings(run.session, run.ledger_traits))
    plan = replace(plan, problems=problems)
    run.options.on_event(Planned(plan))
    return plan


def _ownership_warnings(session: Session, traits: LedgerTraits) -> Iterator[Problem]:
    """Warn of roles that could have our statements run what they wish."""
    name = f"{session.ledger.schema}.{session.ledger.table}"
    if traits.owners:
        yield Problem(
            "foreign_owner",
            f"{name} or its journal belongs to role {traits.owners[0]}",
            detail="An owner can set a trigger on it, which runs as the role that migrates.",
            hint="Give both to a role of yours with ALTER TABLE … OWNER TO.",
            severity=Severity.WARNING,
        )
    if traits.writers:
        yield Problem(
            "ledger_writable",
            f"{', '.join(traits.writers)} may write to {name} or its journal",
            detail="A row that is deleted there makes a migration run a second time.",
            hint="Take the rights away with REVOKE … ON TABLE … FROM; pgbraid itself grants none.",
            severity=Severity.WARNING,
        )
    if traits.schema_creators:
        yield Problem(
            "schema_writable",
            f"{', '.join(traits.schema_creators)} may create tables in the schema "
            f"{session.ledger.schema}",
            detail="A tracker made by somebody else in its place could have run code as this role.",
            hint=f"REVOKE CREATE ON SCHEMA {session.ledger.schema} FROM them, or keep the tracker "
            "in a schema of its own with `schema`.",
            severity=Severity.WARNING,
        )


def adopt_history(run: RunContext, plan: Plan) -> None:
    """Record what another tool has applied, if the plan adopts it."""
    if plan.adoption:
        adopt = partial(record_adoption, run, plan.adoption)
        retry_on_lock_lost(
            run.session, adopt, wait=run.options.lock_wait, on_waiting=run.report_waiting
        )


def prove_gaps(run: RunContext, migrations: MigrationSet, plan: Plan) -> None:
    """Prove the gaps of the plan and journal the proof, where the gap policy is ``prove``.

    Raises NotProven where the proof fails, and TargetRefused behind a pooler, as the lock cannot be
    held while the proof runs.
    """
    if run.options.gap_check is None or not plan.gaps:
        return
    if run.session.pooled:
        raise pooler_refusal(run.session, "a proof")
    proof = run.options.gap_check(run.session, migrations, plan, run.options)
    _journal_proof(run, proof, plan)


def _journal_proof(run: RunContext, proof: Proof, plan: Plan) -> None:
    """Enter in the journal, for each late migration of a plan, what was proven of it."""
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
    """Make sure that the set has nothing new but what was applied.

    A trigger or a constraint that a migration leaves on the journal may write to the set after
    the last look at it, at the latest in the COMMIT.
    """
    known = [row.version for row in plan.applied]
    known += [outcome.migration.version for outcome in applied]
    known += [m.version for m in plan.adoption.migrations] if plan.adoption else []
    with translate_errors(run.session):
        strays = read_unexpected_rows(run.session, known, run.run_id) if applied else ()
    if strays:
        name = f"{run.session.ledger.schema}.{run.session.ledger.table}"
        raise ServerError(
            f"{name} has version {strays[0]} now, and no run of pgbraid has applied it",
            detail="Its row was written during this run: by a migration, by a trigger or a "
            "constraint on the journal, or by another program. What this run applied is kept.",
            hint="If the row is right, leave it; if not, delete it, and the next `pgbraid up` runs "
            "that version.",
        )


def with_other_schema_warning(
    run: RunContext, plan: Plan, request: PlanRequest, applied: tuple[MigrationResult, ...]
) -> Plan:
    """Return the plan with a warning where the migrations made nothing in the ledger's schema."""
    session = run.session
    alone = not request.one_ledger and applied and session.target.search_path is None
    if alone and session.ledger.schema != "public" and not made_in_schema(session):
        return replace(plan, problems=(*plan.problems, _made_elsewhere(session)))
    return plan


def _made_elsewhere(session: Session) -> Problem:
    """Warn of migrations of one schema's own that made nothing in it."""
    schema = session.ledger.schema
    return Problem(
        "made_elsewhere",
        f"the migrations made nothing in the schema {schema}, where the tracker is",
        detail="With ledgers = many, each schema has tables of its own; names without a schema are "
        "made in the first schema of the search path.",
        hint=f"Give the schema to the migrations with `search_path`, such as {schema}.",
        severity=Severity.WARNING,
    )
