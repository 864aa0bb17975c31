"""Determines the migrations after a branch is merged, and the order in which they will run.

The order is that of a database which has applied all migrations of the base.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgbraid.migrate.branch_check import duplicate_problem, merged_before_problem, same_text
from pgbraid.migrate.branch_squash import BranchSquash
from pgbraid.migrate.planning.planner import renumbered_problem
from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import AppliedMigration, Location, Problem, Severity
from pgbraid.source.filenames import same_migration_name
from pgbraid.source.loader import load_migrations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.model.migration import Migration, MigrationSet
    from pgbraid.source.git import GitFolder

__all__ = ["Merged", "merge"]


@dataclass(frozen=True, slots=True)
class Merged:
    """The migrations of the base by version, and the migrations that the branch adds.

    ``notes`` are for the user. ``not_replayed`` lists migrations that databases of the base have
    applied, and that the branch has deleted.
    """

    before: tuple[Migration, ...]
    added: tuple[Migration, ...]
    notes: tuple[str, ...] = ()
    not_replayed: tuple[str, ...] = ()
    squashed: tuple[tuple[Migration, tuple[Migration, ...]], ...] = ()
    """Each baseline that the branch adds, with the migrations of the base that it replaces."""


def merge(migrations: MigrationSet, base: GitFolder, fork: GitFolder, ref: str) -> Merged:
    """Return the migrations after a merge of this branch into ``ref``, the base.

    ``base`` is the folder of ``ref``; ``fork`` is the folder of the commit at which the branch
    began. Raises ProblemsFound for errors in the files of ``ref``, and for a merge that
    ``pgbraid up`` would refuse on a database of ``ref``.
    """
    return _Merge(migrations, base, fork, ref).merged()


class _Merge:
    """A merge in progress: the migrations of this branch and of the base, by file."""

    def __init__(
        self, migrations: MigrationSet, base: GitFolder, fork: GitFolder, ref: str
    ) -> None:
        self.ref, self.base, self.fork = ref, base, fork
        self.ours = migrations
        self.here = {migration.file: migration for migration in migrations.migrations}
        self.theirs = self._their_migrations(base)
        self.squash = BranchSquash(migrations, tuple(self.theirs.values()), ref)
        self.before: list[Migration] = []
        self.notes: list[str] = []
        self.not_replayed: list[str] = []

    def _their_migrations(self, base: GitFolder) -> dict[str, Migration]:
        """Return the migrations of the base by file. Raises ProblemsFound for its errors."""
        loaded = load_migrations(base.files)
        if not base.files:
            return {}
        errors = tuple(self._at_ref(p) for p in loaded.problems if p.severity == "error")
        if errors:
            raise ProblemsFound(errors)
        return {migration.file: migration for migration in loaded.migrations}

    def _at_ref(self, problem: Problem) -> Problem:
        """Return a problem of the base, with ``ref`` in its message and its location."""
        place = problem.location
        return replace(
            problem,
            message=f"{problem.message}, in {self.ref}",
            location=Location(f"{self.ref}:{place.file}", place.line) if place else None,
        )

    def merged(self) -> Merged:
        """Return the merged migrations. Raises ProblemsFound."""
        ref = self.ref
        if self.base.elsewhere:
            self._note(f"{ref} has the migrations of this folder in {self.base.elsewhere}")
        if not self.theirs:
            where = self.ours.label
            self._note(f"{ref} has no migrations in {where}, so all of these are new to it")
        problems = [*self._duplicate_versions(), *self._merged_before()]
        squash = self.squash.problems(lambda name: name in self.fork.files)
        problems += [p for p in squash if p.severity is Severity.ERROR]
        # Databases of the base run its migrations first, all in the order of versions.
        for migration in sorted(self.theirs.values(), key=lambda m: m.version):
            file = self.here.get(migration.file)
            if migration.version in self.squash.replaced:
                self.before += self._baseline_of(migration.version)
            elif file is None:
                problems += self._not_here(migration)
            elif self._both_added(migration, file):
                problems.append(duplicate_problem(migration, file, self.ref))
            else:
                self.before.append(self._merged_text(migration, file))
        if problems:
            raise ProblemsFound(tuple(problems))
        added = tuple(m for m in self.ours.migrations if self._is_added(m))
        squashed = tuple((b, self.squash.replaced_by(b)) for b in self.squash.baselines)
        notes, not_replayed = tuple(self.notes), tuple(self.not_replayed)
        return Merged(tuple(self.before), added, notes, not_replayed, squashed)

    def _baseline_of(self, version: int) -> Iterator[Migration]:
        """Yield the branch's new baseline of a version, in place of the files that it replaces."""
        for baseline in self.squash.baselines:
            if baseline.version == version:
                number = len(baseline.directives.replaces)
                self._note(f"{baseline.label} replaces {number} versions: it is replayed instead")
                yield baseline

    def _both_added(self, migration: Migration, file: Migration) -> bool:
        """Return whether both sides added a file of the same name, with different texts."""
        name = migration.file
        return name not in self.fork.files and not same_text(self.base.files[name], file)

    def _merged_text(self, migration: Migration, file: Migration) -> Migration:
        """Return the version of a file, the branch's or the base's, that the merge will keep."""
        name, ref = migration.file, self.ref
        if same_text(self.base.files[name], file):
            return file
        if name in self.fork.files and same_text(self.fork.files[name], file):
            self._note(f"{file.label} was changed in {ref} since: its text there is replayed")
            return migration
        self._note(f"{file.label} was changed since {ref}; its current text is replayed")
        return file

    def _note(self, text: str) -> None:
        self.notes.append(text)

    def _not_here(self, migration: Migration) -> Iterator[Problem]:
        """Check a base file that this branch lacks: the base added it, or the branch deleted it."""
        ref, name = self.ref, migration.file
        if name not in self.fork.files:
            self._note(f"{migration.label} came to {ref} since: it is replayed, too")
            self.before.append(migration)
            return
        same = self._same_text_here(migration)
        version = self.ours.get(migration.version)
        if same is not None and same.version != migration.version:
            row = AppliedMigration(migration.version, migration.name, migration.checksum)
            yield renumbered_problem(same, row)
        elif version is not None and same is None and not self._agree(migration, version):
            yield _renamed(migration, version, ref)
        elif version is not None:
            # The branch renamed the file, but its version and its text or name are the same.
            self._note(
                f"version {version.version} is {migration.label} in {ref}, {version.label} here"
            )
            self.before.append(version)
        else:
            self._note(f"{migration.label} is in {ref} and was deleted here: it is not replayed")
            self.not_replayed.append(
                f"{migration.label}: deleted here, and databases of {ref} have it"
            )

    @staticmethod
    def _agree(one: Migration, other: Migration) -> bool:
        return same_migration_name(one.name, one.version, other.name)

    def _same_text_here(self, migration: Migration) -> Migration | None:
        """Return a new file of this branch that has the same text as a migration of the base."""
        text = self.base.files[migration.file]
        new = (m for m in self.ours.migrations if m.file not in self.theirs)
        return next((m for m in new if same_text(text, m)), None)

    def _is_added(self, file: Migration) -> bool:
        """Return whether the branch adds a file. A file that the base deleted is not added."""
        name, ref = file.file, self.ref
        if name in self.theirs or any(m is file for m in self.before):
            return False
        if name not in self.fork.files or not same_text(self.fork.files[name], file):
            return True
        # The base deleted or renamed a file that the branch has not changed: the merge removes it.
        now = next((n for n, data in self.base.files.items() if same_text(data, file)), None)
        if now is None:
            replaced = any(file.version in m.directives.replaces for m in self.theirs.values())
            if not replaced:
                self._note(f"{file.label} was deleted in {ref} since: it is not replayed")
        else:
            self._note(f"{file.label} is {now} in {ref} since: it is replayed as that")
        return False

    def _duplicate_versions(self) -> Iterator[Problem]:
        """Yield a problem for each version that both sides have added."""
        for migration in self.theirs.values():
            file = self.ours.get(migration.version)
            new = migration.file not in self.fork.files
            if file is not None and new and file.file not in self.theirs:
                if file.file in self.fork.files and not self._agree(migration, file):
                    continue  # the base has given the version to another file since
                yield duplicate_problem(migration, file, self.ref)

    def _merged_before(self) -> Iterator[Problem]:
        """Yield a problem for each file of the branch that the base has as another version."""
        for file in self.ours.migrations:
            if file.file in self.theirs or file.file in self.fork.files:
                continue
            for name, migration in self.theirs.items():
                other = migration.version != file.version
                if other and name not in self.fork.files and same_text(self.base.files[name], file):
                    yield merged_before_problem(migration, file, self.ref)


def _renamed(theirs: Migration, ours: Migration, ref: str) -> Problem:
    return Problem(
        "renamed",
        f"version {ours.version} is {theirs.file} in {ref} and {ours.file} here, with another text",
        detail=f"Databases deployed from {ref} have applied {theirs.file}; `pgbraid up` would "
        "refuse to run there.",
        hint="Restore that file, and give the file here a free version with `pgbraid renumber "
        f"--base {ref}`.",
        location=Location(ours.path),
        versions=(ours.version,),
    )
