"""The tracker's advisory lock: taken by asking again, kept between migrations, never given back.

There is no unlock: closing the connection gives the lock back. Behind a pooler, where a session
is somebody else's a moment later, there is only the fence of each transaction; then to take the
lock means to wait until nobody holds the fence.
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
"""How often a lock that a body gave away is taken again for the same work."""

_TELL_AFTER = 1.0
_FIRST_WAIT, _LONGEST_WAIT = 0.02, 0.5
_LOOK_EVERY = 3


def retry_on_lock_lost(
    session: Session,
    action: Callable[[], _T],
    *,
    wait: float,
    on_waiting: Callable[[str], None] | None = None,
) -> _T:
    """Return what ``action`` returns, called again where another session held the fence.

    ``action`` is one transaction. Behind a pooler that is how runs take turns; elsewhere it
    means that a body gave the lock away. Raises LockTimeout after ``wait`` seconds.
    """
    begun, tries = time.monotonic(), 0
    while True:
        try:
            return action()
        except LockLost:
            tries += 1
            if tries >= _TRIES and not session.pooled:
                raise
        with translate_errors(session):
            left = begun + wait - time.monotonic()
            if left <= 0:
                raise _expired(session, wait)
            acquire_session_lock(session, wait=left, on_waiting=on_waiting)


def ensure_session_lock(session: Session, *, wait: float) -> bool:
    """Make sure, between migrations, that the session holds our lock and no other.

    If a body gave the lock away, take it again, waiting up to ``wait`` seconds. Returns whether
    it was held all the time.
    """
    if session.pooled:
        return True
    row = session.run("session", "locks_held", key=session.key).fetchone()
    if row == (True, False):
        return True
    session.run("session", "unlock_all")
    acquire_session_lock(session, wait=wait)
    return row == (True, True)


def acquire_session_lock(
    session: Session,
    *,
    wait: float,
    work_is_done: Callable[[], bool] | None = None,
    on_waiting: Callable[[str], None] | None = None,
) -> bool:
    """Take the tracker's advisory lock; return False if ``work_is_done`` came true while waiting.

    The lock is polled for, as a session that waits inside the server would stop a CREATE INDEX
    CONCURRENTLY of the holder. ``on_waiting`` is called once, with who holds it, where that takes a
    while. Raises LockTimeout after ``wait`` seconds.
    """
    import random  # noqa: PLC0415 - most boots take no lock

    name = "try_fence" if session.pooled else "try_lock"
    begun, pause, tries = time.monotonic(), _FIRST_WAIT, 0
    while session.run("session", name, key=session.key).fetchone() != (True,):
        tries += 1
        if work_is_done and tries % _LOOK_EVERY == 0 and work_is_done():
            return False
        waited = time.monotonic() - begun
        if waited >= wait:
            raise _expired(session, wait)
        if on_waiting and waited >= _TELL_AFTER:
            on_waiting(_holder(session) or "somebody")
            on_waiting = None
        session.stop.sleep(min(wait - waited, pause * random.uniform(0.5, 1.5)))  # noqa: S311 - jitter
        pause = min(pause * 2, _LONGEST_WAIT)
    return True


def _expired(session: Session, wait: float) -> LockTimeout:
    """Return the error of a lock that was not to be had in time."""
    holder = _holder(session)
    return LockTimeout(
        f"another run holds the migration lock; waited {wait:g} s",
        detail=f"It is held by {holder}." if holder else None,
        hint="Wait for it to end, or give more time with `lock_wait`; pgbraid ends no other "
        "session.",
    )


def _holder(session: Session) -> str | None:
    """Return who holds the lock, for a person to read, or None where nobody does now."""
    from pgbraid.postgres.locks.backends import describe_backends  # noqa: PLC0415 - only where one has to wait

    pids = [pid for (pid,) in session.run("session", "lock_pids", key=session.key)]
    known = describe_backends(session, pids)
    return known[0] if known else f"process {pids[0]}" if pids else None
