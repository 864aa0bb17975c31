"""Data directories: the template that initdb makes once, its copies, and where they may stand."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.db.programs import Programs
    from pgbraid.db.server_user import ServerUser

__all__ = [
    "PREFIX",
    "copy_data",
    "data_template",
    "fits_socket",
    "read_text",
    "roomy_folder",
    "socket_folder",
    "throw_away_folders",
]

PREFIX = "pgbraid-server-"
"""What the names of our temporary folders begin with."""
_MEMORY = Path("/dev/shm")  # noqa: S108 - folders made there are private, by mkdtemp
_ROOM = 1 << 30
_LONGEST_SOCKET = 100
"""Bytes of a socket's path; the system's limit is 108, on some 104."""
_SOCKET = ".s.PGSQL.5432"


def data_template(programs: Programs, user: ServerUser, cache: Path | None) -> Path:
    """Return the data directory that initdb makes, made once for each server version."""
    cache = _usable(cache)
    mark = sha256(str(programs.folder).encode()).hexdigest()[:12]
    owner = user.ids[0] if user.ids else os.geteuid()
    template = cache / f"template-{programs.version}-{mark}-{owner}"
    if (template / "PG_VERSION").is_file():
        return template
    made = Path(tempfile.mkdtemp(prefix=PREFIX, dir=roomy_folder(user)))
    try:
        user.own(made)
        _initdb(programs, user, made / "data")
        partial = Path(tempfile.mkdtemp(dir=cache)) / "data"
        copy_data(made / "data", partial)
        try:
            partial.rename(template)
        except OSError:  # another process was quicker
            if not (template / "PG_VERSION").is_file():
                raise
        shutil.rmtree(partial.parent, ignore_errors=True)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return template


def _usable(cache: Path | None) -> Path:
    """Return the cache's folder, or one of our own among the temporary files."""
    with suppress(OSError):
        if cache is not None:
            cache.mkdir(parents=True, exist_ok=True)
            if os.access(cache, os.R_OK | os.W_OK | os.X_OK):
                return cache
    folder = Path(tempfile.gettempdir()) / f"pgbraid-cache-{os.geteuid()}"
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        info = folder.lstat()
        if stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid():
            return folder
    raise EmbeddedError(
        f"neither {cache} nor {folder} can be written",
        hint="Set XDG_CACHE_HOME to a folder of yours; `pgbraid demo` tries it.",
    )


def _initdb(programs: Programs, user: ServerUser, data: Path) -> None:
    """Run initdb with a locale that knows Unicode, or without one where there is none."""
    command = [programs.path("initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"]
    for locale in ("--locale=C.UTF-8", "--no-locale"):
        answer = subprocess.run(  # noqa: S603 - a server program found by us
            [*command, "--encoding=UTF8", "--no-sync", locale],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **user.popen(),
        )
        if answer.returncode == 0:
            return
        shutil.rmtree(data, ignore_errors=True)
    raise EmbeddedError("initdb failed", detail=answer.stderr.strip() or None)


def copy_data(source: Path, target: Path) -> None:
    """Copy a data directory with its owner and permissions; raises EmbeddedError."""
    answer = subprocess.run(  # noqa: S603
        ["cp", "-Rp", str(source), str(target)],  # noqa: S607 - every system has one
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise EmbeddedError(f"cannot copy a data directory: {answer.stderr.strip()}")


def roomy_folder(user: ServerUser) -> Path:
    """Return where throw-away data go: memory if it has room, else the temporary folder."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
        return _MEMORY
    return _temporary(user)


def throw_away_folders(user: ServerUser) -> Iterator[Path]:
    """Yield the folders of throw-away servers that are ours, wherever they may stand."""
    owners = {os.geteuid(), user.ids[0] if user.ids else os.geteuid()}
    for parent in {_MEMORY, _temporary(user)}:
        for folder in parent.glob(f"{PREFIX}*"):
            with suppress(OSError):
                info = folder.lstat()
                if stat.S_ISDIR(info.st_mode) and info.st_uid in owners:
                    yield folder


def _temporary(user: ServerUser) -> Path:
    folder = Path(tempfile.gettempdir())
    return folder if user.can_reach(folder / "x") else Path("/tmp")  # noqa: S108 - by mkdtemp


def fits_socket(folder: Path) -> bool:
    """Whether a socket in this folder has a path that the system takes."""
    return len(os.fsencode(folder / _SOCKET)) <= _LONGEST_SOCKET


def socket_folder(user: ServerUser) -> Path:
    """Return a new folder for a socket, whose path may not be long."""
    parent = _temporary(user)
    if not fits_socket(parent / "pgbraid-12345678"):
        parent = Path("/tmp")  # noqa: S108 - the folder in it is private, by mkdtemp
    folder = Path(tempfile.mkdtemp(prefix="pgbraid-", dir=parent))
    user.own(folder)
    return folder


def read_text(path: Path) -> str:
    """Return a file's text; one that is not there is empty."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
