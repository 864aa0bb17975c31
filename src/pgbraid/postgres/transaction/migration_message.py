"""One migration as one message: fence, body, guard, row, journal, COMMIT, and the cleaning after.

The server runs the statements of a message one after the other and stops at the first that fails,
so what must hold is asked by statements that fail where it does not. The whole message is parsed
before any of it runs. One round trip a migration; whatever such a message cannot say exactly is
left to the way of :mod:`pgbraid.postgres.transaction.boundaries`, statement by statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq

from pgbraid.model import sqlstate
from pgbraid.postgres.client.server_errors import forward_notices
from pgbraid.postgres.client.session import named_sql, reset_session_sql
from pgbraid.postgres.client.wire import (
    ended_transaction,
    error_of,
    error_position,
    reject_unexpected_copy,
    send,
)
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

_FENCE, _GUARD = b"pgbraid_fence", b"pgbraid_guard"
"""The first columns of the two statements of ours between which the body stands."""
_BEFORE = 4
"""BEGIN, fence, and two settings, before the body."""
_LIMITS = 2
"""Settings more, where a file asks for limits of its own."""
_JOURNAL, _COMMIT = 2, 4
"""How far behind the guard the journal's line and COMMIT are: row, line, SET, COMMIT."""
_FAILED = pq.ExecStatus.FATAL_ERROR


class Stage(StrEnum):
    """The parts of a message, by which it is said where one stopped."""

    COMPLETED = "nowhere"
    """It ran to its end."""
    XACT_LOCK = "fence"
    """Another session holds the transaction's lock."""
    ALREADY_APPLIED = "absent"
    """The set has the version already."""
    OPENING = "opening"
    BODY = "body"
    DEFERRED = "deferred"
    """What the body had deferred to the transaction's end."""
    GUARD = "guard"
    """It is not known to be the same transaction any more; nothing of it is committed."""
    RECORDING = "recording"
    COMMIT = "commit"
    RESET = "cleaning"
    """The migration is committed; what follows it failed."""


@dataclass(frozen=True, slots=True)
class Message:
    """The text to send, but for how COMMIT waits.

    ``starts`` are the offsets of the body's statements in the script's text, of which ``body``
    characters from ``offset`` on stand behind ``lead`` characters, and ``before`` statements, of
    ours.
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
        """Return the bytes to send, for a transaction of that synchronous_commit."""
        return f"{self.text}{commit}{self.after}".encode()


@dataclass(frozen=True, slots=True)
class MessageResult:
    """What became of a message.

    ``done`` counts the body's statements that were through; ``position`` is the error's, in
    characters from 0 in the script's text; ``ended`` says that the body ended its transaction;
    ``seconds`` is the time that the journal was given.
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
        """Where in the script's text an error of the body is, and whether the server said so."""
        if self.failed_stage is not Stage.BODY:
            return None
        if self.position is not None:
            return self.position, True
        return (self.starts[self.done], False) if self.done < len(self.starts) else None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of several messages that were sent as one.

    ``seconds`` are the times that the journal was given of those whose COMMIT succeeded; the
    ``whole`` of them ran if none failed. ``ended`` is the number, from 0, of the first whose body
    ended its transaction. ``failure`` is what became of the one that failed, where it had begun.
    """

    seconds: tuple[float, ...]
    whole: bool
    ended: int | None
    failure: MessageResult | None = None


def build_message(  # noqa: PLR0913 - all that differs from one to the other
    session: Session,
    segment: Segment | None,
    *,
    version: int,
    label: str,
    writes: tuple[str, str],
    limits: Limits,
    skip_reset: bool = False,
) -> Message:
    """Return the message that runs a script's one segment and records it.

    ``label`` is how the server's own views and logs show the migration; ``writes`` are the
    statements that write the set's row and the journal's line; ``limits`` are the body's. Of a
    ``skip_reset`` body nothing is taken back or cleaned, as it leaves nothing; and that the set has
    the version already is left to the row's key to say, as on a fresh database nobody else is
    expected.
    """
    fence = session.text("session", "fence_at_once", key=session.key)
    absent = "" if skip_reset else session.text("session", "absent", version=version) + ";\n"
    opened = body_settings_sql(session, limits)
    shown = label.replace("*", "").replace("/", "")
    lead = f"/* pgbraid {shown} */ {fence};\n{absent}{opened};\n"
    body = segment.sql if segment else ""
    settle = "" if skip_reset else finish_body_sql(session)
    guard = named_sql(session, "still_there")
    tail = "" if skip_reset else f"BEGIN;\n{reset_session_sql(session)};\nCOMMIT"
    behind = [text for text in ("SET CONSTRAINTS ALL IMMEDIATE", settle, guard, *writes) if text]
    starts = segment.starts if segment else ()
    return Message(
        text="".join((lead, body, "\n;", ";\n".join(behind), ";\nSET LOCAL synchronous_commit = ")),
        after=f";\nCOMMIT;\n{tail}" if tail else ";\nCOMMIT",
        lead=len(lead),
        body=len(body),
        offset=segment.offset if segment else 0,
        starts=starts,
        before=_BEFORE + (1 if absent else 0) + (_LIMITS if limits != session.limits else 0),
        skip_reset=skip_reset,
    )


def send_message(
    session: Session,
    message: Message,
    *,
    commit: str,
    meanwhile: Callable[[], None] | None = None,
) -> MessageResult:
    """Send a message, wait for the end of it, and return what became of it.

    ``commit`` is the transaction's synchronous_commit; ``meanwhile`` is called while the server
    works. Raises psycopg's error where the connection is lost.
    """
    session.stop.check()
    text = message.encoded(commit)
    results = send(session.conn, text, meanwhile, tick=session.watching())
    reject_unexpected_copy(session.conn, results)
    return _read(session, message, results)


def send_batch(
    session: Session,
    messages: Sequence[tuple[Message, str]],
    *,
    meanwhile: Callable[[], object] | None = None,
    hear: Callable[[int, Diagnostic], None] | None = None,
) -> BatchResult:
    """Send several messages as one, each with its synchronous_commit.

    ``hear`` is called with every notice, and the number, from 0, of the message it is of.
    """
    session.stop.check()
    texts = [message.encoded(commit) for message, commit in messages]
    results: list[PGresult] = []

    def heard(said: Diagnostic) -> None:
        if hear:
            hear(max(len(_marker_indexes(results, _FENCE)) - 1, 0), said)

    with forward_notices(session, heard):
        send(session.conn, b";\n".join(texts), meanwhile, results, tick=session.watching())
    reject_unexpected_copy(session.conn, results)
    seconds = [
        _seconds(results[guard + _JOURNAL]) or 0.0
        for guard in _marker_indexes(results, _GUARD)
        if len(results) > guard + _COMMIT and results[guard + _COMMIT].status != _FAILED
    ]
    whole = error_of(results) is None and len(seconds) == len(messages)
    ended, stopped = _first_ended(results), None
    if not whole and ended is None:
        stopped = _first_stopped(session, messages, results, len(seconds))
    return BatchResult(tuple(seconds), whole, ended, stopped)


def _first_stopped(
    session: Session,
    messages: Sequence[tuple[Message, str]],
    results: list[PGresult],
    committed: int,
) -> MessageResult | None:
    """Return what became of the first message that is not committed, if its fence was through."""
    fences = _marker_indexes(results, _FENCE)
    if len(fences) != committed + 1 or error_of(results) is None:
        return None
    ahead = "".join(f"{m.text}{commit}{m.after};\n" for m, commit in messages[:committed])
    return _read(session, messages[committed][0], results[fences[-1] - 1 :], ahead)


def _first_ended(results: Sequence[PGresult]) -> int | None:
    """Return the number of the first message, from 0, whose body ended its transaction."""
    guards = _marker_indexes(results, _GUARD)
    fences = [*_marker_indexes(results, _FENCE), len(results)]
    for number, (fence, following) in enumerate(pairwise(fences)):
        guard = next((g for g in guards if fence < g < following), following)
        if ended_transaction(results[fence:guard]):
            return number
    return None


def _marker_indexes(results: Sequence[PGresult], name: bytes) -> list[int]:
    """Return the indexes of the results of a statement of ours, which a column's name marks."""
    return [
        index
        for index, result in enumerate(results)
        if result.status == pq.ExecStatus.TUPLES_OK and result.fname(0) == name
    ]


def _read(
    session: Session, message: Message, results: list[PGresult], ahead: str = ""
) -> MessageResult:
    """Say what became of a message that was sent behind the text ``ahead``.

    Its own statements are found by their marks: what a rule adds to a body's results, and what
    the server counts otherwise than we do, must not shift them.
    """
    error = error_of(results)
    guard = next(iter(_marker_indexes(results, _GUARD)), None)
    seconds = None
    if guard is not None and len(results) > guard + _JOURNAL:
        seconds = _seconds(results[guard + _JOURNAL])
    if error is None:
        return MessageResult(Stage.COMPLETED, seconds=seconds)
    last = len(results) - 1
    found = error_position(error, ahead + message.text, session.encoding)
    position = None if found is None else found - len(ahead) - message.lead
    inside = position is not None and 0 <= position < message.body
    if guard is None:
        stopped = _before_the_guard(message, error, last, inside=inside)
    else:
        stopped = _behind_the_guard(error, last - guard)
    done = last - message.before if stopped is Stage.BODY and last else 0
    return MessageResult(
        stopped,
        error,
        done=max(done, 0) if last else len(message.starts),
        position=message.offset + position if inside and position is not None else None,
        ended=ended_transaction(results[1 : last if guard is None else guard]),
        seconds=seconds if stopped is Stage.RESET else None,
        starts=message.starts,
    )


def _before_the_guard(message: Message, error: psycopg.Error, index: int, *, inside: bool) -> Stage:
    """Return where a message stopped that did not reach its guard.

    What is wrong with it as a whole is found before any of it runs, and is the body's doing.
    """
    behind = message.before + len(message.starts)
    if inside or index == 0 or message.before <= index < behind:
        return Stage.BODY
    if index < message.before:
        broken = error.sqlstate == sqlstate.DIVISION_BY_ZERO
        asked = {
            1: Stage.XACT_LOCK,
            2: Stage.OPENING if message.skip_reset else Stage.ALREADY_APPLIED,
        }
        return asked.get(index, Stage.OPENING) if broken else Stage.OPENING
    return Stage.DEFERRED if index == behind else Stage.GUARD


def _behind_the_guard(error: psycopg.Error, distance: int) -> Stage:
    if distance < _COMMIT:
        return Stage.GUARD if error.sqlstate == sqlstate.DIVISION_BY_ZERO else Stage.RECORDING
    return Stage.COMMIT if distance == _COMMIT else Stage.RESET


def _seconds(result: PGresult) -> float | None:
    value = result.get_value(0, 0) if result.status == pq.ExecStatus.TUPLES_OK else None
    return float(value) if value is not None else None
