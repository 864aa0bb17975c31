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

from pgbraid.core.pieces import Kind, bare_name, twin_of
from pgbraid.db.transactions import open_path, read_as_written, roll_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pgbraid.core.answers import Begun
    from pgbraid.core.pieces import Piece
    from pgbraid.db.session import Session

__all__ = [
    "Verdict",
    "invalid_among",
    "judge",
    "look_before",
    "made_index",
    "try_settings",
]

_TWIN, _COPY = "pgbraid_twin", "pgbraid_copy"
_EXISTS, _INDEX = "42P07", "index"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a statement that was begun.

    It is ``done``; or what it left is to be taken away by ``healing`` and it is run again; or
    somebody is ``busy`` with it; or only a person can say, for the reason in ``unsure``.
    ``index`` is the oid of the index that is there.
    """

    done: bool = False
    healing: tuple[str, ...] = ()
    busy: str | None = None
    unsure: str | None = None
    index: int | None = None


_RUN = Verdict()


def look_before(session: Session, piece: Piece, set_up: Callable[[], None]) -> dict[str, Any]:
    """Return what the catalog has of a statement's object before it is begun.

    ``set_up`` makes the settings that the file makes before it.
    """
    with _as_body(session, set_up):
        if piece.kind is Kind.CREATE_INDEX:
            row, table = _index(session, piece), _oid(session, piece.table)
            found = {"index": None, "valid": None} if row is None else _named(row)
            return {**found, "table": table}
        if piece.kind is Kind.DROP_INDEX:
            return {"oid": _oid(session, piece.name)}
        if piece.kind is Kind.DETACH:
            child, parent = _oid(session, piece.name), _oid(session, piece.table)
            return {"child": child, "parent": parent, "is": _attached(session, child, parent)}
        if piece.kind is Kind.REINDEX:
            target, partitioned = _target(session, piece)
            known = [oid for _, _, oid in _leftovers(session, piece)]
            return {"invalid": known, "target": target, "partitioned": partitioned}
    return {}


def _named(row: tuple[Any, ...]) -> dict[str, Any]:
    return {"index": row[0], "valid": row[1], "what": row[6]}


def judge(session: Session, piece: Piece, begun: Begun, set_up: Callable[[], None]) -> Verdict:
    """Say what is to be done with a statement that the journal says was begun, and not done.

    ``piece`` is it as it was begun, which the file may no longer have, and ``set_up`` makes the
    settings of then. Raises psycopg's error where a lock is not to be had.
    """
    with _as_body(session, set_up):
        known = {
            Kind.CREATE_INDEX: lambda: _judge_index(session, piece, begun),
            Kind.DROP_INDEX: lambda: _judge_dropped(session, piece, begun.before),
            Kind.DETACH: lambda: _judge_detached(session, piece, begun.before),
            Kind.REINDEX: lambda: _judge_reindexed(session, piece, begun.before),
            Kind.REPEATABLE: lambda: _RUN,
        }.get(piece.kind)
        if known:
            return known()
    if begun.failed and piece.command:
        return _RUN  # the server refused it, and such a statement does all or nothing
    what = piece.command or "a statement that ends transactions itself"
    return Verdict(unsure=f"its end was not seen, and {what} cannot be looked up")


def made_index(
    session: Session, piece: Piece, set_up: Callable[[], None]
) -> tuple[int, str | None] | None:
    """Return the oid of the index that a statement has made, and its name where it is not valid.

    None where it makes none, or it is not there.
    """
    if piece.kind is Kind.CREATE_INDEX:
        with _as_body(session, set_up):
            row = _index(session, piece)
        if row is None or row[6] != _INDEX:
            return None
        return int(row[5]), None if row[1] else str(row[0])
    if piece.kind is Kind.REINDEX and piece.table == "index":
        with _as_body(session, set_up):
            oid = _oid(session, piece.name)
        return (oid, next(iter(invalid_among(session, (oid,))), None)) if oid else None
    return None


def invalid_among(session: Session, oids: Iterable[int]) -> tuple[str, ...]:
    """Return the full names of those of these indexes that are there and not valid."""
    known = list(oids)
    rows = session.run("recognise", "invalid", oids=known).fetchall() if known else ()
    return tuple(str(name) for (name,) in rows)


def try_settings(session: Session, set_up: Callable[[], None]) -> None:
    """Make a file's settings, and take them back."""
    with _as_body(session, set_up):
        pass


@contextmanager
def _as_body(session: Session, set_up: Callable[[], None]) -> Iterator[None]:
    """Look as the file's own statements would see it, in a transaction that is rolled back."""
    session.conn.execute("BEGIN")
    try:
        open_path(session)
        set_up()
        read_as_written(session)
        yield
    finally:
        if not session.conn.broken:
            roll_back(session)


def _index(session: Session, piece: Piece) -> tuple[Any, ...] | None:
    """Return what has an index's name, and whether it is a plain index of the table.

    That is: name, validity, this, definition, others at work, oid, what it is.
    """
    return session.run("recognise", "index", name=piece.name, table=piece.table).fetchone()


def _judge_index(session: Session, piece: Piece, begun: Begun) -> Verdict:
    if _is_another(begun.before, "table", _oid(session, piece.table)):
        return Verdict(unsure=f"{piece.table} is another table now than when it was begun")
    row = _index(session, piece)
    if row is None:
        return _RUN
    name, valid, same_table, definition, busy, oid, _ = row
    before = begun.before.get("index") is not None or begun.failed == _EXISTS
    if before and not piece.if_not_exists:
        return Verdict(unsure=f"{name} was there before pgbraid began it", index=int(oid))
    same = _same_definition(session, piece, name, definition) if same_table else False
    if valid and same:
        return Verdict(done=True, index=int(oid))
    ours = same if begun.left is None else oid == begun.left
    if valid or not (ours or (same and piece.if_not_exists)):
        known = "known to be " if same is None else ""
        whose = "pgbraid left" if same else "the statement makes"
        return Verdict(unsure=f"{name} is not {known}the index that {whose}", index=int(oid))
    return Verdict(busy=name) if busy else Verdict(healing=(f"DROP INDEX CONCURRENTLY {name}",))


def _is_another(before: Mapping[str, Any], what: str, now: int | None) -> bool:
    """Whether a name that stood for something then stands for something else now."""
    then = before.get(what)
    return then is not None and now is not None and then != now


def _same_definition(session: Session, piece: Piece, index: str, definition: str) -> bool | None:
    """Whether an index is what the statement makes, by making it for an empty copy of the table.

    The copy is temporary and has the table's own name, as the statement may say it; a role that
    may make no temporary one makes it beside the table. None where it cannot be made.
    """
    own, schema = bare_name(piece.table or ""), "pg_temp."
    if session.run("recognise", "may_make_temporary").fetchone() != (True,):
        own, schema = _COPY, index[: len(index) - len(bare_name(index))]
    twin = twin_of(piece, _TWIN, f"{schema}{own}")
    if twin is None:
        return None
    try:
        session.conn.execute(f"CREATE TABLE {schema}{own} (LIKE {piece.table})".encode())
        session.conn.execute(twin.encode())
    except errors.LockNotAvailable:
        raise
    except psycopg.Error:
        return None
    row = session.run("recognise", "definition", name=f"{schema}{_TWIN}").fetchone()
    return row is not None and _kernel(str(row[0])) == _kernel(definition)


def _kernel(definition: str) -> tuple[bool, str]:
    """Return what an index definition says but for names: whether unique, and all from USING."""
    return definition.startswith("CREATE UNIQUE"), definition.partition(" USING ")[2]


def _relation(session: Session, name: str | None) -> tuple[int | None, bool]:
    """Return a relation's oid, and whether it is a partitioned table or its index."""
    row = session.run("recognise", "relation", name=name).fetchone()
    return (int(row[0]), bool(row[1])) if row else (None, False)


def _oid(session: Session, name: str | None) -> int | None:
    return _relation(session, name)[0]


def _target(session: Session, piece: Piece) -> tuple[int | None, bool]:
    """Return the oid of the table, or schema, of a REINDEX, and whether it is partitioned.

    Of an index it is its table's, as REINDEX CONCURRENTLY gives the index another oid.
    """
    if piece.table == "table":
        return _relation(session, piece.name)
    query = {"index": "table_of", "schema": "namespace"}.get(piece.table or "")
    row = session.run("recognise", query, name=piece.name).fetchone() if query else None
    partitioned = piece.table == "index" and _relation(session, piece.name)[1]
    return (int(row[0]) if row and row[0] else None), partitioned


def _judge_dropped(session: Session, piece: Piece, before: Mapping[str, Any]) -> Verdict:
    """Say that an index is dropped; one that was not there before can only have been refused."""
    oid = before.get("oid")
    if oid is None:
        return _RUN
    if session.run("recognise", "is_there", oid=oid).fetchone() != (True,):
        return Verdict(done=True)
    if _oid(session, piece.name) != oid:
        return Verdict(
            unsure=f"{piece.name} is another index now than when it was begun", index=oid
        )
    return Verdict(index=oid)


def _attached(session: Session, child: int | None, parent: int | None) -> bool:
    query = session.run("recognise", "attached", child=child or 0, parent=parent or 0)
    return query.fetchone() == (True,)


def _judge_detached(session: Session, piece: Piece, before: Mapping[str, Any]) -> Verdict:
    if not before.get("is"):
        return _RUN
    child, parent = before["child"], before["parent"]
    if not _attached(session, child, parent):
        return Verdict(done=True)
    if (_oid(session, piece.name), _oid(session, piece.table)) != (child, parent):
        return Verdict(unsure="its names stand for other tables now than when it was begun")
    row = session.run("recognise", "detaching", child=child, parent=parent).fetchone()
    finish = f"ALTER TABLE {piece.table} DETACH PARTITION {piece.name} FINALIZE"
    return Verdict(done=True, healing=(finish,)) if row == (True,) else _RUN


def _judge_reindexed(session: Session, piece: Piece, before: Mapping[str, Any]) -> Verdict:
    """Take away the copies that an interrupted REINDEX CONCURRENTLY left, if they are ours."""
    if "CONCURRENTLY" not in (piece.command or ""):
        return _RUN
    if _is_another(before, "target", _target(session, piece)[0]):
        return Verdict(unsure=f"{piece.name} is another {piece.table} now than when it was begun")
    known = set(before.get("invalid") or ())
    left = [(name, busy) for name, busy, oid in _leftovers(session, piece) if oid not in known]
    at_work = next((name for name, busy in left if busy), None)
    if at_work:
        return Verdict(busy=at_work)
    return Verdict(healing=tuple(f"DROP INDEX CONCURRENTLY {name}" for name, _ in left))


def _leftovers(session: Session, piece: Piece) -> Iterator[tuple[str, bool, int]]:
    """Yield the invalid copies of indexes, of all that a REINDEX is about."""
    rows = session.run("recognise", "leftovers", name=piece.name or "", scope=piece.table or "")
    yield from ((str(name), bool(busy), int(oid)) for name, busy, oid in rows.fetchall())
