"""``new``: the next migration file, with a version that is free."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.core.filenames import slug
from pgbraid.core.model import MAX_VERSION
from pgbraid.errors import ConfigError
from pgbraid.source import load_migrations

if TYPE_CHECKING:
    from pgbraid.core.model import Migration

__all__ = ["create_migration"]

_TIMESTAMP_DIGITS = 14
_FIRST_WIDTH = 3


def create_migration(
    folder: str, title: str, *, timestamp: bool | None = None, now: datetime | None = None
) -> tuple[Path, ...]:
    """Create an empty migration with the next free version and return the files made.

    ``timestamp`` asks for a version YYYYMMDDHHMMSS in UTC, or for the next number of the
    sequence; None follows the folder's newest file. A folder whose newest file is an
    ``.up.sql`` gets a ``.down.sql`` too. A folder that is missing is made. Raises ConfigError
    for a title without a letter or digit, and where no version is left.
    """
    name = slug(title)
    if not name:
        raise ConfigError(
            f"{title!r} gives no file name",
            hint="Say in a word or two what the migration does: `pgbraid new add_email`.",
        )
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {folder}: {error.strerror}") from None
    found = load_migrations(folder)
    newest = found.migrations[-1] if found.migrations else None
    if timestamp is None:
        timestamp = newest is not None and _is_timestamp(newest.version)
    taken = {m.version for m in found.migrations}
    taken |= {version for problem in found.problems for version in problem.versions}
    sample = next(
        (m for m in reversed(found.migrations) if _is_timestamp(m.version) == timestamp), None
    )
    digits = _next_version(taken, sample, timestamp=timestamp, now=now or datetime.now(UTC))
    paired = newest is not None and newest.file.endswith(".up.sql")
    endings = (".up.sql", ".down.sql") if paired else (".sql",)
    return tuple(_write(Path(folder) / f"{digits}_{name}{ending}") for ending in endings)


def _is_timestamp(version: int) -> bool:
    return len(str(version)) == _TIMESTAMP_DIGITS


def _next_version(
    taken: set[int], sample: Migration | None, *, timestamp: bool, now: datetime
) -> str:
    """Return the next free version, as wide as the newest of its kind.

    A sequence goes on behind its own last number, whatever timestamps stand in the folder.
    """
    kin = {v for v in taken if _is_timestamp(v) == timestamp}
    version = max(kin, default=0) + 1
    if timestamp:
        version = max(version, int(f"{now:%Y%m%d%H%M%S}"))
    while version in taken:
        version += 1
    if version > MAX_VERSION:
        raise ConfigError(f"no version is left above {max(taken)}")
    return str(version).zfill(len(sample.digits) if sample else _FIRST_WIDTH)


def _write(path: Path) -> Path:
    try:
        with path.open("x", encoding="utf-8"):
            pass
    except OSError as error:
        raise ConfigError(
            f"cannot create {path}: {error.strerror}", hint="Choose another name or folder."
        ) from None
    return path
