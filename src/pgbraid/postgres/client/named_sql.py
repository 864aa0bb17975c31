"""Loads pgbraid's own SQL, the named statements in ``statements/*.sql``."""

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
    statements = {
        name: "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip()
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }
    return cast("dict[str, LiteralString]", statements)


@cache
def plain_text(name: str, ledger: LedgerTable) -> str:
    """Return the text of a named statement of ``session.sql`` that takes no values."""
    return statement("session", name, ledger, with_values=False).as_string(None)


@cache
def statement(file: str, name: str, ledger: LedgerTable, *, with_values: bool) -> sql.Composed:
    """Return a named statement with the ledger's names filled in and quoted.

    ``{schema}``, ``{ledger}`` and ``{journal}`` stand for identifiers, ``{ledger_text}`` and
    ``{journal_text}`` for the quoted table names as string literals. Set ``with_values`` if the
    statement is sent with values.
    """
    # With values, the driver reads a percent sign as a placeholder.
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
