"""Connects for a command that waits: no step blocks it for longer than the caller allows."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConnectionFailed
from pgbraid.postgres.client.background_connect import BackgroundConnect
from pgbraid.postgres.client.open_session import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.model.migration import LedgerTable
    from pgbraid.model.options import StopToken
    from pgbraid.postgres.client.conninfo import Target
    from pgbraid.postgres.client.session import Session

__all__ = ["connect_until", "waiting_helps"]

_POLL = 0.1
_FOR_GOOD = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|pg_hba\.conf rejects"
    r"|is not permitted to log in"
)
"""The refusals of a server that only a person changes.

libpq does not pass on the SQLSTATE of such a refusal. In another language it is not recognised, and
the caller waits until its time is up. A missing database or role is none of them: the one who
migrates may create it. Neither is a server that has no free connection.
"""
_SEVERAL = "Multiple connection attempts failed"


@contextmanager
def connect_until(
    target: Target, ledger: LedgerTable, stop: StopToken, expired: Callable[[], bool]
) -> Iterator[Session]:
    """Open a connection as ``connect`` does, and give up when ``expired`` returns True.

    The connection is opened in a thread, because libpq may look up a host name for long. While the
    session waits for the server, ``expired`` is called, too. Raises ConnectionFailed in both cases,
    Stopped within a tenth of a second after ``stop``, and the errors of ``connect``.
    """
    opening = target.background_connect or BackgroundConnect(target.parameters)

    def check() -> None:
        if expired():
            raise ConnectionFailed(f"{target.label} did not answer in time")

    try:
        while not opening.arrived(_POLL):
            stop.check()
            check()
        arrived = replace(target, background_connect=opening, wait=0.0)
        with connect(arrived, ledger, stop) as session:
            session.conn.on_wakeup = check
            yield session
    finally:
        opening.close()


def waiting_helps(error: ConnectionFailed) -> bool:
    """Whether a later attempt to connect may succeed with the same URL and user.

    False for a refused password or user. Of several hosts, another one may come.
    """
    text = f"{error.message}\n{error.detail or ''}"
    return _SEVERAL in text or not _FOR_GOOD.search(text)
