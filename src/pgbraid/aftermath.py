"""What becomes of statements that were begun outside a transaction and not seen to end.

What they left is taken away where it is known to be ours; what is done counts as done; and where
the catalog does not tell, a person is asked. That holds for a statement that the file still has,
and for one that it has no longer, as it was edited since.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.core.events import Healed, Noticed
from pgbraid.core.masking import mask, secrets_in
from pgbraid.core.model import Limits
from pgbraid.core.pieces import Kind, pieces_of
from pgbraid.core.reader import parse
from pgbraid.db import ledger as db
from pgbraid.db.recognise import invalid_among, judge
from pgbraid.db.session import clean
from pgbraid.db.transactions import open_session
from pgbraid.errors import MigrationFailed
from pgbraid.halfway import Undecided, said_of, taken, tried, undecided
from pgbraid.patience import with_retries

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.core.answers import Begun, Half
    from pgbraid.core.pieces import Piece
    from pgbraid.db.recognise import Verdict
    from pgbraid.halfway import File

__all__ = ["find_begun", "heal", "prepare", "settle_one", "settle_own", "settle_there"]

_NO_LOCK, _EXISTS = "55P03", "42P07"
_PATIENT = frozenset({Kind.CREATE_INDEX, Kind.DROP_INDEX, Kind.REINDEX})


def find_begun(half: Half, piece: Piece) -> Begun | None:
    """Return how a statement of the file was begun, or None."""
    return next((begun for begun in half.begun if begun.digest == piece.digest), None)


def settle_own(file: File, piece: Piece, begun: Begun, *, retry: bool = False) -> Verdict:
    """Take away what an earlier run of a statement left; return what is known of it.

    Raises MigrationFailed where somebody else is at work there, Undecided where only a person
    can say what became of it, unless it is to be run again whatever did: to ``retry``.
    """
    then = replace(piece, kind=Kind(begun.kind), command=begun.command)
    verdict = _judged(file, then, begun)
    if verdict.unsure and not retry:
        raise undecided(file, piece, verdict.unsure)
    for statement in verdict.healing:
        heal(file, then, statement, partial(file.make_settings_of, begun))
    return verdict


def settle_there(file: File, piece: Piece, begun: Begun) -> Verdict:
    """Settle what has the name of an index, IF NOT EXISTS, that is not begun yet.

    An index that is valid and is the one that the statement makes is passed over, one that is not
    valid is dropped. Raises MigrationFailed where somebody is at work there, Undecided where it is
    another index or no index.
    """
    verdict = _judged(file, piece, replace(begun, before={}))
    if verdict.unsure:
        raise taken(file, piece, begun.before)
    for statement in verdict.healing:
        heal(file, piece, statement, partial(file.make_settings_of, begun))
    if verdict.done:
        said = said_of(
            file,
            piece,
            f"the index {begun.before['index']} is there already, valid and as this statement "
            "makes it: it is passed over",
        )
        said = replace(said, severity="NOTICE", sqlstate=_EXISTS)
        file.run.options.listen(Noticed(file.migration, said))
    return verdict


def settle_one(file: File, half: Half) -> bool:
    """Settle one statement that was begun, and that the file has no longer.

    Returns whether there was one. Raises what :func:`settle_own` raises; that it was done is
    for a person to look at, as the file no longer says so.
    """
    own = {piece.digest for piece in file.pieces}
    begun = next((begun for begun in half.begun if begun.digest not in own), None)
    if begun is None:
        return False
    settle = partial(tried, file, partial(_settle, file, begun))
    with_retries(file.run, file.migration, settle)
    return True


def _settle(file: File, begun: Begun) -> None:
    """Settle it; that a person lets go of it answers what only a person can say."""
    piece = _as_begun(begun)
    asked = file.run.options.decision
    let_go = asked is not None and (asked.what, asked.digest) == ("skip", begun.digest)
    verdict = _judged(file, piece, begun)
    left = invalid_among(file.run.session, (verdict.index,)) if verdict.index else ()
    if left or ((verdict.unsure or verdict.done) and not let_go):
        raise _orphaned(file, piece, _reason(verdict, left))
    for statement in () if verdict.done else verdict.healing:
        heal(file, piece, statement, partial(file.make_settings_of, begun))
    file.write(file.line("settled", piece))


def _reason(verdict: Verdict, left: tuple[str, ...]) -> str:
    """Say why a person has to look at a statement that the file has no longer."""
    if left:
        return f"it has left {left[0]} not valid, or somebody has"
    if verdict.unsure:
        return f"whether it was done is not known: {verdict.unsure}"
    return "it was done, or is done but for its end"


def _orphaned(file: File, piece: Piece, reason: str) -> Undecided:
    version = file.migration.version
    said = said_of(
        file,
        piece,
        f"statement {piece.number} was begun with another text, and {reason}",
        detail=f"It was: {' '.join(mask(piece.text, secrets_in(piece.text)).split())}",
        hint="Give it its old text and settings back. Or put right what it did; then `pgbraid "
        f"resume {version} --skip {piece.number}` lets go of it, and goes on with the file as it "
        "is now.",
    )
    return Undecided(file.migration, said)


def _as_begun(begun: Begun) -> Piece:
    """Return a statement as it was begun, at its place then."""
    piece = pieces_of(parse(begun.text))[0]
    kind = Kind(begun.kind)
    return replace(
        piece,
        number=begun.number,
        digest=begun.digest,
        kind=kind,
        command=begun.command,
        if_not_exists=False,  # the file no longer accepts an index that was there before
    )


def _judged(file: File, piece: Piece, begun: Begun) -> Verdict:
    """Judge a statement, once nobody else is at work on what it is about."""
    verdict = judge(file.run.session, piece, begun, partial(file.make_settings_of, begun))
    if verdict.busy:
        said = said_of(
            file, piece, f"somebody builds the index {verdict.busy}, or vacuums its table"
        )
        raise MigrationFailed(file.migration, replace(said, sqlstate=_NO_LOCK))
    return verdict


def prepare(
    file: File, piece: Piece, set_up: Callable[[], None], *, partitioned: bool = False
) -> None:
    """Make the session, out of a transaction, what the statement is to find.

    What builds concurrently blocks nobody while it waits, and leaves something half done where it
    is cut: it waits as long as it takes. Not so REINDEX of something partitioned, which locks the
    partitions against writing for a moment, and everybody behind it in line.
    """
    session, limits = file.run.session, file.run.limits_of(file.migration)
    concurrent = piece.kind in _PATIENT and "CONCURRENTLY" in (piece.command or "")
    patient = concurrent and not partitioned
    if patient:
        limits = Limits(0.0, file.migration.directives.statement_timeout or 0.0)
    open_session(session, limits)
    set_up()
    if patient:
        open_session(session, limits, path=False)


def heal(file: File, piece: Piece, statement: str, set_up: Callable[[], None]) -> None:
    """Take away what an earlier run of a statement left, which is known to be ours."""
    prepare(file, piece, set_up)
    session = file.run.session
    file.run.options.listen(Healed(file.migration, statement))
    db.run_alone(session, statement)
    clean(session)
    file.write(file.line("healed", piece, statement=statement))
