"""The asynchronous methods: the same results, and cancelled tasks leave nothing behind."""

import asyncio

import pytest

import pgbraid
from pgbraid.model.events import Started
from tests.fixtures.interruption import no_session_is_left


def test_asynchronous_methods_return_same_results(database):
    migrator = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 1"})
    report = asyncio.run(migrator.aup(database.conninfo, to=1))
    assert [o.migration.version for o in report.applied] == [1]
    assert asyncio.run(migrator.aup(database.conninfo, dry_run=True)).dry_run


def test_cancelled_task_leaves_nothing_behind(database):
    migrator = pgbraid.load({"1_a.sql": "CREATE TABLE a (); SELECT pg_sleep(60)"})

    async def main():
        migration_started = asyncio.Event()
        loop = asyncio.get_running_loop()

        def record_event(event):
            if isinstance(event, Started):
                loop.call_soon_threadsafe(migration_started.set)

        task = asyncio.create_task(migrator.aup(database.conninfo, on_event=record_event))
        await migration_started.wait()
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return no_session_is_left(database)

    assert asyncio.run(main())
    assert database.value("SELECT to_regclass('a')") is None
    assert database.versions() == []


def test_many_tasks_cancelled_twice_leave_nothing_behind(database):
    """There are more tasks than an executor has threads, and each is cancelled while it waits."""
    migrators = [
        pgbraid.load({"1_a.sql": "SELECT pg_sleep(60)"}, table=f"set_{n}") for n in range(6)
    ]

    async def main():
        loop = asyncio.get_running_loop()
        started_migrations = asyncio.Semaphore(0)

        def record_event(event):
            if isinstance(event, Started):
                loop.call_soon_threadsafe(started_migrations.release)

        tasks = [
            asyncio.create_task(migrator.aup(database.conninfo, on_event=record_event))
            for migrator in migrators
        ]
        for _ in tasks:
            await started_migrations.acquire()
        for _ in range(2):
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0.01)
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(answer) for answer in answers} == {asyncio.CancelledError}
        return no_session_is_left(database)

    assert asyncio.run(main())
    assert all(database.versions(f"set_{n}") == [] for n in range(6))


def test_asynchronous_methods_raise_same_errors(database):
    with pytest.raises(pgbraid.MigrationFailed):
        asyncio.run(pgbraid.load({"1_a.sql": "SELECT 1/0"}).aup(database.conninfo))
