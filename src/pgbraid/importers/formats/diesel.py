"""Diesel: one row for each migration; a folder holds its up.sql and down.sql.

Source: ``diesel/src/migration``, ``diesel_migrations``. The version is the part of the folder's
name before the first underscore, without dashes.
"""

from __future__ import annotations

import re

from pgbraid.importers.formats.reading import folders, read_all
from pgbraid.importers.formats.tool import TIME, VARCHAR, Tool, number_of

__all__ = ["TOOL"]


def _digits(match: re.Match[str]) -> str:
    return match[1].replace("-", "")


TOOL = Tool(
    "Diesel",
    ("__diesel_schema_migrations",),
    (("version", VARCHAR), ("run_on", TIME)),
    "version",
    read=read_all("version"),
    files=folders(
        re.compile(r"([0-9-]+)_(.*)", re.DOTALL),
        key=lambda match: number_of(_digits(match)),
        digits=_digits,
    ),
    by_version=True,
)
