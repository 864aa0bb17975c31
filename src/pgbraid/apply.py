"""The kernel of every command that runs a migration's text: one transaction, all or nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pgbraid.core.events import Adopted, Noticed
from pgbraid.core.model import Diagnostic, Location
from pgbraid.db import ledger as db
from pgbraid.db.body import half_done, notices, run_body
from pgbraid.db.session import open_path, settle, transaction, translating
from pgbraid.errors import MigrationFailed, ServerError
from pgbraid.survey import RunOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from pgbraid.core.filenames import NameStyle
    from pgbraid.core.model import Adoption, Migration
    from pgbraid.core.script import Script
    from pgbraid.db.session import Session

__all__ = ["Run", "record_adoption", "run_atomically", "run_guarded"]

_BODYS_DOING = frozenset({"25006", "42P01", "3F000"})
"""Read-only transaction, no such table, no such schema: the tracker was there before the body."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run under the lock; every journal entry of it bears ``run_id``."""

    session: Session
    shape: db.Shape = field(default_factory=db.Shape)
    style: NameStyle = "name"
    options: RunOptions = field(default_factory=RunOptions)
    run_id: str = field(default_factory=db.new_run_id)


def run_atomically(
    run: Run,
    migration: Migration,
    script: Script,
    *,
    wanted: Callable[[], bool],
    record: Callable[[], timedelta],
) -> timedelta | None:
    """Run a script and record it in one transaction; return what ``record`` returned.

    ``wanted`` is asked inside the transaction, behind the fence: where another run was
    quicker, nothing is run and None returned. Raises MigrationFailed after rolling back,
    ServerError where our own statements are refused, and ConnectionFailed where the connection
    was lost.
    """
    duration: timedelta | None = None
    try:
        with transaction(run.session) as transaction_id:
            if wanted():
                run_guarded(run, migration, script, transaction_id)
                duration = _recorded(run, migration, record)
    except ServerError as error:
        if duration is None:
            raise
        raise _blamed(migration, error) from None
    return duration


def run_guarded(run: Run, migration: Migration, script: Script, transaction_id: str) -> None:
    """Run a script in the transaction that is open, and make sure that it is still open.

    Raises MigrationFailed where the script failed or ended the transaction.
    """
    open_path(run.session)

    def hear(said: Diagnostic) -> None:
        placed = replace(said, location=Location(migration.path))
        run.options.listen(Noticed(migration, placed))

    with notices(run.session, hear):
        run_body(run.session, migration, script)
    if not settle(run.session, transaction_id):
        raise half_done(migration)


def _recorded(run: Run, migration: Migration, record: Callable[[], timedelta]) -> timedelta:
    """Record a migration; what only its body can have broken is said of the body."""
    try:
        with translating(run.session):
            return record()
    except ServerError as error:
        if error.sqlstate in _BODYS_DOING:
            raise _blamed(migration, error) from None
        error.detail = f"{migration.label} ran, could not be recorded, and was rolled back."
        raise


def _blamed(migration: Migration, error: ServerError) -> MigrationFailed:
    """Return an error of recording or committing a migration as the migration's."""
    said = error.diagnostic or Diagnostic("ERROR", error.message)
    return MigrationFailed(migration, replace(said, location=Location(migration.path)))


def record_adoption(run: Run, adoption: Adoption) -> None:
    """Enter what another tool has applied in the set and the journal, in one transaction."""
    with transaction(run.session):
        db.record_adopted(run.session, adoption, run.run_id)
    run.options.listen(Adopted(adoption))
