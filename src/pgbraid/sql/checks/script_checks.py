"""What must not be in a migration's text, found before anything runs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.model.migration import Location, Migration, Problem, Severity
from pgbraid.sql.checks.deferred_search_path import deferred_search_path_problems
from pgbraid.sql.checks.invisible import code_points, invisible_characters
from pgbraid.sql.checks.isolation_level import LEVEL_HINT, isolation_problems, level_of
from pgbraid.sql.classify import ExecutionKind, classify_statements, nontransactional_statements
from pgbraid.sql.directives import directive_errors
from pgbraid.sql.script import (
    Script,
    Statement,
    is_commit,
    opens_transaction,
    to_client,
    tokens_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pgbraid.sql.classify import ScriptStatement

__all__ = ["LARGEST_ALONE", "WARNINGS", "check_parts", "check_script"]

LARGEST_ALONE = 1_000_000
"""Bytes of a file that is run statement by statement, and so is held whole."""

WARNINGS = frozenset({"empty", "invisible_character", "isolation_unused", "search_path_default"})
"""The codes of what is found in a text and does not stop a run."""

_PASSED_OVER = frozenset({r"\restrict", r"\unrestrict"})
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


_SET_CONFIG = re.compile(
    r"\b(?:set_config\s*\(|update\s+(?:only\s+)?(?:pg_catalog\s*\.\s*)?pg_settings\b)",
    re.IGNORECASE,
)
_CALLERS = frozenset({("SELECT",), ("WITH",), ("VALUES",), ("DO",), ("UPDATE",)})
_FORBIDDEN = (
    "forbidden",
    "DISCARD ALL gives the migration lock away",
    "It releases every advisory lock of the session.",
    "Take it out, or name what is to be discarded: DISCARD PLANS, SEQUENCES or TEMP.",
)
_ALONE = (
    "pgbraid runs a migration in one transaction.",
    "Write `-- pgbraid: no-transaction` on the file's first line; best, it holds nothing else.",
)


def check_script(migration: Migration, script: Script) -> tuple[Problem, ...]:
    """Return every problem of a script that is about to run, in the order of the text."""
    return check_parts(migration, (script,))


def check_parts(migration: Migration, parts: Iterable[Script]) -> tuple[Problem, ...]:
    """Return the same of a script that comes in parts, none of which is kept."""
    found: list[Problem] = []
    control, empty, begun = _TransactionControlCheck(migration), True, False
    for script in parts:
        empty = empty and not script.text.strip()
        control.take(script)
        found += [
            *_open_ends(migration, script),
            *_metas(migration, script),
            *_copies(migration, script),
            *_nontransactional_problems(migration, script),
            *_text_settings(migration, script),
            *_comments(migration, script, begun=begun),
            *_invisible(migration, script),
            *isolation_problems(migration, script),
            *deferred_search_path_problems(migration, script),
        ]
        begun = begun or bool(script.statements)
    found += [*_empty_file(migration, empty=empty), *control.problems()]
    if migration.directives.no_transaction and migration.size > LARGEST_ALONE:
        found.append(_too_large(migration))
    downs = [problem for problem in found if problem.code == "down_section"]
    kept = [problem for problem in found if problem not in downs[1:]]
    places = ((p, p.location or Location("")) for p in kept)
    ordered = sorted(places, key=lambda pair: (pair[1].line or 0, pair[1].column or 0))
    return tuple(problem for problem, _ in ordered)


class _TransactionControlCheck:
    """Gathers what begins or ends a transaction; one BEGIN … COMMIT round everything is none."""

    def __init__(self, migration: Migration) -> None:
        self._migration = migration
        self._found: list[tuple[int, Problem]] = []
        self._count = self._commit_at = 0
        self._mode: tuple[Problem, ...] | None = None

    def take(self, script: Script) -> None:
        """Look at the statements of the next part."""
        for statement in script.statements:
            self._count += 1
            name = _control(statement)
            if name is None:
                continue
            if self._count == 1 and opens_transaction(statement):
                self._mode = tuple(_wrapping(self._migration, script, statement))
            if is_commit(script.text, statement):
                self._commit_at = self._count
            problem = _control_problem(self._migration, script, statement, name)
            self._found.append((self._count, problem))

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong, once everything was looked at."""
        wrapped = self._mode is not None and 1 < self._commit_at == self._count
        wrapped = wrapped and not self._migration.directives.no_transaction
        if wrapped:
            yield from self._mode or ()
        passed = {1, self._count} if wrapped else set()
        yield from (problem for number, problem in self._found if number not in passed)


def _nontransactional_problems(migration: Migration, script: Script) -> Iterator[Problem]:
    """Find what no transaction holds, and in a file that asks for none, what cannot go on."""
    yield from _set_config_problems(migration, script)
    for statement, command in nontransactional_statements(script):
        location = _at(migration, script, statement.start)
        if command == "DISCARD ALL":
            said: tuple[str, str, str, str] | None = _FORBIDDEN
        elif not migration.directives.no_transaction:
            said = ("needs_no_transaction", f"{command} cannot run inside a transaction", *_ALONE)
        else:
            said = _unrecoverable_index(
                classify_statements(replace(script, statements=(statement,)))[0]
            )
        if said:
            code, message, detail, hint = said
            versions = (migration.version,)
            yield Problem(
                code, message, detail=detail, hint=hint, location=location, versions=versions
            )


def _set_config_problems(migration: Migration, script: Script) -> Iterator[Problem]:
    """Find what would be set for its own statement only, in a file that runs in pieces."""
    found = _SET_CONFIG.finditer(script.text) if migration.directives.no_transaction else ()
    for match in found:
        holders = (s for s in script.statements if s.start <= match.start() < s.end)
        if any(s.words[:1] in _CALLERS for s in holders):
            what = "set_config" if "(" in match[0] else "UPDATE pg_settings"
            yield Problem(
                "setting_lost",
                f"{what} in a no-transaction file holds for its own statement only",
                hint="Write it as SET, which is made again before every statement behind it.",
                location=_at(migration, script, match.start()),
                versions=(migration.version,),
            )


def _unrecoverable_index(piece: ScriptStatement) -> tuple[str, str, str, str] | None:
    """Say what keeps an index from being recognised where its building was cut."""
    if piece.kind is not ExecutionKind.CREATE_INDEX:
        return None
    detail = "Where its building is cut, an invalid index stays, which pgbraid finds by its name"
    if piece.name is None:
        return ("unnamed_index", f"{piece.command} without a name", f"{detail}.", "Give it a name.")
    if piece.name[:2].upper() == "U&":
        return (
            "escaped_index_name",
            f"the index is named by {piece.name}",
            f"{detail}.",
            "Spell it out.",
        )
    return None


def _too_large(migration: Migration) -> Problem:
    return Problem(
        "large_no_transaction",
        f"{migration.file} is above 1 MB, and asks for no-transaction",
        hint="Put its data into a migration of their own, which runs in one transaction.",
        location=Location(migration.path, 1, 1),
        versions=(migration.version,),
    )


def _invisible(migration: Migration, script: Script) -> Iterator[Problem]:
    for at, char in invisible_characters(script):
        yield Problem(
            "invisible_character",
            f"{code_points(char)} stands outside quotes and comments",
            detail="Nobody sees it. PostgreSQL takes it for a letter, or refuses it.",
            hint="Write a plain blank in its place, or nothing.",
            severity=Severity.WARNING,
            location=_at(migration, script, at),
            versions=(migration.version,),
        )


def _at(migration: Migration, script: Script, offset: int) -> Location:
    return Location(migration.path, *script.place(offset))


def _empty_file(migration: Migration, *, empty: bool) -> Iterator[Problem]:
    if empty:
        yield Problem(
            "empty",
            f"{migration.path.rpartition('/')[2]} is empty",
            hint="Write it before it is applied; one that does nothing on purpose says so in a "
            "comment.",
            severity=Severity.WARNING,
            location=Location(migration.path, 1, 1),
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


def _control_problem(
    migration: Migration, script: Script, statement: Statement, name: str
) -> Problem:
    return Problem(
        "transaction_control",
        f"{name} inside a migration",
        detail="Each statement of a no-transaction file is run by itself."
        if migration.directives.no_transaction
        else "A migration and its tracker row are one transaction, which pgbraid begins and "
        "commits.",
        hint="Take the statement out."
        if migration.directives.no_transaction
        else "Take the statement out, or wrap the whole file in one BEGIN … COMMIT.",
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


def _wrapping(migration: Migration, script: Script, first: Statement) -> Iterator[Problem]:
    """Refuse a wrapping BEGIN that asks for what the unwrapped run does not give."""
    asked = tuple(piece for piece in tokens_of(script.text, first) if piece != ",")
    level = level_of(migration)
    for mode in (("ISOLATION", "LEVEL", *level.split()), ("READ", "WRITE")):
        asked = _without(asked, mode)
    if asked not in _BEGINS:
        yield Problem(
            "transaction_mode",
            f"{' '.join(first.words)} asks for a mode that the migration's transaction has not",
            detail=f"It runs in one {level}, READ WRITE transaction.",
            hint=f"Begin it with a plain BEGIN. For another isolation level: {LEVEL_HINT}",
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
                "parsing_setting",
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


def _comments(migration: Migration, script: Script, *, begun: bool) -> Iterator[Problem]:
    down_seen = False
    for start, said, hint in directive_errors(script, begun=begun):
        yield Problem(
            "unknown_directive",
            said,
            hint=hint,
            location=_at(migration, script, start),
            versions=(migration.version,),
        )
    for start, end in script.comments:
        comment = script.text[start:end]
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
