"""Creates the next migration file, with a free version, for ``pgbraid new``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConfigError
from pgbraid.source.filenames import FileName, parse_file_name, parse_version, slug
from pgbraid.source.writing.numbering import Numbering, choose_numbering, is_timestamp, next_version

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NewMigration", "create_migration"]

_FIRST_WIDTH = 3
# The second hyphens keep the examples from being directives.
_UP_TEMPLATE = """\
-- Migration {name}. Write its SQL below; until then, `pgbraid up` refuses this file.
-- It runs in one transaction: write no BEGIN or COMMIT. Once it is applied, do not change it.
--
-- For a directive, remove the first hyphens of its line:
-- -- pgbraid: no-transaction
-- -- pgbraid: lock-timeout=2s
-- -- pgbraid: statement-timeout=5min
-- -- pgbraid: retry-for=1h
-- -- pgbraid: isolation=serializable
-- -- pgbraid: allow-difference=only the order of the columns differs

"""
_DOWN_TEMPLATE = """\
-- Down file of {name}. Write the SQL that reverts the migration, or delete this file.
-- Only `pgbraid undo` runs it, in one transaction: write no BEGIN or COMMIT.
--
-- For a directive, remove the first hyphens of its line:
-- -- pgbraid: lock-timeout=2s
-- -- pgbraid: statement-timeout=5min
-- -- pgbraid: retry-for=1h
-- -- pgbraid: isolation=serializable

"""


@dataclass(frozen=True, slots=True)
class NewMigration:
    """The created files, and how their version was chosen."""

    files: tuple[Path, ...]
    numbering: Numbering


def create_migration(
    folder: str,
    title: str,
    *,
    timestamp: bool | None = None,
    numbering: str = "auto",
    now: datetime | None = None,
) -> NewMigration:
    """Create a migration without statements, with the next free version, and return its files.

    The version is YYYYMMDDHHMMSS in UTC with ``timestamp``, the next number of the sequence with
    False; None leaves the choice to the setting ``numbering``. If the newest file is an
    ``.up.sql``, a ``.down.sql`` is created too. A missing folder is created. Raises ConfigError for
    a title without a letter or digit, and if no version is left.
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
    chosen = choose_numbering(folder, newest, timestamp=timestamp, setting=numbering)
    same_kind = [version for version in ups if is_timestamp(version) == chosen.timestamp]
    width = len(ups[max(same_kind)].partition("_")[0]) if same_kind else _FIRST_WIDTH
    version = next_version(taken, timestamp=chosen.timestamp, now=now or datetime.now(UTC))
    paired = newest is not None and ups[newest].endswith(".up.sql")
    texts = {".up.sql" if paired else ".sql": _UP_TEMPLATE}
    if paired:
        texts[".down.sql"] = _DOWN_TEMPLATE
    path = Path(folder) / f"{str(version).zfill(width)}_{name}"
    files = {Path(f"{path}{end}"): text.format(name=name) for end, text in texts.items()}
    _write(files)
    return NewMigration(tuple(files), chosen)


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


def _write(files: Mapping[Path, str]) -> None:
    """Create all files or none; an existing file is left as it is."""
    created: list[Path] = []
    for path, text in files.items():
        try:
            with path.open("x", encoding="utf-8", newline="\n") as file:
                created.append(path)
                file.write(text)
        except OSError as error:
            for unfinished in created:
                unfinished.unlink(missing_ok=True)
            raise ConfigError(
                f"cannot create {path}: {error.strerror}",
                hint="Make the folder writable, or choose another name or folder.",
            ) from None
