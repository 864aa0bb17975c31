"""Compares the baselines that a branch adds with the migrations of the base that they replace.

``squash`` has proven a baseline when it was made. But it may have been edited since, or made from
other files than those of the base.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.model.proof import Verdict
from pgbraid.model.snapshot import DATA
from pgbraid.prove.comparison.compare_results import compare_kept
from pgbraid.prove.comparison.without_effect import split_by_effect
from pgbraid.prove.order_pair import OrderComparison

if TYPE_CHECKING:
    from pgbraid.model.migration import Migration
    from pgbraid.model.snapshot import Difference
    from pgbraid.prove.comparison.compare_results import Comparison
    from pgbraid.prove.replay.replayer import KeptReplay, Replayer

__all__ = ["compare_baseline"]


def compare_baseline(
    replayer: Replayer, baseline: Migration, history: tuple[Migration, ...]
) -> OrderComparison | None:
    """Return how a baseline differs from the migrations that it replaces, or None if it does not.

    The left side of each difference is the replay of the migrations. Raises the errors of the
    scratch server.
    """
    base, _ = replayer.base(())
    replays: list[KeptReplay] = []
    try:
        # The right side is the one whose changing values are measured.
        replays += (new := replayer.keep(base, (baseline,)), old := replayer.keep(base, history))
        result = OrderComparison(
            Verdict.FAILS,
            recorded_failure=old.result.failure,
            version_failure=new.result.failure,
            no_pair=f"no pair is named: {baseline.label} does not give the result of the "
            f"{len(history)} migrations that it replaces",
            replays=replayer.replays,
            server=replayer.scratch.label,
        )
        if old.result.failure or new.result.failure:
            return result

        def again(side: str) -> KeptReplay:
            return replayer.keep(base, history if side == "right" else (baseline,))

        compared = compare_kept(replayer, new, old, again)
        differences = _differences(compared)
        if not differences:
            return None
        return replace(
            result,
            verdict=Verdict.DIFFERENT,
            differences=differences,
            not_compared=compared.not_compared,
            replays=replayer.replays,
        )
    finally:
        for replay in replays:
            replayer.drop(replay.name)
        replayer.release(base)


def _differences(compared: Comparison) -> tuple[Difference, ...]:
    """Return the differences, except in values that change in each replay of the migrations.

    The baseline has constants in their place. The number of rows must be equal all the same.
    """
    tables = {table for table, _ in compared.meaning.masks} | compared.meaning.excluded
    effective, _ = split_by_effect(compared.differences)
    return tuple(
        _turned(difference)
        for difference in effective
        if not _is_changing(difference, compared, {f"rows of table {name}" for name in tables})
    )


def _is_changing(difference: Difference, compared: Comparison, tables: set[str]) -> bool:
    names = {attribute.name for attribute in difference.attributes}
    if difference.catalog == DATA:
        return difference.name in tables and "rows" not in names and not difference.only
    facts = {(difference.catalog, difference.name, name) for name in names}
    return bool(facts) and facts <= compared.changing.facts


def _turned(difference: Difference) -> Difference:
    """Return a difference with its sides exchanged."""
    only = {"left": "right", "right": "left"}.get(difference.only or "")
    attributes = tuple(
        replace(attribute, left=attribute.right, right=attribute.left)
        for attribute in difference.attributes
    )
    rows = difference.rows.turned() if difference.rows else None
    return replace(difference, attributes=attributes, only=only, rows=rows)
