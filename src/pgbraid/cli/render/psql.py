"""Formats text as psql does: aligned tables, ERROR / LINE / DETAIL / HINT with a caret."""

from __future__ import annotations

import re

from pgbraid.cli.render.characters import cell, clean, width

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta

    from pgbraid.model.migration import Diagnostic, Location, Problem

__all__ = [
    "context",
    "count",
    "diagnostic",
    "duration",
    "error",
    "problem",
    "spelled",
    "table",
    "warning",
]

_LONGEST_EXCERPT = 60


_BEFORE_CARET = 44
"""In columns, as in psql: a line with its number fits into 80."""


_WITHOUT_CONTEXT = frozenset({"DEBUG", "LOG", "INFO", "NOTICE", "WARNING"})


_OPTIONS = {
    f"`{name}`": f"--{name.replace('_', '-')}"
    for name in (
        *(
            "to",
            "not_applied",
            "dir",
            "schema",
            "table",
            "role",
            "direct_url",
            "session_pooler",
            "gaps",
            "hazards",
            "sizes",
            "queries",
            "probe",
            "config",
            "base",
            "history",
            "embedded",
            "python",
            "port",
            "env_file",
        ),
        *("lock_wait", "lock_timeout", "statement_timeout", "retry_for", "commit_wait", "accept"),
    )
} | {
    "`adopt = false`": "--no-adopt",
    "`conninfo`": "--database",
    "`only_schemas`": "--only-schema",
    "`scratch_url`": "--scratch",
}


_NAMED = re.compile("|".join(_OPTIONS))


def spelled(text: str) -> str:
    """Return a message of the library with its parameters spelled as command-line options."""
    return _NAMED.sub(lambda match: _OPTIONS[match[0]], text) if "`" in text else text


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 gap``, ``2 gaps``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: int = 0,
    columns: int | None = None,
) -> Iterator[str]:
    """Yield an aligned table as psql prints it; the first ``right`` columns are numbers.

    If ``columns`` is the width of a terminal, the widest columns are cut so that every row fits.
    """
    cells = [[cell(text) for text in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(head, *cells, strict=True)]
    if columns is not None:
        from pgbraid.cli.render.characters import cut

        _narrow(widths, [width(name) for name in head], columns)
        cells = [[cut(text, w) for text, w in zip(row, widths, strict=True)] for row in cells]
    yield " " + " | ".join(_centred(n, w) for n, w in zip(head, widths, strict=True)).rstrip()
    yield "-" + "-+-".join("-" * w for w in widths) + "-"
    for row in cells:
        padded = (
            " " * (w - width(text)) + text if index < right else text + " " * (w - width(text))
            for index, (text, w) in enumerate(zip(row, widths, strict=True))
        )
        yield (" " + " | ".join(padded)).rstrip()


def _narrow(widths: list[int], least: list[int], columns: int) -> None:
    """Take from the widest columns of a table until it fits, as long as their heads do."""
    room = columns - len("-" + "-+-" * (len(widths) - 1) + "-")
    while sum(widths) > room:
        spare = [w - low and w for w, low in zip(widths, least, strict=True)]
        if not any(spare):
            return
        widths[spare.index(max(spare))] -= 1


def _centred(text: str, columns: int) -> str:
    left = (columns - width(text)) // 2
    return " " * left + text + " " * (columns - width(text) - left)


def problem(problem: Problem) -> Iterator[str]:
    """Yield the lines of a problem."""
    label = "ERROR" if problem.severity == "error" else "WARNING"
    yield from _head(problem.location, label, spelled(problem.message))
    yield from _slot("DETAIL", problem.detail, ours=True)
    if problem.diff:
        yield from (f"    {clean(line)}" for line in problem.diff.splitlines())
    yield from _slot("HINT", problem.hint, ours=True)


def diagnostic(
    diagnostic: Diagnostic, *, verbose: bool = False, severity: str | None = None
) -> Iterator[str]:
    """Yield the lines of a diagnostic, with the line of the file and a caret."""
    code = f"{diagnostic.sqlstate}: " if verbose and diagnostic.sqlstate else ""
    yield from _head(
        diagnostic.location, severity or diagnostic.severity, code + diagnostic.message
    )
    if diagnostic.excerpt is not None and diagnostic.location is not None:
        yield from _excerpt(
            f"LINE {diagnostic.location.line}: ", diagnostic.excerpt, diagnostic.caret
        )
    yield from _slot("DETAIL", diagnostic.detail)
    yield from _slot("HINT", diagnostic.hint, ours=True)
    yield from _slot("QUERY", diagnostic.internal_query)
    if verbose or diagnostic.severity not in _WITHOUT_CONTEXT:
        yield from context(diagnostic)


def context(diagnostic: Diagnostic) -> Iterator[str]:
    """Yield the CONTEXT line of a diagnostic: the server code that was running."""
    yield from _slot("CONTEXT", diagnostic.context)


def error(
    message: str, detail: str | None, hint: str | None, location: Location | None = None
) -> Iterator[str]:
    """Yield the lines of an error of ours."""
    yield from _head(location, "ERROR", spelled(message))
    yield from _slot("DETAIL", detail, ours=True)
    yield from _slot("HINT", hint, ours=True)


def warning(message: str, hint: str | None) -> Iterator[str]:
    """Yield the lines of a warning without a place."""
    yield from _head(None, "WARNING", spelled(message))
    yield from _slot("HINT", hint, ours=True)


def _head(location: Location | None, label: str, message: str) -> Iterator[str]:
    place = f"{clean(str(location))}: " if location else ""
    yield from _lines(f"{place}{label}:  {message}")


def _slot(name: str, text: str | None, *, ours: bool = False) -> Iterator[str]:
    if text:
        yield from _lines(f"{name}:  {spelled(text) if ours else text}")


def _lines(text: str) -> Iterator[str]:
    yield from (clean(line) for line in text.splitlines())


def _excerpt(prefix: str, line: str, caret: int | None) -> Iterator[str]:
    """Yield the line, cut to a window round the caret, and the caret below its character."""
    at, start, end = caret or 0, 0, len(line)
    if width(_flat(line)) > _LONGEST_EXCERPT:
        start = _reach(line[at - 1 :: -1] if at else "", _BEFORE_CARET, at, -1)
        room = _LONGEST_EXCERPT - width(_flat(line[start:at]))
        end = _reach(line[at:], room, at, 1)
    before = ("..." if start else "") + _flat(line[start:at])
    after = _flat(line[at:end]) + ("..." if end < len(line) else "")
    yield f"{prefix}{before}{after}".rstrip()
    if caret is not None:
        yield " " * width(prefix + before) + "^"


def _reach(text: str, columns: int, at: int, step: int) -> int:
    """Return the position that is at most ``columns`` away from ``at``."""
    for char in text:
        columns -= width(_flat(char))
        if columns < 0:
            break
        at += step
    return at


def _flat(text: str) -> str:
    """Return a part of a line without characters of zero width."""
    import unicodedata

    return "".join(
        " " if char == "\t" else clean(char) if unicodedata.category(char) != "Cf" else ""
        for char in text
    )


def duration(taken: timedelta) -> str:
    """Return a duration in ms, s or min, whichever fits its size."""
    seconds = taken.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.2f} s"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s"
