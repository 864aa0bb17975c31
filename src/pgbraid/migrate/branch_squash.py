"""Compares the baselines of a branch with the migrations of the branch that it will join."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.model.migration import Location, Problem, Severity
from pgbraid.source.baselines import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pgbraid.model.migration import Migration, MigrationSet

__all__ = ["BranchSquash"]


class BranchSquash:
    """The baselines that a branch adds, and those of its base.

    ``baselines`` are the new ones of the branch, ``replaced`` the versions of the base that they
    replace.
    """

    def __init__(self, ours: MigrationSet, theirs: Sequence[Migration], ref: str) -> None:
        self.ref, self._theirs = ref, theirs
        files = {migration.file for migration in theirs}
        self.baselines = tuple(
            m for m in ours.migrations if m.directives.replaces and m.file not in files
        )
        versions = {v for baseline in self.baselines for v in baseline.directives.replaces}
        kept = {m.file for m in ours.migrations}
        self.replaced = frozenset(
            m.version for m in theirs if m.version in versions and m.file not in kept
        )
        # The base may have a baseline, too: then it has no file of the versions below it.
        self._known = {v for m in theirs for v in (m.version, *m.directives.replaces)}

    def replaced_by(self, baseline: Migration) -> tuple[Migration, ...]:
        """Return the migrations of the base that a new baseline replaces, by version."""
        versions = baseline.directives.replaces
        replaced = (m for m in self._theirs if m.version in versions)
        return tuple(sorted(replaced, key=lambda m: m.version))

    def problems(self, was_there: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield the problems of the new baselines, and a warning that names what they replace.

        ``was_there``: whether the branch began with a file of this name.
        """
        for baseline in self.baselines:
            replaced = baseline.directives.replaces
            unknown = [version for version in replaced if version not in self._known]
            if unknown:
                yield self._ahead(baseline, unknown)
            else:
                yield self._squashed(baseline)
            for theirs in self._theirs:
                new = not was_there(theirs.file)
                if new and theirs.version < baseline.version and theirs.version not in replaced:
                    yield self._passed(theirs, baseline)

    def _squashed(self, baseline: Migration) -> Problem:
        return Problem(
            "base_squashed",
            f"{baseline.label} replaces {len(baseline.directives.replaces)} versions of {self.ref}",
            detail="Databases that have all of them see it as applied; those that have a part of "
            "them are refused.",
            hint=f"Before the merge, run `pgbraid up` with the files of {self.ref} on every "
            "database.",
            severity=Severity.WARNING,
            location=Location(baseline.path),
            versions=(baseline.version,),
        )

    def _ahead(self, baseline: Migration, unknown: Sequence[int]) -> Problem:
        return Problem(
            "base_squash_ahead",
            f"{baseline.label} replaces {listed(unknown)}, which {self.ref} does not have",
            detail=f"Databases deployed from {self.ref} lack these versions, so `pgbraid up` would "
            "refuse to run there.",
            hint="Merge and deploy these migrations first; squash in a later branch.",
            location=Location(baseline.path),
            versions=tuple(unknown),
        )

    def _passed(self, theirs: Migration, baseline: Migration) -> Problem:
        return Problem(
            "below_baseline",
            f"{theirs.file} came to {self.ref} since, below the baseline {baseline.label}, which "
            "does not replace it",
            detail="A fresh database would run it before the baseline, without the schema on which "
            "it was written.",
            hint=f"Restore the replaced files, merge {self.ref} into this branch, and run `pgbraid "
            "squash` again.",
            location=Location(baseline.path),
            versions=(theirs.version,),
        )

    def baseline_of_base_above(self, file: Migration) -> Migration | None:
        """Return the baseline of the base that is above a new file of the branch, or None."""
        above = (m for m in self._theirs if m.directives.replaces and file.version < m.version)
        return next((m for m in above if file.version not in m.directives.replaces), None)
