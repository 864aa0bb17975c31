"""What speaks against a first run: migrations that may have been applied by other means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.core.checksum import digest, spellings
from pgbraid.core.consistency import ledger_emptied
from pgbraid.core.filenames import names_agree
from pgbraid.core.model import Problem, Severity
from pgbraid.db import consistency, first_run
from pgbraid.texts import is_large, read_script

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.core.model import Applied, Ledger, Migration, MigrationSet
    from pgbraid.db.session import Session
    from pgbraid.survey import Wish

__all__ = ["first_run_problems"]

_NOTHING = digest(b"")
_BY_NAME, _BY_NAME_ALONE = 2, 3
"""So many names have to agree, all of them, where no checksum was recorded, and where none is that
of a file: one alone is often ``init``, and a few are often those of a template."""


def first_run_problems(
    session: Session, migrations: MigrationSet, ledger: Ledger, wish: Wish
) -> Iterator[Problem]:
    """Yield what shows that an empty set may not be the truth.

    A set and a journal that once held something, and another table of the database that has these
    migrations applied, are errors; tables of somebody's are a warning.
    """
    if not (ledger.journal and consistency.has_lines(session)) and (
        (ledger.exists or ledger.journal) and consistency.was_emptied(session)
    ):
        yield ledger_emptied(session.tracker, journal=ledger.journal)
        return
    if not (wish.one_ledger and migrations.migrations):
        return
    other = next(_other_ledgers(session, migrations.migrations), None)
    if other:
        yield other
    elif not (ledger.exists and ledger.journal) and not wish.platform:
        yield from _not_empty(session)


def _other_ledgers(session: Session, files: Sequence[Migration]) -> Iterator[Problem]:
    for (schema, table), rows in first_run.read_ledgers(session).items():
        same = _in_common(files, rows)
        if same:
            names = {"schema": schema, "table": table}
            others = (n for n in names if names[n] != getattr(session.tracker, n))
            option = " and ".join(f"`{name}` {names[name]}" for name in others)
            yield Problem(
                "other_ledger",
                f"{schema}.{table} has {len(same)} of these {len(files)} migrations applied, and "
                f"{session.tracker.schema}.{session.tracker.table} has none",
                detail="They would run a second time in this database.",
                hint=f"Name the set that is in use, with {option} or in the settings. "
                "Where each schema has tables of its own made by these migrations, say so with "
                '`ledgers = "many"`.',
                versions=same,
            )


def _in_common(files: Sequence[Migration], rows: Sequence[Applied]) -> tuple[int, ...]:
    """Return the versions of these files that a set has: by checksums, else by names."""
    recorded = {row.version: row for row in rows}
    both = [(file, recorded[file.version]) for file in files if file.version in recorded]
    same = tuple(file.version for file, row in both if _same_text(file, row))
    if same:
        return same
    agree = [f.version for f, row in both if names_agree(row.name or "", f.version, f.name)]
    least = _BY_NAME_ALONE if any(row.checksum for _, row in both) else _BY_NAME
    return tuple(agree) if len(agree) == len(both) >= least else ()


def _same_text(file: Migration, row: Applied) -> bool:
    if row.checksum is None or row.checksum == _NOTHING:
        return False
    if row.checksum == file.checksum or is_large(file):
        return row.checksum == file.checksum
    return row.checksum in spellings(read_script(file)[0])


def _not_empty(session: Session) -> Iterator[Problem]:
    """Warn that nothing is recorded, and somebody has made tables."""
    tables = first_run.read_user_tables(session)
    if tables:
        more = " and others" if len(tables) > 1 else ""
        yield Problem(
            "database_not_empty",
            f"no migration is recorded in this database, but it has the table {tables[0]}{more}",
            detail="Whatever these migrations did before would be done a second time.",
            hint="If some of them are applied, record that with `pgbraid baseline VERSION`, which "
            "runs nothing; the next `pgbraid up` applies the rest.",
            severity=Severity.WARNING,
        )
