"""Searches a file's bytes for marks that decide how it runs.

Every boot does this for every file, so it imports nothing and only searches for words.
"""

from __future__ import annotations

__all__ = ["has_marks"]


def has_marks(data: bytes) -> bool:
    """Whether a text may have a directive, another tool's mark, or a statement that runs alone."""
    if data.startswith(b"-- no-transaction"):  # sqlx
        return True
    lower = data.lower()
    # Written out: a loop over the words takes twice the time.
    return (
        b"pgbraid:" in lower
        or b"concurrently" in lower
        or b"vacuum" in lower
        or b"+goose" in lower
        or b"migrate:up" in lower
        or b"+migrate" in lower
        or b"tern:" in lower
        or b"atlas:txmode" in lower
    )
