"""The kernel of every command that runs a migration's text: one transaction, all or nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from pgbraid.core.answers import Diagnostic
from pgbraid.core.events import Adopted, Noticed
from pgbraid.core.model import Location
from pgbraid.core.slots import concerns_slots
from pgbraid.db import ledger as db
from pgbraid.db.body import failure, half_done, run_body, wrote_the_set
from pgbraid.db.ensure import Shape
from pgbraid.db.message import Stage, deliver
from pgbraid.db.session import clean, notices, translating
from pgbraid.db.transactions import Settled, open_path, roll_back, settle, transaction
from pgbraid.errors import LockLost, MigrationFailed, ServerError, Stopped
from pgbraid.survey import RunOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pgbraid.core.answers import Adoption
    from pgbraid.core.filenames import NameStyle
    from pgbraid.core.model import Limits, Migration
    from pgbraid.core.script import Script
    from pgbraid.core.stream import Part
    from pgbraid.db.message import Answer, Message
    from pgbraid.db.session import Session
    from pgbraid.db.transactions import Opened

__all__ = [
    "Kept",
    "Run",
    "Unsure",
    "check_settled",
    "hearer",
    "record_adoption",
    "run_at_once",
    "run_atomically",
    "run_guarded",
    "where_unwritten",
]

_T = TypeVar("_T")
_TAKEN = "23505"
"""A value that must be unique is there."""
_GONE = frozenset({"42P01", "3F000"})
_BODYS_DOING = _GONE | {"25006"}
"""No such table, no such schema: the tracker was there before the body; read-only transaction."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run under the lock; every journal entry of it bears ``run_id``.

    Where the database was ``fresh``, nobody else is there to wait for anything or to be waited
    for, and no function but those of the run's own migrations can be called. A ``guard`` is called
    inside each migration's transaction, behind its text; what it raises rolls the migration back.
    """

    session: Session
    shape: Shape = field(default_factory=Shape)
    style: NameStyle = "name"
    options: RunOptions = field(default_factory=RunOptions)
    run_id: str = field(default_factory=db.new_run_id)
    fresh: bool = False
    guard: Callable[[Session, Migration], None] | None = None

    @property
    def relaxed(self) -> bool:
        """Whether commits may wait for the disk together, and not each for itself."""
        return self.fresh and not self.options.durable_each

    @property
    def at_once(self) -> bool:
        """Whether a migration may go to the server as one message, its COMMIT included.

        Not where a client that died would not be noticed in the middle of it, nor where a
        trigger of somebody's stands between us and the row, nor where a guard must look first.
        """
        seen = (self.session.watched or self.fresh) and self.guard is None
        return seen and not self.shape.acts and not self.session.pooled

    def limits_of(self, migration: Migration) -> Limits:
        """Return the limits of a migration's statements."""
        return self.session.limits.of(migration.directives)

    def tell_waiting(self, holder: str) -> None:
        """Tell that another run has the lock."""
        self.options.tell_waiting(holder)

    def commit(self, *, durable: bool) -> str:
        """Return the synchronous_commit of a commit that waits for the disk, or does not."""
        return self.session.durable if durable else "off"


@dataclass(frozen=True, slots=True)
class Kept:
    """A migration is committed, after ``duration``; ``clean`` says that the session is, too."""

    duration: timedelta
    clean: bool = True


@dataclass(frozen=True, slots=True)
class Unsure:
    """A message was rolled back and cannot say why; the statements one by one can."""


def run_at_once(  # noqa: PLR0913 - the work, how it is kept, what to do meanwhile
    run: Run,
    migration: Migration,
    script: Script,
    message: Message,
    *,
    durable: bool,
    meanwhile: Callable[[], None],
) -> Kept | Unsure | None:
    """Run a migration as one message.

    Returns None where the set has it already. Raises MigrationFailed and ServerError after rolling
    back, LockLost where another run holds the fence, and ConnectionFailed where the connection
    was lost, so that nobody knows what became of it.
    """
    session = run.session
    with translating(session), notices(session, hearer(run, migration)):
        try:
            commit = run.commit(durable=durable)
            answer = deliver(session, message, commit=commit, meanwhile=meanwhile)
        except BaseException as error:
            roll_back(session, error)
            raise
        if answer.stopped not in {Stage.NOWHERE, Stage.CLEANING}:
            roll_back(session)
            return _fate(run, migration, script, message, answer)
    return Kept(timedelta(seconds=answer.seconds or 0.0), clean=answer.error is None)


def _fate(
    run: Run, migration: Migration, script: Script, message: Message, answer: Answer
) -> Unsure | None:
    """Say what a message came to that did not reach its COMMIT."""
    error = answer.error
    assert error is not None  # noqa: S101 - it stopped
    if run.session.stop.requested:
        raise Stopped
    if run.session.conn.broken:
        raise error
    if answer.stopped is Stage.ABSENT or _is_there(run, migration, message, answer):
        return None
    if answer.stopped is Stage.FENCE:
        raise LockLost
    if answer.ended and answer.stopped is not Stage.BODY:
        raise half_done(migration)
    if answer.stopped in {Stage.BODY, Stage.DEFERRED}:
        raise failure(
            run.session, migration, script, error, at=answer.at, ended=answer.ended
        ) from None
    refused = answer.stopped is Stage.RECORDING and isinstance(error, db.REFUSED)
    if refused or answer.stopped is Stage.GUARD:
        return Unsure()
    try:
        with translating(run.session):
            raise error
    except ServerError as said:
        raise _of_recording(migration, said, committing=answer.stopped is Stage.COMMIT) from None


def _is_there(run: Run, migration: Migration, message: Message, answer: Answer) -> bool:
    """Whether the set has a version for which a quiet message did not ask beforehand."""
    taken = getattr(answer.error, "sqlstate", None) == _TAKEN
    if not (message.quiet and taken and answer.stopped is Stage.RECORDING):
        return False
    with translating(run.session):
        return db.is_applied(run.session, migration.version)


def run_atomically(  # noqa: PLR0913 - the work, and how it is kept
    run: Run,
    migration: Migration,
    parts: Iterable[Part],
    *,
    wanted: Callable[[], bool],
    record: Callable[[], timedelta],
    durable: bool = True,
    without_id: bool = False,
) -> timedelta | None:
    """Run a text and record it in one transaction; return what ``record`` returned.

    ``wanted`` is asked inside the transaction, behind the fence: where another run was
    quicker, nothing is run and None returned. ``without_id`` is for a text that runs only in a
    transaction to which no id was assigned yet. Raises MigrationFailed after rolling back,
    ServerError where our own statements are refused, and ConnectionFailed where the connection
    was lost.
    """
    duration: timedelta | None = None
    try:
        with (
            notices(run.session, hearer(run, migration)),
            transaction(
                run.session,
                commit=run.commit(durable=durable),
                isolation=migration.directives.isolation,
                without_id=without_id,
            ) as opened,
        ):
            if wanted():
                run_guarded(run, migration, parts, opened)
                duration = _recorded(run, migration, record)
    except ServerError as error:
        if duration is not None:
            raise _blamed(migration, error) from None
        if not (migration.directives.isolation and error.sqlstate == _TAKEN):
            raise
        # ``wanted`` saw the set as it was when the fence was asked for, and another run was between
        with translating(run.session):
            if wanted():
                raise
    return duration


def where_unwritten(session: Session, text: str, attempt: Callable[..., _T]) -> _T:
    """Return what ``attempt`` returns, called with ``without_id``: whether it must begin so.

    A text that names a function of replication slots is run so from the start. One that calls
    such a function by another is refused by the server, and then run again. Raises what
    ``attempt`` raises.
    """
    known = concerns_slots(text)
    try:
        return attempt(without_id=known)
    except MigrationFailed as error:
        if known or not error.unwritten or error.half_done:
            raise
    with translating(session):
        clean(session)
    return attempt(without_id=True)


def run_guarded(run: Run, migration: Migration, parts: Iterable[Part], opened: Opened) -> None:
    """Run a text in the transaction that is open, and make sure that it is still open.

    Raises MigrationFailed where the text failed, ended the transaction or wrote to the tracker.
    """
    open_path(run.session, run.limits_of(migration))
    run_body(run.session, migration, parts)
    check_settled(run, migration, opened)


def check_settled(run: Run, migration: Migration, opened: Opened) -> None:
    """Make sure that a text has left its transaction and the tracker alone; take back its settings.

    Raises MigrationFailed.
    """
    settled = settle(run.session, opened)
    if settled is Settled.ENDED:
        raise half_done(migration)
    if settled is Settled.TOUCHED:
        raise wrote_the_set(migration, run.session.tracker)
    if run.guard:
        run.guard(run.session, migration)


def hearer(run: Run, migration: Migration) -> Callable[[Diagnostic], None]:
    """Return what tells of a notice of a migration's."""

    def hear(said: Diagnostic) -> None:
        placed = replace(said, location=Location(migration.path))
        run.options.listen(Noticed(migration, placed))

    return hear


def _recorded(run: Run, migration: Migration, record: Callable[[], timedelta]) -> timedelta:
    """Record a migration; what only its body can have broken is said of the body."""
    try:
        with translating(run.session):
            return record()
    except ServerError as error:
        raise _of_recording(migration, error) from None


def _of_recording(
    migration: Migration, error: ServerError, *, committing: bool = False
) -> ServerError | MigrationFailed:
    if committing or error.sqlstate in _BODYS_DOING:
        ours = not (error.diagnostic and error.diagnostic.context)  # not a trigger's statement
        return _blamed(migration, error, gone=ours and error.sqlstate in _GONE)
    ran = f"{migration.label} ran, could not be recorded, and was rolled back."
    why = error.detail if error.diagnostic is None else None  # the server's may quote values
    error.detail = f"{ran} {why}" if why else ran
    return error


def _blamed(migration: Migration, error: ServerError, *, gone: bool = False) -> MigrationFailed:
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


def record_adoption(run: Run, adoption: Adoption) -> None:
    """Enter what another tool has applied in the set and the journal, in one transaction.

    Where another run did so meanwhile, nothing is entered.
    """
    with transaction(run.session):
        empty = not db.has_rows(run.session)
        if empty:
            db.record_adopted(run.session, adoption, run.run_id)
    if empty:
        run.options.listen(Adopted(adoption))
