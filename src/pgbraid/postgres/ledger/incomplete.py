"""What the journal says of migrations outside a transaction that were begun and not finished."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psycopg import errors

from pgbraid.model.incomplete import CompletedStatement, IncompleteMigration, StartedStatement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pgbraid.postgres.client.session import Session

    Line = tuple[int, str | None, str, Mapping[str, Any] | None]

__all__ = ["incomplete_from", "read_incomplete"]


def read_incomplete(session: Session) -> tuple[IncompleteMigration, ...]:
    """Return every migration that was begun and is neither applied nor forgotten, by version.

    Raises psycopg's error where the role may not read the journal.
    """
    try:
        return incomplete_from(session.run("ledger", "halves").fetchall())
    except errors.UndefinedTable:
        return ()


def incomplete_from(lines: Iterable[Line]) -> tuple[IncompleteMigration, ...]:
    """Return what the journal's lines, in their order, say of each migration, by version."""
    found: dict[int, IncompleteMigration] = {}
    for version, name, event, detail in lines:
        incomplete = found.get(version) or IncompleteMigration(version, name or "")
        found[version] = replace(
            _after(incomplete, event, detail or {}), journal_lines=incomplete.journal_lines + 1
        )
    return tuple(found[version] for version in sorted(found))


def _after(
    incomplete: IncompleteMigration, event: str, detail: Mapping[str, Any]
) -> IncompleteMigration:
    """Return what is known of a half after one more line of the journal."""
    if event == "started":
        return replace(incomplete, statement_count=int(detail.get("statements", 0)))
    number, digest = detail.get("statement_number"), str(detail.get("sha256"))
    if not isinstance(number, int):
        return incomplete
    others = tuple(begun for begun in incomplete.started if begun.digest != digest)
    through = CompletedStatement(number, digest, _oid(detail.get("index")))
    failed = (_failed(begun, detail) for begun in incomplete.started if begun.digest == digest)
    changed = {
        "statement_started": replace(incomplete, started=(*others, _begun(number, digest, detail))),
        "statement_done": replace(
            incomplete, completed=(*incomplete.completed, through), started=others
        ),
        "statement_skipped": replace(
            incomplete, completed=(*incomplete.completed, through), started=others
        ),
        "statement_abandoned": replace(incomplete, started=others),
        "failed": replace(incomplete, started=(*others, *failed)),
    }
    return changed.get(event, incomplete)


def _failed(begun: StartedStatement, detail: Mapping[str, Any]) -> StartedStatement:
    left = _oid(detail.get("left")) or begun.invalid_index_oid
    return replace(begun, sqlstate=str(detail.get("sqlstate") or ""), invalid_index_oid=left)


def _begun(number: int, digest: str, detail: Mapping[str, Any]) -> StartedStatement:
    return StartedStatement(
        number,
        digest,
        str(detail.get("text") or ""),
        settings=tuple(map(str, detail.get("settings") or ())),
        kind=str(detail.get("kind") or ""),
        command=detail.get("command"),
        catalog_before=dict(detail.get("before") or {}),
    )


def _oid(value: object) -> int | None:
    return value if isinstance(value, int) else None
