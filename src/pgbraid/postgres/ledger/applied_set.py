"""The applied set, as every boot reads it: the one message of a run that has nothing to do."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from psycopg import errors

from pgbraid.model.errors import LockTimeout, ServerError, TargetRefused
from pgbraid.model.migration import AppliedMigration
from pgbraid.model.plan import LedgerState
from pgbraid.postgres.client.wire import error_of, send

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg
    from psycopg.pq.abc import PGresult

    from pgbraid.postgres.client.session import Session

__all__ = ["COLUMNS", "no_journal_error", "not_a_ledger_error", "read_ledger"]

COLUMNS = ("version", "name", "applied_at", "checksum")
"""The tracker's columns."""
_SET = 2
"""How many results there are up to that of the set."""
_NO_JOURNAL = (errors.UndefinedTable, errors.InsufficientPrivilege)
_ROW_SECURITY = "check_enable_rls"
"""The server's function that refuses to hide rows, as its messages are in many languages."""
_BRIEFLY = 5.0
"""Seconds for which a command that only looks waits where a table is locked."""


def read_ledger(
    session: Session,
    *,
    times: bool = False,
    wait: float = _BRIEFLY,
    tell: Callable[[str], None] | None = None,
) -> LedgerState:
    """Return the applied set, and what the journal says is incomplete, in one message.

    A set whose table is missing is empty; of a journal that is missing, or may not be read,
    nothing is known. Where the journal may say other than the set, two more queries look. With
    ``times`` it says when each version was applied. Where somebody has locked a table, this waits
    for ``wait`` seconds, and calls ``tell`` once with who it is.

    Raises ServerError where a table has not the columns of tracker or journal, TargetRefused
    where the tracker is gone and its journal may not be read, and LockTimeout.
    """
    begun = time.monotonic()
    while True:
        try:
            return _read(session, times=times)
        except errors.LockNotAvailable:
            holder = _holder(session)
            if time.monotonic() - begun >= wait:
                raise _locked(session, wait, holder) from None
            if tell:
                tell(holder)
                tell = None


def _read(session: Session, *, times: bool, trusted: bool = False) -> LedgerState:
    session.stop.check()
    text = session.text("ledger", "read_applied", **_names(session), times=times, trusted=trusted)
    results = send(session.conn, text.encode())
    error = error_of(results)
    if len(results) > 1 or error is None:
        role = _texts(results[0])[0][2]
        if session.target.role not in {None, role}:
            from pgbraid.postgres.client.server_requirements import check_role  # noqa: PLC0415

            check_role(session, role)
    if isinstance(error, errors.DivisionByZero) and _is_trusted(session):
        return _read(session, times=times, trusted=True)
    if error is not None and error.diag.source_function == _ROW_SECURITY:
        raise _hidden(session)
    if len(results) > _SET and isinstance(error, errors.UndefinedColumn):
        raise no_journal_error(session, error.diag.message_primary) from None
    if error is not None and (len(results) <= _SET or not isinstance(error, _NO_JOURNAL)):
        return _explain_unreadable(session, error)
    try:
        rows = [
            AppliedMigration(int(version or ""), name, _hex(checksum), _time(at))
            for version, name, checksum, at in _texts(results[_SET - 1])
        ]
    except ValueError:
        raise not_a_ledger_error(session, "Its column version holds what is no number") from None
    journal = not isinstance(error, errors.UndefinedTable)
    if error is not None or not results[_SET].ntuples:
        return LedgerState(tuple(rows), journal=journal)
    from pgbraid.postgres.ledger.agreement import read_mismatches  # noqa: PLC0415 - few boots need to look
    from pgbraid.postgres.ledger.incomplete import read_incomplete  # noqa: PLC0415

    try:
        return LedgerState(
            tuple(rows), incomplete=read_incomplete(session), mismatches=read_mismatches(session)
        )
    except errors.UndefinedColumn as found:
        raise no_journal_error(session, found.diag.message_primary) from None


def _names(session: Session) -> dict[str, str]:
    ledger = session.ledger
    return {"schema": ledger.schema, "table": ledger.table, "journal": ledger.journal}


def _is_trusted(session: Session) -> bool:
    """Whether set and journal are tables, with columns of types that are nobody else's."""
    row = session.run("ledger", "distrusted", **_names(session)).fetchone()
    return row == (False,)


def _explain_unreadable(session: Session, error: psycopg.Error) -> LedgerState:
    if isinstance(error, errors.UndefinedTable):
        return _without_set(session)
    if isinstance(error, errors.UndefinedColumn):
        raise not_a_ledger_error(session, error.diag.message_primary) from None
    if isinstance(error, errors.DivisionByZero):
        raise not_a_ledger_error(
            session, "It, or its journal, is no table, or has a column of another role's type"
        ) from None
    raise error


def _hidden(session: Session) -> ServerError:
    ledger = session.ledger
    return ServerError(
        f"row-level security would hide rows of {ledger.schema}.{ledger.table} or "
        f"{ledger.journal} from this role",
        detail="A migration whose row is hidden would run a second time.",
        hint="Have the owner run ALTER TABLE … DISABLE ROW LEVEL SECURITY on both, or a superuser "
        "ALTER ROLE … BYPASSRLS; then run `pgbraid check`.",
    )


def _without_set(session: Session) -> LedgerState:
    """Return what a journal says whose set is not there."""
    from pgbraid.postgres.ledger.agreement import read_mismatches  # noqa: PLC0415 - the first run, as a rule

    try:
        return LedgerState(exists=False, mismatches=read_mismatches(session, without_set=True))
    except errors.UndefinedTable:
        return LedgerState(exists=False, journal=False)
    except errors.UndefinedColumn as error:
        raise no_journal_error(session, error.diag.message_primary) from None
    except errors.InsufficientPrivilege:
        schema, journal = session.ledger.schema, session.ledger.journal
        raise TargetRefused(
            f"{schema}.{session.ledger.table} is not there, and this role may not read "
            f"{schema}.{journal}",
            detail="The journal may say that migrations are applied; they would run a second time.",
            hint=f"Have the journal's owner run GRANT SELECT ON {schema}.{journal} to this role, "
            "then run `pgbraid check`.",
        ) from None


def _texts(result: PGresult) -> list[list[str | None]]:
    """Return a result's rows, each value as the server writes it."""
    columns = range(result.nfields)
    values = (
        [result.get_value(row, column) for column in columns] for row in range(result.ntuples)
    )
    return [[None if v is None else v.decode(errors="replace") for v in row] for row in values]


def _holder(session: Session) -> str:
    """Return who has locked the set or the journal, for a person to read."""
    from pgbraid.postgres.locks.backends import describe_backends  # noqa: PLC0415 - only where one has to wait

    pids = [pid or 0 for (pid,) in session.run("session", "table_holders")]
    return next(iter(describe_backends(session, pids)), "somebody")


def _locked(session: Session, wait: float, holder: str) -> LockTimeout:
    ledger = session.ledger
    return LockTimeout(
        f"{ledger.schema}.{ledger.table}, or its journal, is locked; waited {wait:g} s",
        detail=f"It is locked by {holder}.",
        hint="Wait for that session to end, then run the command again; pgbraid ends no other "
        "session. A prepared transaction ends by COMMIT PREPARED or ROLLBACK PREPARED.",
    )


def _time(text: str | None) -> datetime | None:
    """Return a time in UTC; None for none, and for one that is beyond Python's."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None


def _hex(checksum: str | None) -> str | None:
    return checksum.strip().lower().removeprefix("\\x") if checksum else None


def no_journal_error(session: Session, detail: str | None) -> ServerError:
    """Return the error of a table of the journal's name that is none."""
    journal = f"{session.ledger.schema}.{session.ledger.journal}"
    return ServerError(
        f"{journal} is not a journal of pgbraid",
        detail=f"{detail}. So what it says of earlier runs cannot be read, or added to.",
        hint="Bring back what was taken from it; or move it out of the way with ALTER TABLE … "
        "RENAME TO, and `pgbraid up` makes a new one.",
    )


def not_a_ledger_error(session: Session, detail: str | None) -> ServerError:
    """Return the error of a table of the tracker's name that is none."""
    ledger = session.ledger
    return ServerError(
        f"{ledger.schema}.{ledger.table} is not a tracker",
        detail=f"{detail}; a tracker has the columns {', '.join(COLUMNS)}.",
        hint="Name another table with `table`, or another schema with `schema`.",
    )
