"""Finds out from the catalog whether an interrupted non-transactional statement was completed.

A leftover is dropped only if the journal shows that pgbraid started the statement, and only if it
is exactly what that statement would leave. Names are resolved under the settings with which the
statement was started. A name that now resolves to another object makes the outcome unknown.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors

from pgbraid.model import sqlstate
from pgbraid.postgres.transaction.boundaries import (
    apply_body_settings,
    reset_parsing_settings,
    roll_back,
)
from pgbraid.sql.classify import ExecutionKind, bare_name, equivalent_index_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pgbraid.model.incomplete import StartedStatement
    from pgbraid.postgres.client.session import Session
    from pgbraid.sql.classify import ScriptStatement

__all__ = [
    "RecoveryDecision",
    "assess",
    "capture_state",
    "created_index",
    "invalid_among",
    "try_settings",
]

_TWIN, _COPY = "pgbraid_twin", "pgbraid_copy"
_INDEX = "index"


@dataclass(frozen=True, slots=True)
class RecoveryDecision:
    """How to recover a statement that was started and whose end is not in the journal.

    ``done``: it was completed, once ``cleanup_sql``, if any, has run. Not ``done``: run
    ``cleanup_sql``, then the statement again. ``in_use``: the name of an index that another session
    builds or vacuums; wait. ``unknown_reason``: the catalog does not show the outcome, so the user
    must decide. ``index`` is the oid of the existing index.
    """

    done: bool = False
    cleanup_sql: tuple[str, ...] = ()
    in_use: str | None = None
    unknown_reason: str | None = None
    index: int | None = None


_RUN = RecoveryDecision()


def capture_state(
    session: Session, statement: ScriptStatement, apply_settings: Callable[[], None]
) -> dict[str, Any]:
    """Return the catalog's state of a statement's object, for the journal, before it is started.

    ``apply_settings`` applies the settings that stand before the statement in the file.
    """
    with _as_body(session, apply_settings):
        if statement.kind is ExecutionKind.CREATE_INDEX:
            row, table = _index(session, statement), _oid(session, statement.table)
            index = {"index": None, "valid": None} if row is None else _index_state(row)
            return {**index, "table": table}
        if statement.kind is ExecutionKind.DROP_INDEX:
            return {"oid": _oid(session, statement.name)}
        if statement.kind is ExecutionKind.DETACH:
            child, parent = _oid(session, statement.name), _oid(session, statement.table)
            return {"child": child, "parent": parent, "is": _attached(session, child, parent)}
        if statement.kind is ExecutionKind.REINDEX:
            target, partitioned = _target(session, statement)
            # Copies that an earlier REINDEX of another session left must survive our cleanup.
            invalid = [oid for _, _, oid in _leftovers(session, statement)]
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
            ExecutionKind.CREATE_INDEX: lambda: _assess_index(session, statement, started),
            ExecutionKind.DROP_INDEX: lambda: _assess_dropped(session, statement, before),
            ExecutionKind.DETACH: lambda: _assess_detached(session, statement, before),
            ExecutionKind.REINDEX: lambda: _assess_reindexed(session, statement, before),
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
            row = _index(session, statement)
        if row is None or row[6] != _INDEX:
            return None
        return int(row[5]), None if row[1] else str(row[0])
    if statement.kind is ExecutionKind.REINDEX and statement.table == "index":
        with _as_body(session, apply_settings):
            oid = _oid(session, statement.name)
        return (oid, next(iter(invalid_among(session, (oid,))), None)) if oid else None
    return None


def invalid_among(session: Session, oids: Iterable[int]) -> tuple[str, ...]:
    """Return the qualified names of the indexes among ``oids`` that exist and are invalid."""
    listed = list(oids)
    rows = session.run("statement_state", "invalid", oids=listed).fetchall() if listed else ()
    return tuple(str(name) for (name,) in rows)


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


def _index(session: Session, statement: ScriptStatement) -> tuple[Any, ...] | None:
    """Return the row of the relation that has the name of the index, or None.

    Its columns: name, is valid, is a plain index of the table, definition, is in use by another
    session, oid, kind of relation.
    """
    return session.run(
        "statement_state", "index", name=statement.name, table=statement.table
    ).fetchone()


def _assess_index(
    session: Session, statement: ScriptStatement, started: StartedStatement
) -> RecoveryDecision:
    if _is_another(started.catalog_before, "table", _oid(session, statement.table)):
        return RecoveryDecision(
            unknown_reason=f"{statement.table} is another table now than when it was started"
        )
    row = _index(session, statement)
    if row is None:
        return _RUN
    name, valid, same_table, definition, busy, oid, _ = row
    # 42P07 proves the same as the journal's snapshot: the name was in use before our statement ran.
    existed = (
        started.catalog_before.get("index") is not None
        or started.sqlstate == sqlstate.DUPLICATE_TABLE
    )
    if existed and not statement.if_not_exists:
        return RecoveryDecision(
            unknown_reason=f"{name} existed before pgbraid started the statement", index=int(oid)
        )
    same = _same_definition(session, statement, name, definition) if same_table else False
    if valid and same:
        return RecoveryDecision(done=True, index=int(oid))
    # Another session may have failed to build the same index since. The oid recorded right after
    # our own failure, where there is one, tells the two invalid indexes apart.
    ours = same if started.invalid_index_oid is None else oid == started.invalid_index_oid
    if valid or not (ours or (same and statement.if_not_exists)):
        known = "known to be " if same is None else ""
        whose = "pgbraid left" if same else "the statement makes"
        return RecoveryDecision(
            unknown_reason=f"{name} is not {known}the index that {whose}", index=int(oid)
        )
    # An invalid index is also one that another session is still building.
    return (
        RecoveryDecision(in_use=name)
        if busy
        else RecoveryDecision(cleanup_sql=(f"DROP INDEX CONCURRENTLY {name}",))
    )


def _is_another(before: Mapping[str, Any], key: str, oid: int | None) -> bool:
    """Whether the name recorded under ``key`` resolved to another object then than to ``oid``."""
    recorded = before.get(key)
    return recorded is not None and oid is not None and recorded != oid


def _same_definition(
    session: Session, statement: ScriptStatement, index: str, definition: str
) -> bool | None:
    """Whether an index is the one that the statement makes.

    Builds the index on an empty copy of the table and compares what pg_get_indexdef prints for
    both: the server's text is comparable, the statement's is not. The copy is rolled back with the
    caller's transaction. None if the copy cannot be built.
    """
    # The copy keeps the table's name, because an expression of the index may name the table.
    copy, schema = bare_name(statement.table or ""), "pg_temp."
    if session.run("statement_state", "may_make_temporary").fetchone() != (True,):
        copy, schema = _COPY, index[: len(index) - len(bare_name(index))]
    twin = equivalent_index_sql(statement, _TWIN, f"{schema}{copy}")
    if twin is None:
        return None
    try:
        session.conn.execute(f"CREATE TABLE {schema}{copy} (LIKE {statement.table})".encode())
        session.conn.execute(twin.encode())
    except errors.LockNotAvailable:
        raise  # retried by the caller like any other lock timeout
    except psycopg.Error:
        return None
    row = session.run("statement_state", "definition", name=f"{schema}{_TWIN}").fetchone()
    return row is not None and _definition_without_names(str(row[0])) == _definition_without_names(
        definition
    )


def _definition_without_names(definition: str) -> tuple[bool, str]:
    """Return whether an index definition is unique, and its text from USING on, without names."""
    return definition.startswith("CREATE UNIQUE"), definition.partition(" USING ")[2]


def _relation(session: Session, name: str | None) -> tuple[int | None, bool]:
    """Return a relation's oid, and whether it is a partitioned table or a partitioned index."""
    row = session.run("statement_state", "relation", name=name).fetchone()
    return (int(row[0]), bool(row[1])) if row else (None, False)


def _oid(session: Session, name: str | None) -> int | None:
    return _relation(session, name)[0]


def _target(session: Session, statement: ScriptStatement) -> tuple[int | None, bool]:
    """Return the oid of the table or schema of a REINDEX, and whether it is partitioned.

    For an index this is the oid of its table: REINDEX CONCURRENTLY gives the index a new oid.
    """
    if statement.table == "table":
        return _relation(session, statement.name)
    query = {"index": "table_of", "schema": "namespace"}.get(statement.table or "")
    row = session.run("statement_state", query, name=statement.name).fetchone() if query else None
    partitioned = statement.table == "index" and _relation(session, statement.name)[1]
    return (int(row[0]) if row and row[0] else None), partitioned


def _assess_dropped(
    session: Session, statement: ScriptStatement, before: Mapping[str, Any]
) -> RecoveryDecision:
    oid = before.get("oid")
    if oid is None:
        return _RUN  # the index did not exist, so the server can only have refused the statement
    if session.run("statement_state", "relation_exists", oid=oid).fetchone() != (True,):
        return RecoveryDecision(done=True)
    if _oid(session, statement.name) != oid:
        return RecoveryDecision(
            unknown_reason=f"{statement.name} is another index now than when it was started",
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
    if (_oid(session, statement.name), _oid(session, statement.table)) != (child, parent):
        return RecoveryDecision(
            unknown_reason="its names stand for other tables now than when it was started"
        )
    # DETACH CONCURRENTLY commits twice; between the two, the server accepts only FINALIZE.
    row = session.run("statement_state", "detaching", child=child, parent=parent).fetchone()
    finish = f"ALTER TABLE {statement.table} DETACH PARTITION {statement.name} FINALIZE"
    return RecoveryDecision(done=True, cleanup_sql=(finish,)) if row == (True,) else _RUN


def _assess_reindexed(
    session: Session, statement: ScriptStatement, before: Mapping[str, Any]
) -> RecoveryDecision:
    if "CONCURRENTLY" not in (statement.command or ""):
        return _RUN
    if _is_another(before, "target", _target(session, statement)[0]):
        return RecoveryDecision(
            unknown_reason=f"{statement.name} is another {statement.table} now than when it was "
            "started"
        )
    # Invalid copies that existed before our REINDEX belong to another session.
    invalid_before = set(before.get("invalid") or ())
    copies = [
        (name, busy)
        for name, busy, oid in _leftovers(session, statement)
        if oid not in invalid_before
    ]
    in_use = next((name for name, busy in copies if busy), None)
    if in_use:
        return RecoveryDecision(in_use=in_use)
    return RecoveryDecision(
        cleanup_sql=tuple(f"DROP INDEX CONCURRENTLY {name}" for name, _ in copies)
    )


def _leftovers(session: Session, statement: ScriptStatement) -> Iterator[tuple[str, bool, int]]:
    """Yield name, in use by another session, and oid of the invalid copies in a REINDEX's scope."""
    rows = session.run(
        "statement_state",
        "reindex_leftovers",
        name=statement.name or "",
        scope=statement.table or "",
    )
    yield from ((str(name), bool(busy), int(oid)) for name, busy, oid in rows.fetchall())
