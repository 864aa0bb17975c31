"""Whether a settings file that was found, and not named, can be trusted."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["can_be_trusted"]


def can_be_trusted(file: Path, start: Path, sudo_uid: int | None) -> bool:
    """Return whether only people whom this run trusts anyway can write a settings file.

    ``start`` is the folder from which the search went upwards. Its owner could put a folder
    ``migrations`` there, so that owner is trusted, as this process's user, root, and the user of
    ``sudo_uid`` where root runs for that user. The same holds where everybody can write ``start``.

    The file, what it is a link to, and its folder must belong to one of these, and must not be
    writable by everybody. In a sticky folder such as /tmp nobody can replace another user's file,
    so there the owner of the file decides.
    """
    if not hasattr(os, "geteuid"):
        return True  # Windows has no such owners
    user, here = os.geteuid(), start.stat()
    owners = {user, 0, here.st_uid}
    if user == 0 and sudo_uid is not None:
        owners.add(sudo_uid)
    shared = _is_open(here)
    looked_at = (file.lstat(), file.stat(), file.parent.stat())
    return all(s.st_uid in owners and (shared or not _is_open(s)) for s in looked_at)


def _is_open(found: os.stat_result) -> bool:
    """Whether everybody can write it, or what stands in it; a link has no rights of its own."""
    mode = found.st_mode
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX and not stat.S_ISLNK(mode)
