"""Finds SET statements that request another isolation level than the migration's transaction."""

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
"""The first word of each level's name, and the number of its words."""


def level_of(migration: Migration) -> str:
    """Return the isolation level of a migration's transaction, as PostgreSQL spells it."""
    return migration.directives.isolation or "READ COMMITTED"


def isolation_problems(migration: Migration, script: Script) -> Iterator[Problem]:
    """Yield an error for a SET that the server would reject, a warning for one without effect."""
    for statement in script.statements:
        if statement.words[:1] != ("SET",):
            continue
        words = [w.strip("'") for w in tokens_of(script.text, statement) if w not in _FILLERS]
        requested = _requested_level(words)
        if requested is None or requested[1] == level_of(migration):
            continue
        lasting, level = requested
        # The runner has already run a query, so the server rejects a change of this transaction,
        # also outside one: each SET of such a file is repeated in the transactions that follow.
        fails = not lasting
        yield Problem(
            "transaction_mode" if fails else "isolation_unused",
            f"isolation level {level} cannot be set: the transaction has already begun"
            if fails
            else f"setting isolation level {level} has no effect on any transaction of this file",
            detail=f"The file runs in one {level_of(migration)} transaction."
            if not migration.directives.no_transaction
            else "Each statement of a no-transaction file runs in a transaction of its own, which "
            "has already begun.",
            hint="Remove the statement." if migration.directives.no_transaction else LEVEL_HINT,
            severity=Severity.ERROR if fails else Severity.WARNING,
            location=Location(migration.path, *script.place(statement.start)),
            versions=(migration.version,),
        )


def _requested_level(words: list[str]) -> tuple[bool, str] | None:
    """Return whether a SET applies to later transactions, and its level; None for other SETs."""
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
            _, separator, rest = rest.partition("ISOLATION LEVEL")
            if not separator:
                return None
        first = rest.split()[:1]
        return lasting, " ".join(rest.split()[: _WORDS.get("".join(first), 1)])
    return None
