"""Refuses a server, or a connection to it, through which pgbraid cannot migrate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.model.errors import TargetRefused

if TYPE_CHECKING:
    from pgbraid.postgres.client.conninfo import Target
    from pgbraid.postgres.client.session import Session

__all__ = [
    "check_role",
    "check_server",
    "not_session_pooler_refusal",
    "pooler_refusal",
    "role_refusal",
]

_OLDEST_SERVER = 130000
_NO_OPTION = "The pooler does not pass on the startup option that sets the role."
_DIRECTLY = "Connect to the server itself, past the pooler (`direct_url`), then run it again."
_DIRECT_ALREADY = (
    "`direct_url` is already used and leads to this pooler: set it to the server itself, then run "
    "it again."
)
_OR_SESSION_POOLER = "If the pooler gives each client its own session, set `session_pooler`."


def pooler_refusal(session: Session, what: str = "this command") -> TargetRefused:
    """Return the error of an action, ``what``, that cannot run through a pooler."""
    reason = session.pooler.unknown_reason if session.pooler else None
    detail = "A pooler may give the session, and with it the advisory lock, to another client."
    return TargetRefused(
        f"{session.target.label} is a connection pooler, through which {what} cannot run",
        detail=f"{detail} Whether this one does is unknown: {reason}." if reason else detail,
        hint=_past(session.target),
    )


def not_session_pooler_refusal(session: Session) -> TargetRefused:
    """Return the error of a pooler that lends sessions, in spite of ``session_pooler``."""
    return TargetRefused(
        f"{session.target.label} is a connection pooler, and gives the session to other clients",
        detail="With `session_pooler`, each client must have its own session. But this client and "
        "another one got the same backend, or this one got two.",
        hint="Remove `session_pooler`. Use the server itself (`direct_url`), or another port or "
        "pool of this pooler that is in session mode.",
    )


def role_refusal(target: Target) -> TargetRefused:
    """Return the error of a pooler through which a session cannot have another role."""
    return TargetRefused(
        f"{target.label} is a connection pooler, through which a session cannot have role "
        f"{target.role}",
        detail=_NO_OPTION,
        hint=_past(target),
    )


def check_role(session: Session, role: str | None) -> None:
    """Raise TargetRefused if the session does not have the requested role."""
    target = session.target
    if target.role not in {None, role}:
        raise TargetRefused(
            f"the session has role {role}, not {target.role}", detail=_NO_OPTION, hint=_past(target)
        )


def _past(target: Target) -> str:
    """Return the hint that tells how to bypass the pooler."""
    hint = _DIRECT_ALREADY if target.direct else _DIRECTLY
    return hint if target.session_pooler else f"{hint} {_OR_SESSION_POOLER}"


def check_server(session: Session, version: int, *, in_recovery: bool, read_only: bool) -> None:
    """Raise TargetRefused for a server that is too old, a standby, or read-only."""
    label = session.target.label
    if version < _OLDEST_SERVER:
        raise TargetRefused(
            f"the server is PostgreSQL {version // 10000}; pgbraid needs 13 or newer",
            hint="Upgrade the server, or name another one.",
        )
    if in_recovery:
        raise TargetRefused(f"{label} is a standby: it can only be read")
    if read_only:
        raise TargetRefused(
            f"{label} is read-only: default_transaction_read_only is on",
            detail="It is set for the server, the database or the role.",
            hint="Reset it, or put options=-c%20default_transaction_read_only=off into the URL, "
            "then run `pgbraid up` again.",
        )
