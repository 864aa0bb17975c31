"""Finds and reads the settings file: pgbraid.toml or pyproject.toml."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path

from pgbraid.model.errors import ConfigError
from pgbraid.settings.environment import sudo_uid
from pgbraid.settings.settings import Settings

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

__all__ = ["can_be_trusted", "find_settings"]


def find_settings(named: str | None = None, start: Path | None = None) -> Settings:
    """Return the settings of the file named, or of the nearest one from ``start`` upwards.

    ``pgbraid.toml`` goes before ``[tool.pgbraid]`` of pyproject.toml. Relative paths in it count
    from the file's folder. A file that was not named and that others could have put there is passed
    over. Raises ConfigError for a file that cannot be read, a name that is no setting, a value that
    cannot be one, and a current folder that does not exist any more.
    """
    if named is not None:
        path = Path(named)
        return _settings(path, _table(path, _read_toml(path)) or {})
    folder = (start or _current_folder()).resolve()
    passed_over: list[str] = []
    for path in _candidates(folder):
        trusted = can_be_trusted(path, folder, sudo_uid())
        table = _own_table(path, trusted=trusted)
        if table is not None and trusted:
            return replace(_settings(path, table), passed_over=tuple(passed_over))
        if table is not None:
            passed_over.append(str(path))
    return Settings(passed_over=tuple(passed_over))


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        hint = "Change to a folder that exists, with `cd`, then run `pgbraid` again."
        raise ConfigError("the current folder does not exist any more", hint=hint) from None


def _candidates(folder: Path) -> Iterator[Path]:
    """Yield the files that may hold settings, the nearest first."""
    for parent in (folder, *folder.parents):
        for path in (parent / "pgbraid.toml", parent / "pyproject.toml"):
            with suppress(PermissionError):  # a folder above that this user may not enter
                if path.is_file():
                    yield path


def _own_table(path: Path, *, trusted: bool) -> Mapping[str, Any] | None:
    """Return the table of our settings in a file; what others have put there stops nobody."""
    try:
        return _table(path, _read_toml(path))
    except ConfigError:
        if trusted:
            raise
        return {} if path.name == "pgbraid.toml" else None


def _read_toml(path: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - only where there is a file to read

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(
            f"cannot read the settings file {path}: {error.strerror}",
            hint="Make it a file that this user can read, or name another one with `config`.",
        ) from None
    except ValueError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None


def _table(path: Path, content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the table of our settings: [tool.pgbraid], or all of a file of our own."""
    tool = content.get("tool")
    own = tool.get("pgbraid") if isinstance(tool, dict) else None
    if own is None:
        return None if path.name == "pyproject.toml" else content
    if not isinstance(own, dict):
        raise ConfigError(f"{path}: [tool.pgbraid] must be a table, not {own!r}")
    return own


def _settings(path: Path, table: Mapping[str, Any]) -> Settings:
    known = [f.name for f in fields(Settings) if f.compare]
    values = {str(key).replace("-", "_"): value for key, value in table.items()}
    for key in values.keys() - set(known):
        raise _no_setting(path, key, known)
    try:
        settings = Settings(file=str(path)).override(**values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.message}", detail=error.detail) from None
    links = tuple(_relative(path.parent / folder) for folder in settings.links)
    settings = replace(settings, links=links)
    if "dir" in values:
        settings = replace(settings, dir=_relative(path.parent / settings.dir))
    if settings.prelude is not None:
        settings = replace(settings, prelude=_relative(path.parent / settings.prelude))
    return settings


def _no_setting(path: Path, key: str, known: list[str]) -> ConfigError:
    import difflib  # noqa: PLC0415 - only for a mistake

    near = difflib.get_close_matches(key, known, 1)
    hint = f"Did you mean {near[0]!r}?" if near else None
    if "database" in key or "url" in key:
        hint = "The database is never a setting: name it in PGBRAID_DATABASE_URL."
    detail = f"Settings are: {', '.join(known)}."
    return ConfigError(f"{path}: {key!r} is no setting", detail=detail, hint=hint)


def _relative(path: Path) -> str:
    """Return the path as seen from the current folder where that is shorter to read."""
    _current_folder()
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


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
