"""What belongs to the whole cluster: looked at before a replay, and put back behind it.

Two replays share one server, and a role that the first one has made, changed or dropped must not
be found by the second. On a server of our own all of it is put back; where that cannot be done,
nothing is judged.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from pgbraid.core.model import Tracker
from pgbraid.db.statements import statement
from pgbraid.errors import ServerError

if TYPE_CHECKING:
    from pgbraid.db.opening import Connection

__all__ = ["Cluster", "put_back", "read_cluster"]

_FLAGS = ("SUPERUSER", "INHERIT", "CREATEROLE", "CREATEDB", "LOGIN", "REPLICATION", "BYPASSRLS")
_PASSES = 5


@dataclass(frozen=True, slots=True)
class Cluster:
    """Roles with their attributes, memberships, settings of roles, databases and the rest."""

    roles: frozenset[tuple[str, ...]]
    members: frozenset[tuple[str, ...]]
    settings: frozenset[tuple[str, ...]]
    databases: frozenset[tuple[str, ...]]
    rest: frozenset[tuple[str, ...]]


def read_cluster(conn: Connection, prefix: str) -> Cluster:
    """Return what the cluster has, but for databases whose names begin with ``prefix``."""
    found: dict[str, set[tuple[str, ...]]] = {
        kind: set() for kind in ("role", "member", "setting", "database", "rest")
    }
    query = statement("scratch", "cluster", Tracker(), with_values=True)
    for kind, *facts in conn.execute(query, {"prefix": f"{prefix}%"}).fetchall():
        found[kind].add(tuple(fact for fact in facts if fact is not None))
    return Cluster(*(frozenset(facts) for facts in found.values()))


def put_back(conn: Connection, before: Cluster, prefix: str) -> None:
    """Bring the cluster back to what it had. Raises ServerError where that cannot be done."""
    now = read_cluster(conn, prefix)
    if now == before:
        return
    for name, *_ in now.databases - before.databases:
        _try(conn, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    new = {role[0] for role in now.roles} - {role[0] for role in before.roles}
    for _ in range(_PASSES if new else 0):
        for name in sorted(new):
            _try(conn, "DROP OWNED BY {} CASCADE", name)
            _try(conn, "DROP ROLE IF EXISTS {}", name)
    for name, flags, *_ in before.roles - read_cluster(conn, prefix).roles:
        _try(conn, "CREATE ROLE {}", name)
        words = (f"{'' if on == 't' else 'NO'}{f}" for f, on in zip(_FLAGS, flags, strict=True))
        _try(conn, f"ALTER ROLE {{}} {' '.join(words)}", name)
    _members(conn, before, prefix)
    for role, *_ in read_cluster(conn, prefix).settings - before.settings:
        _try(conn, "ALTER ROLE {} RESET ALL", role)
    left = read_cluster(conn, prefix)
    if left != before:
        raise ServerError(
            "the migrations change what belongs to the whole server, which cannot be put back "
            "between two replays",
            detail=f"Roles, memberships, settings of roles, databases: {_told(before, left)}.",
            hint="Put what changes roles, databases and tablespaces into migrations of its own, "
            "which nothing that merges late depends on.",
        )


def _members(conn: Connection, before: Cluster, prefix: str) -> None:
    now = read_cluster(conn, prefix).members
    for role, member, _ in now - before.members:
        _try(conn, "REVOKE {} FROM {} CASCADE", role, member)
    for role, member, admin in before.members - read_cluster(conn, prefix).members:
        option = " WITH ADMIN OPTION" if admin == "true" else ""
        _try(conn, f"GRANT {{}} TO {{}}{option}", role, member)


def _try(conn: Connection, text: str, *names: str) -> None:
    with suppress(psycopg.Error):
        conn.execute(_composed(text, names))


def _composed(text: str, names: tuple[str, ...]) -> bytes:
    quoted = (sql.Identifier(name).as_string(None) for name in names)
    return text.format(*quoted).encode()


def _told(before: Cluster, left: Cluster) -> str:
    """Name some of what is not as it was."""
    differing = [
        " ".join(fact)
        for kind in ("roles", "members", "settings", "databases", "rest")
        for fact in getattr(before, kind) ^ getattr(left, kind)
    ]
    return "; ".join(sorted(differing)[:3])
