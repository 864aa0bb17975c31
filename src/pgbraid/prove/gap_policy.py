"""The gap policy ``prove``: proves migrations that are out of order before they run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.model.errors import NotProven
from pgbraid.model.events import GapProven
from pgbraid.model.proof import Proof, Verdict
from pgbraid.postgres.ledger.history import read_history
from pgbraid.prove.inputs import input_for_pending
from pgbraid.prove.prover import run_proof
from pgbraid.prove.replaced_history import with_baselines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.model.migration import MigrationSet
    from pgbraid.model.options import RunOptions
    from pgbraid.model.plan import Plan
    from pgbraid.postgres.client.session import Session

__all__ = ["prove_gaps"]

_LISTED = 3


def prove_gaps(
    session: Session, migrations: MigrationSet, plan: Plan, options: RunOptions
) -> Proof:
    """Prove that the pending migrations may run out of order, and return the proof.

    The session lock is held, so no other run can change the order that is proven. Raises NotProven
    if a migration cannot be replayed, or if the results differ and the difference is neither
    allowed nor accepted. Raises NotProven also for an incomplete proof if the settings require a
    complete one, and the errors of the scratch server.
    """
    # The role of this session runs the migrations; it need not be the owner of the ledger.
    history = with_baselines(migrations, read_history(session, _current_role(session)))
    # Migrations above the target of this run stay pending, so they are in neither order.
    above_target = {step.migration.version for step in plan.above_target}
    proof_input = input_for_pending(_without(migrations, above_target), history)
    proof = run_proof(proof_input, session.ledger, options, like=history)
    if not proof.ok or (options.gaps_require == "complete" and not proof.complete):
        raise _refusal(proof)
    options.on_event(GapProven(proof))
    return proof


def _current_role(session: Session) -> str:
    row = session.conn.execute(b"SELECT CURRENT_USER::pg_catalog.text").fetchone()
    return str(row[0]) if row else ""


def _without(migrations: MigrationSet, versions: set[int]) -> MigrationSet:
    """Return the set of migrations without these versions."""
    remaining = tuple(m for m in migrations.migrations if m.version not in versions)
    return replace(migrations, migrations=remaining)


def _refusal(proof: Proof) -> NotProven:
    labels = ", ".join(m.label for m in proof.out_of_order[:_LISTED])
    number = len(proof.out_of_order) - _LISTED
    more = f" and {number} more" if number > 0 else ""
    verb = "is" if len(proof.out_of_order) == 1 else "are"
    reason = {
        Verdict.NOT_REPLAYED: "the migrations cannot be replayed on the scratch server",
        Verdict.FAILS: "the migrations cannot be replayed in both orders",
        Verdict.COLUMN_ORDER: "in version order, the columns would be in another order",
        Verdict.ENUM_ORDER: "in version order, the enum values would be in another order",
    }.get(proof.verdict, "in version order, the result would be different")
    if proof.ok:
        reason = "not everything was compared, and gaps_require = complete"
    return NotProven(
        proof,
        f"{labels}{more} {verb} out of order and not proven: {reason}; nothing was run",
        detail="\n".join(_details(proof)),
    )


def _details(proof: Proof) -> Iterator[str]:
    """Yield the reasons why a migration is not proven."""
    if proof.ok:
        listed = "; ".join(proof.not_compared[:_LISTED])
        yield f"Not compared: {listed}{'; …' if len(proof.not_compared) > _LISTED else ''}."
        return
    failure = proof.recorded_failure or proof.version_failure
    if proof.pair:
        yield f"{proof.pair.sentence}."
    elif failure:
        yield f"{failure.migration.label} fails: {failure.diagnostic.message}."
    elif proof.no_pair:
        yield f"{proof.no_pair[0].upper()}{proof.no_pair[1:]}."
    if proof.differences:
        yield f"Different: {'; '.join(d.name for d in proof.differences[:_LISTED])}."
