"""Finds ALTER ... SET search_path, which takes effect with the next connection only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.model.migration import Location, Problem, Severity
from pgbraid.sql.lexer import next_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.model.migration import Migration
    from pgbraid.sql.script import Script

__all__ = ["deferred_search_path_problems"]

_DEFAULT = re.compile(
    r"\balter\s+(?:database\s+\S+|(?:role|user)\s+(?:all|current_user|current_role|session_user)"
    r"(?:\s+in\s+database\s+\S+)?)\s+(?:re)?set\s+search_path\b",
    re.IGNORECASE,
)
"""Also matches inside strings, because EXECUTE often supplies the database name."""
_COMMENTS = frozenset({"comment", "block"})


def deferred_search_path_problems(migration: Migration, script: Script) -> Iterator[Problem]:
    """Yield a warning for each new default: later migrations of the run still use the old path.

    pgbraid does not apply the default to its session, as no other client would either. But a fresh
    database, migrated in one run, and one migrated step by step then differ.
    """
    if "search_path" not in script.text.lower():
        return
    for match in _DEFAULT.finditer(script.text):
        at = match.start()
        starts = (s.start for s in script.statements if s.start <= at < s.rest)
        if _is_comment(script.text, next(starts, None), at):
            continue
        yield Problem(
            "search_path_default",
            "a new default of search_path takes effect with the next connection",
            detail="Later migrations of the same run use the old path, as on a fresh database. "
            "Migrations of a later run use the new one.",
            hint="Name the schema in the migrations that follow, or SET search_path in each.",
            severity=Severity.WARNING,
            location=Location(migration.path, *script.place(at)),
            versions=(migration.version,),
        )


def _is_comment(text: str, start: int | None, at: int) -> bool:
    """Whether an offset is in a comment, as all text outside statements is."""
    if start is None:
        return True
    kind = ""
    while start <= at:
        kind, _, start = next_token(text, start)
    return kind in _COMMENTS
