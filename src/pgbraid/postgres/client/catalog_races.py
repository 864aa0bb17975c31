"""Recognizes errors caused by a concurrent change of the same catalog row.

The server locks most objects before it changes their catalog rows, but not roles and other objects
that all databases of a cluster share. If two sessions alter one role at once, the second fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.model import sqlstate

if TYPE_CHECKING:
    from psycopg.errors import Diagnostic

__all__ = ["is_race"]

_CHANGED = frozenset({"tuple concurrently updated", "tuple concurrently deleted"})
"""The server's messages for a catalog row; it does not translate internal errors."""


def is_race(diag: Diagnostic) -> bool:
    """Whether the error is a race, so that the transaction may succeed when run again."""
    if diag.sqlstate == sqlstate.UNIQUE_VIOLATION:
        return diag.schema_name == "pg_catalog"
    return diag.sqlstate == sqlstate.INTERNAL_ERROR and diag.message_primary in _CHANGED
