"""Watches a run's long statements from a second connection: blockers, standbys, index progress.

The second connection is opened when a statement has run for 0.2 s, or half its lock_timeout, and
kept open. It only reads, with one exception: it cancels the wait of a COMMIT for a synchronous
standby after ``commit_wait``. The transaction is then committed, and the server emits a warning.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psycopg

from pgbraid.model.events import BlockedByLock, IndexProgress
from pgbraid.model.options import StopToken
from pgbraid.postgres.client.connection import Question, open_connection, sibling_parameters
from pgbraid.postgres.client.open_session import prepare_for_migration
from pgbraid.postgres.client.session import cancel
from pgbraid.postgres.locks.backends import describe_backends

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.model.options import Limits
    from pgbraid.postgres.client.session import Session

__all__ = ["LockMonitor", "monitored_session"]

# Blockers must be read during the wait: after a lock timeout, the server no longer knows them.
_POLL_AFTER = 0.2
"""Seconds; less than the default lock_timeout of 0.5 s."""
_MIN_WAKEUP, _MAX_WAKEUP = 0.01, 0.1
"""Seconds between two wake-ups of the connection."""
_SLOW_POLL = 1.0
_FAST_POLL_FOR = 5.0
_PAUSE_AFTER_ERROR = 5.0
_REPORT_EVERY = 30.0
"""Seconds between two reports of the same blockers."""
_STANDBY = "SyncRep"
_CONNECT_WITHIN = 0.5
_LIMITS = b"SET statement_timeout = '2s'; SET lock_timeout = '1s'"


@dataclass(frozen=True, slots=True)
class _Observation:
    """The latest state of a statement, and the time since which its commit waits for a standby."""

    blockers: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()
    reported_at: float = 0.0
    standby_since: float | None = None
    index_progress: tuple[object, ...] | None = None


@contextmanager
def monitored_session(
    opened: Session,
    limits: Limits,
    on_event: Callable[[BlockedByLock | IndexProgress], None],
    *,
    allow_pooler: bool = False,
) -> Iterator[tuple[Session, LockMonitor]]:
    """Prepare a session for migrating; yield it with the monitor of its long statements.

    Raises the same errors as :func:`prepare_for_migration`.
    """
    session = prepare_for_migration(opened, limits, allow_pooler=allow_pooler)
    monitor = LockMonitor(session, on_event, limits.commit_wait)
    try:
        yield replace(session, on_statement=monitor.begin), monitor
    finally:
        monitor.close()


class LockMonitor:
    """Watches one session and emits an event when its statement is blocked or builds an index.

    There is no thread: the connection calls :meth:`poll` while it waits for the server.
    """

    def __init__(
        self,
        session: Session,
        on_event: Callable[[BlockedByLock | IndexProgress], None],
        commit_wait: float,
    ) -> None:
        self._session = session
        self._on_event = on_event
        self._commit_wait = commit_wait
        self._second: Session | None = None
        self._started_at = self._next_poll = 0.0
        self._committing = False
        self._poll_after = _POLL_AFTER
        self._latest = _Observation()

    def set_lock_timeout(self, lock_timeout: float) -> None:
        """Poll early enough to see who blocks statements with this lock_timeout, in seconds."""
        self._poll_after = min(_POLL_AFTER, lock_timeout / 2) if lock_timeout else _POLL_AFTER
        wakeup = min(max(self._poll_after / 2, _MIN_WAKEUP), _MAX_WAKEUP)
        self._session.conn.wakeup_interval = wakeup

    @property
    def blockers(self) -> tuple[str, ...]:
        """Descriptions of the sessions that blocked the latest statement."""
        return self._latest.blockers

    def begin(self, committing: bool) -> Callable[[], None]:  # noqa: FBT001 - a callback
        """Start to watch a statement; return the function to call while the statement runs."""
        self._started_at = time.monotonic()
        self._committing = committing
        self._next_poll = self._started_at + self._poll_after
        self._latest = _Observation()
        return self.poll

    def poll(self) -> None:
        """Observe the session if a poll is due; an error only delays the next poll."""
        now = time.monotonic()
        if now < self._next_poll:
            return
        if self._session.pooler:
            # The pool may have no second session for us: end an overdue commit without a query.
            self._end_commit(now)
            return
        fast = now - self._started_at < _FAST_POLL_FOR
        self._next_poll = now + (_POLL_AFTER if fast else _SLOW_POLL)
        try:
            self._observe(self._second or self._connect(), now)
        except psycopg.Error:
            self.close()
            self._next_poll = now + _PAUSE_AFTER_ERROR

    def _end_commit(self, now: float) -> None:
        waited = now - self._started_at
        if self._committing and self._commit_wait and waited >= self._commit_wait:
            cancel(self._session)

    def close(self) -> None:
        """Close the second connection, if it is open."""
        if self._second:
            if self._session.conn.process is not None:
                from pgbraid.postgres.client.pooler import release_session  # noqa: PLC0415 - behind a proxy

                release_session(self._second.conn)
            with suppress(psycopg.Error):
                self._second.conn.close()
        self._second = None

    def _connect(self) -> Session:
        """Open the second connection, to the same server as the first."""
        conn = open_connection(sibling_parameters(self._session.conn))
        conn.stop = self._session.stop.event
        question = Question(conn, _LIMITS)
        if not question.wait(_CONNECT_WITHIN):  # a pooler may have no second session for us
            conn.close()
            raise psycopg.OperationalError("no second session is available")
        self._second = replace(self._session, conn=conn, stop=StopToken(), on_statement=None)
        return self._second

    def _observe(self, second: Session, now: float) -> None:
        row = second.run("session", "wait_event", pid=self._session.conn.serving_pid).fetchone()
        if row is None:
            return
        event, blocking_pids, lock = row
        pids = tuple(sorted(set(blocking_pids or ())))
        is_new = pids != self._latest.pids or now - self._latest.reported_at >= _REPORT_EVERY
        if pids and is_new:
            blockers = describe_backends(second, pids)
            self._latest = replace(self._latest, pids=pids, blockers=blockers, reported_at=now)
            self._on_event(BlockedByLock(lock or "a lock", blockers))
        self._observe_commit(second, now, waits=event == _STANDBY)
        self._observe_index(second)

    def _observe_commit(self, second: Session, now: float, *, waits: bool) -> None:
        since = (self._latest.standby_since or now) if waits else None
        self._latest = replace(self._latest, standby_since=since)
        if since is not None and self._commit_wait and now - since >= self._commit_wait:
            # The query cancels only while the wait event is SyncRep, never the next statement.
            second.run("session", "cancel", pid=self._session.conn.serving_pid)

    def _observe_index(self, second: Session) -> None:
        row = second.run("session", "index_progress", pid=self._session.conn.serving_pid).fetchone()
        if row is None or row == self._latest.index_progress:
            return
        self._latest = replace(self._latest, index_progress=row)
        table, phase, *counts = row
        blocks, all_blocks, tuples, all_tuples = counts
        # Only some phases count tuples; the others count blocks.
        done, total = (tuples, all_tuples) if all_tuples else (blocks, all_blocks)
        self._on_event(IndexProgress(table or "a table", str(phase), int(done), int(total)))
