"""Surroundings in which a run cannot work, or only just: servers, roles, rights, limits."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from psycopg.conninfo import make_conninfo

from chaos.checker import contradictions, look, settle
from chaos.workload import trace
from devtools.checkout import Skip
from devtools.cluster import Cluster
from devtools.database import Database, await_true
from pgbraid.model.migration import LedgerTable
from pgbraid.postgres.server.os_user import server_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chaos.forks import Ended
    from chaos.lab import Lab
    from chaos.workload import Workload

__all__ = ["SURROUNDINGS", "refused"]

_ROLE = "chaos_plain"
_BOUND = 30.0
_READS_ONLY = "default_transaction_read_only = on"
_COUNT = 6
_DISK = 96
"""Megabytes of the small disk; an empty server takes some fifty of them, with its WAL."""


def _up(lab: Lab, work: Workload, target: Database, *more: str) -> Ended:
    env = {"PGBRAID_DATABASE_URL": target.conninfo}
    return lab.forks.start("up", *work.words, *more, env=env).wait(_BOUND)


def refused(ended: Ended, code: int, *words: str) -> list[str]:
    """Return in what a run was not refused in time, with that exit code, in these words."""
    missing = [word for word in words if word not in ended.err]
    if ended.code == code and not missing and "Traceback" not in ended.err:
        return []
    return [f"it ends in {_BOUND:.0f} s with {code} and says {words}; {ended}"]


def _done(ended: Ended) -> list[str]:
    return refused(ended, 0)


@contextmanager
def _role(database: Database, *settings: str) -> Iterator[Database]:
    """Yield the database as a plain role with these settings sees it."""
    database.run(f"CREATE ROLE {_ROLE} LOGIN")
    try:
        for setting in settings:
            database.run(f"ALTER ROLE {_ROLE} SET {setting}")
        yield Database(make_conninfo(database.conninfo, user=_ROLE))
    finally:
        database.run(f"REASSIGN OWNED BY {_ROLE} TO postgres; DROP OWNED BY {_ROLE}")
        database.run(f"DROP ROLE {_ROLE}")


def _as_role(lab: Lab, *settings: str, slow: bool = False) -> list[str]:
    """Run as a role whose defaults would cut it short; the lock is not free at once."""
    work = lab.workload(_COUNT)
    if slow:
        for file in work.folder.iterdir():
            file.write_text(f"SELECT pg_sleep(0.15);\n{file.read_text()}")
    with lab.database() as database, _role(database, *settings) as plain:
        database.run("GRANT CREATE ON SCHEMA public TO PUBLIC; CREATE TABLE before (id int)")
        with database.connect() as holder:
            holder.execute("SELECT pg_advisory_lock(%s)", (LedgerTable().lock_key,))
            env = {"PGBRAID_DATABASE_URL": plain.conninfo}
            run = lab.forks.start("up", *work.words, env=env)
            time.sleep(0.5)
        ended = run.wait(_BOUND)
        found = _done(ended) + contradictions(look(database), told=ended.told)
        return found + settle(lab.forks, database, work)


def _read_only_role(lab: Lab) -> list[str]:
    """Be refused by who has said that nothing is to be written."""
    work = lab.workload(_COUNT)
    with lab.database() as database, _role(database, _READS_ONLY) as plain:
        database.run("GRANT CREATE ON SCHEMA public TO PUBLIC")
        found = refused(_up(lab, work, plain), 4, "read-only") + contradictions(look(database))
        return found + settle(lab.forks, database, work)


def _statement_timeout(lab: Lab) -> list[str]:
    return _as_role(lab, "statement_timeout = '50ms'", slow=True)


def _lock_timeout(lab: Lab) -> list[str]:
    return _as_role(lab, "lock_timeout = '1ms'")


def _idle_timeouts(lab: Lab) -> list[str]:
    settings = ["idle_in_transaction_session_timeout = '30ms'"]
    number = int(lab.server.value("SHOW server_version_num"))
    if number >= 140000:
        settings.append("idle_session_timeout = '100ms'")
    if number >= 170000:
        settings.append("transaction_timeout = '60ms'")
    return _as_role(lab, *settings, slow=True)


def _asynchronous_role(lab: Lab) -> list[str]:
    return _as_role(lab, "synchronous_commit = off")


def _no_right_to_create(lab: Lab) -> list[str]:
    work = lab.workload(_COUNT)
    with lab.database() as database, _role(database) as plain:
        database.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        ended = _up(lab, work, plain)
        found = refused(ended, 4, "permission denied") + contradictions(look(database))
        return found + settle(lab.forks, database, work)


def _no_right_on_the_set(lab: Lab) -> list[str]:
    """May read the set and make tables, and not write the set."""
    work, found = lab.workload(_COUNT), []
    with lab.database() as database, _role(database) as plain:
        env = {"PGBRAID_DATABASE_URL": database.conninfo}
        lab.forks.call("up", *work.words, "--to", "2", env=env)
        database.run(f"GRANT CREATE ON SCHEMA public TO {_ROLE}; GRANT ALL ON log TO {_ROLE}")
        for grant in ("", "SELECT ON applied_migrations", "SELECT, INSERT ON applied_migrations"):
            if grant:
                database.run(f"GRANT {grant} TO {_ROLE}")
            ended = _up(lab, work, plain)
            if ended.code not in {3, 4} or "permission denied" not in ended.err:
                found.append(f"with {grant or 'no right'}: it says permission denied; {ended}")
            found += contradictions(look(database))
            if look(database).applied != [1, 2]:
                found.append(f"with {grant or 'no right'}: nothing is applied; {look(database)}")
        return found + settle(lab.forks, database, work)


def _standby(lab: Lab) -> list[str]:
    work = lab.workload(_COUNT)
    with lab.cluster() as primary, lab.standby(primary) as standby:
        found = refused(_up(lab, work, standby.database), 4, "standby")
        found += contradictions(look(primary.database))
        return found + settle(lab.forks, primary.database, work)


def _starting_up(lab: Lab) -> list[str]:
    """Ask a server that takes no connections yet: a standby that is told never to."""
    work = lab.workload(_COUNT)
    with lab.cluster() as primary:
        standby = Cluster(lab.programs, lab.new_folder("standby"), {"hot_standby": "off"})
        try:
            standby.fill_from(primary).launch()
            said = "the database system is"
            await_true(lambda: said in _up(lab, work, standby.database).err)
            return refused(_up(lab, work, standby.database), 4, said)
        finally:
            standby.remove()


def _no_connection_left(lab: Lab) -> list[str]:
    work = lab.workload(_COUNT)
    with lab.cluster(max_connections="6") as cluster, ExitStack() as stack:
        database = cluster.database.new()
        with _role(database) as plain:
            for _ in range(5):
                stack.enter_context(database.connect())
            found = refused(_up(lab, work, plain), 4, "connection")
            stack.close()
            found += contradictions(look(database))
            return found + settle(lab.forks, database, work)


def _no_server(lab: Lab) -> list[str]:
    work = lab.workload(1)
    found = refused(_up(lab, work, lab.server.named("nowhere")), 4, "does not exist")
    away = Database(make_conninfo(lab.server.conninfo, host="/nonexistent"))
    return found + refused(_up(lab, work, away), 4, "cannot connect")


def _shut_down(lab: Lab) -> list[str]:
    """Shut the server down in good order while a run goes on."""
    work = lab.workload(40)
    for file in work.folder.iterdir():
        file.write_text(f"SELECT pg_sleep(0.02);\n{file.read_text()}")
    with lab.cluster() as cluster:
        database = cluster.database.new()
        database.run("CREATE TABLE before (id int)")
        env = {"PGBRAID_DATABASE_URL": database.conninfo}
        run = lab.forks.start("up", *work.words, env=env)
        await_true(lambda: len(look(database).applied) > 3)
        cluster.stop()
        ended = run.wait(_BOUND)
        cluster.start()
        found = refused(ended, 4) + contradictions(look(database), told=ended.told)
        return found + settle(lab.forks, database, work)


def _no_lock_memory(lab: Lab) -> list[str]:
    """One migration makes more tables than the server can hold locks."""
    work = lab.workload(4)
    many = "\n".join(f"CREATE TABLE many_{n} (id int PRIMARY KEY);" for n in range(1500))
    third = work.folder / "003_t.sql"
    text = third.read_text()
    third.write_text(text + many)
    with lab.cluster(max_locks_per_transaction="10", max_connections="20") as cluster:
        database = cluster.database.new()
        ended = _up(lab, work, database)
        found = refused(ended, 3, "out of shared memory")
        found += contradictions(look(database), told=ended.told)
        third.write_text(text)
        return found + settle(lab.forks, database, work)


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={_DISK}m,mode=0755", "tmpfs", str(folder)]
    answer = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        folder.rmdir()
        raise Skip(f"no small disk: {answer.stderr.strip()}")
    try:
        server_user().chown(folder)
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def _full_disk(lab: Lab) -> list[str]:
    """Fill the disk in the middle of a run; then make room again."""
    work = lab.workload(12)
    for file in work.folder.iterdir():
        number = int(file.name[:3])
        rows = (
            f"INSERT INTO t{number} SELECT n, repeat('x', 900) FROM generate_series(1, 9000) n;\n"
        )
        file.write_text(trace(number) + rows)
    folder = lab.new_folder("disk")
    with _small_disk(folder):
        cluster = Cluster(lab.programs, folder / "cluster", {"max_wal_size": "32MB"})
        try:
            database = cluster.fill().start().database
            database.run("CREATE TABLE before (id int)")
            ended = _up(lab, work, database)
            found = [] if ended.code in {3, 4} else [f"it ends with 3 or 4; {ended}"]
            if "Traceback" in ended.err:
                found.append(f"it says what is the matter; {ended}")
            cluster.kill()
            subprocess.run(["mount", "-o", "remount,size=1g", str(folder)], check=True)
            cluster.start()
            seen = look(database)
            found += contradictions(seen, told=ended.told)
            if not 0 < len(seen.applied) < work.count:
                found.append(f"the disk fills in the middle of the run; set {seen.applied}")
            return found + settle(lab.forks, database, work)
        finally:
            cluster.remove()


def _absent_standby(lab: Lab) -> list[str]:
    """COMMIT waits for a synchronous standby that is not there: no time-out of the server's."""
    work = lab.workload(3)
    settings = lab.new_folder("settings")
    settings.write_text("commit_wait = 1\n")
    with lab.cluster() as cluster:
        database = cluster.database.new()
        database.run("CREATE TABLE before (id int)")
        alter = "ALTER SYSTEM SET synchronous_standby_names = '{}'"
        cluster.database.run(alter.format("absent"))
        cluster.database.run("SELECT pg_reload_conf()")
        await_true(lambda: database.value("SHOW synchronous_standby_names") == "absent")
        ended = _up(lab, work, database, "--config", str(settings))
        found = contradictions(look(database), told=ended.told)
        said = (ended.out + ended.err).lower()
        if ended.code not in {0, 4} or not ("standby" in said or "replicat" in said):
            found.append(f"it ends in {_BOUND:.0f} s and says what it waited for; {ended}")
        with database.connect(options="-c synchronous_commit=local") as connection:
            connection.execute(alter.format("").encode())
            connection.execute("SELECT pg_reload_conf()")
        await_true(lambda: database.value("SHOW synchronous_standby_names") == "")
        return found + settle(lab.forks, database, work)


SURROUNDINGS: dict[str, Callable[[Lab], list[str]]] = {
    "a standby": _standby,
    "a server that is starting": _starting_up,
    "no server, no database": _no_server,
    "no connection left": _no_connection_left,
    "a server that is shut down": _shut_down,
    "a role that reads only": _read_only_role,
    "a role without CREATE": _no_right_to_create,
    "a role without rights on the set": _no_right_on_the_set,
    "a role with statement_timeout": _statement_timeout,
    "a role with lock_timeout": _lock_timeout,
    "a role with idle timeouts": _idle_timeouts,
    "a role with synchronous_commit off": _asynchronous_role,
    "too many locks": _no_lock_memory,
    "a full disk": _full_disk,
    "an absent synchronous standby": _absent_standby,
}
