"""What a migration's head says to pgbraid: ``-- pgbraid: no-transaction`` and its kin.

A directive is a line comment before the first statement. Several stand on lines of their own, or
on one, with blanks or commas between.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pgbraid.model.durations import parse_duration
from pgbraid.model.migration import NO_DIRECTIVES, Directives
from pgbraid.sql.lexer import next_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.sql.script import Script

__all__ = ["DIRECTIVE", "directive_errors", "is_head", "read_directives"]

DIRECTIVE = re.compile(r"--[ \t]*(?i:pgbraid):[ \t]*(?P<text>[^\r\n]*)")
"""A comment that directs pgbraid."""
_NEARLY = re.compile(
    r"(?:--|/\*)[ \t]*pgbraid\b[\s:]*(?:no-transaction|lock-timeout|statement-timeout|retry-for"
    r"|isolation|allow-difference)\b",
    re.IGNORECASE,
)
"""What was meant to be one, maybe."""
_BETWEEN = re.compile(r"[\s,]+")
_NEWLINE = re.compile(r"[\r\n]")
_PASSED_OVER = frozenset({"space", "block", "semicolon"})
"""What may stand before the first statement, besides comments and psql's meta-commands."""
_SPANS = {
    "lock-timeout": "lock_timeout",
    "statement-timeout": "statement_timeout",
    "retry-for": "retry_for",
}
_REASONED = re.compile(r"(?:^|[\s,])(?P<word>allow-difference\b.*)$")
"""The one directive that takes the rest of its line: why a difference is known and accepted."""
_KNOWN = (
    "no-transaction, lock-timeout=, statement-timeout=, retry-for=, isolation= and "
    "allow-difference=REASON"
)
_LEVELS = {"serializable": "SERIALIZABLE", "repeatable-read": "REPEATABLE READ"}


def read_directives(text: str) -> Directives:
    """Return what the head of a text says; what is wrong with it is left out."""
    found = NO_DIRECTIVES
    for comment in _head(text):
        match = DIRECTIVE.match(comment)
        for word in _words(match["text"]) if match else ():
            given = _read(word)
            if not isinstance(given, str):
                found = replace(found, **given)
    return found


def is_head(text: str) -> bool:
    """Whether no statement has begun where a text is cut off."""
    position = 1 if text.startswith("\ufeff") else 0
    while position < len(text):
        kind, start, position = next_token(text, position)
        if kind not in {*_PASSED_OVER, "comment", "meta"}:
            return kind == "unterminated" and text.startswith("/*", start)
    return True


def directive_errors(script: Script, *, begun: bool) -> Iterator[tuple[int, str, str]]:
    """Yield where a directive is, what is wrong with it, and what to do.

    ``begun`` says that there were statements before this part of the text.
    """
    first = script.statements[0].start if script.statements else len(script.text)
    first = -1 if begun else first
    yield from _misspelt(script.text, first)
    names: set[str] = set()
    for start, end in script.comments:
        match = DIRECTIVE.match(script.text[start:end])
        if match is None:
            continue
        if start > first:
            yield (
                start,
                "a directive stands behind the first statement",
                "Move it to the head of the file; it counts for the whole of it.",
            )
            continue
        words = list(_words(match["text"]))
        if not words:
            yield start, "the directive is empty", f"pgbraid knows {_KNOWN}."
        for word in words:
            said = _read(word)
            name = word.partition("=")[0]
            if isinstance(said, str):
                yield start, said, f"Take it out, or mend it: pgbraid knows {_KNOWN}."
            elif name in names:
                yield start, f"{name} is said twice", "Take one of them out."
            elif names | {name} >= {"no-transaction", "isolation"}:
                message = "an isolation level is one of a transaction, and the file asks for none"
                yield start, message, "Take isolation or no-transaction out."
            names.add(name)


def _misspelt(text: str, end: int) -> Iterator[tuple[int, str, str]]:
    """Yield where a comment before the first statement looks like a directive and is none."""
    for match in _NEARLY.finditer(text, 0, max(end, 0)):
        if not DIRECTIVE.match(text, match.start()):
            hint = "Write it as a line of its own: `-- pgbraid: …`."
            yield match.start(), "this looks like a directive, and is none", hint


def _head(text: str) -> Iterator[str]:
    """Yield the line comments before the first statement."""
    position = 1 if text.startswith("\ufeff") else 0
    while position < len(text):
        kind, start, position = next_token(text, position)
        if kind == "meta":
            newline = _NEWLINE.search(text, position)
            position = newline.start() if newline else len(text)
        elif kind == "comment":
            yield text[start:position]
        elif kind not in _PASSED_OVER:
            return


def _words(text: str) -> Iterator[str]:
    reasoned = _REASONED.search(text)
    before = text[: reasoned.start()] if reasoned else text
    yield from (word for word in _BETWEEN.split(before.strip()) if word)
    if reasoned:
        yield reasoned["word"].rstrip()


def _read(word: str) -> dict[str, Any] | str:
    """Return what one word asks for, or what is wrong with it."""
    name, given, value = word.partition("=")
    if name == "no-transaction":
        return "no-transaction takes no value" if given else {"no_transaction": True}
    if name == "allow-difference":
        reason = value.strip()
        if reason:
            return {"allow_difference": reason}
        return "allow-difference must say why, as in allow-difference=the order of columns is known"
    if name == "isolation":
        level = _LEVELS.get(value.lower())
        said = f"isolation must be serializable or repeatable-read, not {value!r}"
        return {"isolation": level} if level else said
    return _span(name, value)


def _span(name: str, value: str) -> dict[str, Any] | str:
    if name not in _SPANS:
        return f"this pgbraid knows no directive {name!r}"
    span = parse_duration(value)
    if span is None:
        return f"{name} must be a span such as {name}=2s, not {value!r}"
    return {_SPANS[name]: span}
