"""Whether an applied file changed since, and whether the change means anything."""

from __future__ import annotations

import difflib
from itertools import islice

from pgbraid.core.answers import DriftKind
from pgbraid.core.checksum import normalise
from pgbraid.core.masking import mask, secrets_in
from pgbraid.core.reader import significant

__all__ = [
    "classify",
    "unified_diff",
]

_DIFF_LINES = 60


def classify(recorded: str | None, now: str) -> DriftKind | None:
    """Return how two texts differ; None where they differ in line ends or not at all."""
    if recorded is None:
        return DriftKind.UNKNOWN
    if normalise(recorded) == normalise(now):
        return None
    same = significant(recorded) == significant(now)
    return DriftKind.COSMETIC if same else DriftKind.MEANING


def unified_diff(recorded: str, now: str, name: str) -> str:
    """Return a unified diff from the recorded text to the file's, cut after 60 lines."""
    secrets = secrets_in(recorded) | secrets_in(now)
    lines = difflib.unified_diff(
        mask(normalise(recorded), secrets).splitlines(),
        mask(normalise(now), secrets).splitlines(),
        f"{name} as applied",
        f"{name} on disk",
        lineterm="",
    )
    shown = list(islice(lines, _DIFF_LINES + 1))
    if len(shown) > _DIFF_LINES:
        shown[_DIFF_LINES:] = ["… (the rest is left out)"]
    return "\n".join(shown)
