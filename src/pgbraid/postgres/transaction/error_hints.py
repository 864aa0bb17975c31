"""Adds hints to errors of a migration for which the server's own message gives no remedy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.model import sqlstate
from pgbraid.sql.checks.invisible import code_points
from pgbraid.sql.checks.isolation_level import LEVEL_HINT

if TYPE_CHECKING:
    import psycopg

    from pgbraid.model.migration import Diagnostic
    from pgbraid.postgres.client.session import Session

__all__ = ["BEFORE_WRITES", "NOT_IN_A_TRANSACTION", "hint_for"]

NOT_IN_A_TRANSACTION = "PreventInTransactionBlock"
"""The function in the server that raises the error; its SQLSTATE, 25001, has other causes too."""
BEFORE_WRITES = ("CreateInitDecodingContext", sqlstate.ACTIVE_SQL_TRANSACTION)
"""Source function and SQLSTATE of a replication slot refused in a transaction with an xid."""
_FIRST = (
    "Create the slot in the first statement of a file of its own: nothing in the file may change a "
    "row or an object before it."
)
_ALONE = (
    "pgbraid runs a migration in one transaction. Put this statement into a file of its own, "
    "whose first line is `-- pgbraid: no-transaction`."
)
_NO_EXTENSION = re.compile(
    r'extension "([^"]+)" is not available'
    r'|could not open extension control file ".*/([^"/]+)\.control": No such file'
)
"""The server's message since PostgreSQL 15, and the one before."""
_NO_SETTING = re.compile(r'configuration parameter "([^".]+)"')
_VARIABLE = re.compile(r":(?:['\"]?[A-Za-z_]\w*|\{\?)")
_PENDING = ("CheckTableNotInUse", sqlstate.OBJECT_IN_USE)
"""Source function and SQLSTATE of a table with pending trigger events, or an open cursor on it."""
_AFTER_FIRST_QUERY = ("call_enum_check_hook", sqlstate.ACTIVE_SQL_TRANSACTION)
"""Source function and SQLSTATE of an isolation level that is set after the first query."""
_DEFERRED = (
    "Deferred constraints or triggers of this table are pending. Run SET CONSTRAINTS ALL IMMEDIATE "
    "before the statement, or put the statement into a migration of its own."
)


def hint_for(
    session: Session, error: psycopg.Error, diagnostic: Diagnostic, rest: str | None
) -> str | None:
    """Return the hint for an error, or None to keep the server's own hint.

    ``rest`` is the script's text from the error position on, if the server named a position.
    """
    return (
        _invisible_characters(diagnostic)
        or _by_function(error)
        or _by_text(diagnostic, rest)
        or _by_name(session, diagnostic)
        or _lacking_extension(session, diagnostic)
    )


def _invisible_characters(diagnostic: Diagnostic) -> str | None:
    names = code_points(diagnostic.message)
    if not names:
        return None
    hint = f"It contains {names}, which is invisible: replace it by a plain blank, or remove it."
    return f"{diagnostic.hint}\n{hint}" if diagnostic.hint else hint


def _by_function(error: psycopg.Error) -> str | None:
    # The server translates its messages, but not the names of its functions.
    function = error.diag.source_function
    if function == NOT_IN_A_TRANSACTION:
        return _ALONE
    if (function, error.sqlstate) == BEFORE_WRITES:
        return _FIRST
    if (function, error.sqlstate) == _AFTER_FIRST_QUERY:
        return LEVEL_HINT
    return _DEFERRED if (function, error.sqlstate) == _PENDING else None


def _by_text(diagnostic: Diagnostic, rest: str | None) -> str | None:
    match = _VARIABLE.match(rest or "") if diagnostic.sqlstate == sqlstate.SYNTAX_ERROR else None
    if match is None:
        return None
    return f"{match[0]} looks like a psql variable, which only psql replaces: write its value."


def _by_name(session: Session, diagnostic: Diagnostic) -> str | None:
    ledger, message = session.ledger, diagnostic.message
    if diagnostic.sqlstate == sqlstate.UNDEFINED_OBJECT and (match := _NO_SETTING.search(message)):
        version = session.conn.info.server_version // 10000
        return (
            f"This server is PostgreSQL {version}, which has no setting {match[1]}. If the file is "
            "a dump by a newer pg_dump, remove the line."
        )
    if diagnostic.sqlstate == sqlstate.DUPLICATE_TABLE and f'"{ledger.table}' in message:
        return (
            "The file creates pgbraid's own tables, as a dump of the whole database does. Make the "
            f"dump with pg_dump -T '{ledger.schema}.{ledger.table}*'."
        )
    return None


def _lacking_extension(session: Session, diagnostic: Diagnostic) -> str | None:
    match = _NO_EXTENSION.search(diagnostic.message)
    if match is None or session.target.embedded is None:
        return None
    return (
        f"This {session.target.embedded} has no {match[1] or match[2]}. Set PGBRAID_PG_BIN to "
        "the folder of an installed server that has it, or name another server."
    )
