"""The types that a program may rely on; mypy and pyright check this file, nothing runs it."""

from importlib.resources import files
from typing import assert_type

import pgbraid
from pgbraid.model.events import Event, Finished
from pgbraid.model.migration import MigrationResult
from pgbraid.model.results import Adoption, Repair, Undone
from pgbraid.otel import tracing
from pgbraid.testing import DatabaseBefore, MigratedDatabase, Server, worker_url

migrator = pgbraid.load("migrations")
assert_type(migrator, pgbraid.Migrator)
assert_type(pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": b""}), pgbraid.Migrator)
assert_type(pgbraid.load(files("app") / "migrations", verify="warn"), pgbraid.Migrator)


def record_event(event: Event) -> None:
    if isinstance(event, Finished):
        assert_type(event.result, MigrationResult)


report = migrator.up("", to=1, not_applied=[2], dry_run=True, on_event=record_event)
assert_type(report, pgbraid.Report)
assert_type(migrator.up("", on_event=tracing(record_event)), pgbraid.Report)
assert_type(pgbraid.create_database(""), bool)
assert_type(report.applied, tuple[MigrationResult, ...])
assert_type(migrator.plan(""), pgbraid.Plan)
assert_type(migrator.check(""), pgbraid.Check)
assert_type(migrator.ready(""), pgbraid.Readiness)
assert_type(migrator.status(""), pgbraid.Status)
assert_type(migrator.sizes(""), pgbraid.Sizes)
assert_type(migrator.queries("", limit=10), pgbraid.Workload)
assert_type(migrator.repair("", [1]), Repair)
assert_type(migrator.adopt(""), Adoption | None)
assert_type(migrator.undo("", 1), Undone)
assert_type(migrator.report(""), pgbraid.Page)
assert_type(migrator.report("", drift=migrator.drift("")).html, str)
assert_type(pgbraid.__version__, str)


with pgbraid.embedded() as server:
    assert_type(server, Server)
    assert_type(server.create_database("a"), str)
assert_type(worker_url("asyncpg"), str)


def use(database: MigratedDatabase, before: DatabaseBefore) -> None:
    assert_type(database.dsn, str)
    assert_type(database.url("asyncpg"), str)
    assert_type(before.up(), pgbraid.Report)


async def main() -> None:
    async with pgbraid.embedded("db") as server:
        assert_type(server.url, str)
    assert_type(await migrator.aup(""), pgbraid.Report)
    assert_type(await migrator.aready("", timeout=1, exact=True), pgbraid.Readiness)
    assert_type(await migrator.acheck("", newer_ok=True), pgbraid.Check)
    assert_type(await migrator.astatus(""), pgbraid.Status)
    assert_type(await migrator.aplan(""), pgbraid.Plan)


try:
    migrator.check("").raise_for_problems()
except pgbraid.ProblemsFound as error:
    assert_type(error.problems, tuple[pgbraid.Problem, ...])
except pgbraid.MigrationFailed as error:
    assert_type(error.applied, tuple[MigrationResult, ...])
    assert_type(error.sqlstate, str | None)
