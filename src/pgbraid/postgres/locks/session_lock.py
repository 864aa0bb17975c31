"""The ledger's session lock: acquired by polling, kept between migrations, never unlocked.

Closing the connection releases it, also when the process is killed. A pooler lends its sessions to
other clients, so behind one there is only the xact lock of each transaction; acquiring the lock
then means to wait until no other session holds that.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from pgbraid.model.errors import LockLost, LockTimeout
from pgbraid.postgres.client.server_errors import translate_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.postgres.client.session import Session

__all__ = ["acquire_session_lock", "ensure_session_lock", "retry_on_lock_lost"]

_T = TypeVar("_T")
_TRIES = 3
"""How often a lock that a body released is acquired again for the same transaction."""

_REPORT_AFTER, _REPORT_EVERY = 1.0, 30.0
"""Seconds until the first report of a wait, and between two."""
_FIRST_WAIT, _LONGEST_WAIT = 0.02, 0.5
_CHECK_WORK_EVERY = 3


def retry_on_lock_lost(
    session: Session,
    action: Callable[[], _T],
    *,
    wait: float,
    on_waiting: Callable[[str, float], None] | None = None,
) -> _T:
    """Run ``action``, one transaction, again while another session holds the xact lock.

    Returns the result of ``action``. Behind a pooler, concurrent runs take turns this way;
    elsewhere the loss means that a body released the session lock. Raises LockTimeout after
    ``wait`` seconds.
    """
    started_at, tries = time.monotonic(), 0
    while True:
        try:
            return action()
        except LockLost:
            tries += 1
            if tries >= _TRIES and not session.pooler:
                raise
        with translate_errors(session):
            remaining = started_at + wait - time.monotonic()
            if remaining <= 0:
                raise _expired(session, wait)
            acquire_session_lock(session, wait=remaining, on_waiting=on_waiting)


def ensure_session_lock(
    session: Session, *, wait: float, on_waiting: Callable[[str, float], None] | None = None
) -> bool:
    """Make sure, between migrations, that the session holds our lock and no other advisory lock.

    If a body released our lock, acquire it again, waiting up to ``wait`` seconds. Returns whether
    it was still held.
    """
    if session.pooler:
        return True
    row = session.run("session", "locks_held", key=session.key).fetchone()
    if row == (True, False):
        return True
    # A body may have left other advisory locks. Releasing all of them keeps no session waiting.
    session.run("session", "unlock_all")
    acquire_session_lock(session, wait=wait, on_waiting=on_waiting)
    return row == (True, True)


def acquire_session_lock(
    session: Session,
    *,
    wait: float,
    work_is_done: Callable[[], bool] | None = None,
    on_waiting: Callable[[str, float], None] | None = None,
) -> bool:
    """Acquire the ledger's lock; return False if ``work_is_done`` returned true during the wait.

    ``on_waiting`` is called after a second, and then every half minute, with a description of the
    holder and the seconds waited. Raises LockTimeout after ``wait`` seconds.
    """
    import random  # noqa: PLC0415 - most boots take no lock

    # Polled, not waited for: a session that waits inside the server has a snapshot, and a CREATE
    # INDEX CONCURRENTLY of the holder would wait for that snapshot.
    name = "try_xact_lock" if session.pooler else "try_lock"
    started_at, pause, tries = time.monotonic(), _FIRST_WAIT, 0
    report_at = _REPORT_AFTER
    while session.run("session", name, key=session.key).fetchone() != (True,):
        tries += 1
        if work_is_done and tries % _CHECK_WORK_EVERY == 0 and work_is_done():
            return False
        waited = time.monotonic() - started_at
        if waited >= wait:
            raise _expired(session, wait)
        if on_waiting and waited >= report_at:
            on_waiting(_holder(session) or "another session", waited)
            report_at = waited + _REPORT_EVERY
        session.stop.sleep(min(wait - waited, pause * random.uniform(0.5, 1.5)))  # noqa: S311 - jitter
        pause = min(pause * 2, _LONGEST_WAIT)
    return True


def _expired(session: Session, wait: float) -> LockTimeout:
    holder = _holder(session)
    return LockTimeout(
        f"another run holds the migration lock; waited {wait:g} s",
        detail=f"It is held by {holder}." if holder else None,
        hint="Wait for it to end, or raise `lock_wait`; pgbraid ends no other session.",
    )


def _holder(session: Session) -> str | None:
    """Return a description of the session that holds the lock, or None if it was released."""
    from pgbraid.postgres.locks.backends import describe_backends  # noqa: PLC0415 - only during a wait

    pids = [pid for (pid,) in session.run("session", "lock_pids", key=session.key)]
    holders = describe_backends(session, pids)
    return holders[0] if holders else f"process {pids[0]}" if pids else None
