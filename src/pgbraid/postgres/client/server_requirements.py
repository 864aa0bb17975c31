"""Refuses a server, or a way to it, through which pgbraid cannot migrate."""

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
_NO_OPTION = "A pooler takes no startup option, by which the role is set."
_DIRECTLY = "Connect to the server itself, past the pooler (`direct_url`), then run it again."
_DIRECT_ALREADY = (
    "`direct_url` is in use already, and leads to this pooler: name the server itself there, then "
    "run it again."
)
_OR_SAY_SO = "If the pooler gives each client a session of its own, say so with `session_pooler`."


def pooler_refusal(session: Session, what: str = "this command") -> TargetRefused:
    """Return the refusal of what cannot be done through a pooler."""
    unclear = session.pooler.unknown_reason if session.pooler else None
    detail = "A pooler may give the session, and with it the advisory lock, to another client."
    return TargetRefused(
        f"{session.target.label} is a connection pooler, through which {what} cannot run",
        detail=f"{detail} Whether this one does is not known: {unclear}." if unclear else detail,
        hint=_past(session.target),
    )


def not_session_pooler_refusal(session: Session) -> TargetRefused:
    """Return the refusal of a pooler that is said to give sessions, and does not."""
    return TargetRefused(
        f"{session.target.label} is a connection pooler, and gives the session to other clients",
        detail="`session_pooler` says that each client has a session of its own. But this client "
        "and another one were given the same, or this one was given two.",
        hint="Take `session_pooler` out. What a pooler cannot run needs the server itself "
        "(`direct_url`), or another port or pool of this pooler, in session mode.",
    )


def role_refusal(target: Target) -> TargetRefused:
    """Return the refusal of a pooler through which no session can be another role."""
    return TargetRefused(
        f"{target.label} is a connection pooler, through which no session can be role "
        f"{target.role}",
        detail=_NO_OPTION,
        hint=_past(target),
    )


def check_role(session: Session, role: str | None) -> None:
    """Refuse a session that is not the role asked for. Raises TargetRefused."""
    target = session.target
    if target.role not in {None, role}:
        raise TargetRefused(
            f"the session is role {role}, not {target.role}", detail=_NO_OPTION, hint=_past(target)
        )


def _past(target: Target) -> str:
    """Return how to get past a pooler: not by the URL that leads there."""
    way = _DIRECT_ALREADY if target.direct else _DIRECTLY
    return way if target.session_pooler else f"{way} {_OR_SAY_SO}"


def check_server(session: Session, version: int, *, in_recovery: bool, read_only: bool) -> None:
    """Refuse a server that is too old, a standby, or read-only. Raises TargetRefused."""
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
            detail="Somebody has set it for the server, the database or the role.",
            hint="Take that back, or put options=-c%20default_transaction_read_only=off into "
            "the URL, then run `pgbraid up` again.",
        )
