"""Opens a connection to the database, and prepares its session for migrating."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg

from pgbraid.model.errors import ConnectionFailed
from pgbraid.postgres.client.background_connect import Arrival
from pgbraid.postgres.client.connection import open_connection
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.client.session import PoolerState, Session, pinned_settings_sql, send_sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.model.migration import LedgerTable
    from pgbraid.model.options import Limits, StopToken
    from pgbraid.postgres.client.connection import Connection
    from pgbraid.postgres.client.conninfo import Target

__all__ = ["connect", "prepare_for_migration"]

_CHECKS_CLIENT_SINCE = 140000
"""The first version that has client_connection_check_interval."""
_DURABLE = frozenset({"on", "local", "remote_write", "remote_apply"})
"""Values of synchronous_commit with which a commit waits for the disk."""
_UNSUPPORTED = re.compile("unsupported startup parameter(?:: options| in options: role)")
"""PgBouncer's error before version 1.20, and since."""
_DRIVER_PREFIX = re.compile(r"^(?:connection failed|connection is bad): ")


@contextmanager
def connect(target: Target, ledger: LedgerTable, stop: StopToken) -> Iterator[Session]:
    """Open a connection in autocommit mode; closing it also releases every lock.

    Waits for a server that is not up yet, as long as the target allows. Raises ConnectionFailed if
    the connection fails or is lost, ServerError if the server rejects a statement of ours, and
    Stopped if ``stop`` was requested. No message repeats a secret.
    """
    conn = _opened(target, stop)
    if isinstance(conn, ConnectionFailed):
        raise conn
    conn.stop = stop.event
    session = Session(conn, replace(target, wait=0.0), ledger, stop)
    with conn, translate_errors(session):
        try:
            # A session pooler may drop the startup option without an error.
            if target.role and (conn.opened_with or target.session_pooler):
                from pgbraid.postgres.client.pooler import set_role  # noqa: PLC0415 - behind a pooler

                set_role(session, target.role)
            yield session
        finally:
            if conn.process is not None:
                from pgbraid.postgres.client.pooler import release_session  # noqa: PLC0415 - behind a proxy

                release_session(conn)


def _opened(target: Target, stop: StopToken) -> Connection | ConnectionFailed:
    """Return a connection or an error.

    The error is returned, not raised here: the driver's error, which may show a password, must not
    become its context.
    """
    opening = target.background_connect
    arrival = Arrival(target.parameters, target.wait)
    looked = target.on_created is None
    while True:
        try:
            return opening.take() if opening else open_connection(target.parameters)
        except psycopg.Error as error:
            failed = _no_connection(target, error)
            if target.role and _UNSUPPORTED.search(failed.message):
                return _without_role(target)
            name = error.pgconn.db.decode(errors="replace") if error.pgconn else ""
        if not looked and (looked := _exists_now(target, name, stop)):
            continue
        if not arrival.may_come():
            return failed
        if target.on_first_failure and arrival.tries == 1:
            target.on_first_failure(failed.message)
        stop.sleep(arrival.pause)


def _exists_now(target: Target, name: str, stop: StopToken) -> bool:
    """Create the database if it is missing; return whether it exists, so it is tried once more."""
    from pgbraid.postgres.client.missing_database import exists_or_is_created  # noqa: PLC0415 - rare

    created = exists_or_is_created(target, name, stop)
    if created and target.on_created:
        target.on_created(target.scrub(name))
    return created is not None


def _without_role(target: Target) -> Connection | ConnectionFailed:
    """Return a connection opened without the startup option that sets the role."""
    parameters = target.without_role()
    try:
        conn = open_connection(parameters)
    except psycopg.Error as error:
        failed = _no_connection(target, error)
        from pgbraid.postgres.client.server_requirements import role_refusal  # noqa: PLC0415 - rare

        return role_refusal(target) if _UNSUPPORTED.search(failed.message) else failed
    conn.opened_with = parameters
    return conn


def _no_connection(target: Target, error: psycopg.Error) -> ConnectionFailed:
    lines = [line.strip() for line in target.scrub(str(error)).splitlines() if line.strip()]
    message = _DRIVER_PREFIX.sub("", lines[0] if lines else "no answer")
    detail = "\n".join(lines[1:]) or None
    return ConnectionFailed(f"cannot connect to {target.label}: {message}", detail=detail)


def prepare_for_migration(
    session: Session, limits: Limits | None = None, *, allow_pooler: bool = False
) -> Session:
    """Return the session with pinned settings, after checking that pgbraid can migrate through it.

    Raises TargetRefused for a standby, a server before 13, a read-only session, a session that is
    not the requested role and, unless ``allow_pooler``, a pooler that lends its sessions.
    """
    from pgbraid.postgres.client import server_requirements  # noqa: PLC0415 - not for a no-op boot

    row = session.run("session", "facts").fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    in_recovery, backend_pid, server_version, commit, read_only, role, since = row
    server_requirements.check_server(
        session, server_version, in_recovery=in_recovery, read_only=read_only
    )
    server_requirements.check_role(session, role)
    pooler = _pooler_of(session, backend_pid)
    if pooler and not allow_pooler:
        raise server_requirements.pooler_refusal(replace(session, pooler=pooler))
    if pooler is None:
        # Only now may a second connection end this session: the pid belongs to no other client.
        session.conn.parameters = session.conn.opened_with or session.target.parameters
        session.conn.backend_start = since
    # A role's synchronous_commit = off must not weaken the promise of a recorded migration.
    durable = commit if commit in _DURABLE else "on"
    prepared = replace(
        session,
        durable_commit=durable,
        pid=backend_pid,
        limits=limits or session.limits,
        pooler=pooler,
    )
    session.conn.serving_pid = backend_pid
    # A setting pinned in a lent session would reach other clients: there, transactions pin theirs.
    return prepared if pooler else _pinned(prepared)


def _pooler_of(session: Session, process: int) -> PoolerState | None:
    """Return the pooler that lends the session, or None if the session is exclusive."""
    if process == session.conn.info.backend_pid:
        return None
    from pgbraid.postgres.client.pooler import find_pooler  # noqa: PLC0415 - behind a proxy

    return find_pooler(session, process)


def _pinned(session: Session) -> Session:
    """Return the session with pinned settings, and whether its server detects a lost client."""
    if session.conn.info.server_version >= _CHECKS_CLIENT_SINCE:
        with suppress(psycopg.DataError):  # the server rejects the setting on some platforms
            watched = replace(session, server_detects_client_loss=True)
            send_sql(session, pinned_settings_sql(watched))
            return watched
    send_sql(session, pinned_settings_sql(session))
    return session
