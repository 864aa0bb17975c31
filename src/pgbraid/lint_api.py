"""The method of a Migrator that judges what migrations would do to production."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.arguments import some_versions
from pgbraid.model.errors import ConfigError
from pgbraid.model.options import StopToken, ignore_event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.model.events import Listener
    from pgbraid.model.findings import HazardReport
    from pgbraid.model.hazards.sizes import Sizes
    from pgbraid.model.migration import LedgerTable, MigrationSet
    from pgbraid.model.options import RunOptions
    from pgbraid.postgres.client.conninfo import Target
    from pgbraid.settings.settings import Settings

__all__ = ["LintMethods"]


class LintMethods(ABC):
    """Runs migrations on a scratch server and finds their hazards."""

    __slots__ = ()
    migrations: MigrationSet
    settings: Settings

    @property
    @abstractmethod
    def ledger(self) -> LedgerTable:
        """The schema and table of the applied set."""

    @abstractmethod
    def _options(self, on_event: Listener = ..., stop: StopToken | None = None) -> RunOptions:
        """Return the options of a command."""

    @abstractmethod
    def _target(self, conninfo: str | Target) -> Target:
        """Return the database of a connection string, with the settings."""

    def lint(  # noqa: PLR0913 - what is judged, and by which numbers
        self,
        conninfo: str | Target | None = None,
        *,
        base: str | None = None,
        versions: Iterable[int] | None = None,
        sizes: Sizes | None = None,
        queries: Iterable[str] | None = None,
        probe: bool = False,
        on_event: Listener = ignore_event,
        stop: StopToken | None = None,
    ) -> HazardReport:
        """Return the hazards of migrations: the effects of each statement on a production database.

        With ``conninfo``, the pending migrations are judged, by the sizes of that database; with
        ``base``, the files that the folder adds to a git commit; with ``versions``, each of them
        as if it were the only pending one; with none of them, each file. ``sizes`` and ``queries``
        take the place of the files that the settings name. With ``probe``, the database is searched
        for rows on which a migration would fail. Raises MigrationFailed if a migration of the
        history fails, ProblemsFound, ConfigError, and the errors of the scratch server.
        """
        from pgbraid.prove import lint, lint_inputs, lint_rules

        options = self._options(on_event, stop)
        rules = lint_rules.rules_of(self.settings, sizes, queries)
        chosen = None if versions is None else some_versions("versions", versions)
        target = None if conninfo is None else self._target(conninfo)
        if sum(given is not None for given in (target, base, chosen)) > 1:
            raise ConfigError("`conninfo`, `base` and `versions` judge different migrations")
        if target is not None:
            judged, present = lint_inputs.lint_pending(
                self.migrations, target, self.ledger, options, adopt=self.settings.adopt
            )
            rules = replace(rules, sizes=sizes or present)
        elif probe:
            raise ConfigError("`probe` needs a database", hint="Name it with `conninfo`.")
        elif base is not None:
            judged = lint_inputs.lint_added(self.migrations, self.migrations.label, base)
        else:
            since = self.settings.hazards_from
            judged = lint_inputs.lint_each(self.migrations, chosen, since)
        report = lint.run_lint(judged, rules, self.ledger, options)
        if probe and target is not None:
            from pgbraid.postgres.observation.probes import probe_findings

            findings = probe_findings(report.findings, target, self.ledger, options.stop)
            report = replace(report, findings=findings)
        return report
