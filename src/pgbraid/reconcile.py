"""``repair --trust``: bring applied set and journal together, where they say the opposite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pgbraid.core.answers import Reconciled
from pgbraid.db import consistency
from pgbraid.db import ledger as db
from pgbraid.db.applied import read_ledger
from pgbraid.db.ensure import ensure_schema, ensure_tables
from pgbraid.db.lock import take_lock
from pgbraid.db.session import connect
from pgbraid.db.transactions import transaction
from pgbraid.db.watch import claimed
from pgbraid.errors import ConfigError

if TYPE_CHECKING:
    from pgbraid.core.answers import Mismatch
    from pgbraid.core.model import Ledger, Tracker
    from pgbraid.db.conninfo import Target
    from pgbraid.db.ensure import Shape
    from pgbraid.db.session import Session
    from pgbraid.survey import RunOptions

    Trust = Literal["journal", "set"]

__all__ = ["reconcile_ledger"]


def reconcile_ledger(
    target: Target,
    tracker: Tracker,
    versions: tuple[int, ...],
    trust: Trust,
    options: RunOptions,
) -> Reconciled:
    """Make the set say what the journal says, or the journal what the set says.

    Of all versions on which they do not agree, or only of these. All of it is one transaction
    under the lock; each version gets a line in the journal. No migration is run.

    Raises ConfigError for a version on which they agree.
    """
    if trust not in {"journal", "set"}:
        raise ConfigError(f"trust must be 'journal' or 'set', not {trust!r}")
    with connect(target, tracker, options.stop) as opened:
        ledger = read_ledger(opened, wait=options.lock_wait, tell=options.tell_waiting)
        found = _chosen(ledger, versions)
        begun = _says_nothing(opened, ledger) and trust == "set"
        if not (found or begun):
            return Reconciled(trust)
        with claimed(opened, options.limits, options.listen) as session:
            ensure_schema(session)
            take_lock(session, wait=options.lock_wait, tell=options.tell_waiting)
            shape = ensure_tables(session)
            found = _chosen(read_ledger(session), versions)
            run_id = db.new_run_id()
            with transaction(session):
                for mismatch in found:
                    _settle(session, mismatch, trust, shape, run_id)
                if begun and not consistency.has_lines(session):
                    db.record_entry(session, db.Entry(run_id, "created", detail={"trust": trust}))
            restored = tuple(m for m in found if m.applied)
            taken_out = tuple(m for m in found if not m.applied)
            return Reconciled(trust, restored, taken_out)


def _says_nothing(session: Session, ledger: Ledger) -> bool:
    """Whether the set is empty, beside a journal that is not there or has no line at all."""
    return not ledger.applied and not (ledger.journal and consistency.has_lines(session))


def _chosen(ledger: Ledger, versions: tuple[int, ...]) -> tuple[Mismatch, ...]:
    known = {mismatch.version: mismatch for mismatch in ledger.mismatches}
    for version in versions:
        if version not in known:
            raise ConfigError(
                f"set and journal agree on {version}, so there is nothing to repair",
                hint="Run `pgbraid check` to see on which versions they do not.",
            )
    return tuple(known[v] for v in sorted(versions or known))


def _settle(session: Session, mismatch: Mismatch, trust: Trust, shape: Shape, run_id: str) -> None:
    """Settle one version; what is written makes both say the same of it."""
    version, name = mismatch.version, mismatch.name
    if trust == "journal" and mismatch.applied:
        event = "restored"
    elif trust == "journal":
        event = "removed"
    else:
        event = "withdrawn" if mismatch.applied else "adopted"
    entry = db.Entry(run_id, event, version, name, detail={"trust": trust})
    if event == "restored":
        db.record_restored(session, mismatch, shape, entry)
    elif event == "removed":
        db.record_removed(session, version, entry)
    else:
        db.record_entry(session, entry)
