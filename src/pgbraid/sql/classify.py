"""Classifies the statements of a migration that runs outside a transaction.

PostgreSQL's manual documents, command by command, which statements it rejects inside a transaction
block; versions 13 to 18 reject the same ones. Only the words of a statement are read. Statements
that only the catalog can identify (REINDEX TABLE of a partitioned table, DROP SUBSCRIPTION) are
therefore not recognised here.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from pgbraid.sql.lexer import next_token
from pgbraid.sql.script import BLANKS, NEWLINE, significant_tokens, tokens_of
from pgbraid.sql.session_effects import concerns_slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pgbraid.sql.script import Script, Statement

__all__ = [
    "ExecutionKind",
    "ScriptStatement",
    "bare_name",
    "classify_statements",
    "equivalent_index_sql",
    "if_not_exists_of",
    "may_commit",
    "nontransactional_command",
    "nontransactional_statements",
    "server_wide",
    "settings_in_force",
]

_MAYBE = (
    *("concurrently", "vacuum", "cluster", "reindex", "system", "database", "tablespace"),
    *("subscription", "discard"),
)
"""Every non-transactional statement contains one of these words."""
_ENDS_ITSELF = re.compile(r"\b(?:commit|rollback)\b", re.IGNORECASE)
_SAME = {"NAMES": "CLIENT_ENCODING", "SCHEMA": "SEARCH_PATH", "XML": "XMLOPTION"}
"""Settings with a statement of their own (SET NAMES), and the parameter that it sets."""
_ROLES = frozenset({"ROLE", "SESSION AUTHORIZATION"})
"""RESET ALL does not reset these."""
_SETTINGS = frozenset({"SET", "RESET"})
_NOT_FOR_SESSION = frozenset({"CONSTRAINTS", "LOCAL", "TRANSACTION"})
_SERVER_WIDE = re.compile(r"\b(?:DATABASE|TABLESPACE|SYSTEM)\b")
_NOT_CONNECTED = re.compile(r"\b(?:connect|create_slot)\s*=\s*'?(?:false|off|0)\b", re.IGNORECASE)
_WHOLE = frozenset({"SCHEMA", "DATABASE", "SYSTEM"})
_OF_REINDEX = ("TABLE", "INDEX", "SCHEMA", "DATABASE", "SYSTEM")
_OFF = frozenset({"OFF", "FALSE", "0", "'OFF'", "'FALSE'", "=", "NO"})
_IF_NOT_EXISTS = ("IF", "NOT", "EXISTS")
_NO_NAME = frozenset({"IF", "EXISTS", "ONLY", "CONCURRENTLY"})
"""Words that may stand before an object's name."""


class ExecutionKind(StrEnum):
    """How a statement is executed, and how it is recovered after an interruption."""

    SETTING = "setting"
    """SET or RESET: repeated before each statement that follows."""
    TRANSACTIONAL = "inside"
    """Runs in one transaction with its journal entry: exactly once."""
    CREATE_INDEX = "create index"
    DROP_INDEX = "drop index"
    REINDEX = "reindex"
    DETACH = "detach"
    REPEATABLE = "repeatable"
    """Can be run again after any interruption, as VACUUM can."""
    NOT_REPEATABLE = "once"
    """If its outcome is unknown, the user must decide whether to skip or retry the statement."""


@dataclass(frozen=True, slots=True)
class ScriptStatement:
    """One classified statement: its number in the file (from 1), its text and its kind.

    ``name`` is the name of the index or partition as it is written in the statement, ``table`` the
    table of the index or the parent of the partition. ``settings`` are the statements in force
    where the statement runs. ``digest`` is the sha256 of ``settings`` and the text, with line feeds
    as line ends, so the same text under other settings is another statement. The digest of a
    repeated statement also includes how many equal ones precede it.
    """

    number: int
    statement: Statement
    text: str
    kind: ExecutionKind
    digest: str
    command: str | None = None
    """The command name of a non-transactional statement."""
    name: str | None = None
    table: str | None = None
    if_not_exists: bool = False
    settings: tuple[ScriptStatement, ...] = ()


def _may_be_nontransactional(text: str) -> bool:
    # Substrings take a tenth of the time of a pattern; each run asks this of each file.
    lower = text.lower()
    return any(word in lower for word in _MAYBE)


def nontransactional_command(script: Script, statement: Statement) -> str | None:
    """Return the command name if PostgreSQL rejects it inside a transaction block, else None."""
    text = script.text[statement.start : statement.end]
    # Tokenizing is slow, and few statements have one of these words.
    if not _may_be_nontransactional(text):
        return None
    words = tuple(tokens_of(script.text, statement))
    if words[:2] == ("REINDEX", "("):
        # The server accepts a quoted option: REINDEX ("concurrently") TABLE t.
        words = tuple(word.strip('"') for word in words)
    following = dict(zip(words, (*words[1:], ""), strict=True))
    is_concurrent = "CONCURRENTLY" in words and following["CONCURRENTLY"] not in _OFF
    concurrently = " CONCURRENTLY" if is_concurrent else ""
    first, second = (*words, "", "")[:2]
    if first in {"CREATE", "DROP"}:
        return _of_object(text, words, concurrently)
    if first == "REINDEX":
        whole = _WHOLE.intersection(words[1:]) if "(" not in words[1:2] else _whole_behind(words)
        return f"REINDEX{concurrently}" if concurrently or whole else None
    if first == "ALTER":
        return _of_alter(words, concurrently)
    if first == "CLUSTER":
        # CLUSTER of one table can run in a transaction; without a table it cannot.
        bare = not [w for w in words[1:] if w not in {"(", ")", "VERBOSE", "ON", "OFF"}]
        return "CLUSTER" if bare else None
    plain = {("DISCARD", "ALL"): "DISCARD ALL", ("VACUUM", second): "VACUUM"}
    return plain.get((first, second))


def _whole_behind(words: tuple[str, ...]) -> bool:
    """Whether a REINDEX with options in parentheses covers a schema, database or system."""
    return words[words.index(")") + 1] in _WHOLE if ")" in words[:-1] else False


def _of_object(text: str, words: tuple[str, ...], concurrently: str) -> str | None:
    first, second = words[0], (*words, "")[1]
    if concurrently and "INDEX" in words[1:3]:
        unique = "UNIQUE " if second == "UNIQUE" else ""
        return f"{first} {unique}INDEX{concurrently}"
    if second in {"DATABASE", "TABLESPACE"}:
        return f"{first} {second}"
    # Without connect or create_slot the server runs CREATE SUBSCRIPTION in a transaction block.
    if (first, second) == ("CREATE", "SUBSCRIPTION") and not _NOT_CONNECTED.search(text):
        return "CREATE SUBSCRIPTION"
    return None


def _of_alter(words: tuple[str, ...], concurrently: str) -> str | None:
    second = (*words, "")[1]
    if second == "SYSTEM":
        return "ALTER SYSTEM"
    if second == "DATABASE" and "TABLESPACE" in words[3:5]:
        return "ALTER DATABASE SET TABLESPACE"
    if concurrently and "DETACH" in words:
        return "DETACH PARTITION CONCURRENTLY"
    return None


def nontransactional_statements(script: Script) -> Iterator[tuple[Statement, str]]:
    """Yield the non-transactional statements of a script with their command names."""
    if not _may_be_nontransactional(script.text):
        return
    for statement in script.statements:
        command = nontransactional_command(script, statement)
        if command is not None:
            yield statement, command


def server_wide(script: Script) -> str | None:
    """Return the first command that changes the whole server and that ROLLBACK does not undo."""
    commands = (command for _, command in nontransactional_statements(script))
    command = next((c for c in commands if _SERVER_WIDE.search(c)), None)
    return command or ("a replication slot" if concerns_slots(script.text) else None)


def may_commit(script: Script) -> bool:
    """Whether a statement may commit by itself when it runs outside a transaction block."""
    return any(
        _transactional_kind(script, statement) is ExecutionKind.NOT_REPEATABLE
        for statement in script.statements
    )


def classify_statements(script: Script) -> tuple[ScriptStatement, ...]:
    """Return the statements of a script, classified, with the settings in force at each."""
    classified: list[ScriptStatement] = []
    settings: tuple[ScriptStatement, ...] = ()
    seen: Counter[str] = Counter()
    for number, span in enumerate(script.statements, 1):
        statement = _classify(script, span, number, settings)
        seen[statement.digest] += 1
        statement = replace(statement, digest=_nth(statement.digest, seen[statement.digest]))
        classified.append(statement)
        if statement.kind is ExecutionKind.SETTING:
            settings = settings_in_force((*settings, statement))
    return tuple(classified)


def _nth(digest: str, count: int) -> str:
    """Return a distinct digest for the ``count``-th statement with the same digest."""
    return digest if count == 1 else hashlib.sha256(f"{digest} {count}".encode()).hexdigest()


def _classify(
    script: Script, statement: Statement, number: int, settings: tuple[ScriptStatement, ...]
) -> ScriptStatement:
    text = script.text[statement.start : statement.end]
    texts = [*(setting.text for setting in settings), _whole(script, statement)]
    digest = hashlib.sha256(NEWLINE.sub("\n", ";\n".join(texts)).encode()).hexdigest()
    command = nontransactional_command(script, statement)
    kind, name, table, careful = _kind(script, statement, command)
    return ScriptStatement(
        number, statement, text, kind, digest, command, name, table, careful, settings
    )


def _whole(script: Script, statement: Statement) -> str:
    """Return the text of a statement, with its COPY data if it has any."""
    end = statement.data[1] if statement.data else statement.end
    return script.text[statement.start : end]


def _kind(
    script: Script, statement: Statement, command: str | None
) -> tuple[ExecutionKind, str | None, str | None, bool]:
    words = statement.words
    if command is None:
        return _transactional_kind(script, statement), None, None, False
    names = list(_names(script.text, statement))
    upper = [name.upper() for name in names]
    if command.endswith(" INDEX CONCURRENTLY"):
        if command.startswith("DROP"):
            return ExecutionKind.DROP_INDEX, _name_after(names, upper, "CONCURRENTLY"), None, False
        return (ExecutionKind.CREATE_INDEX, *_index(names, upper))
    if command.startswith("REINDEX"):
        of = next((word for word in _OF_REINDEX if word in upper[1:4]), None)
        return ExecutionKind.REINDEX, _name_after(names, upper, of), of and of.lower(), False
    if command.startswith("DETACH"):
        return (
            ExecutionKind.DETACH,
            _name_after(names, upper, "PARTITION"),
            _name_after(names, upper, "TABLE"),
            False,
        )
    repeatable = words[:1] in {("VACUUM",), ("CLUSTER",)} or command == "ALTER SYSTEM"
    kind = ExecutionKind.REPEATABLE if repeatable else ExecutionKind.NOT_REPEATABLE
    return kind, None, None, False


def _transactional_kind(script: Script, statement: Statement) -> ExecutionKind:
    words = (*statement.words, "", "")
    if words[0] in _SETTINGS and words[1] not in _NOT_FOR_SESSION:
        return ExecutionKind.SETTING
    text = script.text[statement.start : statement.end]
    # Such a statement may have committed a part before it was interrupted.
    if words[0] == "CALL" or (words[0] == "DO" and _ENDS_ITSELF.search(text)):
        return ExecutionKind.NOT_REPEATABLE
    return ExecutionKind.TRANSACTIONAL


def _names(text: str, statement: Statement) -> Iterator[str]:
    """Yield the tokens outside parentheses as written; a qualified name is one token."""
    position, depth, joined, before = statement.start, 0, "", ""
    while position < statement.end:
        kind, start, position = next_token(text, position)
        depth += {"open": 1, "close": -1}.get(kind, 0)
        if kind in BLANKS or depth > 0 or kind == "close":
            continue
        token = text[start:position]
        if "." in {token, before}:
            joined += token
        else:
            if joined:
                yield joined
            joined = token
        before = token
    if joined:
        yield joined


def _name_after(names: list[str], upper: list[str], word: str | None) -> str | None:
    """Return the name after a word, skipping IF EXISTS, ONLY and CONCURRENTLY."""
    if word not in upper:
        return None
    following = range(upper.index(word) + 1, len(upper))
    return next((names[index] for index in following if upper[index] not in _NO_NAME), None)


def _index(names: list[str], upper: list[str]) -> tuple[str | None, str | None, bool]:
    """Return the name of an index, its table, and whether the statement has IF NOT EXISTS."""
    first = upper.index("CONCURRENTLY") + 1
    careful = tuple(upper[first : first + len(_IF_NOT_EXISTS)]) == _IF_NOT_EXISTS
    first += len(_IF_NOT_EXISTS) if careful else 0
    name = names[first] if upper[first : first + 1] != ["ON"] else None
    return name, _name_after(names[first:], upper[first:], "ON"), careful


def if_not_exists_of(script: Script, statement: ScriptStatement) -> tuple[tuple[int, int], ...]:
    """Return the spans of the words IF NOT EXISTS of a concurrent index, in the script's text.

    The caller blanks them: with them the server would accept any relation of that name.
    """
    spans: list[tuple[int, int]] = []
    position, behind = statement.statement.start, False
    while statement.if_not_exists and len(spans) < len(_IF_NOT_EXISTS):
        kind, start, position = next_token(script.text, position)
        if kind in BLANKS:
            continue
        if behind:
            spans.append((start, position))
        behind = behind or script.text[start:position].upper() == "CONCURRENTLY"
    return tuple(spans)


def bare_name(name: str) -> str:
    """Return a name without its schema, as it is written."""
    position, last = 0, ""
    while position < len(name):
        kind, start, position = next_token(name, position)
        if kind in {"word", "quoted"}:
            last = name[start:position]
    return last


def settings_in_force(settings: Iterable[ScriptStatement]) -> tuple[ScriptStatement, ...]:
    """Return the statements whose settings are still in force after all of them ran, in order.

    A statement is left out if a later one sets or resets the same setting. A role is also dropped
    by SET SESSION AUTHORIZATION, as the server resets the role with it.
    """
    in_force: dict[str, ScriptStatement] = {}
    for statement in settings:
        verb, name = _setting(statement)
        if (verb, name) == ("RESET", "ALL"):
            in_force = {key: setting for key, setting in in_force.items() if key in _ROLES}
            continue
        # Remove the old entry first, so that the new one gets its place at the end.
        in_force.pop(name, None)
        if name == "SESSION AUTHORIZATION":
            in_force.pop("ROLE", None)
        if verb == "SET":
            in_force[name] = statement
    return tuple(in_force.values())


def _setting(statement: ScriptStatement) -> tuple[str, str]:
    """Return SET or RESET, and the normalized name of the setting."""
    text = statement.text
    verb, *rest = [token.upper() for token in significant_tokens(text, 0, len(text))]
    if rest[:1] == ["SESSION"] and rest[1:2] not in (["AUTHORIZATION"], ["CHARACTERISTICS"]):
        rest = rest[1:]
    if rest[:2] in (["SESSION", "AUTHORIZATION"], ["SESSION", "CHARACTERISTICS"]):
        return verb, " ".join(rest[:2])
    if rest[:2] == ["TIME", "ZONE"]:
        return verb, "TIMEZONE"
    end = next((i for i, token in enumerate(rest) if token in {"=", "TO"}), len(rest))
    # SET NAMES, SET ROLE and the like have neither = nor TO, so only their first word is a name.
    whole = verb == "RESET" or end < len(rest)
    name = "".join(rest[:end]).replace('"', "") if whole else (*rest, "")[0]
    return verb, _SAME.get(name, name)


def equivalent_index_sql(statement: ScriptStatement, name: str, table: str) -> str | None:
    """Rewrite CREATE INDEX for another table without CONCURRENTLY, to compare both definitions.

    Return None if the statement has neither USING nor a column list after ON.
    """
    text, position, on = statement.text, 0, False
    while position < len(text):
        kind, start, position = next_token(text, position)
        word = text[start:position].upper() if kind == "word" else ""
        if kind == "open" or word == "USING":
            unique = "UNIQUE " if statement.command and "UNIQUE" in statement.command else ""
            rest = text[start:]
            return f"CREATE {unique}INDEX {name} ON {table} {rest}" if on else None
        on = on or word == "ON"
    return None
