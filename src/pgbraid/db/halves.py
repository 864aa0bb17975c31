"""What the journal says of migrations outside a transaction that were begun and not finished."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psycopg import errors
from psycopg.errors import InsufficientPrivilege

from pgbraid.core.model import Half

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pgbraid.db.session import Session

__all__ = ["InsufficientPrivilege", "read_halves"]


def read_halves(session: Session) -> tuple[Half, ...]:
    """Return every migration that was begun and is neither applied nor forgotten, by version.

    Raises psycopg's error where the role may not read the journal.
    """
    try:
        rows = session.run("ledger", "halves").fetchall()
    except errors.UndefinedTable:
        return ()
    found: dict[int, Half] = {}
    for version, name, event, detail in rows:
        half = found.get(version) or Half(version, name or "")
        found[version] = _after(half, event, detail or {})
    return tuple(found[version] for version in sorted(found))


def _after(half: Half, event: str, detail: Mapping[str, Any]) -> Half:
    """Return what is known of a half after one more line of the journal."""
    if event == "started":
        return replace(half, total=int(detail.get("statements", 0)))
    number = detail.get("statement_number")
    if not isinstance(number, int):
        return half
    if event == "begun":
        return replace(half, begun=number, before=dict(detail.get("before") or {}), failed=None)
    if event in {"done", "skipped"}:
        done = (*half.done, (number, str(detail.get("sha256"))))
        return replace(half, done=done, begun=None, before={}, failed=None)
    if event == "failed" and half.begun == number:
        return replace(half, failed=str(detail.get("sqlstate") or ""))
    return half
