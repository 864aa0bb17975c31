"""A file that runs in pieces, where the journal says it stands, and what is said where it stops."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pgbraid.core.answers import Diagnostic, Half
from pgbraid.core.masking import mask, secrets_in
from pgbraid.core.model import Location
from pgbraid.core.pieces import Kind, if_not_exists_of
from pgbraid.core.reader import parse
from pgbraid.core.script import line_at
from pgbraid.core.stream import Part
from pgbraid.db import ledger as db
from pgbraid.db.body import run_segments
from pgbraid.db.consistency import mark_unfinished
from pgbraid.db.halves import read_halves
from pgbraid.db.session import clean, translating
from pgbraid.db.transactions import roll_back, transaction
from pgbraid.errors import MigrationFailed, ServerError
from pgbraid.patience import with_retries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pgbraid.apply import Run
    from pgbraid.core.answers import Begun, Through
    from pgbraid.core.model import Migration
    from pgbraid.core.pieces import Piece
    from pgbraid.core.script import Script

__all__ = [
    "File",
    "Lost",
    "Undecided",
    "facts_of",
    "go_on",
    "said_of",
    "taken",
    "tried",
    "undecided",
]

_EXISTS = "42P07"
_NOT_READY = "55000"
"""PostgreSQL's code for an object that is not in the state it should be in."""


class Undecided(MigrationFailed):
    """A statement was not run, as a person has to look first."""


class Lost(MigrationFailed):
    """The journal no longer has what was known to be through."""


@dataclass(frozen=True, slots=True)
class File:
    """One file on its way."""

    run: Run
    migration: Migration
    script: Script
    name: str
    entry: db.Entry
    pieces: tuple[Piece, ...]

    def line(
        self,
        event: str,
        of: Piece | Begun | Through | None = None,
        **detail: Any,  # noqa: ANN401 - JSON
    ) -> db.Entry:
        """Return a line of the journal, of the whole file or of one statement."""
        if of is not None:
            detail |= {"statement_number": of.number, "sha256": of.digest}
        own = self.migration
        return db.Entry(
            self.run.run_id, event, own.version, own.name, checksum=own.checksum, detail=detail
        )

    def write(self, entry: db.Entry, *, unfinished: bool = False) -> None:
        """Write a line of the journal, which somebody may have locked for a while.

        With ``unfinished`` the tracker's comment notes the version in the same transaction, so
        that a journal which loses its lines does not make the file begin a second time.
        """

        def record() -> None:
            with transaction(self.run.session):
                db.record_entry(self.run.session, entry)
                if unfinished:
                    mark_unfinished(self.run.session, self.migration.version, unfinished=True)

        with_retries(self.run, self.migration, record)

    def begin(self) -> Half | None:
        """Return where the file stands; write that it is begun where it is not.

        None where it is applied.
        """
        half = self.read()
        if half is None and db.is_applied(self.run.session, self.migration.version):
            return None
        if half is not None:
            self._check(half)
            return half
        self.write(self._started(), unfinished=True)
        return Half(self.migration.version, self.migration.name, len(self.pieces), lines=1)

    def stand(self, known: Half) -> Half | None:
        """Return where a file that was begun stands now; None where another run has finished it.

        Raises MigrationFailed where the journal has lost what was ``known``, or where another
        run went on with another version of the file. It only reads.
        """
        half = self.read()
        if half is None and db.is_applied(self.run.session, self.migration.version):
            return None
        if half is None or not set(known.done) <= set(half.done):
            raise self._lost(known)
        self._check(half)
        return half

    def keep(self, known: Half, *, then: Half | None = None) -> Half | None:
        """Return what :meth:`stand` does; where the journal has lost some, write it again.

        What is written is what is so ``then``, if that is more than what is ``known``. Raises
        :class:`Lost` where it was lost.
        """
        try:
            return self.stand(known)
        except Lost:
            self._restore(then or known)
            raise

    def _restore(self, known: Half) -> None:
        """Write again what the journal has lost, so that what is through stays through."""
        self.write(self._started(), unfinished=True)
        for through in known.done:
            self.write(self.line("done", through, index=through.index, restored=True))
        for begun in known.begun:
            self.write(self.line("begun", begun, restored=True, **facts_of(begun)))

    def _started(self) -> db.Entry:
        entry = self.line("started", statements=len(self.pieces))
        return replace(entry, text=self.entry.text)

    def read(self) -> Half | None:
        """Return what the journal says of the file now, if it was begun."""
        halves = {half.version: half for half in read_halves(self.run.session)}
        return halves.get(self.migration.version)

    def _check(self, half: Half) -> None:
        """Refuse to go on where what is through is not what the file says."""
        own = {piece.number: piece.digest for piece in self.pieces}
        other = next((t for t in half.done if own.get(t.number) != t.digest), None)
        if other is not None:
            said = self.said(
                f"statement {other.number} was run from another version of this file",
                "Another run has gone on with it meanwhile.",
                "Run `pgbraid status`, then `pgbraid up` with the files that the other run had.",
            )
            raise MigrationFailed(self.migration, said)

    def _lost(self, known: Half) -> Lost:
        journal = self.run.session.tracker.journal
        said = self.said(
            f"the lines of {self.migration.label} in {journal} are gone",
            f"{len(known.done)} of its {len(self.pieces)} statements were through by them; the "
            "journal is what tells that.",
            "Take what empties the journal out of the file, then run `pgbraid up` again.",
        )
        return Lost(self.migration, said)

    def not_kept(self, piece: Piece) -> MigrationFailed:
        """Return the error of a statement that ran, whose line the journal does not show."""
        journal = self.run.session.tracker.journal
        said = self.said(
            f"statement {piece.number} of {self.migration.label} ran, and its line in {journal} "
            "cannot be read back",
            "To go on would run it a second time. Something changes the journal, or gives its new "
            "lines ids below the old ones.",
            f"Look at {journal}; then `pgbraid resume {self.migration.version} --skip "
            f"{piece.number}` goes on behind this statement.",
        )
        return MigrationFailed(self.migration, said)

    def said(self, message: str, detail: str | None, hint: str) -> Diagnostic:
        """Return what is said of the whole file."""
        place = Location(self.migration.path)
        return Diagnostic("ERROR", message, _NOT_READY, detail, hint, location=place)

    def part(self, piece: Piece) -> Part:
        """Return one statement as a text of its own, at its place in the file.

        The server is not told IF NOT EXISTS of a concurrent index: it would pass over whatever
        has the name by then, also an index that is not valid.
        """
        hidden = if_not_exists_of(self.script, piece)
        return Part(replace(self.script, statements=(piece.statement,), hidden=hidden))

    def make_settings(self, piece: Piece) -> None:
        """Make the settings that the file makes before a statement."""
        self._make(self.part(setting) for setting in piece.settings)

    def make_settings_of(self, begun: Begun) -> None:
        """Make the settings under which a statement was begun, which the file may lack now."""
        self._make(Part(parse(text)) for text in begun.settings)

    def _make(self, parts: Iterable[Part]) -> None:
        for part in parts:
            run_segments(self.run.session, self.migration, (part,))

    def place_of(self, through: Through) -> Piece | None:
        """Return the statement that is through, as the file has it."""
        return next((p for p in self.pieces if p.number == through.number), None)


def facts_of(begun: Begun) -> dict[str, Any]:
    """Return what the journal is told of a statement that is begun."""
    return {
        "kind": begun.kind,
        "command": begun.command,
        "text": begun.text,
        "settings": list(begun.settings),
        "before": dict(begun.before),
    }


def tried(file: File, attempt: Callable[[], None]) -> None:
    """Make an attempt; what the server refuses is the migration's failure.

    The session is clean behind it. Raises MigrationFailed.
    """
    session = file.run.session
    try:
        with translating(session):
            attempt()
    except ServerError as error:
        said = error.diagnostic or Diagnostic("ERROR", error.message, detail=error.detail)
        place = Location(file.migration.path)
        said = replace(said, location=place, raced=False)
        failed = MigrationFailed(file.migration, said, half_done=False)
    except MigrationFailed as error:
        error.diagnostic = replace(error.diagnostic, raced=False)  # no rollback took it back
        failed = error
    else:
        return
    with translating(session):
        roll_back(session)
        clean(session)
    raise failed from None


def go_on(file: File) -> str:
    """Return the hint that names how a file is gone on with."""
    return (
        "Mend what is wrong; then `pgbraid up`, or `pgbraid resume "
        f"{file.migration.version}` for this one alone, goes on with this statement."
    )


def undecided(file: File, piece: Piece, reason: str) -> Undecided:
    """Return the error of a statement of which only a person can tell whether it was done."""
    resume = f"`pgbraid resume {file.migration.version}"
    number = piece.number
    index = piece.kind is Kind.CREATE_INDEX
    said = said_of(
        file,
        piece,
        f"whether this statement was done is not known: {reason}",
        hint=f"Look. Drop or rename that index, then {resume}`; or, if it will do, {resume} --skip "
        f"{number}`."
        if index
        else f"Look. If it was done, {resume} --skip {number}` goes on behind it; if not, {resume} "
        f"--retry {number}` runs it again.",
    )
    return Undecided(file.migration, said)


def taken(file: File, piece: Piece, before: Mapping[str, Any]) -> Undecided:
    """Return the error of what had an index's name before the statement was begun."""
    resume = f"`pgbraid resume {file.migration.version}"
    index = before.get("what") == "index"
    valid = index and before.get("valid")
    also = f"If it is this one, {resume} --skip {piece.number}`; else drop" if valid else "Drop"
    state = ", and not valid" if index and not valid else ""
    other = ", and is not known to be what this statement makes" if piece.if_not_exists else state
    said = said_of(
        file,
        piece,
        f"the {before.get('what')} {before.get('index')} is there already{other}",
        detail="It was there before this statement was begun, so it is left as it is.",
        hint=f"{also} or rename it, then {resume}`.",
    )
    return Undecided(file.migration, replace(said, sqlstate=_EXISTS))


def said_of(
    file: File,
    piece: Piece,
    message: str,
    *,
    hint: str | None = None,
    detail: str | None = None,
) -> Diagnostic:
    """Return what is said of a statement, with its place in the file."""
    start = min(piece.statement.start, len(file.script.text))
    excerpt, _ = line_at(file.script.text, start)
    location = Location(file.migration.path, *file.script.place(start))
    return Diagnostic(
        "ERROR",
        message,
        sqlstate=_NOT_READY,
        detail=detail,
        hint=hint,
        location=location,
        excerpt=mask(excerpt, secrets_in(file.script.text)),
    )
