"""Finds the secrets in SQL, so that messages, excerpts and diffs can mask them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pgbraid.sql.lexer import next_token

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["NO_SECRETS", "Secrets", "mask", "secrets_in", "secrets_near"]

_WORD = r"(?:password|passwd|passphrase|secret|token|api_?key|private_?key|credentials?)"
_NAME = re.compile(rf"{_WORD}['\"]?\Z", re.IGNORECASE)
_MENTION = re.compile(_WORD, re.IGNORECASE)
_QUOTED = frozenset({"string", "escape", "dollar", "unterminated"})
_BLANKS = frozenset({"space", "comment", "block"})
_INSIDE = re.compile(
    rf"(?:{_WORD}\s*=\s*(?P<value>[^\s'\"&;]+))"
    rf"|(?:{_WORD}\"\s*:\s*\"(?P<member>[^\"]+)\")"
    r"|(?:://[^\s/:@]*:(?P<userinfo>[^\s@]+)@)",
    re.IGNORECASE,
)
_KEYWORDS = (
    *("password", "passwd", "passphrase", "secret", "token", "apikey", "api_key"),
    *("privatekey", "private_key", "credential", "://"),
)
"""Every text with a secret contains one of these, in lower case."""
_KEYWORD = re.compile(rf"{_WORD}|://", re.IGNORECASE)
_GAP = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
_GIVEN = re.compile(
    rf"{_WORD}(?:\s*=\s*(?P<value>[^\s'\"&;]+)|\"\s*:\s*\"(?P<member>[^\"]+)\"|['\"]?{_GAP}"
    rf"(?:=>|:=|=|:|,|TO\b)?{_GAP}(?:(?:[ENBX]|U&)?'+(?P<literal>(?:[^'\\]|\\.|'\s*')+)(?:'|\Z)"
    r"|\$(?P<tag>\w*)\$(?P<dollar>.*?)\$(?P=tag)\$))"
    r"|://[^\s/:@]*:(?P<userinfo>[^\s@]+)@",
    re.IGNORECASE | re.DOTALL,
)
"""A keyword (or "://") and the value that is assigned to it."""
_GROUPS = ("value", "member", "literal", "dollar", "userinfo")
_SEPARATORS = re.compile(r"[\s;'\"]+")
_REACH = 2000
"""A secret ends within this number of characters after its keyword."""
_WHOLE = 200_000
"""Texts up to this number of characters are searched token by token."""
_PAIRS = re.compile(r"'([^'\n]{3,})'|\"([^\"\n]{3,})\"")
_BETWEEN = frozenset({"=", "=>", ":", ",", ":=", "TO"})
_DOLLARS = re.compile(r"^\$[^$]*\$|\$[^$]*\$$")
_SHORTEST = 3
_LONG_LINE = 8
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Secrets:
    """Strings to mask: ``certain`` ones anywhere, ``likely`` ones only inside quotes.

    ``source`` is a text too long to list its literals; each of its literals counts as likely.
    """

    certain: frozenset[str] = frozenset()
    likely: frozenset[str] = frozenset()
    source: str = ""

    def __or__(self, other: Secrets) -> Secrets:
        source = self.source or other.source
        return Secrets(self.certain | other.certain, self.likely | other.likely, source)


NO_SECRETS = Secrets()


class _Literal(NamedTuple):
    """A literal: the word it is assigned to, its kind, its text, its statement's number."""

    name: str
    kind: str
    quoted: str
    statement: int


def secrets_in(text: str) -> Secrets:
    """Return the secrets in SQL text or in a server message about it.

    Certain secrets are literals that follow PASSWORD or a name ending in a word such as SECRET
    or TOKEN, and the values of such names in connection strings and JSON. All other literals of a
    statement that mentions such a word are likely secrets. Quoted bodies are searched as well.
    """
    if next(_mentions(text), None) is None:
        return NO_SECRETS
    secrets = _search(text, 0)
    if '"' not in text:
        return secrets
    # A server message encloses SQL in double quotes, which would hide its literals.
    return secrets | _search(text.replace('"', " "), 0)


def secrets_near(text: str) -> Secrets:
    """Return the secrets of a text of any length, to mask them in a short message.

    Tokenizing takes two seconds per megabyte. In a long text, only the values directly after the
    keywords are read, and every literal of the text counts as likely.
    """
    if len(text) <= _WHOLE:
        return secrets_in(text)
    certain: set[str] = set()
    mentioned = False
    for start in _mentions(text):
        mentioned = True
        match = _GIVEN.match(text, start, start + _REACH)
        if match:
            value = next(match[group] for group in _GROUPS if match[group])
            certain |= {value, *_SEPARATORS.split(value)}
    return Secrets(_long(certain), source=text) if mentioned else NO_SECRETS


def _mentions(text: str) -> Iterator[int]:
    """Yield the offsets of the keywords in a text."""
    lower = text.lower()
    if len(lower) != len(text):  # a few letters, such as İ, are longer in lower case
        yield from (match.start() for match in _KEYWORD.finditer(text))
        return
    for word in _KEYWORDS:  # str.find is ten times as fast as the pattern
        at = lower.find(word)
        while at >= 0:
            yield at
            at = lower.find(word, at + len(word))


def _search(text: str, depth: int) -> Secrets:
    literals, mentions = _literals(text)
    certain: set[str] = set()
    likely: set[str] = set()
    for name, kind, quoted, statement in literals:
        body = _body(quoted)
        if _NAME.search(name):
            certain |= {body, *_SEPARATORS.split(body)}
        elif statement in mentions and kind != "dollar":
            likely.add(body)
            # An error excerpt shows single lines of a literal, without its quotes.
            certain |= {s for line in body.splitlines()[1:] if len(s := line.strip()) >= _LONG_LINE}
        certain |= {m[m.lastgroup or 0] for m in _INSIDE.finditer(body)}
        # Literals nest: a DO body may EXECUTE a quoted statement that holds another literal.
        if depth < _DEEPEST and len(body) < len(text):
            inner = _search(body if kind == "dollar" else body.replace("''", "'"), depth + 1)
            certain |= inner.certain
            likely |= inner.likely
    return Secrets(_long(certain), _long(likely))


def _long(secrets: Iterable[str]) -> frozenset[str]:
    return frozenset(secret for secret in secrets if len(secret) >= _SHORTEST)


def _literals(text: str) -> tuple[list[_Literal], set[int]]:
    """Return all literals, and the numbers of the statements that mention a keyword.

    The name of a literal is the word before it, skipping ``=``, ``:``, ``,`` and TO. The parts of
    one continued string constant share the name of the first part.
    """
    literals: list[_Literal] = []
    mentions: set[int] = set()
    before = name = last = ""
    statement = 0
    for kind, part in _tokens(text):
        if kind == "semicolon":
            statement += 1
        if kind != "dollar" and kind not in _BLANKS and _MENTION.search(part):
            mentions.add(statement)
        if kind in _BLANKS or part.upper() in _BETWEEN:
            last = last if kind in _BLANKS else kind
            continue
        if kind in _QUOTED:
            name = name if last in _QUOTED else before
            literals.append(_Literal(name, kind, part, statement))
        before, last = part, kind
    return literals, mentions


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        kind, start, position = next_token(text, position)
        yield kind, text[start:position]


def _body(quoted: str) -> str:
    """Return a literal without its quotes."""
    if quoted.startswith("$"):
        return _DOLLARS.sub("", quoted)
    return quoted.partition("'")[2].removesuffix("'")


def mask(text: str, secrets: Secrets) -> str:
    """Return the text with each secret replaced by as many asterisks; its length is kept."""
    # Longest first: a secret may contain a shorter one.
    for secret in sorted(secrets.certain, key=len, reverse=True):
        text = text.replace(secret, "*" * len(secret))
    for secret in sorted(secrets.likely, key=len, reverse=True):
        if secret in text:
            # A likely secret may be an ordinary word, so it is masked only inside quotes.
            for mark in "'\"":
                hidden = f"{mark}{'*' * len(secret)}{mark}"
                text = text.replace(f"{mark}{secret}{mark}", hidden)
    return _PAIRS.sub(lambda pair: _hidden(pair, secrets.source), text) if secrets.source else text


def _hidden(pair: re.Match[str], source: str) -> str:
    """Return a quoted string, masked if it is a literal of the source."""
    content = pair[1] or pair[2]
    shown = f"'{content}'" not in source
    return pair[0] if shown else f"{pair[0][0]}{'*' * len(content)}{pair[0][-1]}"
