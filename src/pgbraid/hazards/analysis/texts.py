"""Reads the text of a statement for the rules: names, written tables, WHERE."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from pgbraid.sql.script import significant_tokens
from pgbraid.sql.secrets import mask, secrets_near

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "copied_names",
    "first_words",
    "has_word",
    "is_code",
    "masked",
    "names",
    "quoted",
    "tokens",
    "without_where",
    "written_names",
]

_WRITES = {
    "update": frozenset({"only"}),
    "delete": frozenset({"from", "only"}),
    "insert": frozenset({"into"}),
    "merge": frozenset({"into", "only"}),
    "truncate": frozenset({"table", "only"}),
}
"""Words that begin a write, and those that may stand before the table's name."""
_NOT_A_TARGET = frozenset({"set", "of", "on", "or", "cascade", "no", "(", ";", ",", ")"})
"""Words after UPDATE or DELETE that show that it is no statement: FOR UPDATE OF, ON DELETE SET."""
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_EXECUTED = re.compile(
    r"'\s*(?:alter|cluster|create|delete|drop|insert|merge|refresh|reindex|truncate|update|with)\s",
    re.IGNORECASE,
)
_BODY = re.compile(r"\$(?P<tag>\w*)\$(?P<body>.*?)\$(?P=tag)\$", re.DOTALL)


@cache
def tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of a statement, words in lower case; a DO block has those of its body.

    In the body, a literal that begins as a statement has the tokens of it: EXECUTE runs it.
    """
    return tuple(_tokens(text, in_body=False))


def _tokens(text: str, *, in_body: bool) -> Iterator[str]:
    for token in significant_tokens(text, 0, len(text)):
        if body := _BODY.fullmatch(token):
            yield from _tokens(body["body"], in_body=True)
        elif in_body and _EXECUTED.match(token):
            yield from _tokens(token[1:-1].replace("''", "'"), in_body=False)
        else:
            yield token


def first_words(text: str, count: int) -> tuple[str, ...]:
    """Return the first tokens of a statement, in lower case."""
    return tokens(text)[:count]


def has_word(text: str, *words: str) -> bool:
    """Whether these words follow each other somewhere in a statement."""
    parts = tokens(text)
    width = len(words)
    return any(parts[at : at + width] == words for at in range(len(parts) - width + 1))


def names(text: str) -> frozenset[str]:
    """Return all names and words of a statement, without quotes."""
    return frozenset(_unquoted(token) for token in tokens(text))


def written_names(text: str) -> dict[str, set[str]]:
    """Return the names of the tables that a statement writes, by the kind of the write.

    The names have no schema. A statement that another statement contains counts, too.
    """
    tables: dict[str, set[str]] = {}
    parts = tokens(text)
    for at, token in enumerate(parts):
        if token not in _WRITES or (at and parts[at - 1] in {"for", "on", "or", "no", "key"}):
            continue
        rest = at + 1
        while rest < len(parts) and parts[rest] in _WRITES[token]:
            rest += 1
        if rest < len(parts) and parts[rest] not in _NOT_A_TARGET:
            while rest + 2 < len(parts) and parts[rest + 1] == ".":
                rest += 2
            tables.setdefault(token, set()).add(_unquoted(parts[rest]))
    return tables


def copied_names(text: str) -> frozenset[str]:
    """Return the names of the tables that INSERT … SELECT or CREATE … AS SELECT reads.

    The names have no schema.
    """
    sources, copies = set(), False
    parts = tokens(text)
    for at, word in enumerate(parts):
        if word == ";":
            copies = False
        elif word == "insert" or (word == "as" and parts[at + 1 : at + 2] == ("select",)):
            copies = True
        elif copies and word in {"from", "join"}:
            rest = at + 1
            while rest + 2 < len(parts) and parts[rest + 1] == ".":
                rest += 2
            sources |= {_unquoted(part) for part in parts[rest : rest + 1]}
    return frozenset(sources)


def is_code(text: str) -> bool:
    """Whether a statement runs a block of code or a function."""
    return first_words(text, 1) in {("do",), ("call",), ("select",)}


def without_where(text: str, word: str) -> bool:
    """Whether a statement that begins with ``word`` (update, delete) has no WHERE of its own."""
    parts = tokens(text)
    if parts[:1] != (word,):
        return False
    depth = 0
    for part in parts:
        depth += {"(": 1, ")": -1}.get(part, 0)
        if depth == 0 and part == "where":
            return False
    return True


@lru_cache(maxsize=16)
def masked(text: str) -> str:
    """Return a statement to show: its secrets are asterisks."""
    return mask(text, secrets_near(text))


def quoted(*parts: str) -> str:
    """Return a name as SQL writes it, with quotes where they are needed."""
    return ".".join(
        part if _PLAIN.fullmatch(part) else '"{}"'.format(part.replace('"', '""')) for part in parts
    )


def _unquoted(token: str) -> str:
    if token[:1] == '"':
        return token[1:-1].replace('""', '"')
    return token
