"""``drift``: compares a database with a replay of its recorded history.

This module also makes the snapshots of ``snapshot``.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.migrate.planning.trackers import find_tracker
from pgbraid.model.errors import ConfigError, ServerError
from pgbraid.model.migration import AppliedMigration
from pgbraid.model.proof import DriftReport
from pgbraid.postgres.catalog.snapshot_reader import SnapshotReader
from pgbraid.postgres.catalog.spelling import quoted
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.ledger.history import plain_role, read_history
from pgbraid.postgres.ledger.record import read_adoption
from pgbraid.postgres.scratch.databases import scratch_server
from pgbraid.prove.comparison.nondeterminism import masked_like, stable_between
from pgbraid.prove.comparison.schema_diff import diff_snapshots, filter_differences, with_role
from pgbraid.prove.comparison.schema_subset import created_objects, in_schemas, outside
from pgbraid.prove.inputs import ran_in_all, recorded, refuse_contradictions, refuse_problems
from pgbraid.prove.replaced_history import with_baselines
from pgbraid.prove.replay.replayer import Replayer
from pgbraid.source.content import read_prelude

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.model.migration import LedgerTable, Migration, MigrationSet
    from pgbraid.model.options import RunOptions
    from pgbraid.model.proof import ReplayFailure
    from pgbraid.model.snapshot import Difference, Snapshot
    from pgbraid.postgres.client.conninfo import Target
    from pgbraid.postgres.client.session import Session
    from pgbraid.postgres.ledger.history import AppliedHistory

__all__ = ["find_drift", "snapshot_of_database", "snapshot_of_files"]


def find_drift(  # noqa: PLR0913, PLR0917 - the parameters of every verb, and two filters
    migrations: MigrationSet,
    target: Target,
    ledger: LedgerTable,
    options: RunOptions,
    ignore: Sequence[str] = (),
    schemas: Sequence[str] = (),
    also_applied: Sequence[Migration] = (),
) -> DriftReport:
    """Return the differences between a database and a replay of its recorded history.

    ``also_applied`` are migrations that count as applied, too.

    The database is only read. The history is replayed on a scratch server of the same version.
    Differences that a pattern in ``ignore`` (``fnmatch``) matches are counted, not returned. With
    ``schemas``, only these schemas are compared. Raises ConfigError, ServerError if the history
    cannot be replayed, and the errors of the servers.
    """
    refuse_problems(migrations)
    with connect(target, ledger, options.stop) as session:
        history = read_history(session)
        refuse_contradictions(history, ledger)
        if also_applied:
            history = _with_migrations(history, also_applied, session)
        _require_history(history, target, ledger)
        trackers = _other_trackers(session)
        live = SnapshotReader(ledger, also_ours=trackers).schema(session.conn)
    history = with_baselines(migrations, history, refuse_parts=False)
    applied, notes = recorded(migrations, history, as_recorded=True)
    ran, without_text = ran_in_all(history, applied)
    with _scratch_replay(ran, ledger, options, history, trackers) as replayed:
        subset = _Subset(schemas, replayed.prelude)
        live, schema = subset.of_both(live, replayed.schema())
        left_out = (*live.not_compared, *schema.not_compared, *without_text, *subset.left_out)
        differences = diff_snapshots(live, schema)
        if differences:
            differences, changing = _stable_differences(live, schema, subset.of(replayed.schema()))
            left_out += changing
    differences, ignored = filter_differences(differences, ignore)
    return DriftReport(
        differences,
        len(ran),
        ignored,
        tuple(dict.fromkeys((*left_out, *replayed.provision.weakened))),
        tuple(replayed.provision.provided),
        notes,
        replayed.label,
    )


def _stable_differences(
    live: Snapshot, schema: Snapshot, again: Snapshot
) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
    """Return the differences in values that two replays agree on, and a line for each other one."""
    stable, changing = stable_between(schema, again)
    live = masked_like(live, stable, changing, schema, again)
    return diff_snapshots(live, stable), changing.described()


def _with_migrations(
    history: AppliedHistory, migrations: Sequence[Migration], session: Session
) -> AppliedHistory:
    """Return a history in which these migrations were applied, too, in the order of versions."""
    more = tuple(AppliedMigration(m.version, m.name, None) for m in migrations)
    rows = tuple(sorted((*history.rows, *more), key=lambda row: row.version))
    role = history.role or plain_role(session.conn.info.user)
    return replace(history, rows=rows, role=role, places={}, undone=())


def _require_history(history: AppliedHistory, target: Target, ledger: LedgerTable) -> None:
    if not history.rows:
        raise ConfigError(
            f"{target.label} has no history in {ledger.schema}.{ledger.table}",
            hint="Apply the migrations with `pgbraid up`, or enter another tool's history "
            "with `pgbraid adopt`.",
        )


class _Subset:
    """The compared part of a schema: some schemas, without the objects of the prelude."""

    def __init__(self, schemas: Sequence[str], prelude: Snapshot | None) -> None:
        self._schemas = frozenset(map(quoted, schemas))
        self._prelude = prelude

    def of(self, snapshot: Snapshot) -> Snapshot:
        """Return the compared part of a snapshot."""
        if self._prelude is not None:
            snapshot = outside(snapshot, self._prelude)
        return in_schemas(snapshot, self._schemas) if self._schemas else snapshot

    def of_both(self, live: Snapshot, schema: Snapshot) -> tuple[Snapshot, Snapshot]:
        """Return the part of two snapshots. Raises ConfigError if both lack a schema."""
        self._check_schemas(live, schema)
        return self.of(live), self.of(schema)

    def of_one(self, snapshot: Snapshot) -> Snapshot:
        """Return the part of a snapshot. Raises ConfigError if it lacks a schema."""
        self._check_schemas(snapshot)
        return self.of(snapshot)

    def _check_schemas(self, *snapshots: Snapshot) -> None:
        """Raise ConfigError for a missing schema: a misspelt name would hide every difference."""
        present = {key for snapshot in snapshots for key in snapshot.catalogs["pg_namespace"].rows}
        unknown = sorted(name for name in self._schemas if f"schema {name}" not in present)
        if unknown:
            names = ", ".join(sorted(name.removeprefix("schema ") for name in present))
            raise ConfigError(
                f"there is no schema {', '.join(unknown)}",
                detail=f"There are: {names}.",
                hint="Name one of these with `only_schemas`, one schema at a time.",
            )

    @property
    def left_out(self) -> tuple[str, ...]:
        """A line for each object that is not compared because the prelude creates it."""
        created = created_objects(self._prelude) if self._prelude is not None else ()
        return tuple(f"{name}: the prelude creates it" for name in created)


def snapshot_of_database(
    target: Target, ledger: LedgerTable, options: RunOptions, schemas: Sequence[str] = ()
) -> Snapshot:
    """Return the snapshot of a database, or of some of its schemas. The database is only read."""
    with connect(target, ledger, options.stop) as session:
        reader = SnapshotReader(ledger, also_ours=_other_trackers(session))
        return _Subset(schemas, None).of_one(reader.schema(session.conn))


def snapshot_of_files(
    migrations: MigrationSet, ledger: LedgerTable, options: RunOptions, schemas: Sequence[str] = ()
) -> Snapshot:
    """Return the snapshot of the schema that the files create in an empty scratch database.

    Raises ProblemsFound, ServerError, and the errors of the scratch server.
    """
    refuse_problems(migrations)
    with _scratch_replay(migrations.migrations, ledger, options, None) as replayed:
        return _Subset(schemas, replayed.prelude).of_one(replayed.schema())


def _other_trackers(session: Session) -> tuple[str, ...]:
    """Return the trackers of other tools in a database; their tables are not compared."""
    tracker = find_tracker(session, automatic=True)
    adoption = read_adoption(session)
    names = tracker[1].objects(tracker[0]) if tracker else ()
    return (*names, *([adoption.source] if adoption and adoption.source else []))


class _ReplayedHistory:
    """A history that can be replayed on a scratch server."""

    def __init__(
        self,
        replayer: Replayer,
        history: tuple[Migration, ...],
        owner: str | None,
        *,
        of_database: bool,
    ) -> None:
        self._replayer, self._history, self._owner = replayer, history, owner
        self._of_database = of_database
        self.provision = replayer.provision
        self.label = replayer.scratch.label
        self.prelude = _made_by_prelude(replayer)

    def schema(self) -> Snapshot:
        """Replay the history and return the schema that it creates.

        Raises ServerError if a migration fails.
        """
        base, failure = self._replayer.base(self._history)
        try:
            if failure:
                replayed = "history" if self._of_database else "folder"
                raise ServerError(
                    f"the {replayed} cannot be replayed: {failure.migration.label} fails: "
                    f"{failure.diagnostic.message}",
                    detail=f"It failed on {self.label}, a scratch server.",
                    hint=_hint(failure, of_database=self._of_database),
                )
            snapshot = self._replayer.snapshot_of(base)
        finally:
            self._replayer.release(base)
        # On a server that others use, too, the objects belong to the role of the scratch server.
        role = self._replayer.scratch.role
        if self._owner and not self._replayer.scratch.exclusive and self._owner != role:
            return with_role(snapshot, role, self._owner)
        return snapshot


def _made_by_prelude(replayer: Replayer) -> Snapshot | None:
    """Return the schema that the prelude alone creates, or None without a prelude."""
    if replayer.provision.prelude is None:
        return None
    base, _ = replayer.base(())
    try:
        return replayer.snapshot_of(base)
    finally:
        replayer.release(base)


def _hint(failure: ReplayFailure, *, of_database: bool) -> str:
    """Return the hint for migrations that cannot be replayed."""
    change = "Change the file so that it passes on an empty database"
    if of_database:  # the texts that ran are replayed, so the changed text must be accepted
        change += (
            f" and accept it with `pgbraid repair {failure.migration.version}`, or compare with "
            "`pgbraid snapshot --check FILE` instead"
        )
    if failure.migration.directives.no_transaction:
        return (
            "A scratch database is empty, so a statement that waits for rows or sessions finds "
            f"none. {change}."
        )
    if not failure.needs_missing_object:
        return (
            "A migration that reads the clock, another server, or rows that no migration creates "
            f"can fail here. {change}."
        )
    return (
        "The scratch server needs the extensions, roles and settings that the migrations need. "
        "Name such a server with `scratch_url`, or create them first with the setting `prelude`."
    )


@contextmanager
def _scratch_replay(
    history: tuple[Migration, ...],
    ledger: LedgerTable,
    options: RunOptions,
    like: AppliedHistory | None,
    also_ours: Sequence[str] = (),
) -> Iterator[_ReplayedHistory]:
    """Yield a history with a scratch server that exists until the block ends."""
    place = options.scratch
    major, role = (like.major, like.role) if like else (None, None)
    # exact: the catalogs of two major versions cannot be compared.
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
        yield _ReplayedHistory(
            replayer, history, role.name if role else None, of_database=like is not None
        )
