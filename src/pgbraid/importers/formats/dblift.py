"""dblift: Flyway's table with a checksum as text.

Source: its wheel, ``provider.py`` and ``migration.py``. It splits lines as Python does, so its
CRC32 differs from Flyway's for form feeds and other line ends of Unicode.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from pgbraid.importers.formats.flyway import COLUMNS, order, read_flyway, versioned_files
from pgbraid.importers.formats.tool import VARCHAR, Tool

if TYPE_CHECKING:
    from pgbraid.importers.formats.tool import ForeignFile

__all__ = ["TOOL"]


def _crc32(source: ForeignFile) -> list[str]:
    crc = 0
    for line in source.text.splitlines():
        crc = zlib.crc32(line.encode(), crc)
    return [str(crc - 2**32 if crc >= 2**31 else crc), str(crc)]


TOOL = Tool(
    "dblift",
    ("dblift_schema_history", "flyway_schema_history"),
    (*COLUMNS, ("checksum", VARCHAR)),
    "version",
    nullable=("version", "checksum"),
    read=read_flyway("dblift"),
    files=versioned_files(_crc32),
    beside=("dblift_migration_lock",),
    order=order,
)
