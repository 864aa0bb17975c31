"""The SQL of pgbraid itself, from the named statements in ``sql/*.sql``."""

from __future__ import annotations

import pkgutil
import re
from functools import cache
from typing import TYPE_CHECKING, LiteralString, cast

from psycopg import sql

if TYPE_CHECKING:
    from pgbraid.core.model import Tracker

__all__ = ["plain_text", "statement"]

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def _statements(file: str) -> dict[str, LiteralString]:
    data = pkgutil.get_data(__name__, f"sql/{file}.sql")
    _, *parts = _NAME.split((data or b"").decode())
    found = {
        name: "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip()
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }
    return cast("dict[str, LiteralString]", found)


@cache
def plain_text(name: str, tracker: Tracker) -> str:
    """Return the text of a session's named statement that takes no values."""
    return statement("session", name, tracker, with_values=False).as_string(None)


def statement(file: str, name: str, tracker: Tracker, *, with_values: bool) -> sql.Composed:
    """Return a named statement with its identifiers quoted.

    ``{schema}``, ``{tracker}`` and ``{journal}`` in it stand for the tracker's own, and
    ``{tracker_text}`` and ``{journal_text}`` for the latter as texts. Where it
    is sent ``with_values``, the driver reads a percent sign as a placeholder, so that of a
    name is doubled.
    """
    schema, table, journal = (
        part.replace("%", "%%") if with_values else part
        for part in (tracker.schema, tracker.table, tracker.journal)
    )
    return sql.SQL(_statements(file)[name]).format(
        schema=sql.Identifier(schema),
        tracker=sql.Identifier(schema, table),
        journal=sql.Identifier(schema, journal),
        journal_text=sql.Literal(sql.Identifier(schema, journal).as_string(None)),
        tracker_text=sql.Literal(sql.Identifier(schema, table).as_string(None)),
    )
