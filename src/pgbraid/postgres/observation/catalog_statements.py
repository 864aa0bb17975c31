"""Our statements about the catalogs, prepared once for a session.

The server takes longer to plan them than to run them. A plan stays valid while search_path is the
same, so the statements run with the path of our own statements, not with that of a migration.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg

from pgbraid.postgres.client.connection import error_of
from pgbraid.postgres.client.session import reset_session_sql, send_sql
from pgbraid.postgres.statement_texts import statement_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.pq.abc import PGresult

    from pgbraid.postgres.client.session import Session

__all__ = ["CatalogStatements", "answer_in", "seconds_before"]

_PARAMETERS = {
    "all_relations": "(pg_catalog.int8, pg_catalog.oid[])",
    "counters": "",
    "effects": "(pg_catalog.int8, pg_catalog.oid[], pg_catalog.xid)",
    "highest_ids": "",
    "objects": "(pg_catalog.xid)",
    "prepared_names": "",
    "restore_path": "",
    "save_path": "",
}
"""The statements and the types of their parameters."""
_SETTINGS = "SET jit = off; SET max_parallel_maintenance_workers = 0"
"""With enable_seqscan off, a plan costs so much that jit would compile it."""


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
        """Run statements in one message, outside a migration, and return the only value of each.

        A call is a name, with values in parentheses if the statement takes some. ``then`` is SQL to
        run behind them. Raises psycopg's error.
        """
        executed = [f"EXECUTE {self._call(call)}" for call in calls]
        message = ";\n".join([*executed, *([then] if then else [])])
        results = self.session.send(message.encode())
        error = error_of(results)
        if error is not None:
            raise error
        return [_value(result) for result in results[: len(calls)]]

    def inside(self, call: str, then: str = "") -> str:
        """Return SQL that runs a statement within a migration; ``then`` runs behind it.

        :func:`answer_in` reads its results.
        """
        executed = [f"EXECUTE {self._call(name)}" for name in ("save_path", call, "restore_path")]
        return ";\n".join([*executed, *([then] if then else [])])

    def reset(self, *calls: str) -> list[Any]:
        """Remove what a migration left in the session, but not our prepared statements.

        They are prepared again if the migration removed them or prepared others. Return the values
        of ``calls``, which run behind that.
        """
        executed = [f"EXECUTE {self._call(call)}" for call in ("prepared_names", *calls)]
        reset = reset_session_sql(self.session, keep_prepared=True)
        results = self.session.send(";\n".join([reset, _SETTINGS, *executed]).encode())
        error = error_of(results)
        if error is None:
            present, *values = (_value(result) for result in results[-len(executed) :])
            if present == sorted(self._names):
                return values
        elif not isinstance(error, psycopg.errors.InvalidSqlStatementName):
            raise error
        send_sql(self.session, f"{reset_session_sql(self.session)};\n{_SETTINGS}")
        self.prepare()
        return self.execute(*calls) if calls else []

    @property
    def _names(self) -> list[str]:
        return [self._call(name) for name in _PARAMETERS]

    def _call(self, call: str) -> str:
        return f"pgbraid_{self._number}_{call}"


def answer_in(results: Sequence[PGresult]) -> Any:  # noqa: ANN401 - a JSON value
    """Return the value of a statement that ran within a migration, from the message's results."""
    return _value(results[_saved(results) + 1])


def seconds_before(results: Sequence[PGresult]) -> float:
    """Return how long the SQL in front of such a statement took."""
    return float(results[_saved(results)].get_value(0, 0) or b"0")


def _saved(results: Sequence[PGresult]) -> int:
    """Return the index of the result of ``save_path``. SQL of the migration may stand before it."""
    return next(
        index
        for index in range(len(results) - 1, -1, -1)
        if results[index].nfields and results[index].fname(0) == b"pgbraid_saved"
    )


def _text(name: str) -> str:
    text = statement_text("observation", name)
    relations = statement_text("observation", "relations")
    oldest = "pg_catalog.age($3)" if name == "effects" else "2147483647"
    return text.replace(":relations", relations.replace(":oldest", oldest))


def _value(result: PGresult) -> Any:  # noqa: ANN401 - a JSON value
    value = result.get_value(0, 0)
    return None if value is None else json.loads(value)
