"""Classifies and shows the changes of a migration's text."""

from __future__ import annotations

import difflib
from itertools import islice

from pgbraid.model.results import ModificationKind
from pgbraid.sql.checksum import normalize_newlines
from pgbraid.sql.parser import normalized_tokens
from pgbraid.sql.secrets import mask, secrets_in
from pgbraid.sql.tool_text import directives_of, up_sections

__all__ = ["classify_modification", "first_changed_line", "unified_diff"]

_DIFF_LINES = 60


def classify_modification(recorded: str | None, now: str) -> ModificationKind | None:
    """Return how two texts differ, or None if at most their line ends differ."""
    if recorded is None:
        return ModificationKind.UNKNOWN
    if normalize_newlines(recorded) == normalize_newlines(now):
        return None
    same = _effect(recorded) == _effect(now)
    return ModificationKind.COSMETIC if same else ModificationKind.MEANING


def _effect(text: str) -> tuple[list[str], bool]:
    """Return what decides the effect of a text: its up sections, and whether they run alone.

    Comments of other tools, such as ``-- +goose Down``, decide both.
    """
    return normalized_tokens(up_sections(text)), directives_of(text).no_transaction


def unified_diff(recorded: str, now: str, name: str, *, before: str = "as applied") -> str:
    """Return a unified diff from the recorded text to the file's, up to 60 lines, secrets masked.

    ``before`` describes the recorded text. The line ends are normalized.
    """
    secrets = secrets_in(recorded) | secrets_in(now)
    lines = difflib.unified_diff(
        mask(normalize_newlines(recorded), secrets).splitlines(),
        mask(normalize_newlines(now), secrets).splitlines(),
        f"{name} {before}",
        f"{name} on disk",
        lineterm="",
    )
    shown = list(islice(lines, _DIFF_LINES + 1))
    if len(shown) > _DIFF_LINES:
        shown[_DIFF_LINES:] = ["… (the rest is omitted)"]
    return "\n".join(shown)


def first_changed_line(recorded: str, now: str) -> int:
    """Return the number of the first line in which the present text differs, from 1."""
    lines, old = now.splitlines(), recorded.splitlines()
    for number, (line, other) in enumerate(zip(lines, old, strict=False), 1):
        if line != other:
            return number
    return max(1, min(len(lines), len(old) + 1))
