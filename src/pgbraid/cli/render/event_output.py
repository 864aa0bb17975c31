"""Prints the events of a run, and keeps those that the result needs."""

from __future__ import annotations

from abc import ABC, abstractmethod

from pgbraid.cli.render import characters, psql
from pgbraid.cli.render.printer import Printer

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from pgbraid.model.events import (
        Adopted,
        BlockedByLock,
        DryRunPassed,
        Event,
        FileProgress,
        Finished,
        GapProven,
        HazardsMeasured,
        IndexProgress,
        Interrupted,
        LeftoverDropped,
        Planned,
        ProofStarted,
        ReplayStarted,
        Retrying,
        RunEnded,
        RunStarted,
        ServerNotice,
        Started,
        StatementSkipped,
        WaitingForLock,
        WaitingForMigrations,
    )
    from pgbraid.model.migration import MigrationResult, Problem

__all__ = ["EventOutput", "result_lines"]

_LISTED = 5
"""How many objects of one list are printed."""

_WIDEST_LABEL = 60

_STILL_WAITING = 5.0
"""Seconds after which a report of a wait says how long it has lasted."""


class EventOutput(ABC):
    """The output of the events of one command."""

    def __init__(self, *, form: str, bar: bool) -> None:
        self.verbose = False
        self._printer = Printer(form=form, bar=bar)
        self._applied: list[MigrationResult] = []
        self._started: Started | None = None
        self._interrupted: Interrupted | None = None
        self._notices: list[ServerNotice] = []
        self._retries: list[Retrying] = []
        self._planned: tuple[Problem, ...] = ()
        self._label_columns = 0

    @abstractmethod
    def warn(self, code: str, message: str, hint: str | None = None) -> None:
        """Print a warning, and keep it for the JSON document."""

    def detail(self, line: str) -> None:
        """Print one line, only with --verbose."""
        if self.verbose:
            self._progress([characters.clean(line)])

    def on_event(self, event: Event) -> None:
        """Print an event of a run, or keep it for the JSON document.

        Dispatches by the name of the event's class: the classes need not be imported.
        """
        getattr(self, f"_on_{_snake_case(type(event).__name__)}")(event)

    def _on_run_started(self, event: RunStarted) -> None:  # noqa: B027 - no subclass needs it
        """Print nothing: the command line itself has just been typed."""

    def _on_run_ended(self, event: RunEnded) -> None:  # noqa: B027
        """Print nothing: the result or the error follows."""

    def _on_server_notice(self, event: ServerNotice) -> None:
        self._notices.append(event)
        self._progress(psql.diagnostic(event.diagnostic, verbose=self.verbose))

    def _on_waiting_for_lock(self, event: WaitingForLock) -> None:
        again = event.waited >= _STILL_WAITING
        since = f" for {event.waited:.0f} s" if again else ""
        self._progress([f"waiting{since} for the lock, held by {characters.clean(event.holder)}"])

    def _on_waiting_for_migrations(self, event: WaitingForMigrations) -> None:
        self._progress([f"waiting: {characters.clean(psql.spelled(event.reason))}"])

    def _on_blocked_by_lock(self, event: BlockedByLock) -> None:
        blockers = "; ".join(map(characters.clean, event.blockers)) or "another session"
        self._progress([f"waiting for {characters.clean(event.lock)}, blocked by {blockers}"])

    def _on_retrying(self, event: Retrying) -> None:
        self._retries.append(event)
        label = characters.clean(event.migration.label)
        message = characters.clean(event.diagnostic.message)
        retry = f"rolled back, attempt {event.attempt + 1} in {event.delay:.1f} s"
        self._progress([f"{label}: {message}; {retry}"])

    def _on_index_progress(self, event: IndexProgress) -> None:
        if self._started:
            share = f" {100 * event.done // event.total} %" if event.total else ""
            note = f"{event.table}: {event.phase}{share}"
            self._printer.show_migration(self._started, note=note)

    def _on_leftover_dropped(self, event: LeftoverDropped) -> None:
        label, statement = (
            characters.clean(event.migration.label),
            characters.clean(event.statement),
        )
        self._progress([f"{label}: cleaning up after an interrupted statement: {statement}"])

    def _on_statement_skipped(self, event: StatementSkipped) -> None:
        from pgbraid.sql.secrets import mask, secrets_in

        statement = mask(event.statement, secrets_in(event.statement))
        self.warn(
            "statement_skipped",
            f"statement {event.number} of {event.migration.label} was marked as done without "
            f"running it: {' '.join(statement.split())}",
        )

    def _on_proof_started(self, event: ProofStarted) -> None:
        if not event.inversions:
            return
        labels = ", ".join(characters.clean(m.label) for m in event.out_of_order[:_LISTED])
        more = len(event.out_of_order) - _LISTED
        labels += f" and {more} more" if more > 0 else ""
        pairs = psql.count(event.inversions, "pair")
        differ, total = len(event.order) - event.common, len(event.order)
        extent = f"{differ} of {psql.count(total, 'migration')} differ in order"
        self._progress([f"out of order: {labels}; {pairs} of migrations swapped"])
        self._progress([f"Replaying both orders: {extent}. Finding the cause can take longer."])

    def _on_gap_proven(self, event: GapProven) -> None:
        proof = event.proof
        verdict = "proven: both orders end the same"
        if proof.allowed_reason:
            verdict = psql.spelled(f"accepted: {proof.allowed_reason}")
        number = len(proof.not_compared)
        objects = psql.count(number, "object")
        exceptions = f", except {objects} that could not be compared" if number else ""
        replays = psql.count(proof.replays, "replay")
        self._progress([characters.clean(f"{verdict}{exceptions} ({replays})")])
        self._progress(
            f"  not compared: {characters.clean(line)}" for line in proof.not_compared[:_LISTED]
        )

    def _on_hazards_measured(self, event: HazardsMeasured) -> None:
        from pgbraid.cli.render.lint_text import lint_lines

        self._progress(lint_lines(event.report, graver_only=True))

    def _on_replay_started(self, event: ReplayStarted) -> None:
        if self._printer.shows_bar:
            self._printer.show_replay(event.number, event.description)
        else:
            self.detail(f"replay {event.number}: {event.description}")

    def _on_planned(self, event: Planned) -> None:
        self._planned = event.plan.warnings
        widths = (characters.width(step.migration.label) for step in event.plan.steps)
        self._label_columns = min(max(widths, default=0), _WIDEST_LABEL)

    def _on_adopted(self, event: Adopted) -> None:
        self._print(result_lines(event.adoption, self._printer.columns()))

    def _on_started(self, event: Started) -> None:
        self._started = event
        self._printer.show_migration(event)

    def _on_file_progress(self, event: FileProgress) -> None:
        if self._started:
            self._printer.show_migration(self._started, event.sent)

    def _on_interrupted(self, event: Interrupted) -> None:
        self._interrupted = event

    def _on_finished(self, event: Finished) -> None:
        self._applied.append(event.result)
        self._on_dry_run_passed(event)

    def _on_dry_run_passed(self, event: Finished | DryRunPassed) -> None:
        from pgbraid.cli.render.text import migration_line

        columns = self._printer.columns()
        self._print([migration_line(event.result, self._label_columns, columns)])

    def _print(self, lines: Iterable[str]) -> None:
        self._printer.print_result(lines)

    def _progress(self, lines: Iterable[str]) -> None:
        self._printer.print_progress(lines)


def result_lines(value: Any, columns: int | None) -> Iterator[str]:  # noqa: ANN401 - any result
    """Return the lines of a result; the texts are imported only here."""
    if type(value).__name__ == "Readiness":
        from pgbraid.cli.render.readiness import lines

        return lines(value)
    from pgbraid.cli.render import text

    return text.result_lines(value, columns)


def _snake_case(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")
