"""Sqitch: one row for each change of a project, with the SHA-1 of its script.

Source: ``App/Sqitch/Engine/pg.sql``, ``App/Sqitch/Plan``. The order is that of ``sqitch.plan``. A
change that was reworked stands twice in the plan; the script of the older one has the tag in its
name.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import in_time, text_name
from pgbraid.importers.formats.tool import ForeignMigration, History, Recorded, Tool
from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import Location, Problem
from pgbraid.sql.tool_text import directives_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.importers.formats.tool import ForeignFile
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]

_CHANGE = re.compile(r"([^\s@%#\[]\S*)(?:[ \t]+\[[^\]]*\])?[ \t]+\S+Z[ \t]")
_PROJECT = re.compile(r"^%project=(\S+)", re.MULTILINE)
_TAG = re.compile(r"@(\S+)")
_WRAP = re.compile(r"^[ \t]*(?:begin|commit)[ \t]*;[ \t]*$", re.IGNORECASE | re.MULTILINE)


def _read(table: TrackerTable) -> History:
    rows = in_time(in_time(table.records(), "committed_at"), "planned_at")
    count: dict[str, int] = {}
    result = []
    for row in rows:
        name = f"{row['project']}:{row['change']}"
        count[name] = count.get(name, 0) + 1
        result.append(Recorded(_key(name, count[name]), row.get("script_hash")))
    return History(tuple(result))


def _key(name: str, number: int) -> str:
    """Return the key of the n-th change of a name, which includes its project."""
    return name if number == 1 else f"{name}#{number}"


def _files(sources: Sequence[ForeignFile]) -> tuple[ForeignMigration, ...]:
    by_path = {source.path: source for source in sources}
    plans = [source for source in sources if source.name == "sqitch.plan"]
    result: list[ForeignMigration] = []
    for plan in plans:
        folder = plan.path.removesuffix("sqitch.plan")
        changes = _changes(plan.text)
        project = _PROJECT.search(plan.text)
        prefix = f"{project[1]}:" if project else ""
        count: dict[str, int] = {}
        for position, (name, _) in enumerate(changes):
            count[name] = count.get(name, 0) + 1
            # An older script of a reworked change has the first tag after it in its name.
            later = [at for at in range(position + 1, len(changes)) if changes[at][0] == name]
            tags = [tag for _, tag in changes[position : later[0]] if tag] if later else []
            file_name = f"{name}@{tags[0]}" if tags else name
            source = by_path.get(f"{folder}deploy/{file_name}.sql")
            if source is None:
                raise _missing(plan, file_name)
            down = by_path.get(f"{folder}revert/{file_name}.sql")
            sha1 = hashlib.sha1(source.data, usedforsecurity=False).hexdigest()
            result.append(
                ForeignMigration(
                    key=_key(f"{prefix}{name}", count[name]),
                    path=source.path,
                    digits="",
                    name=text_name(name),
                    up=source.text,
                    down=down.text if down else None,
                    no_transaction=not _WRAP.search(source.text)
                    and directives_of(source.text).no_transaction,
                    checksums=frozenset({sha1}),
                )
            )
    return tuple(result)


def _changes(text: str) -> list[tuple[str, str | None]]:
    """Return each change of a plan with the first tag that follows it before the next change."""
    result: list[tuple[str, str | None]] = []
    for line in text.splitlines():
        change, tag = _CHANGE.match(line.strip()), _TAG.match(line.strip())
        if change:
            result.append((change[1], None))
        elif tag and result and result[-1][1] is None:
            result[-1] = (result[-1][0], tag[1])
    return result


def _missing(plan: ForeignFile, name: str) -> ProblemsFound:
    message = f"{name} is in the plan, but deploy/{name}.sql is not in the folder"
    location = Location(plan.path)
    return ProblemsFound((Problem("tracker_file_unreadable", message, location=location),))


TOOL = Tool(
    "Sqitch",
    ("changes",),
    (("change_id", "text"), ("change", "text"), ("project", "text")),
    "change",
    read=_read,
    files=_files,
    schema="sqitch",
    beside=("dependencies", "events", "projects", "releases", "tags"),
    more=("script_hash", "planned_at", "committed_at"),
    order=str,
    # A registry may have the changes of several projects.
    scope=lambda key: key.partition(":")[0],
)
