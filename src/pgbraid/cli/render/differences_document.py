"""Builds the part of a JSON document about one difference, with the rows that differ."""

from __future__ import annotations

from pgbraid.model.catalog_names import display_name

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from typing import Any

    from pgbraid.model.snapshot import Difference, RowDifferences

__all__ = ["difference_document"]


def difference_document(difference: Difference) -> dict[str, Any]:
    """Return the members of a difference."""
    return {
        "facet": difference.facet.value,
        "object": difference.name,
        "catalog": difference.catalog,
        "only": difference.only,
        "attributes": [
            {"name": display_name(a.name), "left": a.left, "right": a.right}
            for a in difference.attributes
        ],
        "rows": _rows(difference.rows),
    }


def _rows(rows: RowDifferences | None) -> dict[str, Any] | None:
    if rows is None:
        return None
    return {
        "changed": rows.changed,
        "only_left": rows.only_left,
        "only_right": rows.only_right,
        "complete": rows.complete,
        "columns_of_one_side": list(rows.columns),
        "rows": [
            {
                "only": row.only,
                "number": row.number,
                "key": dict(row.key),
                "values": [{"name": v.name, "left": v.left, "right": v.right} for v in row.values],
            }
            for row in rows.rows
        ],
    }
