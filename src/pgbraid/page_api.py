"""The method of a Migrator that makes the report page."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.errors import PgbraidError
    from pgbraid.model.events import Listener
    from pgbraid.model.options import RunOptions, StopToken
    from pgbraid.model.proof import DriftReport, Proof
    from pgbraid.page.page import Page
    from pgbraid.page.sections.hazards import Hazard
    from pgbraid.postgres.client.conninfo import Target

__all__ = ["PageMethods"]


class PageMethods(ABC):
    """Shows the state of a database as a page."""

    __slots__ = ()

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

    @abstractmethod
    def _options(self, on_event: Listener = ..., stop: StopToken | None = None) -> RunOptions:
        """Return the options of a command."""

    def report(
        self,
        conninfo: str | Target,
        *,
        proof: Proof | PgbraidError | None = None,
        drift: DriftReport | PgbraidError | None = None,
        hazards: str | tuple[Hazard, ...] | None = None,
        stop: StopToken | None = None,
    ) -> Page:
        """Return the report page: the two orders, the runs, and the results that are given.

        ``proof`` and ``drift`` are results of :meth:`Migrator.prove` and :meth:`Migrator.drift`, or
        the errors that these raised: their sections show them. ``hazards`` is the JSON document of
        ``pgbraid lint --json``. The database is only read. Raises ConfigError if ``hazards`` has
        another shape; the ``html`` of the page raises it if Jinja2 is not installed.
        """
        from pgbraid.page.build import make_page
        from pgbraid.page.reading import read_page_source
        from pgbraid.page.sections.hazards import parse_hazards

        found = parse_hazards(hazards, "`hazards`") if isinstance(hazards, str) else hazards
        source = read_page_source(self._command(conninfo, self._options(stop=stop)))
        return make_page(source, proof=proof, drift=drift, hazards=found)
