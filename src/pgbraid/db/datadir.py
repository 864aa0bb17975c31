"""Data directories: the template that initdb makes once, its copies, and where they may stand."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.errors import EmbeddedError

if TYPE_CHECKING:
    from pgbraid.db.programs import Programs
    from pgbraid.db.server_user import ServerUser

__all__ = [
    "PREFIX",
    "copy_data",
    "data_template",
    "read_text",
    "roomy_folder",
    "socket_folder",
]

PREFIX = "pgbraid-server-"
"""What the names of our temporary folders begin with."""
_MEMORY = Path("/dev/shm")  # noqa: S108 - folders made there are private, by mkdtemp
_ROOM = 1 << 30
_LONGEST_SOCKET_FOLDER = 80


def data_template(programs: Programs, user: ServerUser, cache: Path) -> Path:
    """Return the data directory that initdb makes, made once for each server version."""
    mark = sha256(str(programs.folder).encode()).hexdigest()[:12]
    template = cache / f"template-{programs.version}-{mark}"
    if (template / "PG_VERSION").is_file():
        return template
    made = Path(tempfile.mkdtemp(prefix=PREFIX, dir=roomy_folder(user)))
    try:
        user.own(made)
        _initdb(programs, user, made / "data")
        cache.mkdir(parents=True, exist_ok=True)
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
    """Copy a data directory with its owner and permissions."""
    subprocess.run(["cp", "-Rp", str(source), str(target)], check=True)  # noqa: S603, S607


def roomy_folder(user: ServerUser) -> Path:
    """Return where throw-away data go: memory if it has room, else the temporary folder."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
        return _MEMORY
    return _temporary(user)


def _temporary(user: ServerUser) -> Path:
    folder = Path(tempfile.gettempdir())
    return folder if user.can_reach(folder / "x") else Path("/tmp")  # noqa: S108 - by mkdtemp


def socket_folder(user: ServerUser) -> Path:
    """Return a new folder for a socket, whose path may not be long."""
    parent = _temporary(user)
    if len(str(parent)) > _LONGEST_SOCKET_FOLDER:
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
