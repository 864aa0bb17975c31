"""Runs report spans and metrics to OpenTelemetry, whose failures they do not notice."""

import asyncio
import subprocess
import sys
import threading

import psycopg
import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import pgbraid
from pgbraid import events
from pgbraid.model.errors import MigrationFailed
from pgbraid.otel import tracing
from pgbraid.postgres.locks import session_lock

BLOCKED = """
import sys
sys.modules["opentelemetry"] = None
import pgbraid
from pgbraid.otel import tracing
try:
    tracing()
except pgbraid.ConfigError as error:
    print(error.message, error.hint)
"""


class Telemetry:
    """Providers in memory, and what they received."""

    def __init__(self):
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader])

    def listener(self, *args, **options):
        return tracing(*args, tracer_provider=self.tracers, meter_provider=self.meters, **options)

    @property
    def spans(self):
        return self.exporter.get_finished_spans()

    def run(self):
        (span,) = [s for s in self.spans if s.name != "pgbraid migration"]
        return span

    def children(self):
        return [s for s in self.spans if s.name == "pgbraid migration"]

    def metrics(self):
        data = self.reader.get_metrics_data()
        found = data.resource_metrics[0].scope_metrics[0].metrics
        return {m.name: m.data.data_points for m in found}


@pytest.fixture
def telemetry():
    made = Telemetry()
    yield made
    made.meters.shutdown()
    made.tracers.shutdown()


def test_run_is_one_span_with_event_for_each_fast_migration(database, telemetry):
    migrator = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 2"})
    report = migrator.up(database.conninfo, on_event=telemetry.listener(span_from=60))
    (span,) = telemetry.spans
    assert span.name == "pgbraid up"
    assert span.status.is_ok
    with psycopg.connect(database.conninfo) as conn:
        name, host, port = conn.info.dbname, conn.info.host, conn.info.port
    assert {k: v for k, v in span.attributes.items() if not k.startswith("pgbraid.")} == {
        "db.system.name": "postgresql",
        "db.namespace": name,
        "server.address": host,
        "server.port": port,
    }
    assert span.attributes["pgbraid.run_id"] == report.run_id
    assert span.attributes["pgbraid.pending"] == span.attributes["pgbraid.applied"] == 2
    assert [e.name for e in span.events] == ["migration applied"] * 2
    assert span.events[1].attributes["pgbraid.version"] == 2
    assert span.events[1].attributes["pgbraid.attempts"] == 1


def test_slow_migration_and_gap_are_child_spans(database, telemetry):
    pgbraid.load({"1_a.sql": "SELECT 1", "3_c.sql": "SELECT 3"}).up(database.conninfo)
    files = {"1_a.sql": "SELECT 1", "2_b.sql": "SELECT pg_sleep(0.1)", "3_c.sql": "SELECT 3"}
    pgbraid.load(files).up(database.conninfo, on_event=telemetry.listener())
    (child,), run = telemetry.children(), telemetry.run()
    assert child.kind is trace.SpanKind.CLIENT
    assert child.parent.span_id == run.context.span_id
    assert child.attributes["db.system.name"] == "postgresql"
    assert child.attributes["pgbraid.version"] == 2
    assert child.attributes["pgbraid.name"] == "b"
    assert child.attributes["pgbraid.gap"] is True
    assert run.start_time <= child.start_time
    assert child.start_time + 100_000_000 <= child.end_time <= run.end_time


def test_failure_is_child_span_with_sqlstate(database, telemetry):
    migrator = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT x"})
    with pytest.raises(MigrationFailed) as caught:
        migrator.up(database.conninfo, on_event=telemetry.listener(span_from=60))
    (child,), run = telemetry.children(), telemetry.run()
    assert child.attributes["pgbraid.version"] == 2
    assert child.attributes["db.response.status_code"] == "42703"
    assert child.attributes["error.type"] == run.attributes["error.type"] == "42703"
    assert child.status.status_code is run.status.status_code is trace.StatusCode.ERROR
    assert run.status.description == caught.value.message
    assert (run.attributes["pgbraid.applied"], run.attributes["pgbraid.failed"]) == (1, 1)


def test_undone_migration_is_attribute_of_run(database, telemetry):
    migrator = pgbraid.load({"1_a.up.sql": "SELECT 1", "1_a.down.sql": "SELECT 2"})
    migrator.up(database.conninfo)
    migrator.undo(database.conninfo, 1, on_event=telemetry.listener())
    assert telemetry.run().name == "pgbraid undo"
    assert telemetry.run().attributes["pgbraid.version"] == 1


def test_waits_are_attributes(database, telemetry, holder, monkeypatch):
    monkeypatch.setattr(session_lock, "_REPORT_AFTER", 0.0)
    database.run("CREATE TABLE a ()")
    blocker = psycopg.connect(database.conninfo)
    blocker.execute("LOCK a")
    retries = []

    def on_event(event):
        if isinstance(event, events.WaitingForLock):
            holder.close()
        if isinstance(event, events.Retrying):
            retries.append(event)
            blocker.close()

    migrator = pgbraid.load({"1_a.sql": "ALTER TABLE a ADD b int"})
    migrator.up(database.conninfo, on_event=telemetry.listener(on_event))
    (child,), run = telemetry.children(), telemetry.run()
    assert child.attributes["pgbraid.attempts"] == len(retries) + 1 == 2
    assert child.attributes["pgbraid.waited"] == retries[0].delay
    assert run.attributes["pgbraid.waited"] > 0
    assert "(the other one)" in run.events[0].attributes["pgbraid.holder"]


def test_metrics_count_applied_and_failed(database, telemetry):
    listener = telemetry.listener()
    pgbraid.load({"1_a.sql": "SELECT 1", "3_c.sql": "SELECT 3"}).up(
        database.conninfo, on_event=listener
    )
    files = {"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 2", "3_c.sql": "SELECT 3"}
    with pytest.raises(MigrationFailed):
        pgbraid.load({**files, "4_d.sql": "SELECT x"}).up(database.conninfo, on_event=listener)
    metrics = telemetry.metrics()
    applied = metrics["pgbraid.migrations.applied"]
    assert {p.attributes["pgbraid.gap"]: p.value for p in applied} == {False: 2, True: 1}
    (failed,) = metrics["pgbraid.migrations.failed"]
    assert (failed.value, failed.attributes["error.type"]) == (1, "42703")
    assert sum(p.count for p in metrics["pgbraid.migration.duration"]) == 3
    assert all("pgbraid.version" not in p.attributes for points in metrics.values() for p in points)


def test_run_is_child_of_current_span_also_with_aup(database, telemetry):
    migrator = pgbraid.load({"1_a.sql": "SELECT 1"})
    tracer = telemetry.tracers.get_tracer("the application")

    async def boot():
        with tracer.start_as_current_span("boot"):
            await migrator.aup(database.conninfo, on_event=telemetry.listener(span_from=60))

    asyncio.run(boot())
    run, boot_span = telemetry.spans
    assert (run.name, boot_span.name) == ("pgbraid up", "boot")
    assert run.parent.span_id == boot_span.context.span_id


def test_one_listener_serves_several_threads(database, telemetry):
    listener = telemetry.listener(span_from=60)
    tables = [f"ledger_{n}" for n in range(3)]

    def up(table):
        migrator = pgbraid.load({"1_a.sql": "SELECT 1"}, table=table, ledgers="many")
        migrator.up(database.conninfo, on_event=listener)

    threads = [threading.Thread(target=up, args=(table,)) for table in tables]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [s.attributes["pgbraid.applied"] for s in telemetry.spans] == [1, 1, 1]


def test_no_secret_reaches_telemetry(database, telemetry, role):
    text = f"ALTER ROLE {role} PASSWORD 'tiger42' VALID UNTIL 'never ever'"
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": text}).up(database.conninfo, on_event=telemetry.listener())
    assert telemetry.spans
    for span in telemetry.spans:
        assert "tiger42" not in span.to_json()


class Broken:
    """A tracer, a meter and a span that raise at every use, or only at the end."""

    def __init__(self, *, at_start):
        self._at_start = at_start

    def __getattr__(self, name):
        if name in {"get_tracer", "get_meter", "start_span", "create_counter", "create_histogram"}:
            return lambda *_args, **_options: None if self._at_start else self
        raise RuntimeError("the collector is gone")


@pytest.mark.parametrize("at_start", [True, False])
def test_tracer_that_raises_fails_no_run(database, at_start):
    broken = Broken(at_start=at_start)
    seen = []
    listener = tracing(seen.append, tracer_provider=broken, meter_provider=broken, span_from=0)
    report = pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo, on_event=listener)
    assert len(report.applied) == 1
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT x"}).up(
            database.conninfo, on_event=listener
        )
    assert [type(e).__name__ for e in seen].count("RunEnded") == 2


def test_exporter_that_raises_fails_no_run(database):
    class Gone(InMemorySpanExporter):
        def export(self, spans):  # noqa: ARG002 - the interface of an exporter
            raise OSError("no route to the collector")

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Gone()))
    migrator = pgbraid.load({"1_a.sql": "SELECT 1"})
    report = migrator.up(database.conninfo, on_event=tracing(tracer_provider=provider))
    assert len(report.applied) == 1


def test_missing_package_is_named(clean_env):
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, env=clean_env, check=True
    )
    assert done.stdout.startswith("the package opentelemetry-api is missing")
    assert "pip install 'pgbraid[otel]'" in done.stdout
