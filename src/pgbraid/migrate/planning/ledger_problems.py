"""Problems of a ledger whose applied set and journal disagree."""

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
"""The problem codes of a version on which applied set and journal disagree."""
_LISTED = 12


def mismatch_problems(mismatches: Sequence[Mismatch], ledger: LedgerTable) -> Iterator[Problem]:
    """Yield the errors for rows that the journal contradicts; either table may be right."""
    missing = [mismatch for mismatch in mismatches if mismatch.applied]
    if missing:
        yield Problem(
            "applied_rows_missing",
            f"{_listed(missing)} {_are(missing)} applied according to the journal, but "
            f"{_name(ledger)} lacks {'its row' if len(missing) == 1 else 'their rows'}",
            detail=f"Rows of {_name(ledger)} were deleted, or the table was emptied, dropped or "
            "restored from an older copy.",
            hint="Restore the rows with `pgbraid repair --trust journal`. Only if these "
            "migrations must run again: `pgbraid repair --trust applied-set`.",
            versions=tuple(m.version for m in missing),
        )
    outdated = [mismatch for mismatch in mismatches if not mismatch.applied]
    if outdated:
        yield Problem(
            "applied_rows_outdated",
            f"{_listed(outdated)} {_were(outdated)} removed according to the journal, but "
            f"{_name(ledger)} has {'its row' if len(outdated) == 1 else 'their rows'}",
            detail=f"{_name(ledger)} was restored from an older copy, or the rows were written by "
            "hand.",
            hint="To delete the rows: `pgbraid repair --trust journal`; the next `pgbraid up` "
            "runs these migrations. If they are applied, keep the rows: `pgbraid repair --trust "
            "applied-set`.",
            versions=tuple(m.version for m in outdated),
        )


def ledger_emptied(ledger: LedgerTable, *, journal: bool) -> Problem:
    """Return the problem of a ledger that has no row and no journal line, but had some before."""
    return Problem(
        "ledger_emptied",
        f"{_name(ledger)} has no row, and its journal {'has no line' if journal else 'is gone'}",
        detail="The ledger had entries before: it was emptied, or dropped in part. The applied "
        "migrations are unknown.",
        hint="If migrations are applied, record them with `pgbraid baseline VERSION`; if no "
        "migration is applied, confirm that with `pgbraid repair --trust applied-set`.",
    )


def journal_missing(ledger: LedgerTable) -> Problem:
    """Return the warning that the applied set has rows and no journal."""
    return Problem(
        "journal_missing",
        f"{_name(ledger)} has no journal; the next run creates one",
        detail="The journal was dropped, or another program created the applied set. The history "
        "of earlier runs is unknown.",
        severity=Severity.WARNING,
    )


def incomplete_lost(migration: Migration, ledger: LedgerTable) -> Problem:
    """Return the problem of an incomplete migration of which the journal has no line."""
    return Problem(
        "incomplete_lost",
        f"{migration.label} started outside a transaction and did not finish, but the journal "
        "has no line for it",
        detail="The journal was emptied, dropped or restored from an older copy. The comment on "
        f"{_name(ledger)} still names the version.",
        hint="Revert the changes of the file by hand, then run "
        f"`pgbraid resume {migration.version} --forget`. The next run starts the file again.",
        location=Location(migration.path),
        versions=(migration.version,),
    )


def _name(ledger: LedgerTable) -> str:
    return f"{ledger.schema}.{ledger.table}"


def _listed(mismatches: Sequence[Mismatch]) -> str:
    if len(mismatches) == 1 and mismatches[0].name:
        return f"{mismatches[0].version} ({mismatches[0].name})"
    versions = ", ".join(str(m.version) for m in mismatches[:_LISTED])
    return versions + (" …" if len(mismatches) > _LISTED else "")


def _are(mismatches: Sequence[Mismatch]) -> str:
    return "is" if len(mismatches) == 1 else "are"


def _were(mismatches: Sequence[Mismatch]) -> str:
    return "was" if len(mismatches) == 1 else "were"
