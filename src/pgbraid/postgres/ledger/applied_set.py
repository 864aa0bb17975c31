"""Reads the applied set, and from the journal whether more queries are needed, in one message.

A boot with nothing to apply sends only this message.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from psycopg import errors

from pgbraid.model.errors import LockTimeout, ServerError, TargetRefused
from pgbraid.model.migration import AppliedMigration
from pgbraid.model.plan import LedgerState
from pgbraid.model.units import utc_time
from pgbraid.postgres.client.connection import error_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg
    from psycopg.pq.abc import PGresult

    from pgbraid.postgres.client.session import Session

__all__ = ["COLUMNS", "as_hex", "no_journal_error", "not_a_ledger_error", "read_ledger"]

COLUMNS = ("version", "name", "applied_at", "checksum")
"""The columns of the applied set."""
_RESULTS_WITH_SET = 2
"""Number of results once the applied set was read; the journal's result follows."""
_NO_JOURNAL = (errors.UndefinedTable, errors.InsufficientPrivilege)
_NUMBERS = frozenset({20, 21, 23, 1700})
"""The oids of bigint, smallint, integer and numeric; pgbraid compares versions with them."""
_ROW_SECURITY = "check_enable_rls"
"""The function in the server that raises the error of row security; messages are translated."""
_HEX = 64
"""The number of digits of a sha256."""
_REPORT_EVERY = 30.0
"""Seconds between two reports of a wait."""
_READER_WAIT = 5.0
"""Seconds that a reading command waits for a locked table."""


def read_ledger(
    session: Session,
    *,
    times: bool = False,
    wait: float = _READER_WAIT,
    on_waiting: Callable[[str, float], None] | None = None,
) -> LedgerState:
    """Return the applied set and, from the journal, incomplete migrations and mismatches.

    A missing table of the applied set counts as empty; a journal that is missing or not readable
    is ignored. If the journal may contradict the applied set, two more queries follow. ``times``
    adds the time at which each version was applied. If another session has locked a table, this
    waits up to ``wait`` seconds and calls ``on_waiting`` at once and every half minute with a
    description of that session and the seconds waited.

    Raises ServerError if a table lacks the columns of the ledger, TargetRefused if the applied set
    is missing and the journal is not readable, and LockTimeout.
    """
    started_at, report_at = time.monotonic(), 0.0
    while True:
        try:
            return _read(session, times=times)
        except errors.LockNotAvailable:
            holder = _holder(session)
            waited = time.monotonic() - started_at
            if waited >= wait:
                raise _locked(session, wait, holder) from None
            if on_waiting and waited >= report_at:
                on_waiting(holder, waited)
                report_at = waited + _REPORT_EVERY


def _read(session: Session, *, times: bool, trusted: bool = False) -> LedgerState:
    text = session.text("ledger", "read_applied", **_names(session), times=times, trusted=trusted)
    results = session.send(text.encode())
    error = error_of(results)
    if len(results) > 1 or error is None:
        # Before any other error: with the wrong role, missing rights are only a consequence.
        role = _text(results[0].get_value(0, 2))
        if session.target.role not in {None, role}:
            from pgbraid.postgres.client.server_requirements import check_role  # noqa: PLC0415

            check_role(session, role)
    # The message fails on any type that is not built in. The slower check accepts harmless ones.
    if isinstance(error, errors.DivisionByZero) and _is_trusted(session):
        return _read(session, times=times, trusted=True)
    if error is not None and error.diag.source_function == _ROW_SECURITY:
        raise _row_security_error(session)
    set_was_read = len(results) > _RESULTS_WITH_SET
    if set_was_read and isinstance(error, errors.UndefinedColumn):
        raise no_journal_error(session, error.diag.message_primary) from None
    # The journal's statement comes last: if it fails, the applied set before it is still valid.
    if error is not None and not (set_was_read and isinstance(error, _NO_JOURNAL)):
        return _explain_unreadable(session, error)
    rows = _applied_rows(session, results[_RESULTS_WITH_SET - 1])
    # A journal that may not be read exists; one that does not exist must be created.
    journal = not isinstance(error, errors.UndefinedTable)
    if error is not None or not results[_RESULTS_WITH_SET].ntuples:
        return LedgerState(rows, journal=journal)
    from pgbraid.postgres.ledger.agreement import read_mismatches  # noqa: PLC0415 - few boots need to look
    from pgbraid.postgres.ledger.incomplete import read_incomplete  # noqa: PLC0415

    try:
        return LedgerState(
            rows, incomplete=read_incomplete(session), mismatches=read_mismatches(session)
        )
    except errors.UndefinedColumn as missing:
        raise no_journal_error(session, missing.diag.message_primary) from None


def _applied_rows(session: Session, result: PGresult) -> tuple[AppliedMigration, ...]:
    """Return the rows of the applied set. Raises ServerError if a version is not a number."""
    if result.ftype(0) not in _NUMBERS:
        raise not_a_ledger_error(session, "Its column version is not of a numeric type")
    try:
        # Each boot reads the whole set, so the usual values take the shortest way.
        value = result.get_value
        return tuple(
            AppliedMigration(
                int(value(row, 0) or b""),
                name.decode(errors="replace") if (name := value(row, 1)) is not None else None,
                checksum.decode()
                if (checksum := value(row, 2)) and len(checksum) == _HEX and _is_lower(checksum)
                else as_hex(_text(checksum)),
                utc_time(_text(at)) if (at := value(row, 3)) else None,
            )
            for row in range(result.ntuples)
        )
    except ValueError:
        raise not_a_ledger_error(session, "A value of its column version is not a number") from None


def _names(session: Session) -> dict[str, str]:
    ledger = session.ledger
    return {"schema": ledger.schema, "table": ledger.table, "journal": ledger.journal}


def _is_trusted(session: Session) -> bool:
    """Whether the ledger consists of tables, with columns of types that no other role owns."""
    row = session.run("ledger", "is_untrusted", **_names(session)).fetchone()
    return row == (False,)


def _explain_unreadable(session: Session, error: psycopg.Error) -> LedgerState:
    if isinstance(error, errors.UndefinedTable):
        return _without_set(session)
    if isinstance(error, errors.UndefinedColumn):
        raise not_a_ledger_error(session, error.diag.message_primary) from None
    if isinstance(error, errors.DivisionByZero):
        raise not_a_ledger_error(
            session, "It or its journal is not a table, or has a column of another role's type"
        ) from None
    raise error


def _row_security_error(session: Session) -> ServerError:
    ledger = session.ledger
    return ServerError(
        f"row-level security would hide rows of {ledger.schema}.{ledger.table} or "
        f"{ledger.journal} from this role",
        detail="A migration with a hidden row would run a second time.",
        hint="Have the owner run ALTER TABLE … DISABLE ROW LEVEL SECURITY on both, or a superuser "
        "ALTER ROLE … BYPASSRLS; then run `pgbraid check`.",
    )


def _without_set(session: Session) -> LedgerState:
    """Return the ledger's state from the journal alone, for a missing table of the applied set."""
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
            f"{schema}.{session.ledger.table} does not exist, and this role may not read "
            f"{schema}.{journal}",
            detail="If the journal has applied migrations, they would run a second time.",
            hint=f"Have the journal's owner run GRANT SELECT ON {schema}.{journal} to this role, "
            "then run `pgbraid check`.",
        ) from None


def _is_lower(checksum: bytes) -> bool:
    return checksum.islower() and checksum.isalnum()


def _text(value: bytes | None) -> str | None:
    """Return a value as text; replaces bytes that are not UTF-8."""
    return None if value is None else value.decode(errors="replace")


def _holder(session: Session) -> str:
    """Return a description of the session that has locked a table of the ledger."""
    from pgbraid.postgres.locks.backends import describe_backends  # noqa: PLC0415 - only during a wait

    pids = [pid or 0 for (pid,) in session.run("session", "table_holders")]
    return next(iter(describe_backends(session, pids)), "another session")


def _locked(session: Session, wait: float, holder: str) -> LockTimeout:
    ledger = session.ledger
    return LockTimeout(
        f"{ledger.schema}.{ledger.table} or its journal is locked; waited {wait:g} s",
        detail=f"It is locked by {holder}.",
        hint="Wait for that session to end, then run the command again; pgbraid ends no other "
        "session. A prepared transaction ends by COMMIT PREPARED or ROLLBACK PREPARED.",
    )


def as_hex(checksum: str | None) -> str | None:
    """Return a checksum column's text in hexadecimal digits: the column may be text or bytea."""
    return checksum.strip().lower().removeprefix("\\x") if checksum else None


def no_journal_error(session: Session, detail: str | None) -> ServerError:
    """Return the error of a table that has the journal's name, but not its columns."""
    journal = f"{session.ledger.schema}.{session.ledger.journal}"
    return ServerError(
        f"{journal} is not a journal of pgbraid",
        detail=f"{detail}. So pgbraid can neither read its lines nor add to them.",
        hint="Restore its columns; or rename it with ALTER TABLE … RENAME TO, and `pgbraid up` "
        "creates a new one.",
    )


def not_a_ledger_error(session: Session, detail: str | None) -> ServerError:
    """Return the error of a table that has the applied set's name, but not its columns."""
    ledger = session.ledger
    return ServerError(
        f"{ledger.schema}.{ledger.table} is not an applied set",
        detail=f"{detail}. An applied set is a table with the columns {', '.join(COLUMNS)}.",
        hint="Name another table with `table`, or another schema with `schema`.",
    )
