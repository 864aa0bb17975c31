"""Sends one migration as one message: xact lock, body, guard, ledger rows, COMMIT, session reset.

The server parses the whole message before it runs any of it, runs its statements in order, and
stops at the first error. So each condition is a statement of ours that divides by zero unless the
condition holds. A migration costs one round trip. Where a message cannot explain its failure, the
migration runs again statement by statement (:mod:`pgbraid.postgres.transaction.boundaries`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq

from pgbraid.model import sqlstate
from pgbraid.postgres.client.connection import (
    ended_transaction,
    error_of,
    error_position,
    reject_unexpected_copy,
)
from pgbraid.postgres.client.server_errors import forward_notices
from pgbraid.postgres.client.session import named_sql, reset_session_sql
from pgbraid.postgres.transaction.boundaries import body_settings_sql, finish_body_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg.pq.abc import PGresult

    from pgbraid.model.migration import Diagnostic
    from pgbraid.model.options import Limits
    from pgbraid.postgres.client.session import Session
    from pgbraid.sql.script import Segment

__all__ = [
    "BatchResult",
    "Message",
    "MessageResult",
    "Stage",
    "build_message",
    "send_batch",
    "send_message",
]

# Our own statements are found by a column name, not by their number: a rule may add results.
_LOCK_COLUMN, _GUARD_COLUMN = b"pgbraid_xact_lock", b"pgbraid_guard"
"""The first column names of our two statements before and after the body."""
_GUARDS = {False: "assert_transaction_intact", True: "assert_same_transaction"}
"""The statement after the body, by whether no script has named the ledger."""
_STATEMENTS_BEFORE_BODY = 4
"""BEGIN, the xact lock, and two settings."""
_LIMIT_STATEMENTS = 2
"""SET LOCAL statements of a file with its own limits."""
_JOURNAL, _COMMIT = 2, 4
"""Distances from the guard's result; row, journal line, SET and COMMIT follow it in this order."""
_FAILED = pq.ExecStatus.FATAL_ERROR


class Stage(StrEnum):
    """The part of a message that failed."""

    COMPLETED = "completed"
    """No part failed."""
    XACT_LOCK = "xact lock"
    """Another session holds the transaction-level advisory lock."""
    ALREADY_APPLIED = "already applied"
    """The applied set already has the version."""
    OPENING = "opening"
    """BEGIN, or the settings before the body."""
    BODY = "body"
    DEFERRED = "deferred"
    """A deferred constraint or trigger, fired at the end of the body."""
    GUARD = "guard"
    """The transaction or the ledger may have changed under the body; it was rolled back."""
    RECORDING = "recording"
    COMMIT = "commit"
    RESET = "reset"
    """The migration is committed; only the reset of the session failed."""


@dataclass(frozen=True, slots=True)
class Message:
    """A migration as one message, without its synchronous_commit, which is known only at sending.

    ``text`` begins with ``lead`` characters (``before`` statements) of ours, followed by ``body``
    characters of the script. The body begins at ``offset`` in the script's text; ``starts`` are
    the offsets of its statements in that text. With ``skip_reset`` the session is not reset.
    """

    text: str
    after: str
    lead: int
    body: int
    offset: int
    starts: tuple[int, ...]
    before: int
    skip_reset: bool

    def encoded(self, commit: str) -> bytes:
        """Return the bytes to send, with ``commit`` as the transaction's synchronous_commit."""
        return f"{self.text}{commit}{self.after}".encode()


@dataclass(frozen=True, slots=True)
class MessageResult:
    """The result of one message.

    ``done`` counts the completed statements of the body. ``position`` is the server's error
    position, in characters from 0 in the script's text. ``ended`` is true if the body ended its
    transaction. ``seconds`` is the duration of the body, as recorded in the journal.
    """

    failed_stage: Stage
    error: psycopg.Error | None = None
    done: int = 0
    position: int | None = None
    ended: bool = False
    seconds: float | None = None
    starts: tuple[int, ...] = ()

    @property
    def at(self) -> tuple[int, bool] | None:
        """The offset of the body's error in the script's text, and whether the server named it.

        Without a position from the server, the offset is the start of the failed statement. None
        unless the body failed.
        """
        if self.failed_stage is not Stage.BODY:
            return None
        if self.position is not None:
            return self.position, True
        return (self.starts[self.done], False) if self.done < len(self.starts) else None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The result of several messages that were sent as one.

    ``seconds`` are the durations of the migrations whose COMMIT succeeded, in order; ``whole`` is
    true if all succeeded. ``ended`` is the index, from 0, of the first message whose body ended its
    transaction. ``failure`` is the result of the message that failed, if its transaction had begun.
    """

    seconds: tuple[float, ...]
    whole: bool
    ended: int | None
    failure: MessageResult | None = None


def build_message(  # noqa: PLR0913 - everything that differs between two messages
    session: Session,
    segment: Segment | None,
    *,
    version: int,
    label: str,
    writes: tuple[str, str],
    limits: Limits,
    skip_reset: bool = False,
    ledger_untouched: bool = False,
) -> Message:
    """Return the message that runs a script's one segment and records the migration.

    ``label`` names the migration in pg_stat_activity and the server's log. ``writes`` are the
    INSERTs of the applied row and the journal line. ``limits`` are the limits of the body. With
    ``skip_reset``, for a body that leaves nothing in a fresh database, no session effect is reset.
    The message then does not check for the version either: the primary key of the row refuses it.
    With ``ledger_untouched``, no script has named the ledger, so none can have written to it.
    """
    begin = session.text("session", "begin_in_message", key=session.key)
    absent = (
        "" if skip_reset else session.text("session", "assert_not_applied", version=version) + ";\n"
    )
    settings = body_settings_sql(session, limits)
    shown = label.replace("*", "").replace("/", "")  # the label must not end the comment
    lead = f"/* pgbraid {shown} */ {begin};\n{absent}{settings};\n"
    body = segment.sql if segment else ""
    finish = "" if skip_reset else finish_body_sql(session)
    guard = named_sql(session, _GUARDS[ledger_untouched])
    # The reset is a transaction of its own. In a batch, bare statements after COMMIT would form an
    # implicit transaction block, and the BEGIN of the next message would include them in its own.
    tail = "" if skip_reset else f"BEGIN;\n{reset_session_sql(session)};\nCOMMIT"
    # Deferred triggers fire first, with the settings of the body, so their errors are the
    # migration's and not COMMIT's. The row comes after the body, never before it: a body that ends
    # its transaction unseen would otherwise commit the row of a migration that ran only in part.
    after = [text for text in ("SET CONSTRAINTS ALL IMMEDIATE", finish, guard, *writes) if text]
    starts = segment.starts if segment else ()
    return Message(
        # The line feed before the semicolon ends a `--` comment in the last line of the body.
        text="".join((lead, body, "\n;", ";\n".join(after), ";\nSET LOCAL synchronous_commit = ")),
        after=f";\nCOMMIT;\n{tail}" if tail else ";\nCOMMIT",
        lead=len(lead),
        body=len(body),
        offset=segment.offset if segment else 0,
        starts=starts,
        before=_STATEMENTS_BEFORE_BODY
        + (1 if absent else 0)
        + (_LIMIT_STATEMENTS if limits != session.limits else 0),
        skip_reset=skip_reset,
    )


def send_message(
    session: Session,
    message: Message,
    *,
    commit: str,
    meanwhile: Callable[[], None] | None = None,
) -> MessageResult:
    """Send a message, wait until the server has finished it, and return the result.

    ``commit`` is the transaction's synchronous_commit; ``meanwhile`` is called once while the
    server works. Raises psycopg's error if the connection is lost.
    """
    text = message.encoded(commit)
    results = session.send(text, meanwhile, tick=session.watching())
    reject_unexpected_copy(session.conn, results)
    return _read(session, message, results)


def send_batch(
    session: Session,
    messages: Sequence[tuple[Message, str]],
    *,
    meanwhile: Callable[[], object] | None = None,
    on_notice: Callable[[int, Diagnostic], None] | None = None,
) -> BatchResult:
    """Send several messages as one, each with its synchronous_commit, and return the result.

    ``on_notice`` is called with every notice and the index, from 0, of the message it belongs to.
    """
    texts = [message.encoded(commit) for message, commit in messages]
    results: list[PGresult] = []

    def forward(notice: Diagnostic) -> None:
        if on_notice:
            # Each message that has begun has returned the result of its xact lock.
            on_notice(max(len(_marker_indexes(results, _LOCK_COLUMN)) - 1, 0), notice)

    with forward_notices(session, forward):
        session.send(b";\n".join(texts), meanwhile, results, tick=session.watching())
    reject_unexpected_copy(session.conn, results)
    seconds = [
        _seconds(results[guard + _JOURNAL]) or 0.0
        for guard in _marker_indexes(results, _GUARD_COLUMN)
        if len(results) > guard + _COMMIT and results[guard + _COMMIT].status != _FAILED
    ]
    whole = error_of(results) is None and len(seconds) == len(messages)
    ended, failure = _first_ended(results), None
    if not whole and ended is None:
        failure = _first_failure(session, messages, results, len(seconds))
    return BatchResult(tuple(seconds), whole, ended, failure)


def _first_failure(
    session: Session,
    messages: Sequence[tuple[Message, str]],
    results: list[PGresult],
    committed: int,
) -> MessageResult | None:
    """Return the result of the first uncommitted message, or None if it never got its xact lock."""
    locks = _marker_indexes(results, _LOCK_COLUMN)
    if len(locks) != committed + 1 or error_of(results) is None:
        return None
    # The error position counts from the start of the whole batch.
    ahead = "".join(f"{m.text}{commit}{m.after};\n" for m, commit in messages[:committed])
    first = locks[-1] - 1  # the result of BEGIN, just before the lock's
    return _read(session, messages[committed][0], results[first:], ahead)


def _first_ended(results: Sequence[PGresult]) -> int | None:
    """Return the index, from 0, of the first message whose body ended its transaction."""
    guards = _marker_indexes(results, _GUARD_COLUMN)
    locks = [*_marker_indexes(results, _LOCK_COLUMN), len(results)]
    for number, (lock, next_lock) in enumerate(pairwise(locks)):
        guard = next((g for g in guards if lock < g < next_lock), next_lock)
        # Between the two markers stand only the body's results: COMMIT or BEGIN is the body's.
        if ended_transaction(results[lock:guard]):
            return number
    return None


def _marker_indexes(results: Sequence[PGresult], name: bytes) -> list[int]:
    """Return the indexes of the results whose first column has this name."""
    return [
        index
        for index, result in enumerate(results)
        if result.status == pq.ExecStatus.TUPLES_OK and result.fname(0) == name
    ]


def _read(
    session: Session, message: Message, results: list[PGresult], ahead: str = ""
) -> MessageResult:
    """Return the result of a message that was sent after the text ``ahead``.

    The guard is found by its column name, because the number of the body's results may differ from
    that of its statements: a rule can add results.
    """
    error = error_of(results)
    guard = next(iter(_marker_indexes(results, _GUARD_COLUMN)), None)
    seconds = None
    if guard is not None and len(results) > guard + _JOURNAL:
        seconds = _seconds(results[guard + _JOURNAL])
    if error is None:
        return MessageResult(Stage.COMPLETED, seconds=seconds)
    last = len(results) - 1
    in_message = error_position(error, ahead + message.text, session.encoding)
    position = None if in_message is None else in_message - len(ahead) - message.lead
    inside = position is not None and 0 <= position < message.body
    if guard is None:
        stage = _stage_before_guard(message, error, last, inside=inside)
    else:
        stage = _stage_after_guard(error, last - guard)
    done = last - message.before if stage is Stage.BODY and last else 0
    return MessageResult(
        stage,
        error,
        # An error in the first result is one of parsing: then no statement is to blame.
        done=max(done, 0) if last else len(message.starts),
        position=message.offset + position if inside and position is not None else None,
        # Result 0 is our own BEGIN; the results after the guard include our own COMMIT.
        ended=ended_transaction(results[1 : last if guard is None else guard]),
        seconds=seconds if stage is Stage.RESET else None,
        starts=message.starts,
    )


def _stage_before_guard(
    message: Message, error: psycopg.Error, index: int, *, inside: bool
) -> Stage:
    """Return the stage of an error in the result number ``index``, when the guard was not reached.

    ``inside`` is true if the error position lies in the body.
    """
    body_end = message.before + len(message.starts)
    # Index 0: the server parses the whole message first, and only the body can be wrong there.
    if inside or index == 0 or message.before <= index < body_end:
        return Stage.BODY
    if index < message.before:
        condition_failed = error.sqlstate == sqlstate.DIVISION_BY_ZERO
        conditions = {
            1: Stage.XACT_LOCK,
            2: Stage.OPENING if message.skip_reset else Stage.ALREADY_APPLIED,
        }
        return conditions.get(index, Stage.OPENING) if condition_failed else Stage.OPENING
    return Stage.DEFERRED if index == body_end else Stage.GUARD


def _stage_after_guard(error: psycopg.Error, distance: int) -> Stage:
    if distance < _COMMIT:
        return Stage.GUARD if error.sqlstate == sqlstate.DIVISION_BY_ZERO else Stage.RECORDING
    return Stage.COMMIT if distance == _COMMIT else Stage.RESET


def _seconds(result: PGresult) -> float | None:
    value = result.get_value(0, 0) if result.status == pq.ExecStatus.TUPLES_OK else None
    return float(value) if value is not None else None
