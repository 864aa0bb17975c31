"""Reads the environment variables; no other module does."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = [
    "cache_dir",
    "database_url",
    "direct_url",
    "driver_library",
    "environment_with",
    "git_environment",
    "named_database",
    "scratch_url",
    "server_for_tests",
    "server_programs",
    "sudo_uid",
    "terminal_can_redraw",
    "with_missing_variables",
    "without_libpq_variables",
    "xdist_worker",
]

_PG_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE")
_DATABASE_URLS = frozenset({"PGBRAID_DIRECT_URL", "PGBRAID_DATABASE_URL", "DATABASE_URL"})
_GITS = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})


def direct_url(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the connection string that bypasses the pooler (PGBRAID_DIRECT_URL), or None."""
    return (os.environ if environ is None else environ).get("PGBRAID_DIRECT_URL") or None


def database_url(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the connection string of the database from the environment, or None.

    PGBRAID_DATABASE_URL takes precedence over DATABASE_URL. If only libpq's PG* variables are set,
    return an empty string, which leaves the connection to them.
    """
    env = os.environ if environ is None else environ
    for name in ("PGBRAID_DATABASE_URL", "DATABASE_URL"):
        if env.get(name):
            return env[name]
    return "" if any(env.get(name) for name in _PG_VARIABLES) else None


def driver_library(environ: Mapping[str, str] | None = None) -> str | None:
    """Return which interface to libpq the driver is to use (PSYCOPG_IMPL), or None."""
    return (os.environ if environ is None else environ).get("PSYCOPG_IMPL") or None


def scratch_url(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the connection string of the server for scratch databases, or None."""
    return (os.environ if environ is None else environ).get("PGBRAID_SCRATCH_URL") or None


def server_for_tests(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the connection string of the server for test databases, or None."""
    return (os.environ if environ is None else environ).get("PGBRAID_TEST_DSN") or None


def xdist_worker(environ: Mapping[str, str] | None = None) -> tuple[str, str] | None:
    """Return the names of the run and of the worker that pytest-xdist gives, or None."""
    env = os.environ if environ is None else environ
    run, worker = env.get("PYTEST_XDIST_TESTRUNUID"), env.get("PYTEST_XDIST_WORKER")
    return (run, worker) if run and worker else None


def git_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for git, without the variables that git sets for its hooks."""
    # In a hook, GIT_DIR and the like would point git at the hook's repository, not the folder's.
    env = os.environ if environ is None else environ
    return {name: value for name, value in env.items() if name not in _GITS}


def environment_with(**variables: str) -> dict[str, str]:
    """Return the environment with more variables, for a program that pgbraid calls."""
    return {**os.environ, **variables}


def server_programs(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the absolute path of the folder of server programs (PGBRAID_PG_BIN), or None."""
    named = (os.environ if environ is None else environ).get("PGBRAID_PG_BIN")
    return os.path.abspath(named) if named else None  # noqa: PTH100 - pathlib is imported late


def cache_dir(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the cache folder by the XDG base directory specification, or None without a home."""
    from pathlib import Path  # noqa: PLC0415 - a run with nothing to do imports this module

    env = os.environ if environ is None else environ
    if env.get("XDG_CACHE_HOME"):
        return Path(env["XDG_CACHE_HOME"]) / "pgbraid"
    try:
        return Path.home() / ".cache" / "pgbraid"
    except RuntimeError:
        return None


def terminal_can_redraw() -> bool:
    """Whether the terminal (TERM) can redraw a line, as a progress bar needs."""
    return os.environ.get("TERM", "") not in {"", "dumb"}


def sudo_uid(environ: Mapping[str, str] | None = None) -> int | None:
    """Return the id of the user who called sudo (SUDO_UID), or None."""
    uid = (os.environ if environ is None else environ).get("SUDO_UID", "")
    return int(uid) if uid.isdecimal() else None


class _Changed:
    """The environment without some variables, and with others, within a ``with`` block.

    The block gets the names of the others.
    """

    # Not made with contextlib: a run with nothing to do imports this module.
    def __init__(self, removed: Iterable[str], given: Mapping[str, str]) -> None:
        self._names = frozenset((*removed, *given))
        self._given = given
        self._saved: dict[str, str] = {}

    def __enter__(self) -> list[str]:
        self._saved = {name: os.environ.pop(name) for name in self._names if name in os.environ}
        os.environ.update(self._given)
        return list(self._given)

    def __exit__(self, *_: object) -> None:
        for name in self._given:
            os.environ.pop(name, None)
        os.environ.update(self._saved)


def named_database(url: str, *, direct: bool) -> _Changed:
    """Name the database in the environment within a ``with`` block, as a user does.

    Without ``direct``, a URL that bypasses the pooler of another database is removed for as long.
    """
    return _Changed([] if direct else ["PGBRAID_DIRECT_URL"], {"PGBRAID_DATABASE_URL": url})


def with_missing_variables(values: Mapping[str, str]) -> _Changed:
    """Add variables to the environment within a ``with`` block.

    A variable of the environment wins. If one names the database by a URL, none of the URLs in
    ``values`` is added: the file's PGBRAID_DATABASE_URL must not win over the environment's
    DATABASE_URL. The block gets the names of those that were added.
    """
    known = {name for name, value in os.environ.items() if value}
    if known & _DATABASE_URLS:
        known |= _DATABASE_URLS
    return _Changed([], {name: value for name, value in values.items() if name not in known})


def without_libpq_variables() -> _Changed:
    """Remove libpq's PG* variables from the environment within a ``with`` block.

    They would redirect a connection to a server that pgbraid started.
    """
    names = [name for name in os.environ if name.startswith("PG")]
    return _Changed([name for name in names if not name.startswith("PGBRAID_")], {})
