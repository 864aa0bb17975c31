"""Whether a text can leave anything in its session, told from the text alone.

Only for a database in which nothing was before: there, a statement calls no function but the
server's own, those of extensions, and those of earlier texts, which were looked at too. What is
not known to be quiet counts as loud.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgbraid.core.script import Script

__all__ = ["is_quiet"]

_QUIET = frozenset(
    {"CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE", "INSERT", "UPDATE", "DELETE"}
)
"""What changes the database and not the session; no SELECT, which is there for its calls."""
_SESSIONS = frozenset({"TEMP", "TEMPORARY", "LOCAL", "GLOBAL"})
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "AGGREGATE", "RULE"})
_LOUD = re.compile(r"set_\w+\s*\(|advisory|\bpg_temp\b", re.IGNORECASE)
_LOUD_IN_ROUTINE = re.compile(
    r"\b(?:set|reset|execute|listen|prepare|declare|discard|load|role|temp|temporary)\b",
    re.IGNORECASE,
)


def is_quiet(script: Script) -> bool:
    """Whether no statement of the script, and no routine it makes, sets or opens anything."""
    if _LOUD.search(script.text):
        return False
    for statement in script.statements:
        words = statement.words
        if not words or words[0] not in _QUIET:
            return False
        if words[0] == "CREATE":
            if not _SESSIONS.isdisjoint(words[1:4]):
                return False
            routine = not _ROUTINES.isdisjoint(words[1:4])
            if routine and _LOUD_IN_ROUTINE.search(script.text, statement.start, statement.end):
                return False
    return True
