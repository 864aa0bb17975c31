"""One run that has something to do: under the lock, from the plan to the report."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.apply import Run, record_adoption
from pgbraid.core.events import Planned
from pgbraid.core.filenames import name_style
from pgbraid.core.model import Problem, Report, Severity
from pgbraid.db.applied import read_ledger
from pgbraid.db.ensure import Shape, ensure_schema, ensure_tables
from pgbraid.db.first_run import made_in_schema
from pgbraid.db.ledger import read_strays
from pgbraid.db.lock import fenced, take_lock
from pgbraid.db.session import behind_a_pooler, translating
from pgbraid.db.transactions import transaction
from pgbraid.db.watch import claimed
from pgbraid.errors import LockTimeout, ServerError
from pgbraid.series import apply_all
from pgbraid.survey import look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.core.answers import Outcome
    from pgbraid.core.model import MigrationSet, Plan
    from pgbraid.db.session import Session
    from pgbraid.survey import RunOptions, Wish

__all__ = ["apply_plan"]

_SAID_BEFORE = frozenset({"journal_missing", "database_not_empty"})
"""Warnings of a first look that the tables, once they are made, no longer show."""


def apply_plan(
    opened: Session, migrations: MigrationSet, wish: Wish, options: RunOptions, first: Plan
) -> Report:
    """Claim the connection, take the lock, look again, and apply what is still to do.

    Behind a pooler there is no lock: each transaction is fenced, and runs that began together
    take turns. Raises what ``apply_pending`` raises.
    """
    with claimed(opened, options.limits, options.listen, pools=True) as session:
        _refuse_through_a_pooler(session, first)
        shape = _ensured(session, options, first)
        if shape is None:
            now = look(session, migrations, wish, options=options)
            now.raise_for_problems()
            return _report(first, now)
        now = look(session, migrations, wish, options=options, inspected=first)
        now.raise_for_problems()
        _refuse_through_a_pooler(session, now)
        style = name_style(now.applied, migrations.migrations)
        fresh = shape.fresh and now.adoption is None and not session.pooled
        run = Run(session, shape, style, options, fresh=fresh)
        before = tuple(p for p in first.warnings if p.code in _SAID_BEFORE)
        before = before if len(now.applied) == len(first.applied) else ()
        now = replace(now, problems=(*before, *now.problems, *_distrust(session, shape)))
        run.options.listen(Planned(now))
        if now.adoption:
            adopt = partial(record_adoption, run, now.adoption)
            fenced(session, adopt, wait=options.lock_wait, tell=run.tell_waiting)
        if options.gaps == "prove" and now.gaps:
            if session.pooled:
                raise behind_a_pooler(session, "a proof")
            from pgbraid.late import journal_proof, prove_gaps  # noqa: PLC0415 - where asked for

            journal_proof(run, prove_gaps(session, migrations, now, options), now)
        applied = apply_all(run, now.steps)
        _check_strays(run, now, applied)
        alone = not wish.one_ledger and applied and session.target.search_path is None
        if alone and session.tracker.schema != "public" and not made_in_schema(session):
            now = replace(now, problems=(*now.problems, _made_elsewhere(session)))
        return _report(first, now, run, applied)


def _check_strays(run: Run, plan: Plan, applied: tuple[Outcome, ...]) -> None:
    """Make sure that the set has nothing new but what was applied.

    A trigger or a constraint that a migration leaves on the journal may write to the set after
    the last look at it, at the latest in the COMMIT.
    """
    known = [row.version for row in plan.applied]
    known += [outcome.migration.version for outcome in applied]
    known += [m.version for m in plan.adoption.migrations] if plan.adoption else []
    with translating(run.session):
        strays = read_strays(run.session, known, run.run_id) if applied else ()
    if strays:
        name = f"{run.session.tracker.schema}.{run.session.tracker.table}"
        raise ServerError(
            f"{name} has version {strays[0]} now, and no run of pgbraid has applied it",
            detail="Its row was written during this run: by a migration, by a trigger or a "
            "constraint on the journal, or by another program. What this run applied is kept.",
            hint="If the row is right, leave it; if not, delete it, and the next `pgbraid up` runs "
            "that version.",
        )


def _distrust(session: Session, shape: Shape) -> Iterator[Problem]:
    """Warn of roles that could have our statements run what they wish."""
    name = f"{session.tracker.schema}.{session.tracker.table}"
    if shape.owners:
        yield Problem(
            "foreign_owner",
            f"{name} or its journal belongs to role {shape.owners[0]}",
            detail="An owner can set a trigger on it, which runs as the role that migrates.",
            hint="Give both to a role of yours with ALTER TABLE … OWNER TO.",
            severity=Severity.WARNING,
        )
    if shape.writers:
        yield Problem(
            "open_tables",
            f"{', '.join(shape.writers)} may write to {name} or its journal",
            detail="A row that is deleted there makes a migration run a second time.",
            hint="Take the rights away with REVOKE … ON TABLE … FROM; pgbraid itself grants none.",
            severity=Severity.WARNING,
        )
    if shape.creators:
        yield Problem(
            "open_schema",
            f"{', '.join(shape.creators)} may create tables in the schema {session.tracker.schema}",
            detail="A tracker made by somebody else in its place could have run code as this role.",
            hint=f"REVOKE CREATE ON SCHEMA {session.tracker.schema} FROM them, or keep the tracker "
            "in a schema of its own with `schema`.",
            severity=Severity.WARNING,
        )


def _made_elsewhere(session: Session) -> Problem:
    """Warn of migrations of one schema's own that made nothing in it."""
    schema = session.tracker.schema
    return Problem(
        "made_elsewhere",
        f"the migrations made nothing in the schema {schema}, where the tracker is",
        detail="With ledgers = many, each schema has tables of its own; names without a schema are "
        "made in the first schema of the search path.",
        hint=f"Give the schema to the migrations with `search_path`, such as {schema}.",
        severity=Severity.WARNING,
    )


def _refuse_through_a_pooler(session: Session, plan: Plan) -> None:
    """Refuse what runs outside a transaction where a session lasts for a transaction only."""
    for step in plan.steps if session.pooled else ():
        if step.migration.directives.no_transaction:
            what = f"{step.migration.label}, which asks for no-transaction,"
            raise behind_a_pooler(session, what)


def _ensured(session: Session, options: RunOptions, first: Plan) -> Shape | None:
    """Ensure the schema, take the lock, ensure the tables, in this order.

    None where another run has meanwhile applied all that this one was to apply.
    """
    fresh = not first.applied

    def ensure() -> Shape:
        with transaction(session):
            return ensure_tables(session, fresh=fresh)

    ensure_schema(session)
    wait, done = options.lock_wait, partial(_is_done, session, first)
    if not take_lock(session, wait=wait, done=done, tell=options.tell_waiting):
        return None
    if not session.pooled:
        return ensure_tables(session, fresh=fresh)
    return fenced(session, ensure, wait=wait, tell=options.tell_waiting)


def _is_done(session: Session, plan: Plan) -> bool:
    """Whether another run has applied meanwhile all that this one was to apply."""
    try:
        have = {row.version for row in read_ledger(session, wait=0).applied}
    except LockTimeout:  # somebody has locked the set; one waits on
        return False
    wanted = {step.migration.version for step in plan.steps}
    wanted |= {m.version for m in plan.adoption.migrations} if plan.adoption else set()
    return wanted <= have


def _report(
    first: Plan, now: Plan, run: Run | None = None, applied: tuple[Outcome, ...] = ()
) -> Report:
    own = {outcome.migration.version for outcome in applied}
    if run is None:
        own = {step.migration.version for step in now.steps}
    return Report(
        applied=applied,
        adoption=now.adoption if run else None,
        already=len(now.applied),
        later=now.later,
        warnings=now.warnings,
        run_id=run.run_id if run else None,
        elsewhere=tuple(s.migration for s in first.steps if s.migration.version not in own),
    )
