"""Parses the catalog's lists of oids and options, and quotes names for messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["listed", "oids_of", "quoted", "referred", "sorted_options"]

_OPTION = re.compile(r"(?:[^,'\s]|'(?:[^']|'')*'| (?==)|(?<==) )+")
"""A name, an equals sign and a literal."""


def oids_of(value: str) -> list[str]:
    """Return the oids, or numbers, in the text of an array or an oidvector."""
    if value[:1] == "{":
        return value[1:-1].split(",") if value != "{}" else []
    return value.split()


def quoted(name: str) -> str:
    """Quote a name as the server does, except that reserved words stay unquoted."""
    plain = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower()
    return name if plain and not name[:1].isdigit() else '"' + name.replace('"', '""') + '"'


def sorted_options(value: str | None) -> str | None:
    """Sort a list of options in the catalog's format, as their order has no meaning."""
    return value and ", ".join(sorted(_OPTION.findall(value)))


def listed(numbered: Iterable[tuple[Any, str]]) -> tuple[str]:
    """Return names in the order of their numbers, one per line, as the only fact of an object."""
    return ("\n".join(name for _, name in sorted(numbered)),)


def referred(rows: Iterable[list[Any]], place: int, *, many: bool) -> set[str]:
    """Return the oids in a column of these rows; with ``many``, each value is a list of oids."""
    values = {row[place] for row in rows}
    values.discard(None)
    return {oid for value in values for oid in oids_of(value)} if many else values
