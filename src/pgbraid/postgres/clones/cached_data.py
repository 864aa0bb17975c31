"""Keeps data directories with a template in them, so that a run starts without any migration.

The data directory of an embedded server is kept in the cache folder under ``test/<key>``, where
the key stands for the server's programs and for everything that the template depends on. The two
used last are kept. A lock file for each key makes other runs wait while one is made or copied.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING

from pgbraid.model.errors import EmbeddedError
from pgbraid.postgres.clones.clone_server import CloneServer, open_clone_server
from pgbraid.postgres.clones.template import ensure_template
from pgbraid.postgres.server.binaries import find_programs
from pgbraid.postgres.server.data_dir import (
    cache_folder,
    copied_data,
    fresh_data,
    is_made,
    keep_data,
)
from pgbraid.postgres.server.embedded import temporary_server
from pgbraid.postgres.server.os_user import reachable_programs, server_user
from pgbraid.postgres.server.safe_files import is_ours_alone, open_folder
from pgbraid.postgres.server.shared import SharedServer, joined_server, shared_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pgbraid.postgres.server.binaries import ServerBinaries
    from pgbraid.postgres.server.os_user import ServerUser
    from pgbraid.postgres.server.private_folders import PrivateFolder
    from pgbraid.postgres.server.safe_files import OpenFolder

    Fill = Callable[[CloneServer, str], object]
    """Fills the new database of that name."""

if sys.platform != "win32":
    import fcntl

__all__ = ["held_test_server", "key_for", "shared_test_server"]

_KEPT = 2
_KEY = re.compile(r"[0-9a-f]{32}")


def key_for(key: str, version: str) -> str:
    """Return the key of a template on a server of this version."""
    return sha256(f"{key}\0{version}".encode()).hexdigest()


@contextmanager
def shared_test_server(
    run: str, *, programs: str | None, cache: Path | None, template: tuple[str, Fill] | None
) -> Iterator[SharedServer]:
    """Start the embedded server of a test run, or join it, as long as the block lasts.

    ``template`` is the key of a template and the function that fills it. A server that is started
    has the template, if the cache can hold it. Raises EmbeddedError, and the function's errors.
    """
    if sys.platform == "win32":
        raise EmbeddedError("the embedded server needs Unix sockets, which this system lacks")
    user = server_user()
    binaries = reachable_programs(find_programs(programs), user)
    place = _meeting(cache)
    cached = _Cached(place, binaries, user, cache)

    def fill(data: OpenFolder) -> None:
        if template is None or not cached.copy_to(data, *template):
            fresh_data(binaries, user, cache, data)

    try:
        with shared_server(place, run, binaries, user, fill) as shared:
            yield shared
    except OSError as error:
        raise _unusable(place, error) from None


@contextmanager
def held_test_server(run: str, *, programs: str | None, cache: Path | None) -> Iterator[None]:
    """Keep the embedded server of a test run up as long as the block lasts.

    Raises EmbeddedError.
    """
    user = server_user()
    binaries = reachable_programs(find_programs(programs), user)
    with joined_server(_meeting(cache), run, binaries, user):
        yield


def _meeting(cache: Path | None) -> Path:
    """Return the folder for the data and for the files of the runs. Raises EmbeddedError."""
    base = cache_folder(cache)
    if base is None:
        raise EmbeddedError(
            "no folder for the cache can be made that other users cannot change",
            hint="Set XDG_CACHE_HOME or TMPDIR to a folder of your own, and run the tests again.",
        )
    place = base / "test"
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        if not is_made(place):
            raise EmbeddedError(
                f"other users can change {place}",
                hint=f"Close it with `chmod 700 {place}`, and run the tests again.",
            )
    except OSError as error:
        raise _unusable(place, error) from None
    return place


def _unusable(place: Path, error: OSError) -> EmbeddedError:
    return EmbeddedError(
        f"cannot use the cache folder {place}: {error.strerror}",
        hint="Set XDG_CACHE_HOME to a folder of your own, and run the tests again.",
    )


class _Cached:
    """The data directories in the cache."""

    def __init__(
        self, place: Path, programs: ServerBinaries, user: ServerUser, cache: Path | None
    ) -> None:
        self._place, self._programs, self._user, self._cache = place, programs, user, cache

    def copy_to(self, target: OpenFolder, key: str, fill: Fill) -> bool:
        """Copy the data directory with a template into a folder, made first if it is missing.

        Return False if it cannot be kept. Raises EmbeddedError and the errors of ``fill``.
        """
        name = key_for(key, f"{self._programs.version}\0{self._programs.folder}")[:32]
        cached = self._place / name
        with open_folder(self._place, follow=True) as place, _locked(place, name):
            if not _is_complete(cached) and not self._make(cached, key, fill):
                return False
            os.utime(cached)
            copied_data(cached, self._user, target)
        self._drop_old(name)
        return True

    def _make(self, cached: Path, key: str, fill: Fill) -> bool:
        """Start a server, make the template, and keep its data; return whether it was kept."""
        saved = True

        def keep(base: PrivateFolder) -> None:
            nonlocal saved
            try:
                keep_data(base, cached)
            except (OSError, EmbeddedError):
                # A full disk, or a link that a migration made: the run continues without the cache.
                saved = False

        with (
            temporary_server(self._programs, self._user, self._cache, keep) as embedded,
            open_clone_server(embedded.conninfo, 0, "template", exclusive=True) as server,
        ):
            ensure_template(server, key_for(key, server.version), lambda name: fill(server, name))
        return saved

    def _drop_old(self, ours: str) -> None:
        """Remove the data directories that were not used last, unless they are in use."""
        with open_folder(self._place, follow=True) as place:
            found = [name for name in place.names() if _KEY.fullmatch(name)]
            for name in sorted(found, key=lambda n: -_used(place, n))[_KEPT:]:
                if name == ours:
                    continue
                with (
                    suppress(OSError, BlockingIOError, EmbeddedError),
                    _locked(place, name, wait=False),
                ):
                    shutil.rmtree(name, dir_fd=place.fd)
                    place.unlink(f"{name}.lock")


def _used(place: OpenFolder, name: str) -> float:
    info = place.look(name)
    return info.st_mtime if info else 0.0


def _is_complete(folder: Path) -> bool:
    return is_ours_alone(folder) and (folder / "PG_VERSION").is_file()


@contextmanager
def _locked(place: OpenFolder, name: str, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a key. Raises BlockingIOError if it is taken and ``wait`` is false."""
    while True:
        file = place.open_own(f"{name}.lock", os.O_RDWR)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            # A run that left meanwhile may have removed the file.
            now = place.look(f"{name}.lock")
            if now is not None and os.path.samestat(now, os.fstat(file)):
                yield
                return
        finally:
            os.close(file)
