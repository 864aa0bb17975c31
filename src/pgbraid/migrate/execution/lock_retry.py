"""Retries a migration, or a statement of a non-transactional one, that another session blocked.

It is retried after lock_timeout (55P03), a deadlock (40P01), a serialization failure (40001), and
a conflict over a row of the catalog that another session changed concurrently. Sessions that queue
behind the migration's lock request wait up to ``lock_timeout``. So this limit is short, and the
migration is retried instead of waiting longer. Retries keep the limit.
"""

from __future__ import annotations

import random
import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pgbraid.model import sqlstate
from pgbraid.model.errors import MigrationFailed, ServerError
from pgbraid.model.events import Retrying
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.client.session import reset_session
from pgbraid.postgres.locks.backends import without_query
from pgbraid.postgres.locks.lock_waits import NO_WAITS
from pgbraid.postgres.locks.session_lock import ensure_session_lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.migrate.execution.transactional import RunContext
    from pgbraid.model.migration import Diagnostic, Migration

__all__ = ["is_transient", "retry_on_lock_timeout"]

_T = TypeVar("_T")
_RETRIED = frozenset(
    {sqlstate.LOCK_NOT_AVAILABLE, sqlstate.DEADLOCK_DETECTED, sqlstate.SERIALIZATION_FAILURE}
)
"""Each of these errors rolls back the whole transaction."""
_MAX_CATALOG_CONFLICTS = 5
"""The number of retries after a duplicate key in the catalog (23505). The key may be there
permanently, if a program has written to the catalog directly."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0


def retry_on_lock_timeout(run: RunContext, migration: Migration, attempt: Callable[[], _T]) -> _T:
    """Return the result of ``attempt``; call it again while other sessions block it.

    The retries stop after the migration's ``retry_for`` seconds. The pauses between them grow and
    have jitter. Each retry is reported with the blockers, and kept in ``run.waits``.
    Raises the last error of ``attempt``.
    """
    limits = run.limits_of(migration)
    retry_for, monitor = limits.retry_for, run.monitor
    if monitor:
        monitor.set_lock_timeout(limits.lock_timeout)
    started_at, pause, failures = time.monotonic(), _FIRST_PAUSE, 0
    before, seen = run.waits.get(migration.version, NO_WAITS), NO_WAITS
    while True:
        try:
            return attempt()
        except (MigrationFailed, ServerError) as error:
            diagnostic = error.diagnostic
            incomplete = isinstance(error, MigrationFailed) and error.incomplete
            if diagnostic is None or incomplete or not is_transient(diagnostic):
                raise
            failures += 1
            remaining = started_at + retry_for - time.monotonic()
            # The monitor saw them while the statement waited; now the server has forgotten them.
            blockers = monitor.blockers if monitor else ()
            seen = seen.plus(0, 0.0, tuple(map(without_query, blockers)))
            waits = partial(before.plus, blocked_by=seen.blocked_by)
            duplicate = diagnostic.sqlstate == sqlstate.UNIQUE_VIOLATION
            if remaining <= 0 or (duplicate and failures > _MAX_CATALOG_CONFLICTS):
                waited = time.monotonic() - started_at
                run.waits[migration.version] = waits(failures - 1, waited)
                _explain(error, blockers, failures, waited)
                raise
        # The pause is outside the transaction, so the migration holds no lock meanwhile.
        _reset_before_retry(run)
        delay = min(remaining, pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        run.options.on_event(Retrying(migration, failures, delay, blockers, diagnostic))
        run.session.stop.sleep(delay)
        run.waits[migration.version] = waits(failures, time.monotonic() - started_at)
        pause = min(pause * 2, _LONGEST_PAUSE)


def is_transient(diagnostic: Diagnostic) -> bool:
    """Whether the cause is another session, so that a retry can succeed."""
    return diagnostic.raced or diagnostic.sqlstate in _RETRIED


def _reset_before_retry(run: RunContext) -> None:
    """Reset what a rollback keeps: prepared statements, session-level advisory locks."""
    with translate_errors(run.session):
        reset_session(run.session)
        ensure_session_lock(run.session, wait=run.options.lock_wait, on_waiting=run.report_waiting)


def _explain(
    error: MigrationFailed | ServerError, blockers: tuple[str, ...], failures: int, seconds: float
) -> None:
    """Add the blockers and the number of attempts to the error."""
    attempts = f"Tried {failures} times in {seconds:.1f} s." if failures > 1 else ""
    blocked = f"Blocked by {'; '.join(blockers)}." if blockers else ""
    detail = [part for part in (error.detail, blocked, attempts) if part]
    hint = (
        "Run the command again, for example `pgbraid up`, when the blocking sessions have ended, "
        "or retry longer with `retry_for`; pgbraid ends no other session."
    )
    error.explain("\n".join(detail) or None, hint)
