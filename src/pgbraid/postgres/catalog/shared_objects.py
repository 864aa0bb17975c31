"""Reads the objects that the databases of a server share, as parts of a snapshot."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pgbraid.model.snapshot import CatalogRows, Snapshot
from pgbraid.postgres.catalog.read import catalog_text, query_json
from pgbraid.postgres.catalog.row_digests import reading_rows
from pgbraid.sql.secret_values import masked_setting

if TYPE_CHECKING:
    from pgbraid.model.snapshot import Facts
    from pgbraid.postgres.client.connection import Connection

__all__ = ["SHARED_PARTS", "SharedObjects", "with_shared_objects"]

_COLUMNS = {
    "pg_authid": (
        *(
            "superuser",
            "inherits privileges",
            "create role",
            "create database",
            "login",
            "replication",
        ),
        *("bypass row security", "connection limit", "valid until", "comment"),
    ),
    "pg_auth_members": ("admin option", "inherit option", "set option", "granted by"),
    "pg_db_role_setting": ("value",),
    "pg_database": (
        *("owner", "datacl", "comment", "connection limit", "allows connections", "is template"),
    ),
    "pg_tablespace": ("owner", "spcacl", "options", "comment"),
    "pg_parameter_acl": ("paracl",),
    "passwords": ("value",),
    "pg_file_settings": ("value",),
    "pg_replication_origin": ("value",),
}
_SETTINGS = frozenset({"pg_db_role_setting", "pg_file_settings"})
SHARED_PARTS = frozenset(_COLUMNS)
"""The parts of a snapshot with shared objects."""
_PARAMETERS_SINCE = 150000
"""The first server version with grants on parameters (pg_parameter_acl)."""


class SharedObjects:
    """Reads the shared objects of one server, without databases and roles of other replays.

    ``scratch`` and ``aside`` are patterns (LIKE) for the names of scratch databases, and of roles
    that were set aside.
    """

    def __init__(self, scratch: str, aside: str) -> None:
        self._scratch, self._aside = scratch, aside

    def read(self, conn: Connection, snapshot: Snapshot) -> Snapshot:
        """Return a snapshot with the shared objects added.

        A role that is no superuser cannot read all of them; the parts that it cannot read are left
        out. Passwords are read only as set or not, and values of settings that may be secrets are
        replaced by a hash with a random key. Raises psycopg's errors.
        """
        names = ["shared_objects"]
        if conn.info.server_version >= _PARAMETERS_SINCE:
            names.append("shared_objects_since_15")
        with reading_rows(conn):
            query = "SELECT to_json(rolsuper) FROM pg_roles WHERE rolname = current_user"
            if query_json(conn, [query]) == [True]:
                names.append("shared_objects_of_superuser")
            values = {"scratch": self._scratch, "aside": self._aside}
            texts = [catalog_text(conn, name, **values) for name in names]
            listed = [item for answer in query_json(conn, texts) for item in answer]
        parts: dict[str, dict[str, Facts]] = {}
        parents = dict(snapshot.parents)
        for part, name, parent, facts in listed:
            parts.setdefault(part, {})[name] = _masked(part, name, facts)
            if parent:
                parents[name] = parent
        read = {
            part: CatalogRows(columns, MappingProxyType(parts.get(part, {})))
            for part, columns in _COLUMNS.items()
            if part in parts or names[-1] == "shared_objects_of_superuser"
        }
        return replace(
            snapshot,
            catalogs=MappingProxyType({**snapshot.catalogs, **read}),
            parents=MappingProxyType(parents),
        )


def _masked(part: str, name: str, facts: list[Any]) -> Facts:
    """Return the facts of an object; the value of a setting may be a secret."""
    if part not in _SETTINGS or facts[0] is None:
        return tuple(facts)
    setting = name.removeprefix("setting ").partition(" of ")[0]
    return (masked_setting(setting, str(facts[0])),)


def with_shared_objects(snapshot: Snapshot, other: Snapshot) -> Snapshot:
    """Return a snapshot with the shared objects of another one."""
    shared = {part: rows for part, rows in other.catalogs.items() if part in SHARED_PARTS}
    return replace(snapshot, catalogs=MappingProxyType({**snapshot.catalogs, **shared}))
