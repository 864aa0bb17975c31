"""Builds the JSON document of ``sizes``."""

from __future__ import annotations

import json

from pgbraid.hazards.sizes_file import format_sizes

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from typing import Any

    from pgbraid.model.hazards.sizes import Sizes, Workload

__all__ = ["sizes_document"]


def sizes_document(
    sizes: Sizes, workload: Workload | None, file: str | None, queries_file: str | None
) -> dict[str, Any]:
    """Return the members of the sizes file, the tables of unknown size and the written files."""
    members: dict[str, Any] = json.loads(format_sizes(sizes))
    del members["pgbraid_sizes"]  # the document has a format of its own
    return {
        **members,
        "unknown": sorted(name for name, size in sizes.tables.items() if size.rows is None),
        "file": file,
        "queries_file": queries_file,
        "queries": None if workload is None else len(workload.queries),
        "queries_left_out": None if workload is None else workload.left_out,
    }
