"""A connection for one test, whose transaction is rolled back at the end."""

from __future__ import annotations

from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any, NoReturn

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row

from pgbraid.model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg.pq.abc import PGconn

__all__ = ["Ending", "RolledBack", "RolledBackConnection"]

_BEGIN = b"BEGIN; SAVEPOINT pgbraid_test"


class Ending(Enum):
    """What a test has left in the database of its connection."""

    CLEAN = 1
    COMMITTED = 2
    UNKNOWN = 3
    """The session ended in another way than by ``close()``: the test may have committed before."""


def _rolled_back(pgconn: PGconn) -> Ending:
    """Roll back to the savepoint: without it another transaction runs than the one that began."""
    if (
        pgconn.status != pq.ConnStatus.OK
        or pgconn.pipeline_status != pq.PipelineStatus.OFF
        or pgconn.transaction_status == pq.TransactionStatus.ACTIVE
    ):
        return Ending.UNKNOWN
    back = pgconn.exec_(b"ROLLBACK TO SAVEPOINT pgbraid_test")
    if back.status == pq.ExecStatus.COMMAND_OK:
        return Ending.CLEAN
    return Ending.COMMITTED if pgconn.status == pq.ConnStatus.OK else Ending.UNKNOWN


class RolledBackConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection in a transaction that is rolled back at the end of the test.

    ``transaction()`` makes savepoints. ``rollback()`` begins the transaction again.
    """

    ending: Ending | None = None
    """What the test had left when it rolled back or closed the connection, if it did."""

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
        if not self._num_transactions:  # in a block of `transaction()` psycopg refuses it
            self._note_ending()
        super().rollback()
        self.pgconn.exec_(_BEGIN)

    def close(self) -> None:
        """Close the connection, rolled back."""
        if not self.closed:
            self._note_ending()
        super().close()

    def _note_ending(self) -> None:
        if self.ending in {None, Ending.CLEAN}:
            self.ending = _rolled_back(self.pgconn)

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
        self._lent: RolledBackConnection | None = None

    def begin(self) -> RolledBackConnection:
        """Return a new connection object on the session, in a transaction.

        The object is new, so that no adapter, row factory or handler of another test is left.
        Raises the driver's error.
        """
        pgconn = self._pgconn
        if pgconn is None or pgconn.exec_(_BEGIN).status != pq.ExecStatus.COMMAND_OK:
            pgconn = pq.PGconn.connect(make_conninfo(**self._parameters).encode())
            if pgconn.status != pq.ConnStatus.OK:
                raise psycopg.OperationalError(pgconn.get_error_message())
            pgconn.exec_(_BEGIN)
            self._pgconn = pgconn
        self._lent = RolledBackConnection(pgconn, row_factory=tuple_row)
        return self._lent

    def end(self) -> Ending:
        """Roll back and clean the session; return what the test has left in the database."""
        pgconn, lent, self._lent = self._pgconn, self._lent, None
        if pgconn is None or lent is None:
            return Ending.CLEAN
        earlier = lent.ending
        if pgconn.status != pq.ConnStatus.OK:
            self._pgconn = None
            return earlier or Ending.UNKNOWN
        ending = _rolled_back(pgconn)
        if ending is Ending.UNKNOWN:
            self.close()
        else:
            with suppress(psycopg.Error):
                pgconn.exec_(b"ROLLBACK")
                pgconn.exec_(b"DISCARD ALL")
        return ending if earlier is None or earlier is Ending.CLEAN else earlier

    def close(self) -> None:
        """Close the session."""
        if self._pgconn is not None:
            self._pgconn.finish()
            self._pgconn = None
