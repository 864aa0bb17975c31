"""Reads incomplete migrations from the journal."""

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
    """Return every migration that was started and is neither applied nor forgotten, by version.

    Raises psycopg's error if the role may not read the journal.
    """
    try:
        return incomplete_from(session.run("ledger", "incomplete").fetchall())
    except errors.UndefinedTable:
        return ()


def incomplete_from(lines: Iterable[Line]) -> tuple[IncompleteMigration, ...]:
    """Return the incomplete migrations that the lines, in their order, describe, by version."""
    by_version: dict[int, IncompleteMigration] = {}
    for version, name, event, detail in lines:
        incomplete = by_version.get(version) or IncompleteMigration(version, name or "")
        by_version[version] = replace(
            _after(incomplete, event, detail or {}), journal_lines=incomplete.journal_lines + 1
        )
    return tuple(by_version[version] for version in sorted(by_version))


def _after(
    incomplete: IncompleteMigration, event: str, detail: Mapping[str, Any]
) -> IncompleteMigration:
    """Return the state of an incomplete migration after one more line of the journal."""
    if event == "started":
        return replace(incomplete, statement_count=int(detail.get("statements", 0)))
    number, digest = detail.get("statement_number"), str(detail.get("sha256"))
    if not isinstance(number, int):
        return incomplete
    others = tuple(started for started in incomplete.started if started.digest != digest)
    completed = CompletedStatement(number, digest, _oid(detail.get("index")))
    # A failed statement stays started: it may have left an invalid index.
    failed = (
        _failed(started, detail) for started in incomplete.started if started.digest == digest
    )
    states = {
        "statement_started": replace(
            incomplete, started=(*others, _started(number, digest, detail))
        ),
        "statement_done": replace(
            incomplete, completed=(*incomplete.completed, completed), started=others
        ),
        "statement_skipped": replace(
            incomplete, completed=(*incomplete.completed, completed), started=others
        ),
        "statement_abandoned": replace(incomplete, started=others),
        "failed": replace(incomplete, started=(*others, *failed)),
    }
    return states.get(event, incomplete)


def _failed(started: StartedStatement, detail: Mapping[str, Any]) -> StartedStatement:
    oid = _oid(detail.get("left")) or started.invalid_index_oid
    return replace(started, sqlstate=str(detail.get("sqlstate") or ""), invalid_index_oid=oid)


def _started(number: int, digest: str, detail: Mapping[str, Any]) -> StartedStatement:
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
