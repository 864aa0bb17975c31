"""Replays orders of migrations on scratch databases.

An order whose result is reported runs on its own database, with the runner of ``up``. Where
possible, a search runs its orders in one transaction on the base and rolls it back, so they need no
copy of the base. The result of the search is then confirmed on databases.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.migrate.execution.transactional import RunContext
from pgbraid.migrate.runner import apply_steps
from pgbraid.model import sqlstate
from pgbraid.model.errors import MigrationFailed, ServerError
from pgbraid.model.options import Limits, RunOptions
from pgbraid.model.plan import Step
from pgbraid.model.proof import ReplayFailure, ReplayResult
from pgbraid.postgres.catalog.snapshot_reader import EVERYTHING, Scope, SnapshotReader
from pgbraid.postgres.client.open_session import connect, prepare_for_migration
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.ledger.tables import LedgerTraits, ensure_schema, ensure_tables
from pgbraid.postgres.scratch.trial_run import run_and_roll_back
from pgbraid.prove.replay.prerequisites import Prerequisites
from pgbraid.prove.replay.scratch_database import Base, KeptReplay
from pgbraid.prove.replay.shared_objects import SharedServerGuard
from pgbraid.source.content import is_large, read_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pgbraid.model.migration import LedgerTable, Migration
    from pgbraid.model.options import Prelude, StopToken
    from pgbraid.model.snapshot import Snapshot
    from pgbraid.postgres.catalog.row_digests import KnownRows
    from pgbraid.postgres.client.connection import Connection
    from pgbraid.postgres.client.conninfo import Target
    from pgbraid.postgres.client.session import Session
    from pgbraid.postgres.ledger.history import AppliedHistory, MigratingRole
    from pgbraid.postgres.scratch.cluster_state import Cluster
    from pgbraid.postgres.scratch.databases import ScratchServer
    from pgbraid.sql.script import Script

    Inspect = Callable[[str, Cluster | None], None]

__all__ = ["Base", "KeptReplay", "Replayer"]

_OF_ONE_TRANSACTION = frozenset(
    {
        *(sqlstate.UNSAFE_NEW_ENUM_VALUE_USAGE, sqlstate.OBJECT_IN_USE, sqlstate.OUT_OF_MEMORY),
        *(sqlstate.ACTIVE_SQL_TRANSACTION, sqlstate.NO_ACTIVE_SQL_TRANSACTION),
        sqlstate.INVALID_TRANSACTION_TERMINATION,
    }
)
"""Errors that a commit between the migrations avoids: a use of a new enum value, pending trigger
events, commands that no transaction block allows, too many locks. On its own database the same
order may succeed."""
_LARGE_DATABASE = 20_000_000
"""Above this size in bytes, the digests of the rows of a base are kept for its copies."""


class Replayer:
    """Replays orders on one scratch server.

    ``replays`` counts the replayed orders. ``scope`` determines which part of the result
    is read after a replay that is not kept. With ``cluster``, the snapshots of an exclusive server
    have its shared objects, such as roles. The methods raise ServerError and ConnectionFailed if
    the scratch server fails, and Stopped.
    """

    def __init__(  # noqa: PLR0913 - the server, and the traits of the database to imitate
        self,
        scratch: ScratchServer,
        ledger: LedgerTable,
        *,
        stop: StopToken,
        role: MigratingRole | None = None,
        like: AppliedHistory | None = None,
        extend: bool = False,
        prelude: Prelude | None = None,
        also_ours: Sequence[str] = (),
        search_path: str | None = None,
        settings: tuple[tuple[str, str], ...] = (),
        cluster: bool = False,
    ) -> None:
        self.scratch = scratch
        self.ledger = ledger
        self.stop = stop
        self.replays = 0
        # On a server that others use, too, migrations must not change shared objects at all.
        shared = scratch.shared_objects() if cluster and scratch.exclusive else None
        self.reader = SnapshotReader(ledger, also_ours=also_ours, shared=shared)
        self.scope: Scope | None = EVERYTHING
        self.provision = Prerequisites(scratch, like, role, prelude)
        if extend:
            self.provision.extend_from_now_on()
        # No lock_timeout: no other client uses a scratch database.
        self._options = RunOptions(stop=stop, limits=Limits(lock_timeout=0.0))
        self.role = scratch.create_login_role(role) if role else None
        self._settings = (*(like.settings if like else ()), *settings)
        self._search_path = search_path
        self.ledger_traits = LedgerTraits()
        self._bases: list[Base] = []
        self._session_of: tuple[str, ExitStack, Session] | None = None
        self._needs_commit: set[int] = set()
        self._scripts: dict[int, Script] = {}
        self.shared_guard = SharedServerGuard(scratch, self._script)

    def refuse_server_wide(self, migrations: Sequence[Migration]) -> None:
        """On a server that others use, too, raise ConfigError for server-wide statements."""
        if not self.scratch.exclusive:
            self.shared_guard.refuse(migrations)

    def base(self, prefix: Sequence[Migration]) -> tuple[Base, ReplayFailure | None]:
        """Create a database with these migrations applied; return also a migration's failure."""
        base = Base(tuple(prefix))
        failure = self._make(base)
        self._bases.append(base)
        return base, failure

    def _make(self, base: Base) -> ReplayFailure | None:
        """Create a base's database; if a migration lacks an object, provide it and start again."""
        while True:
            began = time.perf_counter()
            base.cluster = self.scratch.read_cluster_state()
            base.name = self.scratch.create(owner=self.role)
            self.provision.furnish(base.name)
            with connect(self.target_of(base.name), self.ledger, self.stop) as opened:
                session = prepare_for_migration(opened)
                ensure_schema(session)
                self.ledger_traits = ensure_tables(session)
            failure = self._apply(base.name, base.prefix) if base.prefix else None
            base.seconds = time.perf_counter() - began
            if not self._provided(failure, base):
                now = self.scratch.read_cluster_state()
                self.provision.note_created(base.cluster, now)
                base.shares = now != base.cluster
                base.known = None if failure else self._known(base.name)
                return self.provision.explained(failure)

    def advance(self, base: Base, order: Sequence[Migration]) -> Base | None:
        """Return a copy of a base with more migrations applied.

        Return None if one of them fails, or if they or those of the base change shared objects,
        because two bases with changed roles cannot exist at once.
        """
        if base.shares:
            return None
        name, cluster, failure = self._replayed(base, order)
        if failure is not None:
            return None
        if self.scratch.read_cluster_state() != cluster:
            self.drop(name)
            self.scratch.restore_cluster_state(cluster)
            return None
        ahead = Base((*base.prefix, *order))
        ahead.name, ahead.cluster, ahead.known = name, cluster, base.known
        self._bases.append(ahead)
        return ahead

    def _provided(self, failure: ReplayFailure | None, base: Base) -> bool:
        """Provide the object that a migration lacks; return whether something was provided."""
        if failure is None:
            return False
        need = self.provision.missing(failure)
        if need is None and not self.provision.needs_extensions(failure):
            return False
        self._drop(base)
        if need is None:
            self.provision.extend_from_now_on()
        else:
            self.provision.provide(need, failure)
        return True

    def _known(self, name: str) -> KnownRows | None:
        """Read the rows of a large database once, so that unchanged tables of copies need not."""
        query = b"SELECT pg_catalog.pg_database_size(pg_catalog.current_database())"
        with self._reading(name) as conn:
            row = conn.execute(query).fetchone()
            return self.reader.known(conn) if row and row[0] > _LARGE_DATABASE else None

    def snapshot_of(self, base: Base) -> Snapshot:
        """Return the schema of a base."""
        self.close()
        with self._reading(base.name) as conn:
            return self.reader.schema(conn)

    def has(self, base: Base) -> bool:
        """Return whether a base still exists."""
        return base in self._bases

    def release(self, base: Base) -> None:
        """Drop a base, and restore roles and other shared objects as they were before the base."""
        if self.has(base):
            self._bases.remove(base)
            self._drop(base)
            # That state may be older than the roles provided since.
            self.provision.restore()

    def _drop(self, base: Base) -> None:
        self.close()
        self.scratch.drop(base.name)
        self.scratch.restore_cluster_state(base.cluster)

    def keep(
        self, base: Base, order: Sequence[Migration], inspect: Inspect | None = None
    ) -> KeptReplay:
        """Run an order on a copy of ``base``, read its whole result, and keep the database.

        ``inspect`` is called with the database's name, and with the shared objects before the
        order, while the roles that the order created still have their names.
        """
        self.replays += 1
        began = time.perf_counter()
        name, cluster, failure = self._replayed(base, order)
        if failure is not None:
            return KeptReplay(ReplayResult(None, failure))
        seconds = time.perf_counter() - began
        try:
            with self._reading(name) as conn:
                snapshot, rows = self.reader.whole(conn, base.known)
            if inspect is not None:
                inspect(name, cluster)
            # The kept database refers to roles of this replay. They are renamed, not dropped, so
            # that the next replay can create its own.
            self.scratch.set_aside(name, cluster)
            self.scratch.restore_cluster_state(cluster)
        except BaseException:
            self.drop(name)
            raise
        return KeptReplay(ReplayResult(snapshot), name, rows, seconds, (*base.prefix, *order))

    def replay(self, base: Base, order: Sequence[Migration]) -> ReplayResult:
        """Run an order on a copy of ``base``, and return the part of the result in the scope."""
        self.replays += 1
        name, cluster, failure = self._replayed(base, order)
        if failure is not None:
            return ReplayResult(None, failure)
        try:
            return self.read(name)
        finally:
            self.drop(name)
            self.scratch.restore_cluster_state(cluster)

    def _replayed(
        self, base: Base, order: Sequence[Migration]
    ) -> tuple[str, Cluster | None, ReplayFailure | None]:
        """Run an order on a copy of a base; if an object is missing, provide it and start again.

        Return the copy with the shared objects before it, or the failure and no copy.
        """
        while True:
            # CREATE DATABASE … TEMPLATE fails while a session uses the template.
            self.close()
            cluster = self.scratch.read_cluster_state()
            name = self.scratch.create(base.name, owner=self.role)
            failure: ReplayFailure | None = None
            try:
                failure = self._apply(name, order) if order else None
            except BaseException:
                self.drop(name)
                raise
            self.provision.note_created(cluster, self.scratch.read_cluster_state())
            if failure is None:
                return name, cluster, None
            self.drop(name)
            self.scratch.restore_cluster_state(cluster)
            if not self.provided_on(base, failure):
                return "", None, self.provision.explained(failure)

    def provided_on(self, base: Base, failure: ReplayFailure) -> bool:
        """Provide the object that an order lacks; return whether something was provided.

        Create the base again if it must have the object.
        """
        need = self.provision.missing(failure)
        if need is None and not self.provision.needs_extensions(failure):
            return False
        if need is None:
            self.provision.extend_from_now_on()
        else:
            self.provision.provide(need, failure)
        if need is None or need.in_database:
            self._drop(base)
            self.provision.restore()
            self._make(base)
        return True

    def replay_in_transaction(self, base: Base, order: Sequence[Migration]) -> ReplayResult:
        """Run an order in one transaction on ``base``, roll it back, and return the result.

        An order that cannot run in one transaction is replayed on a copy.
        """
        if any(self._needs_own_database(migration) for migration in order):
            return self.replay(base, order)
        self.replays += 1
        while True:
            scripts = [(migration, self._script(migration)) for migration in order]
            session = self._session(base.name)
            result = run_and_roll_back(session, scripts, self._read_scope, self._options.limits)
            failure = result.failure
            if failure is None:
                return result
            if failure.diagnostic.sqlstate in _OF_ONE_TRANSACTION:
                self._needs_commit.add(failure.migration.version)
                return self.replay(base, order)
            self.close()
            if not self.provided_on(base, failure):
                return ReplayResult(None, self.provision.explained(failure))

    def text_of(self, migration: Migration) -> str:
        """Return a migration's text, or an empty string for a large migration."""
        return "" if is_large(migration) else self._script(migration).text

    def _script(self, migration: Migration) -> Script:
        if migration.version not in self._scripts:
            self._scripts[migration.version] = read_script(migration)[1]
        return self._scripts[migration.version]

    def _needs_own_database(self, migration: Migration) -> bool:
        needs = migration.directives.no_transaction or is_large(migration)
        return needs or migration.version in self._needs_commit

    def target_of(self, name: str) -> Target:
        """Return the target of the migrating session on a scratch database."""
        target = self.scratch.target_of(name, self.role, self._settings)
        return replace(target, search_path=self._search_path)

    def _apply(self, name: str, order: Sequence[Migration]) -> ReplayFailure | None:
        if self.scratch.exclusive:
            return self._run(name, order)
        with self.shared_guard.watching(order):
            return self._run(name, order)

    def _run(self, name: str, order: Sequence[Migration]) -> ReplayFailure | None:
        """Apply an order with the runner of ``up``, and return the failure if a migration fails."""
        steps = tuple(Step(migration) for migration in order)
        with connect(self.target_of(name), self.ledger, self.stop) as opened:
            session = prepare_for_migration(opened, self._options.limits)
            guard = None if self.scratch.exclusive else self.shared_guard.guard
            run = RunContext(
                session, self.ledger_traits, options=self._options, fresh=True, guard=guard
            )
            try:
                apply_steps(run, steps)
            except MigrationFailed as error:
                return ReplayFailure(error.migration, error.diagnostic)
        return None

    def read(self, name: str) -> ReplayResult:
        """Return the part of a database in the scope."""
        if self.scope is None:
            return ReplayResult(None)
        with self._reading(name) as conn:
            return ReplayResult(self.reader.within(conn, self.scope))

    def _read_scope(self, session: Session) -> Snapshot | None:
        return None if self.scope is None else self.reader.within(session.conn, self.scope)

    @contextmanager
    def _reading(self, name: str) -> Iterator[Connection]:
        with (
            connect(self.scratch.reading(name), self.ledger, self.stop) as opened,
            translate_errors(opened),
        ):
            yield opened.conn

    @contextmanager
    def reading(self, kept: KeptReplay) -> Iterator[Connection]:
        """Open the database of a kept replay, to read it."""
        with self._reading(kept.name) as conn:
            yield conn

    def drop(self, name: str) -> None:
        """Drop the database of a replay, ignoring errors."""
        with suppress(ServerError):
            self.scratch.drop(name)

    def _session(self, name: str) -> Session:
        """Return the session for replays in a transaction, on the database with this name."""
        if self._session_of is None or self._session_of[0] != name:
            self.close()
            stack = ExitStack()
            opened = stack.enter_context(connect(self.target_of(name), self.ledger, self.stop))
            self._session_of = name, stack, prepare_for_migration(opened, self._options.limits)
        return self._session_of[2]

    def close(self) -> None:
        """Close the session for replays in a transaction: a database in use cannot be copied."""
        if self._session_of is not None:
            (_, stack, _), self._session_of = self._session_of, None
            stack.close()
