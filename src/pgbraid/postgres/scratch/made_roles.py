"""Reads what pg_dump leaves out, and writes the roles that migrations created as statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from pgbraid.model.migration import LedgerTable
from pgbraid.postgres.client.session import statement
from pgbraid.postgres.scratch.cluster_state import ROLE_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.postgres.scratch.cluster_state import Cluster
    from pgbraid.postgres.scratch.databases import ScratchServer

__all__ = ["database_facts", "role_statements", "roles_with_password"]


def role_statements(before: Cluster, after: Cluster, current: str) -> Iterator[str]:
    """Yield statements that create the new roles of a server, with their memberships.

    A role that exists stays as it is. ``current`` is the role of the replay, for which the role
    stands that runs the statements.
    """
    new = after.names("role") - before.names("role")
    for name, flags, limit, until in sorted(after.of("role"), key=str):
        if name in new:
            words = list(_attributes(str(flags)))
            words += [f"CONNECTION LIMIT {limit}"] if limit != "-1" else []
            words += [f"VALID UNTIL {_literal(str(until))}"] if until else []
            create = " ".join([f"CREATE ROLE {_identifier(str(name))}", *words])
            yield (
                "DO $roles$\nBEGIN\n    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE "
                f"rolname = {_literal(str(name))}) THEN\n        {create};\n    END IF;\nEND\n"
                "$roles$"
            )
    for role, member, admin, *_ in sorted(after.of("member") - before.of("member"), key=str):
        if member == current and admin == "true":
            # Since PostgreSQL 16, CREATE ROLE itself gives this to a role that is no superuser.
            continue
        to = "CURRENT_USER" if member == current else _identifier(str(member))
        option = " WITH ADMIN OPTION" if admin == "true" else ""
        yield f"GRANT {_identifier(str(role))} TO {to}{option}"


def _attributes(flags: str) -> Iterator[str]:
    """Yield the attributes that CREATE ROLE does not give by itself."""
    for word, flag in zip(ROLE_FLAGS, flags, strict=True):
        if word == "INHERIT" and flag != "t":
            yield "NOINHERIT"
        elif word != "INHERIT" and flag == "t":
            yield word


def roles_with_password(scratch: ScratchServer, before: Cluster, after: Cluster) -> tuple[str, ...]:
    """Return the new roles of an exclusive server that have a password."""
    query = statement("scratch", "roles_with_password", LedgerTable(), with_values=False)
    names = {str(name) for (name,) in scratch.conn.execute(query).fetchall()}
    return tuple(sorted(names & (after.names("role") - before.names("role"))))


def database_facts(scratch: ScratchServer, name: str) -> tuple[str, ...]:
    """Return the grants and the comment of a scratch database itself, as text."""
    query = statement("scratch", "database_facts", LedgerTable(), with_values=True)
    return tuple(str(fact) for (fact,) in scratch.conn.execute(query, {"name": name}).fetchall())


def _identifier(name: str) -> str:
    return sql.Identifier(name).as_string(None)


def _literal(text: str) -> str:
    return sql.Literal(text).as_string(None)
