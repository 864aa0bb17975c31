"""Detects texts that create, copy, advance or drop a replication slot."""

from __future__ import annotations

import re

__all__ = ["concerns_slots"]

_SLOT = re.compile(r"replication_slot(?!s)", re.IGNORECASE)
"""Part of the names of all functions that change a slot; the views' names end in a plural."""


def concerns_slots(text: str) -> bool:
    """Whether a text names a function of replication slots, also inside quotes or a comment.

    The server creates a logical slot only in a transaction without a transaction id, and ROLLBACK
    does not undo any change to a slot.
    """
    return _SLOT.search(text) is not None
