"""Reads the objects that the databases of a server share, and restores them between two replays.

Two replays run on one server. The second replay must not see a role that the first replay
created, changed or dropped. On an exclusive server all shared objects are restored; if that
fails, the proof has no verdict. On any other server a replay must not change them at all.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from psycopg import sql

from pgbraid.model.errors import ServerError
from pgbraid.model.migration import LedgerTable
from pgbraid.postgres.client.session import statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from psycopg import Cursor

    from pgbraid.postgres.client.connection import Connection

    Fact: TypeAlias = tuple[str | None, ...]

__all__ = [
    "ROLES_ASIDE",
    "ROLE_FLAGS",
    "Cluster",
    "differences",
    "drop_set_aside",
    "read_cluster",
    "restore_cluster",
    "set_roles_aside",
    "shared_changes",
]

ROLE_FLAGS = ("SUPERUSER", "INHERIT", "CREATEROLE", "CREATEDB", "LOGIN", "REPLICATION", "BYPASSRLS")
"""The attributes of a role, in the order of the flags of a fact."""
ROLES_ASIDE = "pgbraid_aside_"
"""The beginning of the names of roles that were set aside."""
_PASSES = 5
"""How often to repeat the dropping of roles, as one role may depend on another."""
_PARAMETERS_SINCE = 150000
"""The first server version with grants on parameters (pg_parameter_acl)."""
_RELOADED_WITHIN = 5.0
"""How many seconds to wait until the server has read its configuration files again."""
_ALWAYS_SHARED = frozenset(
    {
        *("pg_authid", "pg_auth_members", "pg_tablespace", "pg_parameter_acl"),
        *("pg_replication_origin", "pg_shseclabel"),
    }
)
"""Shared catalogs that have no row about the scratch database itself."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The shared objects of a server, by kind: roles, memberships, settings, databases, others."""

    facts: Mapping[str, frozenset[Fact]]
    roles: Mapping[str, str] = field(compare=False, default_factory=dict)
    """The names of the roles by their oids, to distinguish a renamed role from a new one."""

    def of(self, kind: str) -> frozenset[Fact]:
        """Return the facts of one kind."""
        return self.facts.get(kind, frozenset())

    def names(self, kind: str) -> frozenset[str]:
        """Return the names of the objects of one kind."""
        return frozenset(str(fact[0]) for fact in self.of(kind))


def read_cluster(conn: Connection, prefix: str, *, exclusive: bool = True) -> Cluster:
    """Return the shared objects of a server, without databases whose names begin with ``prefix``.

    Unless ``exclusive``, leave out the facts that only a superuser may read.
    """
    facts_by_kind: dict[str, set[Fact]] = {}
    names = ["cluster"]
    if exclusive:
        names.append("cluster_exclusive")
    if conn.info.server_version >= _PARAMETERS_SINCE:
        names.append("cluster_since_15")
    for name in names:
        for kind, *facts in _run(
            conn, name, prefix=f"{prefix}%", aside=f"{ROLES_ASIDE}%"
        ).fetchall():
            facts_by_kind.setdefault(kind, set()).add(tuple(facts))
    roles = {oid: name for name, oid in _run(conn, "roles", aside=f"{ROLES_ASIDE}%").fetchall()}
    return Cluster({kind: frozenset(facts) for kind, facts in facts_by_kind.items()}, roles)


def set_roles_aside(conn: Connection, before: Cluster, prefix: str, label: str) -> None:
    """Rename the roles that a replay created, so that the next replay can create its own.

    The objects that these roles own in the kept database refer to them by oid, not by name.
    """
    now = read_cluster(conn, prefix)
    for number, oid in enumerate(sorted(now.roles.keys() - before.roles.keys())):
        _try(conn, "ALTER ROLE {} RENAME TO {}", now.roles[oid], f"{ROLES_ASIDE}{label}_{number}")


def drop_set_aside(conn: Connection, label: str) -> None:
    """Drop the roles that were set aside for a database that has been dropped."""
    rows = _run(conn, "roles_aside", pattern=f"{ROLES_ASIDE}{label}\\_%").fetchall()
    for _ in range(_PASSES if rows else 0):
        for (name,) in rows:
            _try(conn, "DROP OWNED BY {} CASCADE", str(name))
            _try(conn, "DROP ROLE IF EXISTS {}", str(name))


def restore_cluster(conn: Connection, before: Cluster, prefix: str) -> None:
    """Restore the shared objects of a server. Raises ServerError if some cannot be restored."""
    now = read_cluster(conn, prefix)
    if now == before:
        return
    for name in now.names("database") - before.names("database"):
        _try(conn, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    for name in now.names("tablespace") - before.names("tablespace"):
        _try(conn, "DROP TABLESPACE {}", name)
    _restore_roles(conn, now, before, prefix)
    _restore_members(conn, before, prefix)
    _restore_settings(conn, before, prefix)
    _restore_databases(conn, before, prefix)
    _restore_comments(conn, before, prefix)
    _restore_origins(conn, before, prefix)
    _restore_parameters(conn, before, prefix)
    _restore_system(conn, before, prefix)
    restored = read_cluster(conn, prefix)
    if restored != before:
        raise ServerError(
            "the migrations change objects that the databases of a server share, and pgbraid "
            "cannot restore them between two replays",
            detail=f"Not restored: {'; '.join(differences(before, restored)[:3])}.",
            hint="Move the statements that change roles, databases and tablespaces into migrations "
            "of their own, on which no out-of-order migration depends; then run `pgbraid prove` "
            "again.",
        )


def _restore_roles(conn: Connection, now: Cluster, before: Cluster, prefix: str) -> None:
    for oid in now.roles.keys() & before.roles.keys():
        if now.roles[oid] != before.roles[oid]:
            _try(conn, "ALTER ROLE {} RENAME TO {}", now.roles[oid], before.roles[oid])
    # Names are read again here: a renamed role must not count as a new one and be dropped.
    new = sorted(read_cluster(conn, prefix).names("role") - before.names("role"))
    for _ in range(_PASSES if new else 0):
        for name in new:
            # DROP ROLE fails while a role still has privileges, such as on a tablespace.
            _try(conn, "DROP OWNED BY {} CASCADE", name)
            _try(conn, "DROP ROLE IF EXISTS {}", name)
    for role, flags, limit, until in before.of("role") - read_cluster(conn, prefix).of("role"):
        _try(conn, "CREATE ROLE {}", str(role))
        on = zip(ROLE_FLAGS, str(flags), strict=True)
        words = [word if flag == "t" else f"NO{word}" for word, flag in on]
        words.append(f"CONNECTION LIMIT {limit}")
        _try(conn, f"ALTER ROLE {{}} {' '.join(words)}", str(role))
        # ALTER ROLE can set VALID UNTIL, but cannot set it to NULL again.
        with suppress(psycopg.Error):
            conn.execute(
                "UPDATE pg_catalog.pg_authid SET rolvaliduntil = %s::timestamptz"
                " WHERE rolname = %s AND rolvaliduntil IS DISTINCT FROM %s::timestamptz",
                (until, role, until),
            )


def _restore_members(conn: Connection, before: Cluster, prefix: str) -> None:
    for role, member, *_ in read_cluster(conn, prefix).of("member") - before.of("member"):
        _try(conn, "REVOKE {} FROM {} CASCADE", str(role), str(member))
    missing = before.of("member") - read_cluster(conn, prefix).of("member")
    for role, member, admin, options in missing:
        option = " WITH ADMIN OPTION" if admin == "true" else ""
        if options:  # since PostgreSQL 16
            inherit, may_set = options.split()
            option = f" WITH ADMIN {admin}, INHERIT {inherit}, SET {may_set}"
        _try(conn, f"GRANT {{}} TO {{}}{option}", str(role), str(member))


def _restore_settings(conn: Connection, before: Cluster, prefix: str) -> None:
    settings = sorted(before.of("setting"), key=str)
    if read_cluster(conn, prefix).of("setting") == before.of("setting"):
        return
    columns = [[fact[place] for fact in settings] for place in range(3)]
    with suppress(psycopg.Error), conn.transaction():
        rows = _run(
            conn,
            "restore_settings",
            roles=columns[0],
            databases=columns[1],
            configs=columns[2],
            prefix=f"{prefix}%",
        ).fetchall()
        for database, role, config in rows:
            _run(conn, "add_setting", database=database, role=role, config=config)


def _restore_databases(conn: Connection, before: Cluster, prefix: str) -> None:
    for name, owner, acl, flags in before.of("database") - read_cluster(conn, prefix).of(
        "database"
    ):
        limit, connects, template = str(flags).split()
        _try(conn, "ALTER DATABASE {} OWNER TO {}", str(name), str(owner))
        _try(conn, f"ALTER DATABASE {{}} CONNECTION LIMIT {limit}", str(name))
        options = f"ALLOW_CONNECTIONS {connects == 't'} IS_TEMPLATE {template == 't'}"
        _try(conn, f"ALTER DATABASE {{}} {options}", str(name))
        # GRANT and REVOKE cannot restore a NULL acl, which stands for the default grants.
        with suppress(psycopg.Error):
            conn.execute(
                "UPDATE pg_catalog.pg_database SET datacl = %s::aclitem[] WHERE datname = %s",
                (acl, name),
            )


def _restore_comments(conn: Connection, before: Cluster, prefix: str) -> None:
    for kind, name, *_ in read_cluster(conn, prefix).of("comment") - before.of("comment"):
        _try(conn, f"COMMENT ON {kind} {{}} IS NULL", str(name))
    for kind, name, text, _ in before.of("comment") - read_cluster(conn, prefix).of("comment"):
        _try(conn, f"COMMENT ON {kind} {{}} IS {_literal(str(text))}", str(name))


def _restore_origins(conn: Connection, before: Cluster, prefix: str) -> None:
    now = read_cluster(conn, prefix)
    with suppress(psycopg.Error):
        for name in now.names("origin") - before.names("origin"):
            conn.execute("SELECT pg_catalog.pg_replication_origin_drop(%s)", (name,))
        for name in before.names("origin") - now.names("origin"):
            conn.execute("SELECT pg_catalog.pg_replication_origin_create(%s)", (name,))


def _restore_parameters(conn: Connection, before: Cluster, prefix: str) -> None:
    for name, acl, *_ in read_cluster(conn, prefix).of("parameter") - before.of("parameter"):
        acl_before = next((fact[1] for fact in before.of("parameter") if fact[0] == name), None)
        with suppress(psycopg.Error):
            rows = _run(conn, "grantees", acl=acl).fetchall()
            for (role,) in rows if acl_before is None else ():
                grantee = "PUBLIC" if not role else sql.Identifier(role).as_string(None)
                _try(conn, f"REVOKE ALL ON PARAMETER {{}} FROM {grantee}", str(name))


def _restore_system(conn: Connection, before: Cluster, prefix: str) -> None:
    """Undo ALTER SYSTEM, and wait until the server has read its configuration files again."""
    now = read_cluster(conn, prefix).of("system")
    if now == before.of("system"):
        return
    for name, *_ in now - before.of("system"):
        _try(conn, "ALTER SYSTEM RESET {}", str(name))
    for name, value, *_ in before.of("system") - now:
        _try(conn, f"ALTER SYSTEM SET {{}} = {_literal(str(value))}", str(name))
    row = _run(conn, "reload_settings").fetchone()
    deadline = time.monotonic() + _RELOADED_WITHIN
    while row and time.monotonic() < deadline:
        # This session reads the files after the postmaster. So once this session has the new
        # values, every session that starts later has them, too.
        if _run(conn, "settings_loaded", since=row[0]).fetchone() == (True,):
            return
        time.sleep(0.005)


def shared_changes(inside: Connection, outside: Connection, prefix: str) -> tuple[str, ...]:
    """Return the shared objects that the open transaction of ``inside`` changes.

    ``outside`` does not see these changes yet, so the transaction made the difference between
    the two. Statements on roles, tablespaces and parameters are detected by their locks.
    """
    locked = {name for (name,) in _run(inside, "touched_shared_catalogs").fetchall()}
    if inside.info.server_version >= _PARAMETERS_SINCE:
        mine, theirs = (_run(conn, "cluster_since_15").fetchall() for conn in (inside, outside))
        # REVOKE deletes the row of a parameter, and holds no lock afterwards.
        locked |= {"pg_parameter_acl"} if set(mine) != set(theirs) else set()
    if not locked:
        return ()
    changed: list[str] = []
    # Another session may commit between the two readings, so a difference must last.
    for _ in range(3):
        facts = (read_cluster(conn, prefix, exclusive=False) for conn in (inside, outside))
        changed = differences(*facts)
        if not changed:
            break
    # No view shows a password, and an undone change leaves only its lock. Both are reported
    # by the name of the locked catalog.
    return tuple(changed) or tuple(sorted(locked & _ALWAYS_SHARED))


def differences(one: Cluster, other: Cluster) -> list[str]:
    """Return the kind and name of each object that differs between two readings."""
    kinds = sorted({*one.facts, *other.facts})
    names = {
        " ".join([kind, *(str(fact) for fact in facts[:2] if fact)])
        for kind in kinds
        for facts in one.of(kind) ^ other.of(kind)
    }
    return sorted(names)


def _run(conn: Connection, name: str, /, **values: object) -> Cursor[tuple[Any, ...]]:
    query = statement("scratch", name, LedgerTable(), with_values=bool(values))
    return conn.execute(query, values or None)


def _try(conn: Connection, text: str, *names: str) -> None:
    with suppress(psycopg.Error):
        conn.execute(_composed(text, names))


def _composed(text: str, names: Iterable[str]) -> bytes:
    quoted = (sql.Identifier(name).as_string(None) for name in names)
    # Not str.format: a quoted literal in the text may contain braces.
    for name in quoted:
        before, _, after = text.partition("{}")
        text = f"{before}{name}{after}"
    return text.encode()


def _literal(text: str) -> str:
    return sql.Literal(text).as_string(None)
