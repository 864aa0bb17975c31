"""Checks a migration's text for problems, before anything runs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.model.migration import Location, Migration, Problem, Severity
from pgbraid.sql.checks.deferred_search_path import deferred_search_path_problems
from pgbraid.sql.checks.invisible import code_points, invisible_characters
from pgbraid.sql.checks.isolation_level import LEVEL_HINT, isolation_problems, level_of
from pgbraid.sql.checks.tool_marks import tool_mark_problems
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
"""Largest no-transaction file in bytes. Such a file is held in memory as a whole."""

WARNINGS = frozenset({"empty", "invisible_character", "isolation_unused", "search_path_default"})
"""Codes of the problems that do not stop a run; ``empty`` stops it for some pending files."""

_PASSED_OVER = frozenset({r"\restrict", r"\unrestrict"})
_BEGINS = frozenset({("BEGIN",), ("BEGIN", "WORK"), ("BEGIN", "TRANSACTION")}) | {
    ("START", "TRANSACTION")
}
_TEXT_SETTINGS = {
    "STANDARD_CONFORMING_STRINGS": frozenset({"ON", "TRUE", "YES", "1"}),
    "CLIENT_ENCODING": frozenset({"UTF8", "UTF-8", "UTF_8", "UNICODE", "SQL_ASCII"}),
    "NAMES": frozenset({"UTF8", "UTF-8", "UTF_8", "UNICODE", "SQL_ASCII"}),
}
"""Settings that change how the server reads the text, and the values that are harmless."""
_SET_CONFIG = re.compile(
    r"\b(?:set_config\s*\(|update\s+(?:only\s+)?(?:pg_catalog\s*\.\s*)?pg_settings\b)",
    re.IGNORECASE,
)
_CALLERS = frozenset({("SELECT",), ("WITH",), ("VALUES",), ("DO",), ("UPDATE",)})
_FORBIDDEN = (
    "forbidden",
    "DISCARD ALL releases the migration lock",
    "It releases every advisory lock of the session.",
    "Remove it, or use DISCARD PLANS, SEQUENCES or TEMP.",
)
_NEEDS_DIRECTIVE = (
    "pgbraid runs a migration in one transaction.",
    (
        "Write `-- pgbraid: no-transaction` on the first line of the file; preferably, the "
        "statement has a file of its own."
    ),
)


def check_script(migration: Migration, script: Script) -> tuple[Problem, ...]:
    """Return the problems of a script that is about to run, in the order of the text."""
    return check_parts(migration, (script,))


def check_parts(migration: Migration, parts: Iterable[Script]) -> tuple[Problem, ...]:
    """Return the problems of a script that is read in parts; memory holds one part at a time."""
    problems: list[Problem] = []
    control, empty, after_statements = _TransactionControlCheck(migration), True, False
    for script in parts:
        # An unterminated quote or comment, or a meta-command, is a problem of its own.
        refused = script.unterminated is not None or any(_metas(migration, script))
        empty = empty and not (script.statements or refused)
        control.take(script)
        problems += [
            *_open_ends(migration, script),
            *_metas(migration, script),
            *_copies(migration, script),
            *_nontransactional_problems(migration, script),
            *_text_settings(migration, script),
            *_comments(migration, script, after_statements=after_statements),
            *tool_mark_problems(migration, script),
            *_invisible(migration, script),
            *isolation_problems(migration, script),
            *deferred_search_path_problems(migration, script),
        ]
        after_statements = after_statements or bool(script.statements)
    problems += [*_empty_file(migration, empty=empty), *control.problems()]
    if migration.directives.no_transaction and migration.size > LARGEST_ALONE:
        problems.append(_too_large(migration))
    # Each part may report a down section; one report per file is enough.
    downs = [problem for problem in problems if problem.code == "down_section"]
    reported = [problem for problem in problems if problem not in downs[1:]]
    places = ((p, p.location or Location("")) for p in reported)
    ordered = sorted(places, key=lambda pair: (pair[1].line or 0, pair[1].column or 0))
    return tuple(problem for problem, _ in ordered)


class _TransactionControlCheck:
    """Collects transaction control, except one BEGIN … COMMIT that encloses the whole file.

    This is the first of two defences. At run time the transaction's id and the command tags of the
    server are compared as well.
    """

    def __init__(self, migration: Migration) -> None:
        self._migration = migration
        self._problems: list[tuple[int, Problem]] = []
        self._count = self._commit_at = 0
        self._mode: tuple[Problem, ...] | None = None

    def take(self, script: Script) -> None:
        """Check the statements of the next part."""
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
            self._problems.append((self._count, problem))

    def problems(self) -> Iterator[Problem]:
        """Yield the problems, after all parts were checked."""
        # Only the end of the file shows whether its first BEGIN encloses everything.
        wrapped = self._mode is not None and 1 < self._commit_at == self._count
        # A no-transaction file runs statement by statement, so its BEGIN would stay open.
        wrapped = wrapped and not self._migration.directives.no_transaction
        if wrapped:
            yield from self._mode or ()
        allowed = {1, self._count} if wrapped else set()
        yield from (problem for number, problem in self._problems if number not in allowed)


def _nontransactional_problems(migration: Migration, script: Script) -> Iterator[Problem]:
    """Yield non-transactional statements without the directive, and unrecoverable ones with it."""
    yield from _set_config_problems(migration, script)
    for statement, command in nontransactional_statements(script):
        location = _at(migration, script, statement.start)
        if command == "DISCARD ALL":
            texts: tuple[str, str, str, str] | None = _FORBIDDEN
        elif not migration.directives.no_transaction:
            message = f"{command} cannot run inside a transaction"
            texts = ("needs_no_transaction", message, *_NEEDS_DIRECTIVE)
        else:
            texts = _unrecoverable_index(
                classify_statements(replace(script, statements=(statement,)))[0]
            )
        if texts:
            code, message, detail, hint = texts
            versions = (migration.version,)
            yield Problem(
                code, message, detail=detail, hint=hint, location=location, versions=versions
            )


def _set_config_problems(migration: Migration, script: Script) -> Iterator[Problem]:
    """Yield set_config calls in a no-transaction file, where only SET affects later statements."""
    matches = _SET_CONFIG.finditer(script.text) if migration.directives.no_transaction else ()
    for match in matches:
        # In other statements, such as CREATE FUNCTION, the call is defined but not executed.
        holders = (s for s in script.statements if s.start <= match.start() < s.end)
        if any(s.words[:1] in _CALLERS for s in holders):
            command = "set_config" if "(" in match[0] else "UPDATE pg_settings"
            yield Problem(
                "setting_lost",
                f"{command} in a no-transaction file affects its own statement only",
                hint="Write it as SET, which pgbraid repeats before every later statement.",
                location=_at(migration, script, match.start()),
                versions=(migration.version,),
            )


def _unrecoverable_index(statement: ScriptStatement) -> tuple[str, str, str, str] | None:
    """Return the texts of a problem if pgbraid could not find the index after an interruption."""
    if statement.kind is not ExecutionKind.CREATE_INDEX:
        return None
    detail = "An interrupted build leaves an invalid index, which pgbraid finds by its name."
    if statement.name is None:
        message = f"{statement.command} without an index name"
        return ("unnamed_index", message, detail, "Give the index a name.")
    if statement.name[:2].upper() == "U&":
        message = f"index name {statement.name} uses Unicode escapes"
        return ("escaped_index_name", message, detail, "Write the name without escapes.")
    return None


def _too_large(migration: Migration) -> Problem:
    return Problem(
        "large_no_transaction",
        f"{migration.file} is larger than 1 MB and uses no-transaction",
        hint="Put its data into a separate migration, which runs in one transaction.",
        location=Location(migration.path, 1, 1),
        versions=(migration.version,),
    )


def _invisible(migration: Migration, script: Script) -> Iterator[Problem]:
    for at, char in invisible_characters(script):
        yield Problem(
            "invisible_character",
            f"{code_points(char)} stands outside quotes and comments",
            detail="The character is invisible. PostgreSQL treats it as a letter or rejects it.",
            hint="Replace it with a space, or delete it.",
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
            f"{migration.path.rpartition('/')[2]} has no statement",
            hint="Write its SQL, or delete the file. If it should do nothing, write `SELECT 1;`.",
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
                hint="Write it as SQL, or remove the line.",
                location=_at(migration, script, meta.start),
                versions=(migration.version,),
            )


def _control_problem(
    migration: Migration, script: Script, statement: Statement, name: str
) -> Problem:
    return Problem(
        "transaction_control",
        f"{name} inside a migration",
        detail="pgbraid runs each statement of a no-transaction file separately."
        if migration.directives.no_transaction
        else "pgbraid begins and commits one transaction for a migration and its ledger row.",
        hint="Remove the statement."
        if migration.directives.no_transaction
        else "Remove the statement, or wrap the whole file in one BEGIN … COMMIT.",
        location=_at(migration, script, statement.start),
        versions=(migration.version,),
    )


def _control(statement: Statement) -> str | None:
    """Return the command name if the statement begins or ends a transaction, else None."""
    first, second = (*statement.words, "", "")[:2]
    if first in {"BEGIN", "COMMIT", "END", "ABORT"}:
        return f"{first} PREPARED" if second == "PREPARED" else first
    if first == "ROLLBACK":
        return None if "TO" in statement.words[1:3] else first
    if (first, second) in {("START", "TRANSACTION"), ("PREPARE", "TRANSACTION")}:
        return f"{first} {second}"
    return None


def _wrapping(migration: Migration, script: Script, first: Statement) -> Iterator[Problem]:
    """Yield an error if an enclosing BEGIN has modes that pgbraid's own transaction lacks."""
    words = tuple(word for word in tokens_of(script.text, first) if word != ",")
    level = level_of(migration)
    for mode in (("ISOLATION", "LEVEL", *level.split()), ("READ", "WRITE")):
        words = _without(words, mode)
    if words not in _BEGINS:
        yield Problem(
            "transaction_mode",
            f"{' '.join(first.words)} differs from the mode of the migration's transaction",
            detail=f"It runs in one {level}, READ WRITE transaction.",
            hint=f"Write a plain BEGIN. For another isolation level: {LEVEL_HINT}",
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
        tokens = [token.strip("'\"") for token in tokens_of(script.text, statement)]
        name, *value = [t for t in tokens[1:] if t not in {"SESSION", "LOCAL", "=", "TO"}] or [""]
        # The lexer reads the whole file by one set of rules, so the server must do the same.
        harmless = _TEXT_SETTINGS.get(name)
        if harmless is not None and not (value and value[0] in harmless):
            yield Problem(
                "parsing_setting",
                f"{' '.join(tokens)} would change how the rest of the file is read",
                detail="pgbraid reads the whole file as UTF-8 with standard_conforming_strings on.",
                hint="Remove the statement, and write the file that way.",
                location=_at(migration, script, statement.start),
                versions=(migration.version,),
            )


def _copies(migration: Migration, script: Script) -> Iterator[Problem]:
    for statement in script.statements:
        if to_client(statement.words):
            yield Problem(
                "copy_to_stdout",
                "COPY to the client is not possible in a migration: no client reads the data",
                hint="Remove the statement.",
                location=_at(migration, script, statement.start),
                versions=(migration.version,),
            )
        if statement.trailing is not None:
            yield Problem(
                "copy_data",
                "text follows COPY … FROM STDIN on the same line",
                hint="Begin the data on the next line, and end it with a line that holds only \\.",
                location=_at(migration, script, statement.trailing),
                versions=(migration.version,),
            )


def _comments(migration: Migration, script: Script, *, after_statements: bool) -> Iterator[Problem]:
    for start, message, hint in directive_errors(script, after_statements=after_statements):
        yield Problem(
            "unknown_directive",
            message,
            hint=hint,
            location=_at(migration, script, start),
            versions=(migration.version,),
        )
