"""``drift``: what somebody changed by hand; and what a database or the files amount to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.core.proof import Drifted
from pgbraid.core.snapshot import compare, ignoring, with_role
from pgbraid.db.order import read_order
from pgbraid.db.reading import Reader
from pgbraid.db.scratch import scratch_server
from pgbraid.db.session import connect
from pgbraid.errors import ConfigError, ServerError
from pgbraid.histories import recorded, refuse_problems
from pgbraid.replay import Replayer
from pgbraid.trackers import TRACKERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.core.model import Migration, MigrationSet, Tracker
    from pgbraid.core.snapshot import Snapshot
    from pgbraid.db.conninfo import Target
    from pgbraid.db.order import Order
    from pgbraid.survey import RunOptions

__all__ = ["find_drift", "snapshot_of_database", "snapshot_of_files"]

_LEGACY = tuple(f"public.{table}" for tracker in TRACKERS for table in tracker.tables)


def find_drift(
    migrations: MigrationSet,
    target: Target,
    tracker: Tracker,
    options: RunOptions,
    ignore: Sequence[str] = (),
) -> Drifted:
    """Return how a database differs from what its own recorded history builds.

    The database is only read, in one transaction; the history is replayed on a scratch server of
    the same major version. ``ignore`` are patterns of objects, as ``fnmatch`` has them, that are
    counted and not told. Raises ConfigError, ServerError where the history cannot be
    replayed, and what the servers raise.
    """
    refuse_problems(migrations)
    with connect(target, tracker, options.stop) as session:
        order = read_order(session)
        if not order.rows:
            raise ConfigError(
                f"{target.label} has no history in {tracker.schema}.{tracker.table}",
                hint="Apply the migrations with `pgbraid up`, or enter another tool's history "
                "with `pgbraid adopt`.",
            )
        live = Reader(tracker, rows=False, also_ours=_LEGACY).read(session.conn)
    history, notes = recorded(migrations, order, as_recorded=True)
    built, assumed, label = _built(history, tracker, options, order)
    found, ignored = ignoring(compare(live, built), ignore)
    return Drifted(
        found,
        len(history),
        ignored,
        tuple(dict.fromkeys((*live.left_out, *built.left_out))),
        assumed,
        notes,
        label,
    )


def snapshot_of_database(target: Target, tracker: Tracker, options: RunOptions) -> Snapshot:
    """Return the snapshot of a database, which is only read."""
    with connect(target, tracker, options.stop) as session:
        return Reader(tracker, rows=False, also_ours=_LEGACY).read(session.conn)


def snapshot_of_files(migrations: MigrationSet, tracker: Tracker, options: RunOptions) -> Snapshot:
    """Return the snapshot of what the files build on a fresh database, on a scratch server.

    Raises ProblemsFound, ServerError and what the scratch server raises.
    """
    refuse_problems(migrations)
    return _built(migrations.migrations, tracker, options, None)[0]


def _built(
    history: tuple[Migration, ...],
    tracker: Tracker,
    options: RunOptions,
    like: Order | None,
) -> tuple[Snapshot, tuple[str, ...], str]:
    """Return what a history builds, what had to be assumed for it, and where that was."""
    place = options.scratch
    major, owner = (like.major, like.owner) if like else (None, None)
    with scratch_server(
        place.url, programs=place.programs, cache=place.cache, major=major, exact=True
    ) as scratch:
        role = scratch.login(owner) if owner else None
        replayer = Replayer(scratch, tracker, stop=options.stop, role=role, rows=False, like=like)
        replayer.expect(history)
        base, failure = replayer.base(history)
        try:
            if failure:
                said = failure.diagnostic
                raise ServerError(
                    f"the history cannot be replayed: {failure.migration.label} fails: "
                    f"{said.message}",
                    detail=f"It failed on {scratch.label}, a scratch server.",
                    hint="See that the scratch server has what the migrations need: extensions, "
                    "roles, settings; name one that has with --scratch URL.",
                )
            built = replayer.snapshot_of(base)
        finally:
            replayer.release(base)
        if owner and role is None and owner != scratch.role:
            built = with_role(built, scratch.role, owner)
        return built, tuple(replayer.assumed), scratch.label
