"""The library: migrations as an immutable value, the database given at the call."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pgbraid.arguments import a_statement, a_version, an_instance, some_versions
from pgbraid.command import make_options, make_request, make_target
from pgbraid.migrate.planning.preflight import Command
from pgbraid.model.errors import ConfigError
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import (
    RunOptions,
    ScratchServerConfig,
    StopToken,
    ignore_event,
)
from pgbraid.settings.settings import Settings, text_list

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    from pgbraid.model.events import Listener
    from pgbraid.model.migration import AppliedMigration, MigrationSet
    from pgbraid.model.plan import Plan, Report
    from pgbraid.model.proof import DriftReport, Proof
    from pgbraid.model.results import Adoption, Baselined, Check, Reconciled, Repair, Status, Undone
    from pgbraid.model.snapshot import Snapshot
    from pgbraid.postgres.client.conninfo import Target

__all__ = ["Migrator"]


@dataclass(frozen=True, slots=True)
class Migrator:
    """Migrations and the settings to apply them with.

    Every method takes a connection string, a URL or ``key=value`` pairs, opens one connection
    and closes it. All of them raise ConnectionFailed, and ServerError where the role may not
    do what is asked.
    """

    migrations: MigrationSet
    settings: Settings = field(default_factory=Settings)
    scratch: ScratchServerConfig = field(default_factory=ScratchServerConfig)
    """Where orders are replayed."""

    @property
    def ledger(self) -> LedgerTable:
        """Where the applied set is kept."""
        return LedgerTable(self.settings.schema, self.settings.table)

    def up(  # noqa: PLR0913 - what a run can be asked for
        self,
        conninfo: str | Target,
        *,
        to: int | None = None,
        not_applied: Iterable[int] = (),
        dry_run: bool = False,
        durable_each: bool = False,
        batch: bool = False,
        on_event: Listener = ignore_event,
        stop: StopToken | None = None,
    ) -> Report:
        """Apply every migration that the set lacks, whatever higher ones are applied.

        ``to`` is the highest version to apply; ``not_applied`` names versions that another
        tool's counter skipped, for a first run that adopts it; ``dry_run`` runs all in one
        transaction and rolls it back. ``durable_each`` waits for the disk after every migration
        also on a fresh database, where it is else done once; ``batch`` sends several migrations
        at once, for a server that is far away. ``on_event`` is called with what happens, in this
        thread; ``stop`` ends the run from another one.

        Raises ProblemsFound before anything runs, MigrationFailed (``applied`` says what was
        committed before), LockTimeout where another run did not end in ``lock_wait`` seconds.
        """
        if dry_run:
            from pgbraid.migrate.dry_run import dry_run_pending as verb
        else:
            from pgbraid.migrate.up import apply_pending as verb
        options = replace(self._options(on_event, stop), durable_each=durable_each, batch=batch)
        return verb(self._command(conninfo, options, to=to, not_applied=not_applied))

    async def aup(  # noqa: PLR0913 - what a run can be asked for
        self,
        conninfo: str | Target,
        *,
        to: int | None = None,
        not_applied: Iterable[int] = (),
        dry_run: bool = False,
        durable_each: bool = False,
        batch: bool = False,
        on_event: Listener = ignore_event,
    ) -> Report:
        """Do what :meth:`up` does without blocking the event loop.

        ``on_event`` is called in a thread of its own. Where the task is cancelled, the
        migration in progress is rolled back and the lock released before this returns.
        """
        from pgbraid.aio import run_in_thread

        stop = StopToken()
        return await run_in_thread(
            lambda: self.up(
                conninfo,
                to=to,
                not_applied=not_applied,
                dry_run=dry_run,
                durable_each=durable_each,
                batch=batch,
                on_event=on_event,
                stop=stop,
            ),
            stop,
        )

    def plan(
        self, conninfo: str | Target, *, to: int | None = None, not_applied: Iterable[int] = ()
    ) -> Plan:
        """Return what :meth:`up` would do now, with every problem; writes and locks nothing."""
        from pgbraid.migrate.status import plan_pending

        return plan_pending(self._command(conninfo, to=to, not_applied=not_applied))

    def check(self, conninfo: str | Target, *, checksum_file: bool = False) -> Check:
        """Return whether the applied set is exactly the files' and nothing has drifted.

        With ``checksum_file``, also whether ``pgbraid.sum`` lists exactly the loaded files.
        """
        from pgbraid.migrate import status

        return self._with_checksum_file(
            status.check(self._command(conninfo)), checksum_file=checksum_file
        )

    def check_files(self, *, checksum_file: bool = False) -> Check:
        """Return whether the files could be run, every text of them; no database is asked.

        With ``checksum_file``, also whether ``pgbraid.sum`` lists exactly the loaded files,
        which are the ones that :meth:`up` runs.
        """
        from pgbraid.migrate.offline_check import check_files

        return self._with_checksum_file(check_files(self.migrations), checksum_file=checksum_file)

    def status(self, conninfo: str | Target) -> Status:
        """Return where every version stands, of the files and of the applied set."""
        from pgbraid.migrate.status import read_status

        return read_status(self._command(conninfo))

    def repair(
        self,
        conninfo: str | Target,
        versions: Iterable[int] = (),
        *,
        all_modified: bool = False,
        rename: bool = False,
    ) -> Repair:
        """Accept files that changed after they were applied: these, or all that have drifted.

        ``rename`` accepts new names too. Raises ConfigError for a version that is not applied.
        """
        from pgbraid.migrate import repair

        choice = repair.RepairSelection(some_versions("versions", versions), all_modified, rename)
        return repair.accept_files(self._command(conninfo), choice)

    def reconcile(
        self,
        conninfo: str | Target,
        versions: Iterable[int] = (),
        *,
        trust: Literal["journal", "applied_set"],
    ) -> Reconciled:
        """Bring set and journal together where they say the opposite: of these versions, or of all.

        With ``trust`` in the journal, the set's rows are put back or taken out; with trust in the
        set, what it lacks runs again. Raises ConfigError for a version on which they agree.
        """
        from pgbraid.migrate.repair_ledger import reconcile_ledger

        chosen = some_versions("versions", versions)
        return reconcile_ledger(self._command(conninfo), chosen, trust)

    def baseline(
        self, conninfo: str | Target, version: int | None = None, *, only: Iterable[int] = ()
    ) -> Baselined:
        """Record migrations as applied without running them: up to a version, or ``only`` these.

        For a database that has them by other means, such as a restore without the applied set.
        Raises ConfigError for a version without a file, and where another tool's table says more.
        """
        from pgbraid.migrate.baseline import BaselineSelection, record_baseline

        through = None if version is None else a_version("version", version)
        selection = BaselineSelection(through, some_versions("only", only))
        return record_baseline(self._command(conninfo), selection)

    def adopt(self, conninfo: str | Target, *, not_applied: Iterable[int] = ()) -> Adoption | None:
        """Enter what another tool has applied; None where our set has rows already.

        Raises ConfigError where there is no such tool's table or ``adopt`` is off, ProblemsFound
        where it is not clear what it says.
        """
        from pgbraid.migrate import adopt

        return adopt.adopt_history(self._command(conninfo, not_applied=not_applied))

    def unadopt(
        self, conninfo: str | Target, versions: Iterable[int]
    ) -> tuple[AppliedMigration, ...]:
        """Take versions out of the set that were adopted and never ran; return their rows.

        The next :meth:`up` applies them. Raises ConfigError for a version that pgbraid itself
        has applied.
        """
        from pgbraid.migrate import adopt

        return adopt.unadopt(self._command(conninfo), some_versions("versions", versions))

    def drop_tracker_table(self, conninfo: str | Target) -> str:
        """Drop the adopted tool's table and return its name, once our set has all it says."""
        from pgbraid.migrate.adopt import drop_tracker_table

        return drop_tracker_table(self._command(conninfo))

    def resume(  # noqa: PLR0913 - what can be decided
        self,
        conninfo: str | Target,
        version: int,
        *,
        how: Literal["retry", "skip", "forget"] | None = None,
        statement: int | None = None,
        on_event: Listener = ignore_event,
        stop: StopToken | None = None,
    ) -> Report:
        """Go on with a version outside a transaction that was begun and not finished.

        ``how`` decides about a statement whose end nobody saw: ``retry`` or ``skip`` it, or
        ``forget`` that the file was begun; ``statement`` is the number, from 1, of the one at
        which it is expected to stand. Raises ConfigError where it is not incomplete or stands
        elsewhere, and what :meth:`up` raises.
        """
        from pgbraid.migrate import resume

        version = a_version("version", version)
        statement = None if statement is None else a_statement("statement", statement)
        if how not in {None, "retry", "skip", "forget"}:
            raise ConfigError(f"how must be 'retry', 'skip', 'forget' or None, not {how!r}")
        command = self._command(conninfo, self._options(on_event, stop))
        return resume.resume_version(command, version, how, statement=statement)

    def prove(
        self,
        conninfo: str | Target | None = None,
        *,
        base: str | None = None,
        history: Iterable[int] | None = None,
        on_event: Listener = ignore_event,
        stop: StopToken | None = None,
    ) -> Proof:
        """Return whether an out-of-order history and a fresh database end with the same schema.

        The order is that recorded in a database with what is pending; or what the git commit
        ``base`` has, then what the folder adds; or ``history``, versions as they were applied. It
        is replayed in the ``scratch`` place. Raises ConfigError where not exactly one is given,
        ProblemsFound, and EmbeddedError where there is no server to replay on.
        """
        from pgbraid.prove import prover

        options = self._options(on_event, stop)
        if [conninfo, base, history].count(None) != 2:  # noqa: PLR2004
            raise ConfigError("prove takes one of a database, a base and a history")
        if base is not None:
            folder = self.migrations.label
            base = an_instance("base", base, str, "the name of a git commit")
            return prover.prove_branch(self.migrations, folder, base, self.ledger, options)
        if history is not None:
            order = some_versions("history", history)
            return prover.prove_list(self.migrations, order, "the history", self.ledger, options)
        target = self._target(conninfo or "")
        return prover.prove_database(self.migrations, target, self.ledger, options)

    def drift(
        self,
        conninfo: str | Target,
        *,
        ignore: str | Iterable[str] = (),
        only_schemas: str | Iterable[str] = (),
        on_event: Listener = ignore_event,
        stop: StopToken | None = None,
    ) -> DriftReport:
        """Return how a database, which is only read, differs from what its own history builds.

        ``ignore`` are patterns such as ``table audit.*``; with ``only_schemas`` nothing else is
        compared. Raises ConfigError where it has no history, ServerError where that cannot be
        replayed.
        """
        from pgbraid.prove import drift

        options = self._options(on_event, stop)
        return drift.find_drift(
            self.migrations,
            self._target(conninfo),
            self.ledger,
            options,
            text_list("ignore", ignore),
            text_list("only_schemas", only_schemas),
        )

    def snapshot(
        self,
        conninfo: str | Target | None = None,
        *,
        only_schemas: str | Iterable[str] = (),
        stop: StopToken | None = None,
    ) -> Snapshot:
        """Return everything a database's schema is, or what the files build on a fresh one.

        With ``only_schemas`` it is what belongs to these.
        """
        from pgbraid.prove import drift

        options, schemas = self._options(stop=stop), text_list("only_schemas", only_schemas)
        if conninfo is None:
            return drift.snapshot_of_files(self.migrations, self.ledger, options, schemas)
        target = self._target(conninfo)
        return drift.snapshot_of_database(target, self.ledger, options, schemas)

    def undo(
        self,
        conninfo: str | Target,
        version: int,
        *,
        on_event: Listener = ignore_event,
        stop: StopToken | None = None,
    ) -> Undone:
        """Run a version's down file and take it out of the set, in one transaction.

        Raises ConfigError where it is not applied or has no down file, MigrationFailed after
        rolling back.
        """
        from pgbraid.migrate import undo

        command = self._command(conninfo, self._options(on_event, stop))
        return undo.undo_version(command, a_version("version", version))

    def _options(
        self, on_event: Listener = ignore_event, stop: StopToken | None = None
    ) -> RunOptions:
        return make_options(self.settings, self.scratch, on_event, stop)

    def _command(
        self,
        conninfo: str | Target,
        options: RunOptions | None = None,
        *,
        to: int | None = None,
        not_applied: Iterable[int] = (),
    ) -> Command:
        request = make_request(self.settings, to, not_applied)
        target, options = self._target(conninfo), options or self._options()
        return Command(self.migrations, target, self.ledger, request, options)

    def _target(self, conninfo: str | Target) -> Target:
        return make_target(self.settings, conninfo)

    def _with_checksum_file(self, check: Check, *, checksum_file: bool) -> Check:
        if not checksum_file:
            return check
        from pgbraid.source.checksum_file_io import with_checksum_problems

        return with_checksum_problems(check, self.migrations)
