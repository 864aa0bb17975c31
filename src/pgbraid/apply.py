"""The kernel of every command that runs a migration's text: one transaction, all or nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pgbraid.core.events import Adopted, Noticed
from pgbraid.core.model import Diagnostic, Location
from pgbraid.db import ledger as db
from pgbraid.db.body import notices, run_body
from pgbraid.db.session import open_path, settle, still_in, transaction
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
    quicker, nothing is run and None returned. Raises MigrationFailed after rolling back, and
    ConnectionFailed where the connection was lost.
    """
    try:
        with transaction(run.session) as transaction_id:
            if not wanted():
                return None
            run_guarded(run, migration, script, transaction_id)
            return record()
    except ServerError as error:
        said = error.diagnostic or Diagnostic("ERROR", error.message)
        raise MigrationFailed(migration, replace(said, location=Location(migration.path))) from None


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
    if not still_in(run.session, transaction_id):
        raise MigrationFailed(migration, _ended(migration))
    settle(run.session)


def _ended(migration: Migration) -> Diagnostic:
    return Diagnostic(
        "ERROR",
        "the migration ended its transaction",
        sqlstate="2D000",
        detail="What it did before that may be committed; it is not recorded as applied.",
        hint="Take COMMIT, ROLLBACK and the like out of the file, put right what it did, then "
        "run `pgbraid up` again.",
        location=Location(migration.path),
    )


def record_adoption(run: Run, adoption: Adoption) -> None:
    """Enter what another tool has applied in the set and the journal, in one transaction."""
    detail = {"from": adoption.source, "tool": adoption.tool, "not_applied": adoption.excluded}
    entry = db.Entry(run.run_id, "adopted", detail=detail)
    with transaction(run.session):
        db.record_adopted(run.session, adoption.migrations, entry)
    run.options.listen(Adopted(adoption))
