"""The statements of a migration that runs outside a transaction, one by one, and what each is.

What the server refuses inside a transaction block is in its manual, statement by statement;
PostgreSQL 13 to 18 refuse the same. A statement is told by its words, so that nothing that needs a
look into the database counts as one: REINDEX TABLE of a partitioned table, DROP SUBSCRIPTION.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from pgbraid.sql.lexer import next_token
from pgbraid.sql.replication_slots import concerns_slots
from pgbraid.sql.script import BLANKS, NEWLINE, significant_tokens, tokens_of

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

_MAYBE = re.compile(
    r"\b(?:concurrently|vacuum|cluster|reindex|system|database|tablespace|subscription|discard)\b",
    re.IGNORECASE,
)
"""Every statement that cannot stand in a transaction has one of these words."""
_ENDS_ITSELF = re.compile(r"\b(?:commit|rollback)\b", re.IGNORECASE)
_SAME = {"NAMES": "CLIENT_ENCODING", "SCHEMA": "SEARCH_PATH", "XML": "XMLOPTION"}
"""The names of settings that have a statement of their own."""
_ROLES = frozenset({"ROLE", "SESSION AUTHORIZATION"})
"""What RESET ALL leaves."""
_SETTINGS = frozenset({"SET", "RESET"})
_NOT_FOR_SESSION = frozenset({"CONSTRAINTS", "LOCAL", "TRANSACTION"})
_SERVER_WIDE = re.compile(r"\b(?:DATABASE|TABLESPACE|SYSTEM)\b")
_NOT_CONNECTED = re.compile(r"\b(?:connect|create_slot)\s*=\s*'?(?:false|off|0)\b", re.IGNORECASE)
_WHOLE = frozenset({"SCHEMA", "DATABASE", "SYSTEM"})
_OF_REINDEX = ("TABLE", "INDEX", "SCHEMA", "DATABASE", "SYSTEM")
_OFF = frozenset({"OFF", "FALSE", "0", "'OFF'", "'FALSE'", "=", "NO"})
_IF_NOT_EXISTS = ("IF", "NOT", "EXISTS")
_NO_NAME = frozenset({"IF", "EXISTS", "ONLY", "CONCURRENTLY"})
"""What may stand before a name."""


class ExecutionKind(StrEnum):
    """What a statement is, as far as it decides how it is run and what is done if it is cut."""

    SETTING = "setting"
    """SET or RESET: said again before each statement that follows."""
    TRANSACTIONAL = "inside"
    """It runs in a transaction with the journal's line: exactly once."""
    CREATE_INDEX = "create index"
    DROP_INDEX = "drop index"
    REINDEX = "reindex"
    DETACH = "detach"
    REPEATABLE = "repeatable"
    """It can be run again whatever became of it, as VACUUM can."""
    NOT_REPEATABLE = "once"
    """Whether it was done, where nobody saw its end, only a person can say."""


@dataclass(frozen=True, slots=True)
class ScriptStatement:
    """One statement: its number from 1 among all of the file, its text, and what it is.

    ``name`` is what it is about as SQL: of an index its name, of a partition the partition's;
    ``table`` the table of an index, or the parent of a partition. ``settings`` are the
    statements of the file that are in force where it runs, and ``digest`` the sha256 of those
    and of its text, lines ended by a line feed: under other settings it is another statement. It
    tells the second of two that are alike from the first.
    """

    number: int
    statement: Statement
    text: str
    kind: ExecutionKind
    digest: str
    command: str | None = None
    """What it is called, where it cannot run in a transaction."""
    name: str | None = None
    table: str | None = None
    if_not_exists: bool = False
    settings: tuple[ScriptStatement, ...] = ()


def nontransactional_command(script: Script, statement: Statement) -> str | None:
    """Return what a statement is called that no transaction can hold, or None for any other."""
    text = script.text[statement.start : statement.end]
    if not _MAYBE.search(text):
        return None
    words = tuple(tokens_of(script.text, statement))
    if words[:2] == ("REINDEX", "("):  # an option may be quoted
        words = tuple(word.strip('"') for word in words)
    following = dict(zip(words, (*words[1:], ""), strict=True))
    wanted = "CONCURRENTLY" in words and following["CONCURRENTLY"] not in _OFF
    concurrently = " CONCURRENTLY" if wanted else ""
    first, second = (*words, "", "")[:2]
    if first in {"CREATE", "DROP"}:
        return _of_object(text, words, concurrently)
    if first == "REINDEX":
        whole = _WHOLE.intersection(words[1:]) if "(" not in words[1:2] else _whole_behind(words)
        return f"REINDEX{concurrently}" if concurrently or whole else None
    if first == "ALTER":
        return _of_alter(words, concurrently)
    if first == "CLUSTER":
        bare = not [w for w in words[1:] if w not in {"(", ")", "VERBOSE", "ON", "OFF"}]
        return "CLUSTER" if bare else None
    plain = {("DISCARD", "ALL"): "DISCARD ALL", ("VACUUM", second): "VACUUM"}
    return plain.get((first, second))


def _whole_behind(words: tuple[str, ...]) -> bool:
    """Whether REINDEX, behind its options in brackets, is of a whole schema or more."""
    return words[words.index(")") + 1] in _WHOLE if ")" in words[:-1] else False


def _of_object(text: str, words: tuple[str, ...], concurrently: str) -> str | None:
    first, second = words[0], (*words, "")[1]
    if concurrently and "INDEX" in words[1:3]:
        unique = "UNIQUE " if second == "UNIQUE" else ""
        return f"{first} {unique}INDEX{concurrently}"
    if second in {"DATABASE", "TABLESPACE"}:
        return f"{first} {second}"
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
    """Yield the statements that no transaction holds, and what they are called."""
    if not _MAYBE.search(script.text):
        return
    for statement in script.statements:
        command = nontransactional_command(script, statement)
        if command is not None:
            yield statement, command


def server_wide(script: Script) -> str | None:
    """Return what changes the whole server and is taken back by no rollback, if there is any."""
    commands = (command for _, command in nontransactional_statements(script))
    found = next((c for c in commands if _SERVER_WIDE.search(c)), None)
    return found or ("a replication slot" if concerns_slots(script.text) else None)


def may_commit(script: Script) -> bool:
    """Whether a statement, run outside a transaction, may commit what it does by itself."""
    return any(
        _inside(script, statement) is ExecutionKind.NOT_REPEATABLE
        for statement in script.statements
    )


def classify_statements(script: Script) -> tuple[ScriptStatement, ...]:
    """Return a script's statements, each as what it is."""
    found: list[ScriptStatement] = []
    settings: tuple[ScriptStatement, ...] = ()
    seen: Counter[str] = Counter()
    for number, statement in enumerate(script.statements, 1):
        piece = _piece(script, statement, number, settings)
        seen[piece.digest] += 1
        piece = replace(piece, digest=_nth(piece.digest, seen[piece.digest]))
        found.append(piece)
        if piece.kind is ExecutionKind.SETTING:
            settings = settings_in_force((*settings, piece))
    return tuple(found)


def _nth(digest: str, count: int) -> str:
    """Return a digest that tells a statement from its like before it in the file."""
    return digest if count == 1 else hashlib.sha256(f"{digest} {count}".encode()).hexdigest()


def _piece(
    script: Script, statement: Statement, number: int, settings: tuple[ScriptStatement, ...]
) -> ScriptStatement:
    text = script.text[statement.start : statement.end]
    said = [*(setting.text for setting in settings), _whole(script, statement)]
    digest = hashlib.sha256(NEWLINE.sub("\n", ";\n".join(said)).encode()).hexdigest()
    command = nontransactional_command(script, statement)
    kind, name, table, careful = _kind(script, statement, command)
    return ScriptStatement(
        number, statement, text, kind, digest, command, name, table, careful, settings
    )


def _whole(script: Script, statement: Statement) -> str:
    """Return the text of a statement with its data, if it has any."""
    end = statement.data[1] if statement.data else statement.end
    return script.text[statement.start : end]


def _kind(
    script: Script, statement: Statement, command: str | None
) -> tuple[ExecutionKind, str | None, str | None, bool]:
    words = statement.words
    if command is None:
        return _inside(script, statement), None, None, False
    names = list(_names(script.text, statement))
    said = [name.upper() for name in names]
    if command.endswith(" INDEX CONCURRENTLY"):
        if command.startswith("DROP"):
            return ExecutionKind.DROP_INDEX, _name_after(names, said, "CONCURRENTLY"), None, False
        return (ExecutionKind.CREATE_INDEX, *_index(names, said))
    if command.startswith("REINDEX"):
        of = next((word for word in _OF_REINDEX if word in said[1:4]), None)
        return ExecutionKind.REINDEX, _name_after(names, said, of), of and of.lower(), False
    if command.startswith("DETACH"):
        return (
            ExecutionKind.DETACH,
            _name_after(names, said, "PARTITION"),
            _name_after(names, said, "TABLE"),
            False,
        )
    again = words[:1] in {("VACUUM",), ("CLUSTER",)} or command == "ALTER SYSTEM"
    return (ExecutionKind.REPEATABLE if again else ExecutionKind.NOT_REPEATABLE), None, None, False


def _inside(script: Script, statement: Statement) -> ExecutionKind:
    words = (*statement.words, "", "")
    if words[0] in _SETTINGS and words[1] not in _NOT_FOR_SESSION:
        return ExecutionKind.SETTING
    text = script.text[statement.start : statement.end]
    if words[0] == "CALL" or (words[0] == "DO" and _ENDS_ITSELF.search(text)):
        return ExecutionKind.NOT_REPEATABLE
    return ExecutionKind.TRANSACTIONAL


def _names(text: str, statement: Statement) -> Iterator[str]:
    """Yield a statement's tokens outside brackets as they stand, a name with its schema as one."""
    position, depth, joined, before = statement.start, 0, "", ""
    while position < statement.end:
        kind, start, position = next_token(text, position)
        depth += {"open": 1, "close": -1}.get(kind, 0)
        if kind in BLANKS or depth > 0 or kind == "close":
            continue
        piece = text[start:position]
        if "." in {piece, before}:
            joined += piece
        else:
            if joined:
                yield joined
            joined = piece
        before = piece
    if joined:
        yield joined


def _name_after(names: list[str], said: list[str], word: str | None) -> str | None:
    """Return the name behind a word, but for IF EXISTS, ONLY and the like."""
    if word not in said:
        return None
    behind = range(said.index(word) + 1, len(said))
    return next((names[index] for index in behind if said[index] not in _NO_NAME), None)


def _index(names: list[str], said: list[str]) -> tuple[str | None, str | None, bool]:
    """Return the name of an index, its table, and whether IF NOT EXISTS is said."""
    first = said.index("CONCURRENTLY") + 1
    careful = tuple(said[first : first + len(_IF_NOT_EXISTS)]) == _IF_NOT_EXISTS
    first += len(_IF_NOT_EXISTS) if careful else 0
    name = names[first] if said[first : first + 1] != ["ON"] else None
    return name, _name_after(names[first:], said[first:], "ON"), careful


def if_not_exists_of(script: Script, piece: ScriptStatement) -> tuple[tuple[int, int], ...]:
    """Return the spans of the words IF NOT EXISTS of a concurrent index, in the script's text."""
    spans: list[tuple[int, int]] = []
    position, behind = piece.statement.start, False
    while piece.if_not_exists and len(spans) < len(_IF_NOT_EXISTS):
        kind, start, position = next_token(script.text, position)
        if kind in BLANKS:
            continue
        if behind:
            spans.append((start, position))
        behind = behind or script.text[start:position].upper() == "CONCURRENTLY"
    return tuple(spans)


def bare_name(name: str) -> str:
    """Return the last part of a name, as it is written."""
    position, last = 0, ""
    while position < len(name):
        kind, start, position = next_token(name, position)
        if kind in {"word", "quoted"}:
            last = name[start:position]
    return last


def settings_in_force(settings: Iterable[ScriptStatement]) -> tuple[ScriptStatement, ...]:
    """Return the settings that are in force at the end, in their order.

    What is set again, or reset, does not count; a role that was set and is gone since is not
    asked for again.
    """
    found: dict[str, ScriptStatement] = {}
    for piece in settings:
        verb, name = _setting(piece)
        if (verb, name) == ("RESET", "ALL"):
            found = {key: kept for key, kept in found.items() if key in _ROLES}
            continue
        found.pop(name, None)
        if name == "SESSION AUTHORIZATION":
            found.pop("ROLE", None)
        if verb == "SET":
            found[name] = piece
    return tuple(found.values())


def _setting(piece: ScriptStatement) -> tuple[str, str]:
    """Return SET or RESET, and the name of what is set, in one spelling."""
    verb, *rest = [token.upper() for token in significant_tokens(piece.text, 0, len(piece.text))]
    if rest[:1] == ["SESSION"] and rest[1:2] not in (["AUTHORIZATION"], ["CHARACTERISTICS"]):
        rest = rest[1:]
    if rest[:2] in (["SESSION", "AUTHORIZATION"], ["SESSION", "CHARACTERISTICS"]):
        return verb, " ".join(rest[:2])
    if rest[:2] == ["TIME", "ZONE"]:
        return verb, "TIMEZONE"
    end = next((i for i, token in enumerate(rest) if token in {"=", "TO"}), len(rest))
    whole = verb == "RESET" or end < len(rest)
    name = "".join(rest[:end]).replace('"', "") if whole else (*rest, "")[0]
    return verb, _SAME.get(name, name)


def equivalent_index_sql(piece: ScriptStatement, name: str, table: str) -> str | None:
    """Return the same index for another table, not concurrently, to compare what they are.

    None where the statement is too odd to be rewritten.
    """
    position, on = 0, False
    while position < len(piece.text):
        kind, start, position = next_token(piece.text, position)
        word = piece.text[start:position].upper() if kind == "word" else ""
        if kind == "open" or word == "USING":
            unique = "UNIQUE " if piece.command and "UNIQUE" in piece.command else ""
            rest = piece.text[start:]
            return f"CREATE {unique}INDEX {name} ON {table} {rest}" if on else None
        on = on or word == "ON"
    return None
