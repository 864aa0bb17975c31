"""What must not be in a migration's text, found before anything runs."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from pgbraid.core.model import Location, Migration, Problem
from pgbraid.core.script import DIRECTIVE, Script, Statement, place

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["inspect_script"]

_PASSED_OVER = frozenset({r"\restrict", r"\unrestrict"})
_PLAIN_MODES = frozenset(
    {
        *(("BEGIN", *rest) for rest in ((), ("WORK",), ("TRANSACTION",))),
        ("START", "TRANSACTION"),
    }
)
_DEFAULT_MODES = (("ISOLATION", "LEVEL", "READ", "COMMITTED"), ("READ", "WRITE"))
_DOWN_SECTION = re.compile(
    r"--[ \t]*(?:\+goose[ \t]+down|\+migrate[ \t]+down|migrate:down)\b"
    r"|----[ \t]*create above[ \t]*/[ \t]*drop below[ \t]*----",
    re.IGNORECASE,
)


def inspect_script(migration: Migration, script: Script) -> tuple[Problem, ...]:
    """Return every problem of a script that is about to run, in the order of the text."""
    found = [
        *_metas(migration, script),
        *_transaction_control(migration, script),
        *_copies(migration, script),
        *_comments(migration, script),
    ]
    return tuple(
        sorted(found, key=lambda problem: problem.location.line or 0 if problem.location else 0)
    )


def _at(migration: Migration, script: Script, offset: int) -> Location:
    return Location(migration.path, *place(script.text, offset))


def _metas(migration: Migration, script: Script) -> Iterator[Problem]:
    for meta in script.metas:
        if meta.name not in _PASSED_OVER:
            yield Problem(
                "meta_command",
                f"psql meta-command {meta.name} is not SQL and cannot run here",
                hint="Write it as SQL, or take the line out.",
                location=_at(migration, script, meta.start),
                versions=(migration.version,),
            )


def _transaction_control(migration: Migration, script: Script) -> Iterator[Problem]:
    statements = script.statements
    if script.wrapped:
        yield from _wrapping(migration, script)
        statements = statements[1:-1]
    for statement in statements:
        name = _control(statement)
        if name:
            yield Problem(
                "transaction_control",
                f"{name} inside a migration",
                detail="A migration and its tracker row are one transaction, which pgbraid begins "
                "and commits.",
                hint="Take the statement out, or wrap the whole file in one BEGIN … COMMIT.",
                location=_at(migration, script, statement.start),
                versions=(migration.version,),
            )


def _control(statement: Statement) -> str | None:
    """Return the statement's name if it begins or ends a transaction."""
    first, second = (*statement.words, "", "")[:2]
    if first in {"BEGIN", "COMMIT", "END", "ABORT"}:
        return f"{first} PREPARED" if second == "PREPARED" else first
    if first == "ROLLBACK":
        return None if "TO" in statement.words[1:3] else first
    if (first, second) in {("START", "TRANSACTION"), ("PREPARE", "TRANSACTION")}:
        return f"{first} {second}"
    return None


def _wrapping(migration: Migration, script: Script) -> Iterator[Problem]:
    """Refuse a wrapping BEGIN … COMMIT that asks for what the unwrapped run does not give."""
    first, last = script.statements[0], script.statements[-1]
    asked = first.words
    for mode in _DEFAULT_MODES:
        asked = _without(asked, mode)
    if asked not in _PLAIN_MODES:
        yield Problem(
            "transaction_mode",
            f"{' '.join(first.words)} asks for a mode that the migration's transaction has not",
            detail="A migration runs in one READ COMMITTED, READ WRITE transaction.",
            hint="Begin it with a plain BEGIN.",
            location=_at(migration, script, first.start),
            versions=(migration.version,),
        )
    if "CHAIN" in last.words and "NO" not in last.words:
        yield Problem(
            "transaction_control",
            "COMMIT AND CHAIN begins another transaction",
            hint="End the file with a plain COMMIT.",
            location=_at(migration, script, last.start),
            versions=(migration.version,),
        )


def _without(words: tuple[str, ...], mode: tuple[str, ...]) -> tuple[str, ...]:
    size = len(mode)
    for start in range(len(words) - size + 1):
        if words[start : start + size] == mode:
            return words[:start] + words[start + size :]
    return words


def _copies(migration: Migration, script: Script) -> Iterator[Problem]:
    for statement in script.statements:
        if statement.words[:1] == ("COPY",) and ("TO", "STDOUT") in pairwise(statement.words):
            yield Problem(
                "copy_to_stdout",
                "COPY … TO STDOUT has nowhere to write to in a migration",
                hint="Take the statement out.",
                location=_at(migration, script, statement.start),
                versions=(migration.version,),
            )
        if statement.trailing is not None:
            yield Problem(
                "copy_data",
                "text follows COPY … FROM STDIN on its line, where its data should begin",
                hint="Begin the data on the next line and end it with a line of \\. alone.",
                location=_at(migration, script, statement.trailing),
                versions=(migration.version,),
            )


def _comments(migration: Migration, script: Script) -> Iterator[Problem]:
    down_seen = False
    for start, end in script.comments:
        comment = script.text[start:end]
        if directive := DIRECTIVE.match(comment):
            yield Problem(
                "unknown_directive",
                f"this pgbraid knows no directive {directive['text'].strip()!r}",
                hint="Take the line out, or use the pgbraid that knows it.",
                location=_at(migration, script, start),
                versions=(migration.version,),
            )
        if _DOWN_SECTION.match(comment) and not down_seen:
            down_seen = True
            yield Problem(
                "down_section",
                f"another tool's down section ({comment.strip()}): run as plain SQL, the file "
                "would undo what it does",
                hint=f"Move that section into {migration.digits}_{migration.name}.down.sql.",
                location=_at(migration, script, start),
                versions=(migration.version,),
            )
