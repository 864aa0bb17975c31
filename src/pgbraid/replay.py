"""Replays orders of migrations on scratch databases and says what each came to.

An order that counts runs on a database of its own, by the runner that every deploy uses. Where
orders are only searched through, they run in one transaction that is rolled back, which costs no
database; what such a search finds is confirmed on databases.
"""

from __future__ import annotations

import re
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from pgbraid.apply import Run
from pgbraid.core.model import Limits, Step, Tracker
from pgbraid.core.proof import Ended, Failure
from pgbraid.db import ledger as db
from pgbraid.db.quick import try_order
from pgbraid.db.reading import Reader
from pgbraid.db.session import claim, connect
from pgbraid.errors import MigrationFailed, ServerError
from pgbraid.series import apply_all
from pgbraid.survey import RunOptions
from pgbraid.texts import is_large, read_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.core.model import Migration
    from pgbraid.core.script import Script
    from pgbraid.core.snapshot import Snapshot
    from pgbraid.db.conninfo import Target
    from pgbraid.db.order import Order
    from pgbraid.db.scratch import Scratch
    from pgbraid.db.session import Session
    from pgbraid.stop import StopToken

__all__ = ["Replayer"]

_NO_SUCH_OBJECT, _NO_SUCH_DATABASE = "42704", "3D000"
_ROLE = re.compile(r'^role "(?P<name>.+)" does not exist$')
_MAKES_ROLE = re.compile(r'\bCREATE\s+(?:ROLE|USER|GROUP)\s+(?:"([^"]+)"|([\w$]+))', re.IGNORECASE)
_MAKES_EXTENSION = re.compile(
    r'\bCREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:"([^"]+)"|([\w$]+))', re.IGNORECASE
)
_DATABASE = re.compile(r'^database "(?P<name>.+)" does not exist$')
_OF_ONE_TRANSACTION = frozenset({"55P04", "55006", "25001", "53200", "25P01", "2D000"})
"""A new enum value, pending triggers, what no transaction holds, too many locks: all of these are
for want of a commit, and on a database of its own the same order may run."""


class Replayer:
    """Replays on one scratch server.

    ``replays`` counts the orders that were replayed; ``assumed`` names what was made there because
    the migrations take it for granted. Everything raises ServerError and ConnectionFailed where
    the scratch server fails, and Stopped.
    """

    def __init__(  # noqa: PLR0913 - what is replayed where, and how
        self,
        scratch: Scratch,
        tracker: Tracker,
        *,
        stop: StopToken,
        role: str | None = None,
        rows: bool = True,
        like: Order | None = None,
        extend: bool = False,
    ) -> None:
        self.scratch = scratch
        self.tracker = tracker
        self.stop = stop
        self.replays = 0
        self.assumed: list[str] = []
        self.reader = Reader(tracker, rows=rows)
        self._options = RunOptions(stop=stop, limits=Limits(lock_timeout=0.0))
        self._role = role
        self._settings = like.settings if like else ()
        self._extensions = like.extensions if like else ()
        self._extend = extend
        self._shape = db.Shape()
        self._bases: dict[str, frozenset[str]] = {}
        self._kept: tuple[str, ExitStack, Session] | None = None
        self._slow: set[int] = set()
        self._scripts: dict[int, Script] = {}
        self._named_roles: set[str] = set()
        """The roles that the texts make by name."""

    def expect(self, migrations: Sequence[Migration]) -> None:
        """Take note of the roles and extensions that these make: they are not taken for granted."""
        for migration in migrations:
            text = self.text_of(migration)
            found = _MAKES_ROLE.findall(text)
            self._named_roles.update(quoted or plain.lower() for quoted, plain in found)
            made = {quoted or plain.lower() for quoted, plain in _MAKES_EXTENSION.findall(text)}
            self._extensions = tuple(name for name in self._extensions if name not in made)

    def base(self, prefix: Sequence[Migration]) -> tuple[str, Failure | None]:
        """Make a database on which others are to be based, with these migrations applied.

        Returns its name, and the failure of a migration where there is one.
        """
        while True:
            before = frozenset(self.scratch.roles)
            name = self.scratch.create()
            with connect(self._target(name), self.tracker, self.stop) as opened:
                session = claim(opened)
                db.ensure_schema(session)
                self._shape = db.ensure_tables(session)
            self._bases[name] = before
            if self._extend:
                self._assume_extensions(name)
            failure = self._apply(name, prefix) if prefix else None
            if failure and self._extensions and not self._extend:
                self._extend = True
            elif failure is None or not self._assume(failure):
                self.scratch.keep_roles()
                return name, failure
            self.release(name)

    def snapshot_of(self, name: str) -> Snapshot:
        """Return the snapshot of a base as it is."""
        self._close()
        return self._read(name, by_column=False, again=False)

    def release(self, name: str) -> None:
        """Drop a base, and the roles that came with it."""
        before = self._bases.pop(name, None)
        if before is not None:
            self._close()
            self.scratch.drop(name)
            self.scratch.roles.intersection_update(before | set(self._assumed_roles()))
            self.scratch.forget_roles(self._named_roles)

    def replay(
        self, base: str, order: Sequence[Migration], *, by_column: bool = False, again: bool = False
    ) -> Ended:
        """Run an order on a copy of ``base`` and return what it came to.

        With ``by_column`` every column has a digest. With ``again`` what differs from the replay
        before, which was of the same order, is left out from now on.
        """
        self.replays += 1
        while True:
            self._close()
            name = self.scratch.create(base)
            try:
                failure = self._apply(name, order) if order else None
                if failure is None:
                    return Ended(self._read(name, by_column=by_column, again=again))
            finally:
                with suppress(ServerError):
                    self.scratch.drop(name)
                    self.scratch.forget_roles(self._named_roles)
            if not self._assume(failure):
                return Ended(failure=failure)

    def try_out(self, base: str, order: Sequence[Migration]) -> Ended:
        """Run an order in one transaction on ``base``, roll it back and return what it came to.

        One that cannot run so is replayed.
        """
        if any(self._is_slow(migration) for migration in order):
            return self.replay(base, order)
        self.replays += 1
        while True:
            scripts = [(migration, self._script(migration)) for migration in order]
            ended = try_order(self._session(base), scripts, self.reader, self._options.limits)
            failure = ended.failure
            if failure is None:
                return ended
            if failure.diagnostic.sqlstate in _OF_ONE_TRANSACTION:
                self._slow.add(failure.migration.version)
                return self.replay(base, order)
            if not self._assume(failure):
                return Ended(failure=failure)

    def text_of(self, migration: Migration) -> str:
        """Return a migration's text; of a large one nothing."""
        return "" if is_large(migration) else self._script(migration).text

    def _script(self, migration: Migration) -> Script:
        if migration.version not in self._scripts:
            self._scripts[migration.version] = read_script(migration)[1]
        return self._scripts[migration.version]

    def _is_slow(self, migration: Migration) -> bool:
        alone = migration.directives.no_transaction or is_large(migration)
        return alone or migration.version in self._slow

    def _target(self, name: str) -> Target:
        return self.scratch.at(name, self._role, self._settings)

    def _apply(self, name: str, order: Sequence[Migration]) -> Failure | None:
        steps = tuple(Step(migration) for migration in order)
        with connect(self._target(name), self.tracker, self.stop) as opened:
            session = claim(opened, self._options.limits)
            run = Run(session, self._shape, options=self._options, fresh=True)
            try:
                apply_all(run, steps)
            except MigrationFailed as error:
                return Failure(error.migration, error.diagnostic)
        return None

    def _read(self, name: str, *, by_column: bool, again: bool) -> Snapshot:
        with connect(self.scratch.at(name), self.tracker, self.stop) as opened:
            return self.reader.read(opened.conn, by_column=by_column, again=again)

    def _session(self, base: str) -> Session:
        if self._kept is None or self._kept[0] != base:
            self._close()
            stack = ExitStack()
            opened = stack.enter_context(connect(self._target(base), self.tracker, self.stop))
            self._kept = base, stack, claim(opened, self._options.limits)
        return self._kept[2]

    def _close(self) -> None:
        """Close the session that orders are tried out in: a database in use cannot be copied."""
        if self._kept is not None:
            kept, self._kept = self._kept, None
            kept[1].close()

    def _assume_extensions(self, name: str) -> None:
        """Make the extensions that the database has and no migration makes, where they are here."""
        for extension in self.scratch.extend(name, self._extensions):
            if f"extension {extension}" not in self.assumed:
                self.assumed.append(f"extension {extension}")

    def _assumed_roles(self) -> list[str]:
        return [name.removeprefix("role ") for name in self.assumed if name.startswith("role ")]

    def _assume(self, failure: Failure) -> bool:
        """Make what a migration took for granted, if it is a role or a database; say whether."""
        said = failure.diagnostic
        if not self.scratch.own:
            return False
        role = _ROLE.match(said.message) if said.sqlstate == _NO_SUCH_OBJECT else None
        database = _DATABASE.match(said.message) if said.sqlstate == _NO_SUCH_DATABASE else None
        made = role is not None and role["name"] in self._named_roles
        if role and not made and f"role {role['name']}" not in self.assumed:
            self._close()
            self.scratch.add_role(role["name"])
            self.assumed.append(f"role {role['name']}")
            return True
        if database and f"database {database['name']}" not in self.assumed:
            self.scratch.add_database(database["name"])
            self.assumed.append(f"database {database['name']}")
            return True
        return False
