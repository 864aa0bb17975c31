"""Data directories: the template that initdb makes once, its copies, and where they may stand."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.model.errors import EmbeddedError
from pgbraid.postgres.server.os_user import SHARED_CACHE
from pgbraid.postgres.server.private_folders import PREFIX, private_folder, sweep
from pgbraid.postgres.server.process import SOCKET
from pgbraid.postgres.server.safe_files import is_ours_alone, is_safe_place, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.postgres.server.binaries import ServerBinaries
    from pgbraid.postgres.server.os_user import ServerUser
    from pgbraid.postgres.server.private_folders import PrivateFolder
    from pgbraid.postgres.server.safe_files import OpenFolder

__all__ = ["fits_socket", "fresh_data", "private_places", "short_folder", "temporary_data_parent"]

_MEMORY = Path("/dev/shm")  # noqa: S108 - folders made there are private, by mkdtemp
_TEMPORARY = Path("/tmp")  # noqa: S108 - so are those
_ROOM = 1 << 30
_LONGEST_SOCKET = 100
"""Bytes of a socket's path; the system's limit is 108, on some 104."""
_SHOWN = 3
"""How many of the files that could not be copied are named."""
_SETTINGS = (
    "# By pgbraid: however this server is started, only its own user reaches it.",
    "listen_addresses = ''",
    "unix_socket_permissions = 0700",
    "unix_socket_directories = '.'",
)


def fresh_data(
    programs: ServerBinaries, user: ServerUser, cache: Path | None, place: OpenFolder
) -> None:
    """Make a data directory ``data`` in a folder that only we can change.

    It is a copy of a template, made once for each server version. Raises EmbeddedError.
    """
    with _template(programs, user, cache) as template:
        _copy(template, place, "data")
    user.chown_all("data", dir_fd=place.fd)


@contextmanager
def _template(programs: ServerBinaries, user: ServerUser, cache: Path | None) -> Iterator[Path]:
    """Yield a data directory that only we and root can change.

    It is kept in the cache. Where there is no cache that is ours alone, it is made for this once.
    """
    mark = sha256(str(programs.folder).encode()).hexdigest()[:12]
    name = f"template-{programs.version}-{mark}"
    kept = _cache(cache)
    for folder in (kept, SHARED_CACHE):
        if folder is not None and _is_template(folder / name):
            yield folder / name
            return
    with private_folder(temporary_data_parent(user), user) as base:
        _initdb(programs, user, base.make("data"))
        if kept is not None and not os.path.lexists(kept / name):
            sweep([kept], user)
            yield _keep(base, kept / name)
            return
        _take_over(base, base.folder, "template")
        yield base.path / "template"


def _is_template(folder: Path) -> bool:
    return is_ours_alone(folder) and (folder / "PG_VERSION").is_file()


def _keep(base: PrivateFolder, template: Path) -> Path:
    """Put what initdb made into the cache, whole or not at all."""
    with private_folder(template.parent, base.user) as partial:
        _take_over(base, partial.folder, "template")
        try:
            os.rename(
                "template",
                template.name,
                src_dir_fd=partial.folder.fd,
                dst_dir_fd=partial.parent.fd,
            )
        except OSError:
            if not _is_template(template):  # else another process was quicker
                raise
    return template


def _take_over(base: PrivateFolder, place: OpenFolder, name: str) -> None:
    """Copy the data directory of a private folder so that the copy is ours.

    Where it belongs to another user, no link is followed and plain files alone are taken; the
    copy can be read by all, as nothing in it is a secret.
    """
    if base.user.ids is None:
        _copy(base.path / "data", place, name)
        return
    os.mkdir(name, 0o755, dir_fd=place.fd)
    with base.folder.child("data") as source, place.child(name) as made:
        _copy_plain(source, made)


def _copy_plain(source: OpenFolder, target: OpenFolder) -> None:
    os.fchmod(target.fd, 0o755)
    for name in source.names():
        info = source.look(name)
        if info is not None and stat.S_ISDIR(info.st_mode):
            os.mkdir(name, dir_fd=target.fd)
            with source.child(name) as inner, target.child(name) as made:
                _copy_plain(inner, made)
            continue
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with os.fdopen(os.open(name, flags, dir_fd=source.fd), "rb") as content:
            info = os.fstat(content.fileno())
            if not stat.S_ISREG(info.st_mode) or info.st_uid != source.info().st_uid:
                raise EmbeddedError(f"{source.path / name} is not a file that initdb made")
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(name, flags, 0o644, dir_fd=target.fd), "wb") as copy:
                shutil.copyfileobj(content, copy, 1 << 20)
                os.fchmod(copy.fileno(), 0o644)


def _cache(named: Path | None) -> Path | None:
    """Return a folder, made if it is missing, in which only we can keep a template."""
    for folder in (named, Path(tempfile.gettempdir()) / f"pgbraid-cache-{os.geteuid()}"):
        with suppress(OSError):
            if folder is not None and _is_made(folder):
                return folder
    return None


def _is_made(folder: Path) -> bool:
    """Make a folder, if no other user can change what is above it; whether it is ours alone."""
    if not folder.exists():
        above = next(parent for parent in folder.absolute().parents if parent.exists())
        if not is_safe_place(above):
            return False
        mode = 0o755 if os.geteuid() == 0 else 0o700  # others may read what root keeps
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    return (
        is_ours_alone(folder)
        and folder.stat().st_uid == os.geteuid()
        and os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    )


def _initdb(programs: ServerBinaries, user: ServerUser, data: Path) -> None:
    """Run initdb with a locale that knows Unicode, or without one where there is none.

    It empties the folder again where it fails.
    """
    command = [programs.path("initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"]
    for locale in ("--locale=C.UTF-8", "--no-locale"):
        answer = _run([*command, "--encoding=UTF8", "--no-sync", locale], user)
        if answer.returncode == 0:
            # As its owner: root writes nothing in a folder that another user can change.
            append = 'printf "%s\\n" "$@" >> "$0/postgresql.conf"'
            _run(["/bin/sh", "-c", append, str(data), *_SETTINGS], user)
            return
    said = answer.stderr.strip() or None
    if name_of(user.uid) is None:
        raise EmbeddedError(
            "initdb fails for a user that has no name on this machine",
            detail=said,
            hint=f"Add a line for the user {user.uid} to /etc/passwd, or load nss_wrapper. Or run "
            f"`XDG_CACHE_HOME={SHARED_CACHE.parent} pgbraid demo` once as root, such as when an "
            "image is built: no initdb is needed then. Or name a server with `conninfo`, for "
            "`pgbraid prove` with `scratch_url`.",
        )
    raise EmbeddedError("initdb failed", detail=said)


def _run(command: list[str], user: ServerUser) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a server program found by us
        command, capture_output=True, text=True, check=False, cwd="/", **user.popen()
    )


def _copy(source: Path, place: OpenFolder, name: str) -> None:
    """Copy a data directory of ours to a new name; the copy is private. Raises EmbeddedError."""
    answer = subprocess.run(  # noqa: S603
        ["cp", "-R", str(source.absolute()), name],  # noqa: S607 - every system has one
        capture_output=True,
        text=True,
        check=False,
        cwd=place.cwd,
        umask=0o077,
    )
    if answer.returncode:
        said = answer.stderr.strip().splitlines()[:_SHOWN]  # a full disk fails for each file
        raise EmbeddedError(
            "cannot copy a data directory",
            detail="\n".join(said) or f"cp ended with {answer.returncode}",
            hint="Correct what it says, then run the command again; or name another folder with "
            "`embedded`.",
        )


def temporary_data_parent(user: ServerUser) -> Path:
    """Return where throw-away data go: memory if it has room, else the temporary folder."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
        return _MEMORY
    return _temporary(user)


def short_folder(user: ServerUser) -> Path:
    """Return where a private folder can be that holds a socket, whose path may not be long."""
    folder = _temporary(user)
    return folder if fits_socket(folder / f"{PREFIX}12345678" / "run") else _TEMPORARY


def fits_socket(folder: Path) -> bool:
    """Whether a socket in this folder has a path that the system, and libpq, takes."""
    return "," not in str(folder) and len(os.fsencode(folder / SOCKET)) <= _LONGEST_SOCKET


def private_places(user: ServerUser) -> set[Path]:
    """Return the folders in which private folders may stand."""
    return {_MEMORY, _TEMPORARY, _temporary(user)}


def _temporary(user: ServerUser) -> Path:
    folder = Path(tempfile.gettempdir())
    return folder if user.can_reach(folder / "x") else _TEMPORARY
