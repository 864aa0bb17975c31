"""``resume``: go on with one migration outside a transaction that was begun and not finished."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pgbraid.migrate.planning.incomplete_first import incomplete_without_file
from pgbraid.migrate.planning.preflight import read_plan
from pgbraid.migrate.up import apply_plan
from pgbraid.model.errors import ConfigError, ProblemsFound
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
    """Go on with the version where it was cut, and with no other.

    ``how`` is for a statement whose end nobody saw: ``retry`` runs it again, ``skip`` takes it
    for done; ``statement`` is the number at which it is expected to stand. ``forget`` runs
    nothing: it lets go of what was begun, so that the next run begins the file anew. Raises
    ConfigError where the version is not incomplete, or stands elsewhere, and what
    ``apply_pending`` raises.
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
        first = read_plan(opened, migrations, request, options=options)
        first.raise_for_problems()
        options = replace(options, decision=decision)
        return apply_plan(opened, replace(command, request=request, options=options), first)


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
    """Return a decision about the statement at which a file stands, and about no other.

    That is one that was begun and that the file has no longer, if there is one.
    """
    migration = migrations.get(incomplete.version)
    _, script = read_script(migration) if migration else (b"", Script(""))
    pieces = classify_statements(script)
    own = {piece.digest for piece in pieces}
    gone = [(begun.number, begun.digest) for begun in incomplete.started if begun.digest not in own]
    left = [
        (piece.number, piece.digest)
        for piece in pieces
        if piece.kind is not ExecutionKind.SETTING
        and piece.number not in incomplete.completed_numbers
    ]
    number, digest = (*gone, *left, (0, ""))[0]
    if statement is not None and statement != number:
        stands = f"at statement {number}" if number else "behind its last statement"
        raise ConfigError(
            f"{incomplete.version} does not stand at statement {statement}, but {stands}",
            hint=f"Run `pgbraid resume {incomplete.version}` to see why it stands there.",
        )
    return ResumeDecision(how, digest, incomplete.journal_lines) if number else None


def _forget_incomplete(opened: Session, options: RunOptions, version: int) -> Report:
    _forgettable(opened, version, options)
    with monitored_session(opened, options.limits, options.on_event) as (session, _):
        acquire_session_lock(session, wait=options.lock_wait)
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
        return Report(forgotten=incomplete, run_id=entry.run_id)


def _forgettable(session: Session, version: int, options: RunOptions) -> IncompleteMigration:
    """Return what is incomplete; also what only the tracker's comment still says of it."""
    if version in read_unfinished(session):
        state = read_ledger(session, wait=options.lock_wait, on_waiting=options.report_waiting)
        known = {incomplete.version: incomplete for incomplete in state.incomplete}
        return known.get(version) or IncompleteMigration(version, "")
    return _incomplete(session, version, options)
