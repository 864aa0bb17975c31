"""The order in which a database's migrations were applied, and the texts that ran."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import errors

from pgbraid.core.model import Applied
from pgbraid.db.ledger import read_texts

if TYPE_CHECKING:
    from pgbraid.db.session import Session

__all__ = ["Order", "read_order"]


@dataclass(frozen=True, slots=True)
class Order:
    """The applied set in its order, with the texts that were kept, by version."""

    rows: tuple[Applied, ...]
    texts: dict[int, str]
    major: int
    """The server's major version."""
    owner: str | None
    """The role that owns the tracker, and so is the one that migrates."""
    settings: tuple[tuple[str, str], ...] = ()
    """Settings of the database or the role that change what statements do."""
    extensions: tuple[tuple[str, str], ...] = ()
    """Each with its schema."""


def read_order(session: Session) -> Order:
    """Return what was applied in which order; it only reads.

    Raises ServerError where there is no tracker, or it may not be read.
    """
    try:
        found = session.run("ledger", "order").fetchall()
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.InsufficientPrivilege):
        try:
            found = session.run("ledger", "order_by_time").fetchall()
        except errors.UndefinedTable:
            found = []
    rows = tuple(Applied(version, name, _hex(checksum)) for version, name, checksum, *_ in found)
    texts = {
        version: recorded.text
        for version, recorded in read_texts(session, [row.version for row in rows]).items()
        if recorded.text is not None
    }
    tracker = session.tracker
    owner = session.run("ledger", "owner", schema=tracker.schema, table=tracker.table).fetchone()
    around = session.run("ledger", "surroundings").fetchall()
    return Order(
        rows,
        texts,
        session.conn.info.server_version // 10000,
        owner[0] if owner else None,
        tuple((name, value) for kind, name, value in around if kind == "setting"),
        tuple((name, schema) for kind, name, schema in around if kind == "extension"),
    )


def _hex(checksum: str | None) -> str | None:
    return checksum.strip().lower().removeprefix("\\x") if checksum else None
