"""The library: migrations as an immutable value, the database given at the call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pgbraid.arguments import a_statement, a_version, an_instance, some_versions
from pgbraid.config import Settings, text_list
from pgbraid.core.model import Tracker, Verify
from pgbraid.db.conninfo import Target, parse_target
from pgbraid.errors import ConfigError
from pgbraid.stop import StopToken
from pgbraid.survey import RunOptions, ScratchPlace, Wish, silent

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    from pgbraid.core.answers import Adoption, Baselined, Check, Reconciled, Repair, Status, Undone
    from pgbraid.core.events import Listener
    from pgbraid.core.model import Applied, MigrationSet, Plan, Report
    from pgbraid.core.proof import Drifted, Proof
    from pgbraid.core.snapshot import Snapshot

__all__ = ["Braid"]


@dataclass(frozen=True, slots=True)
class Braid:
    """Migrations and the settings to apply them with.

    Every method takes a connection string, a URL or ``key=value`` pairs, opens one connection
    and closes it. All of them raise ConnectionFailed, and ServerError where the role may not
    do what is asked.
    """

    migrations: MigrationSet
    settings: Settings = field(default_factory=Settings)
    scratch: ScratchPlace = field(default_factory=ScratchPlace)
    """Where orders are replayed."""

    @property
    def tracker(self) -> Tracker:
        """Where the applied set is kept."""
        return Tracker(self.settings.schema, self.settings.table)

    def up(  # noqa: PLR0913 - what a run can be asked for
        self,
        conninfo: str | Target,
        *,
        to: int | None = None,
        not_applied: Iterable[int] = (),
        dry_run: bool = False,
        durable_each: bool = False,
        batch: bool = False,
        on_event: Listener = silent,
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
            from pgbraid.rehearse import rehearse_pending as verb
        else:
            from pgbraid.upgrade import apply_pending as verb
        wish = self._wish(to, not_applied)
        options = replace(self._options(on_event, stop), durable_each=durable_each, batch=batch)
        return verb(self.migrations, self._target(conninfo), self.tracker, wish, options)

    async def aup(  # noqa: PLR0913 - what a run can be asked for
        self,
        conninfo: str | Target,
        *,
        to: int | None = None,
        not_applied: Iterable[int] = (),
        dry_run: bool = False,
        durable_each: bool = False,
        batch: bool = False,
        on_event: Listener = silent,
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
        from pgbraid import inquiry

        wish = self._wish(to, not_applied)
        return inquiry.read_plan(self.migrations, self._target(conninfo), self.tracker, wish)

    def check(self, conninfo: str | Target, *, sums: bool = False) -> Check:
        """Return whether the applied set is exactly the files' and nothing has drifted.

        With ``sums`` also whether ``pgbraid.sum`` lists exactly the files that were loaded.
        """
        from pgbraid import inquiry

        wish = self._wish()
        check = inquiry.check(self.migrations, self._target(conninfo), self.tracker, wish)
        return check if not sums else _with_sums(check, self.migrations)

    def check_files(self, *, sums: bool = False) -> Check:
        """Return whether the files could be run, every text of them; no database is asked.

        With ``sums`` also whether ``pgbraid.sum`` lists exactly the files that were loaded,
        which are the ones that :meth:`up` runs.
        """
        from pgbraid.offline import check_files

        check = check_files(self.migrations)
        return _with_sums(check, self.migrations) if sums else check

    def status(self, conninfo: str | Target) -> Status:
        """Return where every version stands, of the files and of the applied set."""
        from pgbraid import inquiry

        wish = self._wish()
        return inquiry.status(self.migrations, self._target(conninfo), self.tracker, wish)

    def repair(
        self,
        conninfo: str | Target,
        versions: Iterable[int] = (),
        *,
        everything: bool = False,
        rename: bool = False,
    ) -> Repair:
        """Accept files that changed after they were applied: these, or all that have drifted.

        ``rename`` accepts new names too. Raises ConfigError for a version that is not applied.
        """
        from pgbraid import repair

        choice = repair.Choice(some_versions("versions", versions), everything, rename)
        return repair.accept_files(
            self.migrations, self._target(conninfo), self.tracker, choice, self._options()
        )

    def reconcile(
        self,
        conninfo: str | Target,
        versions: Iterable[int] = (),
        *,
        trust: Literal["journal", "set"],
    ) -> Reconciled:
        """Bring set and journal together where they say the opposite: of these versions, or of all.

        With ``trust`` in the journal, the set's rows are put back or taken out; with trust in the
        set, what it lacks runs again. Raises ConfigError for a version on which they agree.
        """
        from pgbraid.reconcile import reconcile_ledger

        chosen, target = some_versions("versions", versions), self._target(conninfo)
        return reconcile_ledger(target, self.tracker, chosen, trust, self._options())

    def baseline(
        self, conninfo: str | Target, version: int | None = None, *, only: Iterable[int] = ()
    ) -> Baselined:
        """Record migrations as applied without running them: up to a version, or ``only`` these.

        For a database that has them by other means, such as a restore without the applied set.
        Raises ConfigError for a version without a file, and where another tool's table says more.
        """
        from pgbraid.baseline import Choice, record_baseline

        through = None if version is None else a_version("version", version)
        choice, target = Choice(through, some_versions("only", only)), self._target(conninfo)
        wish, options = self._wish(), self._options()
        return record_baseline(self.migrations, target, self.tracker, wish, choice, options)

    def adopt(self, conninfo: str | Target, *, not_applied: Iterable[int] = ()) -> Adoption | None:
        """Enter what another tool has applied; None where our set has rows already.

        Raises ConfigError where there is no such tool's table or ``adopt`` is off, ProblemsFound
        where it is not clear what it says.
        """
        from pgbraid import adopt

        target, wish = self._target(conninfo), self._wish(None, not_applied)
        return adopt.adopt_history(self.migrations, target, self.tracker, wish, self._options())

    def withdraw(self, conninfo: str | Target, versions: Iterable[int]) -> tuple[Applied, ...]:
        """Take versions out of the set that were adopted and never ran; return their rows.

        The next :meth:`up` applies them. Raises ConfigError for a version that pgbraid itself
        has applied.
        """
        from pgbraid import adopt

        options = self._options()
        chosen = some_versions("versions", versions)
        return adopt.withdraw_adopted(self._target(conninfo), self.tracker, chosen, options)

    def drop_legacy(self, conninfo: str | Target) -> str:
        """Drop the adopted tool's table and return its name, once our set has all it says."""
        from pgbraid.adopt import drop_legacy

        target, wish = self._target(conninfo), self._wish()
        return drop_legacy(self.migrations, target, self.tracker, wish, self._options())

    def resume(  # noqa: PLR0913 - what can be decided
        self,
        conninfo: str | Target,
        version: int,
        *,
        how: Literal["retry", "skip", "forget"] | None = None,
        statement: int | None = None,
        on_event: Listener = silent,
        stop: StopToken | None = None,
    ) -> Report:
        """Go on with a version outside a transaction that was begun and not finished.

        ``how`` decides about a statement whose end nobody saw: ``retry`` or ``skip`` it, or
        ``forget`` that the file was begun; ``statement`` is the number, from 1, of the one at
        which it is expected to stand. Raises ConfigError where it is not half done or stands
        elsewhere, and what :meth:`up` raises.
        """
        from pgbraid import resume

        wish = self._wish()
        options = self._options(on_event, stop)
        version, target = a_version("version", version), self._target(conninfo)
        statement = None if statement is None else a_statement("statement", statement)
        if how not in {None, "retry", "skip", "forget"}:
            raise ConfigError(f"how must be 'retry', 'skip', 'forget' or None, not {how!r}")
        return resume.resume_version(
            self.migrations, target, self.tracker, wish, version, how, options, statement=statement
        )

    def prove(
        self,
        conninfo: str | Target | None = None,
        *,
        base: str | None = None,
        history: Iterable[int] | None = None,
        on_event: Listener = silent,
        stop: StopToken | None = None,
    ) -> Proof:
        """Return whether an out-of-order history and a fresh database end with the same schema.

        The order is that recorded in a database with what is pending; or what the git commit
        ``base`` has, then what the folder adds; or ``history``, versions as they were applied. It
        is replayed in the ``scratch`` place. Raises ConfigError where not exactly one is given,
        ProblemsFound, and EmbeddedError where there is no server to replay on.
        """
        from pgbraid import prove

        options = self._options(on_event, stop)
        if [conninfo, base, history].count(None) != 2:  # noqa: PLR2004
            raise ConfigError("prove takes one of a database, a base and a history")
        if base is not None:
            folder = self.migrations.label
            base = an_instance("base", base, str, "the name of a git commit")
            return prove.prove_branch(self.migrations, folder, base, self.tracker, options)
        if history is not None:
            order = some_versions("history", history)
            return prove.prove_listed(self.migrations, order, "the history", self.tracker, options)
        target = self._target(conninfo or "")
        return prove.prove_database(self.migrations, target, self.tracker, options)

    def drift(
        self,
        conninfo: str | Target,
        *,
        ignore: str | Iterable[str] = (),
        only_schemas: str | Iterable[str] = (),
        on_event: Listener = silent,
        stop: StopToken | None = None,
    ) -> Drifted:
        """Return how a database, which is only read, differs from what its own history builds.

        ``ignore`` are patterns such as ``table audit.*``; with ``only_schemas`` nothing else is
        compared. Raises ConfigError where it has no history, ServerError where that cannot be
        replayed.
        """
        from pgbraid import drift

        options = self._options(on_event, stop)
        return drift.find_drift(
            self.migrations,
            self._target(conninfo),
            self.tracker,
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
        from pgbraid import drift

        options, schemas = self._options(stop=stop), text_list("only_schemas", only_schemas)
        if conninfo is None:
            return drift.snapshot_of_files(self.migrations, self.tracker, options, schemas)
        target = self._target(conninfo)
        return drift.snapshot_of_database(target, self.tracker, options, schemas)

    def undo(
        self,
        conninfo: str | Target,
        version: int,
        *,
        on_event: Listener = silent,
        stop: StopToken | None = None,
    ) -> Undone:
        """Run a version's down file and take it out of the set, in one transaction.

        Raises ConfigError where it is not applied or has no down file, MigrationFailed after
        rolling back.
        """
        from pgbraid import undo

        options = self._options(on_event, stop)
        wish, version = self._wish(), a_version("version", version)
        return undo.undo_version(
            self.migrations, self._target(conninfo), self.tracker, wish, version, options
        )

    def _options(self, listen: Listener = silent, stop: StopToken | None = None) -> RunOptions:
        settings = self.settings
        return RunOptions(
            settings.lock_wait,
            an_instance("on_event", listen, Callable, "a function that takes an event"),
            an_instance("stop", stop or StopToken(), StopToken, "a pgbraid.StopToken"),
            limits=settings.limits,
            gaps=settings.gaps,
            gaps_require=settings.gaps_require,
            accept=settings.accept,
            explain_for=settings.explain_for,
            search_path=settings.search_path,
            role=settings.role,
            scratch=replace(self.scratch, prelude=settings.prelude),
        )

    def _wish(self, to: int | None = None, not_applied: Iterable[int] = ()) -> Wish:
        to = None if to is None else a_version("to", to)
        skipped, refuse = some_versions("not_applied", not_applied), self.settings.gaps == "refuse"
        verify = Verify(self.settings.verify)
        return Wish(
            to,
            skipped,
            verify,
            self.settings.adopt,
            refuse_gaps=refuse,
            one_ledger=self.settings.ledgers == "one",
            platform=self.settings.prelude is not None,
        )

    def _target(self, given: str | Target) -> Target:
        if not isinstance(given, Target):
            given = parse_target(given, role=self.settings.role)
        own = self.settings
        return replace(given, search_path=own.search_path, session_pooler=own.session_pooler)


def _with_sums(check: Check, migrations: MigrationSet) -> Check:
    from pgbraid.manifest import with_sums

    return with_sums(check, migrations)
