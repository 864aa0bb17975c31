"""Reads and writes the sizes file: JSON with the names and sizes of the tables of production."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConfigError
from pgbraid.model.hazards.sizes import Sizes, TableSize

if TYPE_CHECKING:
    from typing import Any

__all__ = ["FORMAT", "format_sizes", "parse_sizes"]

FORMAT = 1
"""The format that this release writes, and the latest that it reads."""
_HINT = "`pgbraid sizes --output FILE` writes such a file."
_TABLE = tuple(field.name for field in fields(TableSize))
_COUNTS = frozenset({"rows", "bytes", "index_bytes", "toast_bytes"})
_MEMBERS = (
    *("pgbraid_sizes", "taken_at", "server_version", "timezone", "stats_since", "standbys"),
    *("published", "tables"),
)
_LONGEST_NUMBER = 30
"""Digits. Python refuses to read much longer integers."""
_TOO_LARGE = 10.0**_LONGEST_NUMBER
_LONGEST_SHOWN = 60
_DECIMALS = 4
"""Of the rates in the file."""


def parse_sizes(text: str, name: str) -> Sizes:
    """Return the sizes in the text of a sizes file; ``name`` names the file in messages.

    Raises ConfigError, which names the line or the member, for a text that is no JSON, for a later
    format, and for missing, unknown, repeated and invalid members.
    """
    reader = _Reader(name)
    try:
        content = json.loads(
            text,
            object_pairs_hook=reader.unique,
            parse_constant=reader.constant,
            parse_int=reader.integer,
        )
    except json.JSONDecodeError as error:
        place = f"{name}:{error.lineno}:{error.colno}"
        raise ConfigError(f"{place}: no valid JSON: {error.msg}", hint=_HINT) from None
    except RecursionError:
        raise reader.error("the JSON is nested too deeply") from None
    return _sizes(reader, content)


def format_sizes(sizes: Sizes) -> str:
    """Return the text of a sizes file, with one table in a line, ordered by name."""
    head = {
        "pgbraid_sizes": FORMAT,
        "taken_at": _time_text(sizes.taken_at),
        "server_version": sizes.server_version,
        "timezone": sizes.timezone,
        "stats_since": _time_text(sizes.stats_since),
        "standbys": sizes.standbys,
    }
    lines = [f"  {_json(name)}: {_json(value)}" for name, value in head.items()]
    published = [f"    {_json(table)}" for table in sorted(sizes.published)]
    lines.append(_block('  "published": [', published, "]"))
    tables = [
        f"    {_json(table)}: {_json(_members_of(size))}"
        for table, size in sorted(sizes.tables.items())
    ]
    lines.append(_block('  "tables": {', tables, "}"))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _block(head: str, items: list[str], end: str) -> str:
    return f"{head}\n" + ",\n".join(items) + f"\n  {end}" if items else f"{head}{end}"


def _members_of(size: TableSize) -> dict[str, float | str | None]:
    values = {name: getattr(size, name) for name in _TABLE}
    if size.part_of is None:  # few tables are parts of another one
        del values["part_of"]
    return {k: round(v, _DECIMALS) if isinstance(v, float) else v for k, v in values.items()}


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    # A name could hold characters that change the order in which a reader sees the line.
    return text if text.isprintable() else json.dumps(value)


def _time_text(time: datetime | None) -> str | None:
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _sizes(reader: _Reader, content: object) -> Sizes:
    if not isinstance(content, dict) or "pgbraid_sizes" not in content:
        raise reader.error("this is no sizes file: it has no member pgbraid_sizes")
    _check_format(reader, content["pgbraid_sizes"])
    reader.known(content, _MEMBERS, "")
    if "tables" not in content:
        raise reader.error("the member tables is missing")
    tables = content["tables"]
    if not isinstance(tables, dict):
        raise reader.wrong("tables", "an object", tables)
    return Sizes(
        {table: _table(reader, table, members) for table, members in tables.items()},
        reader.name,
        taken_at=reader.time(content, "taken_at"),
        server_version=reader.text(content, "server_version"),
        timezone=reader.text(content, "timezone"),
        stats_since=reader.time(content, "stats_since"),
        standbys=int(reader.number(content, "standbys", whole=True) or 0),
        published=reader.names(content, "published"),
    )


def _check_format(reader: _Reader, given: object) -> None:
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise reader.wrong("pgbraid_sizes", "the number of a format, from 1", given)
    if given > FORMAT:
        raise ConfigError(
            f"{reader.name}: the sizes file has format {given}, and this release reads {FORMAT}",
            hint="Upgrade pgbraid, or write the file with this release: `pgbraid sizes --output`.",
        )


def _table(reader: _Reader, table: str, members: object) -> TableSize:
    place = f"tables[{_json(table)}]"
    if not isinstance(members, dict):
        raise reader.wrong(place, "an object", members)
    reader.known(members, _TABLE, f"{place}.")
    values: dict[str, Any] = {
        name: reader.number(members, name, f"{place}.", whole=name in _COUNTS)
        for name in _TABLE
        if name != "part_of"
    }
    return TableSize(**values, part_of=reader.text(members, "part_of", f"{place}."))


class _Reader:
    """Checks the members of one sizes file. Its errors name the file and the member."""

    def __init__(self, name: str) -> None:
        self.name = name

    def error(self, message: str, detail: str | None = None) -> ConfigError:
        return ConfigError(f"{self.name}: {message}", detail=detail, hint=_HINT)

    def wrong(self, member: str, expected: str, value: object) -> ConfigError:
        shown = json.dumps(value)
        shown = shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"
        return self.error(f"{member} must be {expected}, not {shown}")

    def unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return an object of the JSON. Raises ConfigError for a member that is there twice."""
        result: dict[str, Any] = {}
        for member, value in pairs:
            if member in result:
                raise self.error(f"the member {_json(member)} is there twice")
            result[member] = value
        return result

    def constant(self, text: str) -> object:
        """Refuse NaN and Infinity, which Python would read."""
        raise self.error(f"{text} is no valid JSON")

    def integer(self, digits: str) -> int:
        """Return an integer of the JSON."""
        if len(digits) > _LONGEST_NUMBER:
            raise self.error(f"a number has {len(digits)} digits")
        return int(digits)

    def known(self, members: dict[str, Any], names: tuple[str, ...], place: str) -> None:
        """Raise ConfigError for a member with another name than these."""
        for member in members:
            if member not in names:
                detail = f"The members are {', '.join(names)}."
                raise self.error(f"{place}{_json(member)} is not a member of the format", detail)

    def number(
        self, members: dict[str, Any], member: str, place: str = "", *, whole: bool = False
    ) -> float | None:
        """Return a number from 0; None for null and for a member that is missing."""
        value = members.get(member)
        if value is None:
            return None
        expected = f"a {'whole number' if whole else 'number'} from 0, or null"
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(f"{place}{member}", expected, value)
        if not 0 <= value < _TOO_LARGE or (whole and value != int(value)):
            raise self.wrong(f"{place}{member}", expected, value)
        return int(value) if whole else value

    def text(self, members: dict[str, Any], member: str, place: str = "") -> str | None:
        """Return a text; None for null and for a member that is missing."""
        value = members.get(member)
        if value is None or isinstance(value, str):
            return value
        raise self.wrong(f"{place}{member}", "a text or null", value)

    def time(self, members: dict[str, Any], member: str) -> datetime | None:
        """Return a time in UTC; None for null and for a member that is missing."""
        text = self.text(members, member)
        if text is None:
            return None
        try:
            time = datetime.fromisoformat(text)
            if time.tzinfo is not None:
                return time.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise self.wrong(member, "a time with its zone, such as 2026-11-20T09:00:00Z", text)

    def names(self, members: dict[str, Any], member: str) -> frozenset[str]:
        """Return a list of names; it is empty if the member is missing."""
        value = members.get(member)
        items = value if isinstance(value, list) else [value]
        if value is not None and not all(isinstance(item, str) for item in items):
            raise self.wrong(member, "a list of texts", value)
        if isinstance(value, str):
            raise self.wrong(member, "a list of texts", value)
        return frozenset(value or ())
