"""Looks, on a second connection, at what a run's statement waits for while it takes long.

That connection is opened when a statement has taken a fifth of a second, and kept. It only reads,
but for one thing: a COMMIT that waits for a synchronous standby which does not come is asked to
wait no longer; the transaction is committed all the same, and the server says so in a warning.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psycopg

from pgbraid.model.events import BlockedByLock, IndexProgress
from pgbraid.model.options import StopToken
from pgbraid.postgres.client.connection import open_connection, sibling_parameters
from pgbraid.postgres.client.open_session import prepare_for_migration
from pgbraid.postgres.client.session import cancel
from pgbraid.postgres.client.wire import Question
from pgbraid.postgres.locks.backends import describe_backends

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.model.options import Limits
    from pgbraid.postgres.client.session import Session

__all__ = ["LockMonitor", "monitored_session"]

_LOOK_AFTER = 0.2
"""Seconds; less than the usual lock_timeout, so that who is in the way is seen in time."""
_SOONEST, _AT_THE_LATEST = 0.01, 0.1
"""Seconds from one waking to the next."""
_SELDOM = 1.0
_OFTEN_FOR = 5.0
_AFTER_AN_ERROR = 5.0
_STANDBY = "SyncRep"
_SERVED_WITHIN = 0.5
_LIMITS = b"SET statement_timeout = '2s'; SET lock_timeout = '1s'"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was seen last, and since when a commit waits for a standby."""

    holders: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()
    standby_since: float | None = None
    built: tuple[object, ...] | None = None


@contextmanager
def monitored_session(
    opened: Session,
    limits: Limits,
    on_event: Callable[[BlockedByLock | IndexProgress], None],
    *,
    allow_pooler: bool = False,
) -> Iterator[tuple[Session, LockMonitor]]:
    """Yield the session set up to migrate, and who watches its long statements in the block.

    Raises what :func:`prepare_for_migration` raises.
    """
    session = prepare_for_migration(opened, limits, allow_pooler=allow_pooler)
    watch = LockMonitor(session, on_event, limits.commit_wait)
    try:
        yield replace(session, on_statement=watch.begin), watch
    finally:
        watch.close()


class LockMonitor:
    """Watches one session; ``hear`` is told of what it waits for, in the thread of the run."""

    def __init__(
        self,
        session: Session,
        hear: Callable[[BlockedByLock | IndexProgress], None],
        commit_wait: float,
    ) -> None:
        self._session = session
        self._hear = hear
        self._commit_wait = commit_wait
        self._second: Session | None = None
        self._begun = self._next = 0.0
        self._committing = False
        self._soon = _LOOK_AFTER
        self._seen = _Seen()

    def set_lock_timeout(self, lock_timeout: float) -> None:
        """Look early enough to see who is in the way of statements that wait that long."""
        self._soon = min(_LOOK_AFTER, lock_timeout / 2) if lock_timeout else _LOOK_AFTER
        self._session.conn.wakeup_interval = min(max(self._soon / 2, _SOONEST), _AT_THE_LATEST)

    @property
    def blockers(self) -> tuple[str, ...]:
        """Who was seen in the way of the latest statement, for a person to read."""
        return self._seen.holders

    def begin(self, committing: bool) -> Callable[[], None]:  # noqa: FBT001 - a callback
        """Begin to watch a statement, and return what to call while it runs."""
        self._begun = time.monotonic()
        self._committing = committing
        self._next = self._begun + self._soon
        self._seen = _Seen()
        return self.poll

    def poll(self) -> None:
        """Look, where it is time to; what cannot be seen is not told."""
        now = time.monotonic()
        if now < self._next:
            return
        if self._session.pooled:
            self._end_commit(now)
            return
        often = now - self._begun < _OFTEN_FOR
        self._next = now + (_LOOK_AFTER if often else _SELDOM)
        try:
            self._look(self._second or self._connected(), now)
        except psycopg.Error:
            self.close()
            self._next = now + _AFTER_AN_ERROR

    def _end_commit(self, now: float) -> None:
        """Behind a pooler nobody is asked, as the pool may have no other session than ours."""
        waited = now - self._begun
        if self._committing and self._commit_wait and waited >= self._commit_wait:
            cancel(self._session)

    def close(self) -> None:
        """Close the second connection, if there is one."""
        if self._second:
            if self._session.conn.process is not None:
                from pgbraid.postgres.client.pooler import release_session  # noqa: PLC0415 - behind a proxy

                release_session(self._second.conn)
            with suppress(psycopg.Error):
                self._second.conn.close()
        self._second = None

    def _connected(self) -> Session:
        """Open the second connection, to the server of the first."""
        conn = open_connection(sibling_parameters(self._session.conn))
        conn.stop = self._session.stop
        question = Question(conn, _LIMITS)
        if not question.wait(_SERVED_WITHIN):  # a pooler may have no second session for us
            conn.close()
            raise psycopg.OperationalError("no second session was to be had")
        self._second = replace(self._session, conn=conn, stop=StopToken(), on_statement=None)
        return self._second

    def _look(self, second: Session, now: float) -> None:
        row = second.run("session", "waits", pid=self._session.conn.serving_pid).fetchone()
        if row is None:
            return
        event, blocking, wanted = row
        pids = tuple(sorted(set(blocking or ())))
        if pids and pids != self._seen.pids:
            holders = describe_backends(second, pids)
            self._seen = replace(self._seen, pids=pids, holders=holders)
            self._hear(BlockedByLock(wanted or "a lock", holders))
        self._look_at_commit(second, now, waits=event == _STANDBY)
        self._look_at_index(second)

    def _look_at_commit(self, second: Session, now: float, *, waits: bool) -> None:
        since = (self._seen.standby_since or now) if waits else None
        self._seen = replace(self._seen, standby_since=since)
        if since is not None and self._commit_wait and now - since >= self._commit_wait:
            second.run("session", "cancel", pid=self._session.conn.serving_pid)

    def _look_at_index(self, second: Session) -> None:
        row = second.run("session", "building", pid=self._session.conn.serving_pid).fetchone()
        if row is None or row == self._seen.built:
            return
        self._seen = replace(self._seen, built=row)
        table, phase, *counts = row
        blocks, all_blocks, tuples, all_tuples = counts
        done, total = (tuples, all_tuples) if all_tuples else (blocks, all_blocks)
        self._hear(IndexProgress(table or "a table", str(phase), int(done), int(total)))
