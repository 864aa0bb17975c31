"""The SQL of pgbraid itself, from the named statements in ``statements/*.sql``."""

from __future__ import annotations

import pkgutil
import re
from functools import cache
from typing import TYPE_CHECKING, LiteralString, cast

from psycopg import sql

if TYPE_CHECKING:
    from pgbraid.model.migration import LedgerTable

__all__ = ["plain_text", "statement"]

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def _statements(file: str) -> dict[str, LiteralString]:
    data = pkgutil.get_data("pgbraid.postgres", f"statements/{file}.sql")
    _, *parts = _NAME.split((data or b"").decode())
    found = {
        name: "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip()
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }
    return cast("dict[str, LiteralString]", found)


@cache
def plain_text(name: str, ledger: LedgerTable) -> str:
    """Return the text of a session's named statement that takes no values."""
    return statement("session", name, ledger, with_values=False).as_string(None)


def statement(file: str, name: str, ledger: LedgerTable, *, with_values: bool) -> sql.Composed:
    """Return a named statement with its identifiers quoted.

    ``{schema}``, ``{ledger}`` and ``{journal}`` in it stand for the tracker's own, and
    ``{ledger_text}`` and ``{journal_text}`` for the latter as texts. Where it
    is sent ``with_values``, the driver reads a percent sign as a placeholder, so that of a
    name is doubled.
    """
    schema, table, journal = (
        part.replace("%", "%%") if with_values else part
        for part in (ledger.schema, ledger.table, ledger.journal)
    )
    return sql.SQL(_statements(file)[name]).format(
        schema=sql.Identifier(schema),
        ledger=sql.Identifier(schema, table),
        journal=sql.Identifier(schema, journal),
        journal_text=sql.Literal(sql.Identifier(schema, journal).as_string(None)),
        ledger_text=sql.Literal(sql.Identifier(schema, table).as_string(None)),
    )
