"""Reads the examples of the rules, one file each; the documentation and a test use them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

__all__ = ["Example", "example_of"]

_SECTION = re.compile(
    r"^-- (?P<name>before|bad|good|instead|queries)(?P<options>(?:; [^\n]*)?)$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Example:
    """The example of a rule.

    ``before`` is the schema before, ``bad`` a migration in which the rule fires, ``good`` a similar
    one in which it does not, ``instead`` the migrations that do the same as ``bad`` without the
    hazard, ``queries`` a workload. ``also`` are other rules that ``bad`` fires, ``since`` is the
    first version of PostgreSQL that knows its statements.
    """

    rule: str
    before: str
    bad: str
    good: tuple[str, ...]
    instead: tuple[str, ...]
    queries: str
    also: frozenset[str] = frozenset()
    since: int = 13


@cache
def example_of(rule: str) -> Example:
    """Return the example of a rule."""
    file = resources.files("pgbraid.hazards") / "examples" / f"{rule}.sql"
    return _parsed(rule, file.read_text(encoding="utf-8"))


def _parsed(rule: str, text: str) -> Example:
    sections: dict[str, list[str]] = {
        "before": [],
        "bad": [],
        "good": [],
        "instead": [],
        "queries": [],
    }
    options: dict[str, str] = {}
    matches = list(_SECTION.finditer(text))
    for match, following in zip(matches, [*matches[1:], None], strict=True):
        end = following.start() if following else len(text)
        sections[match["name"]].append(text[match.end() : end].strip() + "\n")
        for option in match["options"].split(";")[1:]:
            name, _, value = option.strip().partition(" ")
            options[name] = value
    return Example(
        rule,
        "".join(sections["before"]),
        "".join(sections["bad"]),
        tuple(sections["good"]),
        tuple(sections["instead"]),
        "".join(sections["queries"]),
        frozenset(re.split(r"[, ]+", options["also"])) if "also" in options else frozenset(),
        int(options.get("since", 13)),
    )
