"""Renders ``docs/hazards-rules.md`` from the rules and their examples; ``--write`` writes it."""

import sys
from pathlib import Path

from pgbraid.hazards.examples_file import example_of
from pgbraid.hazards.rules.catalogue import RULES
from pgbraid.hazards.rules.rule import Rule

PAGE = Path(__file__).parents[1] / "docs" / "hazards-rules.md"
FAMILIES = {
    "A": ("Blocks, by size", "Weighed by the estimated time for which others are blocked."),
    "B": (
        "Loses data, or may fail on it",
        "Not weighed by time. What has no row to lose is no finding.",
    ),
    "C": ("Breaks the running release", "The old release runs while the migration does."),
    "D": ("Left behind", "Looked at after the last of the judged migrations."),
    "E": ("Ran, or not", ""),
}
INTRODUCTION = """\
# Rules of lint

This page is made from the rules by `python tools/hazard_rules.py --write`; a test compares it. A
test also runs each example: the first migration fires the rule and no other one of warning or
above, except those named; the similar one does not; and the better ones are silent and end with the
same schema. In the tests every old table has 50 million rows. How findings are made and weighed is
in [Hazards](hazards.md).

An *old* table was there before the judged migrations.
"""


def code(title: str, text: str) -> str:
    """Return a title and a block of SQL."""
    return f"{title}\n\n```sql\n{text.rstrip()}\n```\n"


def section(rule: Rule) -> str:
    """Return the section of a rule."""
    example = example_of(rule.id)
    severity = rule.severity.value if rule.severity else "by size"
    lines = [f"### {rule.id}\n", f"{rule.title} ({severity}). It fires for {rule.fires}.\n"]
    if rule.instead:
        lines.append(f"Instead: {rule.instead}\n")
    if rule.versions:
        lines.append(f"Versions of PostgreSQL: {rule.versions}.\n")
    also = f" It also fires {', '.join(sorted(example.also))}." if example.also else ""
    lines.append(code("Before:", example.before))
    if example.queries:
        lines.append(code("A query of the running release:", example.queries))
    lines.append(code(f"Fires:{also}", example.bad))
    lines += [code("Does not fire:", text) for text in example.good]
    if example.instead:
        text = "\n-- in the next migration\n".join(t.rstrip() for t in example.instead)
        lines.append(code("Better:", text))
    return "\n".join(lines)


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION]
    for family, (title, text) in FAMILIES.items():
        rules = [rule for rule in RULES if rule.family == family]
        parts.append(f"## {family}. {title}\n")
        if text:
            parts.append(f"{text}\n")
        parts += [section(rule) for rule in rules]
    return "\n".join(parts)


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page())
    else:
        print(page())
