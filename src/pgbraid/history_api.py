"""The methods of a Migrator that record migrations without running them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.arguments import a_version, some_versions
from pgbraid.settings.settings import text_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.migration import AppliedMigration, MigrationSet
    from pgbraid.model.options import RunOptions
    from pgbraid.model.results import Adoption, Baselined, Exported
    from pgbraid.postgres.client.conninfo import Target

__all__ = ["HistoryMethods"]


class HistoryMethods(ABC):
    """Records migrations that were applied by other means, and hands the record on."""

    __slots__ = ()
    migrations: MigrationSet

    @abstractmethod
    def _command(
        self,
        conninfo: str | Target,
        options: RunOptions | None = None,
        *,
        to: int | None = None,
        not_applied: Iterable[int] = (),
    ) -> Command:
        """Return the input of a command."""

    def baseline(
        self,
        conninfo: str | Target,
        version: int | None = None,
        *,
        only: Iterable[int] = (),
        verify: bool = False,
        ignore: str | Iterable[str] = (),
    ) -> Baselined:
        """Record migrations as applied without running them: up to a version, or ``only`` some.

        This is for a database that has them already, such as a restore without the applied set.
        With ``verify``, they are first replayed on a scratch server, and the database is compared
        with the result, as :meth:`Migrator.drift` does it, without the objects that a pattern in
        ``ignore`` matches; if they differ, nothing is recorded. Raises ConfigError for a version
        without a file, and if another tool's table has the history.
        """
        from pgbraid.migrate import baseline

        through = None if version is None else a_version("version", version)
        selection = baseline.BaselineSelection(through, some_versions("only", only))
        command = self._command(conninfo)
        if not verify:
            return baseline.record_baseline(command, selection)
        from pgbraid.prove.drift import find_drift

        report = find_drift(
            self.migrations,
            command.target,
            command.ledger,
            command.options,
            text_list("ignore", ignore),
            also_applied=baseline.select_migrations(command, selection),
        )
        if not report.ok:
            from pgbraid.model.results import Baselined

            return Baselined((), drift=report)
        return replace(baseline.record_baseline(command, selection), drift=report)

    def adopt(
        self,
        conninfo: str | Target,
        tool: str | None = None,
        *,
        not_applied: Iterable[int] = (),
        dry_run: bool = False,
    ) -> Adoption | None:
        """Record the versions that another tool applied; return None if the applied set has rows.

        ``tool`` names the tool, such as ``flyway``; it is needed only if the database has the
        tables of several. With ``dry_run`` nothing is written. Raises ConfigError if there is no
        table of another tool, or ``adopt`` is off; raises ProblemsFound if the table does not show
        which migrations are applied.
        """
        from pgbraid.migrate import adopt

        command = self._command(conninfo, not_applied=not_applied)
        return adopt.adopt_history(command, tool, dry_run=dry_run)

    def unadopt(
        self, conninfo: str | Target, versions: Iterable[int]
    ) -> tuple[AppliedMigration, ...]:
        """Remove adopted versions that never ran from the applied set; return their rows.

        The next :meth:`up` applies them. Raises ConfigError for a version that pgbraid itself
        applied.
        """
        from pgbraid.migrate import adopt

        return adopt.unadopt(self._command(conninfo), some_versions("versions", versions))

    def drop_tracker_table(self, conninfo: str | Target) -> str:
        """Drop the adopted tool's table and return its name.

        The applied set must have all versions of that table.
        """
        from pgbraid.migrate.adopt import drop_tracker_table

        return drop_tracker_table(self._command(conninfo))

    def export(self, conninfo: str | Target, tool: str, *, dry_run: bool = False) -> Exported:
        """Record the applied migrations in another tool's table; nothing runs.

        ``tool`` is golang-migrate, goose, dbmate, flyway or sqlx. Raises ProblemsFound if that
        table cannot express the applied set.
        """
        from pgbraid.migrate.export import export_history

        return export_history(self._command(conninfo), tool, dry_run=dry_run)
