"""Runs a migration's text as it stands and says of an error where in the file it is."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
from psycopg import errors, generators, pq

from pgbraid.core.masking import mask_passwords
from pgbraid.core.model import Diagnostic, Location, Migration
from pgbraid.core.script import Script, Segment, line_at, place
from pgbraid.db.session import diagnose
from pgbraid.errors import MigrationFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.db.session import Session

__all__ = ["notices", "run_body"]

_NO_EXTENSION = re.compile(r'extension "([^"]+)" is not available')


def run_body(session: Session, migration: Migration, script: Script) -> None:
    """Run a script in the transaction that is open, each of its segments as one message.

    Raises MigrationFailed with the place in the file, and psycopg's own error where the
    connection is lost.
    """
    for segment in script.segments():
        session.stop.check()
        done = 0
        try:
            if segment.data is not None:
                _run_copy(session, segment)
            else:
                done, failed = _run_sql(session, segment)
                if failed:
                    raise failed
        except psycopg.Error as error:
            if session.conn.closed or session.conn.broken or session.stop.requested:
                raise
            diagnostic = _hinted(session, diagnose(session.target, error.diag, error))
            placed = _placed(diagnostic, error, migration, script, segment, done)
            raise MigrationFailed(migration, placed) from None


def _run_sql(session: Session, segment: Segment) -> tuple[int, psycopg.Error | None]:
    """Send the text as one simple-query message.

    Returns how many statements were through, and the error of the one after them, if any.
    """
    conn = session.conn
    with conn.lock:
        conn.pgconn.send_query(segment.sql.encode())
        results = conn.wait(generators.execute(conn.pgconn))
    last = results[-1]
    if last.status == pq.ExecStatus.FATAL_ERROR:
        return len(results) - 1, errors.error_from_result(last)
    return len(results), None


def _run_copy(session: Session, segment: Segment) -> None:
    with session.conn.cursor() as cursor, cursor.copy(segment.sql.encode()) as copy:
        copy.write((segment.data or "").encode())


def _hinted(session: Session, said: Diagnostic) -> Diagnostic:
    """Say how to get an extension that an embedded server lacks."""
    match = _NO_EXTENSION.search(said.message)
    if match is None or session.target.embedded is None:
        return said
    return replace(
        said,
        hint=f"This {session.target.embedded} has no {match[1]}. Set PGBRAID_PG_BIN to the folder "
        f"of an installed server that has it, or name a server with --database.",
    )


def _placed(  # noqa: PLR0913, PLR0917 - the places where an error's place comes from
    diagnostic: Diagnostic,
    error: psycopg.Error,
    migration: Migration,
    script: Script,
    segment: Segment,
    done: int,
) -> Diagnostic:
    """Add the place in the file: the server's position, or the start of the statement."""
    position = error.diag.statement_position
    if position:
        offset = segment.offset + int(position) - 1
    elif done < len(segment.starts):
        offset = segment.starts[done]
    else:
        return replace(diagnostic, location=Location(migration.path))
    excerpt, index = line_at(script.text, offset)
    return replace(
        diagnostic,
        location=Location(migration.path, *place(script.text, offset)),
        excerpt=mask_passwords(excerpt),
        caret=index if position else None,
    )


@contextmanager
def notices(session: Session, hear: Callable[[Diagnostic], None]) -> Iterator[None]:
    """Call ``hear`` with every notice that the server sends during the block."""

    def handler(diag: psycopg.errors.Diagnostic) -> None:
        hear(diagnose(session.target, diag))

    session.conn.add_notice_handler(handler)
    try:
        yield
    finally:
        session.conn.remove_notice_handler(handler)
