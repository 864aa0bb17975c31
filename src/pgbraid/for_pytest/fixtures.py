"""The fixtures and options for test databases.

Every run of pytest loads this module. The server starts when a test first uses a fixture.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from pgbraid.for_pytest.used_databases import USED
from pgbraid.settings.environment import xdist_worker
from pgbraid.testing.setup import PROCESS, as_migrator, find_migrations

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from pgbraid.api import Migrator
    from pgbraid.testing import DatabaseBefore, MigratedDatabase, Server

__all__ = [
    "pgbraid_before",
    "pgbraid_conn",
    "pgbraid_db",
    "pgbraid_dsn",
    "pgbraid_migrations",
    "pgbraid_server",
    "pgbraid_swap",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_load_initial_conftests",
    "pytest_sessionfinish",
    "pytest_unconfigure",
]


_LOADED = pytest.StashKey[dict[int, tuple[object, Any]]]()
"""The loaded migrations of each value of ``pgbraid_migrations``."""
_BEGUN = pytest.StashKey[bool]()
"""Whether the options of this run have been noted."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the test databases."""
    group = parser.getgroup("pgbraid")
    group.addoption(
        "--pgbraid-server",
        metavar="URL",
        default=None,
        help="the server for test databases: a URL, or `embedded` (by PGBRAID_TEST_DSN)",
    )
    group.addoption(
        "--pgbraid-keep",
        action="store_true",
        help="keep the databases of failed tests, and show their URLs",
    )
    group.addoption(
        "--pgbraid-keep-for",
        metavar="SECONDS",
        type=float,
        default=None,
        help="how long the embedded server stays up for them (until Enter is pressed)",
    )
    group.addoption(
        "--pgbraid-undo",
        action="store_true",
        help="check that each down file reverts its migration",
    )
    parser.addini("pgbraid_dir", "the folder of migrations (by pgbraid's settings)")
    parser.addini("pgbraid_ahead", "how many databases are made ahead (3)")
    parser.addini("pgbraid_seeds", "files of SQL that run after the migrations", type="paths")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Note the options before the first conftest.py, which may call ``worker_url()``.

    A wrapper runs before the hook of pytest-django, which imports the settings of the project.
    """
    _note(early_config, early_config.known_args_namespace)
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Note the options, and load the modules that they need."""
    _note(config, config.option)
    if config.option.pgbraid_keep:
        from pgbraid.for_pytest.keep import Keeper  # noqa: PLC0415 - only with the option

        config.pluginmanager.register(Keeper(config), "pgbraid-keep")


def _note(config: pytest.Config, options: Any) -> None:  # noqa: ANN401 - a namespace
    if not config.stash.get(_BEGUN, False):
        config.stash[_BEGUN] = True
        config.add_cleanup(PROCESS.begin())
    PROCESS.root = config.rootpath
    folder = config.getini("pgbraid_dir")
    PROCESS.dir = getattr(options, "pgbraid_dir", None) or (
        str(config.rootpath / folder) if folder else None
    )
    PROCESS.server = getattr(options, "pgbraid_server", None)
    PROCESS.ahead = config.getini("pgbraid_ahead") or ""
    PROCESS.seeds = tuple(str(path) for path in config.getini("pgbraid_seeds"))
    workers = getattr(options, "numprocesses", None) or getattr(options, "tx", None)
    PROCESS.controls_workers = bool(workers) and xdist_worker() is None


def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the check of the down files, if the option is given."""
    if config.option.pgbraid_undo:
        from pgbraid.for_pytest.undo import UndoCheck  # noqa: PLC0415 - only with the option

        items.append(UndoCheck.from_parent(session, name="pgbraid::undo"))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Drop the used databases, and warn of the connections that they left open."""
    if PROCESS.suite_in_use is not None:
        PROCESS.suite_in_use.settle()
        _warn(session.config)


def pytest_unconfigure() -> None:
    """Stop the server."""
    PROCESS.close()


@pytest.fixture(scope="session")
def pgbraid_migrations(pytestconfig: pytest.Config) -> object:
    """Give the migrations that the settings name.

    A project may override it with a folder, a mapping of names to texts, or a ``pgbraid.Migrator``.
    """
    with _errors():
        return find_migrations(pytestconfig.rootpath, PROCESS.dir)


@pytest.fixture(scope="session")
def pgbraid_server(pytestconfig: pytest.Config) -> Server:
    """Give the server of the test databases: its ``url``, and ``create_database()``."""
    from pgbraid.model.errors import ConfigError  # noqa: PLC0415 - at the first use

    with _errors():
        with suppress(ConfigError):  # the server needs no migrations
            PROCESS.suite().start(find_migrations(pytestconfig.rootpath, PROCESS.dir))
        return PROCESS.suite().public_server()


@pytest.fixture
def pgbraid_db(
    request: pytest.FixtureRequest, pgbraid_migrations: object
) -> Iterator[MigratedDatabase]:
    """Give a fresh migrated database, for this test alone."""
    with _errors():
        suite = PROCESS.suite()
        database = suite.migrated(_migrator(request, pgbraid_migrations))
    yield from _lent(request, database)


@pytest.fixture
def pgbraid_dsn(pgbraid_db: MigratedDatabase) -> str:
    """Give the URL of a fresh migrated database, for this test alone."""
    return pgbraid_db.dsn


@pytest.fixture
def pgbraid_before(
    request: pytest.FixtureRequest,
    pgbraid_migrations: object,
) -> Iterator[Callable[[int], DatabaseBefore]]:
    """Give a function: ``pgbraid_before(103)`` is a database with the migrations below 103."""
    lent: list[Iterator[MigratedDatabase]] = []

    def before(version: int) -> DatabaseBefore:
        with _errors():
            migrator = _migrator(request, pgbraid_migrations)
            database = PROCESS.suite().before(migrator, version)
        each = _lent(request, database)
        next(each)
        lent.append(each)
        return database

    yield before
    for each in lent:
        next(each, None)


@pytest.fixture
def pgbraid_conn(request: pytest.FixtureRequest, pgbraid_migrations: object) -> Iterator[Any]:
    """Give a psycopg connection in a transaction that is rolled back at the end of the test."""
    with _errors():
        suite, migrator = PROCESS.suite(), _migrator(request, pgbraid_migrations)
        connection = suite.begin(migrator)
    yield connection
    with _errors():
        clean = suite.end(migrator, request.node.nodeid)
    if not clean:
        pytest.fail(
            "ERROR:  this test committed on pgbraid_conn\n"
            "HINT:  Use the fixture `pgbraid_db`, whose database is the test's own.",
            pytrace=False,
        )


@pytest.fixture
def pgbraid_swap(request: pytest.FixtureRequest, pgbraid_migrations: object) -> MigratedDatabase:
    """Put a fresh database in the place of the one that ``worker_url()`` names."""
    with _errors():
        return PROCESS.suite().swap(_migrator(request, pgbraid_migrations))


def _lent(request: pytest.FixtureRequest, database: Any) -> Iterator[Any]:  # noqa: ANN401
    """Lend a database to a test; it is dropped later, so that no test waits for that."""
    request.node.stash.setdefault(USED, []).append(database)
    yield database
    PROCESS.suite().give_back(database, request.node.nodeid)
    _warn(request.config)


def _migrator(request: pytest.FixtureRequest, value: object) -> Migrator:
    loaded = request.config.stash.setdefault(_LOADED, {})
    if id(value) not in loaded:
        # The value is kept, so that no other one gets its id.
        loaded[id(value)] = (value, as_migrator(value, request.config.rootpath))
    migrator: Migrator = loaded[id(value)][1]
    return migrator


def _warn(config: pytest.Config) -> None:
    """Record a warning for each test that left something behind, under the test's name."""
    suite = PROCESS.suite_in_use
    for test, text in suite.warnings() if suite else ():
        warning = pytest.PytestWarning(f"pgbraid: {text}")
        message = warnings.WarningMessage(warning, pytest.PytestWarning, test, 0)
        config.hook.pytest_warning_recorded.call_historic(
            kwargs={
                "warning_message": message,
                "when": "runtest",
                "nodeid": test,
                "location": None,
            }
        )


@contextmanager
def _errors() -> Iterator[None]:
    """Show an error of pgbraid as the command line does, without a traceback."""
    from pgbraid.model.errors import PgbraidError  # noqa: PLC0415 - at the first use

    try:
        yield
    except PgbraidError as error:
        from pgbraid.for_pytest.report import report_of  # noqa: PLC0415 - only after a failure

        raise pytest.fail.Exception(report_of(error), pytrace=False) from None
