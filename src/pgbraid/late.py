"""Proves late migrations before they run: the gap policy ``prove``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.core.events import Proven
from pgbraid.core.proof import Proof, Verdict
from pgbraid.db import ledger as db
from pgbraid.db.order import read_order
from pgbraid.db.transactions import transaction
from pgbraid.errors import NotProven
from pgbraid.histories import late_question
from pgbraid.proving import prove_question

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.apply import Run
    from pgbraid.core.model import MigrationSet, Plan
    from pgbraid.db.session import Session
    from pgbraid.survey import RunOptions

__all__ = ["journal_proof", "prove_gaps"]

_LISTED = 3


def prove_gaps(
    session: Session, migrations: MigrationSet, plan: Plan, options: RunOptions
) -> Proof:
    """Return the proof that the late migrations of a plan end as if they had come in time.

    The lock is held meanwhile, so that the order that is proven is the one that comes about.
    Raises NotProven where they do not, and what the scratch server raises.
    """
    order = read_order(session, _current_role(session))
    later = {step.migration.version for step in plan.later}
    told = late_question(_without(migrations, later), order)
    proof = prove_question(told, session.tracker, options, like=order)
    if not proof.ok or (options.gaps_require == "complete" and not proof.complete):
        raise _refusal(proof)
    options.listen(Proven(proof))
    return proof


def journal_proof(run: Run, proof: Proof, plan: Plan) -> None:
    """Enter in the journal, for each late migration of a plan, what was proven of it."""
    detail = {
        "verdict": proof.verdict.value,
        "allowed": proof.allowed,
        "inversions": proof.inversions,
        "replays": proof.replays,
        "server": proof.server,
        "order": [m.version for m in proof.left],
        "not_compared": list(proof.left_out),
    }
    steps = {step.migration.version for step in plan.steps}
    with transaction(run.session):
        for migration in proof.late:
            if migration.version in steps:
                entry = db.Entry(
                    run.run_id,
                    "proven",
                    migration.version,
                    migration.name,
                    checksum=migration.checksum,
                    detail=detail,
                )
                db.record_entry(run.session, entry)


def _current_role(session: Session) -> str:
    row = session.conn.execute(b"SELECT CURRENT_USER::pg_catalog.text").fetchone()
    return str(row[0]) if row else ""


def _without(migrations: MigrationSet, versions: set[int]) -> MigrationSet:
    """Leave out what is not to be applied now."""
    kept = tuple(m for m in migrations.migrations if m.version not in versions)
    return replace(migrations, migrations=kept)


def _refusal(proof: Proof) -> NotProven:
    late = ", ".join(m.label for m in proof.late[:_LISTED])
    more = f" and {len(proof.late) - _LISTED} more" if len(proof.late) > _LISTED else ""
    said = {
        Verdict.SAME: "was not compared whole, as gaps_require asks for",
        Verdict.NOT_REPLAYED: "cannot be replayed on the scratch server, so it is not proven",
        Verdict.FAILS: "cannot be replayed in both orders",
        Verdict.COLUMN_ORDER: "ends with another order of columns than if it had come in time",
        Verdict.ENUM_ORDER: "ends with another order of enum values than if it had come in time",
    }.get(proof.verdict, "does not end as if it had come in time")
    if proof.ok:
        said = "was not compared whole, as gaps_require asks for"
    return NotProven(
        proof, f"late {late}{more} {said}; nothing was run", detail="\n".join(_details(proof))
    )


def _details(proof: Proof) -> Iterator[str]:
    """Yield why a late migration is not proven."""
    if proof.ok:
        listed = proof.left_out[:_LISTED]
        yield f"Not compared: {'; '.join(listed)}{'; …' if len(proof.left_out) > _LISTED else ''}."
        return
    failure = proof.left_failure or proof.right_failure
    if proof.pair:
        yield f"{proof.pair.sentence}."
    elif failure:
        yield f"{failure.migration.label} fails: {failure.diagnostic.message}."
    elif proof.no_pair:
        yield f"{proof.no_pair[0].upper()}{proof.no_pair[1:]}."
    if proof.differences:
        yield f"Different: {'; '.join(d.name for d in proof.differences[:_LISTED])}."
