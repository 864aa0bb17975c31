"""The test databases of one process: its server, its templates and its clones."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from threading import RLock
from typing import TYPE_CHECKING

from pgbraid.arguments import a_version
from pgbraid.model.errors import PgbraidError
from pgbraid.servers import Server
from pgbraid.settings import environment
from pgbraid.testing.databases import DatabaseBefore, MigratedDatabase
from pgbraid.testing.recipe import Recipe, recipe_before, recipe_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.api import Migrator
    from pgbraid.model.plan import Report
    from pgbraid.postgres.clones.clone_server import CloneServer
    from pgbraid.postgres.clones.pool import ClonePool
    from pgbraid.postgres.clones.rolled_back import RolledBack, RolledBackConnection
    from pgbraid.postgres.clones.shared_objects import SharedObjects

__all__ = ["AHEAD", "EMBEDDED", "Suite", "SuiteOptions"]

EMBEDDED = "embedded"
"""The value of the option for the embedded server."""
AHEAD = 3
"""How many databases are made ahead by default."""

_SHOWN = 3
"""How many changed objects a warning names."""


@dataclass(frozen=True, slots=True)
class SuiteOptions:
    """The options of the databases of a test process.

    ``server`` is a URL, or ``embedded``. ``run`` is the name that the processes of the run share.
    """

    server: str = field(default=EMBEDDED, repr=False)
    run: str = field(default_factory=lambda: secrets.token_hex(8))
    worker: str = "main"
    ahead: int = AHEAD
    seeds: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The number of the run, in the names of its databases."""
        return int(sha256(self.run.encode()).hexdigest()[:8], 16) & 0x7FFFFFFF

    @property
    def token(self) -> str:
        """The name of the run in the names of files."""
        return f"{self.number:x}"


class Suite:
    """Starts the server at the first use, and makes each template once.

    Its methods raise the errors of the server, and the error of a template each time that it is
    used.
    """

    def __init__(self, options: SuiteOptions) -> None:
        self.options = options
        self._stack = ExitStack()
        self._making = RLock()
        """Held while a server or a template is made: threads of a test may need it at once."""
        self._server: CloneServer | None = None
        self._notes: list[str] = []
        self._recipes: dict[int, Recipe] = {}
        self._shared: SharedObjects | None = None
        self._pools: dict[str, ClonePool] = {}
        self._failures: dict[str, PgbraidError] = {}
        self._used: dict[str, ClonePool] = {}
        self._kept: set[str] = set()
        self._connections: dict[str, tuple[RolledBack, str]] = {}
        self._fixed: str | None = None
        """The key of the database with the fixed name, while no test has used it."""

    def server(self, first: Recipe | None = None) -> CloneServer:
        """Return the server, started with the template of a recipe if it is not running."""
        with self._making:
            if self._server is None:
                with ExitStack() as stack:
                    self._server = self._opened(stack, first)
                    self._stack = stack.pop_all()
            return self._server

    def _opened(self, stack: ExitStack, first: Recipe | None) -> CloneServer:
        from pgbraid.postgres.clones.clone_server import open_clone_server  # noqa: PLC0415 - the driver

        options = self.options
        if options.server != EMBEDDED:
            opened = open_clone_server(options.server, options.number, options.worker)
            return stack.enter_context(opened)
        from pgbraid.postgres.clones.cached_data import shared_test_server  # noqa: PLC0415 - embedded

        shared = stack.enter_context(
            shared_test_server(
                options.token,
                programs=environment.server_programs(),
                cache=environment.cache_dir(),
                template=(first.key, first.fill) if first else None,
            )
        )
        if not shared.in_memory:
            self._notes.append(
                "the test databases are on disk, as /dev/shm has no gigabyte free; each takes "
                "about ten times as long"
            )
        return stack.enter_context(
            open_clone_server(
                shared.server.conninfo,
                options.number,
                options.worker,
                label=shared.server.label,
                exclusive=True,
            )
        )

    def start(self, migrator: Migrator) -> None:
        """Start the server, with the template of all migrations if these can run."""
        try:
            self.server(self._recipe(migrator))
        except PgbraidError:
            self.server()

    def migrated(self, migrator: Migrator) -> MigratedDatabase:
        """Return a fresh database with all migrations and seeds."""
        name = self._take(self._recipe(migrator))
        return MigratedDatabase(name, self._parameters(name))

    def before(self, migrator: Migrator, version: int) -> DatabaseBefore:
        """Return a fresh database with the migrations below a version."""
        recipe = recipe_before(migrator, a_version("version", version))
        self.start(migrator)
        name = self._take(recipe)
        up = partial(_up, migrator)
        return DatabaseBefore(name, self._parameters(name), version, _up=up)

    def give_back(self, database: MigratedDatabase, test: str) -> None:
        """Let a database be dropped, unless it is kept."""
        pool = self._used.pop(database.name)
        if database.name not in self._kept:
            pool.give_back(database.name, test)

    def keep(self, database: MigratedDatabase) -> None:
        """Keep a database for a person to look at: no run drops it."""
        server = self.server()
        if database.name not in self._kept:
            server.unmark(server.conn, database.name)
            self._kept.add(database.name)

    def begin(self, migrator: Migrator) -> RolledBackConnection:
        """Return a connection whose transaction :meth:`end` rolls back."""
        from pgbraid.postgres.clones.rolled_back import RolledBack  # noqa: PLC0415 - the driver

        recipe = self._recipe(migrator)
        if recipe.key not in self._connections:
            name = self._take(recipe)
            lent = RolledBack(self.server().parameters_of(name))
            self._connections[recipe.key] = (lent, name)
        return self._connections[recipe.key][0].begin()

    def end(self, migrator: Migrator, test: str) -> bool:
        """Roll back; return False if the test committed.

        Its database is replaced then, and if it is unknown whether the test committed.
        """
        from pgbraid.postgres.clones.rolled_back import Ending  # noqa: PLC0415 - the driver

        key = self._recipe(migrator).key
        lent, name = self._connections[key]
        ending = lent.end()
        if ending is Ending.CLEAN:
            return True
        del self._connections[key]
        lent.close()
        committed = ending is Ending.COMMITTED
        self._used.pop(name).give_back(name, test if committed else "")
        return not committed

    def fixed(self, migrator: Migrator) -> MigratedDatabase:
        """Return the database with the fixed name of this process, made if it is missing."""
        name = self.fixed_name
        if self._fixed is None:
            self.swap(migrator)
            self._fixed = self._recipe(migrator).key
        return MigratedDatabase(name, self._parameters(name))

    def swap(self, migrator: Migrator) -> MigratedDatabase:
        """Put a fresh database in the place of the one with the fixed name.

        The sessions of the used one are ended.
        """
        from pgbraid.postgres.clones.swap import swap_in  # noqa: PLC0415 - the driver

        recipe = self._recipe(migrator)
        name = self.fixed_name
        if self._fixed != recipe.key:
            clone = self._take(recipe)
            pool = self._used.pop(clone)
            used = swap_in(self.server(), name, clone)
            if used is not None:
                pool.give_back(used, "")
        self._fixed = ""
        return MigratedDatabase(name, self._parameters(name))

    @property
    def fixed_name(self) -> str:
        """The name of the one database that applications know from their import on."""
        return self.server().numbered(0)

    @property
    def is_embedded(self) -> bool:
        """Whether the server ends with the run."""
        return self.options.server == EMBEDDED

    def public_server(self) -> Server:
        """Return the server as a value for tests."""
        from pgbraid.postgres.client.urls import url_of  # noqa: PLC0415 - the driver

        server = self.server()
        parameters = self._parameters(None)
        return Server(url_of(parameters), server.label, self._create)

    def _create(self, name: str | None) -> str:
        from pgbraid.postgres.client.urls import url_of  # noqa: PLC0415 - the driver

        server = self.server()
        name = name or server.new_name()
        server.create_empty(name)
        return url_of(self._parameters(name))

    def templates(self) -> list[str]:
        """Return the names of the templates in use."""
        return [pool.template for pool in self._pools.values()]

    def settle(self) -> None:
        """Wait until the helpers have dropped the used databases; no more clones are made."""
        for pool in self._pools.values():
            pool.settle()

    def warnings(self) -> Iterator[tuple[str, str]]:
        """Yield the text of each warning once, after the test that it is about, if any."""
        while self._notes:
            yield "", self._notes.pop()
        for pool in self._pools.values():
            while pool.leaks:
                test, left = pool.leaks.popleft()
                count = f"{left} connection{'' if left == 1 else 's'}"
                yield test, f"{test} left {count} to its database open; close them at its end"
        while self._shared is not None and self._shared.changes:
            test, names = self._shared.changes.popleft()
            shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
            text = (
                f"{test}, or a test beside it, changed what all databases of the server share, so "
                f"later tests see it: {shown}"
            )
            yield test, text

    def close(self) -> None:
        """Drop the databases, except those kept, and stop the server."""
        for lent, _ in self._connections.values():
            lent.close()
        self.settle()
        self._pools.clear()
        self._server = None
        self._stack.close()

    def _recipe(self, migrator: Migrator) -> Recipe:
        """Return how a database with all migrations is made, computed once."""
        known = self._recipes.get(id(migrator))
        if known is None:
            # The migrator is kept, so that no other one gets its id.
            known = self._recipes[id(migrator)] = recipe_of(migrator, self.options.seeds)
        return known

    def _take(self, recipe: Recipe) -> str:
        with self._making:
            pool = self._pool(recipe)
        name = pool.take()
        self._used[name] = pool
        return name

    def _pool(self, recipe: Recipe) -> ClonePool:
        """Return the clones of a recipe. A failure is raised again, as it was, each time."""
        from pgbraid.postgres.clones.cached_data import key_for  # noqa: PLC0415 - the driver
        from pgbraid.postgres.clones.pool import ClonePool  # noqa: PLC0415
        from pgbraid.postgres.clones.shared_objects import SharedObjects  # noqa: PLC0415
        from pgbraid.postgres.clones.template import ensure_template  # noqa: PLC0415

        key = recipe.key
        if key in self._failures:
            raise self._failures[key].with_traceback(None)
        if key not in self._pools:
            try:
                server = self.server(recipe)
                template = ensure_template(
                    server, key_for(key, server.version), partial(recipe.fill, server)
                )
            except PgbraidError as error:
                self._failures[key] = error
                raise
            if self._shared is None:
                self._shared = SharedObjects()
            self._shared.remember(server)  # again, as the template may have made roles
            self._pools[key] = ClonePool(server, template, self.options.ahead, self._shared)
        return self._pools[key]

    def _parameters(self, name: str | None) -> dict[str, object]:
        from pgbraid.postgres.client.urls import plain_parameters  # noqa: PLC0415 - the driver

        server = self.server()
        parameters = plain_parameters(server.url, embedded=server.exclusive)
        return parameters if name is None else {**parameters, "dbname": name}


def _up(migrator: Migrator, dsn: str, version: int) -> Report:
    return migrator.up(dsn, to=version)
