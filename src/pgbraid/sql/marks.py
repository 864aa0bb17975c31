"""Searches a file's bytes for marks that decide how it runs.

Every boot does this for every file, so it imports nothing and only searches for words.
"""

from __future__ import annotations

__all__ = ["has_marks"]

_DIRECTIVE = b"pgbraid:"
_MARKS = (b"+goose", b"migrate:up", b"+migrate", b"tern:", b"atlas:txmode")
"""Comments by which other tools run a file outside a transaction, in lower case."""
_ALONE = (b"concurrently", b"vacuum")
"""Words of the statements that run outside a transaction if the file has no other statement."""
_SQLX = b"-- no-transaction"


def has_marks(data: bytes) -> bool:
    """Whether a text may have a directive, another tool's mark, or a statement that runs alone."""
    if _DIRECTIVE in data or data.startswith(_SQLX):
        return True
    lower = data.lower()
    return any(word in lower for word in (*_ALONE, *_MARKS))
