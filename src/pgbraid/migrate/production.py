"""``sizes``: reads the sizes and the frequent statements of a database; writes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.statistics.frequent_statements import read_workload
from pgbraid.postgres.statistics.production_sizes import read_sizes

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pgbraid.model.hazards.sizes import Sizes, Workload
    from pgbraid.model.migration import LedgerTable
    from pgbraid.model.options import StopToken
    from pgbraid.postgres.client.conninfo import Target
    from pgbraid.postgres.client.session import Session

__all__ = ["production_queries", "production_sizes", "sizes_and_queries"]


def production_sizes(target: Target, ledger: LedgerTable, stop: StopToken) -> Sizes:
    """Return the sizes and the traffic of the tables of a database.

    Raises ConnectionFailed, and ServerError if the server rejects a query.
    """
    with _session(target, ledger, stop) as session:
        return read_sizes(session)


def production_queries(
    target: Target, ledger: LedgerTable, stop: StopToken, limit: int
) -> Workload:
    """Return the most frequent statements of a database. Raises as :func:`production_sizes`."""
    with _session(target, ledger, stop) as session:
        return read_workload(session, limit)


def sizes_and_queries(
    target: Target, ledger: LedgerTable, stop: StopToken, limit: int
) -> tuple[Sizes, Workload]:
    """Return both over one connection. Raises as :func:`production_sizes`."""
    with _session(target, ledger, stop) as session:
        return read_sizes(session), read_workload(session, limit)


def _session(
    target: Target, ledger: LedgerTable, stop: StopToken
) -> AbstractContextManager[Session, bool | None]:
    """Connect as the login role: it may have rights on statistics that the setting's role lacks."""
    plain = replace(target, parameters=target.without_role(), role=None) if target.role else target
    return connect(plain, ledger, stop)
