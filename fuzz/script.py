"""Reads the files of SQL that say what is tried."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = [
    "Case",
    "base_of",
    "cases_of",
    "mutations",
    "neutral",
    "secrets",
    "sections_of",
    "shared",
]

_FOLDER = Path(__file__).parent / "sql"
_FILES = ("relations", "programs", "types", "access")
_HEAD = re.compile(r"^--# (.*)\n", re.MULTILINE)
_SECRET = re.compile(r"\bSECRET-[A-Z]+")
_PARTS = re.compile(r"^-- (?:before|then)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Case:
    """One change: what is run before it, itself, and what a difference is to mention."""

    name: str
    before: str
    sql: str
    says: str = ""
    facet: str = ""
    since: int = 0
    until: int = 99
    needs: str = ""
    beyond: str = ""
    """Why it need not be seen, where that is so."""
    unwritten: str = ""
    """Why the text of a snapshot need not show it, where that is so."""

    def fits(self, major: int, features: frozenset[str]) -> bool:
        """Whether a server of this version and with these features knows it."""
        return self.since <= major <= self.until and (not self.needs or self.needs in features)


def cases_of(name: str) -> list[Case]:
    """Return the cases of one file."""
    pieces = _HEAD.split((_FOLDER / f"{name}.sql").read_text())
    return [_case(head, sql) for head, sql in zip(pieces[1::2], pieces[2::2], strict=True)]


def _case(head: str, sql: str) -> Case:
    name, *options = (part.strip() for part in head.split("|"))
    said = dict(option.split(" ", 1) for option in options)
    pieces = _PARTS.split(sql)
    return Case(
        name,
        pieces[1] if len(pieces) > 1 else "",
        pieces[-1],
        said.pop("says", ""),
        said.pop("facet", ""),
        int(said.pop("since", 0)),
        int(said.pop("until", 99)),
        said.pop("with", ""),
        said.pop("beyond", ""),
        said.pop("unwritten", ""),
    )


def mutations() -> list[Case]:
    """Return everything that must be seen."""
    return [case for name in _FILES for case in cases_of(name)]


def neutral() -> list[Case]:
    """Return what must not be seen."""
    return cases_of("neutral")


def base_of(major: int) -> str:
    """Return the schema that a server of this version starts from."""
    first, *rest = _HEAD.split((_FOLDER / "base.sql").read_text())
    versions = zip(rest[::2], rest[1::2], strict=True)
    return first + "".join(sql for head, sql in versions if int(head.split()[-1]) <= major)


def shared() -> str:
    """Return the schema that the histories meet in."""
    return (_FOLDER / "shared.sql").read_text()


@cache
def sections_of(name: str) -> dict[str, list[str]]:
    """Return the statements of a file's sections, each on a line of its own."""
    pieces = _HEAD.split((_FOLDER / f"{name}.sql").read_text())
    return {
        head: [line.rstrip(";") for line in sql.splitlines() if line.endswith(";")]
        for head, sql in zip(pieces[1::2], pieces[2::2], strict=True)
    }


@cache
def secrets() -> set[str]:
    """Return the passwords in all of the files."""
    return {word for path in _FOLDER.glob("*.sql") for word in _SECRET.findall(path.read_text())}
