"""Reads the environment: connection strings, folders, the terminal. No other module does."""

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
    "git_environment",
    "scratch_url",
    "server_programs",
    "sudo_uid",
    "terminal_can_redraw",
    "without_libpq_variables",
]

_PG_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE")
_GITS = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})


def direct_url(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the connection string past a pooler that the environment names, or None."""
    return (os.environ if environ is None else environ).get("PGBRAID_DIRECT_URL") or None


def database_url(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the connection string that the environment names, or None if it names none.

    PGBRAID_DATABASE_URL goes before DATABASE_URL; an empty string stands for libpq's own PG*
    variables, if any of them is set.
    """
    env = os.environ if environ is None else environ
    for name in ("PGBRAID_DATABASE_URL", "DATABASE_URL"):
        if env.get(name):
            return env[name]
    return "" if any(env.get(name) for name in _PG_VARIABLES) else None


def scratch_url(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the connection string of a server for scratch databases, if one is named."""
    return (os.environ if environ is None else environ).get("PGBRAID_SCRATCH_URL") or None


def git_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for git: without the variables by which a hook names a repository."""
    env = os.environ if environ is None else environ
    return {name: value for name, value in env.items() if name not in _GITS}


def server_programs(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the folder of server programs that PGBRAID_PG_BIN names, if it is set."""
    return (os.environ if environ is None else environ).get("PGBRAID_PG_BIN") or None


def cache_dir(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the folder for what can be made again, by the XDG base directory specification.

    None where there is no home to put it in.
    """
    env = os.environ if environ is None else environ
    if env.get("XDG_CACHE_HOME"):
        return Path(env["XDG_CACHE_HOME"]) / "pgbraid"
    try:
        return Path.home() / ".cache" / "pgbraid"
    except RuntimeError:
        return None


def terminal_can_redraw() -> bool:
    """Whether TERM names a terminal that can take a line back, so that a bar may be drawn."""
    return os.environ.get("TERM", "") not in {"", "dumb"}


def sudo_uid(environ: Mapping[str, str] | None = None) -> int | None:
    """Return the user for whom sudo runs this process, if it says so."""
    found = (os.environ if environ is None else environ).get("SUDO_UID", "")
    return int(found) if found.isdecimal() else None


@contextmanager
def without_libpq_variables() -> Iterator[None]:
    """Take libpq's PG* variables out of the environment for a block.

    They would lead a connection to a server of our own to another one.
    """
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PG")}
    ours = {name: value for name, value in kept.items() if name.startswith("PGBRAID_")}
    os.environ.update(ours)
    try:
        yield
    finally:
        os.environ.update(kept)
