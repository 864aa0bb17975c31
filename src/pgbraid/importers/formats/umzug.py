"""umzug and Sequelize: one row for each file, by its name; its files are JavaScript.

Source: umzug ``src/storage/sequelize.ts``.
"""

from __future__ import annotations

from pgbraid.importers.formats.reading import read_all
from pgbraid.importers.formats.tool import VARCHAR, Tool

__all__ = ["TOOL"]

TOOL = Tool(
    "Sequelize or umzug",
    ("SequelizeMeta",),
    (("name", VARCHAR),),
    "name",
    read=read_all("name"),
    ids=("umzug", "sequelize"),
)
