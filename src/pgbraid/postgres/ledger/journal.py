"""The journal: one line for everything that pgbraid did to the applied set."""

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
"""What the server says of a line that the journal's rules, constraints or ids do not allow."""


@dataclass(frozen=True, slots=True)
class JournaledText:
    """A file as the journal has it; ``text`` is None where it was left out.

    ``digest_lf`` is then the sha256 of the text with its lines ended by a line feed.
    """

    checksum: str | None
    text: str | None
    digest_lf: str | None


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal; ``text`` is the SQL that ran.

    Of a text that was too large to be held, ``digest_lf`` is given in its place: the sha256 of
    it with its lines ended by a line feed.
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
        """Return the entry as the columns' values, for a database of that encoding."""
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
    """Return JSON that a database of that encoding takes: jsonb has no escape for what it lacks."""
    text = json.dumps(detail, ensure_ascii=encoding != "SQL_ASCII")
    if encoding in {"UTF8", "SQL_ASCII"} or _can_hold(
        encoding, json.dumps(detail, ensure_ascii=False)
    ):
        return text
    return text.replace("\\u", "\\\\u")


def _can_hold(encoding: str, text: str) -> bool:
    """Whether a database of that encoding can hold a text; one unknown to Python holds ASCII."""
    if encoding in {"UTF8", "SQL_ASCII"} or text.isascii():
        return True
    try:
        text.encode(encoding.replace("WIN", "CP").replace("KOI8", "KOI8-"))
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def new_run_id() -> str:
    """Return an identifier for one run, which all its journal entries bear."""
    from uuid import uuid4  # noqa: PLC0415 - it asks for the platform first

    return str(uuid4())


def read_texts(session: Session, versions: Iterable[int]) -> dict[int, JournaledText]:
    """Return, by version, what the journal has of the file that was applied or accepted last.

    Nothing where the role may not read the journal: that a file changed is known without it.
    """
    try:
        rows = session.run("ledger", "journal_texts", versions=list(versions)).fetchall()
    except (errors.UndefinedTable, errors.InsufficientPrivilege):
        return {}
    return {version: JournaledText(*found) for version, *found in rows}


def append_timed(session: Session, entry: JournalEntry) -> timedelta:
    """Write one line of the journal; return the time since the open transaction began."""
    row = _add_line(session, "journal_add_timed", entry).fetchone()
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
    """Return the error of a set or a journal that did not take what was to be written."""
    what = "line" if table == session.ledger.journal else "row"
    name = f"{session.ledger.schema}.{table}"
    quoted = sql.Identifier(session.ledger.schema, table).as_string(None)
    counting = f"ALTER TABLE {quoted} ALTER id SET INCREMENT BY 1 SET NO MAXVALUE SET NO CYCLE"
    hint = "Take the trigger or the rule away"
    if error is None or isinstance(error, errors.FeatureNotSupported):
        detail = f"A trigger or a rule on it swallowed or changed the {what}"
        detail += ", or its id is below older ones." if what == "line" else "."
        hint += f"; where the ids do not count up, run: {counting};" if what == "line" else ","
    else:
        detail = f"The server says: {error.diag.message_primary}."
        hint = f"Where the ids do not count up, run: {counting}; else look at it with psql's \\d,"
    if isinstance(error, errors.SequenceGeneratorLimitExceeded):
        hint += " or, where its ids are used up, rename it: the next run makes a new one;"
    hint += " then run `pgbraid up` again."
    return ServerError(f"{name} did not take a {what}", detail=detail, hint=hint)


def append(session: Session, entry: JournalEntry) -> None:
    """Write one line of the journal."""
    if _add_line(session, "journal_add", entry).rowcount != 1:
        raise not_written_error(session, session.ledger.journal)
