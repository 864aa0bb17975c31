"""Compares the types of a column: whether the new one holds every value of the old one."""

from __future__ import annotations

import re

__all__ = ["holds_every_value", "type_parts"]

_TYPE = re.compile(
    r"^(?P<name>[^(]+?)(?:\((?P<size>[\d, -]+)\))?(?P<rest> with.*)?(?P<array>\[\])?$"
)
_WIDER = {
    "smallint": ("integer", "bigint", "numeric", "real", "double precision"),
    "integer": ("bigint", "numeric", "double precision"),
    "bigint": ("numeric",),
    "real": ("double precision",),
    "date": ("timestamp without time zone", "timestamp with time zone"),
    "timestamp without time zone": ("timestamp with time zone",),
    "timestamp with time zone": ("timestamp without time zone",),
    "cidr": ("inet",),
    "json": ("jsonb",),
    "jsonb": ("json",),
    "character varying": ("text",),
    "character": ("text", "character varying"),
    "text": ("character varying",),
    "name": ("text", "character varying"),
}
"""Types that hold every value of another one; those with a size are compared by it."""
_TEXTS = frozenset({"text", "character varying"})
_SIZED = frozenset({"character varying", "character", "numeric", "bit", "bit varying"})


def type_parts(name: str) -> tuple[str, tuple[int, ...], str]:
    """Return the name of a type as format_type spells it, its sizes, and ``[]`` for an array."""
    match = _TYPE.match(name)
    if match is None:
        return name, (), ""
    size = tuple(int(part) for part in (match["size"] or "").split(",") if part.strip())
    base = f"{match['name']}{match['rest'] or ''}"
    return base, size, match["array"] or ""


def holds_every_value(old: str, new: str) -> bool:
    """Whether every value of the type ``old`` fits into ``new``, both as format_type spells them.

    An unknown pair of types counts as not fitting, except that every value has a text.
    """
    (was, size, array), (now, other, other_array) = type_parts(old), type_parts(new)
    if array != other_array:
        return now in _TEXTS and not other
    if now in _TEXTS and not other:
        return True
    if was == now:
        return _fits(was, size, other)
    if now not in _WIDER.get(was, ()):
        return False
    if now in _SIZED and other:
        return was == "character" and bool(size) and other[0] >= size[0]
    return True


def _fits(name: str, size: tuple[int, ...], other: tuple[int, ...]) -> bool:
    if not other:
        return True
    if not size:
        return name not in _SIZED and not name.startswith(("time", "interval"))
    if name == "numeric":
        scale, other_scale = (*size, 0)[1], (*other, 0)[1]
        return other_scale >= scale and other[0] - other_scale >= size[0] - scale
    return other[0] >= size[0]
