"""Prints: answers to standard output, problems and progress to standard error."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any, TextIO

from pgbraid.cli.render import document, psql, text
from pgbraid.core.events import Adopted, Finished, Noticed, Planned, Started
from pgbraid.core.model import Check, Plan, Problem, Report, Severity, Status
from pgbraid.errors import MigrationFailed, PgbraidError, ProblemsFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.core.events import Event
    from pgbraid.core.model import Outcome

__all__ = ["Output"]

_BAR = 24
_LIKE_IT = 5
_WIDEST_LABEL = 60


class Output:
    """One command's output; it hears the run's events and prints what comes of it."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.command = ""
        self.verbose = self.quiet = False
        self._outcomes: list[Outcome] = []
        self._heard: list[Noticed] = []
        self._columns = 0
        self._bar_shown = False

    def listen(self, event: Event) -> None:
        """Take an event of a run: lines for a person, memory for a machine."""
        if isinstance(event, Noticed):
            self._heard.append(event)
            self._tell(psql.diagnostic(event.diagnostic, verbose=self.verbose))
        elif isinstance(event, Planned):
            self._columns = max(
                (psql.width(s.migration.label) for s in event.plan.steps), default=0
            )
            self._columns = min(self._columns, _WIDEST_LABEL)
        elif isinstance(event, Adopted):
            self._say(text.answer(event.adoption))
        elif isinstance(event, Started):
            self._bar(event)
        elif isinstance(event, Finished):
            self._outcomes.append(event.outcome)
            self._say([text.outcome_line(event.outcome, self._columns)])

    def result(self, value: object, code: int) -> int:
        """Print a command's answer and return its exit code."""
        self._wipe()
        if self.as_json:
            notices = document.notices(self._heard)
            self._document(code, {**document.result(value), "notices": notices})
            return code
        self._problems(_problems_of(value))
        if isinstance(value, Report):
            for _, said in (*value.failures, *value.inconclusive):
                self._warn(psql.diagnostic(said, verbose=self.verbose))
        self._say(text.answer(value))
        return code

    def lines(self, lines: Iterable[str], code: int, **facts: Any) -> int:  # noqa: ANN401 - JSON
        """Print lines, or the facts they are made of, and return the exit code."""
        if self.as_json:
            self._document(code, facts)
        else:
            self._say(lines)
        return code

    def say(self, line: str) -> None:
        """Print one line for a person, where one reads along."""
        self._say([line])

    def detail(self, line: str) -> None:
        """Print one line for a person who asked for more."""
        if self.verbose:
            self._tell([line])

    def warn(self, message: str, hint: str | None = None) -> None:
        """Print a warning for a person."""
        self._tell(psql.problem(Problem("", message, hint=hint, severity=Severity.WARNING)))

    def ask(self, question: str) -> None:
        """Print a question and stay on its line."""
        sys.stderr.write(question)
        sys.stderr.flush()

    def error(self, error: PgbraidError, code: int) -> int:
        """Print an error in PostgreSQL's slots and return the exit code."""
        self._wipe()
        if self.as_json:
            notices = document.notices(self._heard)
            self._document(
                code, {**document.failure(error, applied=self._outcomes), "notices": notices}
            )
            return code
        if isinstance(error, ProblemsFound):
            self._problems(error.problems)
            self._warn([f"{error.message}."])
        elif isinstance(error, MigrationFailed):
            self._warn(psql.diagnostic(error.diagnostic, verbose=self.verbose))
            self._warn([_what_stands(error, self.command)])
        else:
            self._warn(psql.error(error.message, error.detail, error.hint))
        return code

    def stopped(self, code: int) -> int:
        """Print that the run was stopped and return the exit code."""
        self._wipe()
        number = text.count(len(self._outcomes), "migration")
        message = f"stopped; {number} applied, the one in progress was rolled back"
        if self.as_json:
            self._document(code, document.failure(PgbraidError(message), applied=self._outcomes))
        else:
            self._warn([f"ERROR:  {message}"])
        return code

    def _document(self, code: int, facts: dict[str, Any]) -> None:
        head = {"command": self.command, "ok": code == 0, "exit_code": code}
        _print(json.dumps({**head, **facts}, ensure_ascii=False, indent=2), sys.stdout)

    def _problems(self, problems: Iterable[Problem]) -> None:
        """Print every error, and of each kind of warning the first few."""
        warnings: dict[str, int] = defaultdict(int)
        for problem in problems:
            if problem.severity is Severity.WARNING:
                warnings[problem.code] += 1
                if warnings[problem.code] > _LIKE_IT or self.quiet:
                    continue
            self._warn(psql.problem(problem))
        for number in warnings.values():
            if number > _LIKE_IT and not self.quiet:
                self._warn([f"WARNING:  and {number - _LIKE_IT} more like it; --json lists all"])

    def _say(self, lines: Iterable[str]) -> None:
        if not self.as_json and not self.quiet:
            self._wipe()
            for line in lines:
                _print(line, sys.stdout)

    def _tell(self, lines: Iterable[str]) -> None:
        if not self.as_json and not self.quiet:
            self._warn(lines)

    def _warn(self, lines: Iterable[str]) -> None:
        self._wipe()
        for line in lines:
            _print(line, sys.stderr)

    def _bar(self, event: Started) -> None:
        if self.as_json or self.quiet or not sys.stderr.isatty():
            return
        done = _BAR * (event.index - 1) // event.total
        bar = "#" * done + "." * (_BAR - done)
        label = psql.clean(event.step.migration.label)[:_WIDEST_LABEL]
        sys.stderr.write(f"\r\x1b[K[{bar}] {event.index}/{event.total} {label}")
        sys.stderr.flush()
        self._bar_shown = True

    def _wipe(self) -> None:
        if self._bar_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._bar_shown = False


def _print(line: str, stream: TextIO) -> None:
    """Print a line, also where the terminal's encoding lacks a character of it."""
    encoding = stream.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)


def _problems_of(value: object) -> tuple[Problem, ...]:
    if isinstance(value, Report):
        return value.warnings
    return value.problems if isinstance(value, (Plan, Status, Check)) else ()


def _what_stands(error: MigrationFailed, command: str) -> str:
    label = psql.clean(error.migration.label)
    if command == "undo":
        return f"The down file was rolled back; {label} stays applied."
    before = text.count(len(error.applied), "migration")
    kept = f"the {before} applied before it stay" if error.applied else "nothing was applied"
    return f"{label} was rolled back; {kept}. Mend the file, then run `pgbraid up` again."
