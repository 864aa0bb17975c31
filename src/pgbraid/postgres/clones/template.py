"""Makes the template of which the databases of tests are clones, once for each key.

The key stands for everything that the template depends on. A template that is complete is marked
as such by one statement at the end, so a half-made one is never cloned. It is made under an
advisory lock: the other processes wait for it.
"""

from __future__ import annotations

import re
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from pgbraid.postgres.clones.clone_server import text
from pgbraid.postgres.scratch.marked_databases import CONNECTION_LIMIT_MARK, drop_marked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.postgres.client.connection import Connection
    from pgbraid.postgres.clones.clone_server import CloneServer

__all__ = ["Template", "end_sessions", "ensure_template", "template_name"]

_PREFIX = "pgbraid_tmpl_"
_PATTERN = f"^{_PREFIX}[0-9a-f]{{32}}$"
_LOCK_CLASS = 0x7067746D
"""The first key of the advisory locks of templates: ``pgtm`` in ASCII."""
_POLL = 0.02
_PAUSE = 0.002
_ENDING = 5.0
_KEPT_FOR = timedelta(days=7)
_USED = re.compile(r"^pgbraid: used (?P<day>\d{4}-\d\d-\d\d)")
_CLONE = "\0"
"""Stands for the quoted name of a clone in a statement; no text of the server contains it."""
_LISTS = frozenset(
    {
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    }
)
"""Settings whose stored value is a list of quoted names, as pg_dump knows them, too."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template, and what a clone does not get by being a copy."""

    name: str
    owner: str | None
    """Its owner, if it is not our role."""
    more: tuple[str, ...]
    """Statements about the database itself, with ``_CLONE`` for the name of the clone."""
    made: bool
    """Whether this process made it."""

    def clone(self, server: CloneServer, conn: Connection, name: str) -> None:
        """Create a clone. Raises the driver's error."""
        server.create(conn, name, self.name, self.owner)
        if self.more:
            statements = "; ".join(self.more).replace(_CLONE, _quoted(name))
            conn.execute(statements.encode())


def template_name(key: str) -> str:
    """Return the name of the template with a key, a sha256 in lower-case hex."""
    return f"{_PREFIX}{key[:32]}"


def ensure_template(server: CloneServer, key: str, fill: Callable[[str], object]) -> Template:
    """Return the template with a key, made if it is missing.

    ``fill`` gets the name of an empty database, and fills it. If it raises, the database is
    dropped. Templates that were not used for a week are dropped. Raises ServerError and the errors
    of ``fill``.
    """
    name = template_name(key)
    conn = server.conn
    try:
        state = _state(conn, name)
        made = False
        if not (state and state[0]):
            with _locked(conn, key):
                state = _state(conn, name)
                if not (state and state[0]):
                    _make(server, name, fill)
                    made = True
        if not server.exclusive:
            _note_use(conn, name)
            _drop_unused(server)
        owner, has_grants, own = conn.execute(text("template_owner"), {"name": name}).fetchall()[0]
        return Template(
            name,
            None if own else owner,
            (
                *_grants(conn, name, has_grants=has_grants),
                *_settings(conn, name),
                *_comment(conn, name),
            ),
            made,
        )
    except psycopg.Error as error:
        raise server.rejected(error) from None


def _state(conn: Connection, name: str) -> tuple[bool, str | None] | None:
    values = {"name": name, "mark": CONNECTION_LIMIT_MARK}
    return conn.execute(text("template_state"), values).fetchone()


@contextmanager
def _locked(conn: Connection, key: str) -> Iterator[None]:
    """Hold the lock of a template; poll for it, as a waiting session would have a snapshot."""
    values = {"class": _LOCK_CLASS, "number": int(key[:8], 16) & 0x7FFFFFFF}
    while conn.execute(text("try_template_lock"), values).fetchone() != (True,):
        time.sleep(_POLL)
    try:
        yield
    finally:
        with suppress(psycopg.Error):
            conn.execute(text("release_template_lock"), values)


def _make(server: CloneServer, name: str, fill: Callable[[str], object]) -> None:
    conn = server.conn
    if _state(conn, name) is not None:  # what a killed run left half-made
        drop_marked(conn, server.target.parameters, name)
    # Not template1: the objects that this server has in it belong to no migration.
    server.create(conn, name, "template0")
    complete = False
    try:
        fill(name)
        end_sessions(conn, name)
        conn.execute(
            sql.SQL("ALTER DATABASE {} IS_TEMPLATE true ALLOW_CONNECTIONS false").format(
                sql.Identifier(name)
            )
        )
        complete = True
    finally:
        if not complete:
            with suppress(psycopg.Error):
                drop_marked(conn, server.target.parameters, name)


def end_sessions(conn: Connection, name: str) -> None:
    """End the sessions of a database, and wait until they have ended, for seconds at most."""
    deadline = time.monotonic() + _ENDING
    while time.monotonic() < deadline:
        if conn.execute(text("sessions_of"), {"name": name}).fetchone() == (0,):
            return
        conn.execute(text("end_sessions"), {"name": name})
        time.sleep(_PAUSE)


def _note_use(conn: Connection, name: str) -> None:
    state = _state(conn, name)
    today = datetime.now(UTC).date()
    comment = (state and state[1]) or ""
    match = _USED.match(comment)
    if match and match["day"] == today.isoformat():
        return
    _, _, own = comment.partition("\n") if match else ("", "", comment)
    note = f"pgbraid: used {today.isoformat()}" + (f"\n{own}" if own else "")
    with suppress(psycopg.Error):  # another process may note it at the same time
        conn.execute(
            sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(note))
        )


def _drop_unused(server: CloneServer) -> None:
    conn, oldest = server.conn, datetime.now(UTC).date() - _KEPT_FOR
    values = {"pattern": _PATTERN, "mark": CONNECTION_LIMIT_MARK}
    for name, comment in conn.execute(text("all_templates"), values).fetchall():
        match = _USED.match(comment or "")
        if match is None or date.fromisoformat(match["day"]) >= oldest:
            continue
        with suppress(psycopg.Error), _locked(conn, name.removeprefix(_PREFIX)):
            conn.execute(
                sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(sql.Identifier(name))
            )
            server.drop(conn, name)


def _grants(conn: Connection, name: str, *, has_grants: bool) -> Iterator[str]:
    if not has_grants:
        return
    yield f"REVOKE ALL ON DATABASE {_CLONE} FROM PUBLIC"
    for grantee, privilege, grantable in conn.execute(text("template_grants"), {"name": name}):
        option = " WITH GRANT OPTION" if grantable else ""
        role = _quoted(grantee) if grantee else "PUBLIC"
        yield f"GRANT {privilege} ON DATABASE {_CLONE} TO {role}{option}"


def _settings(conn: Connection, name: str) -> Iterator[str]:
    for role, setting in conn.execute(text("template_settings"), {"name": name}):
        key, _, value = setting.partition("=")
        empty = value in {"", '""'}
        shown = value if key.lower() in _LISTS and not empty else _literal("" if empty else value)
        place = f"ROLE {_quoted(role)} IN DATABASE {_CLONE}" if role else f"DATABASE {_CLONE}"
        yield f"ALTER {place} SET {'.'.join(map(_quoted, key.split('.')))} TO {shown}"


def _comment(conn: Connection, name: str) -> Iterator[str]:
    """Yield the statement for a comment that a migration gave to the database."""
    state = _state(conn, name)
    comment = (state and state[1]) or ""
    own = comment.partition("\n")[2] if _USED.match(comment) else comment
    if own:
        yield f"COMMENT ON DATABASE {_CLONE} IS {_literal(own)}"


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)


def _literal(value: str) -> str:
    return sql.Literal(value).as_string(None)
