"""What a runner does around a migration: its line in the journal, a clean session."""

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
    """Clean before the first text that may see what quiet ones left: a sequence's last value."""
    if not work.leaves_session_unchanged and not progress.sequences_reset:
        progress.sequences_reset = True
        reset_between(run)


def reset_between(run: RunContext) -> None:
    """Reset the session after a migration. Raises pgbraid's errors."""
    with translate_errors(run.session):
        reset_session(run.session)


def new_entry(
    run: RunContext, step: Step, text: str | None, event: str, **detail: str | None
) -> journal.JournalEntry:
    """Return a line for the journal about a step of the run."""
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
    """Write a line for a failed migration, in a transaction of its own."""
    said = error.diagnostic
    entry = new_entry(
        run,
        work.step,
        work.entry.text,
        "failed",
        sqlstate=said.sqlstate,
        message=said.message,
    )
    with transaction(run.session):
        journal.append(run.session, entry)
