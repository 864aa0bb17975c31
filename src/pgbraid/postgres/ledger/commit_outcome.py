"""Finds out which migrations a run committed, after a stop or a lost connection.

COMMIT is a part of the migration's message, so a lost connection leaves its outcome open. A second
connection waits until the first one's backend is gone, flushes, and reads this run's journal lines.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgbraid.model.errors import PgbraidError
from pgbraid.model.options import StopToken
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.ledger.incomplete import read_incomplete
from pgbraid.postgres.ledger.record import versions_applied_by
from pgbraid.postgres.transaction.boundaries import flush_wal, roll_back

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from pgbraid.postgres.client.session import Session

__all__ = ["RunOutcome", "read_outcome", "resolve_outcome"]

_WAIT_FOR_BACKEND = 12.0
"""Seconds; client_connection_check_interval, 5 s, must pass before a backend notices the loss."""
_WAIT_FOR_SERVER = 4.0
"""Seconds without a connection after which the outcome counts as unknown."""
_PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """The versions that a run has committed, flushed to disk, each with its duration.

    ``incomplete`` are the versions of all incomplete migrations, also those of other runs.
    """

    applied: dict[int, timedelta]
    incomplete: frozenset[int] = frozenset()


def resolve_outcome(session: Session, run_id: str, versions: Iterable[int]) -> RunOutcome | None:
    """Return what a stopped or disconnected run has committed, or None if that stays unknown.

    ``versions`` are those whose COMMIT is known to have succeeded.
    """
    session.conn.end_statement()  # an exception may have interrupted the wait for its result
    lost = session.conn.closed or session.conn.broken
    versions = tuple(versions)
    if lost:
        return _read_after_loss(session, run_id, versions)
    return read_outcome(session, run_id, versions)


def read_outcome(session: Session, run_id: str, versions: Iterable[int]) -> RunOutcome | None:
    """Return what a run has committed, read over its own connection; None if that fails.

    Ignores a pending stop.
    """
    session.conn.stop = None
    with suppress(PgbraidError):
        return _read(replace(session, stop=StopToken()), run_id, versions)
    return None


def _read(session: Session, run_id: str, versions: Iterable[int]) -> RunOutcome:
    with translate_errors(session):
        roll_back(session)
        # Flush before reading: a crash could still undo an asynchronous commit.
        flush_wal(session)
        applied = versions_applied_by(session, run_id, versions)
        return RunOutcome(
            applied, frozenset(incomplete.version for incomplete in read_incomplete(session))
        )


def _is_over(second: Session, lost: Session) -> bool:
    """Whether a lost connection can no longer commit anything."""
    if lost.pooler:
        # The backend may serve another client by now, but our transaction holds the xact lock.
        return second.run("session", "try_xact_lock", key=second.key).fetchone() == (True,)
    if lost.conn.process is not None:
        # A session pooler keeps the backend for its next client. Until its reset, it has our lock.
        holders = second.run("session", "lock_pids", key=second.key).fetchall()
        return (lost.pid,) not in holders
    return second.run("session", "is_alive", pid=lost.pid).fetchone() == (False,)


def _read_after_loss(session: Session, run_id: str, versions: tuple[int, ...]) -> RunOutcome | None:
    """Read the outcome over a second connection, once the backend of the lost one is gone.

    None if the backend stays, or no connection succeeds.
    """
    started_at = connected_at = time.monotonic()
    while time.monotonic() < min(started_at + _WAIT_FOR_BACKEND, connected_at + _WAIT_FOR_SERVER):
        with (
            suppress(PgbraidError),
            connect(session.target, session.ledger, StopToken()) as second,
        ):
            connected_at = time.monotonic()
            if _is_over(second, session):
                return _read(
                    replace(second, durable_commit=session.durable_commit), run_id, versions
                )
        time.sleep(_PAUSE)
    return None
