"""Creates data directories as copies of a template, for which initdb runs only once."""

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

__all__ = [
    "cache_folder",
    "copied_data",
    "fits_socket",
    "fresh_data",
    "is_in_memory",
    "is_made",
    "keep_data",
    "private_places",
    "short_folder",
    "temporary_data_parent",
]

_MEMORY = Path("/dev/shm")  # noqa: S108 - folders made there are private, by mkdtemp
_TEMPORARY = Path("/tmp")  # noqa: S108 - so are those
_ROOM = 1 << 30
"""The least free memory, in bytes, for a data directory in /dev/shm."""
_LONGEST_SOCKET = 100
"""The maximum length of a socket's path in bytes; systems have limits of 108 or 104."""
_SHOWN = 3
"""How many errors of cp a message shows."""
_SETTINGS = (
    "# By pgbraid: only the server's own user can connect, no matter how the server is started.",
    "listen_addresses = ''",
    "unix_socket_permissions = 0700",
    "unix_socket_directories = '.'",
)


def fresh_data(
    programs: ServerBinaries, user: ServerUser, cache: Path | None, place: OpenFolder
) -> None:
    """Create the data directory ``data`` in a folder that only we can change.

    The directory is a copy of a template, created once for each server version. Raises
    EmbeddedError.
    """
    with _template(programs, user, cache) as template:
        _copy(template, place, "data")
    user.chown_all("data", dir_fd=place.fd)


@contextmanager
def _template(programs: ServerBinaries, user: ServerUser, cache: Path | None) -> Iterator[Path]:
    """Yield a template that only we and root can change.

    The template is kept in the cache. If no cache is ours alone, it is created for this call only.
    """
    mark = sha256(str(programs.folder).encode()).hexdigest()[:12]
    name = f"template-{programs.version}-{mark}"
    kept_in = cache_folder(cache)
    for folder in (kept_in, SHARED_CACHE):
        if folder is not None and _is_template(folder / name):
            yield folder / name
            return
    with private_folder(temporary_data_parent(user), user) as base:
        _initdb(programs, user, base.make("data"))
        if kept_in is not None and not os.path.lexists(kept_in / name):
            sweep([kept_in], user)
            yield keep_data(base, kept_in / name)
            return
        _take_over(base, base.folder, "template")
        yield base.path / "template"


def _is_template(folder: Path) -> bool:
    return is_ours_alone(folder) and (folder / "PG_VERSION").is_file()


def copied_data(source: Path, user: ServerUser, place: OpenFolder) -> None:
    """Create the data directory ``data`` in a folder as a copy of one that only we can change.

    Raises EmbeddedError.
    """
    _copy(source, place, "data")
    user.chown_all("data", dir_fd=place.fd)


def keep_data(base: PrivateFolder, template: Path) -> Path:
    """Copy the data directory of a private folder to ``template``, whole or not at all.

    The server of that folder must have ended. Raises OSError and EmbeddedError.
    """
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
            if not _is_template(template):  # another process may have created it meanwhile
                raise
    return template


def _take_over(base: PrivateFolder, place: OpenFolder, name: str) -> None:
    """Copy the data directory of a private folder, so that the copy belongs to us.

    If the directory belongs to another user, only plain files are copied and no link is
    followed. Every user can read that copy, as it contains no secret.
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
        # The other user may replace a file by a link or a FIFO at any time. So the open file is
        # checked, and O_NONBLOCK keeps a FIFO from blocking.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with os.fdopen(os.open(name, flags, dir_fd=source.fd), "rb") as content:
            info = os.fstat(content.fileno())
            if not stat.S_ISREG(info.st_mode) or info.st_uid != source.info().st_uid:
                raise EmbeddedError(f"{source.path / name} is not a file that initdb made")
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(name, flags, 0o644, dir_fd=target.fd), "wb") as copy:
                shutil.copyfileobj(content, copy, 1 << 20)
                os.fchmod(copy.fileno(), 0o644)


def cache_folder(named: Path | None) -> Path | None:
    """Return a folder for templates that only we can change, created if missing, or None."""
    for folder in (named, Path(tempfile.gettempdir()) / f"pgbraid-cache-{os.geteuid()}"):
        with suppress(OSError):
            if folder is not None and is_made(folder):
                return folder
    return None


def is_made(folder: Path) -> bool:
    """Create a folder if the folders above are safe; return whether it is ours alone."""
    if not folder.exists():
        above = next(parent for parent in folder.absolute().parents if parent.exists())
        if not is_safe_place(above):
            return False
        mode = 0o755 if os.geteuid() == 0 else 0o700  # other users may read root's templates
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    return (
        is_ours_alone(folder)
        and folder.stat().st_uid == os.geteuid()
        and os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    )


def _initdb(programs: ServerBinaries, user: ServerUser, data: Path) -> None:
    """Run initdb with the locale C.UTF-8, or without a locale if that fails.

    A failed initdb leaves the folder empty, so the second attempt can use it.
    """
    command = [programs.path("initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"]
    for locale in ("--locale=C.UTF-8", "--no-locale"):
        answer = _run([*command, "--encoding=UTF8", "--no-sync", locale], user)
        if answer.returncode == 0:
            # A shell of the folder's owner writes the settings: root must not write in a folder
            # that another user can change.
            append = 'printf "%s\\n" "$@" >> "$0/postgresql.conf"'
            _run(["/bin/sh", "-c", append, str(data), *_SETTINGS], user)
            return
    diagnostic = answer.stderr.strip() or None
    if name_of(user.uid) is None:
        raise EmbeddedError(
            "initdb fails for a user that has no name on this machine",
            detail=diagnostic,
            hint=f"Add a line for the user {user.uid} to /etc/passwd, or load nss_wrapper. Or run "
            f"`XDG_CACHE_HOME={SHARED_CACHE.parent} pgbraid demo` once as root, such as when an "
            "image is built: then no initdb is needed. Or name a server: with `scratch_url` "
            "for `pgbraid prove`, with `conninfo` for other commands.",
        )
    raise EmbeddedError("initdb failed", detail=diagnostic)


def _run(command: list[str], user: ServerUser) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a server program found by us
        command, capture_output=True, text=True, check=False, cwd="/", **user.popen()
    )


def _copy(source: Path, place: OpenFolder, name: str) -> None:
    """Copy a data directory of ours; only we can read the copy. Raises EmbeddedError."""
    answer = subprocess.run(  # noqa: S603 - a program found by us
        ["cp", "-R", str(source.absolute()), name],  # noqa: S607 - every system has one
        capture_output=True,
        text=True,
        check=False,
        cwd=place.cwd,
        umask=0o077,
    )
    if answer.returncode:
        # On a full disk cp prints an error for each of a thousand files.
        errors = answer.stderr.strip().splitlines()[:_SHOWN]
        raise EmbeddedError(
            "cannot copy a data directory",
            detail="\n".join(errors) or f"cp exited with status {answer.returncode}.",
            hint="Correct the reported error, then run the command again; or name another folder "
            "with `embedded`.",
        )


def temporary_data_parent(user: ServerUser) -> Path:
    """Return the folder for temporary data: /dev/shm if it has room, else the temporary folder."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
        return _MEMORY
    return _temporary(user)


def is_in_memory(folder: Path) -> bool:
    """Return whether a data directory in this folder is in memory."""
    return folder.is_relative_to(_MEMORY)


def short_folder(user: ServerUser) -> Path:
    """Return a folder with a path so short that a private folder in it can hold a socket."""
    folder = _temporary(user)
    return folder if fits_socket(folder / f"{PREFIX}12345678" / "run") else _TEMPORARY


def fits_socket(folder: Path) -> bool:
    """Return whether the path of a socket in this folder is valid for the system and for libpq."""
    # libpq splits the parameter host at commas.
    return "," not in str(folder) and len(os.fsencode(folder / SOCKET)) <= _LONGEST_SOCKET


def private_places(user: ServerUser) -> set[Path]:
    """Return the folders that may contain private folders."""
    return {_MEMORY, _TEMPORARY, _temporary(user)}


def _temporary(user: ServerUser) -> Path:
    folder = Path(tempfile.gettempdir())
    return folder if user.can_reach(folder / "x") else _TEMPORARY
