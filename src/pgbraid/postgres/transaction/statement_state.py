"""Finds out from the catalog whether an interrupted non-transactional statement was completed.

A leftover is dropped only if the journal shows that pgbraid started the statement, and only if it
is exactly what that statement would leave. Names are resolved under the settings with which the
statement was started. A name that now resolves to another object makes the outcome unknown.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pgbraid.model.incomplete import RecoveryDecision
from pgbraid.postgres.transaction.boundaries import (
    apply_body_settings,
    reset_parsing_settings,
    roll_back,
)
from pgbraid.postgres.transaction.invalid_index_cleanup import (
    assess_created_index,
    assess_reindexed,
    invalid_among,
    read_index,
    read_reindex_leftovers,
    read_reindex_target,
    relation_oid,
)
from pgbraid.sql.classify import ExecutionKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pgbraid.model.incomplete import StartedStatement
    from pgbraid.postgres.client.session import Session
    from pgbraid.sql.classify import ScriptStatement

__all__ = ["assess", "capture_state", "created_index", "try_settings"]

_RUN = RecoveryDecision()


def capture_state(
    session: Session, statement: ScriptStatement, apply_settings: Callable[[], None]
) -> dict[str, Any]:
    """Return the catalog's state of a statement's object, for the journal, before it is started.

    ``apply_settings`` applies the settings that stand before the statement in the file.
    """
    with _as_body(session, apply_settings):
        if statement.kind is ExecutionKind.CREATE_INDEX:
            row, table = read_index(session, statement), relation_oid(session, statement.table)
            index = {"index": None, "valid": None} if row is None else _index_state(row)
            return {**index, "table": table}
        if statement.kind is ExecutionKind.DROP_INDEX:
            return {"oid": relation_oid(session, statement.name)}
        if statement.kind is ExecutionKind.DETACH:
            child, parent = (
                relation_oid(session, statement.name),
                relation_oid(session, statement.table),
            )
            return {"child": child, "parent": parent, "is": _attached(session, child, parent)}
        if statement.kind is ExecutionKind.REINDEX:
            target, partitioned = read_reindex_target(session, statement)
            # Copies that an earlier REINDEX of another session left must survive our cleanup.
            invalid = [oid for _, _, oid in read_reindex_leftovers(session, statement)]
            return {"invalid": invalid, "target": target, "partitioned": partitioned}
    return {}


def _index_state(row: tuple[Any, ...]) -> dict[str, Any]:
    return {"index": row[0], "valid": row[1], "what": row[6]}


def assess(
    session: Session,
    statement: ScriptStatement,
    started: StartedStatement,
    apply_settings: Callable[[], None],
) -> RecoveryDecision:
    """Decide how to recover a statement that the journal has as started, but not as completed.

    ``statement`` is the statement as it was started; the file may have changed since.
    ``apply_settings`` applies the settings with which it was started. Raises psycopg's error if a
    lock is not available.
    """
    before = started.catalog_before
    with _as_body(session, apply_settings):
        assess_kind = {
            ExecutionKind.CREATE_INDEX: lambda: assess_created_index(session, statement, started),
            ExecutionKind.DROP_INDEX: lambda: _assess_dropped(session, statement, before),
            ExecutionKind.DETACH: lambda: _assess_detached(session, statement, before),
            ExecutionKind.REINDEX: lambda: assess_reindexed(session, statement, before),
            ExecutionKind.REPEATABLE: lambda: _RUN,
        }.get(statement.kind)
        if assess_kind:
            return assess_kind()
    if started.sqlstate and statement.command:
        # The server returned an error, and these statements (CREATE DATABASE and the like) do all
        # or nothing. CALL and DO have no command here: they may have committed a part.
        return _RUN
    command = statement.command or "a statement that ends transactions itself"
    return RecoveryDecision(
        unknown_reason=f"its end was not seen, and the catalog does not show whether {command} ran"
    )


def created_index(
    session: Session, statement: ScriptStatement, apply_settings: Callable[[], None]
) -> tuple[int, str | None] | None:
    """Return the oid of the index that a statement has built, and its name if it is invalid.

    None if the statement builds no index, or the index does not exist.
    """
    if statement.kind is ExecutionKind.CREATE_INDEX:
        with _as_body(session, apply_settings):
            row = read_index(session, statement)
        if row is None or row[6] != "index":
            return None
        return int(row[5]), None if row[1] else str(row[0])
    if statement.kind is ExecutionKind.REINDEX and statement.table == "index":
        with _as_body(session, apply_settings):
            oid = relation_oid(session, statement.name)
        return (oid, next(iter(invalid_among(session, (oid,))), None)) if oid else None
    return None


def try_settings(session: Session, apply_settings: Callable[[], None]) -> None:
    """Apply a file's settings and roll them back; raises the error of a setting that is refused."""
    with _as_body(session, apply_settings):
        pass


@contextmanager
def _as_body(session: Session, apply_settings: Callable[[], None]) -> Iterator[None]:
    """Run a block with the role, search_path and settings of the body, and roll it back."""
    session.conn.execute("BEGIN")
    try:
        apply_body_settings(session)
        apply_settings()
        # The file's settings may change how the server reads the queries that follow.
        reset_parsing_settings(session)
        yield
    finally:
        if not session.conn.broken:
            roll_back(session)


def _assess_dropped(
    session: Session, statement: ScriptStatement, before: Mapping[str, Any]
) -> RecoveryDecision:
    oid = before.get("oid")
    if oid is None:
        return _RUN  # the index did not exist, so the server can only have refused the statement
    if session.run("statement_state", "relation_exists", oid=oid).fetchone() != (True,):
        return RecoveryDecision(done=True)
    if relation_oid(session, statement.name) != oid:
        return RecoveryDecision(
            unknown_reason=f"the name {statement.name} refers to another index now than when the "
            "statement was started",
            index=oid,
        )
    # An interrupted DROP may leave the index invalid; running the statement again drops it.
    return RecoveryDecision(index=oid)


def _attached(session: Session, child: int | None, parent: int | None) -> bool:
    query = session.run("statement_state", "attached", child=child or 0, parent=parent or 0)
    return query.fetchone() == (True,)


def _assess_detached(
    session: Session, statement: ScriptStatement, before: Mapping[str, Any]
) -> RecoveryDecision:
    if not before.get("is"):
        return _RUN
    child, parent = before["child"], before["parent"]
    if not _attached(session, child, parent):
        return RecoveryDecision(done=True)
    if (relation_oid(session, statement.name), relation_oid(session, statement.table)) != (
        child,
        parent,
    ):
        return RecoveryDecision(
            unknown_reason="its names refer to other tables now than when it was started"
        )
    # DETACH CONCURRENTLY commits twice; between the two, the server accepts only FINALIZE.
    row = session.run("statement_state", "detaching", child=child, parent=parent).fetchone()
    finish = f"ALTER TABLE {statement.table} DETACH PARTITION {statement.name} FINALIZE"
    return RecoveryDecision(done=True, cleanup_sql=(finish,)) if row == (True,) else _RUN
