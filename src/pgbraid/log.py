"""Logs the events of a run with the standard library: logger ``pgbraid`` and its children.

A run logs only if the application has given one of these loggers, or the root logger, a handler.
This module is imported at the first event of such a run.
"""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pgbraid.model.errors import MigrationFailed, PgbraidError, Stopped
from pgbraid.model.results import Undone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.model import events
    from pgbraid.model.migration import Migration, Problem

__all__ = ["LogListener"]

_RUN = logging.getLogger("pgbraid")
_RUN.addHandler(logging.NullHandler())
_LOCKS = logging.getLogger("pgbraid.locks")
_PROOF = logging.getLogger("pgbraid.proof")
_SERVER = logging.getLogger("pgbraid.server")
_DEBUG, _INFO, _WARNING, _ERROR = logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR
_NOTICES = {"WARNING": _WARNING, "NOTICE": _INFO, "INFO": _INFO}
"""The levels of the server's messages; those of other severities are DEBUG."""
_OUTCOMES = {True: "it was committed", False: "it was rolled back", None: "it may be committed"}


class LogListener:
    """Logs the events of one run, each with the attributes that ``docs/logging.md`` lists.

    A handler or a filter that raises does not fail the run.
    """

    def __init__(self) -> None:
        self._run: dict[str, Any] = {}
        """The attributes of every record."""
        self._retries: dict[int, int] = {}
        self._gaps: frozenset[int] = frozenset()
        self._warned: set[Problem] = set()
        self._applied = 0

    def __call__(self, event: events.Event) -> None:
        """Log one event. The classes of events are found by name, so none is imported."""
        kind = type(event).__name__
        with suppress(Exception):
            self._run["event"] = kind
            method = re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", kind)
            getattr(self, method)(event)

    def _log(
        self, logger: logging.Logger, level: int, text: str, *args: object, **more: object
    ) -> None:
        if logger.isEnabledFor(level):
            extra = {f"pgbraid_{name}": value for name, value in {**self._run, **more}.items()}
            shown = [_one_line(arg) if isinstance(arg, str) else arg for arg in args]
            logger.log(level, text, *shown, extra=extra)

    def _facts(self, migration: Migration, seconds: float | None = None) -> dict[str, Any]:
        """Return the attributes of a record about one migration."""
        version = migration.version
        facts = {
            "version": version,
            "name": migration.name,
            "gap": version in self._gaps,
            "retries": self._retries.get(version, 0),
        }
        return facts if seconds is None else {**facts, "seconds": seconds}

    def _run_started(self, event: events.RunStarted) -> None:
        label = event.database.label
        self._run |= {"command": event.command, "database": label}
        self._log(_RUN, _INFO, "%s of %s started; pending: %d", event.command, label, event.pending)

    def _run_ended(self, event: events.RunEnded) -> None:
        error, command, seconds = event.error, event.command, event.seconds
        for migration, diagnostic in getattr(event.result, "failures", ()):
            facts = self._facts(migration)
            facts["sqlstate"] = diagnostic.sqlstate
            self._log(_RUN, _ERROR, "%s failed: %s", migration.label, diagnostic.message, **facts)
        self._problems(getattr(event.result, "warnings", ()))
        if isinstance(event.result, Undone):
            migration, took = event.result.migration, event.result.duration.total_seconds()
            facts = self._facts(migration, took)
            self._log(_RUN, _INFO, "undid %s in %.3f s", migration.label, took, **facts)
        applied = self._applied
        more: dict[str, Any] = {"seconds": seconds, "applied": applied}
        if error is None:
            self._log(
                _RUN, _INFO, "%s ended in %.3f s; applied: %d", command, seconds, applied, **more
            )
        elif isinstance(error, MigrationFailed):
            facts = {**self._facts(error.migration), "sqlstate": error.sqlstate}
            facts |= {"seconds": seconds, "applied": applied}
            self._log(_RUN, _ERROR, "%s; applied before: %d", str(error), applied, **facts)
        elif isinstance(error, Stopped) or not isinstance(error, Exception):
            self._log(_RUN, _WARNING, "%s was stopped; applied: %d", command, applied, **more)
        else:
            # The text of an exception that is not pgbraid's may show a secret.
            text = error.message if isinstance(error, PgbraidError) else "an exception was raised"
            more["error"] = type(error).__name__
            self._log(_RUN, _ERROR, "%s failed: %s; applied: %d", command, text, applied, **more)

    def _planned(self, event: events.Planned) -> None:
        plan = event.plan
        self._run["run_id"] = event.run_id
        self._gaps = frozenset(step.migration.version for step in plan.gaps)
        self._log(_RUN, _DEBUG, "the lock is taken; to apply: %d", len(plan.steps))
        self._problems(plan.warnings)

    def _problems(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            if problem not in self._warned:
                self._warned.add(problem)
                more = {"code": problem.code, "versions": problem.versions}
                self._log(_RUN, _WARNING, "%s", problem.message, **more)

    def _adopted(self, event: events.Adopted) -> None:
        adoption = event.adoption
        number = len(adoption.migrations)
        text = "adopted the history of %s from %s; recorded: %d"
        more = {"tool": adoption.tool, "adopted": number}
        self._log(_RUN, _INFO, text, adoption.tool, adoption.source, number, **more)

    def _started(self, event: events.Started) -> None:
        migration = event.step.migration
        number, total = event.index, event.total
        facts = self._facts(migration)
        self._log(_RUN, _DEBUG, "%s started (%d of %d)", migration.label, number, total, **facts)

    def _finished(self, event: events.Finished) -> None:
        self._applied += 1
        self._result(event, "applied %s%s in %.3f s")

    def _dry_run_passed(self, event: events.DryRunPassed) -> None:
        self._result(event, "%s%s can be applied; it took %.3f s")

    def _result(self, event: events.Finished | events.DryRunPassed, text: str) -> None:
        result = event.result
        seconds = result.duration.total_seconds()
        facts = {**self._facts(result.migration, seconds), "gap": result.gap}
        gap = " (gap)" if result.gap else ""
        self._log(_RUN, _INFO, text, result.migration.label, gap, seconds, **facts)

    def _interrupted(self, event: events.Interrupted) -> None:
        outcome = "it is incomplete" if event.incomplete else _OUTCOMES[event.applied]
        migration = event.step.migration
        facts = self._facts(migration)
        self._log(_RUN, _WARNING, "%s was interrupted; %s", migration.label, outcome, **facts)

    def _file_progress(self, event: events.FileProgress) -> None:
        migration = event.step.migration
        facts = self._facts(migration)
        text = "%s: sent %d of %d bytes"
        self._log(_RUN, _DEBUG, text, migration.label, event.sent, migration.size, **facts)

    def _index_progress(self, event: events.IndexProgress) -> None:
        text = "index of %s: %s, %d of %d"
        self._log(_RUN, _DEBUG, text, event.table, event.phase, event.done, event.total)

    def _leftover_dropped(self, event: events.LeftoverDropped) -> None:
        facts = self._facts(event.migration)
        text = "%s: cleaning up after an interrupted statement: %s"
        self._log(_RUN, _WARNING, text, event.migration.label, event.statement, **facts)

    def _statement_skipped(self, event: events.StatementSkipped) -> None:
        # Without the statement's text, which may hold a password.
        facts = self._facts(event.migration)
        text = "statement %d of %s was marked as done without running it"
        self._log(_RUN, _WARNING, text, event.number, event.migration.label, **facts)

    def _waiting_for_lock(self, event: events.WaitingForLock) -> None:
        holder, waited = event.holder, event.waited
        text = "waiting for the lock for %.0f s, held by %s"
        self._log(_LOCKS, _WARNING, text, waited, holder, holder=holder, waited=waited)

    def _waiting_for_migrations(self, event: events.WaitingForMigrations) -> None:
        self._log(_RUN, _WARNING, "not ready: %s", event.reason)

    def _blocked_by_lock(self, event: events.BlockedByLock) -> None:
        blockers = "; ".join(event.blockers) or "another session"
        text = "a statement waits for %s, blocked by %s"
        self._log(_LOCKS, _WARNING, text, event.lock, blockers, blockers=event.blockers)

    def _retrying(self, event: events.Retrying) -> None:
        migration, diagnostic = event.migration, event.diagnostic
        self._retries[migration.version] = event.attempt
        facts = {**self._facts(migration), "sqlstate": diagnostic.sqlstate}
        facts["blockers"] = event.blockers
        text = "%s was rolled back: %s; attempt %d in %.1f s"
        args = (migration.label, diagnostic.message, event.attempt + 1, event.delay)
        self._log(_LOCKS, _WARNING, text, *args, **facts)

    def _server_notice(self, event: events.ServerNotice) -> None:
        diagnostic = event.diagnostic
        level = _NOTICES.get(diagnostic.severity, _DEBUG)
        facts = {**self._facts(event.migration), "sqlstate": diagnostic.sqlstate}
        label, severity = event.migration.label, diagnostic.severity
        self._log(_SERVER, level, "%s: %s: %s", label, severity, diagnostic.message, **facts)

    def _proof_started(self, event: events.ProofStarted) -> None:
        versions = tuple(migration.version for migration in event.out_of_order)
        text = "proving that %d migrations out of order give the same result"
        self._log(_PROOF, _INFO, text, len(versions), versions=versions)

    def _replay_started(self, event: events.ReplayStarted) -> None:
        self._log(_PROOF, _DEBUG, "replay %d: %s", event.number, event.description)

    def _gap_proven(self, event: events.GapProven) -> None:
        proof = event.proof
        versions = tuple(migration.version for migration in proof.out_of_order)
        reason = proof.allowed_reason
        more = {"versions": versions, "verdict": str(proof.verdict)}
        if reason:
            self._log(_PROOF, _INFO, "the proof allows the difference: %s", reason, **more)
        else:
            self._log(_PROOF, _INFO, "proven: both orders give the same result", **more)

    def _hazards_measured(self, event: events.HazardsMeasured) -> None:
        for finding in event.report.findings:
            if finding.severity in {"warning", "error"} and finding.allowed is None:
                facts = {"version": finding.migration.version, "rule": finding.rule}
                text = "hazard %s of %s, line %s: %s"
                values = (finding.rule, finding.migration.label, finding.line, finding.message)
                self._log(_PROOF, _WARNING, text, *values, **facts)


def _one_line(text: str) -> str:
    """Return a text with its control characters escaped: a record is one line of a log."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
