"""What to do about an error of a migration's, where the server's own words do not say it."""

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
"""The server's function, whose error code others share."""
BEFORE_WRITES = ("CreateInitDecodingContext", sqlstate.ACTIVE_SQL_TRANSACTION)
"""What refuses a logical replication slot in a transaction that has an id."""
_FIRST = (
    "Make the slot in the first statement of a file of its own: nothing in the file may change a "
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
"""What the server says since PostgreSQL 15, and what it said before."""
_NO_SETTING = re.compile(r'configuration parameter "([^".]+)"')
_VARIABLE = re.compile(r":(?:['\"]?[A-Za-z_]\w*|\{\?)")
_PENDING = ("CheckTableNotInUse", sqlstate.OBJECT_IN_USE)
"""What finds deferred constraints of a table waiting, or an open cursor of it."""
_TOO_LATE = ("call_enum_check_hook", sqlstate.ACTIVE_SQL_TRANSACTION)
"""What refuses another isolation level behind the first query."""
_DEFERRED = (
    "What the file has deferred to its end waits for this table. Run SET CONSTRAINTS ALL IMMEDIATE "
    "before the statement, or put the statement into a migration of its own."
)


def hint_for(
    session: Session, error: psycopg.Error, said: Diagnostic, rest: str | None
) -> str | None:
    """Return what to do, or None where the server's hint, or none, will do.

    ``rest`` is the text from where the server sees the error, if it says where.
    """
    return (
        _unseen(said)
        or _by_function(error)
        or _by_text(said, rest)
        or _by_name(session, said)
        or _lacking_extension(session, said)
    )


def _unseen(said: Diagnostic) -> str | None:
    unseen = code_points(said.message)
    if not unseen:
        return None
    hint = f"It holds {unseen}, which nobody sees: write a plain blank in its place, or nothing."
    return f"{said.hint}\n{hint}" if said.hint else hint


def _by_function(error: psycopg.Error) -> str | None:
    """Know an error by the function of the server that found it, in any language."""
    function = error.diag.source_function
    if function == NOT_IN_A_TRANSACTION:
        return _ALONE
    if (function, error.sqlstate) == BEFORE_WRITES:
        return _FIRST
    if (function, error.sqlstate) == _TOO_LATE:
        return LEVEL_HINT
    return _DEFERRED if (function, error.sqlstate) == _PENDING else None


def _by_text(said: Diagnostic, rest: str | None) -> str | None:
    match = _VARIABLE.match(rest or "") if said.sqlstate == sqlstate.SYNTAX_ERROR else None
    if match is None:
        return None
    return (
        f"{match[0]} looks like a variable of psql's, which psql alone replaces: write its value."
    )


def _by_name(session: Session, said: Diagnostic) -> str | None:
    """Know an error by the name in it."""
    ledger = session.ledger
    if said.sqlstate == sqlstate.UNDEFINED_OBJECT and (match := _NO_SETTING.search(said.message)):
        version = session.conn.info.server_version // 10000
        return (
            f"PostgreSQL {version}, as this server is, has no setting {match[1]}. If the file is a "
            "dump of a newer pg_dump, take the line out."
        )
    if said.sqlstate == sqlstate.DUPLICATE_TABLE and f'"{ledger.table}' in said.message:
        return (
            "The file makes pgbraid's own tables, as a dump of the whole database does. Make the "
            f"dump with pg_dump -T '{ledger.schema}.{ledger.table}*'."
        )
    return None


def _lacking_extension(session: Session, said: Diagnostic) -> str | None:
    match = _NO_EXTENSION.search(said.message)
    if match is None or session.target.embedded is None:
        return None
    return (
        f"This {session.target.embedded} has no {match[1] or match[2]}. Set PGBRAID_PG_BIN to "
        "the folder of an installed server that has it, or name another server."
    )
