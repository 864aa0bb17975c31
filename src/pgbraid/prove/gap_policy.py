"""Proves late migrations before they run: the gap policy ``prove``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.model.errors import NotProven
from pgbraid.model.events import GapProven
from pgbraid.model.proof import Proof, Verdict
from pgbraid.postgres.ledger.history import read_history
from pgbraid.prove.inputs import input_for_pending
from pgbraid.prove.prover import run_proof

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
    """Return the proof that the late migrations of a plan end as if they had come in time.

    The lock is held meanwhile, so that the order that is proven is the one that comes about.
    Raises NotProven where they do not, and what the scratch server raises.
    """
    order = read_history(session, _current_role(session))
    later = {step.migration.version for step in plan.above_target}
    told = input_for_pending(_without(migrations, later), order)
    proof = run_proof(told, session.ledger, options, like=order)
    if not proof.ok or (options.gaps_require == "complete" and not proof.complete):
        raise _refusal(proof)
    options.on_event(GapProven(proof))
    return proof


def _current_role(session: Session) -> str:
    row = session.conn.execute(b"SELECT CURRENT_USER::pg_catalog.text").fetchone()
    return str(row[0]) if row else ""


def _without(migrations: MigrationSet, versions: set[int]) -> MigrationSet:
    """Leave out what is not to be applied now."""
    kept = tuple(m for m in migrations.migrations if m.version not in versions)
    return replace(migrations, migrations=kept)


def _refusal(proof: Proof) -> NotProven:
    late = ", ".join(m.label for m in proof.out_of_order[:_LISTED])
    more = (
        f" and {len(proof.out_of_order) - _LISTED} more"
        if len(proof.out_of_order) > _LISTED
        else ""
    )
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
