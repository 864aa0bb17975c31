"""Reads the order in which a database's migrations were applied, and the texts that ran."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import errors

from pgbraid.model.migration import AppliedMigration
from pgbraid.postgres.ledger.agreement import read_mismatches
from pgbraid.postgres.ledger.applied_set import as_hex
from pgbraid.postgres.ledger.journal import read_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pgbraid.model.results import Mismatch
    from pgbraid.postgres.client.session import Session

__all__ = ["AppliedHistory", "HistoryRow", "MigratingRole", "plain_role", "read_history"]


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A migration that was applied or undone, from the journal.

    ``place`` is the id of the journal line; ``text`` is None if the journal has no text.
    """

    place: int
    version: int
    name: str | None
    undone: bool
    text: str | None


@dataclass(frozen=True, slots=True)
class MigratingRole:
    """The role that migrates, with its attributes and memberships."""

    name: str
    superuser: bool
    inherits: bool
    creates_roles: bool
    creates_databases: bool
    replicates: bool
    bypasses_row_security: bool
    member_of: tuple[str, ...] = ()

    @property
    def attributes(self) -> tuple[tuple[str, bool], ...]:
        """The attributes by their names in CREATE ROLE."""
        return (
            ("SUPERUSER", self.superuser),
            ("INHERIT", self.inherits),
            ("CREATEROLE", self.creates_roles),
            ("CREATEDB", self.creates_databases),
            ("REPLICATION", self.replicates),
            ("BYPASSRLS", self.bypasses_row_security),
        )


def plain_role(name: str | None) -> MigratingRole | None:
    """Return a role of this name with the attributes that ``CREATE ROLE name`` gives it."""
    if name is None:
        return None
    return MigratingRole(
        name,
        superuser=False,
        inherits=True,
        creates_roles=False,
        creates_databases=False,
        replicates=False,
        bypasses_row_security=False,
    )


@dataclass(frozen=True, slots=True)
class AppliedHistory:
    """The applied set in order of application, with the journal's texts by version."""

    rows: tuple[AppliedMigration, ...]
    texts: dict[int, str]
    major: int
    """The server's major version."""
    role: MigratingRole | None
    """The role that migrates: the owner of the applied set, unless another one was given."""
    settings: tuple[tuple[str, str], ...] = ()
    """Settings of the database or the role that change the effect of statements."""
    extensions: tuple[tuple[str, str], ...] = ()
    """Each extension with its schema."""
    places: Mapping[int, int] = field(default_factory=dict)
    """The id of the journal line ``applied``, by version."""
    undone: tuple[HistoryRow, ...] = ()
    """All lines ``applied`` and ``undone`` of each version that was ever undone, in order."""
    mismatches: tuple[Mismatch, ...] = ()
    """Versions on which the applied set and the journal disagree."""
    notes: tuple[str, ...] = ()
    """Notes for the user on rows that stand for others."""


def read_history(session: Session, role: str | None = None) -> AppliedHistory:
    """Return the applied migrations in their order, and the role that applied them.

    ``role`` is the role that will migrate; by default the owner of the applied set. Raises
    ServerError if the applied set may not be read; a missing one is empty.
    """
    try:
        applied_rows = session.run("ledger", "history").fetchall()
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.InsufficientPrivilege):
        # Without a readable journal, applied_at is the best order there is.
        try:
            applied_rows = session.run("ledger", "history_by_time").fetchall()
        except errors.UndefinedTable:
            applied_rows = []
    rows = tuple(
        AppliedMigration(version, name, as_hex(checksum))
        for version, name, checksum, *_ in applied_rows
    )
    texts = {
        version: recorded.text
        for version, recorded in read_texts(session, [row.version for row in rows]).items()
        if recorded.text is not None
    }
    ledger = session.ledger
    names = {"schema": ledger.schema, "table": ledger.table}
    owner = session.run("ledger", "owner", **names, role=role).fetchone()
    environment = session.run("ledger", "database_environment").fetchall()
    return AppliedHistory(
        rows,
        texts,
        session.conn.info.server_version // 10000,
        _role(owner) if owner else None,
        tuple((name, value) for kind, name, value in environment if kind == "setting"),
        tuple((name, schema) for kind, name, schema in environment if kind == "extension"),
        {version: place for version, _, _, place, *_ in applied_rows if place is not None},
        _undone(session),
        _mismatches(session),
    )


def _mismatches(session: Session) -> tuple[Mismatch, ...]:
    try:
        return read_mismatches(session)
    except errors.InsufficientPrivilege:
        return ()
    except (errors.UndefinedTable, errors.UndefinedColumn):
        pass
    try:
        return read_mismatches(session, without_set=True)
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.InsufficientPrivilege):
        return ()


def _undone(session: Session) -> tuple[HistoryRow, ...]:
    try:
        rows = session.run("ledger", "undone").fetchall()
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.InsufficientPrivilege):
        return ()
    return tuple(
        HistoryRow(place, version, name, event == "undone", text)
        for place, version, name, event, text in rows
    )


def _role(row: tuple[Any, ...]) -> MigratingRole:
    """Return the role of a row, whose last value is the list of its memberships."""
    name, superuser, inherits, roles, databases, replicates, bypasses, groups = row
    return MigratingRole(
        name, superuser, inherits, roles, databases, replicates, bypasses, tuple(groups)
    )
