"""Finds the queries of the running release that the server rejects after a migration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.postgres.client.connection import error_of
from pgbraid.postgres.transaction.boundaries import apply_session_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.postgres.observation.catalog_statements import CatalogStatements

__all__ = ["PreparedWorkload"]

_PARAMETER = re.compile(r"\$([0-9]{1,5})\b")


class PreparedWorkload:
    """The queries that can be prepared on a database, before a migration and after it.

    A query counts only from the moment at which it can be prepared: the texts of
    ``pg_stat_statements`` include some that never can.
    """

    def __init__(self, statements: CatalogStatements, queries: Iterable[str]) -> None:
        self._statements = statements
        self._session = statements.session
        self.working = list(queries)
        self.broken()

    def broken(self) -> tuple[tuple[str, str], ...]:
        """Return the queries that worked until now and fail now, with the server's error."""
        if not self.working:
            return ()
        # The search_path of the migrating role, not the empty one of our own statements.
        apply_session_settings(self._session, self._session.limits)
        failing = [(query, self._error(query)) for query in self.working]
        self._statements.reset()
        broken = tuple((query, error) for query, error in failing if error is not None)
        gone = {query for query, _ in broken}
        self.working = [query for query in self.working if query not in gone]
        return broken

    def _error(self, query: str) -> str | None:
        numbers = [int(number) for number in _PARAMETER.findall(query)]
        values = ", ".join(["NULL"] * max(numbers, default=0))
        # EXPLAIN plans the query, and only the plan shows that ON CONFLICT finds no index. The line
        # break ends a comment in the last line of the query.
        text = (
            f"DEALLOCATE ALL; PREPARE pgbraid_query AS {query}\n; "
            f"EXPLAIN EXECUTE pgbraid_query{f'({values})' if values else ''}"
        )
        error = error_of(self._session.send(text.encode()))
        return None if error is None else error.diag.message_primary or str(error)
