"""The applied set and the journal: what is read of them, and what is recorded."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from psycopg import errors, sql

from pgbraid.core.checksum import digest_lf
from pgbraid.db.wire import failed, send
from pgbraid.errors import ServerError
from pgbraid.files import LARGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import psycopg

    from pgbraid.core.answers import Adoption, Mismatch
    from pgbraid.core.model import Migration
    from pgbraid.db.ensure import Shape
    from pgbraid.db.session import Session

__all__ = [
    "REFUSED",
    "Entry",
    "Recorded",
    "Taken",
    "applied_by_another",
    "has_rows",
    "is_applied",
    "new_run_id",
    "read_adopted",
    "read_adoption",
    "read_run",
    "read_strays",
    "read_texts",
    "record_adopted",
    "record_applied",
    "record_baseline",
    "record_entry",
    "record_finished",
    "record_removed",
    "record_repaired",
    "record_restored",
    "run_alone",
    "writes_of",
]

REFUSED = (
    errors.FeatureNotSupported,
    errors.NotNullViolation,
    errors.CheckViolation,
    errors.UniqueViolation,
    errors.SequenceGeneratorLimitExceeded,
)
"""What the server says of a line that the journal's rules, constraints or ids do not allow."""
_ROUTINE = re.compile(r"\b(?:function|procedure|do)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A file as the journal has it; ``text`` is None where it was left out.

    ``digest_lf`` is then the sha256 of the text with its lines ended by a line feed.
    """

    checksum: str | None
    text: str | None
    digest_lf: str | None


@dataclass(frozen=True, slots=True)
class Taken:
    """From which table a history was taken over, and the version its counter said.

    ``emptied`` says that something was undone or withdrawn since.
    """

    source: str | None
    counter: int | None
    emptied: bool


@dataclass(frozen=True, slots=True)
class Entry:
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
        large = self.digest_lf is not None or len(text.encode()) > LARGE
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


def read_texts(session: Session, versions: Iterable[int]) -> dict[int, Recorded]:
    """Return, by version, what the journal has of the file that was applied or accepted last.

    Nothing where the role may not read the journal: that a file changed is known without it.
    """
    try:
        rows = session.run("ledger", "journal_texts", versions=list(versions)).fetchall()
    except (errors.UndefinedTable, errors.InsufficientPrivilege):
        return {}
    return {version: Recorded(*found) for version, *found in rows}


def read_adoption(session: Session) -> Taken | None:
    """Return what was taken over from another tool, or None if nothing ever was."""
    try:
        row = session.run("ledger", "adoption").fetchone()
    except errors.UndefinedTable:
        return None
    return Taken(*row) if row else None


def read_adopted(session: Session, versions: Iterable[int]) -> frozenset[int]:
    """Return those of the versions that were adopted and never ran since."""
    try:
        rows = session.run("ledger", "adopted_last", versions=list(versions)).fetchall()
    except errors.UndefinedTable:
        return frozenset()
    return frozenset(version for (version,) in rows)


def has_rows(session: Session) -> bool:
    """Whether the set has any version now."""
    return session.run("ledger", "has_rows").fetchone() == (True,)


def is_applied(session: Session, version: int) -> bool:
    """Whether the set has the version now."""
    return session.run("ledger", "is_applied", version=version).fetchone() == (True,)


def record_applied(
    session: Session, migration: Migration, *, shape: Shape, name: str, entry: Entry
) -> timedelta:
    """Enter a migration in the set and in the journal, in the transaction that is open.

    Returns the time since that transaction began.
    """
    checksum = shape.checksum(migration.checksum)
    _write(session, "add", version=migration.version, name=name, checksum=checksum)
    return _journal_timed(session, entry)


def record_finished(
    session: Session, migration: Migration, *, shape: Shape, name: str, entry: Entry
) -> None:
    """Enter a migration that ran in pieces, whose entry says how long it took."""
    checksum = shape.checksum(migration.checksum)
    _write(session, "add", version=migration.version, name=name, checksum=checksum)
    record_entry(session, entry)


def run_alone(session: Session, text: str) -> None:
    """Run a statement of ours that no transaction holds. Raises psycopg's error."""
    session.stop.check()
    error = failed(send(session.conn, text.encode(), tick=session.watching()))
    if error is not None:
        raise error


def writes_of(
    session: Session, migration: Migration, *, shape: Shape, name: str, entry: Entry
) -> tuple[str, str]:
    """Return the statements that enter a migration, as one message with it, in set and journal."""
    checksum, values = shape.checksum(migration.checksum), entry.values(session.encoding)
    add = session.text(
        "ledger", "add_at_once", version=migration.version, name=name, checksum=checksum
    )
    text = values["statement"]
    if text is None or not _ROUTINE.search(text):
        return add, session.text("ledger", "journal_at_once", **values)
    values["statement"] = base64.b64encode(text.encode()).decode()
    return add, session.text("ledger", "journal_at_once_encoded", **values)


def applied_by_another(session: Session, version: int, run_id: str) -> bool:
    """Whether the journal says that another run has entered a version in the set."""
    values = {"version": version, "run_id": run_id}
    return session.run("ledger", "applied_by_another", **values).fetchone() == (True,)


def read_strays(session: Session, versions: Iterable[int], run_id: str) -> tuple[int, ...]:
    """Return what the set has beside these versions, and no other run says it has entered."""
    rows = session.run("ledger", "strays", versions=list(versions), run_id=run_id)
    return tuple(version for (version,) in rows)


def read_run(session: Session, run_id: str, versions: Iterable[int] = ()) -> dict[int, timedelta]:
    """Return the versions that a run has applied, each with the time it took.

    Of the ``versions``, of which COMMIT has succeeded, those count too that the set has and no
    line of the journal tells of, with no time.
    """
    cursor = session.run("ledger", "run", run_id=run_id, versions=list(versions))
    cursor.nextset()
    rows = cursor.fetchall()
    return {version: timedelta(seconds=seconds) for version, seconds in rows}


def _journal_timed(session: Session, entry: Entry) -> timedelta:
    row = _add_line(session, "journal_add_timed", entry).fetchone()
    if row is None:
        raise _not_written(session, session.tracker.journal)
    return timedelta(seconds=row[0])


def _add_line(session: Session, statement: str, entry: Entry) -> psycopg.Cursor[tuple[Any, ...]]:
    try:
        return session.run("ledger", statement, **entry.values(session.encoding))
    except REFUSED as error:
        raise _not_written(session, session.tracker.journal, error) from None


def _write(session: Session, statement: str, /, **values: object) -> None:
    """Write one row of the set, and make sure that it was written: a trigger may swallow it."""
    try:
        written = session.run_watched("ledger", statement, **values).rowcount
    except errors.FeatureNotSupported:  # a rule that does something else instead
        written = 0
    if written > 1:
        name = f"{session.tracker.schema}.{session.tracker.table}"
        raise ServerError(
            f"{name} has {written} rows of version {values['version']}",
            detail="Its primary key was dropped, or a table that inherits it has the version, too.",
            hint="Delete all but one of them; then run `pgbraid check`.",
        )
    if not written:
        raise _not_written(session, session.tracker.table)


def _not_written(session: Session, table: str, error: psycopg.Error | None = None) -> ServerError:
    """Return the error of a set or a journal that did not take what was to be written."""
    what = "line" if table == session.tracker.journal else "row"
    name = f"{session.tracker.schema}.{table}"
    quoted = sql.Identifier(session.tracker.schema, table).as_string(None)
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


def record_adopted(session: Session, adoption: Adoption, run_id: str) -> None:
    """Enter what another tool has applied, unrun, in the transaction that is open."""
    detail = {
        "from": adoption.source,
        "tool": adoption.tool,
        "counter": adoption.counter,
        "not_applied": list(adoption.excluded),
    }
    record_entry(session, Entry(run_id, "adopted", detail=detail))
    for migration in adoption.migrations:
        _write(session, "adopt", version=migration.version, name=migration.name)
        record_entry(session, Entry(run_id, "adopted", migration.version, migration.name))


def record_baseline(session: Session, migration: Migration, name: str, run_id: str) -> None:
    """Enter a migration in set and journal that was applied by other means, unrun."""
    _write(session, "adopt", version=migration.version, name=name)
    detail = {"from": "baseline"}
    entry = Entry(run_id, "adopted", migration.version, migration.name, detail=detail)
    record_entry(session, entry)


def record_restored(session: Session, lost: Mismatch, shape: Shape, entry: Entry) -> None:
    """Put a row back into the set as the journal has it, in the transaction that is open."""
    name, checksum = lost.name or str(lost.version), shape.checksum(lost.checksum)
    _write(session, "restore", version=lost.version, name=name, checksum=checksum)
    record_entry(session, entry)


def record_repaired(
    session: Session, migration: Migration, *, shape: Shape, name: str, entry: Entry
) -> None:
    """Give a row of the set the file's checksum and a name, in the transaction that is open."""
    checksum = shape.checksum(migration.checksum)
    _write(session, "repair", version=migration.version, name=name, checksum=checksum)
    record_entry(session, entry)


def record_removed(session: Session, version: int, entry: Entry) -> timedelta:
    """Take a version out of the set, in the transaction that is open.

    Returns the time since that transaction began.
    """
    _write(session, "remove", version=version)
    return _journal_timed(session, entry)


def record_entry(session: Session, entry: Entry) -> None:
    """Write one line of the journal."""
    if _add_line(session, "journal_add", entry).rowcount != 1:
        raise _not_written(session, session.tracker.journal)
