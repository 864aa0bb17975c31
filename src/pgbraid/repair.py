"""``repair``: accept a file that changed, or was renamed, after it was applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.core.answers import Repair, Repaired
from pgbraid.core.filenames import name_style, names_agree, recorded_name
from pgbraid.db import ledger as db
from pgbraid.db.applied import read_ledger
from pgbraid.db.ensure import Shape, ensure_tables
from pgbraid.db.lock import take_lock
from pgbraid.db.session import connect
from pgbraid.db.transactions import transaction
from pgbraid.db.watch import claimed
from pgbraid.errors import ConfigError
from pgbraid.survey import Wish, look
from pgbraid.texts import decode, read_script

if TYPE_CHECKING:
    from pgbraid.core.model import Applied, Migration, MigrationSet, Plan, Problem, Tracker
    from pgbraid.db.conninfo import Target
    from pgbraid.db.session import Session
    from pgbraid.survey import RunOptions

__all__ = ["Choice", "accept_files"]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows to repair: ``versions``, or ``everything`` that has drifted.

    Without ``rename`` a row whose file has another name is refused.
    """

    versions: tuple[int, ...] = ()
    everything: bool = False
    rename: bool = False


def accept_files(
    migrations: MigrationSet,
    target: Target,
    tracker: Tracker,
    choice: Choice,
    options: RunOptions,
) -> Repair:
    """Give rows of the applied set the checksum, and with ``rename`` the name, of their files.

    All rows in one transaction under the lock, each with a line in the journal. Raises
    ConfigError where a version is not applied, has no file, or has another name and ``rename`` was
    not given; also where name and text both differ and the version is not named.
    """
    with connect(target, tracker, options.stop) as opened:
        if not _changes(opened, migrations, choice, options).repaired:
            return _changes(opened, migrations, choice, options)
        with claimed(opened, options.limits, options.listen) as session:
            take_lock(session, wait=options.lock_wait)
            shape = ensure_tables(session)
            changes = _changes(session, migrations, choice, options)
            _record(session, migrations, changes, shape)
            return changes


def _changes(
    session: Session, migrations: MigrationSet, choice: Choice, options: RunOptions
) -> Repair:
    plan = look(session, migrations, Wish(), options=options)
    files = {m.version: m for m in migrations.migrations}
    rows = {row.version: row for row in plan.applied}
    for version in choice.versions:
        _check_version(version, rows, files)
    taken = tuple(p for p in plan.problems if p.code == "version_taken")
    repaired: list[Repaired] = []
    unchanged: list[Migration] = []
    renamed: list[Migration] = []
    for row in plan.applied:
        named = row.version in choice.versions
        if row.version in files and (named or choice.everything):
            if not (named and choice.rename):
                _refuse_other(row.version, taken)
            found = _change(row, files[row.version], plan, choice, named=named)
            if found:
                repaired.append(found)
            elif not choice.rename and _has_other_name(row, files[row.version]):
                renamed.append(files[row.version])
            elif named:
                unchanged.append(files[row.version])
    return Repair(tuple(repaired), tuple(unchanged), tuple(renamed))


def _refuse_other(version: int, taken: tuple[Problem, ...]) -> None:
    """Refuse to record another migration than was applied as applied."""
    for problem in taken:
        if version in problem.versions:
            raise ConfigError(problem.message, detail=problem.detail, hint=problem.hint)


def _has_other_name(row: Applied, file: Migration) -> bool:
    return bool(row.name) and not names_agree(row.name or "", file.version, file.name)


def _check_version(version: int, rows: dict[int, Applied], files: dict[int, Migration]) -> None:
    if version not in rows:
        raise ConfigError(
            f"{version} is not applied, so there is nothing to repair",
            hint="Run `pgbraid status` to see the versions.",
        )
    if version not in files:
        raise ConfigError(
            f"{version} has no file here that could be accepted",
            hint="Name the folder that holds it with `dir`, or correct what `pgbraid check "
            "--offline` says of it.",
        )


def _change(
    row: Applied, file: Migration, plan: Plan, choice: Choice, *, named: bool
) -> Repaired | None:
    """Return what is to be accepted of a file; None where it is what was recorded."""
    drift = next((d for d in plan.drifts if d.migration.version == row.version), None)
    renamed = _has_other_name(row, file)
    if renamed and not choice.rename and (named or drift):
        raise ConfigError(
            f"{file.version} was applied under the name {row.name!r}, its file is {file.file!r}",
            hint=f"Accept the new name too with `pgbraid repair --rename {file.version}`.",
        )
    renamed = renamed and choice.rename
    other_bytes = named and row.checksum != file.checksum
    if not (drift or renamed or other_bytes):
        return None
    return Repaired(
        file,
        kind=drift.kind if drift else None,
        old_checksum=row.checksum,
        old_name=row.name if renamed else None,
    )


def _record(session: Session, migrations: MigrationSet, changes: Repair, shape: Shape) -> None:
    applied = read_ledger(session).applied
    style = name_style(applied, migrations.migrations)
    names = {row.version: row.name for row in applied}
    run_id = db.new_run_id()
    with transaction(session):
        for change in changes.repaired:
            file = change.migration
            kept = change.old_name is None and names[file.version]
            entry = _entry(run_id, change)
            name = kept or recorded_name(file, style)
            db.record_repaired(session, file, shape=shape, name=name, entry=entry)


def _entry(run_id: str, change: Repaired) -> db.Entry:
    file = change.migration
    data, _ = read_script(file)
    detail = {"old_checksum": change.old_checksum, "change": change.kind}
    if change.old_name is not None:
        detail["old_name"] = change.old_name
    return db.Entry(
        run_id,
        "repaired",
        file.version,
        file.name,
        checksum=file.checksum,
        text=decode(data),
        detail=detail,
    )
