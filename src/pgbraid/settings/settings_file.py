"""Finds and reads the settings file: pgbraid.toml or pyproject.toml."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path

from pgbraid.model.errors import ConfigError
from pgbraid.settings.defaults import SETTINGS_FILES
from pgbraid.settings.environment import sudo_uid
from pgbraid.settings.settings import Settings

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

__all__ = ["can_be_trusted", "find_settings"]


def find_settings(named: str | None = None, start: Path | None = None) -> Settings:
    """Return the settings of the named file, or of the nearest file from ``start`` upwards.

    ``pgbraid.toml`` takes precedence over ``[tool.pgbraid]`` of pyproject.toml. Relative paths in
    a settings file start at its folder. An unnamed file that other users could have written is
    skipped. Raises ConfigError for an unreadable file, an unknown setting, an invalid value, and a
    current folder that no longer exists.
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
    """Yield the existing files that may hold settings, the nearest first."""
    for parent in (folder, *folder.parents):
        for path in (parent / name for name in SETTINGS_FILES):
            with suppress(PermissionError):  # this user may not enter a folder above
                if path.is_file():
                    yield path


def _own_table(path: Path, *, trusted: bool) -> Mapping[str, Any] | None:
    """Return pgbraid's table of a file, if it has one. Only a trusted file raises ConfigError."""
    try:
        return _table(path, _read_toml(path))
    except ConfigError:
        if trusted:
            raise
        return {} if path.name == "pgbraid.toml" else None


def _read_toml(path: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - only if there is a file to read

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
    """Return [tool.pgbraid], or the whole content of a file other than pyproject.toml."""
    tool = content.get("tool")
    table = tool.get("pgbraid") if isinstance(tool, dict) else None
    if table is None:
        return None if path.name == "pyproject.toml" else content
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [tool.pgbraid] must be a table, not {table!r}")
    return table


def _settings(path: Path, table: Mapping[str, Any]) -> Settings:
    names = [f.name for f in fields(Settings) if f.compare]
    values = {str(key).replace("-", "_"): value for key, value in table.items()}
    for key in values.keys() - set(names):
        raise _unknown_setting(path, key, names)
    try:
        settings = Settings(file=str(path)).override(**values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.message}", detail=error.detail) from None
    links = tuple(_relative(path.parent / folder) for folder in settings.links)
    settings = replace(settings, links=links)
    if "dir" in values or (path.parent / settings.dir).is_dir():
        settings = replace(settings, dir=_relative(path.parent / settings.dir))
    files = {name: getattr(settings, name) for name in ("prelude", "sizes", "queries")}
    return settings.override(
        **{name: _relative(path.parent / file) for name, file in files.items() if file is not None}
    )


def _unknown_setting(path: Path, key: str, names: list[str]) -> ConfigError:
    import difflib  # noqa: PLC0415 - only for this error

    near = difflib.get_close_matches(key, names, 1)
    hint = f"Did you mean {near[0]!r}?" if near else None
    if "database" in key or "url" in key:
        hint = "The database is never a setting: name it in PGBRAID_DATABASE_URL."
    detail = f"The settings are {', '.join(names)}."
    return ConfigError(f"{path}: {key!r} is not a setting", detail=detail, hint=hint)


def _relative(path: Path) -> str:
    """Return the path relative to the current folder, if it is in that folder."""
    _current_folder()  # os.path.relpath fails without one, and with a less helpful error
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def can_be_trusted(file: Path, start: Path, sudo_uid: int | None) -> bool:
    """Return whether only users whom this run trusts anyway can write a settings file.

    ``start`` is the folder where the search began. Trusted users are this process's user, root, the
    owner of ``start``, and the user of ``sudo_uid`` if root runs for that user. The file, the
    target of a link, and its folder must belong to trusted users and must not be world-writable.
    World-writable ones are accepted if ``start`` is world-writable itself.
    """
    if not hasattr(os, "geteuid"):
        return True  # Windows has no such owners
    user, here = os.geteuid(), start.stat()
    # The owner of the start folder could put a folder `migrations` there, which would run anyway.
    owners = {user, 0, here.st_uid}
    if user == 0 and sudo_uid is not None:
        owners.add(sudo_uid)
    shared = _is_open(here)
    stats = (file.lstat(), file.stat(), file.parent.stat())
    return all(s.st_uid in owners and (shared or not _is_open(s)) for s in stats)


def _is_open(status: os.stat_result) -> bool:
    """Whether a file or folder is world-writable; a link has no permissions of its own."""
    mode = status.st_mode
    # In a sticky folder such as /tmp, only the owner of a file can replace it.
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX and not stat.S_ISLNK(mode)
