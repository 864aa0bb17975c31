"""Runs the script of a migration as it stands, and locates its errors in the file."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg

from pgbraid.model import sqlstate
from pgbraid.model.errors import MigrationFailed
from pgbraid.model.migration import Diagnostic, LedgerTable, Location, Migration
from pgbraid.postgres.client.connection import (
    ended_transaction,
    error_of,
    error_position,
    reject_unexpected_copy,
)
from pgbraid.postgres.client.server_errors import diagnose
from pgbraid.postgres.transaction.boundaries import fire_deferred
from pgbraid.postgres.transaction.error_hints import BEFORE_WRITES, NOT_IN_A_TRANSACTION, hint_for
from pgbraid.sql.script import Script, Segment, line_at
from pgbraid.sql.secrets import mask, secrets_near

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from psycopg.pq.abc import PGresult

    from pgbraid.postgres.client.session import Session
    from pgbraid.sql.secrets import Secrets
    from pgbraid.sql.stream import ScriptPart

__all__ = [
    "ledger_written_error",
    "may_touch_locks",
    "migration_error",
    "run_script",
    "run_segment",
    "run_segments",
    "transaction_ended_error",
]

_MAY_BE_COMMITTED = (
    "Its statements before that may be committed; the migration is not recorded as applied."
)
_PARSING_SETTINGS = {"client_encoding": "UTF8", "standard_conforming_strings": "on"}
"""The settings by which the server reads a script, with our values. It reports every change."""
_UNCONVERTED = frozenset({"UTF8", "SQL_ASCII"})
"""Server encodings that keep our bytes where a script, as a dump may, sets SQL_ASCII."""
_ERROR_TEXT = 80
"""Characters from the error position on that are searched for a hint."""
_LONGEST_LINE, _EXCERPT_RADIUS = 10_000, 1_000
"""The longest line that is shown whole, and the characters on either side of an error in others."""
_CALLING = frozenset({("SELECT",), ("WITH",), ("VALUES",), ("DO",), ("CALL",), ("EXECUTE",)})
_LOCKS = re.compile("advisory|discard", re.IGNORECASE)


def run_script(session: Session, migration: Migration, parts: Iterable[ScriptPart]) -> None:
    """Run a script in the open transaction, each of its segments as one message.

    Raises MigrationFailed with the place in the file, any error that ``parts`` raise, and psycopg's
    error if the connection is lost.
    """
    script = run_segments(session, migration, parts)
    # Deferred triggers fire before the settings of the body are reset: a trigger runs as its author
    # wrote it, and its error is the migration's, not COMMIT's.
    _run_deferred(session, migration, script)


def run_segments(session: Session, migration: Migration, parts: Iterable[ScriptPart]) -> Script:
    """Run the segments of a script, in a transaction block or outside; return the last script part.

    The next segment is read and parsed while the server runs the present one. Raises the same
    errors as :func:`run_script`.
    """
    segments = ((part.script, segment) for part in parts for segment in part.segments())
    current = next(segments, None)
    script = Script("")
    while current is not None:
        script, segment = current
        if session.pooler and (names := session.pooler.new_custom_settings(segment.sql)):
            # Save the values before this text sets them; pg_settings does not list them.
            session.pooler.settings |= dict(
                session.run("session", "current_settings", names=names).fetchall()
            )
        ahead: list[tuple[Script, Segment] | None] = []
        if segment.data is not None:
            _run_copy(session, migration, script, segment)
        else:
            run_segment(session, migration, current, lambda: ahead.append(next(segments, None)))  # noqa: B023 - called before the next turn
        current = ahead[0] if ahead else next(segments, None)
    return script


def run_segment(
    session: Session,
    migration: Migration,
    current: tuple[Script, Segment],
    meanwhile: Callable[[], None] | None = None,
    then: str = "",
) -> list[PGresult]:
    """Run a segment that is no COPY, in one message with the SQL ``then`` of ours behind it.

    Return the results. Raises the same errors as :func:`run_script`; an error of ``then`` counts as
    one of the segment.
    """
    _check_parsing_settings(session, migration)
    script, segment = current
    # The line break before the semicolon ends a comment in the last line of the segment.
    text = f"{segment.sql}\n;{then}" if then else segment.sql
    done, ended = 0, False
    try:
        results = session.send(text.encode(), meanwhile, tick=session.watching())
        done, ended = len(results) - 1, ended_transaction(results)
        _raise_failed(session, results)
    except psycopg.Error as error:
        at = _offset(session, error, segment, done)
        raise migration_error(session, migration, script, error, at=at, ended=ended) from None
    if ended:
        raise transaction_ended_error(migration)
    return results


def _check_parsing_settings(session: Session, migration: Migration) -> None:
    """Raise MigrationFailed if the script has changed how the server reads the rest of it."""
    for name, expected in _PARSING_SETTINGS.items():
        value = session.conn.info.parameter_status(name)
        unconverted = value == "SQL_ASCII" and session.encoding in _UNCONVERTED
        if value != expected and not unconverted:
            diagnostic = Diagnostic(
                "ERROR",
                f"the migration changes {name} to {value}, and more of its text follows",
                detail=f"The server must read the whole file with {name} = {expected}.",
                hint="Remove that change from the file, then run `pgbraid up` again.",
                location=Location(migration.path),
            )
            raise MigrationFailed(migration, diagnostic)


def _raise_failed(session: Session, results: list[PGresult]) -> None:
    reject_unexpected_copy(session.conn, results)
    error = error_of(results)
    if error is not None:
        raise error


def _run_copy(session: Session, migration: Migration, script: Script, segment: Segment) -> None:
    _check_parsing_settings(session, migration)
    try:
        with session.conn.cursor() as cursor, cursor.copy(segment.sql.encode()) as copy:
            for chunk in segment.data or ():
                session.check_stop()
                copy.write(chunk.encode())
    except psycopg.Error as error:
        at = _offset(session, error, segment, 0)
        raise migration_error(session, migration, script, error, at=at) from None


def _run_deferred(session: Session, migration: Migration, script: Script) -> None:
    try:
        fire_deferred(session)
    except psycopg.Error as error:
        raise migration_error(session, migration, script, error) from None


def migration_error(  # noqa: PLR0913 - the error, its migration and its place
    session: Session,
    migration: Migration,
    script: Script,
    error: psycopg.Error,
    *,
    at: tuple[int, bool] | None = None,
    ended: bool = False,
) -> MigrationFailed:
    """Return a script's error with its place in the file.

    ``at`` is the offset in the script's text, and whether the server named it. ``ended`` is true if
    the script had ended its transaction before. Raises ``error`` unchanged after a lost connection
    or a stop, because the outcome is then resolved elsewhere.
    """
    if session.conn.closed or session.conn.broken or session.stop.requested:
        raise error
    secrets = secrets_near(script.text)
    diagnostic = diagnose(session.target, error.diag, error, secrets=secrets)
    rest = script.text[at[0] : at[0] + _ERROR_TEXT] if at and at[1] else None
    hint = hint_for(session, error, diagnostic, rest) or diagnostic.hint
    placed = _placed(replace(diagnostic, hint=hint), at, migration, script, secrets)
    failed = MigrationFailed(migration, _with_commit(placed, ended=ended), incomplete=ended)
    failed.needs_no_transaction = error.diag.source_function == NOT_IN_A_TRANSACTION
    failed.needs_first_statement = (error.diag.source_function, error.sqlstate) == BEFORE_WRITES
    return failed


def may_touch_locks(script: Script) -> bool:
    """Whether a script may have taken or released an advisory lock, judged by its text.

    A call in a trigger or a default is missed. That is safe, because each transaction takes the
    xact lock; this check only keeps the session lock intact for the sessions that wait for it.
    """
    calls = any(statement.words[:1] in _CALLING for statement in script.statements)
    return calls or _LOCKS.search(script.text) is not None


def transaction_ended_error(migration: Migration) -> MigrationFailed:
    """Return the error of a script that ended its transaction."""
    diagnostic = Diagnostic(
        "ERROR",
        "the migration ended its transaction",
        sqlstate=sqlstate.INVALID_TRANSACTION_TERMINATION,
        detail=_MAY_BE_COMMITTED,
        hint="Remove COMMIT, ROLLBACK and the like from the file, undo what it did, then run "
        "`pgbraid up` again.",
        location=Location(migration.path),
    )
    return MigrationFailed(migration, diagnostic, incomplete=True)


def ledger_written_error(migration: Migration, ledger: LedgerTable) -> MigrationFailed:
    """Return the error of a script that wrote to the ledger."""
    diagnostic = Diagnostic(
        "ERROR",
        f"the migration writes to {ledger.schema}.{ledger.table}, which only pgbraid may change",
        detail="The applied set would no longer record what ran.",
        hint="Remove that change from the file, then run `pgbraid up` again. The commands `pgbraid "
        "repair`, `adopt --not-applied` and `undo` change the applied set.",
        location=Location(migration.path),
    )
    return MigrationFailed(migration, diagnostic)


def _with_commit(diagnostic: Diagnostic, *, ended: bool) -> Diagnostic:
    """Add to an error's detail that the script may have committed before it."""
    if not ended:
        return diagnostic
    server_detail = diagnostic.detail
    detail = f"{server_detail}\n{_MAY_BE_COMMITTED}" if server_detail else _MAY_BE_COMMITTED
    return replace(diagnostic, detail=detail, sqlstate=sqlstate.INVALID_TRANSACTION_TERMINATION)


def _offset(
    session: Session, error: psycopg.Error, segment: Segment, done: int
) -> tuple[int, bool] | None:
    """Return the offset of an error in the text, and whether the server named it.

    Otherwise it is the start of the statement after the ``done`` completed ones.
    """
    position = error_position(error, segment.sql, session.encoding)
    if position is not None:
        return segment.offset + position, True
    if done < len(segment.starts):
        return segment.starts[done], False
    return None


def _placed(
    diagnostic: Diagnostic,
    offset: tuple[int, bool] | None,
    migration: Migration,
    script: Script,
    secrets: Secrets,
) -> Diagnostic:
    """Add the place in the file and its line, with secrets masked."""
    if offset is None:
        return replace(diagnostic, location=Location(migration.path))
    excerpt, index = _excerpt(*line_at(script.text, offset[0]), secrets)
    return replace(
        diagnostic,
        location=Location(migration.path, *script.place(offset[0])),
        excerpt=excerpt,
        caret=index if offset[1] else None,
    )


def _excerpt(line: str, index: int, secrets: Secrets) -> tuple[str, int]:
    """Return a line with secrets masked, and an index in it; a very long line is cut around it."""
    if len(line) <= _LONGEST_LINE:
        return mask(line, secrets), index
    # Mask a wider cut first, so that no part of a secret remains at the ends of the excerpt.
    start = max(index - 2 * _EXCERPT_RADIUS, 0)
    wide = mask(line[start : index + 2 * _EXCERPT_RADIUS], secrets)
    # The cut may begin inside quotes or outside: mask it both ways.
    wide = mask(f"'{wide}", secrets)[1:] if start else wide
    index -= start
    start = max(index - _EXCERPT_RADIUS, 0)
    return wide[start : index + _EXCERPT_RADIUS], index - start
