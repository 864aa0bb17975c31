"""Proves late migrations before they run: the gap policy ``prove``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.core.proof import Proof, Verdict
from pgbraid.db import ledger as db
from pgbraid.db.order import read_order
from pgbraid.db.transactions import transaction
from pgbraid.errors import NotProven
from pgbraid.histories import recorded_question
from pgbraid.proving import prove_question

if TYPE_CHECKING:
    from pgbraid.apply import Run
    from pgbraid.core.model import MigrationSet, Plan

__all__ = ["prove_gaps"]

_LISTED = 3


def prove_gaps(run: Run, migrations: MigrationSet, plan: Plan) -> None:
    """Prove that the late migrations of a plan end as a fresh database does, and journal it.

    The lock is held meanwhile, so that the order that is proven is the one that comes about.
    Raises NotProven where they do not, and nothing is run; and what the scratch server raises.
    """
    order = read_order(run.session)
    steps = {step.migration.version for step in plan.steps}
    later = {step.migration.version for step in plan.later}
    told = recorded_question(_without(migrations, later), order)
    proof = prove_question(told, run.session.tracker, run.options, like=order)
    if not proof.ok:
        raise _refusal(proof)
    _journal(run, proof, steps)


def _without(migrations: MigrationSet, versions: set[int]) -> MigrationSet:
    """Leave out what is not to be applied now."""
    from dataclasses import replace  # noqa: PLC0415

    kept = tuple(m for m in migrations.migrations if m.version not in versions)
    return replace(migrations, migrations=kept)


def _refusal(proof: Proof) -> NotProven:
    late = ", ".join(m.label for m in proof.late[:_LISTED])
    more = f" and {len(proof.late) - _LISTED} more" if len(proof.late) > _LISTED else ""
    said = {
        Verdict.FAILS: "cannot be replayed in both orders",
        Verdict.COLUMN_ORDER: "ends with another order of columns than a fresh database",
        Verdict.ENUM_ORDER: "ends with another order of enum values than a fresh database",
    }.get(proof.verdict, "does not end as a fresh database does")
    named = "; ".join(d.name for d in proof.differences[:_LISTED])
    detail = proof.pair.sentence + "." if proof.pair else None
    failure = proof.left_failure or proof.right_failure
    if detail is None and failure:
        detail = f"{failure.migration.label} fails: {failure.diagnostic.message}."
    if named:
        detail = f"{detail or ''}\nDifferent: {named}.".strip()
    return NotProven(proof, f"late {late}{more} {said}; nothing was run", detail=detail)


def _journal(run: Run, proof: Proof, steps: set[int]) -> None:
    detail = {
        "verdict": proof.verdict.value,
        "allowed": proof.allowed,
        "inversions": proof.inversions,
        "replays": proof.replays,
        "server": proof.server,
        "order": [m.version for m in proof.left],
    }
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
