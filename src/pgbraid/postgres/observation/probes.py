"""Looks in a database for rows on which a judged migration would fail. It only reads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg

from pgbraid.model import sqlstate
from pgbraid.model.findings import HazardSeverity
from pgbraid.postgres.client.open_session import connect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.model.findings import Finding
    from pgbraid.model.migration import LedgerTable
    from pgbraid.model.options import StopToken
    from pgbraid.postgres.client.conninfo import Target
    from pgbraid.postgres.client.session import Session

__all__ = ["probe_findings"]

_TIMEOUT = "5s"


def probe_findings(
    findings: Iterable[Finding], target: Target, ledger: LedgerTable, stop: StopToken
) -> tuple[Finding, ...]:
    """Run the probe of each finding in the database; one that finds a row makes it an error.

    Each probe runs in a read-only transaction with a statement_timeout of 5 s and a lock_timeout of
    0.1 s. A probe that cannot run says why in the detail of its finding. Raises ConnectionFailed
    and Stopped.
    """
    findings = tuple(findings)
    if not any(finding.probe for finding in findings):
        return findings
    with connect(target, ledger, stop) as session:
        return tuple(
            _probed(session, finding) if finding.probe else finding for finding in findings
        )


def _probed(session: Session, finding: Finding) -> Finding:
    try:
        exists = _exists(session, finding.probe or "")
    except psycopg.Error as error:
        if session.conn.broken or session.conn.closed:
            raise
        reason = error.diag.message_primary or str(error)
        if error.sqlstate == sqlstate.QUERY_CANCELED:
            reason = f"it took longer than {_TIMEOUT}"
        return replace(finding, detail=f"The probe of the database did not end: {reason}.")
    if exists:
        detail = "The database has such a row now."
        return replace(finding, severity=HazardSeverity.ERROR, detail=detail, hint=None)
    return replace(finding, detail="The database has no such row now.", hint=None)


def _exists(session: Session, probe: str) -> bool:
    session.check_stop()
    session.conn.execute(
        f"BEGIN READ ONLY; SET LOCAL statement_timeout = '{_TIMEOUT}'; "
        "SET LOCAL lock_timeout = '100ms'".encode()
    )
    try:
        return session.conn.execute(probe.encode()).fetchone() is not None
    finally:
        if not (session.conn.broken or session.conn.closed):
            session.conn.execute("ROLLBACK")
