"""The section of the drift of a database, and that of a comparison that failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.page.sections.objects import LISTED, changed_objects
from pgbraid.page.texts.characters import shown

if TYPE_CHECKING:
    from pgbraid.model.errors import PgbraidError
    from pgbraid.model.proof import DriftReport
    from pgbraid.page.sections.objects import ChangedObject

__all__ = ["DriftSection", "FailedSection", "drift_section", "failed_section"]

_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class DriftSection:
    """The objects of a database that no migration made so."""

    drifted: int
    replayed: int
    server: str
    objects: tuple[ChangedObject, ...] = ()
    more: int = 0
    """The number of objects that are not listed."""
    ignored: int = 0
    not_compared: tuple[str, ...] = ()
    provided: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FailedSection:
    """The error of a requested comparison that could not be made."""

    message: str
    detail: str = ""
    hint: str = ""


def drift_section(report: DriftReport) -> DriftSection:
    """Return the section of a drift report."""
    objects = changed_objects(report.differences[:LISTED])
    return DriftSection(
        len(report.differences),
        report.replayed,
        shown(report.server),
        objects,
        len(report.differences) - len(objects),
        report.ignored,
        tuple(map(shown, report.not_compared)),
        tuple(map(shown, report.provided)),
        tuple(map(shown, report.notes)),
    )


def failed_section(error: PgbraidError) -> FailedSection:
    """Return the section of an error."""
    texts = (error.message, error.detail or "", error.hint or "")
    return FailedSection(*(shown(" ".join(text.split("\n")), _LONGEST) for text in texts))
