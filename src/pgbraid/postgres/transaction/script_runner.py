"""Runs a migration's text as it stands and says of an error where in the file it is."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg

from pgbraid.model import sqlstate
from pgbraid.model.errors import MigrationFailed
from pgbraid.model.migration import Diagnostic, LedgerTable, Location, Migration
from pgbraid.postgres.client.server_errors import diagnose
from pgbraid.postgres.client.wire import (
    ended_transaction,
    error_of,
    error_position,
    reject_unexpected_copy,
    send,
)
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
    "run_segments",
    "transaction_ended_error",
]

_MAY_BE_COMMITTED = "What it did before that may be committed; it is not recorded as applied."
_READING = {"client_encoding": "UTF8", "standard_conforming_strings": "on"}
"""Settings, reported by the server, by which it reads what is sent, and our values of them."""
_UNCONVERTED = frozenset({"UTF8", "SQL_ASCII"})
"""Encodings of a server that keep our bytes where the client's is SQL_ASCII, as dumps set it."""
_SHOWN = 80
"""Characters behind an error that tell what stands there."""
_LONGEST_LINE, _ROUND = 10_000, 1_000
"""Characters of a line that is shown whole, and of a longer one on either side of the error."""
_CALLING = frozenset({("SELECT",), ("WITH",), ("VALUES",), ("DO",), ("CALL",), ("EXECUTE",)})
_LOCKS = re.compile("advisory|discard", re.IGNORECASE)


def run_script(session: Session, migration: Migration, parts: Iterable[ScriptPart]) -> None:
    """Run a text in the transaction that is open, each of its segments as one message.

    What it defers to the end of the transaction runs at its own end, with its own settings.
    The next segment is made ready while the server works on one. Raises MigrationFailed with
    the place in the file, what ``parts`` raise, and psycopg's own error where the connection is
    lost.
    """
    _run_deferred(session, migration, run_segments(session, migration, parts))


def run_segments(session: Session, migration: Migration, parts: Iterable[ScriptPart]) -> Script:
    """Run a text's segments, inside a transaction or not; return the last part's script.

    Raises what :func:`run_script` raises.
    """
    pieces = ((part.script, segment) for part in parts for segment in part.segments())
    piece = next(pieces, None)
    script = Script("")
    while piece is not None:
        session.stop.check()
        _check_reading(session, migration)
        script, segment = piece
        if session.pooler and (names := session.pooler.new_custom_settings(segment.sql)):
            session.pooler.settings |= dict(
                session.run("session", "set_now", names=names).fetchall()
            )
        following: list[tuple[Script, Segment] | None] = []
        if segment.data is not None:
            _run_copy(session, migration, script, segment)
        else:
            _run_segment(session, migration, piece, lambda: following.append(next(pieces, None)))  # noqa: B023 - called before the next turn
        piece = following[0] if following else next(pieces, None)
    return script


def _run_segment(
    session: Session,
    migration: Migration,
    piece: tuple[Script, Segment],
    meanwhile: Callable[[], None],
) -> None:
    script, segment = piece
    done, ended = 0, False
    try:
        results = send(session.conn, segment.sql.encode(), meanwhile, tick=session.watching())
        done, ended = len(results) - 1, ended_transaction(results)
        _raise_failed(session, results)
    except psycopg.Error as error:
        at = _offset(session, error, segment, done)
        raise migration_error(session, migration, script, error, at=at, ended=ended) from None
    if ended:
        raise transaction_ended_error(migration)


def _check_reading(session: Session, migration: Migration) -> None:
    """Refuse to send more of a script that has changed by what rules the server reads it."""
    for name, right in _READING.items():
        value = session.conn.info.parameter_status(name)
        as_it_stands = value == "SQL_ASCII" and session.encoding in _UNCONVERTED
        if value != right and not as_it_stands:
            said = Diagnostic(
                "ERROR",
                f"the migration set {name} to {value}, and has text that follows",
                detail=f"A file is read with {name} {right} from its first character to its last.",
                hint="Take that out of the file, then run `pgbraid up` again.",
                location=Location(migration.path),
            )
            raise MigrationFailed(migration, said)


def _raise_failed(session: Session, results: list[PGresult]) -> None:
    reject_unexpected_copy(session.conn, results)
    error = error_of(results)
    if error is not None:
        raise error


def _run_copy(session: Session, migration: Migration, script: Script, segment: Segment) -> None:
    try:
        with session.conn.cursor() as cursor, cursor.copy(segment.sql.encode()) as copy:
            for piece in segment.data or ():
                session.stop.check()
                copy.write(piece.encode())
    except psycopg.Error as error:
        at = _offset(session, error, segment, 0)
        raise migration_error(session, migration, script, error, at=at) from None


def _run_deferred(session: Session, migration: Migration, script: Script) -> None:
    try:
        fire_deferred(session)
    except psycopg.Error as error:
        raise migration_error(session, migration, script, error) from None


def migration_error(  # noqa: PLR0913 - whose it is, and where
    session: Session,
    migration: Migration,
    script: Script,
    error: psycopg.Error,
    *,
    at: tuple[int, bool] | None = None,
    ended: bool = False,
) -> MigrationFailed:
    """Return a script's error with its place in the file.

    ``at`` is the offset in the script's text and whether the server named it; ``ended`` says
    that the script had ended its transaction before. The error itself is raised where nobody
    is left to say more.
    """
    if session.conn.closed or session.conn.broken or session.stop.requested:
        raise error
    secrets = secrets_near(script.text)
    said = diagnose(session.target, error.diag, error, secrets=secrets)
    rest = script.text[at[0] : at[0] + _SHOWN] if at and at[1] else None
    said = replace(said, hint=hint_for(session, error, said, rest) or said.hint)
    placed = _with_commit(_placed(said, at, migration, script, secrets), ended=ended)
    failed = MigrationFailed(migration, placed, incomplete=ended)
    failed.needs_no_transaction = error.diag.source_function == NOT_IN_A_TRANSACTION
    failed.needs_first_statement = (error.diag.source_function, error.sqlstate) == BEFORE_WRITES
    return failed


def may_touch_locks(script: Script) -> bool:
    """Whether a script may have taken an advisory lock, or given one away.

    What it calls in a trigger or a default is not seen; the fence of every transaction is what
    makes a run right, this look only keeps others from waiting, or from not waiting, in vain.
    """
    calls = any(statement.words[:1] in _CALLING for statement in script.statements)
    return calls or _LOCKS.search(script.text) is not None


def transaction_ended_error(migration: Migration) -> MigrationFailed:
    """Return the error of a script that ended its transaction."""
    said = Diagnostic(
        "ERROR",
        "the migration ended its transaction",
        sqlstate=sqlstate.INVALID_TRANSACTION_TERMINATION,
        detail=_MAY_BE_COMMITTED,
        hint="Take COMMIT, ROLLBACK and the like out of the file, put right what it did, then "
        "run `pgbraid up` again.",
        location=Location(migration.path),
    )
    return MigrationFailed(migration, said, incomplete=True)


def ledger_written_error(migration: Migration, ledger: LedgerTable) -> MigrationFailed:
    """Return the error of a script that wrote to the tracker itself."""
    said = Diagnostic(
        "ERROR",
        f"the migration writes to {ledger.schema}.{ledger.table}, the set of what is applied",
        detail="What it records would no longer be what ran.",
        hint="Take that out of the file, then run `pgbraid up` again; `pgbraid repair`, `adopt "
        "--not-applied` and `undo` change the set.",
        location=Location(migration.path),
    )
    return MigrationFailed(migration, said)


def _with_commit(said: Diagnostic, *, ended: bool) -> Diagnostic:
    """Add to an error that the script had committed before it."""
    if not ended:
        return said
    detail = f"{said.detail}\n{_MAY_BE_COMMITTED}" if said.detail else _MAY_BE_COMMITTED
    return replace(said, detail=detail, sqlstate=sqlstate.INVALID_TRANSACTION_TERMINATION)


def _offset(
    session: Session, error: psycopg.Error, segment: Segment, done: int
) -> tuple[int, bool] | None:
    """Return where in the text an error is, and whether the server said so.

    Without its word it is the start of the statement behind the ``done`` ones.
    """
    position = error_position(error, segment.sql, session.encoding)
    if position is not None:
        return segment.offset + position, True
    if done < len(segment.starts):
        return segment.starts[done], False
    return None


def _placed(
    said: Diagnostic,
    offset: tuple[int, bool] | None,
    migration: Migration,
    script: Script,
    secrets: Secrets,
) -> Diagnostic:
    """Add the place in the file, and its line without a password."""
    if offset is None:
        return replace(said, location=Location(migration.path))
    excerpt, index = _excerpt(*line_at(script.text, offset[0]), secrets)
    return replace(
        said,
        location=Location(migration.path, *script.place(offset[0])),
        excerpt=excerpt,
        caret=index if offset[1] else None,
    )


def _excerpt(line: str, index: int, secrets: Secrets) -> tuple[str, int]:
    """Return a line without a password, and an index in it; a very long one is cut round that.

    It is cut wider first, so that no part of a password is left at the ends, and hidden as if it
    began outside quotes and inside, as nobody knows which.
    """
    if len(line) <= _LONGEST_LINE:
        return mask(line, secrets), index
    start = max(index - 2 * _ROUND, 0)
    wide = mask(line[start : index + 2 * _ROUND], secrets)
    wide = mask(f"'{wide}", secrets)[1:] if start else wide
    index -= start
    start = max(index - _ROUND, 0)
    return wide[start : index + _ROUND], index - start
