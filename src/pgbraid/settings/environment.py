"""Reads the environment variables; no other module does."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "cache_dir",
    "database_url",
    "direct_url",
    "environment_with",
    "git_environment",
    "scratch_url",
    "server_for_tests",
    "server_programs",
    "sudo_uid",
    "terminal_can_redraw",
    "without_libpq_variables",
    "xdist_worker",
]

_PG_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE")
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
    """Return the folder of server programs from PGBRAID_PG_BIN, or None."""
    return (os.environ if environ is None else environ).get("PGBRAID_PG_BIN") or None


def cache_dir(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the cache folder by the XDG base directory specification, or None without a home."""
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


@contextmanager
def without_libpq_variables() -> Iterator[None]:
    """Remove libpq's PG* variables from the environment within a ``with`` block.

    They would redirect a connection to a server that pgbraid started.
    """
    saved = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PG")}
    pgbraid = {name: value for name, value in saved.items() if name.startswith("PGBRAID_")}
    os.environ.update(pgbraid)
    try:
        yield
    finally:
        os.environ.update(saved)
