"""Creates the ledger's schema and tables where they are missing, and checks existing ones."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import errors

from pgbraid.model.errors import ServerError, TargetRefused
from pgbraid.postgres.client.session import statement
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
"""The journal's columns that pgbraid writes or reads."""
_DEFAULTS = frozenset(
    {
        None,
        "now()",
        "clock_timestamp()",
        "SESSION_USER",
        "current_setting('application_name'::text)",
    }
)
"""The defaults of our own columns, as the server prints them; any other one needs a check."""


@dataclass(frozen=True, slots=True)
class LedgerTraits:
    """Properties of the ledger's tables, which another program or role may have created.

    ``has_triggers_or_rules``: one of the tables has a trigger or a rule. ``database_is_empty``: the
    database contained no user objects before. The other fields name roles that are neither
    superusers nor roles of ours: ``owners`` own a table, ``writers`` may write to one, and
    ``schema_creators`` could have created a missing table before us.
    """

    binary_checksum: bool = False
    has_triggers_or_rules: bool = False
    database_is_empty: bool = False
    owners: tuple[str, ...] = ()
    schema_creators: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()

    def checksum(self, digest: str | None) -> str | bytes | None:
        """Return a checksum in the type of the column."""
        return bytes.fromhex(digest) if digest and self.binary_checksum else digest


def ensure_schema(session: Session) -> None:
    """Create the ledger's schema if it is missing; write nothing if it exists."""
    if _schema_exists(session):
        return
    try:
        session.run("ensure", "create_schema")
    except (errors.UniqueViolation, errors.DuplicateSchema):
        # Another session created it meanwhile; IF NOT EXISTS does not close that race.
        if not _schema_exists(session):
            raise


def _schema_exists(session: Session) -> bool:
    row = session.run("ensure", "schema_exists", schema=session.ledger.schema).fetchone()
    return row == (True,)


def ensure_tables(session: Session, *, fresh: bool = False) -> LedgerTraits:
    """Create the missing tables of the ledger, and return the traits of both tables.

    Call it under the lock. With ``fresh`` it also finds out whether the database was empty, which
    needs a scan of the catalog. Only the owner may write to the tables that are created here,
    regardless of default privileges. The journal's sequence is moved past the existing ids.

    Raises ServerError if an existing table lacks a column, and TargetRefused if a statement of
    ours would run code of another role.
    """
    ledger = session.ledger
    types: dict[str, dict[str, str]] = defaultdict(dict)
    has_triggers = unusual = False
    numbered = True
    for table, column, kind, default, acting, other, unfilled in session.run(
        "ensure", "columns", **_names(session)
    ):
        types[table][column] = kind
        numbered &= (table, column, unfilled) != (ledger.journal, "id", True)
        has_triggers |= acting
        unusual |= other or acting or default not in _DEFAULTS
    # The full check of all dependencies is slow, so it runs only for tables unlike our own.
    other_roles = _other_roles(session) if unusual else {}
    _check_trust(session, other_roles.get("code", []))
    is_fresh = fresh and session.run("ensure", "is_fresh").fetchone() == (True,)
    creators = () if types else _creators(session)
    missing = [name for name in (ledger.table, ledger.journal) if name not in types]
    if missing:
        _create(session, missing)
    if ledger.journal in types:
        _check_journal(session, types[ledger.journal], numbered=numbered)
        _advance_sequence(session)
        _begin_journal(session)
    columns = types.get(ledger.table) or dict.fromkeys(COLUMNS, "text")
    absent = [name for name in COLUMNS if name not in columns]
    if absent:
        raise not_a_ledger_error(session, f"It has no column {', '.join(absent)}")
    return LedgerTraits(
        columns["checksum"] == "bytea",
        has_triggers,
        is_fresh,
        owners=tuple(other_roles.get("owner", ())),
        schema_creators=creators,
        writers=tuple(other_roles.get("writer", ())),
    )


def _names(session: Session) -> dict[str, str]:
    ledger = session.ledger
    return {"schema": ledger.schema, "table": ledger.table, "journal": ledger.journal}


def _other_roles(session: Session) -> dict[str, list[str]]:
    """Return the other roles that own the ledger, may write to it, or have code run by it."""
    roles: dict[str, list[str]] = defaultdict(list)
    for kind, role in session.run("ensure", "distrusted_roles", **_names(session)):
        roles[kind].append(role)
    return roles


def _creators(session: Session) -> tuple[str, ...]:
    rows = session.run("ensure", "schema_creators", schema=session.ledger.schema)
    return tuple(role for (role,) in rows)


def _create(session: Session, missing: list[str]) -> None:
    """Create the missing tables, and write the first line of a new journal."""
    ledger = session.ledger
    statements = {ledger.table: "create_applied_set", ledger.journal: "create_journal"}
    texts = [
        statement("ensure", name, ledger, with_values=False).as_string(None)
        for name in ("commit_asynchronously", *(statements[table] for table in missing))
    ]
    if ledger.journal in missing:
        # Without this line, an emptied journal would look like a new one.
        entry = JournalEntry(new_run_id(), "created", detail={"tables": missing})
        texts.append(session.text("ledger", "append", **entry.values(session.encoding)))
    # One message, so one transaction: a journal never exists without its first line.
    session.conn.execute(";\n".join(texts).encode())
    # Default privileges may have granted other roles the right to write.
    revokes = [text for (text,) in session.run("ensure", "revokes")]
    if revokes:
        session.conn.execute(";\n".join(revokes).encode())


def _advance_sequence(session: Session) -> None:
    """Move the journal's sequence past its ids, so that the next line gets the highest id.

    After a restore by COPY, or on a promoted replica, the sequence may be behind the rows.
    """
    row = session.run("ensure", "sequence_is_behind").fetchone()
    if row is None:
        return
    try:
        session.run("ensure", "advance_sequence", sequence=row[0], id=row[1])
    except errors.InsufficientPrivilege:
        raise ServerError(
            f"the sequence of {session.ledger.schema}.{session.ledger.journal} is behind its rows",
            detail=f"Its next line would get an id below {row[1]}, and would count as older.",
            hint=f"As the table's owner: SELECT setval('{row[0]}', {row[1]}).",
        ) from None


def _check_journal(session: Session, columns: dict[str, str], *, numbered: bool) -> None:
    """Raise ServerError, before anything runs, if no line can be added to the journal."""
    absent = [name for name in _JOURNAL_COLUMNS if name not in columns]
    if absent:
        raise no_journal_error(session, f"It has no column {', '.join(absent)}")
    if not numbered:
        raise no_journal_error(session, "Its column id has neither an identity nor a default")


def _begin_journal(session: Session) -> None:
    """Write the first line of a journal that was created without one by other means.

    From then on, a journal without a line has been emptied.
    """
    if not has_lines(session):
        append(session, JournalEntry(new_run_id(), "created"))


def _check_trust(session: Session, roles: list[str]) -> None:
    """Raise TargetRefused if the ledger runs code of one of these roles as the deploying role.

    The owner can still add such code afterwards; that the owner is another role is a warning.
    """
    if roles:
        ledger = session.ledger
        raise TargetRefused(
            f"{ledger.schema}.{ledger.table} would run code of role {roles[0]} with the "
            "privileges of the current role",
            detail="A trigger, rule, constraint, default, index or type of the applied set or the "
            "journal belongs to that role, or calls a function of it.",
            hint="Look at both tables with psql's \\d. Drop the trigger, rule or other object of "
            "that role, or give the tables to a role of yours with ALTER TABLE … OWNER TO.",
        )
