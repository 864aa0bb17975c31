"""Runs migrations in one transaction, reads the result, and rolls the transaction back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.model.errors import MigrationFailed
from pgbraid.model.proof import ReplayFailure, ReplayResult
from pgbraid.postgres.client.connection import (
    ended_transaction,
    error_of,
    reject_unexpected_copy,
    send,
)
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.client.session import reset_session_sql
from pgbraid.postgres.scratch.sequence_values import keeping_sequences
from pgbraid.postgres.transaction.boundaries import (
    body_settings_sql,
    finish_body_sql,
    restore_deferrable,
    roll_back,
)
from pgbraid.postgres.transaction.script_runner import migration_error, run_script
from pgbraid.sql.stream import ScriptPart

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pgbraid.model.migration import Migration
    from pgbraid.model.options import Limits
    from pgbraid.model.snapshot import Snapshot
    from pgbraid.postgres.client.session import Session
    from pgbraid.sql.script import Script

__all__ = ["run_and_roll_back"]

_DEFERS = re.compile(r"\bDEFERR", re.IGNORECASE)


def run_and_roll_back(
    session: Session,
    order: Sequence[tuple[Migration, Script]],
    read: Callable[[Session], Snapshot | None],
    limits: Limits,
) -> ReplayResult:
    """Run migrations in the given order, ``read`` the result, and roll everything back.

    After each migration deferred constraints are checked and the session is reset. If the
    connection is lost, psycopg's error is raised as an error of pgbraid.
    """
    defers = any(_DEFERS.search(script.text) for _, script in order)
    tail = f";\n{finish_body_sql(session)};\n{reset_session_sql(session)}"
    with translate_errors(session), keeping_sequences(session.conn):
        session.conn.execute("BEGIN")
        try:
            for migration, script in order:
                _run(session, migration, script, limits, tail)
                if defers:
                    restore_deferrable(session)
            return ReplayResult(read(session))
        except MigrationFailed as error:
            return ReplayResult(failure=ReplayFailure(error.migration, error.diagnostic))
        finally:
            roll_back(session)


def _run(session: Session, migration: Migration, script: Script, limits: Limits, tail: str) -> None:
    session.check_stop()
    segments = script.segments()
    opened = body_settings_sql(session, limits.with_directives(migration.directives))
    # A COPY with its data in the file needs its own exchange with the server, so the script
    # cannot be one message.
    if any(segment.data is not None for segment in segments):
        _send(session, migration, script, opened)
        run_script(session, migration, (ScriptPart(script),))
        _send(session, migration, script, f"SELECT 1{tail}")
        return
    body = segments[0].sql if segments else ""
    # The line break before the semicolon ends a comment in the last line of the body.
    text = f"{opened};\n{body}\n;SET CONSTRAINTS ALL IMMEDIATE{tail}"
    _send(session, migration, script, text)


def _send(session: Session, migration: Migration, script: Script, text: str) -> None:
    results = send(session.conn, text.encode())
    reject_unexpected_copy(session.conn, results)
    error = error_of(results)
    if error is not None:
        ended = ended_transaction(results)
        raise migration_error(session, migration, script, error, ended=ended) from None
