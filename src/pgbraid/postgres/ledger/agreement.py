"""Whether the applied set and the journal agree, and what brings them together again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from psycopg import errors, sql

from pgbraid.model.results import Mismatch

if TYPE_CHECKING:
    from pgbraid.postgres.client.session import Session

__all__ = [
    "has_lines",
    "mark_unfinished",
    "read_mismatches",
    "read_unfinished",
    "was_emptied",
]

_UNFINISHED = re.compile(r"\n?Begun outside a transaction and not finished: ([\d, ]+)\.$")
"""The part of the tracker's comment that is ours."""


def read_mismatches(session: Session, *, without_set: bool = False) -> tuple[Mismatch, ...]:
    """Return the versions of which the set and the journal say the opposite, in order.

    ``without_set`` says that there is no set. Raises psycopg's UndefinedTable where there is no
    journal.
    """
    name = "mismatches_without_set" if without_set else "mismatches"
    return tuple(Mismatch(*row) for row in session.run("ledger", name).fetchall())


def has_lines(session: Session) -> bool:
    """Whether there is a journal that holds anything."""
    try:
        return session.run("ledger", "has_lines").fetchone() == (True,)
    except errors.UndefinedTable:
        return False


def was_emptied(session: Session) -> bool:
    """Whether set and journal, which hold nothing, or are not there, show that they once did."""
    return session.run("ledger", "was_used").fetchone() == (True,)


def read_unfinished(session: Session) -> frozenset[int]:
    """Return the versions that the tracker's comment says were begun and not finished.

    The journal says so too, unless it was emptied, dropped or restored from an older copy.
    """
    row = session.run("ledger", "note").fetchone()
    return _versions(row[0]) if row else frozenset()


def mark_unfinished(session: Session, version: int, *, unfinished: bool) -> None:
    """Note on the tracker that a version was begun, or that it no longer is, in its transaction.

    Only the table's owner can; for another role the journal alone has to tell.
    """
    row = session.run("ledger", "note").fetchone()
    if row is None or not row[1]:
        return
    text, known = row[0] or "", _versions(row[0])
    wanted = known | {version} if unfinished else known - {version}
    if wanted == known:
        return
    kept = _UNFINISHED.sub("", text)
    listed = ", ".join(map(str, sorted(wanted)))
    ours = f"Begun outside a transaction and not finished: {listed}." if wanted else ""
    comment = "\n".join(part for part in (kept, ours) if part) or None
    table = sql.Identifier(session.ledger.schema, session.ledger.table)
    query = sql.SQL("COMMENT ON TABLE {} IS {}").format(table, sql.Literal(comment))
    session.conn.execute(query)


def _versions(comment: str | None) -> frozenset[int]:
    found = _UNFINISHED.search(comment or "")
    return frozenset(map(int, found[1].split(", "))) if found else frozenset()
