"""Runs an order of migrations in one transaction, looks at the result, and rolls it back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.core.proof import Ended, Failure
from pgbraid.core.stream import Part
from pgbraid.db.body import failure, run_body
from pgbraid.db.sequences import keeping_sequences
from pgbraid.db.session import cleaning, translating
from pgbraid.db.transactions import defer_again, opening, roll_back, settling
from pgbraid.db.wire import ended_transaction, failed, refuse_copying, send
from pgbraid.errors import MigrationFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pgbraid.core.model import Limits, Migration
    from pgbraid.core.script import Script
    from pgbraid.core.snapshot import Snapshot
    from pgbraid.db.session import Session

__all__ = ["try_order"]

_DEFERS = re.compile(r"\bDEFERR", re.IGNORECASE)


def try_order(
    session: Session,
    order: Sequence[tuple[Migration, Script]],
    read: Callable[[Session], Snapshot | None],
    limits: Limits,
) -> Ended:
    """Run these texts one behind the other, ``read`` the result, and keep nothing.

    Deferred constraints are checked, and the session is cleaned, behind each of them. Raises
    psycopg's errors as ours where the connection is lost.
    """
    defers = any(_DEFERS.search(script.text) for _, script in order)
    tail = f";\n{settling(session)};\n{cleaning(session)}"
    with translating(session), keeping_sequences(session.conn):
        session.conn.execute("BEGIN")
        try:
            for migration, script in order:
                _run(session, migration, script, limits, tail)
                if defers:
                    defer_again(session)
            return Ended(read(session))
        except MigrationFailed as error:
            return Ended(failure=Failure(error.migration, error.diagnostic))
        finally:
            roll_back(session)


def _run(session: Session, migration: Migration, script: Script, limits: Limits, tail: str) -> None:
    session.stop.check()
    segments = script.segments()
    opened = opening(session, limits.of(migration.directives))
    if any(segment.data is not None for segment in segments):
        _send(session, migration, script, opened)
        run_body(session, migration, (Part(script),))
        _send(session, migration, script, f"SELECT 1{tail}")
        return
    body = segments[0].sql if segments else ""
    text = f"{opened};\n{body}\n;SET CONSTRAINTS ALL IMMEDIATE{tail}"
    _send(session, migration, script, text)


def _send(session: Session, migration: Migration, script: Script, text: str) -> None:
    results = send(session.conn, text.encode())
    refuse_copying(session.conn, results)
    error = failed(results)
    if error is not None:
        ended = ended_transaction(results)
        raise failure(session, migration, script, error, ended=ended) from None
