"""Determines the two orders of a proof: the recorded order, and the order of versions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgbraid.migrate.planning.ledger_problems import mismatch_problems
from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.prove.branch_order import merge
from pgbraid.prove.order_pair import OrderPair
from pgbraid.prove.replaced_history import list_with_baselines
from pgbraid.prove.search.orders import out_of_order
from pgbraid.source.content import check_scripts
from pgbraid.source.loader import load_migrations
from pgbraid.sql.checksum import same_but_line_ends

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pgbraid.model.migration import LedgerTable, Migration, MigrationSet
    from pgbraid.postgres.ledger.history import AppliedHistory
    from pgbraid.source.git import GitFolder

__all__ = [
    "ProofInput",
    "input_for_pending",
    "input_from_branch",
    "input_from_database",
    "input_from_list",
    "insert_by_version",
    "insert_lower_by_version",
    "ran_in_all",
    "recorded",
    "refuse_contradictions",
    "refuse_problems",
]


@dataclass(frozen=True, slots=True)
class ProofInput:
    """Two orders to compare, with notes for the user on how they were determined."""

    orders: OrderPair
    notes: tuple[str, ...] = ()
    label: str = "as recorded"
    """The name of the recorded order."""
    not_replayed: tuple[str, ...] = ()
    """Migrations that databases have applied, but that are not replayed."""
    squashed: tuple[tuple[Migration, tuple[Migration, ...]], ...] = ()
    """Baselines to compare, with the migrations that they replace."""
    added: tuple[Migration, ...] = ()
    """The last migrations of the recorded order: pending, or added by the branch."""


def _version(migration: Migration) -> int:
    return migration.version


def _orders(
    recorded: Sequence[Migration],
    by_version: Sequence[Migration] | None = None,
    *,
    run: tuple[Migration, ...] | None = None,
) -> OrderPair:
    """Check the scripts and return the pair of orders; ``by_version`` is sorted by default.

    Raises ConfigError if there are no migrations, and ProblemsFound for scripts that cannot run.
    """
    if not recorded:
        raise ConfigError(
            "there are no migrations to prove",
            hint="Name the folder with `dir`; `pgbraid new NAME` makes the first migration.",
        )
    problems = tuple(p for p in check_scripts(recorded) if p.severity == "error")
    if problems:
        raise ProblemsFound(problems)
    return OrderPair(tuple(recorded), tuple(by_version or sorted(recorded, key=_version)), run)


def refuse_problems(migrations: MigrationSet) -> None:
    """Raise ProblemsFound if the source has errors."""
    problems = tuple(p for p in migrations.problems if p.severity == "error")
    if problems:
        raise ProblemsFound(problems)


def refuse_contradictions(history: AppliedHistory, ledger: LedgerTable) -> None:
    """Raise ProblemsFound if the applied set and the journal disagree."""
    problems = tuple(mismatch_problems(history.mismatches, ledger))
    if problems:
        raise ProblemsFound(problems)


def recorded(
    migrations: MigrationSet, history: AppliedHistory, *, as_recorded: bool = False
) -> tuple[tuple[Migration, ...], tuple[str, ...]]:
    """Return the migrations that a database has applied, in its order, and notes on them.

    The text of a migration is the text of its file. If there is no file, it is the journal's text.
    With ``as_recorded``, the journal's text is used for files that were changed, too.
    """
    applied: list[Migration] = []
    notes = [*history.notes]
    for row in history.rows:
        file = migrations.get(row.version)
        # An adopted row, or a row of another program, may have no checksum.
        changed = file is not None and row.checksum not in {None, file.checksum}
        journaled = _from_journal(row.version, row.name, history.texts.get(row.version))
        if file is None:
            if journaled is None:
                notes.append(
                    f"version {row.version} is applied, but it has no file here and no text in "
                    "the journal: it is not replayed"
                )
                continue
            notes.append(f"version {row.version} has no file here; the text that ran is replayed")
            applied.append(journaled)
        elif changed and as_recorded and journaled is not None:
            applied.append(journaled)
        else:
            if changed and not _same_text(file, row.checksum):
                notes.append(
                    f"{file.label} was changed after it was applied; its current text is replayed"
                )
            applied.append(file)
    return tuple(applied), tuple(notes)


def _same_text(file: Migration, checksum: str | None) -> bool:
    """Return whether the checksum is that of the file, apart from line ends."""
    return checksum is not None and same_but_line_ends(checksum, file.content.read_bytes())


def _from_journal(version: int, name: str | None, text: str | None) -> Migration | None:
    """Return the migration of a journal line; None if the line has no text."""
    if text is None:
        return None
    # Another program may have recorded the name of the file, which must not end in .sql twice.
    label = name if name and not name.endswith(".sql") else "recorded"
    loaded = load_migrations({f"{version}_{label.replace('/', '_')}.sql": text})
    return loaded.migrations[0] if loaded.migrations else None


def input_from_database(migrations: MigrationSet, history: AppliedHistory) -> ProofInput:
    """Return both orders of a database; the recorded one ends with the pending migrations.

    Migrations that were undone are replayed in their place, with their down migrations. Raises
    ConfigError, and ProblemsFound for files that cannot run.
    """
    refuse_problems(migrations)
    applied, notes = recorded(migrations, history)
    versions = {row.version for row in history.rows}
    pending = [m for m in migrations.migrations if m.version not in versions]
    if not versions:
        notes = ("no migration is applied yet, so the order will be the order of versions",)
    ran, without_text = ran_in_all(history, applied)
    run = (*ran, *pending) if ran != applied else None
    return ProofInput(
        _orders((*applied, *pending), run=run),
        notes,
        not_replayed=without_text,
        added=tuple(pending),
    )


def ran_in_all(
    history: AppliedHistory, applied: Sequence[Migration]
) -> tuple[tuple[Migration, ...], tuple[str, ...]]:
    """Return all migrations that ran in a database, also undone ones and their down migrations.

    A migration that was undone, and a down migration, gets a version below 0. Returns also a line
    for each migration that cannot be replayed because the journal has no text of it.
    """
    placed = [(history.places.get(m.version, 0), m) for m in applied]
    places_of_applied = {history.places.get(m.version) for m in applied}
    without_text = []
    for row in history.undone:
        if row.place in places_of_applied:
            continue
        journaled = _from_journal(row.version, row.name, row.text)
        if journaled is None:
            event = "undone" if row.undone else "applied"
            without_text.append(f"{row.version}_{row.name}: {event}, its text is not recorded")
            continue
        name = f"{journaled.name} (undone)" if row.undone else journaled.name
        # The place is unique, unlike the version: a migration can be applied and undone repeatedly.
        placed.append((row.place, replace(journaled, version=-row.place, name=name)))
    placed.sort(key=lambda pair: pair[0])
    return tuple(migration for _, migration in placed), tuple(without_text)


def input_for_pending(migrations: MigrationSet, history: AppliedHistory) -> ProofInput:
    """Return the orders that show whether the pending migrations can run out of order.

    Applied migrations have the same order in both. This is the recorded order, except for an
    out-of-order migration that is lower than a pending one: both orders have it at the place of its
    version, because the pending migration may build on it. So only the place of the pending
    migrations differs. Raises ConfigError, and ProblemsFound for files that cannot run.
    """
    refuse_problems(migrations)
    applied, notes = recorded(migrations, history, as_recorded=True)
    versions = {row.version for row in history.rows}
    pending = [m for m in migrations.migrations if m.version not in versions]
    before = insert_lower_by_version(applied, pending, _version)
    ran, without_text = ran_in_all(history, applied)
    undone = (f"{m.label}: not replayed" for m in ran if m.version < 0)
    return ProofInput(
        _orders((*before, *pending), insert_by_version(before, pending, _version)),
        notes,
        not_replayed=(*undone, *without_text),
    )


def insert_by_version(
    order: Sequence[Migration], more: Iterable[Migration], place: Callable[[Migration], int]
) -> tuple[Migration, ...]:
    """Insert migrations into an order, each before the first one with a higher key."""
    result = list(order)
    for migration in sorted(more, key=place):
        own = place(migration)
        at = next((i for i, other in enumerate(result) if place(other) > own), len(result))
        result.insert(at, migration)
    return tuple(result)


def insert_lower_by_version(
    order: Sequence[Migration], some: Sequence[Migration], place: Callable[[Migration], int]
) -> tuple[Migration, ...]:
    """Move the out-of-order migrations that are lower than one of ``some`` to their place.

    The migrations of ``some`` stay where they are.
    """
    highest = max((place(migration) for migration in some), default=-1)
    lower = [m for m in out_of_order(order, place) if m not in some and place(m) < highest]
    return insert_by_version([m for m in order if m not in lower], lower, place)


def input_from_list(migrations: MigrationSet, versions: Sequence[int], label: str) -> ProofInput:
    """Return the order of a list of versions, followed by the migrations that it does not list.

    Raises ConfigError for a version without a file, and ProblemsFound for files that cannot run.
    """
    refuse_problems(migrations)
    versions = list_with_baselines(migrations, versions)
    missing = [v for v in versions if migrations.get(v) is None]
    if missing:
        raise ConfigError(
            f"{label} lists version {missing[0]}, which has no file in {migrations.label}",
            hint="Restore the file, or remove the version from the list.",
        )
    listed = [file for v in versions if (file := migrations.get(v))]
    rest = [m for m in migrations.migrations if m.version not in set(versions)]
    return ProofInput(_orders((*listed, *rest)))


def input_from_branch(
    migrations: MigrationSet, base: GitFolder, fork: GitFolder, ref: str
) -> ProofInput:
    """Return the order after a merge: the migrations of ``ref``, then those that the branch adds.

    ``base`` is the folder of ``ref``; ``fork`` is the folder of the commit at which the branch
    began. Migrations that ``ref`` has received since then are replayed, as after the merge. Raises
    ConfigError, and ProblemsFound for files that cannot run, and for a merge that leaves a state
    which ``pgbraid up`` refuses.
    """
    refuse_problems(migrations)
    merged = merge(migrations, base, fork, ref)
    return ProofInput(
        _orders((*merged.before, *merged.added)),
        merged.notes,
        f"{ref}, then what is added",
        merged.not_replayed,
        merged.squashed,
        merged.added,
    )
