"""The hazards of the migrations that a proof is about: those that are pending or added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.model.errors import ConfigError, PgbraidError, Stopped
from pgbraid.prove.lint import LintInput, report_of
from pgbraid.prove.replay.observed_replay import observe_on_copy

if TYPE_CHECKING:
    from pgbraid.model.findings import HazardReport
    from pgbraid.model.hazards.sizes import Sizes
    from pgbraid.model.options import RunOptions
    from pgbraid.prove.inputs import ProofInput
    from pgbraid.prove.replay.replayer import Base, Replayer

__all__ = ["ProofHazards"]


class ProofHazards:
    """Looks for hazards on a database that the proof has made; ``report`` is the result.

    It stays None if nothing is pending or added, and if a migration fails: the proof reports that.
    """

    def __init__(
        self,
        replayer: Replayer,
        proof_input: ProofInput,
        options: RunOptions,
        sizes: Sizes | None,
    ) -> None:
        self.report: HazardReport | None = None
        self._replayer = replayer
        self._input = proof_input
        self._options = options
        self._sizes = sizes

    def look(self, base: Base) -> None:
        """Run the rest of the recorded order on a copy of ``base``, which has its beginning.

        Raises ConfigError for a wrong sizes file or queries file, and Stopped.
        """
        judged, recorded = self._input.added, self._input.orders.recorded
        if self._options.lint_rules is None or not judged:
            return
        rules = self._options.lint_rules(self._sizes)
        versions = {migration.version for migration in judged}
        if versions & {migration.version for migration in base.prefix}:
            return
        limits, rest = self._options.limits, recorded[len(base.prefix) :]
        try:
            seen, _ = observe_on_copy(self._replayer, base, rest, limits, rules.queries)
        except (ConfigError, Stopped):
            raise
        except PgbraidError:
            return
        if any(file.failure for file in seen):
            return
        files = tuple(file for file in seen if file.migration.version in versions)
        lint_input = LintInput(recorded, judged, "to be proven")
        self.report = report_of(files, lint_input, rules, self._replayer.scratch.version)
