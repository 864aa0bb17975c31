"""``repair --trust``: make applied set and journal agree on every version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pgbraid.model.errors import ConfigError
from pgbraid.model.results import Reconciled
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.ledger import agreement, journal
from pgbraid.postgres.ledger.applied_set import read_ledger
from pgbraid.postgres.ledger.record import record_restored, remove_applied
from pgbraid.postgres.ledger.tables import ensure_schema, ensure_tables
from pgbraid.postgres.locks.lock_monitor import monitored_session
from pgbraid.postgres.locks.session_lock import acquire_session_lock
from pgbraid.postgres.transaction.boundaries import transaction

if TYPE_CHECKING:
    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.plan import LedgerState
    from pgbraid.model.results import Mismatch
    from pgbraid.postgres.client.session import Session
    from pgbraid.postgres.ledger.tables import LedgerTraits

    Trust = Literal["journal", "applied_set"]

__all__ = ["reconcile_ledger"]


def reconcile_ledger(command: Command, versions: tuple[int, ...], trust: Trust) -> Reconciled:
    """Make the applied set agree with the journal, or the journal with the applied set.

    ``versions`` limits the repair; without it, all versions on which the tables disagree are
    repaired. Everything is one transaction under the lock, each version gets a journal entry, and
    no migration runs. Raises ConfigError for a version on which the tables agree.
    """
    if trust not in {"applied_set", "journal"}:
        raise ConfigError(f"trust must be 'journal' or 'applied_set', not {trust!r}")
    options = command.options
    with connect(command.target, command.ledger, options.stop) as opened:
        state = read_ledger(opened, wait=options.lock_wait, on_waiting=options.report_waiting)
        mismatches = _chosen(state, versions)
        # A journal without a line stops `up`; the line `created` confirms that it is new.
        begin_journal = _ledger_is_empty(opened, state) and trust == "applied_set"
        if not (mismatches or begin_journal):
            return Reconciled(trust)
        with monitored_session(opened, options.limits, options.on_event) as (session, _):
            ensure_schema(session)
            acquire_session_lock(session, wait=options.lock_wait, on_waiting=options.report_waiting)
            traits = ensure_tables(session)
            mismatches = _chosen(read_ledger(session), versions)
            run_id = journal.new_run_id()
            with transaction(session):
                for mismatch in mismatches:
                    _reconcile(session, mismatch, trust, traits, run_id)
                if begin_journal and not agreement.has_lines(session):
                    journal.append(
                        session, journal.JournalEntry(run_id, "created", detail={"trust": trust})
                    )
            restored = tuple(m for m in mismatches if m.applied)
            removed = tuple(m for m in mismatches if not m.applied)
            return Reconciled(trust, restored, removed)


def _ledger_is_empty(session: Session, state: LedgerState) -> bool:
    """Whether the applied set is empty, and the journal is missing or has no line."""
    return not state.applied and not (state.journal and agreement.has_lines(session))


def _chosen(state: LedgerState, versions: tuple[int, ...]) -> tuple[Mismatch, ...]:
    mismatches = {mismatch.version: mismatch for mismatch in state.mismatches}
    for version in versions:
        if version not in mismatches:
            raise ConfigError(
                f"applied set and journal agree on {version}, so there is nothing to repair",
                hint="Run `pgbraid check` to see on which versions they disagree.",
            )
    return tuple(mismatches[v] for v in sorted(versions or mismatches))


def _reconcile(
    session: Session, mismatch: Mismatch, trust: Trust, traits: LedgerTraits, run_id: str
) -> None:
    """Make applied set and journal agree on one version."""
    version, name = mismatch.version, mismatch.name
    if trust == "journal" and mismatch.applied:
        event = "restored"
    elif trust == "journal":
        event = "removed"
    else:
        event = "unadopted" if mismatch.applied else "adopted"
    entry = journal.JournalEntry(run_id, event, version, name, detail={"trust": trust})
    if event == "restored":
        record_restored(session, mismatch, traits, entry)
    elif event == "removed":
        remove_applied(session, version, entry)
    else:
        journal.append(session, entry)
