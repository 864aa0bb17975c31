"""Runs a migration outside a transaction: statement by statement, each of them in the journal.

What can run in a transaction does, together with its line of the journal: exactly once. What
cannot is written down before it begins and after it ended; where nobody saw the end, the catalog
is asked what became of it, and where that does not say it either, a person is. Each statement
begins in a clean session, in which the settings that the file has made so far are made again, so
that a file that was cut goes on as if it had not been.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pgbraid.apply import check_settled, hearer
from pgbraid.core.answers import Diagnostic, Half
from pgbraid.core.events import Healed
from pgbraid.core.model import Limits, Location
from pgbraid.core.pieces import Kind, pieces_of
from pgbraid.core.reader import parse
from pgbraid.core.script import line_at
from pgbraid.core.stream import Part
from pgbraid.db import ledger as db
from pgbraid.db.body import run_body, run_segments
from pgbraid.db.halves import read_halves
from pgbraid.db.lock import fenced, keep_lock
from pgbraid.db.recognise import invalid_index, is_as_stated, judge, look_before
from pgbraid.db.session import clean, notices, translating
from pgbraid.db.transactions import open_path, open_session, roll_back, transaction
from pgbraid.errors import LockLost, MigrationFailed, PgbraidError
from pgbraid.patience import with_retries

if TYPE_CHECKING:
    from pgbraid.apply import Run
    from pgbraid.core.answers import Begun
    from pgbraid.core.model import Migration
    from pgbraid.core.pieces import Piece
    from pgbraid.core.script import Script
    from pgbraid.tally import Work

__all__ = ["apply_piecemeal"]

_EXISTS = "42P07"
_ALONE_ONLY = "25001"
"""PostgreSQL's code for a statement that it finds in a transaction and will not run there."""
_NOT_READY = "55000"
"""PostgreSQL's code for an object that is not in the state it should be in."""


class _Undecided(MigrationFailed):
    """A statement was not run, as a person has to look first."""


@dataclass(frozen=True, slots=True)
class _File:
    """One file on its way."""

    run: Run
    migration: Migration
    script: Script
    name: str
    entry: db.Entry
    pieces: tuple[Piece, ...]

    def line(self, event: str, piece: Piece | None = None, **detail: Any) -> db.Entry:  # noqa: ANN401 - JSON
        """Return a line of the journal, of the whole file or of one statement."""
        if piece is not None:
            detail |= {"statement_number": piece.number, "sha256": piece.digest}
        own = self.migration
        return db.Entry(
            self.run.run_id, event, own.version, own.name, checksum=own.checksum, detail=detail
        )

    def settings_before(self, piece: Piece) -> tuple[Piece, ...]:
        """Return the settings that the file makes before a statement."""
        return tuple(p for p in self.pieces if p.kind is Kind.SETTING and p.number < piece.number)

    def part(self, piece: Piece) -> Part:
        """Return one statement as a text of its own, at its place in the file."""
        return Part(replace(self.script, statements=(piece.statement,)))


def apply_piecemeal(run: Run, work: Work) -> timedelta | None:
    """Run what is left of a migration outside a transaction, and record it as applied.

    Returns the time it took, or None where another run was quicker. Raises MigrationFailed with
    how many statements are through, LockTimeout where the lock was lost and is not to be had,
    ServerError and ConnectionFailed.
    """
    file = _File(
        run, work.step.migration, work.script, work.name, work.entry, pieces_of(work.script)
    )
    return fenced(
        run.session, partial(_apply, file), wait=run.options.lock_wait, tell=run.tell_waiting
    )


def _apply(file: _File) -> timedelta | None:
    session = file.run.session
    begun = perf_counter()
    with translating(session):
        if db.is_applied(session, file.migration.version):
            return None
        half = _half(file)
        for piece in file.pieces:
            if piece.kind is Kind.SETTING or piece.number in dict(half.done):
                continue
            if not keep_lock(session, wait=file.run.options.lock_wait):
                raise LockLost  # another run may have gone on with it: look again
            half = _advance(file, piece, half)
        for piece in file.pieces:
            _check_valid(file, piece, half)
        return _record(file, timedelta(seconds=perf_counter() - begun))


def _half(file: _File) -> Half:
    """Return where the file stands, by the journal; write that it is begun where it is not."""
    version = file.migration.version
    halves = {half.version: half for half in read_halves(file.run.session)}
    if version in halves:
        return halves[version]
    entry = file.line("started", statements=len(file.pieces))
    _write(file, replace(entry, text=file.entry.text))
    return Half(version, file.migration.name, len(file.pieces))


def _write(file: _File, entry: db.Entry) -> None:
    with transaction(file.run.session):
        db.record_entry(file.run.session, entry)


def _record(file: _File, taken: timedelta) -> timedelta:
    run, entry = file.run, replace(file.entry, duration=taken)
    with transaction(run.session):
        db.record_finished(
            run.session, file.migration, shape=run.shape, name=file.name, entry=entry
        )
    return taken


def _advance(file: _File, piece: Piece, half: Half) -> Half:
    """Bring one statement behind us; return where the file stands then."""
    asked = file.run.options.decision
    decided = asked.what if asked and asked.number == piece.number else None
    if decided == "skip":
        _write(file, file.line("skipped", piece))
    else:
        try:
            with_retries(
                file.run, file.migration, partial(_run, file, piece, retry=decided == "retry")
            )
        except MigrationFailed as error:
            raise _failed(file, piece, half, error) from None
    return replace(half, done=(*half.done, (piece.number, piece.digest)))


def _run(file: _File, piece: Piece, *, retry: bool) -> None:
    """Run a statement in a transaction, or alone where none can hold it.

    Of some only the catalog tells that: REINDEX of a partitioned table, DROP SUBSCRIPTION.
    """
    if piece.kind is Kind.INSIDE:
        try:
            _run_inside(file, piece)
        except MigrationFailed as error:
            if error.sqlstate != _ALONE_ONLY or error.half_done:
                raise
        else:
            return
        again = piece.statement.words[:1] in {("REINDEX",), ("CLUSTER",)}
        piece = replace(
            piece, kind=Kind.REPEATABLE if again else Kind.ONCE, command=piece.statement.words[0]
        )
    _run_alone(file, piece, retry=retry)


def _run_inside(file: _File, piece: Piece) -> None:
    """Run a statement and its line of the journal in one transaction."""
    run, session = file.run, file.run.session
    with notices(session, hearer(run, file.migration)), transaction(session) as opened:
        open_path(session, run.limits_of(file.migration))
        _make_settings(file, piece)
        run_body(session, file.migration, (file.part(piece),))
        check_settled(run, file.migration, opened)
        db.record_entry(session, file.line("done", piece))
    clean(session)


def _run_alone(file: _File, piece: Piece, *, retry: bool) -> None:
    """Run a statement that no transaction holds, between its two lines of the journal."""
    session, settings = file.run.session, partial(_make_settings, file, piece)
    half = _half(file)
    begun = _begun_as(half, piece)
    if begun is not None:
        if _is_done(file, piece, begun, retry=retry):
            _write(file, file.line("done", piece))
            return
    elif (before := look_before(session, piece, settings)).get("index") and not retry:
        raise _taken(file, piece, str(before["index"]), valid=bool(before.get("valid")))
    if begun is None or begun.digest != piece.digest:
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
        old = _old(begun, piece)
        same_index = old.kind is Kind.CREATE_INDEX and (old.name, old.table) == (
            piece.name,
            piece.table,
        )
        if begun.digest == piece.digest or (piece.kind is Kind.CREATE_INDEX and same_index):
            return begun
    return None


def _old(begun: Begun, piece: Piece) -> Piece:
    """Return a statement as it was begun."""
    if begun.digest == piece.digest or not begun.text:
        return piece
    return pieces_of(parse(begun.text))[0]


def _is_done(file: _File, piece: Piece, begun: Begun, *, retry: bool) -> bool:
    """Take away what an earlier run of a statement left; return whether it is done already."""
    session, settings = file.run.session, partial(_make_settings, file, piece)
    verdict = judge(session, _old(begun, piece), begun, settings)
    if verdict.unsure and not retry:
        raise _undecided(file, piece, verdict.unsure)
    for statement in verdict.healing:
        _heal(file, piece, statement)
    if verdict.done and begun.digest != piece.digest and not is_as_stated(session, piece, settings):
        if retry:
            return False
        raise _undecided(file, piece, "the index is there, valid, as it was before the edit")
    return verdict.done


def _make_settings(file: _File, piece: Piece) -> None:
    """Make the settings that the file makes before a statement."""
    for setting in file.settings_before(piece):
        run_segments(file.run.session, file.migration, (file.part(setting),))


def _prepare(file: _File, piece: Piece) -> None:
    """Make the session, out of a transaction, what the statement is to find.

    What builds concurrently blocks nobody while it waits, and leaves something half done where it
    is cut: it waits as long as it takes.
    """
    session, asked = file.run.session, file.migration.directives
    limits = Limits(asked.lock_timeout or 0.0, asked.statement_timeout or 0.0)
    open_session(session, limits)
    _make_settings(file, piece)
    if piece.command and "CONCURRENTLY" in piece.command:
        open_session(session, replace(limits, lock_timeout=0.0), path=False)


def _heal(file: _File, piece: Piece, statement: str) -> None:
    """Take away what an earlier run of a statement left, which is known to be ours."""
    _prepare(file, piece)
    session = file.run.session
    file.run.options.listen(Healed(file.migration, statement))
    db.run_alone(session, statement)
    clean(session)
    _write(file, file.line("healed", piece, statement=statement))


def _check_valid(file: _File, piece: Piece, half: Half) -> None:
    """Refuse to go on over an invalid index."""
    name = invalid_index(file.run.session, piece, partial(_make_settings, file, piece))
    if name is None:
        return
    said = _said(
        file,
        piece,
        f"the index {name} is not valid",
        detail="It is there, but the server does not use it.",
        hint=_again(file),
    )
    failed = MigrationFailed(file.migration, said, half_done=True)
    failed.through = (len(half.done), len(file.pieces))
    raise failed


def _failed(file: _File, piece: Piece, half: Half, error: MigrationFailed) -> MigrationFailed:
    """Return an error with how far the file is and what was left; write it into the journal."""
    session, said = file.run.session, error.diagnostic
    left = None
    with suppress(PgbraidError), translating(session):
        roll_back(session)
        clean(session)
        left = invalid_index(session, piece, partial(_make_settings, file, piece))
        if not isinstance(error, _Undecided):
            detail = {"sqlstate": said.sqlstate, "message": said.message}
            _write(file, file.line("failed", piece, **detail))
    total = len(file.pieces)
    invalid = f"It left the index {left} invalid." if left else ""
    lines = (said.detail, "" if isinstance(error, _Undecided) else invalid)
    detail_text = "\n".join(line for line in lines if line)
    said = replace(said, detail=detail_text, hint=said.hint or _again(file))
    failed = MigrationFailed(file.migration, said, half_done=True)
    failed.through = (len(half.done), total)
    return failed


def _again(file: _File) -> str:
    return (
        "Mend what is wrong; then `pgbraid up`, or `pgbraid resume "
        f"{file.migration.version}` for this one alone, goes on with this statement."
    )


def _undecided(file: _File, piece: Piece, reason: str) -> _Undecided:
    version = file.migration.version
    said = _said(
        file,
        piece,
        f"whether this statement was done is not known: {reason}",
        hint=f"Look. If it was done, `pgbraid resume {version} --skip` goes on behind it; if not, "
        f"`pgbraid resume {version} --retry` runs it again.",
    )
    return _Undecided(file.migration, said)


def _taken(file: _File, piece: Piece, name: str, *, valid: bool) -> _Undecided:
    version = file.migration.version
    said = _said(
        file,
        piece,
        f"the index {name} is there already{'' if valid else ', and not valid'}",
        detail="pgbraid did not begin it, so it is left as it is.",
        hint=f"If it is this one, `pgbraid resume {version} --skip`; else drop or rename it, then "
        f"`pgbraid resume {version}`.",
    )
    return _Undecided(file.migration, replace(said, sqlstate=_EXISTS))


def _said(
    file: _File, piece: Piece, message: str, *, hint: str, detail: str | None = None
) -> Diagnostic:
    start = piece.statement.start
    excerpt, _ = line_at(file.script.text, start)
    location = Location(file.migration.path, *file.script.place(start))
    return Diagnostic(
        "ERROR",
        message,
        sqlstate=_NOT_READY,
        detail=detail,
        hint=hint,
        location=location,
        excerpt=excerpt,
    )
