"""A connection for one test, whose transaction is rolled back at the end."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row

from pgbraid.model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg.pq.abc import PGconn

__all__ = ["RolledBack", "RolledBackConnection"]

_BEGIN = b"BEGIN; SAVEPOINT pgbraid_test"


class RolledBackConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection in a transaction that is rolled back at the end of the test.

    ``transaction()`` makes savepoints. ``rollback()`` begins the transaction again.
    """

    def commit(self) -> NoReturn:
        """Raise ConfigError: another test would see what is committed."""
        __tracebackhide__ = True
        raise ConfigError(
            "this connection is rolled back at the end of the test, and cannot commit",
            hint="Use the fixture `pgbraid_db`, whose database is this test's own, or "
            "`conn.transaction()`, which makes a savepoint.",
        )

    def rollback(self) -> None:
        """Roll back what the test did, and begin the transaction again."""
        super().rollback()
        self.pgconn.exec_(_BEGIN)

    def __exit__(self, *error: object) -> None:
        """Close the connection, rolled back, instead of the commit of psycopg."""
        self.close()

    def __del__(self, *_: object) -> None:
        """Warn of nothing: the session stays open for the next test."""


class RolledBack:
    """Lends the one session of a database to one test after the other."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters
        self._pgconn: PGconn | None = None

    def begin(self) -> RolledBackConnection:
        """Return a new connection object on the session, in a transaction.

        The object is new, so that no adapter, row factory or handler of another test is left.
        Raises the driver's error.
        """
        if self._pgconn is None or self._pgconn.status != pq.ConnStatus.OK:
            pgconn = pq.PGconn.connect(make_conninfo(**self._parameters).encode())
            if pgconn.status != pq.ConnStatus.OK:
                raise psycopg.OperationalError(pgconn.get_error_message())
            self._pgconn = pgconn
        self._pgconn.exec_(_BEGIN)
        return RolledBackConnection(self._pgconn, row_factory=tuple_row)

    def end(self) -> bool:
        """Roll back and clean the session; return False if the test committed something."""
        pgconn = self._pgconn
        if pgconn is None or pgconn.status != pq.ConnStatus.OK:
            return True  # closed by the test: the server rolled back
        if pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
            pgconn.finish()
            return True
        back = pgconn.exec_(b"ROLLBACK TO SAVEPOINT pgbraid_test")
        with suppress(psycopg.Error):
            pgconn.exec_(b"ROLLBACK")
            pgconn.exec_(b"DISCARD ALL")
        # Without the savepoint another transaction runs than the one that began.
        return back.status == pq.ExecStatus.COMMAND_OK

    def close(self) -> None:
        """Close the session."""
        if self._pgconn is not None:
            self._pgconn.finish()
            self._pgconn = None
