"""The one retry loop for locks: a migration that could not get one in time is tried again, whole.

A short lock_timeout bounds what the application waits behind a migration in line; the retry makes
that bearable for the migration. There is no last attempt without a limit. A row of the catalog that
another session has changed meanwhile is no lock, but passes in the same way.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, TypeVar

from pgbraid.model import sqlstate
from pgbraid.model.errors import MigrationFailed, ServerError
from pgbraid.model.events import Retrying
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.client.session import reset_session
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
"""No lock in time, a deadlock, and a serialization failure: each rolls back whole."""
_RACES = 5
"""How often a value is tried again that is in the catalog already: who writes to the catalog by
hand may have taken a value for good."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0


def retry_on_lock_timeout(run: RunContext, migration: Migration, attempt: Callable[[], _T]) -> _T:
    """Return what ``attempt`` returns, called again where other sessions were in its way.

    It is called until the migration's ``retry_for`` is over, with pauses that grow and vary. Each
    retry is told, with who was in the way. Raises what ``attempt`` raises, the last time.
    """
    limits = run.limits_of(migration)
    retry_for, watch = limits.retry_for, run.monitor
    if watch:
        watch.set_lock_timeout(limits.lock_timeout)
    begun, pause, failed = time.monotonic(), _FIRST_PAUSE, 0
    while True:
        try:
            return attempt()
        except (MigrationFailed, ServerError) as error:
            said = error.diagnostic
            incomplete = isinstance(error, MigrationFailed) and error.incomplete
            if said is None or incomplete or not is_transient(said):
                raise
            failed += 1
            left = begun + retry_for - time.monotonic()
            holders = watch.blockers if watch else ()
            if left <= 0 or (said.sqlstate == sqlstate.UNIQUE_VIOLATION and failed > _RACES):
                _explain(error, holders, failed, time.monotonic() - begun)
                raise
        _reset_before_retry(run)
        nap = min(left, pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        run.options.on_event(Retrying(migration, failed, nap, holders, said))
        run.session.stop.sleep(nap)
        pause = min(pause * 2, _LONGEST_PAUSE)


def is_transient(said: Diagnostic) -> bool:
    """Whether another session was in the way, so that it can be tried again."""
    return said.raced or said.sqlstate in _RETRIED


def _reset_before_retry(run: RunContext) -> None:
    """Take away what no rollback takes back: prepared statements, advisory locks of the body."""
    with translate_errors(run.session):
        reset_session(run.session)
        ensure_session_lock(run.session, wait=run.options.lock_wait)


def _explain(
    error: MigrationFailed | ServerError, holders: tuple[str, ...], failed: int, seconds: float
) -> None:
    """Add to an error who was in the way, and how often it was tried."""
    tried = f"Tried {failed} times in {seconds:.1f} s." if failed > 1 else ""
    blocked = f"In its way: {'; '.join(holders)}." if holders else ""
    said = [part for part in (error.detail, blocked, tried) if part]
    hint = (
        "Run `pgbraid up` again when that has ended, or give it longer with `retry_for`; pgbraid "
        "ends no other session."
    )
    error.explain("\n".join(said) or None, hint)
