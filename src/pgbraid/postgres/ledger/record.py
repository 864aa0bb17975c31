"""Writes rows of the applied set, each together with its line of the journal."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from psycopg import errors

from pgbraid.model.errors import ServerError
from pgbraid.postgres.ledger.journal import JournalEntry, append, append_timed, not_written_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.model.migration import Migration
    from pgbraid.model.results import Adoption, Mismatch
    from pgbraid.postgres.client.session import Session
    from pgbraid.postgres.ledger.tables import LedgerTraits

__all__ = [
    "AdoptionRecord",
    "applied_by_another",
    "has_rows",
    "is_applied",
    "read_adopted",
    "read_adoption",
    "read_decided",
    "read_unexpected_rows",
    "record_adopted",
    "record_applied",
    "record_baseline",
    "record_nontransactional",
    "record_repaired",
    "record_restored",
    "record_sql",
    "remove_applied",
    "versions_applied_by",
]

_IN_MESSAGE = ("insert_applied_in_message", "append_in_message", "append_encoded_in_message")
_UNTOUCHED = ("insert_applied_untouched", "append_untouched", "append_encoded_untouched")
_ROUTINE = re.compile(r"\b(?:function|procedure|do)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AdoptionRecord:
    """The tracker table from which a history was adopted, and the version of its counter.

    ``not_applied`` are the versions that the user excluded. ``undone_since`` is true if any
    migration was undone or unadopted since.
    """

    source: str | None
    counter: int | None
    not_applied: tuple[int, ...]
    undone_since: bool


def read_adoption(session: Session, *, optional: bool = False) -> AdoptionRecord | None:
    """Return the latest adoption from another tool, or None.

    With ``optional``, also None if the role may not read the journal, or if it lacks a column.
    """
    unreadable = (errors.InsufficientPrivilege, errors.UndefinedColumn) if optional else ()
    try:
        row = session.run("ledger", "adoption").fetchone()
    except (errors.UndefinedTable, *unreadable):
        return None
    if row is None:
        return None
    source, counter, not_applied, undone_since = row
    return AdoptionRecord(source, counter, tuple(not_applied or ()), undone_since)


def read_decided(session: Session, versions: Iterable[int]) -> set[int]:
    """Return those of the versions that were ever applied, adopted or taken back here."""
    rows = session.run("ledger", "decided_versions", versions=list(versions))
    return {version for (version,) in rows}


def read_adopted(session: Session, versions: Iterable[int]) -> frozenset[int]:
    """Return those of the versions that were adopted and have not run since."""
    try:
        rows = session.run("ledger", "adopted_unchanged", versions=list(versions)).fetchall()
    except errors.UndefinedTable:
        return frozenset()
    return frozenset(version for (version,) in rows)


def has_rows(session: Session) -> bool:
    """Whether the applied set has a row."""
    return session.run("ledger", "has_rows").fetchone() == (True,)


def is_applied(session: Session, version: int) -> bool:
    """Whether the applied set has the version."""
    return session.run("ledger", "is_applied", version=version).fetchone() == (True,)


def record_applied(
    session: Session, migration: Migration, *, traits: LedgerTraits, name: str, entry: JournalEntry
) -> timedelta:
    """Record a migration in the applied set and the journal, in the open transaction.

    Returns the time since that transaction began.
    """
    checksum = traits.checksum(migration.checksum)
    _write(session, "insert_applied", version=migration.version, name=name, checksum=checksum)
    return append_timed(session, entry)


def record_nontransactional(
    session: Session, migration: Migration, *, traits: LedgerTraits, name: str, entry: JournalEntry
) -> None:
    """Record a non-transactional migration; the entry has its duration."""
    checksum = traits.checksum(migration.checksum)
    _write(session, "insert_applied", version=migration.version, name=name, checksum=checksum)
    append(session, entry)


def record_sql(  # noqa: PLR0913 - all that is recorded
    session: Session,
    migration: Migration,
    *,
    traits: LedgerTraits,
    name: str,
    entry: JournalEntry,
    untouched: bool,
) -> tuple[str, str]:
    """Return the INSERTs of the applied row and the journal line, for the migration's own message.

    The first divides by zero if the row was not stored, the second if the line's id is not the
    highest. For an ``untouched`` ledger, which no script has named, neither is checked.
    """
    insert, append_line, append_encoded = _UNTOUCHED if untouched else _IN_MESSAGE
    checksum, values = traits.checksum(migration.checksum), entry.values(session.encoding)
    insert_row = session.text(
        "ledger",
        insert,
        version=migration.version,
        name=name,
        checksum=checksum,
    )
    text = values["statement"]
    if text is None or not _ROUTINE.search(text):
        return insert_row, session.text("ledger", append_line, **values)
    # The server locates an error inside a routine by searching the message for the routine's text,
    # and gives up if it finds two copies. So the journal's copy is encoded.
    values["statement"] = base64.b64encode(text.encode()).decode()
    return insert_row, session.text("ledger", append_encoded, **values)


def applied_by_another(session: Session, version: int, run_id: str) -> bool:
    """Whether the journal has a line by which another run recorded the version."""
    values = {"version": version, "run_id": run_id}
    return session.run("ledger", "applied_by_another", **values).fetchone() == (True,)


def read_unexpected_rows(session: Session, versions: Iterable[int], run_id: str) -> tuple[int, ...]:
    """Return versions of the applied set besides these that no other run has recorded."""
    rows = session.run("ledger", "unexpected_rows", versions=list(versions), run_id=run_id)
    return tuple(version for (version,) in rows)


def versions_applied_by(
    session: Session, run_id: str, versions: Iterable[int] = ()
) -> dict[int, timedelta]:
    """Return the versions that a run has applied, each with its duration.

    ``versions`` are those whose COMMIT succeeded. They count too, with a duration of zero, if the
    applied set has them and the journal has no line of them: a body may have pruned the journal.
    """
    cursor = session.run("ledger", "versions_applied_by", run_id=run_id, versions=list(versions))
    cursor.nextset()
    rows = cursor.fetchall()
    return {version: timedelta(seconds=seconds) for version, seconds in rows}


def _write(session: Session, statement: str, /, **values: object) -> None:
    """Write one row of the applied set. Raises ServerError unless exactly one row was written."""
    try:
        written = session.run_watched("ledger", statement, **values).rowcount
    except errors.FeatureNotSupported:  # a rule DO INSTEAD, which cannot return rows
        written = 0
    if written > 1:
        name = f"{session.ledger.schema}.{session.ledger.table}"
        raise ServerError(
            f"{name} has {written} rows of version {values['version']}",
            detail="Its primary key was dropped, or a table that inherits from it also has the "
            "version.",
            hint="Delete all but one of them; then run `pgbraid check`.",
        )
    if not written:
        raise not_written_error(session, session.ledger.table)


def record_adopted(session: Session, adoption: Adoption, traits: LedgerTraits, run_id: str) -> None:
    """Record the migrations that another tool has applied, without running them.

    A row has a checksum if the tool's own checksum shows that the file is the text that ran. The
    journal keeps the tool's key and checksum of each. Runs in the open transaction.
    """
    detail = {
        "from": adoption.source,
        "tool": adoption.tool,
        "counter": adoption.counter,
        "not_applied": list(adoption.excluded),
    }
    append(session, JournalEntry(run_id, "adopted", detail=detail))
    foreign = {version: (key, checksum) for version, key, checksum in adoption.foreign}
    for file in adoption.migrations:
        digest = file.checksum if file.version in adoption.verified else None
        checksum = traits.checksum(digest)
        _write(session, "adopt", version=file.version, name=file.name, checksum=checksum)
        key, tools_checksum = foreign.get(file.version, (None, None))
        line = {"from": adoption.source, "key": key, "checksum": tools_checksum}
        entry = JournalEntry(run_id, "adopted", file.version, file.name, digest, detail=line)
        append(session, entry)


def record_baseline(session: Session, migration: Migration, name: str, run_id: str) -> None:
    """Record a migration that was applied by other means, without running it."""
    _write(session, "adopt", version=migration.version, name=name, checksum=None)
    detail = {"from": "baseline"}
    entry = JournalEntry(run_id, "adopted", migration.version, migration.name, detail=detail)
    append(session, entry)


def record_restored(
    session: Session, lost: Mismatch, traits: LedgerTraits, entry: JournalEntry
) -> None:
    """Restore a lost row of the applied set from the journal, in the open transaction."""
    name, checksum = lost.name or str(lost.version), traits.checksum(lost.checksum)
    try:
        _write(session, "restore", version=lost.version, name=name, checksum=checksum)
    except errors.UniqueViolation as error:  # a trigger has changed the version
        raise not_written_error(session, session.ledger.table, error) from None
    append(session, entry)


def record_repaired(
    session: Session, migration: Migration, *, traits: LedgerTraits, name: str, entry: JournalEntry
) -> None:
    """Set the checksum and name of a row of the applied set, in the open transaction."""
    checksum = traits.checksum(migration.checksum)
    _write(session, "repair", version=migration.version, name=name, checksum=checksum)
    append(session, entry)


def remove_applied(session: Session, version: int, entry: JournalEntry) -> timedelta:
    """Delete a version from the applied set, in the open transaction.

    Returns the time since that transaction began.
    """
    _write(session, "remove", version=version)
    return append_timed(session, entry)
