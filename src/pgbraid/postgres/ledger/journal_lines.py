"""Reads the lines of the runs from the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import errors

from pgbraid.model.units import utc_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pgbraid.postgres.client.session import Session

__all__ = ["JournalLine", "read_lines"]


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line of a run, without the text that ran.

    ``seconds`` is the duration of the migration on the server. ``detail`` has the facts of lines of
    the events ``applied``, ``failed`` and ``undone``, and is empty for others.
    """

    place: int
    """The id of the line: lines are in this order."""
    run_id: str
    event: str
    version: int | None
    name: str | None
    at: datetime | None
    role: str
    application: str
    seconds: float | None
    detail: Mapping[str, Any]


def read_lines(session: Session) -> tuple[JournalLine, ...] | None:
    """Return the lines of the journal that show runs, in their order.

    None if the journal does not exist, lacks a column, or may not be read.
    """
    try:
        rows = session.run("ledger", "runs").fetchall()
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.InsufficientPrivilege):
        return None
    return tuple(
        JournalLine(
            *(place, run_id, event, version, name, utc_time(at), role, application, seconds),
            detail=detail if isinstance(detail, dict) else {},
        )
        for place, run_id, event, version, name, at, role, application, seconds, detail in rows
    )
