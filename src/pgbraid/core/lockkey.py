"""The key of the advisory lock."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgbraid.core.model import Tracker

__all__ = ["lock_key"]


def lock_key(tracker: Tracker) -> int:
    """Return the tracker's advisory lock key: a signed 64-bit number.

    The first eight bytes of a sha256, so that two trackers, or a tracker and an application's
    own keys, meet with a chance of 2**-64; NUL separates the parts, as no identifier holds one.
    """
    seed = f"pgbraid\0migrate\0{tracker.schema}\0{tracker.table}"
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], signed=True)
