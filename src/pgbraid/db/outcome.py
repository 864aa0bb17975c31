"""What became of a run whose connection was lost: asked on a second one."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from pgbraid.db.ledger import read_run
from pgbraid.db.session import connect
from pgbraid.db.transaction import flush
from pgbraid.errors import PgbraidError
from pgbraid.stop import StopToken

if TYPE_CHECKING:
    from datetime import timedelta

    from pgbraid.db.session import Session

__all__ = ["read_after_loss"]

_PATIENCE = 12.0
"""Seconds; the server looks every five if a client is still there."""
_PAUSE = 0.2


def read_after_loss(session: Session, run_id: str) -> dict[int, timedelta] | None:
    """Return the versions that a run has committed, each with the time it took.

    All of them are on the disk then. The server is asked again until the lost connection's
    process is gone, as long as that may take; None where it stays, or nobody answers.
    """
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with (
            suppress(PgbraidError),
            connect(session.target, session.tracker, StopToken()) as second,
        ):
            if second.run("session", "is_alive", pid=session.pid).fetchone() == (False,):
                flush(second)
                return read_run(second, run_id)
        time.sleep(_PAUSE)
    return None
