"""The tracker of a database as plain SQL that every supported server can restore."""

from __future__ import annotations

import getpass
import re
import socket
import subprocess
import uuid
from typing import TYPE_CHECKING

import psycopg

from devtools.checkout import Skip

if TYPE_CHECKING:
    from devtools.adopt_peers.stage import Stage

__all__ = ["NOISE", "dump_tracker", "restore_dump"]

NOISE = re.compile(
    r"""^(?:
        --\n--\ (?:Name|Data\ for\ Name|PostgreSQL\ database\ dump)[^\n]*\n--\n
      | \\(?:un)?restrict\ [^\n]*\n
      | SET\ [^\n]*;\n
      | SELECT\ pg_catalog\.set_config\([^\n]*\n
      | --\ Dumped\ [^\n]*\n
    )""",
    re.MULTILINE | re.VERBOSE,
)
_ENUMS = """
SELECT format('CREATE TYPE %s AS ENUM (%s);', t.oid::regtype,
              (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder)
               FROM pg_enum WHERE enumtypid = t.oid))
FROM pg_type t WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace
"""
"""The enum types of the schema public: `pg_dump --table` leaves them out."""
_TABLES = "SELECT schemaname, tablename FROM pg_tables ORDER BY 1, 2"


def dump_tracker(stage: Stage, note: str = "") -> str:
    """Return the tracker's tables with their rows. Raises Skip if there are none."""
    whole = [name.removesuffix(".*") for name in stage.peer.trackers if name.endswith(".*")]
    parts = []
    if tables := [row for row in _rows(stage, _TABLES) if row[1] in stage.peer.trackers]:
        parts += [row[0] for row in _rows(stage, _ENUMS)]
        parts += [f"CREATE SCHEMA {name};" for name in sorted({t[0] for t in tables} - {"public"})]
        parts.append(_pg_dump(stage, [f'--table="{schema}"."{name}"' for schema, name in tables]))
    if whole:
        parts.append(_pg_dump(stage, [f"--schema={name}" for name in whole]))
    if not parts:
        raise Skip("there is no tracker")
    head = "; ".join(filter(None, (f"-- left by {stage.peer.about}", note)))
    return _anonymous("\n".join((head, *parts)))


def restore_dump(stage: Stage, text: str) -> None:
    """Restore a dump in a new database, to see that it can be. Raises psycopg.Error."""
    database = stage.server.new_database()
    with psycopg.connect(stage.server.url(database), autocommit=True) as connection:
        connection.execute(text)


def _rows(stage: Stage, query: str) -> list[tuple[str, ...]]:
    with psycopg.connect(stage.place.url) as connection:
        return connection.execute(query.encode()).fetchall()


def _pg_dump(stage: Stage, options: list[str]) -> str:
    words = [str(stage.server.programs.path("pg_dump")), "--inserts", "--no-owner", "--no-acl"]
    done = subprocess.run(
        [*words, "--no-comments", *options, stage.place.url],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Skip(done.stderr.strip())
    return re.sub(r"\n{3,}", "\n\n", NOISE.sub("", done.stdout).strip()) + "\n"


def _anonymous(text: str) -> str:
    """Replace the names of this machine's user and host."""
    for name in {"postgres", getpass.getuser()}:
        text = text.replace(f"'{name}'", "'app'")
    text = text.replace(f"{uuid.getnode():012x}", "0" * 12)  # in an id made of clock and machine
    return text.replace(socket.gethostname(), "app")
