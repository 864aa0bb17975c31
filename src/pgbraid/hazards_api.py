"""The methods of a Migrator about production: its sizes, and the statements that it serves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pgbraid.arguments import an_instance
from pgbraid.model.errors import ConfigError
from pgbraid.model.options import StopToken

if TYPE_CHECKING:
    from pgbraid.model.hazards.sizes import Sizes, Workload
    from pgbraid.model.migration import LedgerTable
    from pgbraid.postgres.client.conninfo import Target

__all__ = ["HazardMethods"]


class HazardMethods(ABC):
    """Reads the numbers of a production database by which hazards are weighed."""

    __slots__ = ()

    @property
    @abstractmethod
    def ledger(self) -> LedgerTable:
        """The schema and table of the applied set."""

    @abstractmethod
    def _target(self, conninfo: str | Target) -> Target:
        """Return the database of a connection string, with the settings."""

    def sizes(self, conninfo: str | Target, *, stop: StopToken | None = None) -> Sizes:
        """Return the sizes and the traffic of the tables of a database, from its statistics.

        Only SELECT is sent, no table is locked, and nothing waits for another session. Any role
        that may connect can read them.
        """
        from pgbraid.migrate.production import production_sizes

        return production_sizes(self._target(conninfo), self.ledger, _stop(stop))

    def queries(
        self, conninfo: str | Target, *, limit: int = 500, stop: StopToken | None = None
    ) -> Workload:
        """Return the most frequent statements of a database, from pg_stat_statements.

        Only SELECT is sent. ``unreadable`` of the value is the reason if there is no such extension
        or the role may not read it. Raises ConfigError for a ``limit`` below 1.
        """
        from pgbraid.migrate.production import production_queries

        if isinstance(limit, bool) or an_instance("limit", limit, int, "a number") < 1:
            raise ConfigError(f"`limit` must be a number from 1, not {limit!r}")
        return production_queries(self._target(conninfo), self.ledger, _stop(stop), limit)


def _stop(stop: StopToken | None) -> StopToken:
    return an_instance("stop", stop or StopToken(), StopToken, "a pgbraid.StopToken")
