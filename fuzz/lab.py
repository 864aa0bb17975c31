"""A server to try things on: roles of the run's own, and a new database for each case."""

from __future__ import annotations

import re
import subprocess
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgbraid.model.migration import LedgerTable
from pgbraid.model.snapshot import DATA
from pgbraid.postgres.catalog.row_identity import EVERY, Meaning
from pgbraid.postgres.catalog.snapshot_reader import Scope, SnapshotReader
from pgbraid.postgres.client.connection import open_connection
from pgbraid.postgres.server.binaries import packaged_folders
from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.settings.environment import cache_dir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.model.snapshot import Snapshot
    from pgbraid.postgres.client.connection import Connection

__all__ = ["Lab", "find_dumper", "on_server", "open_lab", "sorted_lines"]

_ROLE = re.compile(r"\brole_([a-d])\b")
_NOT_SAID = re.compile(r"--|SET |SELECT pg_catalog\.set_config|\\|$")
_WORDS = re.compile(r"[^\s,;()]+")
_EXTENSIONS = "SELECT name FROM pg_available_extensions"
_MEANING = Meaning(masks={("shared.log", "at"): EVERY})
"""The clock in a table that all strands write to."""
_ICU = "SELECT count(*) > 1 FROM pg_collation WHERE collprovider = 'i'"


@dataclass(slots=True)
class Lab:
    """A server, and what is kept of it between the cases."""

    conninfo: str
    admin: Connection
    dumper: str | None
    prefix: str
    reader: SnapshotReader = field(default_factory=lambda: SnapshotReader(LedgerTable()))
    features: frozenset[str] = frozenset()
    made: int = 0

    @property
    def major(self) -> int:
        """The server's major version."""
        return self.admin.info.server_version // 10000

    def text(self, sql: str, database: str) -> str:
        """Return a script with the names of this run in it."""
        named = _ROLE.sub(lambda found: f"{self.prefix}_{found[1]}", sql)
        return named.replace("this_database", database)

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[Connection]:
        """Give a connection to a new copy of a database, which is dropped afterwards."""
        name = self._make(template)
        try:
            with open_connection(conninfo_to_dict(self.where(name))) as conn:
                conn.execute(b"SET client_min_messages = error")
                yield conn
                _drop_subscriptions(conn)
        finally:
            self.admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def template(self, sql: str) -> str:
        """Create a database that a script was run in, leave it, and return its name."""
        name = self._make("template1")
        with open_connection(conninfo_to_dict(self.where(name))) as conn:
            conn.execute(b"SET client_min_messages = error")
            self.run(conn, sql)
        return name

    def _make(self, template: str) -> str:
        self.made += 1
        name = f"{self.prefix}_{self.made}"
        self.admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return name

    def where(self, name: str) -> str:
        """Return the connection string of a database."""
        return make_conninfo(self.conninfo, dbname=name)

    def run(self, conn: Connection, sql: str) -> None:
        """Run a script in one go."""
        conn.execute(self.text(sql, conn.info.dbname).encode())

    def read(self, conn: Connection) -> Snapshot:
        """Return the snapshot of a database, its rows compared by what they say."""
        whole, _ = self.reader.whole(conn)
        read = self.reader.within(conn, Scope(schema=False, rows=None, meaning=_MEANING))
        return replace(
            whole, catalogs=MappingProxyType({**whole.catalogs, DATA: read.catalogs[DATA]})
        )

    def dump(self, name: str) -> str:
        """Return what pg_dump says of the schema, without what it says of itself."""
        if self.dumper is None:
            return ""
        words = [self.dumper, "--schema-only", "-d", self.where(name)]
        text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        return "\n".join(line for line in text.splitlines() if not _NOT_SAID.match(line))


def sorted_lines(dump: str) -> list[str]:
    """Return a dump without its order, also that of the words in a line."""
    return sorted(" ".join(sorted(_WORDS.findall(line))) for line in dump.splitlines())


def _drop_subscriptions(conn: Connection) -> None:
    if conn.closed:
        return
    query = (
        "SELECT format('ALTER SUBSCRIPTION %1$I SET (slot_name = NONE); DROP SUBSCRIPTION %1$I',"
        " subname) FROM pg_subscription WHERE subdbid ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    for (text,) in conn.execute(query).fetchall():
        for statement in text.split(";"):
            conn.execute(statement.encode())


@contextmanager
def on_server(conninfo: str, dumper: str | None = None) -> Iterator[Lab]:
    """Work on a server that is there, with roles of our own, which are dropped at the end."""
    prefix = f"pgbraid_fuzz_{uuid.uuid4().hex[:8]}"
    roles = [f"{prefix}_{letter}" for letter in "abcd"]
    with open_connection(conninfo_to_dict(conninfo)) as admin:
        admin.execute(b"SET client_min_messages = error")
        features = {name for (name,) in admin.execute(_EXTENSIONS).fetchall()}
        if (admin.execute(_ICU).fetchone() or (False,))[0]:
            features.add("icu")
        for role in roles:
            admin.execute(f"CREATE ROLE {role}".encode())
        lab = Lab(conninfo, admin, dumper, prefix, features=frozenset(features))
        try:
            yield lab
        finally:
            left = admin.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (prefix,)
            ).fetchall()
            for (name,) in left:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            for role in roles:
                admin.execute(f"DROP ROLE {role}".encode())


@contextmanager
def open_lab(programs: str | None = None) -> Iterator[Lab]:
    """Start a server of our own; pg_dump is its, or else the packaged one, which is newer."""
    folder = programs or str(next(packaged_folders()))
    with (
        embedded_server(programs=folder, cache=cache_dir()) as server,
        on_server(server.conninfo, find_dumper(folder)) as lab,
    ):
        yield lab


def find_dumper(folder: str) -> str | None:
    """Return a pg_dump for the server of a folder, where there is one."""
    for place in (Path(folder), *packaged_folders()):
        if (place / "pg_dump").is_file():
            return str(place / "pg_dump")
    return None
