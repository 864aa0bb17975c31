"""Our statements about the catalogs, prepared once for a session.

The server takes longer to plan them than to run them. A plan stays valid while search_path is the
same, so the statements run with the path of our own statements, whatever a migration has set.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg

from pgbraid.postgres.client.connection import error_of
from pgbraid.postgres.client.session import reset_session_sql, send_sql
from pgbraid.postgres.statement_texts import statement_text

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    from pgbraid.postgres.client.session import Session

__all__ = ["CatalogStatements"]

_PARAMETERS = {
    "all_relations": "(pg_catalog.int8)",
    "counters": "",
    "effects": "(pg_catalog.int8, pg_catalog.oid[])",
    "highest_relation": "",
    "objects": "",
    "prepared_names": "",
}
"""The statements and the types of their parameters."""
_SETTINGS = "SET jit = off; SET max_parallel_maintenance_workers = 0"
"""With enable_seqscan off, a plan costs so much that jit would compile it."""
_SAVE = (
    "SELECT pg_catalog.set_config('pgbraid.search_path', pg_catalog.current_setting("
    "'search_path'), true), pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true), "
    "pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true)"
)
_RESTORE = (
    "SELECT pg_catalog.set_config('search_path', pg_catalog.current_setting("
    "'pgbraid.search_path'), true), pg_catalog.set_config('plan_cache_mode', 'auto', true)"
)


class CatalogStatements:
    """Runs our prepared statements about the catalogs of one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._number = 0
        send_sql(session, _SETTINGS)
        self.prepare()

    def prepare(self) -> None:
        """Prepare the statements again, under new names: a migration may have removed them."""
        self._number += 1
        texts = [
            f"PREPARE {self._call(name)}{types} AS {_text(name)}"
            for name, types in _PARAMETERS.items()
        ]
        send_sql(self.session, ";\n".join(texts))

    def execute(self, *calls: str, then: str = "") -> list[Any]:
        """Run statements in one message and return the only value of each.

        A call is a name, with values in parentheses if the statement takes some. ``then`` is SQL to
        run behind them, with the settings of the migration. Raises psycopg's error.
        """
        executed = [f"EXECUTE {self._call(call)}" for call in calls]
        message = ";\n".join([_SAVE, *executed, _RESTORE, *([then] if then else [])])
        results = self.session.send(message.encode())
        error = error_of(results)
        if error is not None:
            raise error
        return [_value(result) for result in results[1 : 1 + len(calls)]]

    def reset(self) -> None:
        """Remove what a migration left in the session, but not our prepared statements.

        They are prepared again if the migration removed them or prepared others.
        """
        reset = reset_session_sql(self.session, keep_prepared=True)
        message = f"{reset};\n{_SETTINGS};\nEXECUTE {self._call('prepared_names')}"
        results = self.session.send(message.encode())
        error = error_of(results)
        if error is None and _value(results[-1]) == sorted(self._names):
            return
        if error is not None and not isinstance(error, psycopg.errors.InvalidSqlStatementName):
            raise error
        send_sql(self.session, f"{reset_session_sql(self.session)};\n{_SETTINGS}")
        self.prepare()

    @property
    def _names(self) -> list[str]:
        return [self._call(name) for name in _PARAMETERS]

    def _call(self, call: str) -> str:
        return f"pgbraid_{self._number}_{call}"


def _text(name: str) -> str:
    text = statement_text("observation", name)
    return text.replace(":relations", statement_text("observation", "relations"))


def _value(result: PGresult) -> Any:  # noqa: ANN401 - a JSON value
    value = result.get_value(0, 0)
    return None if value is None else json.loads(value)
