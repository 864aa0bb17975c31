"""Checks from the text alone whether a script can change session state.

Session state means settings, temporary objects, advisory locks and connections. The last values of
sequences, which any INSERT may change, do not count; the runner discards them separately.

The check is valid only on a database that was empty before the run. There, a statement can call
only functions of the server, of extensions and of earlier scripts, which were checked too. A
script changes the session unless this module recognises all of its statements.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.sql.lexer import CONTINUATION
from pgbraid.sql.script import tokens_of

if TYPE_CHECKING:
    from pgbraid.sql.script import Script, Statement

__all__ = ["concerns_slots", "leaves_session_unchanged", "may_name_table"]

_LEAVES_SESSION_UNCHANGED = frozenset(
    {"CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE", "INSERT", "UPDATE", "DELETE"}
)
"""Statements that change the database only. SELECT is missing because it may call any function."""
_MADE = frozenset(
    {
        *("TABLE", "UNLOGGED", "UNIQUE", "INDEX", "SEQUENCE", "TYPE", "DOMAIN", "VIEW", "SCHEMA"),
        *("MATERIALIZED", "FUNCTION", "PROCEDURE", "TRIGGER", "POLICY", "EXTENSION", "OR"),
    }
)
"""Objects that CREATE may name; aggregates, operators and casts would hide calls of functions."""
_PASSING = frozenset({"TEMP", "TEMPORARY"})
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE"})
_CHANGES_SESSION = re.compile(
    r"\bset_|set_config|pg_settings|advisory|pg_temp|dblink|u&"
    r"|\b(?:nextval|currval|lastval|setval)\b",
    re.IGNORECASE,
)
"""Anything that sets, locks or connects, also inside quotes. U& escapes could spell all of it."""
_PARTS = (
    *("set_", "pg_settings", "advisory", "pg_temp", "dblink", "u&"),
    *("nextval", "currval", "lastval", "setval"),
)
"""Each match of the pattern has one of these; to look for them takes a tenth of the time."""
_CHANGES_SESSION_IN_ROUTINE = re.compile(
    r"\b(?:set|reset|execute|listen|prepare|declare|discard|load|role|temp|temporary)\b",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(r"\blanguage\s+'?(?:sql|plpgsql)\b", re.IGNORECASE)
_MAY_HIDE = re.compile(rf"\be'|'{CONTINUATION.pattern}", re.IGNORECASE)
"""An escape string, or a string in several parts: words of a body in one are not in the text."""
_WRITES_CATALOG = re.compile(
    r"\b(?:update|into|delete\s+from)\s+(?:only\s+)?(?:\"?pg_catalog\"?\s*\.\s*)?\"?pg_",
    re.IGNORECASE,
)
_EXTENSION = re.compile(
    r"extension\s+(?:if\s+not\s+exists\s+)?\"?(?:pgcrypto|citext|uuid-ossp|btree_gin|btree_gist"
    r"|hstore|ltree|pg_trgm|unaccent|intarray|postgis|vector|pg_stat_statements|cube"
    r"|fuzzystrmatch|tablefunc)\b",
    re.IGNORECASE,
)
"""Extensions whose functions do not change the session, except those named set_something."""


def leaves_session_unchanged(script: Script) -> bool:
    """Whether neither the script's statements nor the routines it creates change the session."""
    lower = script.text.lower()
    if any(part in lower for part in _PARTS) and _CHANGES_SESSION.search(script.text):
        return False
    for statement in script.statements:
        words = statement.words
        if not words or words[0] not in _LEAVES_SESSION_UNCHANGED:
            return False
        if words[0] == "CREATE" and not _creates_without_effects(script, statement):
            return False
    return True


def may_name_table(text: str, table: str) -> bool:
    """Whether a script that leaves the session unchanged may name a table, or one derived from it.

    Such a script has no dynamic SQL and no escapes in identifiers, so it names a table in its text,
    or a catalog in which a superuser writes. A name that needs quotes has several spellings: then
    this returns True.
    """
    if not re.fullmatch(r"[a-z0-9_]+", table) or table in text.lower():
        return True
    return _WRITES_CATALOG.search(text) is not None


def _creates_without_effects(script: Script, statement: Statement) -> bool:
    words = statement.words
    if _MADE.isdisjoint(words[1:2]) or not _PASSING.isdisjoint(words[1:4]):
        return False
    text = script.text[statement.start : statement.end]
    if not _ROUTINES.isdisjoint(words[1:4]):
        return (
            bool(_LANGUAGE.search(text))
            and not _CHANGES_SESSION_IN_ROUTINE.search(text)
            and not _hides_words(script, statement)
        )
    return words[1] != "EXTENSION" or _EXTENSION.search(text) is not None


def _hides_words(script: Script, statement: Statement) -> bool:
    """Whether words of a routine's body may not be in the text as the server reads them."""
    if not _MAY_HIDE.search(script.text, statement.start, statement.end):
        return False
    tokens = tokens_of(script.text, statement)
    return any(part == "JOINED" or part.startswith("E'") for part in tokens)


_SLOT = re.compile(r"replication_slot(?!s)", re.IGNORECASE)
"""Part of the names of all functions that change a slot; the views' names end in a plural."""


def concerns_slots(text: str) -> bool:
    """Whether a text names a function of replication slots, also inside quotes or a comment.

    The server creates a logical slot only in a transaction without a transaction id, and ROLLBACK
    does not undo any change to a slot.
    """
    return _SLOT.search(text) is not None
