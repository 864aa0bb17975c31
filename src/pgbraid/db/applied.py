"""The applied set, as every boot reads it: the one query of a run that has nothing to do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from psycopg import errors

from pgbraid.core.model import Applied, Ledger
from pgbraid.errors import ServerError

if TYPE_CHECKING:
    from pgbraid.db.session import Session

__all__ = ["COLUMNS", "no_tracker", "read_ledger"]

COLUMNS = ("version", "name", "applied_at", "checksum")
"""The tracker's columns."""


def read_ledger(session: Session, *, times: bool = False) -> Ledger:
    """Return the applied set, in one query; a set whose table is missing is empty.

    With ``times`` it says when each version was applied.

    Raises ServerError where the table has not the tracker's columns.
    """
    tracker = session.tracker
    try:
        cursor = session.run(
            "ledger", "read_applied", schema=tracker.schema, table=tracker.table, times=times
        )
    except errors.UndefinedTable:
        return Ledger(exists=False)
    except errors.UndefinedColumn as error:
        raise no_tracker(session, error.diag.message_primary) from None
    except errors.DivisionByZero:
        raise no_tracker(session, "It is no table") from None
    cursor.nextset()
    rows = cursor.fetchall()
    try:
        return Ledger(tuple(Applied(int(v), name, _hex(c), _time(at)) for v, name, c, at in rows))
    except (TypeError, ValueError):
        raise no_tracker(session, "Its column version holds what is no number") from None


def _time(text: str | None) -> datetime | None:
    """Return a time in UTC; None for none, and for one that is beyond Python's."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None


def _hex(checksum: str | bytes | None) -> str | None:
    if isinstance(checksum, bytes):
        return checksum.hex()
    return checksum.strip().lower().removeprefix("\\x") if checksum else None


def no_tracker(session: Session, detail: str | None) -> ServerError:
    """Return the error of a table of the tracker's name that is none."""
    tracker = session.tracker
    return ServerError(
        f"{tracker.schema}.{tracker.table} is not a tracker",
        detail=f"{detail}; a tracker has the columns {', '.join(COLUMNS)}.",
        hint="Name another table with --table, or another schema with --schema.",
    )
