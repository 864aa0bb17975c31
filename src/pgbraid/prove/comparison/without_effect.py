"""Sorts out differences that have no effect, and that a dump and its restore make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.model.snapshot import DATA, DEFINITION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.model.snapshot import Difference

__all__ = ["split_by_effect"]

_UNUSED = {
    # Of two constraints with equal definitions, only keys can differ here: it depends on the
    # statement that made the key of a partition, and keys are never inherited.
    ("pg_constraint", "connoinherit"),
    # The server accepts an array of any number of dimensions, regardless of the declared number.
    ("pg_attribute", "attndims"),
}
_HAS_DEFAULT = ("pg_attribute", "atthasdef")


def split_by_effect(
    differences: Iterable[Difference],
) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
    """Return the differences that have an effect, and the names of those that have none."""
    effective, names = [], []
    differences = tuple(differences)
    null_defaults = {
        d.name.removeprefix("default value for ") for d in differences if _is_null_default(d)
    }
    for difference in differences:
        column = difference.name.removeprefix("column ")
        unused = _UNUSED | ({_HAS_DEFAULT} if column in null_defaults else set())
        facts = {(difference.catalog, attribute.name) for attribute in difference.attributes}
        is_unused = not difference.only and facts and facts <= unused
        if is_unused or _is_null_default(difference) or _is_refreshed(difference):
            names.append(difference.name)
        else:
            effective.append(difference)
    return tuple(effective), tuple(names)


def _is_refreshed(difference: Difference) -> bool:
    """Whether the rows of a materialized view differ, which a restore refreshes.

    The next refresh gives both sides the same rows: its definition and the tables are compared.
    """
    return difference.catalog == DATA and difference.name.startswith("rows of materialized view ")


def _is_null_default(difference: Difference) -> bool:
    """Whether a default exists on one side only, and is NULL, as a column without one has it."""
    if not (difference.catalog == "pg_attrdef" and difference.only):
        return False
    values = {a.name: a.left or a.right for a in difference.attributes}
    return str(values.get(DEFINITION, "")).partition("::")[0] == "NULL"
