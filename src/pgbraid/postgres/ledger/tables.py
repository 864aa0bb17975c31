"""The tracker's schema, tracker and journal: made where they are missing, judged where not."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import errors

from pgbraid.model.errors import ServerError, TargetRefused
from pgbraid.postgres.client.named_sql import statement
from pgbraid.postgres.ledger.agreement import has_lines
from pgbraid.postgres.ledger.applied_set import COLUMNS, no_journal_error, not_a_ledger_error
from pgbraid.postgres.ledger.journal import JournalEntry, append, new_run_id

if TYPE_CHECKING:
    from pgbraid.postgres.client.session import Session

__all__ = ["LedgerTraits", "ensure_schema", "ensure_tables"]

_JOURNAL_COLUMNS = (
    "id",
    "run_id",
    "event",
    "version",
    "name",
    "happened_at",
    "duration",
    "checksum",
    "statement",
    "detail",
)
"""The journal's columns that we write or read."""
_DEFAULTS = frozenset(
    {
        None,
        "now()",
        "clock_timestamp()",
        "SESSION_USER",
        "current_setting('application_name'::text)",
    }
)
"""The defaults of our own columns, as the server writes them; others are looked at."""


@dataclass(frozen=True, slots=True)
class LedgerTraits:
    """How tracker and journal are made, where another program or another role had a hand in it.

    ``has_triggers_or_rules`` says that a trigger or a rule hangs on one of them,
    ``database_is_empty`` that before them the database held nothing of anybody's. Of roles other
    than superusers and our own, ``owners`` own one of them, ``writers`` may write to one, and
    ``schema_creators`` might have made one, as they may create in the schema and neither was there.
    """

    binary_checksum: bool = False
    has_triggers_or_rules: bool = False
    database_is_empty: bool = False
    owners: tuple[str, ...] = ()
    schema_creators: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()

    def checksum(self, digest: str | None) -> str | bytes | None:
        """Return a checksum as the column takes it."""
        return bytes.fromhex(digest) if digest and self.binary_checksum else digest


def ensure_schema(session: Session) -> None:
    """Create the tracker's schema if it is missing.

    A look comes first, so that nothing is written where it is there.
    """
    if _schema_exists(session):
        return
    try:
        session.run("ensure", "create_schema")
    except (errors.UniqueViolation, errors.DuplicateSchema):
        if not _schema_exists(session):
            raise


def _schema_exists(session: Session) -> bool:
    row = session.run("ensure", "schema_exists", schema=session.ledger.schema).fetchone()
    return row == (True,)


def ensure_tables(session: Session, *, fresh: bool = False) -> LedgerTraits:
    """Create the tracker and the journal where they are missing, and return what they are like.

    To be called under the lock. Only who asks for ``fresh`` learns whether the database held
    nothing before, as that takes a look at its objects. Nobody but the owner may write to what is
    made here, whatever the default privileges are. The journal's sequence is moved past its ids.

    Raises ServerError where a table of one of the names has other columns, TargetRefused where
    a statement of ours would run code of another role.
    """
    ledger = session.ledger
    found: dict[str, dict[str, str]] = defaultdict(dict)
    acts = unusual = False
    numbered = True
    for table, column, kind, default, acting, other, unfilled in session.run(
        "ensure", "columns", **_names(session)
    ):
        found[table][column] = kind
        numbered &= (table, column, unfilled) != (ledger.journal, "id", True)
        acts |= acting
        unusual |= other or acting or default not in _DEFAULTS
    distrusted = _distrusted(session) if unusual else {}
    _check_trust(session, distrusted.get("code", []))
    is_fresh = fresh and session.run("ensure", "is_fresh").fetchone() == (True,)
    creators = () if found else _creators(session)
    missing = [name for name in (ledger.table, ledger.journal) if name not in found]
    if missing:
        _create(session, missing)
    if ledger.journal in found:
        _check_journal(session, found[ledger.journal], numbered=numbered)
        _advance_sequence(session)
        _begin_journal(session)
    columns = found.get(ledger.table) or dict.fromkeys(COLUMNS, "text")
    absent = [name for name in COLUMNS if name not in columns]
    if absent:
        raise not_a_ledger_error(session, f"It has no column {', '.join(absent)}")
    return LedgerTraits(
        columns["checksum"] == "bytea",
        acts,
        is_fresh,
        owners=tuple(distrusted.get("owner", ())),
        schema_creators=creators,
        writers=tuple(distrusted.get("writer", ())),
    )


def _names(session: Session) -> dict[str, str]:
    ledger = session.ledger
    return {"schema": ledger.schema, "table": ledger.table, "journal": ledger.journal}


def _distrusted(session: Session) -> dict[str, list[str]]:
    """Return the other roles that own, may write, or have code run by tracker and journal."""
    found: dict[str, list[str]] = defaultdict(list)
    for kind, role in session.run("ensure", "distrusted_roles", **_names(session)):
        found[kind].append(role)
    return found


def _creators(session: Session) -> tuple[str, ...]:
    rows = session.run("ensure", "creators", schema=session.ledger.schema)
    return tuple(role for (role,) in rows)


def _create(session: Session, missing: list[str]) -> None:
    """Make the tables that are missing; a journal begins with the line that it was made."""
    ledger = session.ledger
    wanted = {ledger.table: "create_tracker", ledger.journal: "create_journal"}
    texts = [
        statement("ensure", name, ledger, with_values=False).as_string(None)
        for name in ("create_at_once", *(wanted[table] for table in missing))
    ]
    if ledger.journal in missing:
        entry = JournalEntry(new_run_id(), "created", detail={"tables": missing})
        texts.append(session.text("ledger", "journal_add", **entry.values(session.encoding)))
    session.conn.execute(";\n".join(texts).encode())
    revokes = [text for (text,) in session.run("ensure", "revokes")]
    if revokes:
        session.conn.execute(";\n".join(revokes).encode())


def _advance_sequence(session: Session) -> None:
    """Make sure that the journal's next line gets the highest id.

    A restore by COPY, or a replica that was promoted, leaves the sequence behind the rows.
    """
    row = session.run("ensure", "behind").fetchone()
    if row is None:
        return
    try:
        session.run("ensure", "advance", sequence=row[0], id=row[1])
    except errors.InsufficientPrivilege:
        raise ServerError(
            f"the ids of {session.ledger.schema}.{session.ledger.journal} run behind its rows",
            detail=f"Its next line would get an id below {row[1]}, and be taken for an old one.",
            hint=f"As the table's owner: SELECT setval('{row[0]}', {row[1]}).",
        ) from None


def _check_journal(session: Session, columns: dict[str, str], *, numbered: bool) -> None:
    """Refuse a journal to which no line can be added, before anything runs."""
    absent = [name for name in _JOURNAL_COLUMNS if name not in columns]
    if absent:
        raise no_journal_error(session, f"It has no column {', '.join(absent)}")
    if not numbered:
        raise no_journal_error(session, "Its column id gives new lines no number")


def _begin_journal(session: Session) -> None:
    """Give a journal that somebody else has made its first line.

    By it, a journal without a line is known to have been emptied.
    """
    if not has_lines(session):
        append(session, JournalEntry(new_run_id(), "created"))


def _check_trust(session: Session, roles: list[str]) -> None:
    """Refuse a tracker on which somebody else has set what would run as us."""
    if roles:
        ledger = session.ledger
        raise TargetRefused(
            f"{ledger.schema}.{ledger.table} would run code of role {roles[0]} as this one",
            detail="A trigger, a rule, a constraint, a default, an index or a type of the tracker "
            "or of the journal is that role's, or calls what is.",
            hint="Look at it with psql's \\d; take it away, or give the tables to a role of yours "
            "with ALTER TABLE … OWNER TO.",
        )
