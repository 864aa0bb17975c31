"""Reports the beginning and the end of a run, with its result or its error, as events."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from pgbraid.model.events import Database, RunEnded, RunStarted

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.model.options import RunOptions
    from pgbraid.model.plan import Report
    from pgbraid.model.results import Adoption, Undone
    from pgbraid.postgres.client.session import Session

__all__ = ["reported_run"]

_Result = TypeVar("_Result", "Report", "Undone", "Adoption | None")


def reported_run(
    session: Session,
    options: RunOptions,
    command: str,
    work: Callable[[], _Result],
    *,
    pending: int = 1,
) -> _Result:
    """Return what ``work`` returns; emit ``RunStarted`` before it and ``RunEnded`` after it.

    An exception of ``work`` is raised unchanged, even if the listener fails at the end.
    """
    started_at = monotonic()
    try:
        # Inside, because a listener that raises here may have begun a span: it gets the end, too.
        options.on_event(RunStarted(command, _database(session), pending))
        result = work()
    except BaseException as error:
        with suppress(Exception):
            options.on_event(RunEnded(command, monotonic() - started_at, error=error))
        raise
    options.on_event(RunEnded(command, monotonic() - started_at, result))
    return result


def _database(session: Session) -> Database:
    """Return the database of a session: with several hosts, the one that is connected."""
    info, target = session.conn.info, session.target
    return Database(
        target.label, target.scrub(info.dbname), target.scrub(info.host), info.port or None
    )
