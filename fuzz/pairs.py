"""Looks whether a pair that is named is real: whether its two orders do end differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken
from pgbraid.model.snapshot import Facet
from pgbraid.prove.comparison.compare_results import compare_kept
from pgbraid.prove.replay.replayer import Replayer

if TYPE_CHECKING:
    from pgbraid.model.proof import ConflictingPair
    from pgbraid.postgres.scratch.databases import ScratchServer
    from pgbraid.prove.replay.replayer import KeptReplay

__all__ = ["is_real", "told_pair"]

_SHOWN = 5
"""How many migrations of a context are told."""


def is_real(scratch: ScratchServer, pair: ConflictingPair) -> bool:
    """Replay a pair in both orders, behind what it is said to need, and compare.

    The replays are another replayer's, on a base of its own. Where they do not differ by more than
    the same order does from itself, the pair is not real.
    """
    replayer = Replayer(scratch, LedgerTable(), stop=StopToken())
    orders = [
        (*pair.context, *two, *pair.after)
        for two in ((pair.first, pair.second), (pair.second, pair.first))
    ]
    base, _ = replayer.base(())
    kept = []
    try:
        kept = [replayer.keep(base, order) for order in orders]
        left, right = (one.result for one in kept)
        if left.failure and right.failure:
            return left.failure.key != right.failure.key
        if left.failure or right.failure:
            return True

        def again(side: str) -> KeptReplay:
            return replayer.keep(base, orders[side == "right"])

        return bool(compare_kept(replayer, kept[0], kept[1], again).facets - {Facet.SEQUENCES})
    finally:
        for one in kept:
            replayer.drop(one.name)
        replayer.release(base)


def told_pair(pair: ConflictingPair | None) -> str:
    """Say which pair it is, and what it is said to need."""
    if pair is None:
        return "no pair"
    context = " ".join(m.label for m in pair.context[:_SHOWN])
    if len(pair.context) > _SHOWN:
        context += f" and {len(pair.context) - _SHOWN} more"
    after = " ".join(m.label for m in pair.after)
    behind = f"; behind it {after}" if after else ""
    large = "" if pair.minimal else "; not the smallest"
    return f"{pair.sentence} (context {context or 'none'}{behind}{large})"
