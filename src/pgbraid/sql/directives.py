"""Reads the directives of a migration, such as ``-- pgbraid: no-transaction``.

A directive is a line comment before the first statement. A file may have several, on separate lines
or on one line with spaces or commas between them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pgbraid.model.migration import NO_DIRECTIVES, AllowedHazard, Directives
from pgbraid.model.units import parse_duration
from pgbraid.sql.lexer import next_token
from pgbraid.sql.replaced_versions import parse_replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.sql.script import Script

__all__ = ["DIRECTIVE", "directive_errors", "head_comments", "is_head", "read_directives"]

DIRECTIVE = re.compile(r"--[ \t]*(?i:pgbraid):[ \t]*(?P<text>[^\r\n]*)")
"""A comment that holds directives."""
_NEARLY = re.compile(
    r"(?:--|/\*)[ \t]*pgbraid\b[\s:]*(?:no-transaction|lock-timeout|statement-timeout|retry-for"
    r"|isolation|allow-difference|allow-hazard|replaces)\b",
    re.IGNORECASE,
)
"""A comment that was probably meant as a directive."""
_BETWEEN = re.compile(r"[\s,]+")
_NEWLINE = re.compile(r"[\r\n]")
_PASSED_OVER = frozenset({"space", "block", "semicolon"})
"""Tokens that may precede the first statement, besides line comments and meta-commands."""
_DURATIONS = {
    "lock-timeout": "lock_timeout",
    "statement-timeout": "statement_timeout",
    "retry-for": "retry_for",
}
_REASONED = re.compile(r"(?:^|[\s,])(?P<word>(?:allow-difference|allow-hazard)\b.*)$")
"""The directives that take the rest of their line, as a reason."""
_REPLACES = "replaces"
_ALLOWS = "allow-hazard"
_REPEATED = frozenset({_REPLACES, _ALLOWS})
"""The directives that may stand on several lines: the list of one can be long, and a file may need
several of the other."""
_HAZARD = re.compile(r"(?P<rule>[a-z][a-z-]*)(?:\((?P<table>[^()]+)\))?(?:\s+(?P<reason>\S.*))?")
_VERSIONS = re.compile(r"(?P<before>(?:^|.*?[\s,]))(?P<word>replaces=[^\s]*)(?P<after>.*)$")
"""The only directive whose value may contain commas."""
_KNOWN = (
    "no-transaction, lock-timeout=, statement-timeout=, retry-for=, isolation=, "
    "allow-difference=REASON, allow-hazard=RULE(TABLE) REASON and, in a baseline, replaces=VERSIONS"
)
_LEVELS = {"serializable": "SERIALIZABLE", "repeatable-read": "REPEATABLE READ"}


def read_directives(text: str) -> Directives:
    """Return the directives at the head of a text; invalid ones are ignored."""
    directives = NO_DIRECTIVES
    for comment in head_comments(text):
        match = DIRECTIVE.match(comment)
        for word in _words(match["text"]) if match else ():
            fields = _read(word)
            if not isinstance(fields, str):
                directives = replace(directives, **_added(directives, fields))
    return directives


def is_head(text: str) -> bool:
    """Whether a truncated text ends before its first statement."""
    position = 1 if text.startswith("\ufeff") else 0
    while position < len(text):
        kind, start, position = next_token(text, position)
        if kind not in {*_PASSED_OVER, "comment", "meta"}:
            return kind == "unterminated" and text.startswith("/*", start)
    return True


def directive_errors(script: Script, *, after_statements: bool) -> Iterator[tuple[int, str, str]]:
    """Yield offset, message and hint of each invalid directive.

    ``after_statements``: an earlier part of the same file already held a statement.
    """
    first = script.statements[0].start if script.statements else len(script.text)
    first = -1 if after_statements else first
    yield from _misspelt(script.text, first)
    names: set[str] = set()
    for start, end in script.comments:
        match = DIRECTIVE.match(script.text[start:end])
        if match is None:
            continue
        if start > first:
            yield (
                start,
                "a directive stands after the first statement",
                "Move the directive to the top of the file: it applies to the whole file.",
            )
            continue
        words = list(_words(match["text"]))
        if not words:
            yield start, "the directive is empty", f"The directives are {_KNOWN}."
        for word in words:
            fields = _read(word)
            name = word.partition("=")[0]
            if isinstance(fields, str):
                yield start, fields, f"Remove or correct it. The directives are {_KNOWN}."
            elif name in names and name not in _REPEATED:
                yield start, f"{name} is given twice", "Remove one of the two."
            elif names | {name} >= {"no-transaction", "isolation"}:
                message = "isolation cannot be combined with no-transaction"
                yield start, message, "Remove isolation or no-transaction."
            elif names | {name} >= {"no-transaction", _REPLACES}:
                message = "replaces cannot be combined with no-transaction"
                yield start, message, "A baseline runs in a transaction: remove no-transaction."
            names.add(name)


def _misspelt(text: str, end: int) -> Iterator[tuple[int, str, str]]:
    """Yield the comments before the first statement that look like a directive but are not one."""
    for match in _NEARLY.finditer(text, 0, max(end, 0)):
        if not DIRECTIVE.match(text, match.start()):
            hint = "Write it as a line of its own: `-- pgbraid: …`."
            yield match.start(), "the comment looks like a directive but is not one", hint


def head_comments(text: str) -> Iterator[str]:
    """Yield the line comments before the first statement of a text."""
    # This runs at loading, for every file: it must not parse more than the head.
    position = 1 if text.startswith("\ufeff") else 0
    while position < len(text):
        kind, start, position = next_token(text, position)
        # The head of a dump may hold the meta-command \restrict.
        if kind == "meta":
            newline = _NEWLINE.search(text, position)
            position = newline.start() if newline else len(text)
        elif kind == "comment":
            yield text[start:position]
        elif kind not in _PASSED_OVER:
            return


def _words(text: str) -> Iterator[str]:
    """Yield the directives of one comment; a reason keeps its spaces and commas."""
    reasoned = _REASONED.search(text)
    before = text[: reasoned.start()] if reasoned else text
    while match := _VERSIONS.match(before):
        yield from (word for word in _BETWEEN.split(match["before"]) if word)
        yield match["word"].rstrip(",")
        before = match["after"]
    yield from (word for word in _BETWEEN.split(before.strip()) if word)
    if reasoned:
        yield reasoned["word"].rstrip()


def _added(directives: Directives, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields to set; the lists of several lines become one."""
    if "allowed_hazards" in fields:
        allowed = (*directives.allowed_hazards, *fields["allowed_hazards"])
        return {"allowed_hazards": allowed}
    if _REPLACES not in fields:
        return fields
    versions = sorted({*directives.replaces, *fields[_REPLACES]})
    earlier = (*directives.earlier_baselines, *fields["earlier_baselines"])
    return {_REPLACES: tuple(versions), "earlier_baselines": earlier}


def _read(word: str) -> dict[str, Any] | str:
    """Return the fields of Directives that one word sets, or an error message."""
    name, given, value = word.partition("=")
    if name == "no-transaction":
        return "no-transaction takes no value" if given else {"no_transaction": True}
    if name == "allow-difference":
        reason = value.strip()
        if reason:
            return {"allow_difference": reason}
        return (
            "allow-difference needs a reason, as in allow-difference=the order of columns is known"
        )
    if name == _ALLOWS:
        return _hazard(value)
    if name == "isolation":
        level = _LEVELS.get(value.lower())
        error = f"isolation must be serializable or repeatable-read, not {value!r}"
        return {"isolation": level} if level else error
    return _versions(value) if name == _REPLACES else _duration(name, value)


def _hazard(value: str) -> dict[str, Any] | str:
    match = _HAZARD.fullmatch(value.strip())
    if match is None or match["reason"] is None:
        return (
            "allow-hazard needs a rule and a reason, as in "
            "allow-hazard=index-build(orders) written at night only"
        )
    return {"allowed_hazards": (AllowedHazard(match["rule"], match["table"], match["reason"]),)}


def _versions(value: str) -> dict[str, Any] | str:
    replaced = parse_replaced(value)
    if isinstance(replaced, str):
        return replaced
    return {_REPLACES: replaced[0], "earlier_baselines": replaced[1]}


def _duration(name: str, value: str) -> dict[str, Any] | str:
    if name not in _DURATIONS:
        return f"unrecognized directive {name!r}"
    duration = parse_duration(value)
    if duration is None:
        return f"{name} must be a duration such as {name}=2s, not {value!r}"
    return {_DURATIONS[name]: duration}
