"""The one retry loop for locks: a migration that could not get one in time is tried again, whole.

A short lock_timeout bounds what the application waits behind a migration in line; the retry makes
that bearable for the migration. There is no last attempt without a limit. A row of the catalog that
another session has changed meanwhile is no lock, but passes in the same way.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, TypeVar

from pgbraid.core.events import Retrying
from pgbraid.db.lock import keep_lock
from pgbraid.db.session import clean, translating
from pgbraid.errors import MigrationFailed, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.apply import Run
    from pgbraid.core.answers import Diagnostic
    from pgbraid.core.model import Migration

__all__ = ["is_passing", "with_retries"]

_T = TypeVar("_T")
_RETRIED = frozenset({"55P03", "40P01", "40001"})
"""No lock in time, a deadlock, and a serialization failure: each rolls back whole."""
_UNIQUE, _RACES = "23505", 5
"""How often a value is tried again that is in the catalog already: who writes to the catalog by
hand may have taken a value for good."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0


def with_retries(run: Run, migration: Migration, attempt: Callable[[], _T]) -> _T:
    """Return what ``attempt`` returns, called again where other sessions were in its way.

    It is called until the migration's ``retry_for`` is over, with pauses that grow and vary. Each
    retry is told, with who was in the way. Raises what ``attempt`` raises, the last time.
    """
    limits = run.limits_of(migration)
    retry_for, watch = limits.retry_for, run.session.watch
    if watch:
        watch.expect(limits.lock_timeout)
    begun, pause, failed = time.monotonic(), _FIRST_PAUSE, 0
    while True:
        try:
            return attempt()
        except (MigrationFailed, ServerError) as error:
            said = error.diagnostic
            half_done = isinstance(error, MigrationFailed) and error.half_done
            if said is None or half_done or not is_passing(said):
                raise
            failed += 1
            left = begun + retry_for - time.monotonic()
            holders = watch.holders if watch else ()
            if left <= 0 or (said.sqlstate == _UNIQUE and failed > _RACES):
                _explain(error, holders, failed, time.monotonic() - begun)
                raise
        _tidy(run)
        nap = min(left, pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        run.options.listen(Retrying(migration, failed, nap, holders, said))
        run.session.stop.sleep(nap)
        pause = min(pause * 2, _LONGEST_PAUSE)


def is_passing(said: Diagnostic) -> bool:
    """Whether another session was in the way, so that it can be tried again."""
    return said.raced or said.sqlstate in _RETRIED


def _tidy(run: Run) -> None:
    """Take away what no rollback takes back: prepared statements, advisory locks of the body."""
    with translating(run.session):
        clean(run.session)
        keep_lock(run.session, wait=run.options.lock_wait)


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
