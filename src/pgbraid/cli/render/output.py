"""Prints the results, errors and events of one command."""

from __future__ import annotations

import sys
from collections import defaultdict

from pgbraid.cli.render import characters, psql
from pgbraid.cli.render.printer import Printer
from pgbraid.cli.render.text import failure_summary, problems_summary
from pgbraid.model.errors import MigrationFailed, PgbraidError, ProblemsFound, ServerError, Stopped

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from pgbraid.cli.render.findings import Paths
    from pgbraid.model.events import (
        Adopted,
        BlockedByLock,
        DryRunPassed,
        Event,
        FileProgress,
        Finished,
        GapProven,
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
    )
    from pgbraid.model.migration import MigrationResult, Problem

__all__ = ["Output"]

_LISTED = 5
"""How many warnings of one kind, or objects of one list, are printed."""

_WIDEST_LABEL = 60

_STILL_WAITING = 5.0
"""Seconds after which a report of a wait says how long it has lasted."""

_UNWRITTEN = 4
"""The exit code if the result could not be written."""

_WRITING_COMMANDS = frozenset(
    {
        *("up", "resume", "undo", "repair", "adopt", "baseline", "new", "renumber", "sum", "demo"),
        *("convert", "export", "squash"),
    }
)
"""Commands whose purpose is a change: without --json, a lost answer does not fail them."""

_APPLYING_COMMANDS = frozenset({"up", "resume"})


class Output:
    """The output of one command: results on standard output, the rest on standard error.

    ``form`` is ``text``, or a format of ``check --format``. In the format ``json`` it prints one
    document at the end and nothing else; ``paths`` are those of a report in the other formats.
    """

    def __init__(self, *, form: str = "text", bar: bool = False) -> None:
        self.form = form
        self.paths: Paths | None = None
        self.command = ""
        self.settings: str | None = None
        self.verbose = self.temporary_server = False
        self._printer = Printer(form=form, bar=bar)
        self._applied: list[MigrationResult] = []
        self._started: Started | None = None
        self._interrupted: Interrupted | None = None
        self._notices: list[ServerNotice] = []
        self._retries: list[Retrying] = []
        self._warnings: list[Problem] = []
        self._planned: tuple[Problem, ...] = ()
        self._label_columns = 0

    @property
    def as_json(self) -> bool:
        """Whether one JSON document is printed, and nothing else."""
        return self._printer.as_json

    @property
    def quiet(self) -> bool:
        """Whether only problems are printed."""
        return self._printer.quiet

    @quiet.setter
    def quiet(self, value: bool) -> None:
        self._printer.quiet = value

    def on_event(self, event: Event) -> None:
        """Print an event of a run, or keep it for the JSON document.

        Dispatches by the name of the event's class: the classes need not be imported.
        """
        getattr(self, f"_on_{_snake_case(type(event).__name__)}")(event)

    def _on_run_started(self, event: RunStarted) -> None:
        """Print nothing: the command line itself has just been typed."""

    def _on_run_ended(self, event: RunEnded) -> None:
        """Print nothing: the result or the error follows."""

    def _on_server_notice(self, event: ServerNotice) -> None:
        self._notices.append(event)
        self._progress(psql.diagnostic(event.diagnostic, verbose=self.verbose))

    def _on_waiting_for_lock(self, event: WaitingForLock) -> None:
        again = event.waited >= _STILL_WAITING
        since = f" for {event.waited:.0f} s" if again else ""
        self._progress([f"waiting{since} for the lock, held by {characters.clean(event.holder)}"])

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
        self._print(_lines_of(event.adoption, self._printer.columns()))

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

    def result(self, value: object, code: int) -> int:
        """Print the result of a command and return its exit code."""
        self._printer.clear_bar()
        if self.as_json:
            from pgbraid.cli.render import json_document

            return self._document(code, json_document.result(value, self._warnings))
        if self.form != "text":
            return self._report(value, code)
        self._problems(getattr(value, "problems", getattr(value, "warnings", ())))
        for _, diagnostic in getattr(value, "failures", ()):
            self._printer.print_error(psql.diagnostic(diagnostic, verbose=self.verbose))
        for _, diagnostic in getattr(value, "inconclusive", ()):
            self._progress(psql.diagnostic(diagnostic, severity="WARNING"))
        self._print(_lines_of(value, self._printer.columns()))
        return self._exit_code(code, changed=not getattr(value, "dry_run", False))

    def _report(self, value: object, code: int) -> int:
        """Print the problems of a check in its format, and the answer in one line of text."""
        problems: tuple[Problem, ...] = getattr(value, "problems", ())
        if self.form == "github":
            self._annotate(problems)
        else:
            self._problems(problems)  # the log of a job shows them, too
            from pgbraid.cli.render.findings import print_document

            print_document(self._printer, self.form, (*self._warnings, *problems), self.paths)
        self._print(_lines_of(value, self._printer.columns()))
        return self._exit_code(code)

    def _annotate(self, problems: Iterable[Problem]) -> None:
        """Print an annotation of GitHub for each problem."""
        from pgbraid.cli.render.findings import print_annotations

        print_annotations(self._printer, problems, self.paths)

    def lines(self, lines: Iterable[str], code: int, **members: Any) -> int:  # noqa: ANN401 - JSON
        """Print lines, or with --json a document of ``members``, and return the exit code."""
        if self.as_json:
            return self._document(code, members)
        self._print(lines)
        return self._exit_code(code)

    def detail(self, line: str) -> None:
        """Print one line, only with --verbose."""
        if self.verbose:
            self._progress([characters.clean(line)])

    def note(self, message: str) -> None:
        """Print a note, a line that informs and warns of nothing."""
        self._progress([f"NOTE:  {characters.clean(psql.spelled(message))}"])

    def waiting(self, message: str) -> None:
        """Report that the command waits for the server, and why."""
        self._progress([f"waiting for the server: {characters.clean(message)}"])

    def warn(self, code: str, message: str, hint: str | None = None) -> None:
        """Print a warning, and keep it for the JSON document."""
        from pgbraid.model.migration import Problem, Severity

        problem = Problem(code, message, hint=hint, severity=Severity.WARNING)
        self._warnings.append(problem)
        if self.form == "github":
            self._annotate([problem])
        else:
            self._progress(psql.problem(problem))

    def prompt(self, question: str) -> None:
        """Print a question without a line end."""
        self._printer.write(sys.stderr, characters.clean(question))

    def error(self, error: PgbraidError, code: int) -> int:
        """Print an error in PostgreSQL's slots and return the exit code."""
        self._printer.clear_bar()
        if self.as_json:
            from pgbraid.cli.render import json_document

            warnings = (*self._warnings, *self._planned)
            document = json_document.failure(error, applied=self._applied, warnings=warnings)
            return self._document(code, document)
        if self.form == "github":
            from pgbraid.cli.render.findings import problems_of

            self._annotate(problems_of(error))
        self._problems(self._planned)
        if isinstance(error, ProblemsFound):
            self._problems(error.problems)
            self._printer.print_error([f"{problems_summary(error)}."])
        elif isinstance(error, MigrationFailed):
            self._printer.print_error(psql.diagnostic(error.diagnostic, verbose=self.verbose))
            temporary = self.temporary_server
            summary = failure_summary(error, self.command, temporary_server=temporary)
            self._printer.print_error([summary])
        else:
            self._printer.print_error(psql.error(error.message, error.detail, error.hint))
            if isinstance(error, ServerError) and error.diagnostic is not None:
                self._printer.print_error(psql.context(error.diagnostic))
        return code

    def stopped(self, code: int) -> int:
        """Report that a signal stopped the run, and its state; return the exit code."""
        message = "stopped"
        if self.command in _APPLYING_COMMANDS:
            message += f"; {psql.count(len(self._applied), 'migration')} applied"
        event = self._interrupted
        if event is not None:
            label = characters.clean(event.step.migration.label)
            outcomes = {True: "was committed", False: "was rolled back", None: "may be committed"}
            outcome = "is incomplete" if event.incomplete else outcomes[event.applied]
            message += f", {label} {outcome}"
        certain = event is not None and event.applied is not None
        hint = None if certain else "Run `pgbraid status` to see which versions are applied."
        return self.error(Stopped(message, hint=hint), code)

    def close(self) -> None:
        """End the output."""
        self._printer.close()

    def _document(self, code: int, members: dict[str, Any]) -> int:
        import json

        from pgbraid.cli.render import json_document

        head = {
            "format": json_document.FORMAT,
            "command": self.command,
            "ok": code == 0,
            "exit_code": code,
            "settings": self.settings,
        }
        tail = {
            "notices": json_document.notices(self._notices),
            "retries": json_document.retries(self._retries),
        }
        text = json.dumps({**head, **members, **tail}, indent=2)
        self._printer.write(sys.stdout, text + "\n")
        return self._exit_code(code)

    def _exit_code(self, code: int, *, changed: bool = True) -> int:
        """Return the exit code, or 4 if the result is lost and the command had no other effect."""
        changed = changed and self.command in _WRITING_COMMANDS and not self.as_json
        if code or changed or not (self._printer.unwritten or sys.stdout is None):
            return code
        if sys.stdout is None:
            self._printer.print_error(
                ["ERROR:  cannot write the answer: standard output is closed"]
            )
        return _UNWRITTEN

    def _problems(self, problems: Iterable[Problem]) -> None:
        """Print every error, and the first few warnings of each kind."""
        warnings: dict[str, int] = defaultdict(int)
        for problem in problems:
            if problem.severity == "warning":
                warnings[problem.code] += 1
                if warnings[problem.code] > _LISTED or self.quiet:
                    continue
            self._printer.print_error(psql.problem(problem))
        for kind, number in warnings.items():
            if number > _LISTED:
                more = f"{number - _LISTED} more of the kind {kind.replace('_', ' ')}"
                self._progress([f"WARNING:  {more}; --json lists all"])

    def _print(self, lines: Iterable[str]) -> None:
        self._printer.print_result(lines)

    def _progress(self, lines: Iterable[str]) -> None:
        self._printer.print_progress(lines)


def _lines_of(value: object, columns: int | None) -> Iterator[str]:
    from pgbraid.cli.render.text import result_lines

    return result_lines(value, columns)


def _snake_case(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")
