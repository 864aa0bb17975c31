"""Parses file names: a migration, its down file, a near miss, or an unrelated file."""

from __future__ import annotations

import re

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    from pgbraid.model.migration import AppliedMigration, Migration

    NameStyle = Literal["name", "label", "number", "file"]

__all__ = [
    "CHECKSUM_FILE",
    "MAX_VERSION",
    "ORIGIN_FILE",
    "FileName",
    "NearMiss",
    "case_folded",
    "name_style",
    "parse_file_name",
    "parse_version",
    "recorded_name",
    "same_migration_name",
    "slug",
]

CHECKSUM_FILE = "pgbraid.sum"
"""The name of the checksum file."""
ORIGIN_FILE = "pgbraid.origin.json"
"""The name of the file with the origin of converted migrations."""
MAX_VERSION = 2**63 - 1
"""The highest version: PostgreSQL's bigint."""
_STYLES: tuple[NameStyle, ...] = ("name", "label", "number", "file")
"""Ways to record the name of ``0103_add.sql``: add, 0103_add, 103_add, 0103_add.sql."""
_MIGRATION = re.compile(r"([0-9]+)_(.+?)(\.up|\.down)?\.sql", re.DOTALL)
_LOOKS_LIKE = (  # compiled at first use, as the patterns below: few names need them
    r"(?is)\s*(?:[vurb]?[-+]?\d|r__).*\.sql(?:\.txt)?|[^.].*\.up\.sql(?:\.txt)?"
)
"""A leading number and ``.sql``, or any visible ``.up.sql``. Some editors append ``.txt``."""
_PARTS = (
    r"(?is)\s*[vurb]?\+?(?P<digits>\d*)[\W_]*(?P<name>.*?)(?P<kind>\.up|\.down)?\.sql(?:\.txt)?"
)
_RECORDED = r"(?s)(?:0*(?P<version>[0-9]+)_)?(?P<name>.*?)(?:(?:\.up)?\.sql)?"


class FileName:
    """The parts of a migration's file name; ``digits`` is the version as it is written."""

    # Not a dataclass, nor is NearMiss: a run with nothing to do must not import that module.
    __slots__ = ("digits", "kind", "name")

    def __init__(self, digits: str, name: str, kind: Literal["up", "down"]) -> None:
        self.digits = digits
        self.name = name
        self.kind = kind


class NearMiss:
    """A name that looks like a migration but is not one; ``suggestion`` is a valid name."""

    __slots__ = ("suggestion",)

    def __init__(self, suggestion: str | None) -> None:
        self.suggestion = suggestion


def parse_file_name(file_name: str) -> FileName | NearMiss | None:
    """Return the parts of a migration's name, a near miss, or None for an unrelated name.

    ``NNN_name.sql`` and ``NNN_name.up.sql`` are migrations, ``NNN_name.down.sql`` their down
    files. Digits are ASCII, endings lower-case.
    """
    match = _MIGRATION.fullmatch(file_name)
    if match and not match[2].lower().endswith((".up", ".down")) and match[2].strip(". "):
        return FileName(match[1], match[2], "down" if match[3] == ".down" else "up")
    if re.fullmatch(_LOOKS_LIKE, file_name):
        return NearMiss(_suggestion(file_name))
    return None


def parse_version(digits: str) -> int | None:
    """Return a version as a number, or None if it is not ASCII digits or exceeds bigint."""
    if not (digits.isascii() and digits.isdigit()):
        return None
    digits = digits.lstrip("0") or "0"
    # int() raises ValueError for very long texts, so the length is compared first.
    version = int(digits) if len(digits) <= len(str(MAX_VERSION)) else MAX_VERSION + 1
    return version if version <= MAX_VERSION else None


def _suggestion(file_name: str) -> str | None:
    match = re.fullmatch(_PARTS, file_name)
    if not match or not match["digits"] or not match["name"]:
        return None
    import unicodedata  # noqa: PLC0415 - few names need it

    digits = "".join(str(unicodedata.decimal(char)) for char in match["digits"])
    suggestion = f"{digits}_{match['name']}{(match['kind'] or '').lower()}.sql"
    return suggestion if isinstance(parse_file_name(suggestion), FileName) else None


def same_migration_name(recorded: str, version: int, name: str) -> bool:
    """Whether a recorded name is the name of this migration.

    A ledger written by another program may record the bare name, the name with its version, or the
    file name.
    """
    if recorded == name:
        return True
    match = re.fullmatch(_RECORDED, recorded)
    if match is None or match["name"] != name:
        return False
    return match["version"] is None or parse_version(match["version"]) == version


def recorded_name(migration: Migration, style: NameStyle) -> str:
    """Return the name of a migration in the style in which this ledger records names."""
    spelled = {
        "name": migration.name,
        "label": migration.label,
        "number": f"{migration.version}_{migration.name}",
        "file": migration.file,
    }
    return spelled[style]


def name_style(applied: Iterable[AppliedMigration], migrations: Iterable[Migration]) -> NameStyle:
    """Return the style of the name in the highest applied row that has a file.

    A ledger that another program created keeps that program's style. The default is the bare name.
    """
    files = {m.version: m for m in migrations}
    for row in sorted(applied, key=lambda row: row.version, reverse=True):
        if row.version in files:
            return _style_of(row, files[row.version])
    return "name"


def _style_of(row: AppliedMigration, migration: Migration) -> NameStyle:
    for style in _STYLES:
        if recorded_name(migration, style) == row.name:
            return style
    return "name"


def case_folded(name: str) -> str:
    """Return a key that is equal for names that differ only in case or Unicode normalisation."""
    if name.isascii():
        return name.lower()
    import unicodedata  # noqa: PLC0415 - few names need it

    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def slug(title: str) -> str:
    """Return a title as the name part of a file name: lower-case words joined by ``_``."""
    # A title may be pasted with an ending: `pgbraid new add_email.sql`.
    title = re.sub(r"(\.(up|down))?(\.sql)?$", "", title.strip().lower())
    return re.sub(r"[^\w.-]+", "_", title).strip("_.-")
