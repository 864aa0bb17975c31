"""Selects the system user that runs the server: for root an unprivileged one.

PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from pgbraid.model.errors import EmbeddedError
from pgbraid.postgres.server.safe_files import is_ours_alone

if TYPE_CHECKING:
    from pgbraid.postgres.server.binaries import ServerBinaries

__all__ = ["SHARED_CACHE", "ServerUser", "reachable_programs", "server_user"]

_UNPRIVILEGED = "nobody"
SHARED_CACHE = Path("/var/cache/pgbraid")
"""Root's folder for files that other users may read: server binaries, and an image's templates."""


class _Drop(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]
    env: dict[str, str]


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The user and group id that run the server; None for the user of this process."""

    ids: tuple[int, int] | None = None

    @property
    def uid(self) -> int:
        """The id of the user that runs the server's processes."""
        return self.ids[0] if self.ids else os.geteuid()

    def popen(self) -> _Drop:
        """Return the arguments with which subprocess runs a program as this user."""
        if self.ids is None:
            return {}
        uid, gid = self.ids
        # Not root's environment: it may contain passwords, and a migration can read the
        # environment of the server.
        return {"user": uid, "group": gid, "extra_groups": [], "env": {"PATH": os.defpath}}

    def chown(self, path: Path | str, dir_fd: int | None = None) -> None:
        """Make this user the owner of a file or folder of ours, not of a folder's contents."""
        if self.ids is not None:
            os.chown(path, *self.ids, dir_fd=dir_fd, follow_symlinks=False)

    def chown_all(self, folder: Path | str, dir_fd: int | None = None) -> None:
        """Make this user the owner of a folder of ours and of everything in it."""
        if self.ids is not None:
            for _, folders, files, parent in os.fwalk(folder, dir_fd=dir_fd):
                for name in (*folders, *files):
                    self.chown(name, dir_fd=parent)
            # The folder itself comes last: until then this user cannot enter it, so that
            # nothing in it changes during the walk.
            self.chown(folder, dir_fd=dir_fd)

    def can_reach(self, path: Path) -> bool:
        """Return whether the permissions let this user pass every folder above ``path``."""
        if self.ids is None:
            return True
        uid, gid = self.ids
        try:
            return all(_may_pass(folder.stat(), uid, gid) for folder in path.resolve().parents)
        except OSError:
            return False


def _may_pass(info: os.stat_result, uid: int, gid: int) -> bool:
    if info.st_uid == uid:
        return bool(info.st_mode & stat.S_IXUSR)
    if info.st_gid == gid:
        return bool(info.st_mode & stat.S_IXGRP)
    return bool(info.st_mode & stat.S_IXOTH)


@cache
def server_user() -> ServerUser:
    """Return the user to run the server. Raises EmbeddedError if root has no such user."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return ServerUser()
    import pwd  # noqa: PLC0415 - not on every platform

    try:
        entry = pwd.getpwnam(_UNPRIVILEGED)
    except KeyError:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root, and there is no user {_UNPRIVILEGED!r}",
            hint="Run pgbraid as another user, or name a server with `conninfo`.",
        ) from None
    return ServerUser((entry.pw_uid, entry.pw_gid))


def reachable_programs(programs: ServerBinaries, user: ServerUser) -> ServerBinaries:
    """Return the binaries in a folder that the server's user can reach.

    The server's user cannot enter a virtual environment in a private home. No permission is
    changed there: the binaries are copied, once for each version, to a folder of root's.
    """
    if user.can_reach(programs.folder / "postgres"):
        return programs
    package, size = programs.folder.parts[-3], (programs.folder / "postgres").stat().st_size
    copy = SHARED_CACHE / f"{package}-{programs.version}-{size}"
    try:
        SHARED_CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not is_ours_alone(SHARED_CACHE):
            raise EmbeddedError(
                f"the user {_UNPRIVILEGED} cannot reach {programs.folder}, and other users than "
                f"root can change {SHARED_CACHE}, where a copy would be kept",
                hint=f"Give {SHARED_CACHE} to root, closed to others, or install pgbraid where "
                "every user can read it.",
            )
        if not is_ours_alone(copy):
            _copy_programs(programs.folder.parent, copy)
    except OSError as error:
        raise EmbeddedError(
            f"the user {_UNPRIVILEGED} cannot reach {programs.folder}, and {SHARED_CACHE} "
            f"cannot be written: {error.strerror}",
            hint="Install pgbraid where every user can read it, or run it as another user.",
        ) from None
    return replace(programs, folder=copy.joinpath(*programs.folder.parts[-3:]))


def _copy_programs(source: Path, copy: Path) -> None:
    """Copy an installation, and the libraries that a wheel installs beside its package."""
    partial = Path(tempfile.mkdtemp(dir=copy.parent))
    try:
        partial.chmod(0o755)
        package = source.parent
        shutil.copytree(source, partial / package.name / source.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name)
        try:
            partial.rename(copy)
        except OSError:
            if not is_ours_alone(copy):  # another process may have created it meanwhile
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
