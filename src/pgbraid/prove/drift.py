"""``drift``: what somebody changed by hand; and what a database or the files amount to."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pgbraid.migrate.planning.preflight_checks import find_tracker
from pgbraid.model.errors import ConfigError, ServerError
from pgbraid.model.proof import DriftReport
from pgbraid.postgres.catalog.snapshot_reader import SnapshotReader
from pgbraid.postgres.catalog.spelling import quoted
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.ledger.history import read_history
from pgbraid.postgres.ledger.record import read_adoption
from pgbraid.postgres.scratch.databases import scratch_server
from pgbraid.prove.comparison.nondeterminism import masked_like, stable_between
from pgbraid.prove.comparison.schema_diff import diff_snapshots, filter_differences, with_role
from pgbraid.prove.comparison.schema_subset import in_schemas, made_apart, outside
from pgbraid.prove.inputs import ran_in_all, recorded, refuse_contradictions, refuse_problems
from pgbraid.prove.replay.replayer import Replayer
from pgbraid.source.prelude import read_prelude

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.model.migration import LedgerTable, Migration, MigrationSet
    from pgbraid.model.options import RunOptions
    from pgbraid.model.proof import ReplayFailure
    from pgbraid.model.snapshot import Snapshot
    from pgbraid.postgres.client.conninfo import Target
    from pgbraid.postgres.client.session import Session
    from pgbraid.postgres.ledger.history import AppliedHistory

__all__ = ["find_drift", "snapshot_of_database", "snapshot_of_files"]


def find_drift(  # noqa: PLR0913, PLR0917 - what every verb takes, and what is compared
    migrations: MigrationSet,
    target: Target,
    ledger: LedgerTable,
    options: RunOptions,
    ignore: Sequence[str] = (),
    schemas: Sequence[str] = (),
) -> DriftReport:
    """Return how a database differs from what its own recorded history builds.

    The database is only read, in one transaction; the history is replayed on a scratch server of
    the same major version. ``ignore`` are patterns of objects, as ``fnmatch`` has them, that are
    counted and not told; with ``schemas`` only these are compared. Raises ConfigError, ServerError
    where the history cannot be replayed, and what the servers raise.
    """
    refuse_problems(migrations)
    with connect(target, ledger, options.stop) as session:
        order = read_history(session)
        refuse_contradictions(order, ledger)
        if not order.rows:
            raise ConfigError(
                f"{target.label} has no history in {ledger.schema}.{ledger.table}",
                hint="Apply the migrations with `pgbraid up`, or enter another tool's history "
                "with `pgbraid adopt`.",
            )
        legacy = _other_trackers(session)
        live = SnapshotReader(ledger, also_ours=legacy).schema(session.conn)
    have, notes = recorded(migrations, order, as_recorded=True)
    history, lost = ran_in_all(order, have)
    with _replayed_snapshot(history, ledger, options, order, legacy) as built:
        only = _Part(schemas, built.prelude)
        live, schema = only.both(live, built.schema())
        left_out = (*live.not_compared, *schema.not_compared, *lost, *only.left_out)
        found = diff_snapshots(live, schema)
        if found:
            # What differs may be a value that no two replays have the same.
            again = only.of(built.schema())
            stable, changing = stable_between(schema, again)
            found = diff_snapshots(masked_like(live, stable, changing, schema, again), stable)
            left_out += changing.described()
    found, ignored = filter_differences(found, ignore)
    return DriftReport(
        found,
        len(history),
        ignored,
        tuple(dict.fromkeys((*left_out, *built.provision.weakened))),
        tuple(built.provision.provided),
        notes,
        built.label,
    )


class _Part:
    """The part of a schema that is compared: some schemas, and not what the prelude makes."""

    def __init__(self, schemas: Sequence[str], prelude: Snapshot | None) -> None:
        self._schemas = frozenset(map(quoted, schemas))
        self._prelude = prelude

    def of(self, snapshot: Snapshot) -> Snapshot:
        """Return that part of a snapshot."""
        if self._prelude is not None:
            snapshot = outside(snapshot, self._prelude)
        return in_schemas(snapshot, self._schemas) if self._schemas else snapshot

    def both(self, live: Snapshot, schema: Snapshot) -> tuple[Snapshot, Snapshot]:
        """Return that part of two snapshots. Raises ConfigError for a schema that neither has."""
        self._must_be_in(live, schema)
        return self.of(live), self.of(schema)

    def alone(self, snapshot: Snapshot) -> Snapshot:
        """Return that part of a snapshot. Raises ConfigError for a schema that it has not."""
        self._must_be_in(snapshot)
        return self.of(snapshot)

    def _must_be_in(self, *snapshots: Snapshot) -> None:
        """Refuse a schema that is nowhere: a slip in its name would hide every difference."""
        there = {key for found in snapshots for key in found.catalogs["pg_namespace"].rows}
        unknown = sorted(name for name in self._schemas if f"schema {name}" not in there)
        if unknown:
            known = ", ".join(sorted(name.removeprefix("schema ") for name in there))
            raise ConfigError(
                f"there is no schema {', '.join(unknown)} to look at",
                detail=f"There are: {known}.",
                hint="Name one of these with `only_schemas`, one schema at a time.",
            )

    @property
    def left_out(self) -> tuple[str, ...]:
        """What is not compared because the prelude makes it."""
        made = made_apart(self._prelude) if self._prelude is not None else ()
        return tuple(f"{name}: the prelude makes it" for name in made)


def snapshot_of_database(
    target: Target, ledger: LedgerTable, options: RunOptions, schemas: Sequence[str] = ()
) -> Snapshot:
    """Return the snapshot of a database, which is only read, or that of some of its schemas."""
    with connect(target, ledger, options.stop) as session:
        reader = SnapshotReader(ledger, also_ours=_other_trackers(session))
        return _Part(schemas, None).alone(reader.schema(session.conn))


def snapshot_of_files(
    migrations: MigrationSet, ledger: LedgerTable, options: RunOptions, schemas: Sequence[str] = ()
) -> Snapshot:
    """Return the snapshot of what the files build on a fresh database, on a scratch server.

    Raises ProblemsFound, ServerError and what the scratch server raises.
    """
    refuse_problems(migrations)
    with _replayed_snapshot(migrations.migrations, ledger, options, None) as built:
        return _Part(schemas, built.prelude).alone(built.schema())


def _other_trackers(session: Session) -> tuple[str, ...]:
    """Return the tables in which other tools keep what they have applied, by their columns."""
    found = find_tracker(session)
    taken = read_adoption(session)
    names = [f"{found[0].schema}.{found[0].table}"] if found else []
    return (*names, *([taken.source] if taken and taken.source else []))


class _Built:
    """What a history builds on a scratch server."""

    def __init__(
        self, replayer: Replayer, history: tuple[Migration, ...], owner: str | None
    ) -> None:
        self._replayer, self._history, self._owner = replayer, history, owner
        self.provision = replayer.provision
        self.label = replayer.scratch.label
        self.prelude = replayer.made_by_prelude()

    def schema(self) -> Snapshot:
        """Replay the history and return the schema that it builds.

        Raises ServerError where it cannot be replayed.
        """
        base, failure = self._replayer.base(self._history)
        try:
            if failure:
                said = failure.diagnostic
                raise ServerError(
                    f"the history cannot be replayed: {failure.migration.label} fails: "
                    f"{said.message}",
                    detail=f"It failed on {self.label}, a scratch server.",
                    hint=_hint(failure),
                )
            built = self._replayer.snapshot_of(base)
        finally:
            self._replayer.release(base)
        role = self._replayer.scratch.role
        if self._owner and not self._replayer.scratch.exclusive and self._owner != role:
            return with_role(built, role, self._owner)
        return built


def _hint(failure: ReplayFailure) -> str:
    """Return what helps where a history cannot be replayed."""
    if failure.migration.directives.no_transaction:
        return (
            "Look at the statement with `pgbraid check --offline`; a scratch database is empty, "
            "so one that waits for rows or sessions has none."
        )
    if not failure.needs_missing_object:
        return (
            "The texts that ran are replayed. One that reads rows which no migration makes, the "
            "clock or another server can fail here: write it so that it passes on an empty "
            "database, or compare with `pgbraid snapshot --check FILE` instead."
        )
    return (
        "See that the scratch server has what the migrations need: extensions, roles, settings. "
        "Name one that has with `scratch_url`, or create it first with the setting `prelude`."
    )


@contextmanager
def _replayed_snapshot(
    history: tuple[Migration, ...],
    ledger: LedgerTable,
    options: RunOptions,
    like: AppliedHistory | None,
    also_ours: Sequence[str] = (),
) -> Iterator[_Built]:
    """Yield what a history builds on a scratch server, for as long as the block lasts."""
    place = options.scratch
    major, role = (like.major, like.role) if like else (None, None)
    with scratch_server(
        place.url, programs=place.programs, cache=place.cache, major=major, exact=True
    ) as scratch:
        replayer = Replayer(
            scratch,
            ledger,
            stop=options.stop,
            role=role,
            like=like,
            prelude=read_prelude(place.prelude),
            also_ours=also_ours,
            search_path=options.search_path,
        )
        replayer.refuse_server_wide(history)
        yield _Built(replayer, history, role.name if role else None)
