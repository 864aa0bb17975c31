"""For the conftest.py of applications: ``worker_url()``, and the types of the fixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgbraid.servers import Server
    from pgbraid.testing.databases import DatabaseBefore, MigratedDatabase

__all__ = ["DatabaseBefore", "MigratedDatabase", "Server", "worker_url"]

_HOMES = {
    "DatabaseBefore": "pgbraid.testing.databases",
    "MigratedDatabase": "pgbraid.testing.databases",
    "Server": "pgbraid.servers",
}


def worker_url(driver: str | None = None) -> str:
    """Return the URL of a migrated database that stays the same for all tests of this process.

    For applications that read their URL once, at import: call it in the first lines of
    conftest.py. The fixture ``pgbraid_swap`` puts a fresh database in its place for each test.
    ``driver`` is SQLAlchemy's, such as ``asyncpg``. Raises the errors of a server that cannot be
    started, and of migrations that fail.
    """
    from pgbraid.testing.setup import PROCESS, find_migrations  # noqa: PLC0415 - at the first use

    if PROCESS.controls_workers:
        # The workers run the tests; this process only imports conftest.py.
        return f"postgresql{f'+{driver}' if driver else ''}:///pgbraid_test_controller"
    migrator = find_migrations(PROCESS.root, PROCESS.dir)
    return PROCESS.suite().fixed(migrator).url(driver)


def __getattr__(name: str) -> object:
    """Import a public type at its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - see above

    return getattr(import_module(_HOMES[name]), name)
