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
from pgbraid.errors import ConfigError, MigrationFailed, ServerError
from pgbraid.series import apply_all
from pgbraid.survey import RunOptions
from pgbraid.texts import is_large, read_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.core.model import Migration
    from pgbraid.core.script import Script
    from pgbraid.core.snapshot import Snapshot
    from pgbraid.db.cluster import Cluster
    from pgbraid.db.conninfo import Target
    from pgbraid.db.order import Order
    from pgbraid.db.scratch import Scratch
    from pgbraid.db.session import Session
    from pgbraid.stop import StopToken

__all__ = ["Replayer"]

_NO_SUCH_OBJECT, _NO_SUCH_DATABASE = "42704", "3D000"
_COMMENT = re.compile(r"--[^\r\n]*")
_OF_THE_SERVER = re.compile(
    r"\b(?:CREATE|ALTER|DROP)\s+(?:ROLE|USER(?!\s+MAPPING)|GROUP|DATABASE|TABLESPACE|SYSTEM)\b"
    r"|\b(?:DROP|REASSIGN)\s+OWNED\b|\bGRANT\s+(?:(?!\bON\b)[^;])*?\bTO\b"
    r"|\bREVOKE\s+(?:(?!\bON\b)[^;])*?\bFROM\b|\bON\s+(?:DATABASE|TABLESPACE|PARAMETER)\b",
    re.IGNORECASE,
)
"""Statements about what every database of a server shares, memberships among them."""
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
        self._bases: dict[str, tuple[Cluster | None]] = {}
        """With each base, what the cluster had before it."""
        self._kept: tuple[str, ExitStack, Session] | None = None
        self._slow: set[int] = set()
        self._scripts: dict[int, Script] = {}
        self._made: list[tuple[str, str]] = []
        self._named_roles: set[str] = set()
        """The roles that the texts make by name."""

    def expect(self, migrations: Sequence[Migration]) -> None:
        """Take note of the roles and extensions that these make: they are not taken for granted.

        Raises ConfigError where one changes what belongs to the whole server, and that is not ours.
        """
        for migration in migrations:
            text = self.text_of(migration)
            if not self.scratch.own and _OF_THE_SERVER.search(_COMMENT.sub("", text)):
                raise ConfigError(
                    f"{migration.label} changes roles or databases of the whole server, and "
                    f"{self.scratch.label} is not pgbraid's own",
                    hint="Leave --scratch (and PGBRAID_SCRATCH_URL) out: on the embedded server "
                    "what a replay changes is put back.",
                )
            found = _MAKES_ROLE.findall(text)
            self._named_roles.update(quoted or plain.lower() for quoted, plain in found)
            made = {quoted or plain.lower() for quoted, plain in _MAKES_EXTENSION.findall(text)}
            self._extensions = tuple(e for e in self._extensions if e[0] not in made)

    def base(self, prefix: Sequence[Migration]) -> tuple[str, Failure | None]:
        """Make a database on which others are to be based, with these migrations applied.

        Returns its name, and the failure of a migration where there is one.
        """
        while True:
            before = self.scratch.look()
            name = self.scratch.create()
            with connect(self._target(name), self.tracker, self.stop) as opened:
                session = claim(opened)
                db.ensure_schema(session)
                self._shape = db.ensure_tables(session)
            self._bases[name] = (before,)
            if self._extend:
                self._assume_extensions(name)
            failure = self._apply(name, prefix) if prefix else None
            lacking = self._lacking(failure)
            extends = failure is not None and bool(self._extensions) and not self._extend
            if not extends and lacking is None:
                return name, failure
            self.release(name)
            if extends:
                self._extend = True
            elif lacking:
                self._assume(lacking)

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
            self.scratch.put_back(before[0])
            for kind, made in self._made:
                self._make(kind, made)

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
            cluster = self.scratch.look()
            name = self.scratch.create(base)
            try:
                failure = self._apply(name, order) if order else None
                read = None if failure else self._read(name, by_column=by_column, again=again)
            finally:
                with suppress(ServerError):
                    self.scratch.drop(name)
            self.scratch.put_back(cluster)
            lacking = self._lacking(failure)
            if lacking is None:
                return Ended(read, failure)
            self._assume(lacking)

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
            lacking = self._lacking(failure)
            if lacking is None:
                return ended
            self._close()
            self._assume(lacking)

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

    def _lacking(self, failure: Failure | None) -> tuple[str, str] | None:
        """Return what a migration took for granted, if it is a role or a database."""
        if failure is None or not self.scratch.own:
            return None
        said = failure.diagnostic
        for kind, code, pattern in (
            ("role", _NO_SUCH_OBJECT, _ROLE),
            ("database", _NO_SUCH_DATABASE, _DATABASE),
        ):
            found = pattern.match(said.message) if said.sqlstate == code else None
            if found and found["name"] not in self._named_roles | {n for _, n in self._made}:
                return kind, found["name"]
        return None

    def _assume(self, lacking: tuple[str, str]) -> None:
        """Make what migrations take for granted, for this and for every later replay."""
        self._made.append(lacking)
        self._make(*lacking)
        self.assumed.append(" ".join(lacking))

    def _make(self, kind: str, name: str) -> None:
        (self.scratch.add_role if kind == "role" else self.scratch.add_database)(name)
