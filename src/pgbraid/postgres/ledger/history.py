"""The order in which a database's migrations were applied, and the texts that ran."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import errors

from pgbraid.model.migration import AppliedMigration
from pgbraid.postgres.ledger.agreement import read_mismatches
from pgbraid.postgres.ledger.journal import read_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pgbraid.model.results import Mismatch
    from pgbraid.postgres.client.session import Session

__all__ = ["AppliedHistory", "HistoryRow", "MigratingRole", "plain_role", "read_history"]


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A migration that was applied, or undone, as the journal has it.

    ``place`` is the number of the journal's line; ``text`` is None where it was not kept.
    """

    place: int
    version: int
    name: str | None
    undone: bool
    text: str | None


@dataclass(frozen=True, slots=True)
class MigratingRole:
    """The role that migrates, with its attributes and the roles that it is a member of."""

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
        """The attributes as CREATE ROLE names them."""
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
    """The applied set in its order, with the texts that were kept, by version."""

    rows: tuple[AppliedMigration, ...]
    texts: dict[int, str]
    major: int
    """The server's major version."""
    role: MigratingRole | None
    """The role that owns the tracker, and so is the one that migrates."""
    settings: tuple[tuple[str, str], ...] = ()
    """Settings of the database or the role that change what statements do."""
    extensions: tuple[tuple[str, str], ...] = ()
    """Each with its schema."""
    places: Mapping[int, int] = field(default_factory=dict)
    """By version, the number of the journal's line that says that it was applied."""
    undone: tuple[HistoryRow, ...] = ()
    """Of each version that was ever undone, all that ran of it, in order."""
    mismatches: tuple[Mismatch, ...] = ()
    """Versions of which set and journal say the opposite."""


def read_history(session: Session, role: str | None = None) -> AppliedHistory:
    """Return what was applied in which order, and by which role; it only reads.

    ``role`` is the one that will migrate; by default it is the owner of the tracker. Raises
    ServerError where there is no tracker, or it may not be read.
    """
    try:
        found = session.run("ledger", "order").fetchall()
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.InsufficientPrivilege):
        try:
            found = session.run("ledger", "order_by_time").fetchall()
        except errors.UndefinedTable:
            found = []
    rows = tuple(
        AppliedMigration(version, name, _hex(checksum)) for version, name, checksum, *_ in found
    )
    texts = {
        version: recorded.text
        for version, recorded in read_texts(session, [row.version for row in rows]).items()
        if recorded.text is not None
    }
    ledger = session.ledger
    names = {"schema": ledger.schema, "table": ledger.table}
    owner = session.run("ledger", "owner", **names, role=role).fetchone()
    around = session.run("ledger", "surroundings").fetchall()
    lines = _undone(session)
    return AppliedHistory(
        rows,
        texts,
        session.conn.info.server_version // 10000,
        _role(owner) if owner else None,
        tuple((name, value) for kind, name, value in around if kind == "setting"),
        tuple((name, schema) for kind, name, schema in around if kind == "extension"),
        {version: place for version, _, _, place, *_ in found if place is not None},
        lines,
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
    """Return the role of a row, whose last value lists what it is a member of."""
    name, superuser, inherits, roles, databases, replicates, bypasses, groups = row
    return MigratingRole(
        name, superuser, inherits, roles, databases, replicates, bypasses, tuple(groups)
    )


def _hex(checksum: str | None) -> str | None:
    return checksum.strip().lower().removeprefix("\\x") if checksum else None
