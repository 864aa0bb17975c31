"""Reads and appends to the journal, which has a line for every change of the applied set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from psycopg import errors, sql

from pgbraid.model.errors import ServerError
from pgbraid.model.migration import LARGE_SCRIPT_BYTES
from pgbraid.sql.checksum import digest_lf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import psycopg

    from pgbraid.postgres.client.session import Session

__all__ = [
    "REFUSED",
    "JournalEntry",
    "JournaledText",
    "append",
    "append_timed",
    "new_run_id",
    "not_written_error",
    "read_texts",
]

REFUSED = (
    errors.FeatureNotSupported,
    errors.NotNullViolation,
    errors.CheckViolation,
    errors.UniqueViolation,
    errors.SequenceGeneratorLimitExceeded,
)
"""The server's errors for a line that the journal's rules, constraints or ids do not allow."""


@dataclass(frozen=True, slots=True)
class JournaledText:
    """A migration file from the journal; ``text`` is None if the journal left it out.

    ``digest_lf`` is then the sha256 of the text with line feeds as line ends.
    """

    checksum: str | None
    text: str | None
    digest_lf: str | None


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal; ``text`` is the SQL that ran.

    For a text too large to keep in memory, ``digest_lf`` is given instead: the sha256 of the text
    with line feeds as line ends.
    """

    run_id: str
    event: str
    version: int | None = None
    name: str | None = None
    checksum: str | None = None
    text: str | None = None
    detail: Mapping[str, Any] | None = None
    duration: timedelta | None = None
    digest_lf: str | None = None

    def values(self, encoding: str) -> dict[str, Any]:
        """Return the values of the columns, for a database with this encoding."""
        text = self.text or ""
        large = self.digest_lf is not None or len(text.encode()) > LARGE_SCRIPT_BYTES
        reason = "above 1 MB" if large else None
        if not _can_hold(encoding, text):
            reason = f"not all of it is in {encoding}"
        detail = dict(self.detail or {})
        if reason:
            digest = self.digest_lf or digest_lf(text)
            detail |= {"statement": f"left out, {reason}", "sha256_lf": digest}
        return {
            "run_id": self.run_id,
            "event": self.event,
            "version": self.version,
            "name": self.name,
            "checksum": self.checksum,
            "statement": None if reason else self.text,
            "detail": _as_json(encoding, detail) if detail else None,
            "duration": self.duration,
        }


def _as_json(encoding: str, detail: Mapping[str, Any]) -> str:
    """Return JSON that a database with this encoding accepts."""
    text = json.dumps(detail, ensure_ascii=encoding != "SQL_ASCII")
    if encoding in {"UTF8", "SQL_ASCII"} or _can_hold(
        encoding, json.dumps(detail, ensure_ascii=False)
    ):
        return text
    # jsonb rejects the escape of a character that the encoding lacks: keep the escape as text.
    return text.replace("\\u", "\\\\u")


def _can_hold(encoding: str, text: str) -> bool:
    """Whether a database with this encoding can store a text; ASCII only, if Python lacks it."""
    if encoding in {"UTF8", "SQL_ASCII"} or text.isascii():
        return True
    try:
        text.encode(encoding.replace("WIN", "CP").replace("KOI8", "KOI8-"))
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def new_run_id() -> str:
    """Return a new identifier for the journal entries of one run."""
    from uuid import uuid4  # noqa: PLC0415 - slow to import, as it queries the platform

    return str(uuid4())


def read_texts(session: Session, versions: Iterable[int]) -> dict[int, JournaledText]:
    """Return, by version, the file as last applied or repaired, from the journal.

    Empty if the role may not read the journal: the applied set's checksums suffice to detect a
    changed file.
    """
    try:
        rows = session.run("ledger", "journal_texts", versions=list(versions)).fetchall()
    except (errors.UndefinedTable, errors.InsufficientPrivilege):
        return {}
    return {version: JournaledText(*values) for version, *values in rows}


def append_timed(session: Session, entry: JournalEntry) -> timedelta:
    """Write one line of the journal; return the time since the open transaction began."""
    row = _add_line(session, "append_timed", entry).fetchone()
    if row is None:
        raise not_written_error(session, session.ledger.journal)
    return timedelta(seconds=row[0])


def _add_line(
    session: Session, statement: str, entry: JournalEntry
) -> psycopg.Cursor[tuple[Any, ...]]:
    try:
        return session.run("ledger", statement, **entry.values(session.encoding))
    except REFUSED as error:
        raise not_written_error(session, session.ledger.journal, error) from None


def not_written_error(
    session: Session, table: str, error: psycopg.Error | None = None
) -> ServerError:
    """Return the error of a table of the ledger that did not accept a row or a line."""
    record = "line" if table == session.ledger.journal else "row"
    name = f"{session.ledger.schema}.{table}"
    quoted = sql.Identifier(session.ledger.schema, table).as_string(None)
    count_up = f"ALTER TABLE {quoted} ALTER id SET INCREMENT BY 1 SET NO MAXVALUE SET NO CYCLE"
    hint = "Drop the trigger or the rule"
    if error is None or isinstance(error, errors.FeatureNotSupported):
        detail = f"A trigger or a rule on the table suppressed or changed the {record}"
        detail += ", or the line got a lower id than older lines." if record == "line" else "."
        hint += f". If the ids do not count up, run: {count_up};" if record == "line" else "."
    else:
        detail = f"The server reports: {error.diag.message_primary}."
        hint = f"Look at {name} with psql's \\d."
        if record == "line":
            hint = f"If the ids do not count up, run: {count_up}; Otherwise look at {name} with "
            hint += "psql's \\d."
    if isinstance(error, errors.SequenceGeneratorLimitExceeded):
        hint += " If the ids are used up, rename the table, and the next run creates a new one."
    hint += " Then run `pgbraid up` again."
    return ServerError(f"{name} did not accept a {record}", detail=detail, hint=hint)


def append(session: Session, entry: JournalEntry) -> None:
    """Write one line of the journal. Raises ServerError unless it was stored as given."""
    if _add_line(session, "append", entry).rowcount != 1:
        raise not_written_error(session, session.ledger.journal)
