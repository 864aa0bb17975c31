"""What must be true after any trouble: the set says what is there, and nothing is left behind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devtools.database import await_true

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos.forks import Forks
    from chaos.workload import Workload
    from devtools.database import Database

__all__ = ["Seen", "contradictions", "left_behind", "look", "set_of", "settle"]

_TABLES = "SELECT relname FROM pg_class WHERE relname ~ '^t[0-9]+$' AND relkind = 'r'"
_LOCKS = """
SELECT 'advisory lock of process ' || pid FROM pg_locks
 WHERE locktype = 'advisory'
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_SESSIONS = """
SELECT 'session of process ' || pid || ', ' || coalesce(state, 'unknown')
  FROM pg_stat_activity
 WHERE application_name LIKE 'pgbraid%%' AND datname = current_database()
   AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """The set and the traces, of one moment."""

    versions: Counter[int] = field(default_factory=Counter)
    logged: Counter[int] = field(default_factory=Counter)
    tables: Counter[int] = field(default_factory=Counter)

    @property
    def applied(self) -> list[int]:
        """The set, in order."""
        return sorted(self.versions)


def set_of(database: Database) -> list[int]:
    """Return the set alone, where no trace is left."""
    if database.value("SELECT to_regclass('public.applied_migrations') IS NULL"):
        return []
    rows = database.rows("SELECT version FROM public.applied_migrations ORDER BY 1")
    return [version for (version,) in rows]


def look(database: Database) -> Seen:
    """Read set and traces in one snapshot."""
    with database.connect() as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

        def column(table: str) -> Counter[int]:
            there = connection.execute("SELECT to_regclass(%s)", (table,)).fetchone()
            if there == (None,):
                return Counter()
            query = f"SELECT version FROM {table}"
            return Counter(int(version) for (version,) in connection.execute(query.encode()))

        tables = Counter(int(name[1:]) for (name,) in connection.execute(_TABLES))
        return Seen(column("public.applied_migrations"), column("public.log"), tables)


def contradictions(seen: Seen, *, told: Iterable[int] = (), in_order: bool = True) -> list[str]:
    """Return in what the set, the traces and what was told do not agree.

    With ``in_order`` the set must be versions 1 to the highest, as one run after the other
    leaves it.
    """
    found = []
    for what, counter in (("ran", seen.logged), ("is in the set", seen.versions)):
        twice = {version: times for version, times in counter.items() if times > 1}
        if twice:
            found.append(f"each version {what} once; more than once (version: times): {twice}")
    if seen.versions.keys() != seen.logged.keys():
        found.append(f"the set is what ran; set {seen.applied}, ran {sorted(seen.logged)}")
    if seen.versions.keys() != seen.tables.keys():
        found.append(f"the set is what is there; set {seen.applied}, there {sorted(seen.tables)}")
    if in_order and seen.applied != list(range(1, len(seen.applied) + 1)):
        found.append(f"the set has no hole; set {seen.applied}")
    lost = sorted(set(told) - seen.versions.keys())
    if lost:
        found.append(f"what was told is in the set; told and not there {lost}")
    return found


def left_behind(database: Database, *, pooled: bool = False) -> list[str]:
    """Return the locks and sessions of ours that do not go away; a pooler keeps its sessions."""
    leftovers: list[str] = []
    queries = (_LOCKS,) if pooled else (_LOCKS, _SESSIONS)

    def gone() -> bool:
        leftovers[:] = [text for query in queries for (text,) in database.rows(query)]
        return not leftovers

    await_true(gone)
    return [f"nothing is left behind; there is the {each}" for each in leftovers]


def settle(
    forks: Forks, database: Database, work: Workload, *, target: str = "", whole: bool = False
) -> list[str]:
    """Run ``up`` and ``check`` undisturbed and return what is not as it must be then.

    ``target`` is the connection string of a pooler, where they are to run behind one.
    """
    env = {"PGBRAID_DATABASE_URL": target or database.conninfo}
    found = []
    for command in ("up", "check"):
        ended = forks.call(command, *work.words, env=env, whole=whole)
        if ended.code != 0:
            found.append(f"a clean `{command}` ends with 0; {ended}")
    seen = look(database)
    found += contradictions(seen)
    if seen.applied != work.versions:
        found.append(f"a clean `up` completes the set; it has {seen.applied}")
    return found + left_behind(database, pooled=bool(target))
