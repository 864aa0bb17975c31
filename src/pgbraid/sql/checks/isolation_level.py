"""Finds what asks in a text for another isolation level than its transaction has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.model.migration import Location, Problem, Severity
from pgbraid.sql.script import tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.model.migration import Migration
    from pgbraid.sql.script import Script

__all__ = ["LEVEL_HINT", "isolation_problems", "level_of"]

LEVEL_HINT = "Write `-- pgbraid: isolation=serializable`, or repeatable-read, at the file's head."
_FILLERS = frozenset({"SET", "SESSION", "LOCAL", "=", "TO"})
_WORDS = {"SERIALIZABLE": 1, "REPEATABLE": 2, "READ": 2}
"""Words that a level's name begins with, and how many it has."""


def level_of(migration: Migration) -> str:
    """Return the isolation level of a migration's transaction, in PostgreSQL's words."""
    return migration.directives.isolation or "READ COMMITTED"


def isolation_problems(migration: Migration, script: Script) -> Iterator[Problem]:
    """Yield SET statements about the level: those that fail, and those that have no effect."""
    for statement in script.statements:
        if statement.words[:1] != ("SET",):
            continue
        words = [w.strip("'") for w in tokens_of(script.text, statement) if w not in _FILLERS]
        asked = _asked(words)
        if asked is None or asked[1] == level_of(migration):
            continue
        lasting, level = asked
        fails = not lasting and not migration.directives.no_transaction
        yield Problem(
            "transaction_mode" if fails else "isolation_unused",
            f"the level {level} comes too late: the transaction has begun"
            if fails
            else f"setting the level {level} has no effect on any transaction of this file",
            detail=f"The file runs in one {level_of(migration)} transaction."
            if not migration.directives.no_transaction
            else "Each statement of a no-transaction file runs in a transaction of its own, which "
            "has begun then.",
            hint="Take it out." if migration.directives.no_transaction else LEVEL_HINT,
            severity=Severity.ERROR if fails else Severity.WARNING,
            location=Location(migration.path, *script.place(statement.start)),
            versions=(migration.version,),
        )


def _asked(words: list[str]) -> tuple[bool, str] | None:
    """Return whether a SET is for later transactions, and the level, if it is about that."""
    text = " ".join(words)
    for head, lasting in (
        ("TRANSACTION_ISOLATION", False),
        ("DEFAULT_TRANSACTION_ISOLATION", True),
        ("TRANSACTION", False),
        ("CHARACTERISTICS AS TRANSACTION", True),
    ):
        if not text.startswith(f"{head} "):
            continue
        rest = text.removeprefix(head)
        if head.endswith("TRANSACTION"):
            _, found, rest = rest.partition("ISOLATION LEVEL")
            if not found:
                return None
        first = rest.split()[:1]
        return lasting, " ".join(rest.split()[: _WORDS.get("".join(first), 1)])
    return None
