"""Observes migrations on a copy of a base, statement by statement."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pgbraid.model.proof import ReplayFailure
from pgbraid.postgres.client.open_session import connect, prepare_for_migration
from pgbraid.postgres.observation.observer import Observer
from pgbraid.source.content import read_script

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.model.migration import Migration
    from pgbraid.model.observed import FileObservation
    from pgbraid.model.options import Limits
    from pgbraid.prove.replay.replayer import Base, Replayer

__all__ = ["observe_on_copy"]


def observe_on_copy(
    replayer: Replayer,
    base: Base,
    order: Sequence[Migration],
    limits: Limits,
    queries: Sequence[str] = (),
) -> tuple[tuple[FileObservation, ...], int]:
    """Run an order on a copy of ``base`` and return what was observed, up to the first failure.

    Return also how many of the ``queries`` the server accepts before the order. If a migration
    lacks an object that was there before the first migration, such as a role, it is provided, and
    the order starts again. Raises ServerError, ConnectionFailed and Stopped.
    """
    replayer.refuse_server_wide(order)
    while True:
        seen: list[FileObservation] = []
        with _observer(replayer, base, limits, queries) as observer:
            usable = observer.usable_queries
            for migration in order:
                seen.append(observer.observe(migration, read_script(migration)[1]))
                if seen[-1].failure is not None:
                    break
        failure = seen[-1].failure if seen else None
        if failure is None or not replayer.provided_on(
            base, ReplayFailure(seen[-1].migration, failure)
        ):
            return tuple(seen), usable


@contextmanager
def _observer(
    replayer: Replayer, base: Base, limits: Limits, queries: Sequence[str]
) -> Iterator[Observer]:
    """Yield an observer on a copy; drop the copy and restore the shared objects afterwards."""
    replayer.close()
    scratch = replayer.scratch
    cluster = scratch.read_cluster_state()
    name = scratch.create(base.name, owner=replayer.role)
    guard = None if scratch.exclusive else replayer.shared_guard.guard
    try:
        with connect(replayer.target_of(name), replayer.ledger, replayer.stop) as opened:
            session = prepare_for_migration(opened, limits)
            yield Observer(session, replayer.ledger_traits, limits, queries, guard)
    finally:
        replayer.drop(name)
    replayer.provision.note_created(cluster, scratch.read_cluster_state())
    scratch.restore_cluster_state(cluster)
