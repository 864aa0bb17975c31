"""Which two orders of which migrations a question is about: as recorded, and by version."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgbraid.migrate.planning.ledger_problems import mismatch_problems
from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.prove.branch_order import merge
from pgbraid.prove.order_pair import OrderPair
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
    """A question, with what a person should know of how it came about."""

    orders: OrderPair
    notes: tuple[str, ...] = ()
    label: str = "as recorded"
    """What the order that is proven is called."""
    not_replayed: tuple[str, ...] = ()
    """What databases have, and what is left out of the replays."""


def _version(migration: Migration) -> int:
    return migration.version


def _question(
    order: Sequence[Migration],
    notes: Iterable[str] = (),
    in_time: Sequence[Migration] | None = None,
    label: str = "as recorded",
) -> ProofInput:
    """Return the question of this order, once every text of it can be run at all.

    It is compared with that of the versions, or with another one that is given. Raises
    ConfigError where there are no migrations.
    """
    if not order:
        raise ConfigError(
            "there are no migrations to prove",
            hint="Name the folder with `dir`; `pgbraid new NAME` makes the first migration.",
        )
    problems = tuple(p for p in check_scripts(order) if p.severity == "error")
    if problems:
        raise ProblemsFound(problems)
    other = tuple(in_time or sorted(order, key=_version))
    return ProofInput(OrderPair(tuple(order), other), tuple(notes), label)


def refuse_problems(migrations: MigrationSet) -> None:
    """Raise ProblemsFound where the source has errors."""
    problems = tuple(p for p in migrations.problems if p.severity == "error")
    if problems:
        raise ProblemsFound(problems)


def refuse_contradictions(order: AppliedHistory, ledger: LedgerTable) -> None:
    """Raise ProblemsFound where set and journal do not agree on what was applied."""
    problems = tuple(mismatch_problems(order.mismatches, ledger))
    if problems:
        raise ProblemsFound(problems)


def recorded(
    migrations: MigrationSet, order: AppliedHistory, *, as_recorded: bool = False
) -> tuple[tuple[Migration, ...], tuple[str, ...]]:
    """Return what a database has, in its order, and what is to be said of it.

    The text of a version is its file's; where there is none, or with ``as_recorded`` where it
    has changed since, the one that the journal kept.
    """
    found, notes = [], []
    for row in order.rows:
        file = migrations.get(row.version)
        changed = file is not None and row.checksum not in {None, file.checksum}
        kept = _from_journal(row.version, row.name, order.texts.get(row.version))
        if file is None:
            if kept is None:
                notes.append(
                    f"version {row.version} is applied, has no file here, and its text was not "
                    "kept: it is not replayed"
                )
                continue
            notes.append(f"version {row.version} has no file here; the text that ran is replayed")
            found.append(kept)
        elif changed and as_recorded and kept is not None:
            found.append(kept)
        else:
            if changed and not _same_text(file, row.checksum):
                notes.append(
                    f"{file.label} was changed after it was applied; it is replayed as it is now"
                )
            found.append(file)
    return tuple(found), tuple(notes)


def _same_text(file: Migration, checksum: str | None) -> bool:
    data: bytes = file.content.read_bytes()
    return checksum is not None and same_but_line_ends(checksum, data)


def _from_journal(version: int, name: str | None, text: str | None) -> Migration | None:
    if text is None:
        return None
    label = name if name and not name.endswith(".sql") else "recorded"
    loaded = load_migrations({f"{version}_{label.replace('/', '_')}.sql": text})
    return loaded.migrations[0] if loaded.migrations else None


def input_from_database(migrations: MigrationSet, order: AppliedHistory) -> ProofInput:
    """Return the question of a database: what it has, in its order, then what is pending.

    What was undone ran in between, and is replayed with what undid it. Raises ProblemsFound for
    files that cannot be run.
    """
    refuse_problems(migrations)
    have, notes = recorded(migrations, order)
    versions = {row.version for row in order.rows}
    pending = [m for m in migrations.migrations if m.version not in versions]
    if not versions:
        notes = ("nothing is recorded in the database yet, so its order will be the versions'",)
    told = _question((*have, *pending), notes)
    ran, lost = ran_in_all(order, have)
    run = (*ran, *pending) if ran != have else None
    return replace(told, orders=replace(told.orders, run=run), not_replayed=lost)


def ran_in_all(
    order: AppliedHistory, have: Sequence[Migration]
) -> tuple[tuple[Migration, ...], tuple[str, ...]]:
    """Return all that ran in a database, what was undone since and what undid it included.

    These have numbers below 0 for versions. Returns as well what cannot be replayed, as its text
    was not kept.
    """
    found = [(order.places.get(m.version, 0), m) for m in have]
    last = {order.places.get(m.version) for m in have}
    lost = []
    for line in order.undone:
        if line.place in last:
            continue
        kept = _from_journal(line.version, line.name, line.text)
        what = f"{line.version}_{line.name}"
        if kept is None:
            lost.append(f"{what}: {'undone' if line.undone else 'applied'}, its text was not kept")
            continue
        name = f"{kept.name} (undone)" if line.undone else kept.name
        found.append((line.place, replace(kept, version=-line.place, name=name)))
    found.sort(key=lambda one: one[0])
    return tuple(migration for _, migration in found), tuple(lost)


def input_for_pending(migrations: MigrationSet, order: AppliedHistory) -> ProofInput:
    """Return the question of what is pending: whether it ends as if it had come in time.

    What was applied late before stays as it is in both orders, unless it is lower than a pending
    migration, which may build on it: then it comes in time in both, so that only the lateness of
    what is pending is judged. Raises ProblemsFound for files that cannot be run.
    """
    refuse_problems(migrations)
    have, notes = recorded(migrations, order, as_recorded=True)
    versions = {row.version for row in order.rows}
    pending = [m for m in migrations.migrations if m.version not in versions]
    before = insert_lower_by_version(have, pending, _version)
    told = _question((*before, *pending), notes, insert_by_version(before, pending, _version))
    ran, lost = ran_in_all(order, have)
    undone = (f"{m.label}: not replayed" for m in ran if m.version < 0)
    return replace(told, not_replayed=(*undone, *lost))


def insert_by_version(
    order: Sequence[Migration], more: Sequence[Migration], place: Callable[[Migration], int]
) -> tuple[Migration, ...]:
    """Return an order with some more put in, each before the first that has a higher place."""
    found = list(order)
    for migration in sorted(more, key=place):
        own = place(migration)
        at = next((i for i, other in enumerate(found) if place(other) > own), len(found))
        found.insert(at, migration)
    return tuple(found)


def insert_lower_by_version(
    order: Sequence[Migration], some: Sequence[Migration], place: Callable[[Migration], int]
) -> tuple[Migration, ...]:
    """Return an order in which those come in time that are lower than one of ``some``."""
    highest = max((place(migration) for migration in some), default=-1)
    lower = [m for m in out_of_order(order, place) if m not in some and place(m) < highest]
    return insert_by_version([m for m in order if m not in lower], lower, place)


def input_from_list(migrations: MigrationSet, versions: Sequence[int], label: str) -> ProofInput:
    """Return the question of a list of versions, what is not listed behind it.

    Raises ConfigError for a version without a file, ProblemsFound for files that cannot be run.
    """
    refuse_problems(migrations)
    missing = [v for v in versions if migrations.get(v) is None]
    if missing:
        raise ConfigError(
            f"{label} lists version {missing[0]}, which has no file in {migrations.label}",
            hint="Bring the file back, or take the version out of the list.",
        )
    listed = [found for v in versions if (found := migrations.get(v))]
    rest = [m for m in migrations.migrations if m.version not in set(versions)]
    return _question((*listed, *rest))


def input_from_branch(
    migrations: MigrationSet, base: GitFolder, fork: GitFolder, ref: str
) -> ProofInput:
    """Return the question of a branch: what ``ref`` has by version, then what the branch adds.

    ``base`` is the folder of ``ref``, ``fork`` that of the commit at which the branch began: what
    ``ref`` has got since is replayed, as it will be there after the merge. Raises ProblemsFound for
    files that cannot be run, and for what a merge would leave in a state that no run accepts.
    """
    refuse_problems(migrations)
    merged = merge(migrations, base, fork, ref)
    told = _question(
        (*merged.before, *merged.added), merged.notes, label=f"{ref}, then what is added"
    )
    return replace(told, not_replayed=merged.not_replayed)
