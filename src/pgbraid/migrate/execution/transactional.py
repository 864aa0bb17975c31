"""The kernel of every command that runs a migration's text: one transaction, all or nothing."""

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
from pgbraid.sql.replication_slots import concerns_slots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pgbraid.model.migration import Migration
    from pgbraid.model.options import Limits
    from pgbraid.model.results import Adoption
    from pgbraid.postgres.client.session import Session
    from pgbraid.postgres.locks.lock_monitor import LockMonitor
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
_GONE = frozenset({sqlstate.UNDEFINED_TABLE, sqlstate.INVALID_SCHEMA_NAME})
_BODYS_DOING = _GONE | {sqlstate.READ_ONLY_SQL_TRANSACTION}
"""No such table, no such schema: the tracker was there before the body; read-only transaction."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run under the lock; every journal entry of it bears ``run_id``.

    Where the database was ``fresh``, nobody else is there to wait for anything or to be waited
    for, and no function but those of the run's own migrations can be called. A ``guard`` is called
    inside each migration's transaction, behind its text; what it raises rolls the migration back.
    """

    session: Session
    ledger_traits: LedgerTraits = field(default_factory=LedgerTraits)
    name_style: NameStyle = "name"
    options: RunOptions = field(default_factory=RunOptions)
    run_id: str = field(default_factory=journal.new_run_id)
    fresh: bool = False
    guard: Callable[[Session, Migration], None] | None = None
    monitor: LockMonitor | None = field(default=None, repr=False)
    """Sees who blocks a statement of this run; a replay needs none."""

    @property
    def defers_wal_flush(self) -> bool:
        """Whether commits may wait for the disk together, and not each for itself."""
        return self.fresh and not self.options.durable_each

    @property
    def can_use_one_message(self) -> bool:
        """Whether a migration may go to the server as one message, its COMMIT included.

        Not where a client that died would not be noticed in the middle of it, nor where a
        trigger of somebody's stands between us and the row, nor where a guard must look first.
        """
        seen = (self.session.server_detects_client_loss or self.fresh) and self.guard is None
        return seen and not self.ledger_traits.has_triggers_or_rules and not self.session.pooled

    def limits_of(self, migration: Migration) -> Limits:
        """Return the limits of a migration's statements."""
        return self.session.limits.of(migration.directives)

    def report_waiting(self, holder: str) -> None:
        """Tell that another run has the lock."""
        self.options.report_waiting(holder)

    def commit(self, *, durable: bool) -> str:
        """Return the synchronous_commit of a commit that waits for the disk, or does not."""
        return self.session.durable_commit if durable else "off"


@dataclass(frozen=True, slots=True)
class Committed:
    """A migration is committed, after ``duration``.

    ``session_is_clean`` says that the session needs no reset.
    """

    duration: timedelta
    session_is_clean: bool = True


@dataclass(frozen=True, slots=True)
class RunStatementwise:
    """A message was rolled back and cannot say why; the statements one by one can."""


def apply_in_one_message(  # noqa: PLR0913 - the work, how it is kept, what to do meanwhile
    run: RunContext,
    migration: Migration,
    script: Script,
    message: Message,
    *,
    durable: bool,
    meanwhile: Callable[[], None],
) -> Committed | RunStatementwise | None:
    """Run a migration as one message.

    Returns None where the set has it already. Raises MigrationFailed and ServerError after rolling
    back, LockLost where another run holds the fence, and ConnectionFailed where the connection
    was lost, so that nobody knows what became of it.
    """
    session = run.session
    with translate_errors(session), forward_notices(session, notice_listener(run, migration)):
        try:
            commit = run.commit(durable=durable)
            answer = send_message(session, message, commit=commit, meanwhile=meanwhile)
        except BaseException as error:
            roll_back(session, error)
            raise
        if answer.failed_stage not in {Stage.COMPLETED, Stage.RESET}:
            roll_back(session)
            return _explain_failure(run, migration, script, message, answer)
    return Committed(
        timedelta(seconds=answer.seconds or 0.0), session_is_clean=answer.error is None
    )


def _explain_failure(
    run: RunContext, migration: Migration, script: Script, message: Message, answer: MessageResult
) -> RunStatementwise | None:
    """Say what a message came to that did not reach its COMMIT."""
    error = answer.error
    assert error is not None  # noqa: S101 - it stopped
    if run.session.stop.requested:
        raise Stopped
    if run.session.conn.broken:
        raise error
    if answer.failed_stage is Stage.ALREADY_APPLIED or _is_there(run, migration, message, answer):
        return None
    if answer.failed_stage is Stage.XACT_LOCK:
        raise LockLost
    if answer.ended and answer.failed_stage is not Stage.BODY:
        raise transaction_ended_error(migration)
    if answer.failed_stage in {Stage.BODY, Stage.DEFERRED}:
        raise migration_error(
            run.session, migration, script, error, at=answer.at, ended=answer.ended
        ) from None
    refused = answer.failed_stage is Stage.RECORDING and isinstance(error, journal.REFUSED)
    if refused or answer.failed_stage is Stage.GUARD:
        return RunStatementwise()
    try:
        with translate_errors(run.session):
            raise error
    except ServerError as said:
        raise _of_recording(
            migration, said, committing=answer.failed_stage is Stage.COMMIT
        ) from None


def _is_there(
    run: RunContext, migration: Migration, message: Message, answer: MessageResult
) -> bool:
    """Whether the set has a version for which a quiet message did not ask beforehand."""
    taken = getattr(answer.error, "sqlstate", None) == sqlstate.UNIQUE_VIOLATION
    if not (message.skip_reset and taken and answer.failed_stage is Stage.RECORDING):
        return False
    with translate_errors(run.session):
        return is_applied(run.session, migration.version)


def apply_in_transaction(  # noqa: PLR0913 - the work, and how it is kept
    run: RunContext,
    migration: Migration,
    parts: Iterable[ScriptPart],
    *,
    still_needed: Callable[[], bool],
    record: Callable[[], timedelta],
    durable: bool = True,
    without_id: bool = False,
) -> timedelta | None:
    """Run a text and record it in one transaction; return what ``record`` returned.

    ``still_needed`` is asked inside the transaction, behind the fence: where another run was
    quicker, nothing is run and None returned. ``without_id`` is for a text that runs only in a
    transaction to which no id was assigned yet. Raises MigrationFailed after rolling back,
    ServerError where our own statements are refused, and ConnectionFailed where the connection
    was lost.
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
        # The snapshot of ``still_needed`` is older than the lock: another run recorded the version
        # in between.
        with translate_errors(run.session):
            if still_needed():
                raise
    return duration


def retry_without_xid(session: Session, text: str, attempt: Callable[..., _T]) -> _T:
    """Return what ``attempt`` returns, called with ``without_id``: whether it must begin so.

    A text that names a function of replication slots is run so from the start. One that calls
    such a function by another is refused by the server, and then run again. Raises what
    ``attempt`` raises.
    """
    known = concerns_slots(text)
    try:
        return attempt(without_id=known)
    except MigrationFailed as error:
        if known or not error.needs_first_statement or error.incomplete:
            raise
    with translate_errors(session):
        reset_session(session)
    return attempt(without_id=True)


def execute_script(
    run: RunContext, migration: Migration, parts: Iterable[ScriptPart], opened: OpenTransaction
) -> None:
    """Run a text in the transaction that is open, and make sure that it is still open.

    Raises MigrationFailed where the text failed, ended the transaction or wrote to the tracker.
    """
    apply_body_settings(run.session, run.limits_of(migration))
    run_script(run.session, migration, parts)
    verify_transaction(run, migration, opened)


def verify_transaction(run: RunContext, migration: Migration, opened: OpenTransaction) -> None:
    """Make sure that a text has left its transaction and the tracker alone; take back its settings.

    Raises MigrationFailed.
    """
    settled = finish_body(run.session, opened)
    if settled is BodyEffect.ENDED_TRANSACTION:
        raise transaction_ended_error(migration)
    if settled is BodyEffect.WROTE_LEDGER:
        raise ledger_written_error(migration, run.session.ledger)
    if run.guard:
        run.guard(run.session, migration)


def notice_listener(run: RunContext, migration: Migration) -> Callable[[Diagnostic], None]:
    """Return what tells of a notice of a migration's."""

    def hear(said: Diagnostic) -> None:
        placed = replace(said, location=Location(migration.path))
        run.options.on_event(ServerNotice(migration, placed))

    return hear


def _recorded(run: RunContext, migration: Migration, record: Callable[[], timedelta]) -> timedelta:
    """Record a migration; what only its body can have broken is said of the body."""
    try:
        with translate_errors(run.session):
            return record()
    except ServerError as error:
        raise _of_recording(migration, error) from None


def _of_recording(
    migration: Migration, error: ServerError, *, committing: bool = False
) -> ServerError | MigrationFailed:
    if committing or error.sqlstate in _BODYS_DOING:
        ours = not (error.diagnostic and error.diagnostic.context)  # not a trigger's statement
        return _as_migration_error(migration, error, gone=ours and error.sqlstate in _GONE)
    ran = f"{migration.label} ran, could not be recorded, and was rolled back."
    why = error.detail if error.diagnostic is None else None  # the server's may quote values
    error.detail = f"{ran} {why}" if why else ran
    return error


def _as_migration_error(
    migration: Migration, error: ServerError, *, gone: bool = False
) -> MigrationFailed:
    """Return an error of recording or committing a migration as the migration's."""
    said = error.diagnostic or Diagnostic(
        "ERROR", error.message, detail=error.detail, hint=error.hint
    )
    if gone:
        said = replace(
            said,
            message="the migration takes away or renames a table of pgbraid's own",
            detail=f"The server says: {error.message}.",
            hint="Take that out of the file, then run `pgbraid up` again.",
        )
    return MigrationFailed(migration, replace(said, location=Location(migration.path)))


def record_adoption(run: RunContext, adoption: Adoption) -> None:
    """Enter what another tool has applied in the set and the journal, in one transaction.

    Where another run did so meanwhile, nothing is entered.
    """
    with transaction(run.session):
        empty = not has_rows(run.session)
        if empty:
            record_adopted(run.session, adoption, run.run_id)
    if empty:
        run.options.on_event(Adopted(adoption))
