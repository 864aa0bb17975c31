"""Creates the next migration file, with a free version, for ``pgbraid new``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pgbraid.model.errors import ConfigError
from pgbraid.source.filenames import MAX_VERSION, FileName, parse_file_name, parse_version, slug

__all__ = ["create_migration"]

_TIMESTAMP_DIGITS = 14
_FIRST_WIDTH = 3


def create_migration(
    folder: str, title: str, *, timestamp: bool | None = None, now: datetime | None = None
) -> tuple[Path, ...]:
    """Create an empty migration with the next free version and return its files.

    The version is YYYYMMDDHHMMSS in UTC with ``timestamp``, the next number of the sequence
    without; None follows the folder's newest file. If the newest file is an ``.up.sql``, a
    ``.down.sql`` is created too. A missing folder is created. Raises ConfigError for a title
    without a letter or digit, and if no version is left.
    """
    name = slug(title)
    if not name:
        raise ConfigError(
            f"{title!r} has no letter or digit for a file name",
            hint="Describe the migration in a word or two: `pgbraid new add_email`.",
        )
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot create the folder {folder}: {error.strerror}") from None
    taken, ups = _versions_in(folder)
    newest = max(ups, default=None)
    if timestamp is None:
        timestamp = newest is not None and _is_timestamp(newest)
    same_kind = [version for version in ups if _is_timestamp(version) == timestamp]
    width = len(ups[max(same_kind)].partition("_")[0]) if same_kind else _FIRST_WIDTH
    version = _next_version(taken, timestamp=timestamp, now=now or datetime.now(UTC))
    paired = newest is not None and ups[newest].endswith(".up.sql")
    endings = (".up.sql", ".down.sql") if paired else (".sql",)
    digits = str(version).zfill(width)
    return tuple(_write(Path(folder) / f"{digits}_{name}{ending}") for ending in endings)


def _versions_in(folder: str) -> tuple[set[int], dict[int, str]]:
    """Return all versions in a folder, and the file names of its migrations by version."""
    taken: set[int] = set()
    ups: dict[int, str] = {}
    for name in sorted(path.name for path in Path(folder).iterdir()):
        parts = parse_file_name(name)
        version = parse_version(parts.digits) if isinstance(parts, FileName) else None
        if version is not None and isinstance(parts, FileName):
            taken.add(version)
            if parts.kind == "up":
                ups[version] = name
    return taken, ups


def _is_timestamp(version: int) -> bool:
    return len(str(version)) == _TIMESTAMP_DIGITS


def _next_version(taken: set[int], *, timestamp: bool, now: datetime) -> int:
    """Return the next free version; a sequence ignores the timestamps of the folder."""
    same_kind = {v for v in taken if _is_timestamp(v) == timestamp}
    version = max(same_kind, default=0) + 1
    if timestamp:
        version = max(version, int(f"{now:%Y%m%d%H%M%S}"))
    while version in taken:
        version += 1
    if version > MAX_VERSION:
        raise ConfigError(f"no version is left above {max(taken)}")
    return version


def _write(path: Path) -> Path:
    try:
        with path.open("x", encoding="utf-8"):
            pass
    except OSError as error:
        raise ConfigError(
            f"cannot create {path}: {error.strerror}", hint="Choose another name or folder."
        ) from None
    return path
