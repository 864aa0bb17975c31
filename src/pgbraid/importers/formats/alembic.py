"""Alembic: one row for each head of a graph of revisions; its files are Python.

Source: ``alembic/ddl/impl.py``, ``alembic/script``. A head stands for all revisions that precede
it. The graph is in ``pgbraid.origin.json`` after a conversion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers.formats.tool import VARCHAR, History, Tool

if TYPE_CHECKING:
    from pgbraid.model.results import TrackerTable

__all__ = ["TOOL"]

# Runs in the environment of the user's project. Each revision is rendered as offline mode does it,
# without env.py, which may need a database.
_SCRIPT = """
import io, json, pathlib, sys
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
folder = pathlib.Path(sys.argv[1])
ini = next((p for p in (folder / "alembic.ini", folder.parent / "alembic.ini",
                        folder.parent.parent / "alembic.ini") if p.exists()), None)
config = Config(str(ini) if ini else None)
if folder.name == "versions":
    config.set_main_option("script_location", str(folder.parent))
elif (folder / "versions").exists():
    config.set_main_option("script_location", str(folder))
result = []
for script in reversed(list(ScriptDirectory.from_config(config).walk_revisions())):
    text = io.StringIO()
    options = {"as_sql": True, "output_buffer": text, "literal_binds": True}
    context = MigrationContext.configure(dialect_name="postgresql", opts=options)
    with Operations.context(context):
        script.module.upgrade()
    after = [*script._versioned_down_revisions, *script._resolved_dependencies]
    result.append({"key": script.revision, "name": script.doc or script.revision,
                   "file": pathlib.Path(script.path).name, "sql": text.getvalue(), "after": after})
json.dump(result, sys.stdout)
"""


def _read(table: TrackerTable) -> History:
    return History(heads=tuple(row["version_num"] for row in table.records()))


TOOL = Tool(
    "Alembic",
    ("alembic_version",),
    (("version_num", VARCHAR),),
    "version_num",
    read=_read,
    script=_SCRIPT,
    order=str,
)
