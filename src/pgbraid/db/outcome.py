"""What became of a run whose connection was lost: asked on a second one."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.db.ledger import read_run
from pgbraid.db.session import connect, translating
from pgbraid.db.transactions import flush
from pgbraid.errors import PgbraidError, ServerError
from pgbraid.stop import StopToken

if TYPE_CHECKING:
    from datetime import timedelta

    from pgbraid.db.session import Session

__all__ = ["read_after_loss", "read_on"]

_PATIENCE = 12.0
"""Seconds; the server looks every five if a client is still there."""
_SILENCE = 4.0
"""Seconds without any server, after which nobody is asked any more."""
_PAUSE = 0.2
_TRIES = 5


def read_on(session: Session, run_id: str) -> dict[int, timedelta] | None:
    """Return the versions that a run has committed, each with the time it took.

    All of them are on the disk then. This asks on the run's own connection, also where the run
    was asked to stop; whoever asked may go on cancelling, so it is tried more than once, and
    None returned where that did not help.
    """
    calm = replace(session, stop=StopToken())
    for _ in range(_TRIES):
        with suppress(ServerError), translating(calm):
            flush(calm)
            return read_run(calm, run_id)
    return None


def _is_over(second: Session, lost: Session) -> bool:
    """Whether a lost connection can commit nothing any more.

    Behind a pooler its process may be anybody's by now; its transaction holds the fence.
    """
    if lost.pooled:
        return second.run("session", "try_fence", key=second.key).fetchone() == (True,)
    return second.run("session", "is_alive", pid=lost.pid).fetchone() == (False,)


def read_after_loss(session: Session, run_id: str) -> dict[int, timedelta] | None:
    """Return what :func:`read_on` does, of a run whose connection was lost, on a second one.

    The server is asked again until the lost connection's process is gone, as long as that may
    take; None where it stays, or nobody answers.
    """
    begun = heard = time.monotonic()
    while time.monotonic() < min(begun + _PATIENCE, heard + _SILENCE):
        with (
            suppress(PgbraidError),
            connect(session.target, session.tracker, StopToken()) as second,
        ):
            heard = time.monotonic()
            if _is_over(second, session):
                flush(replace(second, durable=session.durable))
                return read_run(second, run_id)
        time.sleep(_PAUSE)
    return None
