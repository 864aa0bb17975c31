"""What the journal says of migrations outside a transaction that were begun and not finished."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psycopg import errors

from pgbraid.core.answers import Begun, Half, Through

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pgbraid.db.session import Session

    Line = tuple[int, str | None, str, Mapping[str, Any] | None]

__all__ = ["halves_of", "read_halves"]


def read_halves(session: Session) -> tuple[Half, ...]:
    """Return every migration that was begun and is neither applied nor forgotten, by version.

    Raises psycopg's error where the role may not read the journal.
    """
    try:
        return halves_of(session.run("ledger", "halves").fetchall())
    except errors.UndefinedTable:
        return ()


def halves_of(lines: Iterable[Line]) -> tuple[Half, ...]:
    """Return what the journal's lines, in their order, say of each migration, by version."""
    found: dict[int, Half] = {}
    for version, name, event, detail in lines:
        half = found.get(version) or Half(version, name or "")
        found[version] = replace(_after(half, event, detail or {}), lines=half.lines + 1)
    return tuple(found[version] for version in sorted(found))


def _after(half: Half, event: str, detail: Mapping[str, Any]) -> Half:
    """Return what is known of a half after one more line of the journal."""
    if event == "started":
        return replace(half, total=int(detail.get("statements", 0)))
    number, digest = detail.get("statement_number"), str(detail.get("sha256"))
    if not isinstance(number, int):
        return half
    others = tuple(begun for begun in half.begun if begun.digest != digest)
    through = Through(number, digest, _oid(detail.get("index")))
    failed = (_failed(begun, detail) for begun in half.begun if begun.digest == digest)
    changed = {
        "begun": replace(half, begun=(*others, _begun(number, digest, detail))),
        "done": replace(half, done=(*half.done, through), begun=others),
        "skipped": replace(half, done=(*half.done, through), begun=others),
        "settled": replace(half, begun=others),
        "failed": replace(half, begun=(*others, *failed)),
    }
    return changed.get(event, half)


def _failed(begun: Begun, detail: Mapping[str, Any]) -> Begun:
    left = _oid(detail.get("left")) or begun.left
    return replace(begun, failed=str(detail.get("sqlstate") or ""), left=left)


def _begun(number: int, digest: str, detail: Mapping[str, Any]) -> Begun:
    return Begun(
        number,
        digest,
        str(detail.get("text") or ""),
        settings=tuple(map(str, detail.get("settings") or ())),
        kind=str(detail.get("kind") or ""),
        command=detail.get("command"),
        before=dict(detail.get("before") or {}),
    )


def _oid(value: object) -> int | None:
    return value if isinstance(value, int) else None
