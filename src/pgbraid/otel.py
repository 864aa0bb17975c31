"""Reports runs to OpenTelemetry: a span for a run, spans of its slow migrations, and metrics.

It needs only the API package, which the extra ``pgbraid[otel]`` installs. The application chooses
the SDK and the exporters.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pgbraid._version import __version__
from pgbraid.model.errors import ConfigError, MigrationFailed, PgbraidError
from pgbraid.model.options import ignore_event

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from pgbraid.model import events
    from pgbraid.model.migration import Diagnostic, Migration

__all__ = ["tracing"]

_NANO = 1_000_000_000
_SPAN_FROM = 0.05
_MISSING = "Install it with `pip install 'pgbraid[otel]'`, then run `pgbraid` again."


def tracing(
    on_event: events.Listener = ignore_event,
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    span_from: float = _SPAN_FROM,
) -> events.Listener:
    """Return a listener for ``on_event=`` that reports each run to OpenTelemetry.

    A run is one span; a migration that took ``span_from`` seconds or failed is a child span, any
    other an event of the run's span. ``on_event`` gets each event, too. Without providers, the
    global ones are used. One listener may serve many runs, also in several threads. An exception of
    OpenTelemetry never reaches the run. Raises ConfigError if its API is not installed.
    """
    try:
        from opentelemetry import metrics, trace  # noqa: PLC0415 - an optional package
    except ImportError:
        raise ConfigError("the package opentelemetry-api is missing", hint=_MISSING) from None
    report = _Reporter(trace, metrics, tracer_provider, meter_provider, span_from)

    def report_first(event: events.Event) -> None:
        with suppress(Exception):  # a broken tracer or exporter must not fail a run
            report(event)
        on_event(event)

    return report_first


class _Run(threading.local):
    """The run that a thread reports; a listener is called in the thread of the run."""

    span: Span | None = None

    def begin(self, span: Span | None, base: dict[str, Any]) -> None:
        self.span, self.base = span, base
        self.waits_since: int | None = None
        self.waited = 0.0
        self.applied = self.failed = 0
        self.started: dict[int, int] = {}
        self.attempts: dict[int, int] = {}
        self.delays: dict[int, float] = {}
        self.gaps: frozenset[int] = frozenset()


class _Reporter:
    """Turns the events of runs into spans and metrics."""

    def __init__(
        self,
        trace: Any,  # noqa: ANN401 - a module
        metrics: Any,  # noqa: ANN401 - a module
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        span_from: float,
    ) -> None:
        self._trace = trace
        self._span_from = span_from
        self._run = _Run()
        self._tracer: Any = None
        self._applied = self._failed = self._duration = None
        with suppress(Exception):
            self._tracer = trace.get_tracer("pgbraid", __version__, tracer_provider)
        with suppress(Exception):
            meter = metrics.get_meter("pgbraid", __version__, meter_provider)
            self._applied = meter.create_counter(
                "pgbraid.migrations.applied", "{migration}", "Migrations that runs have committed."
            )
            self._failed = meter.create_counter(
                "pgbraid.migrations.failed", "{migration}", "Migrations that have failed."
            )
            self._duration = meter.create_histogram(
                "pgbraid.migration.duration", "s", "Time that a migration ran on the server."
            )

    def __call__(self, event: events.Event) -> None:
        method = getattr(self, f"_{type(event).__name__.lower()}", None)
        if method is not None:
            method(event)

    def _runstarted(self, event: events.RunStarted) -> None:
        database = event.database
        base: dict[str, Any] = {"db.system.name": "postgresql", "db.namespace": database.name}
        if database.host:
            base["server.address"] = database.host
        if database.port:
            base["server.port"] = database.port
        self._run.begin(None, base)
        attributes = {**base, "pgbraid.command": event.command, "pgbraid.pending": event.pending}
        self._run.span = self._tracer.start_span(f"pgbraid {event.command}", attributes=attributes)

    def _waitingforlock(self, event: events.WaitingForLock) -> None:
        run = self._run
        run.waited = max(run.waited, event.waited)
        run.waits_since = run.waits_since or time.time_ns() - int(event.waited * _NANO)
        if run.span is not None:
            facts: dict[str, Any] = {"pgbraid.holder": event.holder}
            facts["pgbraid.waited"] = event.waited
            run.span.add_event("waiting for the lock", facts)

    def _planned(self, event: events.Planned) -> None:
        run = self._run
        if run.waits_since is not None:
            run.waited = (time.time_ns() - run.waits_since) / _NANO
        run.gaps = frozenset(step.migration.version for step in event.plan.gaps)
        if run.span is not None and event.run_id:
            run.span.set_attribute("pgbraid.run_id", event.run_id)

    def _adopted(self, event: events.Adopted) -> None:
        adoption = event.adoption
        if self._run.span is not None:
            facts: dict[str, Any] = {"pgbraid.tool": adoption.tool}
            facts["pgbraid.adopted"] = len(adoption.migrations)
            self._run.span.add_event("history adopted", facts)

    def _started(self, event: events.Started) -> None:
        self._run.started[event.step.migration.version] = time.time_ns()

    def _retrying(self, event: events.Retrying) -> None:
        version = event.migration.version
        self._run.attempts[version] = event.attempt
        self._run.delays[version] = self._run.delays.get(version, 0.0) + event.delay

    def _finished(self, event: events.Finished) -> None:
        self._run.applied += 1
        self._passed(event, "migration applied")
        result = event.result
        with suppress(Exception):
            attributes = {**self._run.base, "pgbraid.gap": result.gap}
            if self._applied:
                self._applied.add(1, attributes)
            if self._duration:
                self._duration.record(result.duration.total_seconds(), attributes)

    def _dryrunpassed(self, event: events.DryRunPassed) -> None:
        self._passed(event, "migration can be applied")

    def _passed(self, event: events.Finished | events.DryRunPassed, name: str) -> None:
        migration, seconds = event.result.migration, event.result.duration.total_seconds()
        attributes = {**self._facts(migration), "pgbraid.gap": event.result.gap}
        took = seconds + self._run.delays.get(migration.version, 0.0)
        if took >= self._span_from:
            self._child(migration, attributes, took).end(self._end(migration, took))
        elif self._run.span is not None:
            attributes["pgbraid.duration"] = seconds
            self._run.span.add_event(name, attributes)

    def _facts(self, migration: Migration) -> dict[str, Any]:
        version = migration.version
        return {
            "pgbraid.version": version,
            "pgbraid.name": migration.name,
            "pgbraid.gap": version in self._run.gaps,
            "pgbraid.attempts": self._run.attempts.get(version, 0) + 1,
            "pgbraid.waited": self._run.delays.get(version, 0.0),
        }

    def _child(self, migration: Migration, attributes: dict[str, Any], took: float) -> Span:
        """Start the span of a migration, at the time at which it started."""
        now = time.time_ns()
        started = self._run.started.get(migration.version, now - int(took * _NANO))
        parent = self._run.span
        span: Span = self._tracer.start_span(
            "pgbraid migration",
            self._trace.set_span_in_context(parent) if parent is not None else None,
            self._trace.SpanKind.CLIENT,
            {**self._run.base, **attributes},
            start_time=started,
        )
        return span

    def _end(self, migration: Migration, took: float) -> int:
        """Return the end of a migration, whose event may follow much later, after a flush."""
        now = time.time_ns()
        return min(now, self._run.started.get(migration.version, now) + int(took * _NANO))

    def _runended(self, event: events.RunEnded) -> None:
        error, run = event.error, self._run
        failures = tuple(getattr(event.result, "failures", ()))
        if isinstance(error, MigrationFailed):
            failures = ((error.migration, error.diagnostic),)
        try:
            for migration, diagnostic in failures:
                self._migration_failed(migration, diagnostic)
            self._end_run(event, error)
        finally:
            span, run.span = run.span, None
            if span is not None:
                span.end()

    def _migration_failed(self, migration: Migration, diagnostic: Diagnostic) -> None:
        self._run.failed += 1
        code = diagnostic.sqlstate or type(diagnostic).__name__
        if self._failed:
            with suppress(Exception):
                self._failed.add(1, {**self._run.base, "error.type": code})
        attributes = {**self._facts(migration), "error.type": code}
        if diagnostic.sqlstate:
            attributes["db.response.status_code"] = diagnostic.sqlstate
        span = self._child(migration, attributes, 0.0)
        span.set_status(self._trace.StatusCode.ERROR, diagnostic.message)
        span.end()

    def _end_run(self, event: events.RunEnded, error: BaseException | None) -> None:
        run = self._run
        if run.span is None:
            return
        run.span.set_attributes(
            {
                "pgbraid.applied": run.applied,
                "pgbraid.failed": run.failed,
                "pgbraid.waited": run.waited,
            }
        )
        undone = getattr(event.result, "migration", None)
        if undone is not None:
            run.span.set_attributes(
                {"pgbraid.version": undone.version, "pgbraid.name": undone.name}
            )
        if error is not None:
            # Only the errors of pgbraid have their secrets masked.
            message = error.message if isinstance(error, PgbraidError) else type(error).__name__
            code = getattr(error, "sqlstate", None) or type(error).__name__
            run.span.set_attribute("error.type", code)
            run.span.set_status(self._trace.StatusCode.ERROR, message)
        elif run.failed:
            run.span.set_attribute("error.type", "MigrationFailed")
            run.span.set_status(self._trace.StatusCode.ERROR)
