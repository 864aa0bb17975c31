"""yoyo: one row for each migration, by its file's name without the ending.

Source: ``backends/base.py``, ``internalmigrations``. The hash in the table is that of the name, not
of the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import in_order, read_all, text_name
from pgbraid.importers.formats.tool import TIME, VARCHAR, ForeignMigration, Tool
from pgbraid.sql.tool_text import directives_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.importers.formats.tool import ForeignFile

__all__ = ["TOOL", "TOOL_4"]

_DEPENDS = re.compile(r"^--[ \t]*depends:(.*)$", re.MULTILINE)
_OUTSIDE = re.compile(r"^--[ \t]*transactional:[ \t]*false", re.MULTILINE | re.IGNORECASE)


def _files(sources: Sequence[ForeignFile]) -> tuple[ForeignMigration, ...]:
    by_path = {source.path: source for source in sources}
    result = []
    for source in sources:
        name = source.name.removesuffix(".sql")
        if not source.name.endswith(".sql") or name.endswith(".rollback") or "/" in source.path:
            continue
        text = source.text
        down = by_path.get(f"{name}.rollback.sql")
        depends = _DEPENDS.search(text)
        outside = _OUTSIDE.search(text) is not None
        result.append(
            ForeignMigration(
                key=name,
                path=source.path,
                digits="",
                name=text_name(name),
                up=text,
                down=down.text if down else None,
                no_transaction=outside or directives_of(text).no_transaction,
                after=tuple(depends[1].split()) if depends else (),
            )
        )
    return in_order(result)


TOOL = Tool(
    "yoyo",
    ("_yoyo_migrations", "_yoyo_migration"),
    (("migration_hash", VARCHAR), ("migration_id", VARCHAR)),
    "migration_id",
    read=read_all("migration_id"),
    files=_files,
    beside=("_yoyo_log", "_yoyo_version", "yoyo_lock"),
    lock=("yoyo_lock", "locked"),
    order=str,
)
TOOL_4 = Tool(
    "yoyo 4",
    ("_yoyo_migration",),
    (("id", VARCHAR), ("ctime", TIME)),
    "id",
    nullable=("ctime",),
    read=read_all("id"),
    files=_files,
    ids=("yoyo-4",),
    order=str,
)
