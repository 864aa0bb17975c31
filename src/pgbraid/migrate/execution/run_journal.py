"""Journal entries of a run, and the reset of its session between migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.client.session import reset_session
from pgbraid.postgres.ledger import journal
from pgbraid.postgres.transaction.boundaries import transaction

if TYPE_CHECKING:
    from pgbraid.migrate.execution.progress import PreparedMigration, RunProgress
    from pgbraid.migrate.execution.transactional import RunContext
    from pgbraid.model.errors import (
        MigrationFailed,
    )
    from pgbraid.model.plan import Step

__all__ = ["journal_failure", "new_entry", "reset_between", "reset_session_once"]


def reset_session_once(run: RunContext, work: PreparedMigration, progress: RunProgress) -> None:
    """Reset the session before the first migration that could observe state of earlier ones.

    Migrations that change nothing in the session but ``currval`` and ``lastval`` skip the reset.
    """
    if not work.leaves_session_unchanged and not progress.sequences_reset:
        progress.sequences_reset = True
        reset_between(run)


def reset_between(run: RunContext) -> None:
    """Reset the session after a migration; raise errors of pgbraid, not of the driver."""
    with translate_errors(run.session):
        reset_session(run.session)


def new_entry(
    run: RunContext, step: Step, text: str | None, event: str, **detail: str | None
) -> journal.JournalEntry:
    """Return a journal entry of a step of the run."""
    migration = step.migration
    return journal.JournalEntry(
        run.run_id,
        event,
        migration.version,
        migration.name,
        checksum=migration.checksum,
        text=text,
        detail={**({"gap": True} if step.gap else {}), **detail},
    )


def journal_failure(run: RunContext, work: PreparedMigration, error: MigrationFailed) -> None:
    """Append the entry of a failed migration, in a transaction of its own."""
    diagnostic = error.diagnostic
    entry = new_entry(
        run,
        work.step,
        work.entry.text,
        "failed",
        sqlstate=diagnostic.sqlstate,
        message=diagnostic.message,
    )
    with transaction(run.session):
        journal.append(run.session, entry)
