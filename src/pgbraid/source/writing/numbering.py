"""Chooses versions for new files: the next number of a sequence, or a timestamp."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pgbraid.model.errors import ConfigError
from pgbraid.source.filenames import MAX_VERSION

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Numbering", "choose_numbering", "is_timestamp", "next_version"]

_TIMESTAMP_DIGITS = 14
_FORMAT = "%Y%m%d%H%M%S"


@dataclass(frozen=True, slots=True)
class Numbering:
    """The kind of a new version, as the setting ``numbering`` names it, and the reason.

    ``inferred``: the repository is the reason, which the user may not expect.
    """

    kind: str
    reason: str
    inferred: bool = False

    @property
    def timestamp(self) -> bool:
        """Whether a new version is a timestamp."""
        return self.kind == "timestamp"


def choose_numbering(
    folder: str, newest: int | None, *, timestamp: bool | None = None, setting: str = "auto"
) -> Numbering:
    """Return the numbering of a new file in a folder whose highest migration is ``newest``.

    An explicit ``timestamp`` takes precedence over the ``setting``. With ``"auto"``, timestamps
    continue timestamps, and replace a sequence where branches may add migrations in parallel: two
    branches would choose the same next number.
    """
    if timestamp is not None:
        return Numbering("timestamp" if timestamp else "sequential", "the caller requested it")
    if setting != "auto":
        return Numbering(setting, f"the setting `numbering` is {setting}")
    if newest is not None and is_timestamp(newest):
        return Numbering("timestamp", "the newest file has a timestamp")
    if newest is not None and len(str(newest)) > _TIMESTAMP_DIGITS:
        return Numbering("sequential", "the newest version is above every timestamp")
    from pgbraid.source.git import parallel_work  # noqa: PLC0415 - only where nothing else decides

    reason = parallel_work(folder)
    if reason is not None:
        return Numbering("timestamp", reason, inferred=True)
    return Numbering("sequential", "the folder is in no repository with another branch or a remote")


def is_timestamp(version: int) -> bool:
    """Whether a version has as many digits as YYYYMMDDHHMMSS."""
    return len(str(version)) == _TIMESTAMP_DIGITS


def next_version(taken: Collection[int], *, timestamp: bool, now: datetime) -> int:
    """Return the next free version; a sequence ignores timestamps, and timestamps a sequence.

    A timestamp is ``now``, or the second after the highest one that is taken. Raises ConfigError if
    no version is left.
    """
    highest = max((v for v in taken if is_timestamp(v) == timestamp), default=0)
    version = highest + 1
    if timestamp:
        version = max(_next_second(highest), int(f"{now:{_FORMAT}}"))
    while version in taken:
        version += 1
    if version > MAX_VERSION:
        raise ConfigError(f"no version is left above {max(taken)}")
    return version


def _next_second(version: int) -> int:
    """Return the timestamp one second later, or the next number if it is no valid time."""
    try:
        later = datetime.strptime(str(version), _FORMAT) + timedelta(seconds=1)  # noqa: DTZ007 - UTC
    except (ValueError, OverflowError):
        return version + 1
    return int(f"{later:{_FORMAT}}")
