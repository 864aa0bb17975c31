"""Tells by an error that another session has changed the same row of the catalog meanwhile.

The server locks most of what it changes in the catalog, but not what the databases of a cluster
share: of two sessions that alter one role at once, the second one fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.model import sqlstate

if TYPE_CHECKING:
    from psycopg.errors import Diagnostic

__all__ = ["is_race"]

_CHANGED = frozenset({"tuple concurrently updated", "tuple concurrently deleted"})
"""What the server says of a row of the catalog, in these words in every language."""


def is_race(diag: Diagnostic) -> bool:
    """Whether the same transaction, run again, may find what the other session has done."""
    if diag.sqlstate == sqlstate.UNIQUE_VIOLATION:
        return diag.schema_name == "pg_catalog"
    return diag.sqlstate == sqlstate.INTERNAL_ERROR and diag.message_primary in _CHANGED
