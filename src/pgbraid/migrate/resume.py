"""``resume``: continue one incomplete migration, which runs outside a transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pgbraid.migrate.planning.planner import incomplete_without_file
from pgbraid.migrate.planning.preflight import read_plan
from pgbraid.migrate.run_events import reported_run
from pgbraid.migrate.up import apply_plan
from pgbraid.model.errors import ConfigError, ProblemsFound, ServerError
from pgbraid.model.incomplete import IncompleteMigration
from pgbraid.model.options import ResumeDecision
from pgbraid.model.plan import Report
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.ledger import journal
from pgbraid.postgres.ledger.agreement import mark_unfinished, read_unfinished
from pgbraid.postgres.ledger.applied_set import read_ledger
from pgbraid.postgres.ledger.tables import ensure_tables
from pgbraid.postgres.locks.lock_monitor import monitored_session
from pgbraid.postgres.locks.session_lock import acquire_session_lock
from pgbraid.postgres.transaction.boundaries import transaction
from pgbraid.source.content import read_script
from pgbraid.sql.classify import ExecutionKind, classify_statements
from pgbraid.sql.script import Script

if TYPE_CHECKING:
    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.migration import MigrationSet
    from pgbraid.model.options import RunOptions
    from pgbraid.postgres.client.session import Session

    How = Literal["retry", "skip", "forget"]

__all__ = ["resume_version"]


def resume_version(
    command: Command, version: int, how: How | None, *, statement: int | None = None
) -> Report:
    """Continue an incomplete migration with its next statement, and run no other migration.

    ``how`` decides on a statement whose outcome is unknown: ``retry`` runs it again, ``skip`` marks
    it as done. ``statement`` is the number of the statement that the caller expects to be next.
    ``forget`` runs nothing: it discards the progress, so the next run starts the file from its
    first statement. Raises ConfigError if the migration has not started or is finished, or if
    another statement is next. Raises also the errors of ``apply_pending``.
    """
    migrations = command.migrations
    options = command.options
    with connect(command.target, command.ledger, options.stop) as opened:
        if how == "forget":
            return _forget_incomplete(opened, options, version)
        incomplete = _incomplete(opened, version, options)
        if migrations.get(version) is None:
            raise ProblemsFound((incomplete_without_file(incomplete),))
        decision = _decision(migrations, incomplete, how, statement) if how else None
        request = replace(command.request, only=version)
        unlocked_plan = read_plan(opened, migrations, request, options=options)
        unlocked_plan.raise_for_problems()
        options = replace(options, decision=decision)
        decided = replace(command, request=request, options=options)
        return reported_run(
            opened, options, "resume", lambda: apply_plan(opened, decided, unlocked_plan)
        )


def _incomplete(session: Session, version: int, options: RunOptions) -> IncompleteMigration:
    state = read_ledger(session, wait=options.lock_wait, on_waiting=options.report_waiting)
    for incomplete in state.incomplete:
        if incomplete.version == version:
            return incomplete
    raise ConfigError(
        f"{version} is not incomplete, so there is nothing to resume",
        hint="Run `pgbraid status` to see the versions; `pgbraid up` applies what is pending.",
    )


def _decision(
    migrations: MigrationSet,
    incomplete: IncompleteMigration,
    how: Literal["retry", "skip"],
    statement: int | None,
) -> ResumeDecision | None:
    """Return the decision, which applies only to the next statement of the migration.

    A statement that was started and then removed from the file comes before those of the file.
    """
    migration = migrations.get(incomplete.version)
    _, script = read_script(migration) if migration else (b"", Script(""))
    statements = classify_statements(script)
    digests = {s.digest for s in statements}
    removed = [(s.number, s.digest) for s in incomplete.started if s.digest not in digests]
    remaining = [
        (s.number, s.digest)
        for s in statements
        if s.kind is not ExecutionKind.SETTING and s.number not in incomplete.completed_numbers
    ]
    number, digest = (*removed, *remaining, (0, ""))[0]
    if statement is not None and statement != number:
        place = f"at statement {number}" if number else "after its last statement"
        raise ConfigError(
            f"{incomplete.version} is {place}, not at statement {statement}",
            hint=f"Run `pgbraid resume {incomplete.version}` to see why it stopped there.",
        )
    # The number of journal lines makes the decision void if another run continues the migration.
    return ResumeDecision(how, digest, incomplete.journal_lines) if number else None


def _forget_incomplete(opened: Session, options: RunOptions, version: int) -> Report:
    _forgettable(opened, version, options)
    with monitored_session(opened, options.limits, options.on_event) as (session, _):
        acquire_session_lock(session, wait=options.lock_wait, on_waiting=options.report_waiting)
        ensure_tables(session)
        incomplete = _forgettable(session, version, options)
        entry = journal.JournalEntry(
            journal.new_run_id(),
            "incomplete_forgotten",
            incomplete.version,
            incomplete.name or None,
        )
        with transaction(session):
            journal.append(session, entry)
            mark_unfinished(session, incomplete.version, unfinished=False)
            if incomplete.version in read_unfinished(session):
                raise _not_owner(session, incomplete.version)
        return Report(forgotten=incomplete, run_id=entry.run_id)


def _not_owner(session: Session, version: int) -> ServerError:
    """Return the error of a note in the table's comment that this role cannot remove."""
    name = f"{session.ledger.schema}.{session.ledger.table}"
    return ServerError(
        f"{version} stays incomplete: only the owner of {name} can remove it from the table's "
        "comment",
        detail=f"The comment on {name} names incomplete migrations, in case the journal is lost.",
        hint=f"Run `pgbraid resume {version} --forget` as the owner, for example with `role`.",
    )


def _forgettable(session: Session, version: int, options: RunOptions) -> IncompleteMigration:
    """Return the incomplete migration, even if only the applied set's comment still names it."""
    if version in read_unfinished(session):  # the journal may have lost its lines
        state = read_ledger(session, wait=options.lock_wait, on_waiting=options.report_waiting)
        journaled = {incomplete.version: incomplete for incomplete in state.incomplete}
        return journaled.get(version) or IncompleteMigration(version, "")
    return _incomplete(session, version, options)
