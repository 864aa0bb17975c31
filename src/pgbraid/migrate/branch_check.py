"""``check --base``: check what a branch does to the migrations of the branch that it will join.

A migration that is in the base may be applied in production. Production refuses a changed or
renamed file, and never runs a deleted one; so such a change is an error here, before the merge.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.migrate.branch_squash import BranchSquash
from pgbraid.model.migration import Location, Problem, Severity, digest
from pgbraid.model.results import ModificationKind
from pgbraid.source.baselines import below_baseline
from pgbraid.source.content import decode
from pgbraid.source.filenames import same_migration_name
from pgbraid.source.loader import load_migrations
from pgbraid.source.text_changes import classify_modification, first_changed_line, unified_diff
from pgbraid.sql.checksum import same_but_line_ends

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pgbraid.model.migration import Migration, MigrationSet
    from pgbraid.model.results import Check
    from pgbraid.source.git import GitFolder

__all__ = [
    "BranchComparison",
    "branch_problems",
    "compare_branch",
    "duplicate_problem",
    "merged_before_problem",
    "migrations_by_file",
    "same_text",
    "with_branch_problems",
]

_LISTED = 12


def with_branch_problems(check: Check, migrations: MigrationSet, folder: str, ref: str) -> Check:
    """Return the check with the problems of this branch beside the commit ``ref``.

    Raises ConfigError if git, the repository or the commit is missing.
    """
    branch = compare_branch(migrations, folder, ref)
    added = {migration.version for migration in branch.added()}
    found = (_empty_if_added(p, added) if p.code == "empty" else p for p in check.problems)
    return replace(check, problems=(*found, *branch.problems()), base=ref)


def compare_branch(migrations: MigrationSet, folder: str, ref: str) -> BranchComparison:
    """Return the migrations of a folder beside those of the commit ``ref``.

    Raises ConfigError if git, the repository or the commit is missing.
    """
    from pgbraid.source.git import files_at_commit, merge_bases  # noqa: PLC0415 - only with a base

    forks = [files_at_commit(folder, commit) for commit in merge_bases(folder, ref)]
    return BranchComparison(migrations, files_at_commit(folder, ref), forks, ref)


def _empty_if_added(problem: Problem, added: Collection[int]) -> Problem:
    """Return the problem of a file without a statement: an error only if the branch adds it."""
    severity = Severity.ERROR if all(v in added for v in problem.versions) else Severity.WARNING
    return replace(problem, severity=severity)


def branch_problems(
    migrations: MigrationSet, base: GitFolder, forks: Sequence[GitFolder], ref: str
) -> tuple[Problem, ...]:
    """Return what the branch does to the migrations of ``ref``, the base.

    ``base`` is the folder of ``ref``, ``forks`` the folder at each newest common commit of both. A
    change that the base made since then is no problem of this branch.
    """
    return tuple(BranchComparison(migrations, base, forks, ref).problems())


class BranchComparison:
    """The migrations of a branch and of its base, by file."""

    def __init__(
        self, migrations: MigrationSet, base: GitFolder, forks: Sequence[GitFolder], ref: str
    ) -> None:
        self.ours, self.base, self.ref = migrations, base, ref
        self.forks = [fork.files for fork in forks]
        self.here = {migration.file: migration for migration in migrations.migrations}
        self.theirs = migrations_by_file(base)
        # Files that cannot be used, such as two of one version, are reported with the files.
        errors = (p for p in migrations.problems if p.severity is Severity.ERROR)
        self.unusable = {version for problem in errors for version in problem.versions}
        self.squash = BranchSquash(migrations, tuple(self.theirs.values()), ref)

    def problems(self) -> Iterator[Problem]:
        """Yield the problems: of the base's migrations by version, then of the added ones."""
        if not self.theirs and self.ours.migrations:
            yield Problem(
                "base_empty",
                f"{self.ref} has no migrations of this folder, so all of these count as new",
                hint="If the folder was moved and every file changed, restore the files first.",
                severity=Severity.WARNING,
                location=Location(self.ours.label) if self.ours.label else None,
            )
        for migration in sorted(self.theirs.values(), key=lambda m: (m.version, m.file)):
            file = self.here.get(migration.file)
            if file is not None:
                yield from self._changed(migration, file)
            elif migration.version in self.squash.replaced:
                continue
            elif self.was_there(migration.file) and migration.version not in self.unusable:
                yield from self._removed(migration)
        yield from self.squash.problems(self.was_there)
        for file in self.added():
            yield from self._added(file)

    def added(self) -> Iterator[Migration]:
        """Yield the migrations that the branch adds, without its baselines."""
        for file in self.ours.migrations:
            if file.file not in self.theirs and self._is_added(file):
                yield from () if file in self.squash.baselines else (file,)

    def _changed(self, migration: Migration, file: Migration) -> Iterator[Problem]:
        """Yield the problem of a file that both have, with different texts."""
        text, name = self.base.files[migration.file], migration.file
        if same_text(text, file):
            return
        if not self.was_there(name):
            yield duplicate_problem(migration, file, self.ref)
        elif not self._had_text(file):  # else the base has changed the file
            yield self._edited(file, decode(text), decode(file.content.read_bytes()))

    def _edited(self, file: Migration, before: str, now: str) -> Problem:
        cosmetic = classify_modification(before, now) is ModificationKind.COSMETIC
        return Problem(
            "base_comments_edited" if cosmetic else "base_edited",
            f"{file.label} is in {self.ref}, and this branch changes it"
            + (", only in comments, white space or the case of words" if cosmetic else ""),
            detail=None if cosmetic else "A database that has applied it refuses the new text.",
            hint=f"Restore it (`git checkout {self.ref} -- {file.path}`), and put the change into "
            "a new migration.",
            severity=Severity.WARNING if cosmetic else Severity.ERROR,
            location=Location(file.path, first_changed_line(before, now)),
            versions=(file.version,),
            diff=unified_diff(before, now, file.file, before=f"in {self.ref}"),
        )

    def _removed(self, migration: Migration) -> Iterator[Problem]:
        """Yield the problem of a file of the base that the branch renamed, replaced or deleted."""
        ref, text = self.ref, self.base.files[migration.file]
        new = [file for file in self.ours.migrations if file.file not in self.theirs]
        same = next((file for file in new if same_text(text, file)), None)
        version = self.ours.get(migration.version)
        if version is not None and version.file in self.theirs:
            version = None  # the base has two files of this version
        restore = f"`git checkout {ref} -- {self._path(migration)}`"
        if same is not None and same.version != migration.version:
            yield self._problem(
                "base_renumbered",
                f"{migration.file} of {ref} is {same.file} here",
                "A database that has applied it would run its text a second time.",
                f"Give it its name back: `git mv {same.path} {self._path(migration)}`.",
                same,
            )
        elif version is None:
            yield Problem(
                "base_deleted",
                f"{migration.file} is in {ref}, and this branch deletes it",
                detail="A database that has applied it keeps its changes; a fresh one lacks them.",
                hint=f"Restore it ({restore}), and revert its changes in a new migration.",
                location=Location(self._path(migration)),
                versions=(migration.version,),
            )
        elif same is None:
            yield self._problem(
                "base_replaced",
                f"version {version.version} is {migration.file} in {ref}, and {version.file} with "
                "another text here",
                "A database that has applied the version never runs the other text.",
                f"Restore the file ({restore}), and give {version.file} a new version "
                f"with `pgbraid renumber --base {ref}`.",
                version,
            )
        elif not same_migration_name(migration.name, migration.version, version.name):
            yield self._problem(
                "base_renamed",
                f"{migration.file} of {ref} is {version.file} here",
                "A database that has applied it refuses the new name.",
                f"Give it its name back: `git mv {version.path} {self._path(migration)}`.",
                version,
            )

    def was_there(self, name: str) -> bool:
        """Whether the branch began with a file of this name."""
        return any(name in files for files in self.forks)

    def _had_text(self, file: Migration) -> bool:
        """Whether the branch began with this file, with the same text."""
        name = file.file
        return any(name in files and same_text(files[name], file) for files in self.forks)

    def _is_added(self, file: Migration) -> bool:
        """Whether the branch adds the file; the base may have deleted an old one since."""
        return not self._had_text(file)

    def _added(self, file: Migration) -> Iterator[Problem]:
        """Yield the problems of a migration that the branch adds."""
        new = [m for m in self.theirs.values() if not self.was_there(m.file)]
        same = next((m for m in new if same_text(self.base.files[m.file], file)), None)
        version = next((m for m in new if m.version == file.version), None)
        if same is not None and same.version != file.version:
            yield merged_before_problem(same, file, self.ref)
        elif version is not None:
            yield duplicate_problem(version, file, self.ref)
        else:
            yield from self._out_of_order(file)

    def _out_of_order(self, file: Migration) -> Iterator[Problem]:
        above = self.squash.baseline_of_base_above(file)
        if above is not None:
            yield below_baseline(file, above, self.ref)
            return
        higher = sorted(m.version for m in self.theirs.values() if m.version > file.version)
        if higher:
            passed = ", ".join(map(str, higher[:_LISTED])) + (
                f" and {len(higher) - _LISTED} more" if len(higher) > _LISTED else ""
            )
            yield replace(
                self._problem(
                    "base_gap",
                    f"{file.label} will run out of order: {self.ref} has {passed}",
                    None,
                    "Compare the results of both orders with "
                    f"`pgbraid prove --base {self.ref}`, or give the file a version above "
                    f"{higher[-1]} with `pgbraid renumber --base {self.ref}`.",
                    file,
                ),
                severity=Severity.WARNING,
            )

    def _path(self, migration: Migration) -> str:
        label = self.base.path or self.ours.label
        return f"{label}/{migration.file}" if label else migration.file

    @staticmethod
    def _problem(
        code: str, message: str, detail: str | None, hint: str, file: Migration
    ) -> Problem:
        place = Location(file.path)
        return Problem(code, message, detail, hint, location=place, versions=(file.version,))


def migrations_by_file(folder: GitFolder) -> dict[str, Migration]:
    """Return the migrations of a folder by file, also those that share a version."""
    loaded = load_migrations(folder.files).migrations if folder.files else ()
    migrations = {migration.file: migration for migration in loaded}
    for name in sorted(folder.files.keys() - migrations.keys()):
        migrations |= {m.file: m for m in load_migrations({name: folder.files[name]}).migrations}
    return migrations


def same_text(data: bytes, file: Migration) -> bool:
    """Whether a file has this content, at most with other line ends."""
    if same_but_line_ends(file.checksum, data):
        return True
    text = file.content.read_bytes()  # it may mix line ends
    return b"\r" in text and same_but_line_ends(digest(data), text)


def duplicate_problem(theirs: Migration, ours: Migration, ref: str) -> Problem:
    """Return the problem of a version that the base and this branch have both added."""
    one_name = theirs.file == ours.file
    return Problem(
        "duplicate_version",
        f"both {ref} and this branch added {ours.file}, with different texts"
        if one_name
        else f"version {ours.version} is {theirs.file} in {ref} and {ours.file} here",
        detail=f"Databases deployed from {ref} have applied the other text."
        if one_name
        else "After the merge there would be two files with one version.",
        hint=f"Give the file here a free version with `pgbraid renumber --base {ref}`.",
        location=Location(ours.path),
        versions=(ours.version,),
    )


def merged_before_problem(theirs: Migration, ours: Migration, ref: str) -> Problem:
    """Return the problem of a text of this branch that the base has under another version."""
    return Problem(
        "renumbered",
        f"{ref} already has the text of {ours.file}, as {theirs.file}",
        detail="After the merge there would be two files with one text, and both would run.",
        hint=f"Merge {ref} into this branch and delete {ours.file}.",
        location=Location(ours.path),
        versions=(ours.version, theirs.version),
    )
