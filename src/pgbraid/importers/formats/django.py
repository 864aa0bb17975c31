"""Django: one row for each migration of each application; its files are Python.

Source: ``django/db/migrations/recorder.py``, ``loader.py``. The key is ``app.name``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers.formats.tool import TIME, VARCHAR, History, Recorded, Tool

if TYPE_CHECKING:
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]


def _read(table: TrackerTable) -> History:
    keys = dict.fromkeys(f"{row['app']}.{row['name']}" for row in table.records())
    return History(tuple(Recorded(key) for key in keys))


TOOL = Tool(
    "Django",
    ("django_migrations",),
    (("app", VARCHAR), ("name", VARCHAR), ("applied", TIME)),
    "name",
    read=_read,
    program="django.py.txt",
    order=str,
)
