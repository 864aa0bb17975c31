"""Who runs the server: PostgreSQL refuses root, so root hands it to an unprivileged user."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from pgbraid.errors import EmbeddedError

if TYPE_CHECKING:
    from pgbraid.db.programs import Programs

__all__ = ["ServerUser", "reachable_programs", "server_user"]

_UNPRIVILEGED = "nobody"
_SHARED_CACHE = Path("/var/cache/pgbraid")


class _Drop(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The ids to run the server under; None is whoever we are."""

    ids: tuple[int, int] | None = None

    def popen(self) -> _Drop:
        """Return the arguments that make subprocess drop to this user."""
        if self.ids is None:
            return {}
        uid, gid = self.ids
        return {"user": uid, "group": gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a file or folder of ours, not what is in it, to this user."""
        if self.ids is not None:
            os.chown(path, *self.ids, follow_symlinks=False)

    def own_all(self, folder: Path) -> None:
        """Give a folder of ours and everything in it to this user."""
        if self.ids is not None:
            self.own(folder)
            for parent, folders, files in os.walk(folder):
                for name in (*folders, *files):
                    self.own(Path(parent, name))

    def can_reach(self, path: Path) -> bool:
        """Whether the permissions let this user pass every folder above ``path``."""
        if self.ids is None:
            return True
        uid, gid = self.ids
        return all(_may_pass(folder.stat(), uid, gid) for folder in path.resolve().parents)


def _may_pass(info: os.stat_result, uid: int, gid: int) -> bool:
    if info.st_uid == uid:
        return bool(info.st_mode & stat.S_IXUSR)
    if info.st_gid == gid:
        return bool(info.st_mode & stat.S_IXGRP)
    return bool(info.st_mode & stat.S_IXOTH)


@cache
def server_user() -> ServerUser:
    """Return who is to run the server. Raises EmbeddedError for a root without that user."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return ServerUser()
    import pwd  # noqa: PLC0415 - not on every platform

    try:
        entry = pwd.getpwnam(_UNPRIVILEGED)
    except KeyError:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root, and there is no user {_UNPRIVILEGED!r}",
            hint="Run pgbraid as another user, or name a server with --database.",
        ) from None
    return ServerUser((entry.pw_uid, entry.pw_gid))


def reachable_programs(programs: Programs, user: ServerUser) -> Programs:
    """Return the programs in a place that the server's user can reach.

    A virtual environment below a private home is closed to it. No permission is opened there:
    the programs are copied, once for each version, to a folder of our own.
    """
    if user.can_reach(programs.folder / "postgres"):
        return programs
    package, size = programs.folder.parts[-3], (programs.folder / "postgres").stat().st_size
    copy = _SHARED_CACHE / f"{package}-{programs.version}-{size}"
    if not copy.is_dir():
        try:
            _copy_programs(programs.folder.parent, copy)
        except OSError as error:
            raise EmbeddedError(
                f"the user {_UNPRIVILEGED} cannot reach {programs.folder}, and {_SHARED_CACHE} "
                f"cannot be written: {error.strerror}",
                hint="Install pgbraid where every user can read it, or run it as another user.",
            ) from None
    return replace(programs, folder=copy.joinpath(*programs.folder.parts[-3:]))


def _copy_programs(source: Path, copy: Path) -> None:
    """Copy an installation, and the libraries that a wheel has put beside its package."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=copy.parent))
    partial.chmod(0o755)
    package = source.parent
    shutil.copytree(source, partial / package.name / source.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, partial / libraries.name)
    try:
        partial.rename(copy)
    except OSError:  # another process was quicker
        shutil.rmtree(partial, ignore_errors=True)
        if not copy.is_dir():
            raise
