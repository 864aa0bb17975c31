"""Applies one migration and records it in the same transaction.

The row of the applied set is written after the script, not before it. If a script ends its
transaction unexpectedly, the migration may have run in part. A migration that ran in part is
never recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from pgbraid.model import sqlstate
from pgbraid.model.errors import LockLost, MigrationFailed, ServerError, Stopped
from pgbraid.model.events import Adopted, ServerNotice
from pgbraid.model.migration import Diagnostic, Location
from pgbraid.model.options import RunOptions
from pgbraid.postgres.client.server_errors import forward_notices, translate_errors
from pgbraid.postgres.client.session import reset_session
from pgbraid.postgres.ledger import journal
from pgbraid.postgres.ledger.record import has_rows, is_applied, record_adopted
from pgbraid.postgres.ledger.tables import LedgerTraits
from pgbraid.postgres.transaction.boundaries import (
    BodyEffect,
    apply_body_settings,
    finish_body,
    roll_back,
    transaction,
)
from pgbraid.postgres.transaction.migration_message import Stage, send_message
from pgbraid.postgres.transaction.script_runner import (
    ledger_written_error,
    migration_error,
    run_script,
    transaction_ended_error,
)
from pgbraid.sql.session_effects import concerns_slots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pgbraid.model.migration import Migration
    from pgbraid.model.options import Limits
    from pgbraid.model.results import Adoption
    from pgbraid.postgres.client.session import Session
    from pgbraid.postgres.locks.lock_monitor import LockMonitor
    from pgbraid.postgres.locks.lock_waits import LockWaits
    from pgbraid.postgres.transaction.boundaries import OpenTransaction
    from pgbraid.postgres.transaction.migration_message import Message, MessageResult
    from pgbraid.source.filenames import NameStyle
    from pgbraid.sql.script import Script
    from pgbraid.sql.stream import ScriptPart

__all__ = [
    "Committed",
    "RunContext",
    "RunStatementwise",
    "apply_in_one_message",
    "apply_in_transaction",
    "execute_script",
    "notice_listener",
    "record_adoption",
    "retry_without_xid",
    "verify_transaction",
]

_T = TypeVar("_T")
_LEDGER_MISSING = frozenset({sqlstate.UNDEFINED_TABLE, sqlstate.INVALID_SCHEMA_NAME})
_CAUSED_BY_SCRIPT = _LEDGER_MISSING | {sqlstate.READ_ONLY_SQL_TRANSACTION}
"""Errors of recording that only the script can have caused: the ledger existed before it ran."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run under the lock; each of its journal entries has its ``run_id``.

    ``fresh``: the database was empty, so no other session uses it, and the only user-defined
    functions are those of this run's migrations. A ``guard`` is called in each migration's
    transaction after the script; an error that it raises rolls the migration back.
    """

    session: Session
    ledger_traits: LedgerTraits = field(default_factory=LedgerTraits)
    name_style: NameStyle = "name"
    options: RunOptions = field(default_factory=RunOptions)
    run_id: str = field(default_factory=journal.new_run_id)
    fresh: bool = False
    guard: Callable[[Session, Migration], None] | None = None
    monitor: LockMonitor | None = field(default=None, repr=False)
    """Detects the sessions that block a statement of this run; a replay needs none."""
    waits: dict[int, LockWaits] = field(default_factory=dict, repr=False, compare=False)
    """The retries of each migration that other sessions blocked, by version."""

    @property
    def defers_wal_flush(self) -> bool:
        """Whether several commits may wait for the disk together."""
        return self.fresh and not self.options.durable_each

    @property
    def can_use_one_message(self) -> bool:
        """Whether a migration may be sent as one message, its COMMIT included."""
        # Before PostgreSQL 14 the server does not notice a lost client during a statement, and
        # would run a COMMIT that is already sent. Triggers and rules on the ledger, and guards,
        # need the migration statement by statement.
        stops_with_client = self.session.server_detects_client_loss or self.fresh
        return (
            stops_with_client
            and self.guard is None
            and not self.ledger_traits.has_triggers_or_rules
            and not self.session.pooler
        )

    def limits_of(self, migration: Migration) -> Limits:
        """Return the limits of a migration's statements."""
        return self.session.limits.with_directives(migration.directives)

    def with_waits(self, entry: journal.JournalEntry, version: int) -> journal.JournalEntry:
        """Return a journal entry with the waits of a migration, if it was retried."""
        waits = self.waits.get(version)
        if waits is None:
            return entry
        return replace(entry, detail={**(entry.detail or {}), **waits.detail})

    def report_waiting(self, holder: str, waited: float) -> None:
        """Report that another run holds the lock."""
        self.options.report_waiting(holder, waited)

    def commit(self, *, durable: bool) -> str:
        """Return the value of synchronous_commit for a durable or an asynchronous commit."""
        return self.session.durable_commit if durable else "off"


@dataclass(frozen=True, slots=True)
class Committed:
    """A migration was committed; ``session_is_clean`` if the session needs no reset."""

    duration: timedelta
    session_is_clean: bool = True


@dataclass(frozen=True, slots=True)
class RunStatementwise:
    """The message failed without a usable error; run it statement by statement to get one."""


def apply_in_one_message(  # noqa: PLR0913 - the migration, its durability, work for the wait
    run: RunContext,
    migration: Migration,
    script: Script,
    message: Message,
    *,
    durable: bool,
    meanwhile: Callable[[], None],
) -> Committed | RunStatementwise | None:
    """Run a migration as one message, and call ``meanwhile`` while the server works.

    Returns None if the migration is already applied. Raises MigrationFailed and ServerError after
    the rollback, LockLost if another run holds the xact lock, and ConnectionFailed if the
    connection was lost; whether the migration was committed is then unknown.
    """
    session = run.session
    with translate_errors(session), forward_notices(session, notice_listener(run, migration)):
        try:
            commit = run.commit(durable=durable)
            result = send_message(session, message, commit=commit, meanwhile=meanwhile)
        except BaseException as error:
            roll_back(session, error)
            raise
        # A reset that fails comes after COMMIT: the migration is applied, the session is not clean.
        if result.failed_stage not in {Stage.COMPLETED, Stage.RESET}:
            roll_back(session)
            return _explain_failure(run, migration, script, message, result)
    return Committed(
        timedelta(seconds=result.seconds or 0.0), session_is_clean=result.error is None
    )


def _explain_failure(
    run: RunContext, migration: Migration, script: Script, message: Message, result: MessageResult
) -> RunStatementwise | None:
    """Raise the error of a message that was rolled back.

    Returns None if the migration is already applied, and RunStatementwise if the error is unknown.
    """
    error = result.error
    assert error is not None  # noqa: S101 - the message did not reach its COMMIT
    # A stop cancels the running statement, so any other error may be its consequence.
    if run.session.stop.requested:
        raise Stopped
    if run.session.conn.broken:
        raise error
    if result.failed_stage is Stage.ALREADY_APPLIED or _has_row(run, migration, message, result):
        return None
    if result.failed_stage is Stage.XACT_LOCK:
        raise LockLost
    if result.ended and result.failed_stage is not Stage.BODY:
        raise transaction_ended_error(migration)
    if result.failed_stage in {Stage.BODY, Stage.DEFERRED}:
        raise migration_error(
            run.session, migration, script, error, at=result.at, ended=result.ended
        ) from None
    refused = result.failed_stage is Stage.RECORDING and isinstance(error, journal.REFUSED)
    if refused or result.failed_stage is Stage.GUARD:
        return RunStatementwise()
    try:
        with translate_errors(run.session):
            raise error
    except ServerError as server_error:
        raise _recording_error(
            migration, server_error, committing=result.failed_stage is Stage.COMMIT
        ) from None


def _has_row(
    run: RunContext, migration: Migration, message: Message, result: MessageResult
) -> bool:
    """Whether the INSERT failed because the version is already applied."""
    # A message that skips the reset also skips the check for the row; the primary key replaces it.
    duplicate = getattr(result.error, "sqlstate", None) == sqlstate.UNIQUE_VIOLATION
    if not (message.skip_reset and duplicate and result.failed_stage is Stage.RECORDING):
        return False
    with translate_errors(run.session):
        return is_applied(run.session, migration.version)


def apply_in_transaction(  # noqa: PLR0913 - the migration, and how it is recorded
    run: RunContext,
    migration: Migration,
    parts: Iterable[ScriptPart],
    *,
    still_needed: Callable[[], bool],
    record: Callable[[], timedelta],
    durable: bool = True,
    without_id: bool = False,
) -> timedelta | None:
    """Run a script and record it in one transaction; return the result of ``record``.

    ``still_needed`` is called in the transaction, after the xact lock was taken. If it returns
    False, another run was faster: nothing runs, and the result is None. ``without_id`` is for a
    script that must run before an id is assigned to the transaction. Raises MigrationFailed after
    the rollback, ServerError if a statement of pgbraid fails, and ConnectionFailed if the
    connection was lost.
    """
    duration: timedelta | None = None
    try:
        with (
            forward_notices(run.session, notice_listener(run, migration)),
            transaction(
                run.session,
                commit=run.commit(durable=durable),
                isolation=migration.directives.isolation,
                without_xid=without_id,
            ) as opened,
        ):
            if still_needed():
                execute_script(run, migration, parts, opened)
                duration = _recorded(run, migration, record)
    except ServerError as error:
        if duration is not None:
            raise _as_migration_error(migration, error) from None
        if not (migration.directives.isolation and error.sqlstate == sqlstate.UNIQUE_VIOLATION):
            raise
        # Above READ COMMITTED the snapshot of ``still_needed`` may be older than the lock: another
        # run recorded the version in between. A new transaction sees its row.
        with translate_errors(run.session):
            if still_needed():
                raise
    return duration


def retry_without_xid(session: Session, text: str, attempt: Callable[..., _T]) -> _T:
    """Call ``attempt(without_id=…)`` and return its result; retry with True if needed.

    PostgreSQL creates no logical replication slot in a transaction that has an id. A script that
    names a function of replication slots runs without an id from the first attempt. If a script
    calls such a function indirectly, the server rejects the call, and the script runs again without
    an id. Raises the errors of ``attempt``.
    """
    names_slots = concerns_slots(text)
    try:
        return attempt(without_id=names_slots)
    except MigrationFailed as error:
        if names_slots or not error.needs_first_statement or error.incomplete:
            raise
    with translate_errors(session):
        reset_session(session)
    return attempt(without_id=True)


def execute_script(
    run: RunContext, migration: Migration, parts: Iterable[ScriptPart], opened: OpenTransaction
) -> None:
    """Run a script in the open transaction, and check that it is still open.

    Raises MigrationFailed if the script failed, ended the transaction, or wrote to the ledger.
    """
    apply_body_settings(run.session, run.limits_of(migration))
    run_script(run.session, migration, parts)
    verify_transaction(run, migration, opened)


def verify_transaction(run: RunContext, migration: Migration, opened: OpenTransaction) -> None:
    """Reset the settings of a script; raise if it ended the transaction or wrote to the ledger.

    Raises MigrationFailed.
    """
    effect = finish_body(run.session, opened)
    if effect is BodyEffect.ENDED_TRANSACTION:
        raise transaction_ended_error(migration)
    if effect is BodyEffect.WROTE_LEDGER:
        raise ledger_written_error(migration, run.session.ledger)
    if run.guard:
        run.guard(run.session, migration)


def notice_listener(run: RunContext, migration: Migration) -> Callable[[Diagnostic], None]:
    """Return a callback that emits a server notice as an event of this migration."""

    def on_notice(notice: Diagnostic) -> None:
        located = replace(notice, location=Location(migration.path))
        run.options.on_event(ServerNotice(migration, located))

    return on_notice


def _recorded(run: RunContext, migration: Migration, record: Callable[[], timedelta]) -> timedelta:
    """Record a migration; raise MigrationFailed for an error that its script must have caused."""
    try:
        with translate_errors(run.session):
            return record()
    except ServerError as error:
        raise _recording_error(migration, error) from None


def _recording_error(
    migration: Migration, error: ServerError, *, committing: bool = False
) -> ServerError | MigrationFailed:
    if committing or error.sqlstate in _CAUSED_BY_SCRIPT:
        # An error with a context comes from a statement of a trigger, not from one of pgbraid.
        ours = not (error.diagnostic and error.diagnostic.context)
        missing = ours and error.sqlstate in _LEDGER_MISSING
        return _as_migration_error(migration, error, ledger_missing=missing)
    rolled_back = f"{migration.label} ran, could not be recorded, and was rolled back."
    reason = error.detail if error.diagnostic is None else None  # the server's may quote values
    error.detail = f"{rolled_back} {reason}" if reason else rolled_back
    return error


def _as_migration_error(
    migration: Migration, error: ServerError, *, ledger_missing: bool = False
) -> MigrationFailed:
    """Return an error of recording or committing a migration as an error of the migration."""
    diagnostic = error.diagnostic or Diagnostic(
        "ERROR", error.message, detail=error.detail, hint=error.hint
    )
    if ledger_missing:
        diagnostic = replace(
            diagnostic,
            message="the migration drops or renames a table of pgbraid's ledger",
            detail=f"The server reports: {error.message}.",
            hint="Remove that statement from the file, then run `pgbraid up` again.",
        )
    return MigrationFailed(migration, replace(diagnostic, location=Location(migration.path)))


def record_adoption(run: RunContext, adoption: Adoption) -> None:
    """Record the migrations that another tool has applied, in one transaction.

    If another run has recorded them in the meantime, nothing is written.
    """
    with transaction(run.session):
        empty = not has_rows(run.session)
        if empty:
            record_adopted(run.session, adoption, run.ledger_traits, run.run_id)
    if empty:
        run.options.on_event(Adopted(adoption))
