"""Tells whether a text makes, copies or drops a replication slot."""

from __future__ import annotations

import re

__all__ = ["concerns_slots"]

_SLOT = re.compile(r"replication_slot(?!s)", re.IGNORECASE)
"""In the names of all functions that make, copy, drop or advance one, and not of the views."""


def concerns_slots(text: str) -> bool:
    """Whether a text may call such a function, also inside quotes or a comment.

    The server makes a logical slot only in a transaction without an id, and takes back no slot
    with a rollback.
    """
    return _SLOT.search(text) is not None
