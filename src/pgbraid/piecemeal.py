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
from typing import TYPE_CHECKING, Any

from pgbraid.aftermath import find_begun, prepare, settle_one, settle_own, settle_there
from pgbraid.apply import check_settled, hearer, where_unwritten
from pgbraid.core.answers import Begun, Through
from pgbraid.core.events import Skipped
from pgbraid.core.pieces import Kind, pieces_of
from pgbraid.db import ledger as db
from pgbraid.db.body import run_body, run_segments
from pgbraid.db.consistency import mark_unfinished
from pgbraid.db.lock import fenced, keep_lock
from pgbraid.db.recognise import invalid_among, look_before, made_index, try_settings
from pgbraid.db.session import clean, notices, translating
from pgbraid.db.transactions import open_path, roll_back, transaction
from pgbraid.errors import MigrationFailed, PgbraidError
from pgbraid.halfway import File, Undecided, facts_of, go_on, said_of, taken, tried
from pgbraid.patience import with_retries

if TYPE_CHECKING:
    from pgbraid.apply import Run
    from pgbraid.core.answers import Half
    from pgbraid.core.pieces import Piece
    from pgbraid.tally import Work

__all__ = ["apply_piecemeal"]

_EXISTS = "42P07"


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
    begun = perf_counter()
    with translating(file.run.session):
        half = file.begin()
        if half is None:
            return None
        try:
            _check_decision(file, half)
            return _go_on(file, half, begun)
        except MigrationFailed as error:
            raise _half_done(file, error) from None


def _go_on(file: File, half: Half, begun: float) -> timedelta | None:
    """Bring all that is left behind us, each thing by where the journal says the file stands."""
    known, ran = half, None
    while True:
        keep_lock(file.run.session, wait=file.run.options.lock_wait)
        now = file.keep(known)
        if now is None:
            return None
        known = now
        if ran and ran.number not in known.numbers:
            raise file.not_kept(ran)
        if settle_one(file, known):
            continue
        piece = _next(file, known)
        if piece is None:
            break
        _advance(file, piece, known)
        ran = piece
    _finish(file, known)
    return _record(file, timedelta(seconds=perf_counter() - begun))


def _next(file: File, half: Half) -> Piece | None:
    """Return the first statement that is not through; settings are made on the way."""
    left = (p for p in file.pieces if p.kind is not Kind.SETTING and p.number not in half.numbers)
    return next(left, None)


def _check_decision(file: File, half: Half) -> None:
    """Refuse what was decided about a file that has moved on since it was looked at."""
    asked = file.run.options.decision
    if asked is None or asked.lines == half.lines:
        return
    said = file.said(
        f"another run has gone on with {file.migration.label} since it was looked at",
        None,
        f"Run `pgbraid resume {file.migration.version}` to see where it stands now.",
    )
    raise Undecided(file.migration, said)


def _finish(file: File, half: Half) -> None:
    """Refuse to count a file as applied over what is not valid, or over settings that fail."""
    for through in half.done:
        invalid = invalid_among(file.run.session, (through.index,)) if through.index else ()
        piece = file.place_of(through)
        if invalid and piece:
            raise _not_valid(file, piece, invalid[0])
    if file.pieces:
        last = file.pieces[-1]
        try_settings(file.run.session, partial(_make_all_settings, file, last))


def _make_all_settings(file: File, last: Piece) -> None:
    """Make the settings that a file ends with, so that one that fails is not passed over."""
    file.make_settings(last)
    if last.kind is Kind.SETTING:
        run_segments(file.run.session, file.migration, (file.part(last),))


def _record(file: File, taken: timedelta) -> timedelta:
    run, entry = file.run, replace(file.entry, duration=taken)

    def record() -> None:
        with transaction(run.session):
            db.record_finished(
                run.session, file.migration, shape=run.shape, name=file.name, entry=entry
            )
            mark_unfinished(run.session, file.migration.version, unfinished=False)

    with_retries(run, file.migration, record)
    return taken


def _advance(file: File, piece: Piece, half: Half) -> None:
    """Bring one statement behind us."""
    asked = file.run.options.decision
    decided = asked.what if asked and asked.digest == piece.digest else None
    if decided == "skip":
        skip = partial(tried, file, partial(_skip, file, piece, half))
        with_retries(file.run, file.migration, skip)
        return
    attempt = partial(_run, file, piece, half, retry=decided == "retry")
    try:
        if piece.kind is Kind.ONCE:
            attempt()
        else:
            with_retries(file.run, file.migration, attempt)
    except MigrationFailed as error:
        raise _failed(file, piece, half, error) from None


def _skip(file: File, piece: Piece, half: Half) -> None:
    """Take a statement for done, but for an index that is not valid."""
    made = _check_made(file, piece)
    begun = find_begun(half, piece)
    if begun is not None and piece.kind is Kind.REINDEX:
        settle_own(file, piece, begun)
    file.write(file.line("skipped", piece, index=made))
    file.run.options.listen(Skipped(file.migration, piece.number, piece.text))


def _run(file: File, piece: Piece, half: Half, *, retry: bool) -> None:
    """Run a statement in a transaction, or alone where none can hold it.

    Of some only the catalog tells that: REINDEX of a partitioned table, DROP SUBSCRIPTION.
    """
    if piece.kind is Kind.INSIDE:
        begun = find_begun(half, piece)
        try:
            if begun is None:
                _run_inside(file, piece, half)
                return
        except MigrationFailed as error:
            if not error.alone or error.half_done:
                raise
        piece = _as_alone(piece)
    tried(file, partial(_run_alone, file, piece, half, retry=retry))


def _as_alone(piece: Piece) -> Piece:
    """Return a statement that turned out to be none for a transaction as what it is."""
    command, again = piece.statement.words[0], {("REINDEX",), ("CLUSTER",)}
    kind = Kind.REPEATABLE if piece.statement.words[:1] in again else Kind.ONCE
    return replace(piece, kind=kind, command=command)


def _run_inside(file: File, piece: Piece, half: Half) -> None:
    """Run a statement and its line of the journal in one transaction."""
    session = file.run.session
    with translating(session):
        attempt = partial(_run_within, file, piece, half)
        where_unwritten(session, piece.text, attempt)


def _run_within(file: File, piece: Piece, half: Half, *, without_id: bool) -> None:
    """Run a statement in a transaction; behind the fence look whether another run was quicker."""
    run, session = file.run, file.run.session
    with (
        notices(session, hearer(run, file.migration)),
        transaction(session, without_id=without_id) as opened,
    ):
        now = file.stand(half)
        if now is None or piece.number in now.numbers:
            return
        open_path(session, run.limits_of(file.migration))
        file.make_settings(piece)
        run_body(session, file.migration, (file.part(piece),))
        check_settled(run, file.migration, opened)
        file.stand(now)  # what it has taken out of the journal is rolled back with it
        db.record_entry(session, file.line("done", piece))
    clean(session)


def _run_alone(file: File, piece: Piece, half: Half, *, retry: bool) -> None:
    """Run a statement that no transaction holds, between its two lines of the journal."""
    session, settings = file.run.session, partial(file.make_settings, piece)
    now = file.stand(half)
    if now is None or piece.number in now.numbers:
        return
    begun = find_begun(now, piece)
    if begun is not None:
        verdict = settle_own(file, piece, begun, retry=retry)
        if verdict.done:
            file.write(file.line("done", piece, index=verdict.index))
            return
    own = _as_begun(piece, look_before(session, piece, settings))
    if begun is None and own.before.get("index") and not retry:
        if not piece.if_not_exists:
            raise taken(file, piece, own.before)
        verdict = settle_there(file, piece, own)
        if verdict.done:
            file.write(file.line("done", piece, index=verdict.index, passed_over=True))
            return
        own = _as_begun(piece, look_before(session, piece, settings))
    others = tuple(b for b in now.begun if b.digest != piece.digest)
    file.write(file.line("begun", own, **facts_of(own)))
    try:
        prepare(file, piece, settings, partitioned=bool(own.before.get("partitioned")))
        with notices(session, hearer(file.run, file.migration)):
            run_segments(session, file.migration, (file.part(piece),))
    except MigrationFailed as error:
        roll_back(session)
        clean(session)
        file.keep(replace(now, begun=(*others, own)))
        if not piece.if_not_exists or error.sqlstate != _EXISTS:
            raise
        # Somebody has made it since it was looked for. So what is there is not ours.
        said = error.diagnostic
        file.write(file.line("failed", piece, sqlstate=said.sqlstate, message=said.message))
        _run_alone(file, piece, half, retry=False)
        return
    clean(session)
    through = Through(piece.number, piece.digest, _check_made(file, piece))
    file.keep(now, then=replace(now, done=(*now.done, through), begun=others))
    file.write(file.line("done", through, index=through.index))


def _as_begun(piece: Piece, before: dict[str, Any]) -> Begun:
    """Return a statement as it is written down before it runs."""
    texts = tuple(setting.text for setting in piece.settings)
    return Begun(piece.number, piece.digest, piece.text, texts, piece.kind, piece.command, before)


def _check_made(file: File, piece: Piece) -> int | None:
    """Return the oid of the index that a statement has made; refuse one that is not valid."""
    made = made_index(file.run.session, piece, partial(file.make_settings, piece))
    if made is None:
        return None
    oid, invalid = made
    if invalid:
        raise _not_valid(file, piece, invalid)
    return oid


def _not_valid(file: File, piece: Piece, name: str) -> MigrationFailed:
    said = said_of(
        file,
        piece,
        f"the index {name} is not valid",
        detail="It is there, but the server does not use it.",
        hint=go_on(file),
    )
    return MigrationFailed(file.migration, said, half_done=True)


def _failed(file: File, piece: Piece, half: Half, error: MigrationFailed) -> MigrationFailed:
    """Return an error with what the statement left; write it into the journal."""
    session, said = file.run.session, error.diagnostic
    left: tuple[int, str | None] | None = None
    if isinstance(error, Undecided):
        return error
    with suppress(PgbraidError), translating(session):
        roll_back(session)
        clean(session)
        now = file.stand(half)
        begun = find_begun(now, piece) if now else None
        left = _left_by(file, piece, begun, said.sqlstate)
        detail = {"sqlstate": said.sqlstate, "message": said.message}
        own = {"left": left[0]} if left else {}
        file.write(file.line("failed", piece, **detail, **own))
    invalid = f"It left the index {left[1]} invalid." if left else ""
    lines = (said.detail, invalid)
    error.explain("\n".join(line for line in lines if line), said.hint or go_on(file))
    return error


def _left_by(
    file: File, piece: Piece, begun: Begun | None, sqlstate: str | None
) -> tuple[int, str] | None:
    """Return the invalid index that a statement left right now: its oid and its name."""
    if begun is None or begun.before.get("index") is not None or sqlstate == _EXISTS:
        return None
    made = made_index(file.run.session, piece, partial(file.make_settings, piece))
    return (made[0], made[1]) if made and made[1] else None


def _half_done(file: File, error: MigrationFailed) -> MigrationFailed:
    """Return an error with how far the file is."""
    session = file.run.session
    error.half_done = True
    error.through = (0, len(file.pieces))
    if not error.hint or error.hint == MigrationFailed.default_hint:
        error.explain(error.detail, go_on(file))
    with suppress(PgbraidError), translating(session):
        roll_back(session)
        clean(session)
        half = file.read()
        error.through = (len(half.done) if half else 0, len(file.pieces))
    return error
