"""Problems of a ledger: applied set and journal disagree, or migrations ran without a record."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pgbraid.model.migration import Location, Problem, Severity, digest
from pgbraid.postgres.ledger import agreement, first_run
from pgbraid.source.content import is_large, read_script
from pgbraid.source.filenames import same_migration_name
from pgbraid.sql.checksum import checksum_variants

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.model.migration import AppliedMigration, LedgerTable, Migration, MigrationSet
    from pgbraid.model.options import PlanRequest
    from pgbraid.model.plan import LedgerState
    from pgbraid.model.results import Mismatch
    from pgbraid.postgres.client.session import Session

__all__ = [
    "MISMATCHES",
    "first_run_problems",
    "incomplete_lost",
    "is_emptied",
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


_NOTHING = digest(b"")
_SAME_NAMES, _SAME_NAMES_OTHER_TEXTS = 2, 3
"""The minimum number of versions, all with equal names, that identify a ledger: if it recorded no
checksums, and if its checksums differ from the files'. One name is often ``init``, and a few names
often come from a project template."""


def first_run_problems(
    session: Session, migrations: MigrationSet, state: LedgerState, request: PlanRequest
) -> Iterator[Problem]:
    """Yield the signs that the applied set is empty although migrations were applied.

    Errors: a ledger that was emptied, and another table of the database that has these migrations
    applied. Warning: a database that already has tables. While the journal has incomplete
    migrations or contradicts the empty applied set, only another table is searched for: the
    applied set may have been renamed.
    """
    if state.incomplete or state.mismatches:
        if request.one_ledger:
            yield from islice(_other_ledgers(session, migrations.migrations, renamed=True), 1)
        return
    if is_emptied(session, state):
        yield ledger_emptied(session.ledger, journal=state.journal)
        return
    if not (request.one_ledger and migrations.migrations):
        return
    other = next(_other_ledgers(session, migrations.migrations, renamed=state.journal), None)
    if other:
        yield other
    elif not (state.exists and state.journal) and not request.platform:
        yield from _not_empty(session)


def is_emptied(session: Session, state: LedgerState) -> bool:
    """Whether applied set and journal, which have no row and no line, had some before."""
    empty = not (state.applied or (state.journal and agreement.has_lines(session)))
    return empty and (state.exists or state.journal) and agreement.was_emptied(session)


def _other_ledgers(
    session: Session, files: Sequence[Migration], *, renamed: bool
) -> Iterator[Problem]:
    ledger = f"{session.ledger.schema}.{session.ledger.table}"
    renaming = (
        f"If this is the applied set under another name, give it the name {ledger} again with "
        "ALTER TABLE. If it is another ledger, name"
    )
    for (schema, table), rows in first_run.read_ledgers(session).items():
        versions = _in_common(files, rows)
        if versions:
            names = {"schema": schema, "table": table}
            others = (n for n in names if names[n] != getattr(session.ledger, n))
            option = " and ".join(f"`{name}` {names[name]}" for name in others)
            yield Problem(
                "other_ledger",
                f"{schema}.{table} has {len(versions)} of these {len(files)} migrations applied, "
                f"and {ledger} has none",
                detail="They would run a second time in this database.",
                hint=f"{renaming if renamed else 'Name'} the ledger that is in use, with {option} "
                "or in the settings. "
                "If each schema has its own tables, created by these migrations, set "
                '`ledgers = "many"`.',
                versions=versions,
            )


def _in_common(files: Sequence[Migration], rows: Sequence[AppliedMigration]) -> tuple[int, ...]:
    """Return the versions of these files that another ledger has: by checksums, else by names."""
    recorded = {row.version: row for row in rows}
    both = [(file, recorded[file.version]) for file in files if file.version in recorded]
    # A ledger may have the migrations that a baseline replaces; their names are unknown here.
    both = [(f, row) for f, row in both if not f.directives.replaces or _has_name(f, row)]
    same_text = tuple(file.version for file, row in both if _same_text(file, row))
    if same_text:
        return same_text
    same_name = [file.version for file, row in both if _has_name(file, row)]
    has_checksums = any(row.checksum for _, row in both)
    minimum = _SAME_NAMES_OTHER_TEXTS if has_checksums else _SAME_NAMES
    return tuple(same_name) if len(same_name) == len(both) >= minimum else ()


def _has_name(file: Migration, row: AppliedMigration) -> bool:
    return same_migration_name(row.name or "", file.version, file.name)


def _same_text(file: Migration, row: AppliedMigration) -> bool:
    if row.checksum is None or row.checksum == _NOTHING:  # all empty files have one checksum
        return False
    if row.checksum == file.checksum or is_large(file):
        return row.checksum == file.checksum
    return row.checksum in checksum_variants(read_script(file)[0])


def _not_empty(session: Session) -> Iterator[Problem]:
    """Warn that no migration is recorded, although the database has tables."""
    tables = first_run.read_user_tables(session)
    if tables:
        more = " and others" if len(tables) > 1 else ""
        yield Problem(
            "database_not_empty",
            f"no migration is recorded in this database, but it has the table {tables[0]}{more}",
            detail="Migrations that were applied before would run a second time.",
            hint="If some of them are applied, record that with `pgbraid baseline VERSION`, which "
            "runs nothing; the next `pgbraid up` applies the rest.",
            severity=Severity.WARNING,
        )
