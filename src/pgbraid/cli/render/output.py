"""Prints the results and errors of one command."""

from __future__ import annotations

import sys
from collections import defaultdict

from pgbraid.cli.render import characters, psql
from pgbraid.cli.render.event_output import EventOutput, result_lines
from pgbraid.model.errors import MigrationFailed, PgbraidError, ProblemsFound, ServerError, Stopped

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from pgbraid.cli.render.findings import Paths
    from pgbraid.cli.render.reports.finding import Finding
    from pgbraid.model.migration import Problem

__all__ = ["Output"]

_LISTED = 5
"""How many warnings of one kind are printed."""

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


class Output(EventOutput):
    """The output of one command: results on standard output, the rest on standard error.

    ``form`` is ``text``, or a format of ``check --format``. In the format ``json`` it prints one
    document at the end and nothing else; ``paths`` are those of a report in the other formats.
    """

    def __init__(self, *, form: str = "text", bar: bool = False) -> None:
        super().__init__(form=form, bar=bar)
        self.form = form
        self.paths: Paths | None = None
        self.command = ""
        self.settings: str | None = None
        self.temporary_server = False
        self._warnings: list[Problem] = []

    @property
    def as_json(self) -> bool:
        """Whether one JSON document is printed, and nothing else."""
        return self._printer.as_json

    @property
    def columns(self) -> int | None:
        """The width of the terminal of standard output, or None if it is none."""
        return self._printer.columns()

    @property
    def quiet(self) -> bool:
        """Whether only problems are printed."""
        return self._printer.quiet

    @quiet.setter
    def quiet(self, value: bool) -> None:
        self._printer.quiet = value

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
        self._print(result_lines(value, self._printer.columns()))
        return self._exit_code(code, changed=not getattr(value, "dry_run", False))

    def _report(self, value: object, code: int) -> int:
        """Print the problems of a check in its format, and the answer in one line of text."""
        problems: tuple[Problem, ...] = getattr(value, "problems", ())
        from pgbraid.cli.render.findings import Paths, findings_of, print_document

        paths = self.paths or Paths("")
        hazards = self._hazards(value, paths)
        if self.form == "github":
            self._annotate(problems, hazards)
        else:
            self._problems(problems)  # the log of a job shows them, too
            findings = (*findings_of((*self._warnings, *problems), paths), *hazards)
            print_document(self._printer, self.form, findings, paths)
        if type(value).__name__ == "HazardReport":  # the findings have been printed
            from pgbraid.cli.render.lint_text import summary_line

            self._print([summary_line(value)])  # type: ignore[arg-type]
        else:
            self._print(result_lines(value, self._printer.columns()))
        return self._exit_code(code)

    @staticmethod
    def _hazards(value: object, paths: Paths) -> tuple[Finding, ...]:
        """Return the findings of ``lint``, or of the hazards of another result."""
        report: Any = getattr(value, "hazards", value)
        if type(report).__name__ != "HazardReport":
            return ()
        from pgbraid.cli.render.lint_findings import findings_of_report

        return findings_of_report(report, paths)

    def _annotate(self, problems: Iterable[Problem], hazards: Iterable[Finding] = ()) -> None:
        """Print an annotation of GitHub for each problem."""
        from pgbraid.cli.render.findings import Paths, findings_of, print_annotations

        found = findings_of(problems, self.paths or Paths(""))
        print_annotations(self._printer, (*found, *hazards))

    def lines(self, lines: Iterable[str], code: int, **members: Any) -> int:  # noqa: ANN401 - JSON
        """Print lines, or with --json a document of ``members``, and return the exit code."""
        if self.as_json:
            return self._document(code, members)
        self._print(lines)
        return self._exit_code(code)

    def note(self, message: str) -> None:
        """Print a note, a line that informs and warns of nothing."""
        self._progress([f"NOTE:  {characters.clean(psql.spelled(message))}"])

    def waiting(self, message: str) -> None:
        """Report that the command waits for the server, and why."""
        self._progress([f"waiting for the server: {characters.clean(message)}"])

    def warn(self, code: str, message: str, hint: str | None = None) -> None:
        """Print a warning, and keep it for the JSON document."""
        if self.form == "text":  # this form has no document
            self._progress(psql.warning(message, hint))
            return
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
            from pgbraid.cli.render.text import problems_summary

            self._problems(error.problems)
            self._printer.print_error([f"{problems_summary(error)}."])
        elif isinstance(error, MigrationFailed):
            self._printer.print_error(psql.diagnostic(error.diagnostic, verbose=self.verbose))
            from pgbraid.cli.render.text import failure_summary

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
