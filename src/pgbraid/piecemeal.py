"""Runs a migration outside a transaction: statement by statement, each of them in the journal.

What can run in a transaction does, together with its line of the journal: exactly once. What
cannot is written down before it begins and after it ended; where nobody saw the end, the catalog
is asked what became of it, and where that does not say it either, a person is. Each statement
begins in a clean session, in which the settings that the file has made so far are made again, so
that a file that was cut goes on as if it had not been.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from pgbraid.apply import check_settled, hearer
from pgbraid.core.answers import Half
from pgbraid.core.events import Healed
from pgbraid.core.model import Limits
from pgbraid.core.pieces import Kind, pieces_of
from pgbraid.core.reader import parse
from pgbraid.db import ledger as db
from pgbraid.db.body import run_body, run_segments
from pgbraid.db.halves import read_halves
from pgbraid.db.lock import fenced, keep_lock
from pgbraid.db.recognise import invalid_index, is_as_stated, judge, look_before, try_settings
from pgbraid.db.session import clean, notices, translating
from pgbraid.db.transactions import open_path, open_session, roll_back, transaction
from pgbraid.errors import MigrationFailed, PgbraidError
from pgbraid.halfway import File, Undecided, go_on, said_of, taken, undecided
from pgbraid.patience import with_retries

if TYPE_CHECKING:
    from pgbraid.apply import Run
    from pgbraid.core.answers import Begun
    from pgbraid.core.pieces import Piece
    from pgbraid.db.recognise import Verdict
    from pgbraid.tally import Work

__all__ = ["apply_piecemeal"]

_NO_LOCK = "55P03"


_PATIENT = frozenset({Kind.CREATE_INDEX, Kind.DROP_INDEX, Kind.REINDEX})


def apply_piecemeal(run: Run, work: Work) -> timedelta | None:
    """Run what is left of a migration outside a transaction, and record it as applied.

    Returns the time it took, or None where another run was quicker. Raises MigrationFailed with
    how many statements are through, LockTimeout where the lock was lost and is not to be had,
    ServerError and ConnectionFailed.
    """
    file = File(
        run, work.step.migration, work.script, work.name, work.entry, pieces_of(work.script)
    )
    return fenced(
        run.session, partial(_apply, file), wait=run.options.lock_wait, tell=run.tell_waiting
    )


def _apply(file: File) -> timedelta | None:
    session = file.run.session
    begun = perf_counter()
    with translating(session):
        if db.is_applied(session, file.migration.version):
            return None
        half = _half(file)
        while (piece := _next(file, half)) is not None:
            if not keep_lock(session, wait=file.run.options.lock_wait):
                if db.is_applied(session, file.migration.version):
                    return None
                half = _half(file)  # another run may have gone on with it
                piece = _next(file, half)
            if piece is not None:
                half = _advance(file, piece, half)
        _finish(file, half)
        return _record(file, timedelta(seconds=perf_counter() - begun))


def _next(file: File, half: Half) -> Piece | None:
    """Return the first statement that is not through; settings are made on the way."""
    done = dict(half.done)
    left = (p for p in file.pieces if p.kind is not Kind.SETTING and p.number not in done)
    return next(left, None)


def _finish(file: File, half: Half) -> None:
    """Refuse to count a file as applied over what is not valid, and heal what it no longer has."""
    now = {piece.digest for piece in file.pieces}
    for piece in file.pieces:
        _check_valid(file, piece, half)
    if file.pieces:
        last = file.pieces[-1]
        settings = partial(_make_settings, file, replace(last, number=last.number + 1))
        try_settings(file.run.session, settings)
    for begun in half.begun:
        old = _old(begun, None)
        if old is not None and begun.digest not in now:
            verdict = _settled(file, old, begun)
            for statement in verdict.healing if old.kind is Kind.CREATE_INDEX else ():
                _heal(file, old, statement)


def _half(file: File) -> Half:
    """Return where the file stands, by the journal; write that it is begun where it is not."""
    version = file.migration.version
    halves = {half.version: half for half in read_halves(file.run.session)}
    if version in halves:
        return halves[version]
    entry = file.line("started", statements=len(file.pieces))
    _write(file, replace(entry, text=file.entry.text))
    return Half(version, file.migration.name, len(file.pieces))


def _write(file: File, entry: db.Entry) -> None:
    """Write a line of the journal, which somebody may have locked for a while."""

    def write() -> None:
        with transaction(file.run.session):
            db.record_entry(file.run.session, entry)

    with_retries(file.run, file.migration, write)


def _record(file: File, taken: timedelta) -> timedelta:
    run, entry = file.run, replace(file.entry, duration=taken)

    def record() -> None:
        with transaction(run.session):
            db.record_finished(
                run.session, file.migration, shape=run.shape, name=file.name, entry=entry
            )

    with_retries(run, file.migration, record)
    return taken


def _advance(file: File, piece: Piece, half: Half) -> Half:
    """Bring one statement behind us; return where the file stands then."""
    asked = file.run.options.decision
    decided = asked.what if asked and asked.number == piece.number else None
    if decided == "skip":
        _skip(file, piece, half)
    else:
        attempt = partial(_run, file, piece, retry=decided == "retry")
        try:
            if piece.kind is Kind.ONCE:
                attempt()
            else:
                with_retries(file.run, file.migration, attempt)
        except MigrationFailed as error:
            raise _failed(file, piece, half, error) from None
    return _half(file)


def _skip(file: File, piece: Piece, half: Half) -> None:
    """Take a statement for done, but for an index that is not valid."""
    _check_valid(file, piece, half)
    begun = _begun_as(half, piece)
    if begun is not None and piece.kind is Kind.REINDEX:
        for statement in _settled(file, piece, begun).healing:
            _heal(file, piece, statement)
    _write(file, file.line("skipped", piece))


def _run(file: File, piece: Piece, *, retry: bool) -> None:
    """Run a statement in a transaction, or alone where none can hold it.

    Of some only the catalog tells that: REINDEX of a partitioned table, DROP SUBSCRIPTION.
    """
    if piece.kind is Kind.INSIDE:
        try:
            with translating(file.run.session):
                _run_inside(file, piece)
        except MigrationFailed as error:
            if not error.alone or error.half_done:
                raise
        else:
            return
        again = piece.statement.words[:1] in {("REINDEX",), ("CLUSTER",)}
        piece = replace(
            piece, kind=Kind.REPEATABLE if again else Kind.ONCE, command=piece.statement.words[0]
        )
    try:
        with translating(file.run.session):
            _run_alone(file, piece, retry=retry)
    except MigrationFailed:
        with translating(file.run.session):
            roll_back(file.run.session)
            clean(file.run.session)
        raise


def _run_inside(file: File, piece: Piece) -> None:
    """Run a statement and its line of the journal in one transaction."""
    run, session = file.run, file.run.session
    with notices(session, hearer(run, file.migration)), transaction(session) as opened:
        open_path(session, run.limits_of(file.migration))
        _make_settings(file, piece)
        run_body(session, file.migration, (file.part(piece),))
        check_settled(run, file.migration, opened)
        db.record_entry(session, file.line("done", piece))
    clean(session)


def _run_alone(file: File, piece: Piece, *, retry: bool) -> None:
    """Run a statement that no transaction holds, between its two lines of the journal."""
    session, settings = file.run.session, partial(_make_settings, file, piece)
    half = _half(file)
    begun = _begun_as(half, piece)
    if begun is not None:
        if _is_done(file, piece, begun, retry=retry):
            _write(file, file.line("done", piece))
            return
    elif (before := look_before(session, piece, settings)).get("index") and not retry:
        raise taken(file, piece, str(before["index"]), valid=bool(before.get("valid")))
    before = look_before(session, piece, settings)
    _write(file, file.line("begun", piece, before=before, text=piece.text))
    _prepare(file, piece)
    with notices(session, hearer(file.run, file.migration)):
        run_segments(session, file.migration, (file.part(piece),))
    clean(session)
    _check_valid(file, piece, half)
    _write(file, file.line("done", piece))


def _begun_as(half: Half, piece: Piece) -> Begun | None:
    """Return how a statement was begun, or an index of its name before the file was edited."""
    for begun in reversed(half.begun):
        old = _old(begun, piece) or piece
        names = (old.name, old.table) == (piece.name, piece.table)
        same_index = old.kind is Kind.CREATE_INDEX and names
        if begun.digest == piece.digest or (piece.kind is Kind.CREATE_INDEX and same_index):
            return begun
    return None


def _old(begun: Begun, piece: Piece | None) -> Piece | None:
    """Return a statement as it was begun, at its place in the file as it is now."""
    if piece is not None and (begun.digest == piece.digest or not begun.text):
        return piece
    old = next(iter(pieces_of(parse(begun.text))), None)
    number = piece.number if piece else len(begun.text)
    return replace(old, number=number) if old else None


def _settled(file: File, piece: Piece, begun: Begun) -> Verdict:
    """Judge a statement, once nobody else is at work on what it is about."""
    session, settings = file.run.session, partial(_make_settings, file, piece)
    verdict = judge(session, piece, begun, settings)
    if verdict.busy:
        said = said_of(
            file, piece, f"somebody builds the index {verdict.busy}, or vacuums its table"
        )
        raise MigrationFailed(file.migration, replace(said, sqlstate=_NO_LOCK))
    return verdict


def _is_done(file: File, piece: Piece, begun: Begun, *, retry: bool) -> bool:
    """Take away what an earlier run of a statement left; return whether it is done already."""
    session, settings = file.run.session, partial(_make_settings, file, piece)
    verdict = _settled(file, _old(begun, piece) or piece, begun)
    if verdict.unsure and not retry:
        raise undecided(file, piece, verdict.unsure)
    for statement in verdict.healing:
        _heal(file, piece, statement)
    if verdict.done and begun.digest != piece.digest and not is_as_stated(session, piece, settings):
        if retry:
            return False
        raise undecided(file, piece, "the index is there, valid, as it was before the edit")
    return verdict.done


def _make_settings(file: File, piece: Piece) -> None:
    """Make the settings that the file makes before a statement."""
    for setting in file.settings_before(piece):
        run_segments(file.run.session, file.migration, (file.part(setting),))


def _prepare(file: File, piece: Piece) -> None:
    """Make the session, out of a transaction, what the statement is to find.

    What builds concurrently blocks nobody while it waits, and leaves something half done where it
    is cut: it waits as long as it takes.
    """
    session, limits = file.run.session, file.run.limits_of(file.migration)
    patient = piece.kind in _PATIENT and "CONCURRENTLY" in (piece.command or "")
    if patient:
        limits = Limits(0.0, file.migration.directives.statement_timeout or 0.0)
    open_session(session, limits)
    _make_settings(file, piece)
    if patient:
        open_session(session, limits, path=False)


def _heal(file: File, piece: Piece, statement: str) -> None:
    """Take away what an earlier run of a statement left, which is known to be ours."""
    _prepare(file, piece)
    session = file.run.session
    file.run.options.listen(Healed(file.migration, statement))
    db.run_alone(session, statement)
    clean(session)
    _write(file, file.line("healed", piece, statement=statement))


def _check_valid(file: File, piece: Piece, half: Half) -> None:
    """Refuse to go on over an invalid index."""
    if piece.kind not in {Kind.CREATE_INDEX, Kind.REINDEX}:
        return
    name = invalid_index(file.run.session, piece, partial(_make_settings, file, piece))
    if name is None:
        return
    said = said_of(
        file,
        piece,
        f"the index {name} is not valid",
        detail="It is there, but the server does not use it.",
        hint=go_on(file),
    )
    failed = MigrationFailed(file.migration, said, half_done=True)
    failed.through = (len(half.done), len(file.pieces))
    raise failed


def _failed(file: File, piece: Piece, half: Half, error: MigrationFailed) -> MigrationFailed:
    """Return an error with how far the file is and what was left; write it into the journal."""
    session, said = file.run.session, error.diagnostic
    left = None
    with suppress(PgbraidError), translating(session):
        roll_back(session)
        clean(session)
        left = invalid_index(session, piece, partial(_make_settings, file, piece))
        if not isinstance(error, Undecided):
            detail = {"sqlstate": said.sqlstate, "message": said.message}
            _write(file, file.line("failed", piece, **detail))
    total = len(file.pieces)
    invalid = f"It left the index {left} invalid." if left else ""
    lines = (said.detail, "" if isinstance(error, Undecided) else invalid)
    detail_text = "\n".join(line for line in lines if line)
    said = replace(said, detail=detail_text, hint=said.hint or go_on(file))
    failed = MigrationFailed(file.migration, said, half_done=True)
    failed.through = (len(half.done), total)
    return failed
