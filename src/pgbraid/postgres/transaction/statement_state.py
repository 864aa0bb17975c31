"""What became of a statement that no transaction held: told from the catalog, never guessed.

Only what the journal says that we began is healed, and only where it is as we would have left it.
Names are looked up by the settings under which the statement was begun, and must still stand for
what they stood for then.
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
    """What is to be done with a statement that was begun.

    It is ``done``; or what it left is to be taken away by ``cleanup_sql`` and it is run again; or
    somebody is ``in_use`` with it; or only a person can say, for the reason in ``unknown_reason``.
    ``index`` is the oid of the index that is there.
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
    """Return what the catalog has of a statement's object before it is begun.

    ``apply_settings`` makes the settings that the file makes before it.
    """
    with _as_body(session, apply_settings):
        if statement.kind is ExecutionKind.CREATE_INDEX:
            row, table = _index(session, statement), _oid(session, statement.table)
            found = {"index": None, "valid": None} if row is None else _named(row)
            return {**found, "table": table}
        if statement.kind is ExecutionKind.DROP_INDEX:
            return {"oid": _oid(session, statement.name)}
        if statement.kind is ExecutionKind.DETACH:
            child, parent = _oid(session, statement.name), _oid(session, statement.table)
            return {"child": child, "parent": parent, "is": _attached(session, child, parent)}
        if statement.kind is ExecutionKind.REINDEX:
            target, partitioned = _target(session, statement)
            known = [oid for _, _, oid in _leftovers(session, statement)]
            return {"invalid": known, "target": target, "partitioned": partitioned}
    return {}


def _named(row: tuple[Any, ...]) -> dict[str, Any]:
    return {"index": row[0], "valid": row[1], "what": row[6]}


def assess(
    session: Session,
    statement: ScriptStatement,
    begun: StartedStatement,
    apply_settings: Callable[[], None],
) -> RecoveryDecision:
    """Say what is to be done with a statement that the journal says was begun, and not done.

    ``statement`` is it as it was begun, which the file may no longer have, and ``apply_settings``
    makes the settings of then. Raises psycopg's error where a lock is not to be had.
    """
    with _as_body(session, apply_settings):
        known = {
            ExecutionKind.CREATE_INDEX: lambda: _judge_index(session, statement, begun),
            ExecutionKind.DROP_INDEX: lambda: _judge_dropped(
                session, statement, begun.catalog_before
            ),
            ExecutionKind.DETACH: lambda: _judge_detached(session, statement, begun.catalog_before),
            ExecutionKind.REINDEX: lambda: _judge_reindexed(
                session, statement, begun.catalog_before
            ),
            ExecutionKind.REPEATABLE: lambda: _RUN,
        }.get(statement.kind)
        if known:
            return known()
    if begun.sqlstate and statement.command:
        return _RUN  # the server refused it, and such a statement does all or nothing
    what = statement.command or "a statement that ends transactions itself"
    return RecoveryDecision(unknown_reason=f"its end was not seen, and {what} cannot be looked up")


def created_index(
    session: Session, statement: ScriptStatement, apply_settings: Callable[[], None]
) -> tuple[int, str | None] | None:
    """Return the oid of the index that a statement has made, and its name where it is not valid.

    None where it makes none, or it is not there.
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
    """Return the full names of those of these indexes that are there and not valid."""
    known = list(oids)
    rows = session.run("recognise", "invalid", oids=known).fetchall() if known else ()
    return tuple(str(name) for (name,) in rows)


def try_settings(session: Session, apply_settings: Callable[[], None]) -> None:
    """Make a file's settings, and take them back."""
    with _as_body(session, apply_settings):
        pass


@contextmanager
def _as_body(session: Session, apply_settings: Callable[[], None]) -> Iterator[None]:
    """Look as the file's own statements would see it, in a transaction that is rolled back."""
    session.conn.execute("BEGIN")
    try:
        apply_body_settings(session)
        apply_settings()
        reset_parsing_settings(session)
        yield
    finally:
        if not session.conn.broken:
            roll_back(session)


def _index(session: Session, statement: ScriptStatement) -> tuple[Any, ...] | None:
    """Return what has an index's name, and whether it is a plain index of the table.

    That is: name, validity, this, definition, others at work, oid, what it is.
    """
    return session.run("recognise", "index", name=statement.name, table=statement.table).fetchone()


def _judge_index(
    session: Session, statement: ScriptStatement, begun: StartedStatement
) -> RecoveryDecision:
    if _is_another(begun.catalog_before, "table", _oid(session, statement.table)):
        return RecoveryDecision(
            unknown_reason=f"{statement.table} is another table now than when it was begun"
        )
    row = _index(session, statement)
    if row is None:
        return _RUN
    name, valid, same_table, definition, busy, oid, _ = row
    before = (
        begun.catalog_before.get("index") is not None or begun.sqlstate == sqlstate.DUPLICATE_TABLE
    )
    if before and not statement.if_not_exists:
        return RecoveryDecision(
            unknown_reason=f"{name} was there before pgbraid began it", index=int(oid)
        )
    same = _same_definition(session, statement, name, definition) if same_table else False
    if valid and same:
        return RecoveryDecision(done=True, index=int(oid))
    ours = same if begun.invalid_index_oid is None else oid == begun.invalid_index_oid
    if valid or not (ours or (same and statement.if_not_exists)):
        known = "known to be " if same is None else ""
        whose = "pgbraid left" if same else "the statement makes"
        return RecoveryDecision(
            unknown_reason=f"{name} is not {known}the index that {whose}", index=int(oid)
        )
    return (
        RecoveryDecision(in_use=name)
        if busy
        else RecoveryDecision(cleanup_sql=(f"DROP INDEX CONCURRENTLY {name}",))
    )


def _is_another(before: Mapping[str, Any], what: str, now: int | None) -> bool:
    """Whether a name that stood for something then stands for something else now."""
    then = before.get(what)
    return then is not None and now is not None and then != now


def _same_definition(
    session: Session, statement: ScriptStatement, index: str, definition: str
) -> bool | None:
    """Whether an index is what the statement makes, by making it for an empty copy of the table.

    The copy is temporary and has the table's own name, as the statement may say it; a role that
    may make no temporary one makes it beside the table. None where it cannot be made.
    """
    own, schema = bare_name(statement.table or ""), "pg_temp."
    if session.run("recognise", "may_make_temporary").fetchone() != (True,):
        own, schema = _COPY, index[: len(index) - len(bare_name(index))]
    twin = equivalent_index_sql(statement, _TWIN, f"{schema}{own}")
    if twin is None:
        return None
    try:
        session.conn.execute(f"CREATE TABLE {schema}{own} (LIKE {statement.table})".encode())
        session.conn.execute(twin.encode())
    except errors.LockNotAvailable:
        raise
    except psycopg.Error:
        return None
    row = session.run("recognise", "definition", name=f"{schema}{_TWIN}").fetchone()
    return row is not None and _definition_without_names(str(row[0])) == _definition_without_names(
        definition
    )


def _definition_without_names(definition: str) -> tuple[bool, str]:
    """Return what an index definition says but for names: whether unique, and all from USING."""
    return definition.startswith("CREATE UNIQUE"), definition.partition(" USING ")[2]


def _relation(session: Session, name: str | None) -> tuple[int | None, bool]:
    """Return a relation's oid, and whether it is a partitioned table or its index."""
    row = session.run("recognise", "relation", name=name).fetchone()
    return (int(row[0]), bool(row[1])) if row else (None, False)


def _oid(session: Session, name: str | None) -> int | None:
    return _relation(session, name)[0]


def _target(session: Session, statement: ScriptStatement) -> tuple[int | None, bool]:
    """Return the oid of the table, or schema, of a REINDEX, and whether it is partitioned.

    Of an index it is its table's, as REINDEX CONCURRENTLY gives the index another oid.
    """
    if statement.table == "table":
        return _relation(session, statement.name)
    query = {"index": "table_of", "schema": "namespace"}.get(statement.table or "")
    row = session.run("recognise", query, name=statement.name).fetchone() if query else None
    partitioned = statement.table == "index" and _relation(session, statement.name)[1]
    return (int(row[0]) if row and row[0] else None), partitioned


def _judge_dropped(
    session: Session, statement: ScriptStatement, before: Mapping[str, Any]
) -> RecoveryDecision:
    """Say that an index is dropped; one that was not there before can only have been refused."""
    oid = before.get("oid")
    if oid is None:
        return _RUN
    if session.run("recognise", "is_there", oid=oid).fetchone() != (True,):
        return RecoveryDecision(done=True)
    if _oid(session, statement.name) != oid:
        return RecoveryDecision(
            unknown_reason=f"{statement.name} is another index now than when it was begun",
            index=oid,
        )
    return RecoveryDecision(index=oid)


def _attached(session: Session, child: int | None, parent: int | None) -> bool:
    query = session.run("recognise", "attached", child=child or 0, parent=parent or 0)
    return query.fetchone() == (True,)


def _judge_detached(
    session: Session, statement: ScriptStatement, before: Mapping[str, Any]
) -> RecoveryDecision:
    if not before.get("is"):
        return _RUN
    child, parent = before["child"], before["parent"]
    if not _attached(session, child, parent):
        return RecoveryDecision(done=True)
    if (_oid(session, statement.name), _oid(session, statement.table)) != (child, parent):
        return RecoveryDecision(
            unknown_reason="its names stand for other tables now than when it was begun"
        )
    row = session.run("recognise", "detaching", child=child, parent=parent).fetchone()
    finish = f"ALTER TABLE {statement.table} DETACH PARTITION {statement.name} FINALIZE"
    return RecoveryDecision(done=True, cleanup_sql=(finish,)) if row == (True,) else _RUN


def _judge_reindexed(
    session: Session, statement: ScriptStatement, before: Mapping[str, Any]
) -> RecoveryDecision:
    """Take away the copies that an interrupted REINDEX CONCURRENTLY left, if they are ours."""
    if "CONCURRENTLY" not in (statement.command or ""):
        return _RUN
    if _is_another(before, "target", _target(session, statement)[0]):
        return RecoveryDecision(
            unknown_reason=f"{statement.name} is another {statement.table} now than when it was "
            "begun"
        )
    known = set(before.get("invalid") or ())
    left = [(name, busy) for name, busy, oid in _leftovers(session, statement) if oid not in known]
    at_work = next((name for name, busy in left if busy), None)
    if at_work:
        return RecoveryDecision(in_use=at_work)
    return RecoveryDecision(
        cleanup_sql=tuple(f"DROP INDEX CONCURRENTLY {name}" for name, _ in left)
    )


def _leftovers(session: Session, statement: ScriptStatement) -> Iterator[tuple[str, bool, int]]:
    """Yield the invalid copies of indexes, of all that a REINDEX is about."""
    rows = session.run(
        "recognise", "leftovers", name=statement.name or "", scope=statement.table or ""
    )
    yield from ((str(name), bool(busy), int(oid)) for name, busy, oid in rows.fetchall())
