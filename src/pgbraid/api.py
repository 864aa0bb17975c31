"""The library: migrations are an immutable value, and each call names the database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pgbraid.arguments import a_statement, a_version, an_instance, some_versions
from pgbraid.boot_api import BootMethods
from pgbraid.command import make_options, make_request, make_target
from pgbraid.hazards_api import HazardMethods
from pgbraid.history_api import HistoryMethods
from pgbraid.lint_api import LintMethods
from pgbraid.migrate.planning.preflight import Command
from pgbraid.model.errors import ConfigError
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import RunOptions, ScratchServerConfig, StopToken, ignore_event
from pgbraid.page_api import PageMethods
from pgbraid.settings.settings import Settings, text_list

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    from pgbraid.model.events import Listener
    from pgbraid.model.migration import MigrationSet
    from pgbraid.model.plan import Plan, Report
    from pgbraid.model.proof import DriftReport, Proof
    from pgbraid.model.results import (
        Check,
        Reconciled,
        Repair,
        Status,
        Undone,
    )
    from pgbraid.model.snapshot import Snapshot
    from pgbraid.postgres.client.conninfo import Target

__all__ = ["Migrator"]


@dataclass(frozen=True, slots=True)
class Migrator(BootMethods, HistoryMethods, HazardMethods, LintMethods, PageMethods):
    """Migrations and the settings to apply them with.

    Methods that take a connection string (a URL or ``key=value`` pairs) open one connection and
    close it. They raise ConnectionFailed, and ServerError if the role lacks a privilege.
    """

    migrations: MigrationSet
    settings: Settings = field(default_factory=Settings)
    scratch: ScratchServerConfig = field(default_factory=ScratchServerConfig)
    """The server on which migrations are replayed."""

    @property
    def ledger(self) -> LedgerTable:
        """The schema and table of the applied set."""
        return LedgerTable(self.settings.schema, self.settings.table)

    def up(  # noqa: PLR0913 - the options of a run
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
        """Apply every migration that the applied set lacks, even below the highest applied version.

        ``to`` is the highest version to apply. ``not_applied`` names versions that another tool's
        counter skipped, for a first run that adopts its history. ``dry_run`` runs all migrations
        in one transaction and rolls it back. ``durable_each`` waits for the disk after every
        migration on a fresh database, too, instead of once. ``batch`` sends several migrations in
        one message, for a distant server. ``on_event`` is called with each event, in the calling
        thread. ``stop`` ends the run from another thread.

        Raises ProblemsFound before anything runs; MigrationFailed, whose ``applied`` lists the
        migrations committed before; and LockTimeout if another run takes longer than
        ``lock_wait`` seconds.
        """
        if dry_run:
            from pgbraid.migrate.dry_run import dry_run_pending as verb
        else:
            from pgbraid.migrate.up import apply_pending as verb
        options = replace(self._options(on_event, stop), durable_each=durable_each, batch=batch)
        return verb(self._command(conninfo, options, to=to, not_applied=not_applied))

    async def aup(  # noqa: PLR0913 - the options of a run
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
        """Run :meth:`up` without blocking the event loop.

        ``on_event`` is called in another thread. If the task is cancelled, the migration in
        progress is rolled back and the lock is released before this method returns.
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
        """Return what :meth:`up` would do now, with every problem; write and lock nothing."""
        from pgbraid.migrate.status import plan_pending

        return plan_pending(self._command(conninfo, to=to, not_applied=not_applied))

    def check(
        self, conninfo: str | Target, *, checksum_file: bool = False, newer_ok: bool = False
    ) -> Check:
        """Return whether the applied versions are exactly those of the files, without drift.

        With ``checksum_file``, check also that ``pgbraid.sum`` lists exactly the loaded files. With
        ``newer_ok``, accept applied versions without a file: a newer release has applied them.
        """
        from pgbraid.migrate import status

        check = status.check(self._command(conninfo), newer_ok=newer_ok)
        return self._with_checksum_file(check, checksum_file=checksum_file)

    def check_files(self, *, checksum_file: bool = False, base: str | None = None) -> Check:
        """Return whether all files are fit to run; do not connect to a database.

        With ``checksum_file``, check also that ``pgbraid.sum`` lists exactly the loaded files, the
        ones that :meth:`up` runs. With ``base``, a git commit, check also that this branch leaves
        the migrations of that commit as they are. Raises ConfigError if git, the repository or the
        commit is missing.
        """
        from pgbraid.migrate.offline_check import check_files

        check = check_files(self.migrations)
        if base is not None:
            from pgbraid.migrate.branch_check import with_branch_problems

            ref = an_instance("base", base, str, "the name of a git commit")
            check = with_branch_problems(check, self.migrations, self.migrations.label, ref)
        return self._with_checksum_file(check, checksum_file=checksum_file)

    def status(self, conninfo: str | Target) -> Status:
        """Return the state of every version, of the files and of the applied set."""
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
        """Accept files that changed after they were applied: the given versions, or all.

        ``rename`` accepts new names, too. Raises ConfigError for a version that is not applied.
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
        """Make applied set and journal agree again, on the given versions or on all.

        With ``trust="journal"``, rows of the applied set are restored or removed. With
        ``trust="applied_set"``, the versions that the applied set lacks are pending and run again.
        Raises ConfigError for a version on which the two agree.
        """
        from pgbraid.migrate.repair import reconcile_ledger

        chosen = some_versions("versions", versions)
        return reconcile_ledger(self._command(conninfo), chosen, trust)

    def resume(  # noqa: PLR0913 - the decisions about an incomplete migration
        self,
        conninfo: str | Target,
        version: int,
        *,
        how: Literal["retry", "skip", "forget"] | None = None,
        statement: int | None = None,
        on_event: Listener = ignore_event,
        stop: StopToken | None = None,
    ) -> Report:
        """Resume an incomplete version, which runs outside a transaction.

        ``how`` decides about a statement with an unknown outcome: ``retry`` or ``skip`` it, or
        ``forget`` the whole incomplete migration. ``statement`` is the number, from 1, of the
        statement that the decision is about. Raises ConfigError if the version is not incomplete
        or stopped at another statement, and the errors of :meth:`up`.
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

        Give one of three: a database, for its recorded order with the pending migrations; a git
        commit ``base``, for its migrations and then those that the folder adds; or ``history``,
        the versions in the order they were applied. The orders are replayed on the ``scratch``
        server. Raises ConfigError unless exactly one is given, ProblemsFound, and EmbeddedError
        if no server is available.
        """
        from pgbraid.prove import prover
        from pgbraid.prove.lint_rules import rules_for

        options = replace(self._options(on_event, stop), lint_rules=rules_for(self.settings))
        if [conninfo, base, history].count(None) != 2:  # noqa: PLR2004 - exactly one is given
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
        """Return the differences between a database and a replay of its own history.

        The database is only read. ``ignore`` are patterns such as ``table audit.*``. With
        ``only_schemas``, only these schemas are compared. Raises ConfigError if the database has
        no history, and ServerError if the history cannot be replayed.
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
        """Return the whole schema of a database, or the schema that the files build on a fresh one.

        With ``only_schemas``, the snapshot has only the objects of these schemas.
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
        """Run a version's down file and remove the version from the applied set, atomically.

        Raises ConfigError if the version is not applied or has no down file, and MigrationFailed
        after a rollback.
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
        from pgbraid.source.checksum_file import with_checksum_problems

        return with_checksum_problems(check, self.migrations)
