"""Finds defaults of a search path that hold from the next connection on, and not in this run."""

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
"""Also in a string, as the database's name is put in by EXECUTE more often than not."""
_COMMENTS = frozenset({"comment", "block"})


def deferred_search_path_problems(migration: Migration, script: Script) -> Iterator[Problem]:
    """Yield a warning for each of them: what follows in this run still has the old path.

    It is not applied to the session, as the server would not do so for anybody else either; but a
    fresh database, made in one run, and one that was deployed step by step then differ.
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
            "a default of search_path holds from the next connection on",
            detail="Migrations behind this one have the old path if they run with it, as on a "
            "fresh database, and the new one if they run later.",
            hint="Name the schema in the migrations that follow, or SET search_path in each.",
            severity=Severity.WARNING,
            location=Location(migration.path, *script.place(at)),
            versions=(migration.version,),
        )


def _is_comment(text: str, start: int | None, at: int) -> bool:
    """Whether an offset is in a comment; outside of statements there is nothing else."""
    if start is None:
        return True
    kind = ""
    while start <= at:
        kind, _, start = next_token(text, start)
    return kind in _COMMENTS
