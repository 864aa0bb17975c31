"""Django: one row for each migration of each application; its files are Python.

Source: ``django/db/migrations/recorder.py``, ``loader.py``. The key is ``app.name``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers.formats.tool import TIME, VARCHAR, History, Recorded, Tool

if TYPE_CHECKING:
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]

# Runs in the environment of the user's project, in the folder of manage.py. The migrations of
# installed applications are part of the history. No query is sent.
_SCRIPT = """
import json, os, pathlib, re, sys
folder = pathlib.Path(sys.argv[1]).resolve()
manage = folder / "manage.py"
if manage.exists() and "DJANGO_SETTINGS_MODULE" not in os.environ:
    match = re.search(r"DJANGO_SETTINGS_MODULE['\\"], *['\\"]([\\w.]+)", manage.read_text())
    if match:
        os.environ["DJANGO_SETTINGS_MODULE"] = match[1]
sys.path.insert(0, str(folder))
os.chdir(folder)
import django
django.setup()
from django.db import connections
from django.db.migrations.loader import MigrationLoader
loader = MigrationLoader(None, replace_migrations=False)
connection = connections["default"]
loader.connection = connection
plan = []
for key in sorted(loader.graph.leaf_nodes()):
    for node in loader.graph.forwards_plan(key):
        if node not in plan:
            plan.append(node)
result = []
for app, name in plan:
    migration = loader.get_migration(app, name)
    sql = "\\n".join(loader.collect_sql([(migration, False)]))
    result.append({"key": f"{app}.{name}", "name": f"{app}_{name}", "file": f"{app}/{name}.py",
                   "sql": re.sub(r"^(BEGIN|COMMIT);$", "", sql, flags=re.MULTILINE).strip(),
                   "outside": not migration.atomic, "after": []})
json.dump(result, sys.stdout)
"""


def _read(table: TrackerTable) -> History:
    keys = dict.fromkeys(f"{row['app']}.{row['name']}" for row in table.records())
    return History(tuple(Recorded(key) for key in keys))


TOOL = Tool(
    "Django",
    ("django_migrations",),
    (("app", VARCHAR), ("name", VARCHAR), ("applied", TIME)),
    "name",
    read=_read,
    script=_SCRIPT,
    order=str,
)
