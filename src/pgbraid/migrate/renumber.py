"""``renumber``: give the new migrations of a branch versions above those of its base.

Two branches that work in parallel choose equal or interleaved versions. A migration that is not in
the base was applied at most on databases of its own branch, so its version is still free to change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.migrate.branch_check import (
    compare_branch,
    merged_before_problem,
    migrations_by_file,
    same_text,
)
from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.migration import Severity
from pgbraid.model.results import RenamedFile, Renumbered
from pgbraid.source.checksum_file import renamed_in_checksums
from pgbraid.source.filenames import (
    CHECKSUM_FILE,
    FileName,
    case_folded,
    parse_file_name,
    parse_version,
    same_migration_name,
)
from pgbraid.source.git import GitFolder, unmerged_files
from pgbraid.source.loader import load_migrations
from pgbraid.source.writing.numbering import is_timestamp, next_version
from pgbraid.source.writing.renaming import rename_files
from pgbraid.sql.checksum import checksum_variants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.migration import AppliedMigration, Migration

__all__ = ["Renumbering", "plan_renumbering"]

_RENAMABLE = frozenset({"duplicate_version", "name_collision", "down_without_up", "no_migrations"})
"""Codes of the problems that new versions solve, or that concern other files."""
_LONGEST_TIMESTAMP = 14
_ENDING = re.compile(r"(?:\.up|\.down)?\.sql$")


@dataclass(frozen=True, slots=True)
class _Move:
    """A migration, its new version, and the renames of its files: old and new name."""

    migration: Migration
    version: int
    digits: str
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Renumbering:
    """The renames that :meth:`carry_out` makes; nothing is renamed before."""

    folder: str
    result: Renumbered
    migrations: tuple[Migration, ...] = ()
    """The migrations that get another version."""
    checksums: bytes | None = None
    """The new content of ``pgbraid.sum``."""

    def refuse_applied(self, command: Command) -> None:
        """Raise ConfigError if a database has applied or started a migration that would move.

        Raises ConnectionFailed, and ServerError if the ledger cannot be read.
        """
        from pgbraid.postgres.client.open_session import connect  # noqa: PLC0415 - imports the driver
        from pgbraid.postgres.ledger.applied_set import read_ledger  # noqa: PLC0415

        with connect(command.target, command.ledger, command.options.stop) as session:
            state = read_ledger(session)
        rows = {row.version: row for row in state.applied}
        started = {incomplete.version: incomplete.name for incomplete in state.incomplete}
        for migration in self.migrations:
            version = migration.version
            applied = version in rows and _is_same(rows[version], migration)
            if applied or started.get(version) == migration.name:
                raise ConfigError(
                    f"{migration.label} is {'applied' if applied else 'started'} in "
                    f"{command.target.label}",
                    detail="With another version, it would run there a second time.",
                    hint=f"Undo it there first (`pgbraid undo {version}`), then run "
                    "`pgbraid renumber` again.",
                )

    def carry_out(self) -> None:
        """Rename all files and replace ``pgbraid.sum``, or raise ConfigError and change nothing."""
        # A new name may be the old name of a later file, so the last file is renamed first.
        renames = [(Path(file.old), Path(file.new)) for file in reversed(self.result.files)]
        path = Path(self.folder) / CHECKSUM_FILE
        rename_files(renames, None if self.checksums is None else (path, self.checksums))


def _is_same(row: AppliedMigration, migration: Migration) -> bool:
    """Whether an applied row is this migration, and not another one with its version."""
    if row.name and same_migration_name(row.name, row.version, migration.name):
        return True
    if row.checksum:
        return row.checksum in checksum_variants(migration.content.read_bytes())
    return not row.name


def plan_renumbering(  # noqa: PLR0913 - all inputs of the decision
    folder: str,
    ref: str,
    words: Sequence[str] = (),
    *,
    links: tuple[str, ...] = (),
    numbering: str = "auto",
    now: datetime | None = None,
) -> Renumbering:
    """Return the renames that give a branch's own migrations versions above those of ``ref``.

    Without ``words``, these are the migrations that the branch adds with a version that is not
    above every version of ``ref``, and the later ones as far as their order needs it. ``words``
    name versions or files. A sequence stays one, and a timestamp becomes the current time. Raises
    ConfigError for a migration that ``ref`` has, for a word without a file, for an unresolved merge
    conflict, and if a new name exists. Raises ProblemsFound if a file cannot be read.
    """
    folder = folder.rstrip("/") or "/"
    _refuse_conflicts(folder)
    branch = _Branch(folder, ref, links)
    chosen = branch.named(words) if words else branch.own
    moves = tuple(_moves(branch, chosen, numbering, now or datetime.now(UTC)))
    branch.refuse_merged([move.migration for move in moves])
    _refuse_existing(branch, moves)
    path = Path(folder) / CHECKSUM_FILE
    before = path.read_bytes() if moves and path.is_file() else b""
    after = renamed_in_checksums(before, dict(n for m in moves for n in m.names), str(path))
    changed = after != before
    result = Renumbered(
        ref,
        tuple(
            RenamedFile(f"{folder}/{old}", f"{folder}/{new}", move.migration.version, move.version)
            for move in moves
            for old, new in move.names
        ),
        str(path) if changed else None,
        (*_mentions(branch, moves), *_reordered(branch, moves)),
    )
    migrations = tuple(move.migration for move in moves)
    return Renumbering(folder, result, migrations, after if changed else None)


def _refuse_conflicts(folder: str) -> None:
    names = unmerged_files(folder)
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise ConfigError(
            f"{names[0]}{more}: unresolved merge conflict",
            hint="Resolve it and run `git add`, then run `pgbraid renumber` again.",
        )


class _Branch:
    """The files of a folder, and the migrations among them that only this branch has."""

    def __init__(self, folder: str, ref: str, links: tuple[str, ...]) -> None:
        loaded = load_migrations(folder, links)
        fatal = (p for p in loaded.problems if p.severity is Severity.ERROR)
        problems = tuple(p for p in fatal if p.code not in _RENAMABLE)
        if problems:
            raise ProblemsFound(problems)
        self.folder, self.ref = Path(folder), ref
        self.names = sorted(path.name for path in self.folder.iterdir())
        self.parts = dict(_parsed(self.names))
        ups = [name for name, (_, parts) in self.parts.items() if parts.kind == "up"]
        read = migrations_by_file(
            GitFolder({name: (self.folder / name).read_bytes() for name in ups})
        )
        self.ups = sorted(read.values(), key=lambda m: (m.version, m.file))
        self.comparison = compare_branch(replace(loaded, migrations=tuple(self.ups)), folder, ref)
        added = {migration.file for migration in self.comparison.added()}
        self.own = [m for m in self.ups if m.file in added and self.twin(m) is None]

    def twin(self, migration: Migration) -> Migration | None:
        """Return the base's migration of the same version and name, or None."""
        key = (migration.version, migration.name)
        return next(
            (m for m in self.comparison.theirs.values() if (m.version, m.name) == key), None
        )

    def named(self, words: Sequence[str]) -> list[Migration]:
        """Return the own migrations that words name, in the order of their versions."""
        named = {m.file for word in words for m in self._named(word)}
        return [migration for migration in self.own if migration.file in named]

    def _named(self, word: str) -> list[Migration]:
        digits, underscore, rest = Path(word).name.partition("_")
        version = parse_version(digits)
        if version is None:
            raise ConfigError(
                f"{word!r} is neither a version nor the name of a migration file",
                hint="Name a version of this branch, as in `pgbraid renumber 104`.",
            )
        same = [m for m in self.ups if m.version == version]
        if underscore:
            exact = [m for m in same if m.file == Path(word).name]
            same = exact or [m for m in same if m.name == _ENDING.sub("", rest)]
        unmerged = [m for m in same if m in self.own]
        if not same:
            raise ConfigError(
                f"no migration in {self.folder} is {word}",
                hint="Run `pgbraid renumber --dry-run` to see the migrations of this branch that "
                "need another version.",
            )
        if not unmerged:
            raise self._merged(same[0])
        return unmerged

    def _merged(self, migration: Migration) -> ConfigError:
        return ConfigError(
            f"{migration.file} is in {self.ref}"
            if self.twin(migration)
            else f"{migration.file} is older than this branch, and {self.ref} has deleted it",
            detail="With another version, databases that have applied it would run it again.",
            hint="Name only migrations that this branch adds; `pgbraid renumber --dry-run` shows "
            "those that need another version.",
        )

    def refuse_merged(self, moved: Sequence[Migration]) -> None:
        """Raise ConfigError if the base has a text under another name, or a name with another text.

        A new version would hide that one of the two is the other one's copy.
        """
        for migration in self.ups:
            twin = self.twin(migration)
            if twin is None or self.comparison.was_there(twin.file):
                continue
            if not same_text(self.comparison.base.files[twin.file], migration):
                raise ConfigError(
                    f"both {self.ref} and this branch added {migration.label}, with different "
                    "texts",
                    hint="If they are two migrations, give this one another name first "
                    f"(`git mv`), then run `pgbraid renumber` again. Else merge {self.ref}.",
                )
        here = {migration.file for migration in self.ups}
        for migration in moved:
            for theirs in self.comparison.theirs.values():
                if theirs.file not in here and same_text(
                    self.comparison.base.files[theirs.file], migration
                ):
                    problem = merged_before_problem(theirs, migration, self.ref)
                    raise ConfigError(problem.message, detail=problem.detail, hint=problem.hint)

    def files_of(self, migration: Migration) -> list[str]:
        """Return the names of a migration's file and its down file. Raises ConfigError for two."""
        key = (migration.version, migration.name)
        downs = [
            name
            for name, (version, parts) in self.parts.items()
            if parts.kind == "down" and (version, parts.name) == key
        ]
        owners = [m.file for m in self.ups if (m.version, m.name) == key]
        if downs and len(owners) > 1:
            raise ConfigError(
                f"{downs[0]} may belong to {' or '.join(owners)}",
                hint="Delete one of the two, or give it another name; then run `pgbraid renumber` "
                "again.",
            )
        return [migration.file, *downs]


def _parsed(names: Iterable[str]) -> Iterator[tuple[str, tuple[int, FileName]]]:
    for name in names:
        parts = parse_file_name(name)
        version = parse_version(parts.digits) if isinstance(parts, FileName) else None
        if isinstance(parts, FileName) and version is not None:
            yield name, (version, parts)


def _moves(
    branch: _Branch, chosen: Sequence[Migration], numbering: str, now: datetime
) -> Iterator[_Move]:
    """Yield the migrations that need another version, in order, with it.

    A version above every other one stays, unless two files have it.
    """
    files = {name for migration in chosen for name in branch.files_of(migration)}
    others = {version for name, (version, _) in branch.parts.items() if name not in files}
    others |= {migration.version for migration in branch.comparison.theirs.values()}
    highest = max(others, default=-1)
    for migration in chosen:
        if migration.version > highest:
            highest = migration.version
            continue
        timestamp = is_timestamp(highest) or is_timestamp(migration.version)
        timestamp = timestamp or numbering == "timestamp"
        # Among longer versions, a timestamp would not be the highest one.
        timestamp = timestamp and len(str(highest)) <= _LONGEST_TIMESTAMP
        highest = next_version({highest}, timestamp=timestamp, now=now)
        digits = str(highest).zfill(len(migration.digits))
        names = tuple(
            (name, digits + name.removeprefix(branch.parts[name][1].digits))
            for name in branch.files_of(migration)
        )
        yield _Move(migration, highest, digits, names)


def _refuse_existing(branch: _Branch, moves: Sequence[_Move]) -> None:
    """Raise ConfigError if a new name is that of a file that keeps its name."""
    old = {name for move in moves for name, _ in move.names}
    others = {case_folded(name): name for name in branch.names if name not in old}
    for move in moves:
        for name, new in move.names:
            if case_folded(new) in others:
                raise ConfigError(
                    f"{name} would become {new}, but {others[case_folded(new)]} exists",
                    hint="Move that file away, then run `pgbraid renumber` again.",
                )
    for name in branch.names:
        target = _link_target(branch.folder / name)
        if target in old:
            raise ConfigError(
                f"{name} is a link to {target}, which would get another name",
                hint="Replace the link by a file, then run `pgbraid renumber` again.",
            )


def _link_target(path: Path) -> str | None:
    """Return the name of the file in the same folder to which a link leads directly, or None."""
    if not path.is_symlink():
        return None
    folder = path.parent.resolve()
    target = folder / path.readlink()
    return target.name if target.parent.resolve() == folder else None


def _mentions(branch: _Branch, moves: Sequence[_Move]) -> Iterator[str]:
    """Yield a note for each file whose text has the old label of a migration."""
    new_names = dict(name for move in moves for name in move.names)
    for name in branch.parts if moves else ():
        text = (branch.folder / name).read_text(encoding="utf-8", errors="replace")
        for move in moves:
            label = move.migration.label
            if label in text and re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text):
                yield (
                    f"{new_names.get(name, name)} mentions {label}, which is now "
                    f"{move.digits}_{move.migration.name}"
                )


def _reordered(branch: _Branch, moves: Sequence[_Move]) -> Iterator[str]:
    """Yield a note for each own migration that a named one, moved alone, has passed."""
    moved = {move.migration.file for move in moves}
    for move in moves:
        for other in branch.own:
            if other.file not in moved and move.migration.version < other.version < move.version:
                yield (
                    f"{other.label} ran after {move.migration.label}, and runs now before "
                    f"{move.digits}_{move.migration.name}"
                )
