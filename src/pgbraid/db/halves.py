"""What the journal says of migrations outside a transaction that were begun and not finished."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psycopg import errors
from psycopg.errors import InsufficientPrivilege

from pgbraid.core.answers import Begun, Half

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
    number, digest = detail.get("statement_number"), str(detail.get("sha256"))
    if not isinstance(number, int):
        return half
    others = tuple(begun for begun in half.begun if begun.digest != digest)
    if event == "begun":
        text, before = str(detail.get("text") or ""), dict(detail.get("before") or {})
        return replace(half, begun=(*others, Begun(digest, text, before)))
    if event in {"done", "skipped"}:
        return replace(half, done=(*half.done, (number, digest)), begun=others)
    if event == "failed":
        code = str(detail.get("sqlstate") or "")
        begun = tuple(replace(b, failed=code) if b.digest == digest else b for b in half.begun)
        return replace(half, begun=begun)
    return half
