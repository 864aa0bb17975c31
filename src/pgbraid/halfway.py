"""A file that runs in pieces, and what is said of it where it stops half way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pgbraid.core.answers import Diagnostic
from pgbraid.core.model import Location
from pgbraid.core.pieces import Kind, effective
from pgbraid.core.script import line_at
from pgbraid.core.stream import Part
from pgbraid.db import ledger as db
from pgbraid.errors import MigrationFailed

if TYPE_CHECKING:
    from pgbraid.apply import Run
    from pgbraid.core.model import Migration
    from pgbraid.core.pieces import Piece
    from pgbraid.core.script import Script

__all__ = ["File", "Undecided", "go_on", "said_of", "taken", "undecided"]

_EXISTS = "42P07"
_NOT_READY = "55000"
"""PostgreSQL's code for an object that is not in the state it should be in."""


class Undecided(MigrationFailed):
    """A statement was not run, as a person has to look first."""


@dataclass(frozen=True, slots=True)
class File:
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
        settings = (p for p in self.pieces if p.kind is Kind.SETTING)
        return effective(p for p in settings if p.number < piece.number)

    def part(self, piece: Piece) -> Part:
        """Return one statement as a text of its own, at its place in the file."""
        return Part(replace(self.script, statements=(piece.statement,)))


def go_on(file: File) -> str:
    """Return the hint that names how a file is gone on with."""
    return (
        "Mend what is wrong; then `pgbraid up`, or `pgbraid resume "
        f"{file.migration.version}` for this one alone, goes on with this statement."
    )


def undecided(file: File, piece: Piece, reason: str) -> Undecided:
    """Return the error of a statement of which only a person can tell whether it was done."""
    version = file.migration.version
    index = piece.kind is Kind.CREATE_INDEX
    said = said_of(
        file,
        piece,
        f"whether this statement was done is not known: {reason}",
        hint=f"Look. Drop or rename that index, then `pgbraid resume {version}`; or, if it will "
        f"do, `pgbraid resume {version} --skip`."
        if index
        else f"Look. If it was done, `pgbraid resume {version} --skip` goes on behind it; if not, "
        f"`pgbraid resume {version} --retry` runs it again.",
    )
    return Undecided(file.migration, said)


def taken(file: File, piece: Piece, name: str, *, valid: bool) -> Undecided:
    """Return the error of an index that was there before the statement was begun."""
    version = file.migration.version
    said = said_of(
        file,
        piece,
        f"the index {name} is there already{'' if valid else ', and not valid'}",
        detail="pgbraid did not begin it, so it is left as it is.",
        hint=f"If it is this one, `pgbraid resume {version} --skip`; else drop or rename it, then "
        f"`pgbraid resume {version}`.",
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
        excerpt=excerpt,
    )
