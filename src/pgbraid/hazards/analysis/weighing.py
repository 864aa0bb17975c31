"""Weighs a finding: by how long it blocks, and by how many queries would wait."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.hazards.analysis.context import blocks_of
from pgbraid.model.findings import Blocks, Finding, HazardSeverity

if TYPE_CHECKING:
    from pgbraid.hazards.analysis.context import FileContext, Weights
    from pgbraid.model.observed import LockMode

__all__ = ["duration", "severity_of", "sized", "weighed"]

_UNNOTICED = 0.1
"""Seconds that a lock may be held without a finding: the runner itself waits for half a second."""
_MANY_QUERIES = 1000
"""From this number of waiting queries a finding is one grade higher."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def severity_of(seconds: float | None, weights: Weights) -> HazardSeverity:
    """Return the severity of a block of this many seconds; a warning if they are unknown."""
    if seconds is None:
        return HazardSeverity.WARNING
    if seconds < _UNNOTICED:
        return HazardSeverity.NONE
    if seconds < weights.warn:
        return HazardSeverity.NOTICE
    return HazardSeverity.WARNING if seconds < weights.error else HazardSeverity.ERROR


def sized(context: FileContext, finding: Finding, oid: int) -> Finding:
    """Return a finding about a relation, with its name and its size."""
    size = context.judged.size(oid)
    return replace(
        finding,
        object=context.label(oid),
        rows=size.rows if size else None,
        bytes=size.bytes if size else None,
    )


def weighed(
    context: FileContext, finding: Finding, oid: int, seconds: float | None, lock: LockMode | None
) -> Finding:
    """Return a finding with its severity: a lock on a relation is held for ``seconds``."""
    blocks = blocks_of(lock)
    severity = severity_of(seconds, context.judged.weights)
    waiting = _waiting(context, oid, seconds, blocks)
    if waiting is not None and waiting > _MANY_QUERIES:
        severity = severity.higher
    return replace(
        sized(context, finding, oid),
        severity=severity,
        seconds=seconds,
        lock=lock,
        blocks=blocks,
        queries_waiting=waiting,
    )


def _waiting(
    context: FileContext, oid: int, seconds: float | None, blocks: Blocks | None
) -> int | None:
    """Return about how many queries would wait, or None if the traffic is not known."""
    size = context.judged.size(oid)
    if size is None or seconds is None or blocks is None:
        return None
    rates = [size.writes_per_s]
    rates += [size.reads_per_s] if blocks is Blocks.READS_AND_WRITES else []
    known = [rate for rate in rates if rate is not None]
    return round(seconds * sum(known)) if known else None


def duration(seconds: float) -> str:
    """Return a time in words, such as ``9 min``."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.0f} h"
    return f"{seconds / _DAY:.0f} days"
