"""Finds the invalid indexes that an interrupted statement left, and drops them.

An interrupted CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY leaves an invalid index. It is
dropped only if the journal shows that pgbraid started the statement, and only if it is exactly the
index that the statement would leave. The assessment returns the DROP INDEX as text;
``StatementRun.drop_leftovers`` runs it with ``run_cleanup`` and journals it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors

from pgbraid.model import sqlstate
from pgbraid.model.incomplete import RecoveryDecision
from pgbraid.postgres.client.connection import error_of
from pgbraid.sql.classify import bare_name, equivalent_index_sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pgbraid.model.incomplete import StartedStatement
    from pgbraid.postgres.client.session import Session
    from pgbraid.sql.classify import ScriptStatement

__all__ = [
    "assess_created_index",
    "assess_reindexed",
    "invalid_among",
    "is_another",
    "read_index",
    "read_reindex_leftovers",
    "read_reindex_target",
    "read_relation",
    "relation_oid",
    "run_cleanup",
]

_TWIN, _COPY = "pgbraid_twin", "pgbraid_copy"


def read_index(session: Session, statement: ScriptStatement) -> tuple[Any, ...] | None:
    """Return the row of the relation that has the name of the index, or None.

    Its columns: name, is valid, is a plain index of the table, definition, is in use by another
    session, oid, kind of relation.
    """
    return session.run(
        "statement_state", "index", name=statement.name, table=statement.table
    ).fetchone()


def assess_created_index(
    session: Session, statement: ScriptStatement, started: StartedStatement
) -> RecoveryDecision:
    """Decide how to recover a CREATE INDEX CONCURRENTLY that was started."""
    if is_another(started.catalog_before, "table", relation_oid(session, statement.table)):
        return RecoveryDecision(
            unknown_reason=f"the name {statement.table} refers to another table now than when the "
            "statement was started"
        )
    row = read_index(session, statement)
    if row is None:
        return RecoveryDecision()
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


def assess_reindexed(
    session: Session, statement: ScriptStatement, before: Mapping[str, Any]
) -> RecoveryDecision:
    """Decide how to recover a REINDEX that was started."""
    if "CONCURRENTLY" not in (statement.command or ""):
        return RecoveryDecision()
    if is_another(before, "target", read_reindex_target(session, statement)[0]):
        return RecoveryDecision(
            unknown_reason=f"the name {statement.name} refers to another {statement.table} now "
            "than when the statement was started"
        )
    # Invalid copies that existed before our REINDEX belong to another session.
    invalid_before = set(before.get("invalid") or ())
    copies = [
        (name, busy)
        for name, busy, oid in read_reindex_leftovers(session, statement)
        if oid not in invalid_before
    ]
    in_use = next((name for name, busy in copies if busy), None)
    if in_use:
        return RecoveryDecision(in_use=in_use)
    return RecoveryDecision(
        cleanup_sql=tuple(f"DROP INDEX CONCURRENTLY {name}" for name, _ in copies)
    )


def read_reindex_leftovers(
    session: Session, statement: ScriptStatement
) -> Iterator[tuple[str, bool, int]]:
    """Yield name, in use by another session, and oid of the invalid copies in a REINDEX's scope."""
    rows = session.run(
        "statement_state",
        "reindex_leftovers",
        name=statement.name or "",
        scope=statement.table or "",
    )
    yield from ((str(name), bool(busy), int(oid)) for name, busy, oid in rows.fetchall())


def invalid_among(session: Session, oids: Iterable[int]) -> tuple[str, ...]:
    """Return the qualified names of the indexes among ``oids`` that exist and are invalid."""
    listed = list(oids)
    rows = session.run("statement_state", "invalid", oids=listed).fetchall() if listed else ()
    return tuple(str(name) for (name,) in rows)


def run_cleanup(session: Session, text: str) -> None:
    """Run a DROP INDEX CONCURRENTLY of a leftover. Raises psycopg's error.

    An interrupted DETACH PARTITION CONCURRENTLY is completed by this function, too.
    """
    error = error_of(session.send(text.encode(), tick=session.watching()))
    if error is not None:
        raise error


def is_another(before: Mapping[str, Any], key: str, oid: int | None) -> bool:
    """Whether the name recorded under ``key`` resolved to another object then than to ``oid``."""
    recorded = before.get(key)
    return recorded is not None and oid is not None and recorded != oid


def read_relation(session: Session, name: str | None) -> tuple[int | None, bool]:
    """Return a relation's oid, and whether it is a partitioned table or a partitioned index."""
    row = session.run("statement_state", "relation", name=name).fetchone()
    return (int(row[0]), bool(row[1])) if row else (None, False)


def relation_oid(session: Session, name: str | None) -> int | None:
    """Return a relation's oid, or None."""
    return read_relation(session, name)[0]


def read_reindex_target(session: Session, statement: ScriptStatement) -> tuple[int | None, bool]:
    """Return the oid of the table or schema of a REINDEX, and whether it is partitioned.

    For an index this is the oid of its table: REINDEX CONCURRENTLY gives the index a new oid.
    """
    if statement.table == "table":
        return read_relation(session, statement.name)
    query = {"index": "table_of", "schema": "namespace"}.get(statement.table or "")
    row = session.run("statement_state", query, name=statement.name).fetchone() if query else None
    partitioned = statement.table == "index" and read_relation(session, statement.name)[1]
    return (int(row[0]) if row and row[0] else None), partitioned
