"""What must not be in a migration's text, found before anything runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.core.model import Location, Migration, Problem, Severity
from pgbraid.core.script import DIRECTIVE, Script, Statement, place, to_client, tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["inspect_script"]

_PASSED_OVER = frozenset({r"\restrict", r"\unrestrict"})
_PLAIN_MODES = (("ISOLATION", "LEVEL", "READ", "COMMITTED"), ("READ", "WRITE"))
_BEGINS = frozenset({("BEGIN",), ("BEGIN", "WORK"), ("BEGIN", "TRANSACTION")}) | {
    ("START", "TRANSACTION")
}
_TEXT_SETTINGS = {
    "STANDARD_CONFORMING_STRINGS": frozenset({"ON", "TRUE", "YES", "1"}),
    "CLIENT_ENCODING": frozenset({"UTF8", "UTF-8", "UTF_8", "UNICODE", "SQL_ASCII"}),
    "NAMES": frozenset({"UTF8", "UTF-8", "UTF_8", "UNICODE", "SQL_ASCII"}),
}
"""Settings that change how the text itself is read, and the values that do not."""
_DOWN_SECTION = re.compile(
    r"--[ \t]*(?:\+goose[ \t]+down|\+migrate[ \t]+down|migrate:down)\b"
    r"|----[ \t]*create above[ \t]*/[ \t]*drop below[ \t]*----",
    re.IGNORECASE,
)


def inspect_script(migration: Migration, script: Script) -> tuple[Problem, ...]:
    """Return every problem of a script that is about to run, in the order of the text."""
    found = [
        *_emptiness(migration, script),
        *_open_ends(migration, script),
        *_metas(migration, script),
        *_transaction_control(migration, script),
        *_copies(migration, script),
        *_text_settings(migration, script),
        *_comments(migration, script),
    ]
    return tuple(
        sorted(found, key=lambda problem: problem.location.line or 0 if problem.location else 0)
    )


def _at(migration: Migration, script: Script, offset: int) -> Location:
    return Location(migration.path, *place(script.text, offset))


def _emptiness(migration: Migration, script: Script) -> Iterator[Problem]:
    if not script.text.strip():
        yield Problem(
            "empty",
            f"{migration.path.rpartition('/')[2]} is empty",
            hint="Write it before it is applied; one that does nothing on purpose says so in a "
            "comment.",
            severity=Severity.WARNING,
            location=_at(migration, script, 0),
            versions=(migration.version,),
        )


def _open_ends(migration: Migration, script: Script) -> Iterator[Problem]:
    if script.unterminated is not None:
        yield Problem(
            "unterminated",
            "a quote or comment begins here and never ends",
            hint="Close it, then run `pgbraid check --offline`.",
            location=_at(migration, script, script.unterminated),
            versions=(migration.version,),
        )


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
    """Refuse a wrapping BEGIN that asks for what the unwrapped run does not give."""
    first = script.statements[0]
    asked = tuple(piece for piece in tokens_of(script.text, first) if piece != ",")
    for mode in _PLAIN_MODES:
        asked = _without(asked, mode)
    if asked not in _BEGINS:
        yield Problem(
            "transaction_mode",
            f"{' '.join(first.words)} asks for a mode that the migration's transaction has not",
            detail="A migration runs in one READ COMMITTED, READ WRITE transaction.",
            hint="Begin it with a plain BEGIN.",
            location=_at(migration, script, first.start),
            versions=(migration.version,),
        )


def _without(words: tuple[str, ...], mode: tuple[str, ...]) -> tuple[str, ...]:
    size = len(mode)
    for start in range(len(words) - size + 1):
        if words[start : start + size] == mode:
            return words[:start] + words[start + size :]
    return words


def _text_settings(migration: Migration, script: Script) -> Iterator[Problem]:
    for statement in script.statements:
        if statement.words[:1] != ("SET",):
            continue
        tokens = [piece.strip("'\"") for piece in tokens_of(script.text, statement)]
        name, *value = [t for t in tokens[1:] if t not in {"SESSION", "LOCAL", "=", "TO"}] or [""]
        harmless = _TEXT_SETTINGS.get(name)
        if harmless is not None and not (value and value[0] in harmless):
            yield Problem(
                "text_setting",
                f"{' '.join(tokens)} would change how the rest of the file is read",
                detail="A file is UTF-8, with standard_conforming_strings on, from its first "
                "character to its last.",
                hint="Take the statement out, and write the file so.",
                location=_at(migration, script, statement.start),
                versions=(migration.version,),
            )


def _copies(migration: Migration, script: Script) -> Iterator[Problem]:
    for statement in script.statements:
        if to_client(statement.words):
            yield Problem(
                "copy_to_stdout",
                "COPY to the client has nowhere to write to in a migration",
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
