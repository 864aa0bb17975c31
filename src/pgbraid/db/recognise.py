"""What became of a statement that no transaction held: told from the catalog, never guessed.

Only what the journal says that we began is healed, and only where it is as we would have left it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors

from pgbraid.core.pieces import Kind, bare_name, twin_of
from pgbraid.db.transactions import open_path, roll_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pgbraid.core.answers import Begun
    from pgbraid.core.pieces import Piece
    from pgbraid.db.session import Session

__all__ = ["Verdict", "invalid_index", "is_as_stated", "judge", "look_before", "try_settings"]

_TWIN = "pgbraid_twin"
_EXISTS = "42P07"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a statement that was begun.

    It is ``done``; or what it left is to be taken away by ``healing`` and it is run again; or
    somebody is ``busy`` with it; or only a person can say, for the reason in ``unsure``.
    """

    done: bool = False
    healing: tuple[str, ...] = ()
    busy: str | None = None
    unsure: str | None = None


_RUN = Verdict()


def look_before(session: Session, piece: Piece, set_up: Callable[[], None]) -> dict[str, Any]:
    """Return what the catalog has of a statement's object before it is begun.

    ``set_up`` makes the settings that the file makes before it.
    """
    with _as_body(session, set_up):
        if piece.kind is Kind.CREATE_INDEX:
            row = _index(session, piece)
            return {"index": None if row is None else row[0], "valid": row[1] if row else None}
        if piece.kind is Kind.DROP_INDEX:
            return {"oid": _oid(session, piece.name)}
        if piece.kind is Kind.DETACH:
            child, parent = _oid(session, piece.name), _oid(session, piece.table)
            return {"child": child, "parent": parent, "is": _attached(session, child, parent)}
        if piece.kind is Kind.REINDEX:
            return {"invalid": [name for name, _ in _leftovers(session, piece)]}
    return {}


def judge(session: Session, piece: Piece, begun: Begun, set_up: Callable[[], None]) -> Verdict:
    """Say what is to be done with a statement that the journal says was begun, and not done.

    ``piece`` is it as it was begun, which the file may no longer have. Raises psycopg's error
    where a lock is not to be had.
    """
    with _as_body(session, set_up):
        known = {
            Kind.CREATE_INDEX: lambda: _judge_index(session, piece, begun),
            Kind.DROP_INDEX: lambda: _judge_dropped(session, begun.before),
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


def is_as_stated(session: Session, piece: Piece, set_up: Callable[[], None]) -> bool:
    """Whether the index that is there is what a statement makes."""
    with _as_body(session, set_up):
        row = _index(session, piece)
        return bool(row and row[2] and _same_definition(session, piece, row[3]))


def invalid_index(session: Session, piece: Piece, set_up: Callable[[], None]) -> str | None:
    """Return the name of the index that a statement made, if it is there and not valid."""
    with _as_body(session, set_up):
        if piece.kind is Kind.CREATE_INDEX:
            row = _index(session, piece)
            return str(row[0]) if row and not row[1] else None
        if piece.kind is Kind.REINDEX and piece.table == "index" and piece.name:
            found = session.run("recognise", "invalid", name=piece.name).fetchone()
            return str(found[0]) if found else None
    return None


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
        yield
    finally:
        if not session.conn.broken:
            roll_back(session)


def _index(session: Session, piece: Piece) -> tuple[Any, ...] | None:
    """Return an index: name, validity, sameness of table, definition, somebody at work on it."""
    return session.run("recognise", "index", name=piece.name, table=piece.table).fetchone()


def _judge_index(session: Session, piece: Piece, begun: Begun) -> Verdict:
    row = _index(session, piece)
    if row is None:
        return _RUN
    name, valid, same_table, definition, busy = row
    if begun.before.get("index") is not None or begun.failed == _EXISTS:
        return Verdict(unsure=f"{name} was there before pgbraid began it")
    same = _same_definition(session, piece, definition) if same_table else False
    if same is False:
        return Verdict(unsure=f"{name} is not the index that the statement makes")
    if valid:
        reason = f"{name} is there, and without the right to make a temporary table it cannot be"
        return Verdict(done=True) if same else Verdict(unsure=f"{reason} compared")
    return Verdict(busy=name) if busy else Verdict(healing=(f"DROP INDEX CONCURRENTLY {name}",))


def _same_definition(session: Session, piece: Piece, definition: str) -> bool | None:
    """Whether an index is what the statement makes, by making it for an empty copy of the table.

    The copy has the table's own name, as the statement may say it. None where it cannot be made.
    """
    own = bare_name(piece.table or "")
    twin = twin_of(piece, _TWIN, f"pg_temp.{own}")
    if twin is None:
        return None
    try:
        session.conn.execute(f"CREATE TEMP TABLE {own} (LIKE {piece.table})".encode())
        session.conn.execute(twin.encode())
    except errors.LockNotAvailable:
        raise
    except psycopg.Error:
        return None
    row = session.run("recognise", "definition", name=f"pg_temp.{_TWIN}").fetchone()
    return row is not None and _kernel(str(row[0])) == _kernel(definition)


def _kernel(definition: str) -> tuple[bool, str]:
    """Return what an index definition says but for names: whether unique, and all from USING."""
    return definition.startswith("CREATE UNIQUE"), definition.partition(" USING ")[2]


def _oid(session: Session, name: str | None) -> int | None:
    row = session.run("recognise", "relation", name=name).fetchone()
    return int(row[0]) if row and row[0] else None


def _judge_dropped(session: Session, before: Mapping[str, Any]) -> Verdict:
    """Say that an index is dropped; one that was not there before can only have been refused."""
    oid = before.get("oid")
    if oid is None:
        return _RUN
    row = session.run("recognise", "is_there", oid=oid).fetchone()
    return Verdict(done=row != (True,))


def _attached(session: Session, child: int | None, parent: int | None) -> bool:
    query = session.run("recognise", "attached", child=child or 0, parent=parent or 0)
    return query.fetchone() == (True,)


def _judge_detached(session: Session, piece: Piece, before: Mapping[str, Any]) -> Verdict:
    if not before.get("is"):
        return _RUN
    child, parent = before["child"], before["parent"]
    if not _attached(session, child, parent):
        return Verdict(done=True)
    row = session.run("recognise", "detaching", child=child, parent=parent).fetchone()
    finish = f"ALTER TABLE {piece.table} DETACH PARTITION {piece.name} FINALIZE"
    return Verdict(done=True, healing=(finish,)) if row == (True,) else _RUN


def _judge_reindexed(session: Session, piece: Piece, before: Mapping[str, Any]) -> Verdict:
    """Take away the copies that an interrupted REINDEX CONCURRENTLY left, if they are ours."""
    known = set(before.get("invalid") or ())
    left = [(name, busy) for name, busy in _leftovers(session, piece) if name not in known]
    at_work = next((name for name, busy in left if busy), None)
    if at_work:
        return Verdict(busy=at_work)
    return Verdict(healing=tuple(f"DROP INDEX CONCURRENTLY {name}" for name, _ in left))


def _leftovers(session: Session, piece: Piece) -> Iterator[tuple[str, bool]]:
    """Yield the invalid copies of indexes, of all that a REINDEX is about."""
    rows = session.run("recognise", "leftovers", name=piece.name or "", scope=piece.table or "")
    yield from ((str(name), bool(busy)) for name, busy in rows.fetchall())
