"""Finds marks of other tools that would change how their tool runs the file.

:mod:`pgbraid.sql.tool_text` reads the sections of other tools. The marks here remain.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.model.migration import Location, Migration, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.sql.script import Script

__all__ = ["tool_mark_problems"]

_DOWN_SECTION = re.compile(
    r"--[ \t]*(?:\+goose[ \t]+down|\+migrate[ \t]+down|migrate:down)\b", re.IGNORECASE
)
_SEPARATOR = "-- create above / drop below --"
_NODE_DOWN = re.compile(r"--[ \t-]*down[ \t]+migration\b", re.IGNORECASE)
_NODE_UP = re.compile(r"^[ \t]*--[ \t-]*up[ \t]+migration\b", re.IGNORECASE | re.MULTILINE)
"""node-pg-migrate accepts more words in its marks, and other texts before them."""
_CHANGES_TEXT = re.compile(
    r"--[ \t]*(?:\+goose[ \t]+envsub(?:st)?[ \t]+on|atlas:delimiter)\b", re.IGNORECASE
)


def tool_mark_problems(migration: Migration, script: Script) -> Iterator[Problem]:
    """Yield problems of a down section without an up section and of marks that change texts."""
    down_seen = False
    for start, end in script.comments:
        comment = script.text[start:end]
        # Run as plain SQL, the file would undo itself and still be recorded as applied.
        if _begins_down_section(script, start, comment) and not down_seen:
            down_seen = True
            yield Problem(
                "down_section",
                f"another tool's down section ({comment.strip()}): as plain SQL, the file would "
                "undo its own changes",
                detail="No up section precedes it, SQL stands before that section, or one of the "
                "two comments is not as that tool writes it.",
                hint=f"Move that section into {migration.digits}_{migration.name}.down.sql. If it "
                "is an ordinary comment, reword it.",
                location=Location(migration.path, *script.place(start)),
                versions=(migration.version,),
            )
        if _CHANGES_TEXT.match(comment):
            yield Problem(
                "tool_feature",
                f"another tool changes the text here ({comment.strip()}), and pgbraid does not",
                hint="Write the text as the tool sends it, and delete this comment.",
                location=Location(migration.path, *script.place(start)),
                versions=(migration.version,),
            )


def _begins_down_section(script: Script, start: int, comment: str) -> bool:
    """Whether a comment is another tool's mark of a down section with a statement."""
    if _DOWN_SECTION.match(comment):
        return True
    own_line = not script.text[:start].rpartition("\n")[2].strip()
    node = own_line and _NODE_DOWN.match(comment) and _NODE_UP.search(script.text)
    if not (node or _SEPARATOR in comment):
        return False
    return any(statement.start > start for statement in script.statements)
