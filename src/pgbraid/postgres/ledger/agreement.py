"""Compares the applied set with the journal, and keeps a note of incomplete migrations.

Each migration writes to both in its transaction, so they differ only after another session has
dropped, restored or edited one of them. pgbraid cannot know which one is right.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from psycopg import errors, sql

from pgbraid.model.results import Mismatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.postgres.client.session import Session

__all__ = [
    "has_history",
    "has_lines",
    "mark_unfinished",
    "read_ended",
    "read_mismatches",
    "read_unfinished",
    "was_emptied",
]

_UNFINISHED = re.compile(r"\n?Incomplete non-transactional migrations: ([\d, ]+)\.$")
"""The part of the table's comment that pgbraid writes."""
_ENDINGS = frozenset(
    {"applied", "adopted", "undone", "unadopted", "restored", "removed", "incomplete_forgotten"}
)


def read_mismatches(session: Session, *, without_set: bool = False) -> tuple[Mismatch, ...]:
    """Return the versions on which the applied set and the journal disagree, in order.

    Set ``without_set`` if the table of the applied set does not exist. Raises psycopg's
    UndefinedTable if the journal does not exist.
    """
    name = "mismatches_without_applied_set" if without_set else "mismatches"
    return tuple(Mismatch(*row) for row in session.run("ledger", name).fetchall())


def has_lines(session: Session) -> bool:
    """Whether the journal exists and has a line."""
    try:
        return session.run("ledger", "has_lines").fetchone() == (True,)
    except errors.UndefinedTable:
        return False
    except errors.InsufficientPrivilege:  # documented: a reading role may lack the journal
        return True


def has_history(session: Session) -> bool:
    """Whether the journal records that a version was applied, adopted or removed at some time."""
    try:
        return session.run("ledger", "has_history").fetchone() == (True,)
    except (errors.UndefinedTable, errors.InsufficientPrivilege):
        return False


def was_emptied(session: Session) -> bool:
    """Whether the ledger, which is empty or missing now, ever held a row."""
    return session.run("ledger", "was_used").fetchone() == (True,)


def read_unfinished(session: Session) -> frozenset[int]:
    """Return the versions of incomplete migrations by the comment on the applied set's table.

    The journal has them too, unless it was emptied, dropped or restored from an older copy.
    """
    row = session.run("ledger", "note").fetchone()
    return _versions(row[0]) if row else frozenset()


def read_ended(session: Session, versions: Sequence[int]) -> frozenset[int]:
    """Return those versions whose last line in the journal ends them: applied or removed."""
    try:
        rows = session.run("ledger", "last_outcomes", versions=list(versions)).fetchall()
    except (errors.UndefinedTable, errors.InsufficientPrivilege):
        return frozenset()
    return frozenset(version for version, event in rows if event in _ENDINGS)


def mark_unfinished(session: Session, version: int, *, unfinished: bool) -> None:
    """Add a version to, or remove it from, the incomplete ones in the table's comment.

    Runs in the open transaction. Only the table's owner may comment on it: with another role,
    nothing is written and only the journal has the incomplete migrations.
    """
    row = session.run("ledger", "note").fetchone()
    if row is None or not row[1]:
        return
    text, noted = row[0] or "", _versions(row[0])
    versions = noted | {version} if unfinished else noted - {version}
    if versions == noted:
        return
    users_part = _UNFINISHED.sub("", text)
    listed = ", ".join(map(str, sorted(versions)))
    our_part = f"Incomplete non-transactional migrations: {listed}." if versions else ""
    comment = "\n".join(part for part in (users_part, our_part) if part) or None
    table = sql.Identifier(session.ledger.schema, session.ledger.table)
    query = sql.SQL("COMMENT ON TABLE {} IS {}").format(table, sql.Literal(comment))
    session.conn.execute(query)


def _versions(comment: str | None) -> frozenset[int]:
    found = _UNFINISHED.search(comment or "")
    return frozenset(map(int, found[1].split(", "))) if found else frozenset()
