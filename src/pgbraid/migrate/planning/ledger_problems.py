"""What is said where the applied set and the journal do not agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.model.migration import Location, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.model.migration import LedgerTable, Migration
    from pgbraid.model.results import Mismatch

__all__ = [
    "MISMATCHES",
    "incomplete_lost",
    "journal_missing",
    "ledger_emptied",
    "mismatch_problems",
]

MISMATCHES = frozenset({"applied_rows_missing", "applied_rows_outdated"})
"""The codes of what is wrong where set and journal say the opposite of a version."""
_LISTED = 12


def mismatch_problems(found: Sequence[Mismatch], ledger: LedgerTable) -> Iterator[Problem]:
    """Refuse to run anything over a set that the journal contradicts."""
    lost = [mismatch for mismatch in found if mismatch.applied]
    if lost:
        yield Problem(
            "applied_rows_missing",
            f"the journal says that {_listed(lost)} {_are(lost)} applied, and the set lacks "
            f"{'it' if len(lost) == 1 else 'them'}",
            detail=f"Rows of {_name(ledger)} were deleted, or the table was emptied, dropped or "
            "restored from an older copy.",
            hint="Put the rows back with `pgbraid repair --trust journal`. Only if these "
            "migrations are to run again: `pgbraid repair --trust applied-set`.",
            versions=tuple(m.version for m in lost),
        )
    out = [mismatch for mismatch in found if not mismatch.applied]
    if out:
        yield Problem(
            "applied_rows_outdated",
            f"the journal says that {_listed(out)} {_were(out)} taken out of the set, and the set "
            f"has {'it' if len(out) == 1 else 'them'}",
            detail=f"{_name(ledger)} was restored from an older copy, or the rows were written by "
            "hand.",
            hint="Take the rows out with `pgbraid repair --trust journal`, and `pgbraid up` runs "
            "these migrations; if they are applied, keep the rows with `pgbraid repair --trust "
            "applied-set`.",
            versions=tuple(m.version for m in out),
        )


def ledger_emptied(ledger: LedgerTable, *, journal: bool) -> Problem:
    """Return the problem of a set without a row beside a journal that says nothing at all."""
    return Problem(
        "ledger_emptied",
        f"{_name(ledger)} has no row, and its journal {'has no line' if journal else 'is gone'}",
        detail="They held something before: they were emptied, or dropped in part. What is applied "
        "is not known.",
        hint="If migrations are applied, record them with `pgbraid baseline VERSION`; if none is, "
        "say so with `pgbraid repair --trust applied-set`.",
    )


def journal_missing(ledger: LedgerTable) -> Problem:
    """Return the warning of a set that has rows and no journal."""
    return Problem(
        "journal_missing",
        f"{_name(ledger)} has no journal beside it; the next run makes one",
        detail="It was dropped, or another program made the set. What it said of earlier runs is "
        "not known.",
        severity=Severity.WARNING,
    )


def incomplete_lost(migration: Migration, ledger: LedgerTable) -> Problem:
    """Return the problem of a migration that was begun, and of which the journal has no line."""
    return Problem(
        "incomplete_lost",
        f"{migration.label} was begun outside a transaction and not finished, and the journal "
        "has no line of it",
        detail="The journal was emptied, dropped or restored from an older copy. The comment on "
        f"{_name(ledger)} still names the version.",
        hint="Put right by hand what the file has done; then let the next run begin it again with "
        f"`pgbraid resume {migration.version} --forget`.",
        location=Location(migration.path),
        versions=(migration.version,),
    )


def _name(ledger: LedgerTable) -> str:
    return f"{ledger.schema}.{ledger.table}"


def _listed(found: Sequence[Mismatch]) -> str:
    if len(found) == 1 and found[0].name:
        return f"{found[0].version} ({found[0].name})"
    versions = ", ".join(str(m.version) for m in found[:_LISTED])
    return versions + (" …" if len(found) > _LISTED else "")


def _are(found: Sequence[Mismatch]) -> str:
    return "is" if len(found) == 1 else "are"


def _were(found: Sequence[Mismatch]) -> str:
    return "was" if len(found) == 1 else "were"
