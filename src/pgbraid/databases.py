"""Creates databases, for applications and tests that begin without one."""

from __future__ import annotations

from dataclasses import replace

from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.client.open_session import connect

__all__ = ["create_database"]


def create_database(conninfo: str, *, role: str | None = None) -> bool:
    """Create the database that a connection string names if it does not exist.

    Return whether this call created it: of several processes at once, one does. It gets the
    server's defaults, and belongs to the role that connects, or to ``role``. Nothing is created if
    the server refuses the connection for another reason. Raises ConnectionFailed, ServerError if
    the role must not create databases, and ConfigError for an invalid connection string.
    """
    created: list[str] = []
    target = replace(parse_target(conninfo, role=role), on_created=created.append)
    with connect(target, LedgerTable(), StopToken()):
        return bool(created)
