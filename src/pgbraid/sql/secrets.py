"""Finds the passwords in SQL, so that no message, excerpt or diff shows one."""

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
_SPOKEN = (
    *("password", "passwd", "passphrase", "secret", "token", "apikey", "api_key"),
    *("privatekey", "private_key", "credential", "://"),
)
"""What a text has that has a secret, in lower case."""
_SPEAKING = re.compile(rf"{_WORD}|://", re.IGNORECASE)
_GAP = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
_GIVEN = re.compile(
    rf"{_WORD}(?:\s*=\s*(?P<value>[^\s'\"&;]+)|\"\s*:\s*\"(?P<member>[^\"]+)\"|['\"]?{_GAP}"
    rf"(?:=>|:=|=|:|,|TO\b)?{_GAP}(?:(?:[ENBX]|U&)?'+(?P<literal>(?:[^'\\]|\\.|'\s*')+)(?:'|\Z)"
    r"|\$(?P<tag>\w*)\$(?P<dollar>.*?)\$(?P=tag)\$))"
    r"|://[^\s/:@]*:(?P<userinfo>[^\s@]+)@",
    re.IGNORECASE | re.DOTALL,
)
"""What such a word is given, wherever it stands; "://" is a word here, too."""
_GROUPS = ("value", "member", "literal", "dollar", "userinfo")
_PIECES = re.compile(r"[\s;'\"]+")
_REACH = 2000
"""Characters behind a word in which its secret ends."""
_WHOLE = 200_000
"""Characters of a text that is taken apart within a moment."""
_PAIRS = re.compile(r"'([^'\n]{3,})'|\"([^\"\n]{3,})\"")
_BETWEEN = frozenset({"=", "=>", ":", ",", ":=", "TO"})
_DOLLARS = re.compile(r"^\$[^$]*\$|\$[^$]*\$$")
_SHORTEST = 3
_LONG_LINE = 8
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is not to be shown: ``known`` anywhere, ``likely`` where it stands in quotes.

    Of a text that is too long to list its literals, all of them are likely: it is the ``source``.
    """

    known: frozenset[str] = frozenset()
    likely: frozenset[str] = frozenset()
    source: str = ""

    def __or__(self, other: Secrets) -> Secrets:
        source = self.source or other.source
        return Secrets(self.known | other.known, self.likely | other.likely, source)


NO_SECRETS = Secrets()


class _Literal(NamedTuple):
    """A quoted piece: the word it is given to, its kind, itself, and its statement's number."""

    name: str
    kind: str
    quoted: str
    statement: int


def secrets_in(text: str) -> Secrets:
    """Return the secrets of a text of SQL, or of what the server says of one.

    Known is a literal that the word PASSWORD, or a name that ends in it or its kin, stands
    before, and what a connection string or a JSON document gives to such a name. Likely is
    every other literal of a statement that mentions such a word. A quoted body is searched like
    the text; the server quotes SQL in double quotes, so the text is searched without those too.
    """
    if next(_mentions(text), None) is None:
        return NO_SECRETS
    found = _search(text, 0)
    return found | _search(text.replace('"', " "), 0) if '"' in text else found


def secrets_near(text: str) -> Secrets:
    """Return the secrets of a text of whatever length, to hide them in a short one.

    A long text is not taken apart, as that takes two seconds a megabyte: only what stands behind
    the words is looked at, and every literal of it counts as likely.
    """
    if len(text) <= _WHOLE:
        return secrets_in(text)
    known: set[str] = set()
    spoken = False
    for start in _mentions(text):
        spoken = True
        match = _GIVEN.match(text, start, start + _REACH)
        if match:
            found = next(match[group] for group in _GROUPS if match[group])
            known |= {found, *_PIECES.split(found)}
    return Secrets(_long(known), source=text) if spoken else NO_SECRETS


def _mentions(text: str) -> Iterator[int]:
    """Yield where the words stand that a text with a secret has."""
    lower = text.lower()
    if len(lower) != len(text):  # a few letters are longer in lower case
        yield from (match.start() for match in _SPEAKING.finditer(text))
        return
    for word in _SPOKEN:  # ten times as fast as the pattern
        at = lower.find(word)
        while at >= 0:
            yield at
            at = lower.find(word, at + len(word))


def _search(text: str, depth: int) -> Secrets:
    literals, mentions = _literals(text)
    known: set[str] = set()
    likely: set[str] = set()
    for name, kind, quoted, statement in literals:
        body = _body(quoted)
        if _NAME.search(name):
            known |= {body, *_PIECES.split(body)}
        elif statement in mentions and kind != "dollar":
            likely.add(body)
            known |= {s for line in body.splitlines()[1:] if len(s := line.strip()) >= _LONG_LINE}
        known |= {m[m.lastgroup or 0] for m in _INSIDE.finditer(body)}
        if depth < _DEEPEST and len(body) < len(text):
            inner = _search(body if kind == "dollar" else body.replace("''", "'"), depth + 1)
            known |= inner.known
            likely |= inner.likely
    return Secrets(_long(known), _long(likely))


def _long(found: Iterable[str]) -> frozenset[str]:
    return frozenset(secret for secret in found if len(secret) >= _SHORTEST)


def _literals(text: str) -> tuple[list[_Literal], set[int]]:
    """Return every quoted piece, and the numbers of the statements that mention a secret.

    The name is the word before it, or before the comma, and of the parts of one string the
    first one's.
    """
    found: list[_Literal] = []
    mentions: set[int] = set()
    before = name = last = ""
    statement = 0
    for kind, piece in _pieces(text):
        if kind == "semicolon":
            statement += 1
        if kind != "dollar" and kind not in _BLANKS and _MENTION.search(piece):
            mentions.add(statement)
        if kind in _BLANKS or piece.upper() in _BETWEEN:
            last = last if kind in _BLANKS else kind
            continue
        if kind in _QUOTED:
            name = name if last in _QUOTED else before
            found.append(_Literal(name, kind, piece, statement))
        before, last = piece, kind
    return found, mentions


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        kind, start, position = next_token(text, position)
        yield kind, text[start:position]


def _body(quoted: str) -> str:
    """Return what stands between the quotes."""
    if quoted.startswith("$"):
        return _DOLLARS.sub("", quoted)
    return quoted.partition("'")[2].removesuffix("'")


def mask(text: str, secrets: Secrets) -> str:
    """Return the text with every secret's letters as asterisks, so that its length stays."""
    for secret in sorted(secrets.known, key=len, reverse=True):
        text = text.replace(secret, "*" * len(secret))
    for secret in sorted(secrets.likely, key=len, reverse=True):
        if secret in text:
            for mark in "'\"":
                hidden = f"{mark}{'*' * len(secret)}{mark}"
                text = text.replace(f"{mark}{secret}{mark}", hidden)
    return _PAIRS.sub(lambda pair: _hidden(pair, secrets.source), text) if secrets.source else text


def _hidden(pair: re.Match[str], source: str) -> str:
    """Return a quoted piece with asterisks, where it is a literal of the source."""
    piece = pair[1] or pair[2]
    shown = f"'{piece}'" not in source
    return pair[0] if shown else f"{pair[0][0]}{'*' * len(piece)}{pair[0][-1]}"
