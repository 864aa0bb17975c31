"""Prints: answers to standard output, problems and progress to standard error."""

from __future__ import annotations

import os
import sys
from collections import defaultdict

from pgbraid.cli.render import characters, psql
from pgbraid.cli.render.error_text import problems_found, what_stands
from pgbraid.model.errors import MigrationFailed, PgbraidError, ProblemsFound, ServerError, Stopped

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, TextIO

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
        ServerNotice,
        Started,
        StatementSkipped,
        WaitingForLock,
    )
    from pgbraid.model.migration import MigrationResult, Problem

__all__ = ["Output"]

_LIKE_IT = 5


_WIDEST_LABEL = 60


_UNWRITTEN = 4
"""The exit code where an answer could not be written."""


_ACTING = frozenset({"up", "resume", "undo", "repair", "adopt", "baseline", "new", "sum", "demo"})
"""Commands that act: without --json, what they print is not what they were called for."""


_APPLYING = frozenset({"up", "resume"})


_MEGABYTE = 1_000_000


_USUAL_COLUMNS = 80


class Output:
    """One command's output; it hears the run's events and prints what comes of it.

    A reader that went away, or a full disk, ends the printing and not the run. An answer that
    could not be written is exit code 4, unless its reader went away.
    """

    def __init__(self, *, as_json: bool = False, bar: bool = False) -> None:
        self.as_json = as_json
        self.command = ""
        self.settings: str | None = None
        self.verbose = self.quiet = self.throw_away = False
        self._bar_wanted = bar
        self._outcomes: list[MigrationResult] = []
        self._started: Started | None = None
        self._interrupted: Interrupted | None = None
        self._heard: list[ServerNotice] = []
        self._retries: list[Retrying] = []
        self._warnings: list[Problem] = []
        self._planned: tuple[Problem, ...] = ()
        self._columns = 0
        self._bar_shown = self._unwritten = False
        self._lost: list[TextIO] = []

    def listen(self, event: Event) -> None:
        """Take an event of a run: lines for a person, memory for a machine.

        By its name, so that a command without events need not know them.
        """
        getattr(self, f"_on_{_snake_case(type(event).__name__)}")(event)

    def _on_server_notice(self, event: ServerNotice) -> None:
        self._heard.append(event)
        self._tell(psql.diagnostic(event.diagnostic, verbose=self.verbose))

    def _on_waiting_for_lock(self, event: WaitingForLock) -> None:
        self._tell([f"waiting for the lock, held by {characters.clean(event.holder)}"])

    def _on_blocked_by_lock(self, event: BlockedByLock) -> None:
        holders = "; ".join(map(characters.clean, event.blockers)) or "somebody"
        self._tell([f"waiting for {characters.clean(event.wanted)}, in the way: {holders}"])

    def _on_retrying(self, event: Retrying) -> None:
        self._retries.append(event)
        label = characters.clean(event.migration.label)
        said = characters.clean(event.diagnostic.message)
        again = f"rolled back, attempt {event.attempt + 1} in {event.delay:.1f} s"
        self._tell([f"{label}: {said}; {again}"])

    def _on_index_progress(self, event: IndexProgress) -> None:
        if self._started:
            share = f" {100 * event.done // event.total} %" if event.total else ""
            self._bar(self._started, said=f"{event.table}: {event.phase}{share}")

    def _on_leftover_dropped(self, event: LeftoverDropped) -> None:
        label = characters.clean(event.migration.label)
        self._tell(
            [f"{label}: did not end well earlier, so first: {characters.clean(event.statement)}"]
        )

    def _on_statement_skipped(self, event: StatementSkipped) -> None:
        from pgbraid.sql.secrets import mask, secrets_in

        statement = mask(event.statement, secrets_in(event.statement))
        self.warn(
            "statement_skipped",
            f"statement {event.number} of {event.migration.label} is taken for done, and was not "
            f"run: {' '.join(statement.split())}",
        )

    def _on_proof_started(self, event: ProofStarted) -> None:
        if not event.inversions:
            return
        late = ", ".join(characters.clean(m.label) for m in event.out_of_order[:_LIKE_IT])
        more = (
            f" and {len(event.out_of_order) - _LIKE_IT} more"
            if len(event.out_of_order) > _LIKE_IT
            else ""
        )
        pairs = psql.count(event.inversions, "pair")
        self._tell([f"out of order: {late}{more}; {pairs} in another order"])
        differ, whole = len(event.order) - event.common, len(event.order)
        said = (
            f"Replaying both orders: {differ} of {psql.count(whole, 'migration')} differ in order"
        )
        self._tell([f"{said}. Finding the cause can take longer."])

    def _on_gap_proven(self, event: GapProven) -> None:
        proof = event.proof
        said = "proven: it ends the same"
        if proof.allowed_reason:
            said = psql.spelled(f"accepted: {proof.allowed_reason}")
        number = len(proof.not_compared)
        but = (
            f", but for {psql.count(number, 'thing')} that could not be compared" if number else ""
        )
        self._tell([characters.clean(f"{said}{but} ({psql.count(proof.replays, 'replay')})")])
        self._tell(
            f"  not compared: {characters.clean(line)}" for line in proof.not_compared[:_LIKE_IT]
        )

    def _on_replay_started(self, event: ReplayStarted) -> None:
        if self._bar_wanted and not self.as_json and not self.quiet:
            from pgbraid.cli.render.screen import cut

            said = cut(f"replay {event.number}: {characters.cell(event.what)}", self._room() - 1)
            self._write(sys.stderr, f"\r\x1b[K{said}")
            self._bar_shown = True
        else:
            self.detail(f"replay {event.number}: {event.what}")

    def _on_planned(self, event: Planned) -> None:
        self._planned = event.plan.warnings
        widths = (characters.width(step.migration.label) for step in event.plan.steps)
        self._columns = min(max(widths, default=0), _WIDEST_LABEL)

    def _on_adopted(self, event: Adopted) -> None:
        self._say(_answer(event.adoption, self._terminal()))

    def _on_started(self, event: Started) -> None:
        self._started = event
        self._bar(event)

    def _on_file_progress(self, event: FileProgress) -> None:
        if self._started:
            self._bar(self._started, event.sent)

    def _on_interrupted(self, event: Interrupted) -> None:
        self._interrupted = event

    def _on_finished(self, event: Finished) -> None:
        self._outcomes.append(event.outcome)
        self._on_dry_run_passed(event)

    def _on_dry_run_passed(self, event: Finished | DryRunPassed) -> None:
        from pgbraid.cli.render.text import outcome_line

        self._say([outcome_line(event.outcome, self._columns, self._terminal())])

    def result(self, value: object, code: int) -> int:
        """Print a command's answer and return its exit code."""
        self._wipe()
        if self.as_json:
            from pgbraid.cli.render import json_document

            return self._document(code, json_document.result(value, self._warnings))
        self._problems(getattr(value, "problems", getattr(value, "warnings", ())))
        for _, said in getattr(value, "failures", ()):
            self._warn(psql.diagnostic(said, verbose=self.verbose))
        for _, said in getattr(value, "inconclusive", ()):
            self._tell(psql.diagnostic(said, severity="WARNING"))
        self._say(_answer(value, self._terminal()))
        return self._written(code, acted=not getattr(value, "dry_run", False))

    def lines(self, lines: Iterable[str], code: int, **facts: Any) -> int:  # noqa: ANN401 - JSON
        """Print lines, or the facts they are made of, and return the exit code."""
        if self.as_json:
            return self._document(code, facts)
        self._say(lines)
        return self._written(code)

    def detail(self, line: str) -> None:
        """Print one line for a person who asked for more."""
        if self.verbose:
            self._tell([characters.clean(line)])

    def waiting(self, message: str) -> None:
        """Say that a server is waited for, and why."""
        self._tell([f"waiting for the server: {characters.clean(message)}"])

    def warn(self, code: str, message: str, hint: str | None = None) -> None:
        """Print a warning, or keep it for the document's other ones."""
        from pgbraid.model.migration import Problem, Severity

        problem = Problem(code, message, hint=hint, severity=Severity.WARNING)
        self._warnings.append(problem)
        self._tell(psql.problem(problem))

    def ask(self, question: str) -> None:
        """Print a question and stay on its line."""
        self._write(sys.stderr, characters.clean(question))

    def error(self, error: PgbraidError, code: int) -> int:
        """Print an error in PostgreSQL's slots and return the exit code."""
        self._wipe()
        if self.as_json:
            from pgbraid.cli.render import json_document

            warnings = (*self._warnings, *self._planned)
            return self._document(
                code, json_document.failure(error, applied=self._outcomes, warnings=warnings)
            )
        self._problems(self._planned)
        if isinstance(error, ProblemsFound):
            self._problems(error.problems)
            self._warn([f"{problems_found(error)}."])
        elif isinstance(error, MigrationFailed):
            self._warn(psql.diagnostic(error.diagnostic, verbose=self.verbose))
            self._warn([what_stands(error, self.command, throw_away=self.throw_away)])
        else:
            self._warn(psql.error(error.message, error.detail, error.hint))
            if isinstance(error, ServerError) and error.diagnostic is not None:
                self._warn(psql.context(error.diagnostic))
        return code

    def stopped(self, code: int) -> int:
        """Print that the run was stopped, and what stands of it, and return the exit code."""
        message = "stopped"
        if self.command in _APPLYING:
            message += f"; {psql.count(len(self._outcomes), 'migration')} applied"
        event = self._interrupted
        if event is not None:
            label = characters.clean(event.step.migration.label)
            fates = {True: "is applied too", False: "was rolled back", None: "may be or not"}
            fate = "is incomplete" if event.incomplete else fates[event.applied]
            message += f", {label} {fate}"
        known = event is not None and event.applied is not None
        hint = None if known else "Run `pgbraid status` to see where the database stands."
        return self.error(Stopped(message, hint=hint), code)

    def close(self) -> None:
        """Say what could not be printed, and keep the interpreter from saying it again."""
        for stream in self._lost:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

    def _document(self, code: int, facts: dict[str, Any]) -> int:
        import json

        from pgbraid.cli.render import json_document

        head = {
            "format": json_document.FORMAT,
            "command": self.command,
            "ok": code == 0,
            "exit_code": code,
            "settings": self.settings,
        }
        heard = {
            "notices": json_document.notices(self._heard),
            "retries": json_document.retries(self._retries),
        }
        self._write(sys.stdout, json.dumps({**head, **facts, **heard}, indent=2) + "\n")
        return self._written(code)

    def _written(self, code: int, *, acted: bool = True) -> int:
        """Return the exit code, by whether the answer was written; what ``acted`` is done."""
        acted = acted and self.command in _ACTING and not self.as_json
        if code or acted or not (self._unwritten or sys.stdout is None):
            return code
        if sys.stdout is None:
            self._warn(["ERROR:  cannot write the answer: standard output is closed"])
        return _UNWRITTEN

    def _problems(self, problems: Iterable[Problem]) -> None:
        """Print every error, and of each kind of warning the first few."""
        warnings: dict[str, int] = defaultdict(int)
        for problem in problems:
            if problem.severity == "warning":
                warnings[problem.code] += 1
                if warnings[problem.code] > _LIKE_IT or self.quiet:
                    continue
            self._warn(psql.problem(problem))
        for kind, number in warnings.items():
            if number > _LIKE_IT:
                more = f"{number - _LIKE_IT} more of the kind {kind.replace('_', ' ')}"
                self._tell([f"WARNING:  {more}; --json lists all"])

    def _say(self, lines: Iterable[str]) -> None:
        if not self.as_json and not self.quiet:
            self._wipe()
            for line in lines:
                self._write(sys.stdout, f"{line}\n")

    def _tell(self, lines: Iterable[str]) -> None:
        if not self.as_json and not self.quiet:
            self._warn(lines)

    def _warn(self, lines: Iterable[str]) -> None:
        self._wipe()
        for line in lines:
            self._write(sys.stderr, f"{line}\n")

    def _bar(self, event: Started, sent: int = 0, said: str = "") -> None:
        """Show which migration is in progress, and of a long one how far it is."""
        if self.as_json or self.quiet or not self._bar_wanted:
            return
        from pgbraid.cli.render.screen import bar_line

        size = event.step.migration.size
        done = (event.index - 1 + sent / max(size, 1)) / event.total
        share = f"{sent / _MEGABYTE:.0f} of {size / _MEGABYTE:.0f} MB" if sent else ""
        place, label = f"{event.index}/{event.total}", event.step.migration.label
        line = bar_line(done, place, label, said or share, self._room())
        self._write(sys.stderr, f"\r\x1b[K{line}")
        self._bar_shown = True

    def _room(self) -> int:
        """Return how many columns the terminal of the bar has."""
        from pgbraid.cli.render.screen import columns_of

        return columns_of(sys.stderr) or _USUAL_COLUMNS

    def _terminal(self) -> int | None:
        """Return how many columns the terminal of the answers has, if that is one."""
        from pgbraid.cli.render.screen import columns_of

        return columns_of(sys.stdout)

    def _wipe(self) -> None:
        if self._bar_shown:
            self._write(sys.stderr, "\r\x1b[K")
            self._bar_shown = False

    def _write(self, stream: TextIO | None, line: str) -> None:
        """Write to a stream, also where its encoding lacks a character of the line."""
        if stream is None or stream in self._lost:
            return
        encoding = stream.encoding or "utf-8"
        try:
            stream.write(line.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except BrokenPipeError:
            self._lost.append(stream)
        except OSError as error:
            self._lost.append(stream)
            self._unwritten = self._unwritten or stream is sys.stdout
            self._write(sys.stderr, f"ERROR:  cannot write the answer: {error.strerror}\n")


def _answer(value: object, columns: int | None) -> Iterator[str]:
    from pgbraid.cli.render.text import answer

    return answer(value, columns)


def _snake_case(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")
