"""The lock monitor: a run works without it, and a stop ends every wait."""

import asyncio
import signal
import time

import psycopg
import pytest

import pgbraid
from tests.fixtures.interruption import call_after, in_thread
from tests.fixtures.nontransactional import HEAD


def test_monitor_behind_pooler_with_one_session_does_not_hang(database, pool):
    started_at = time.monotonic()
    migrator = pgbraid.load({"1_a.sql": "CREATE TABLE t (); SELECT pg_sleep(1)"})
    over, outcomes = in_thread(lambda: migrator.up(pool), 20, database)
    assert over, "the run waits for its own watch, which waits for the run's session"
    assert time.monotonic() - started_at < 10
    assert len(outcomes[0].applied) == 1


WAITS = {
    "pause": ("ALTER TABLE big ADD x int", "LOCK TABLE big IN ACCESS SHARE MODE", 3.0),
    "index": (HEAD + "CREATE INDEX CONCURRENTLY i ON big (a)", "INSERT INTO big VALUES (1)", 1.0),
    "vacuum": (HEAD + "VACUUM FULL big", "LOCK TABLE big IN ACCESS SHARE MODE", 1.0),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("wait", WAITS)
def test_signal_ends_every_wait(big, cli, folder, wait, number):
    text, blocking, after = WAITS[wait]
    folder.write(_1_a=text)
    with psycopg.connect(big.conninfo) as other:
        other.execute(blocking)
        process = cli.start("up")
        time.sleep(after + 1)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)  # only a stop ends these waits
    assert process.returncode, (out, err)
    assert "Traceback" not in err


@pytest.mark.parametrize("wait", WAITS)
def test_cancelled_task_ends_every_wait(big, wait):
    text, blocking, after = WAITS[wait]
    migrator = pgbraid.load({"1_a.sql": text})

    async def main():
        task = asyncio.create_task(migrator.aup(big.conninfo))
        await asyncio.sleep(after)
        task.cancel()
        cancelled_at = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - cancelled_at

    with psycopg.connect(big.conninfo) as other:
        other.execute(blocking)
        assert asyncio.run(main()) < 3


def test_refused_monitor_connection_changes_nothing(big, role):
    big.run(f"ALTER ROLE {role} CONNECTION LIMIT 1; GRANT ALL ON SCHEMA public TO {role}")
    text = "CREATE TABLE mine (); SELECT pg_sleep(1)"
    assert len(pgbraid.load({"1_a.sql": text}).up(big.as_role(role)).applied) == 1


def test_stop_ends_wait_for_monitor_in_full_pool(database, pool):
    stop = pgbraid.StopToken()
    with call_after(2, stop.request):
        migrator = pgbraid.load({"1_a.sql": "CREATE TABLE t (); SELECT pg_sleep(30)"})
        over, outcomes = in_thread(lambda: migrator.up(pool, stop=stop), 10, database)
    assert over, "a stop does not reach it either"
    assert isinstance(outcomes[0], pgbraid.Stopped)
