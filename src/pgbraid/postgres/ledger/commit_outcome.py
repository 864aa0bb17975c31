"""What became of a run whose connection was lost: asked on a second one."""

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

_PATIENCE = 12.0
"""Seconds; the server looks every five if a client is still there."""
_SILENCE = 4.0
"""Seconds without any server, after which nobody is asked any more."""
_PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a run has committed: versions, each with the time it took, all of them on the disk.

    ``incomplete`` are those, of whatever run, that were begun outside a transaction and are not
    finished.
    """

    applied: dict[int, timedelta]
    incomplete: frozenset[int] = frozenset()


def resolve_outcome(session: Session, run_id: str, versions: Iterable[int]) -> RunOutcome | None:
    """Return what a run has committed that was stopped, or whose connection was lost.

    ``versions`` are those of which COMMIT has succeeded. None where nobody can tell.
    """
    session.conn.end_statement()  # an exception may have come before anybody waited for it
    lost = session.conn.closed or session.conn.broken
    versions = tuple(versions)
    if lost:
        return _read_after_loss(session, run_id, versions)
    return read_outcome(session, run_id, versions)


def read_outcome(session: Session, run_id: str, versions: Iterable[int]) -> RunOutcome | None:
    """Return what a run has committed, asked on its own connection, also where it is to stop.

    None where that does not help.
    """
    session.conn.stop = None
    with suppress(PgbraidError):
        return _read(replace(session, stop=StopToken()), run_id, versions)
    return None


def _read(session: Session, run_id: str, versions: Iterable[int]) -> RunOutcome:
    with translate_errors(session):
        roll_back(session)
        flush_wal(session)
        found = versions_applied_by(session, run_id, versions)
        return RunOutcome(
            found, frozenset(incomplete.version for incomplete in read_incomplete(session))
        )


def _is_over(second: Session, lost: Session) -> bool:
    """Whether a lost connection can commit nothing any more.

    Behind a pooler its process may be anybody's by now; its transaction holds the fence. One that
    gave us a session keeps the process for the next client; until then it holds our lock.
    """
    if lost.pooled:
        return second.run("session", "try_fence", key=second.key).fetchone() == (True,)
    if lost.conn.process is not None:
        holders = second.run("session", "lock_pids", key=second.key).fetchall()
        return (lost.pid,) not in holders
    return second.run("session", "is_alive", pid=lost.pid).fetchone() == (False,)


def _read_after_loss(session: Session, run_id: str, versions: tuple[int, ...]) -> RunOutcome | None:
    """Return what :func:`read_outcome` does, of a run whose connection was lost, on a second one.

    The server is asked again until the lost connection's process is gone, as long as that may
    take; None where it stays, or nobody answers.
    """
    begun = heard = time.monotonic()
    while time.monotonic() < min(begun + _PATIENCE, heard + _SILENCE):
        with (
            suppress(PgbraidError),
            connect(session.target, session.ledger, StopToken()) as second,
        ):
            heard = time.monotonic()
            if _is_over(second, session):
                return _read(
                    replace(second, durable_commit=session.durable_commit), run_id, versions
                )
        time.sleep(_PAUSE)
    return None
