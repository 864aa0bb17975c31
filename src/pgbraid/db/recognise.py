"""What became of a statement that no transaction held: told from the catalog, never guessed.

Only what the journal says that we began is healed, and only where it is as we would have left it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors

from pgbraid.core.pieces import Kind, twin_of
from pgbraid.db.transactions import open_path, roll_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pgbraid.core.answers import Begun
    from pgbraid.core.pieces import Piece
    from pgbraid.db.session import Session

__all__ = ["Verdict", "invalid_index", "is_as_stated", "judge", "look_before"]

_TWIN = "pgbraid_twin"
_EXISTS = "42P07"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a statement that was begun.

    It is ``done``; or what it left is to be taken away by ``healing`` and it is run again; or
    only a person can say, for the reason in ``unsure``.
    """

    done: bool = False
    healing: tuple[str, ...] = ()
    unsure: str | None = None


RUN = Verdict()


def look_before(session: Session, piece: Piece, set_up: Callable[[], None]) -> dict[str, Any]:
    """Return what the catalog has of a statement's object before it is begun.

    ``set_up`` makes the settings that the file makes before it.
    """
    with _as_body(session, set_up):
        if piece.kind is Kind.CREATE_INDEX:
            row = _index(session, piece)
            return {"index": None if row is None else row[0], "valid": row[1] if row else None}
        if piece.kind is Kind.REINDEX and piece.name:
            return {"invalid": list(_leftovers(session, piece))}
    return {}


def judge(session: Session, piece: Piece, begun: Begun, set_up: Callable[[], None]) -> Verdict:
    """Say what is to be done with a statement that the journal says was begun, and not done.

    ``piece`` is it as it was begun, which the file may no longer have.
    """
    with _as_body(session, set_up):
        known = {
            Kind.CREATE_INDEX: lambda: _judge_index(session, piece, begun),
            Kind.DROP_INDEX: lambda: Verdict(done=_relation(session, piece.name) is None),
            Kind.DETACH: lambda: _judge_detached(session, piece),
            Kind.REINDEX: lambda: _judge_reindexed(session, piece, begun.before),
            Kind.REPEATABLE: lambda: RUN,
        }.get(piece.kind)
        if known:
            return known()
    if begun.failed and piece.command:
        return RUN  # the server refused it, and such a statement does all or nothing
    what = piece.command or "a statement that ends transactions itself"
    return Verdict(unsure=f"its end was not seen, and {what} cannot be looked up")


def is_as_stated(session: Session, piece: Piece, set_up: Callable[[], None]) -> bool:
    """Whether the index that is there is what a statement makes."""
    with _as_body(session, set_up):
        row = _index(session, piece)
        return row is not None and row[2] and _same_definition(session, piece, row[3])


def invalid_index(session: Session, piece: Piece, set_up: Callable[[], None]) -> str | None:
    """Return the name of the index that a statement made, if it is there and not valid."""
    with _as_body(session, set_up):
        if piece.kind is Kind.CREATE_INDEX:
            row = _index(session, piece)
            return str(row[0]) if row and not row[1] else None
        if piece.kind is Kind.REINDEX and piece.table == "index" and piece.name:
            return _invalid(session, piece.name)
    return None


@contextmanager
def _as_body(session: Session, set_up: Callable[[], None]) -> Iterator[None]:
    """Look as the file's own statements would see it, in a transaction that is rolled back."""
    session.conn.execute("BEGIN")
    try:
        open_path(session)
        set_up()
        yield
    finally:
        roll_back(session)


def _index(session: Session, piece: Piece) -> tuple[Any, ...] | None:
    """Return the name, the validity, the sameness of table and the definition of an index."""
    return session.run("recognise", "index", name=piece.name, table=piece.table).fetchone()


def _judge_index(session: Session, piece: Piece, begun: Begun) -> Verdict:
    row = _index(session, piece)
    if row is None:
        return RUN
    name, valid, same_table, definition = row
    if begun.before.get("index") is not None or begun.failed == _EXISTS:
        return Verdict(unsure=f"{name} was there before pgbraid began it")
    same = same_table and _same_definition(session, piece, definition)
    if not same:
        return Verdict(unsure=f"{name} is not the index that the statement makes")
    if valid:
        return Verdict(done=True)
    return Verdict(healing=(f"DROP INDEX CONCURRENTLY {name}",))


def _same_definition(session: Session, piece: Piece, definition: str) -> bool:
    """Whether an index is what the statement makes, by making it for an empty copy of the table."""
    twin = twin_of(piece, _TWIN, f"pg_temp.{_TWIN}_table")
    if twin is None:
        return False
    try:
        session.conn.execute(f"CREATE TEMP TABLE {_TWIN}_table (LIKE {piece.table})".encode())
        session.conn.execute(twin.encode())
    except psycopg.Error:
        return False
    row = session.run("recognise", "definition", name=f"pg_temp.{_TWIN}").fetchone()
    return row is not None and _kernel(str(row[0])) == _kernel(definition)


def _kernel(definition: str) -> tuple[bool, str]:
    """Return what an index definition says but for names: whether unique, and all from USING."""
    return definition.startswith("CREATE UNIQUE"), definition.partition(" USING ")[2]


def _relation(session: Session, name: str | None) -> object:
    row = session.run("recognise", "relation", name=name).fetchone()
    return row[0] if row else None


def _invalid(session: Session, name: str) -> str | None:
    row = session.run("recognise", "invalid", name=name).fetchone()
    return str(row[0]) if row else None


def _judge_detached(session: Session, piece: Piece) -> Verdict:
    try:
        row = session.run("recognise", "detaching", name=piece.name, table=piece.table).fetchone()
    except errors.UndefinedColumn:  # a server before 14, where no such statement can have begun
        return RUN
    if row is None:
        return Verdict(done=True)
    finish = f"ALTER TABLE {piece.table} DETACH PARTITION {piece.name} FINALIZE"
    return Verdict(done=True, healing=(finish,)) if row[0] else RUN


def _judge_reindexed(session: Session, piece: Piece, before: Mapping[str, Any]) -> Verdict:
    """Take away the copies that an interrupted REINDEX CONCURRENTLY left, if they are ours."""
    if not piece.name:
        return RUN
    known = set(before.get("invalid") or ())
    left = [name for name in _leftovers(session, piece) if name not in known]
    return Verdict(healing=tuple(f"DROP INDEX CONCURRENTLY {name}" for name in left))


def _leftovers(session: Session, piece: Piece) -> Iterator[str]:
    """Yield the invalid copies of an index, or of a table's indexes."""
    rows = session.run("recognise", "leftovers", name=piece.name).fetchall()
    yield from (str(name) for (name,) in rows)
