"""Reads a file of environment variables, such as ``.env``, where the caller names one.

The syntax is the common part of Docker, Compose and direnv: ``NAME=VALUE``, perhaps after
``export``, comments, single and double quotes. Nothing is expanded: a value that these would expand
is an error, because it would silently be another one here. No error shows a value.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field

from pgbraid.model.errors import ConfigError
from pgbraid.settings.passwords import has_password

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["EnvFile", "read_env_file"]

_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
_ASSIGNMENT = re.compile(rf"[ \t]*(?:export[ \t]+)?({_NAME})[ \t]*=[ \t]*")
_NAMES_ALONE = re.compile(rf"(?:export[ \t]+)?{_NAME}(?:[ \t]+{_NAME})*")
_USED = re.compile(r"PGBRAID_\w+|DATABASE_URL|PG[A-Z]+")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SINGLE = re.compile(r"'([^']*)'")
_COMMENT = re.compile(r"(?:^|[ \t])#.*")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$", "`": "`"}
_EXPANDED = re.compile(r"(?<!\\)(?:\\\\)*(?:\$[{(]|`)")
_URLS = frozenset({"PGBRAID_DATABASE_URL", "PGBRAID_DIRECT_URL", "PGBRAID_SCRATCH_URL"})


@dataclass(frozen=True, slots=True)
class EnvFile:
    """The variables of a file that pgbraid or libpq read."""

    path: str
    values: Mapping[str, str] = field(repr=False)
    readable_by_others: bool
    """Whether other users of this machine may read the file."""

    @property
    def has_password(self) -> bool:
        """Whether a variable holds a password."""
        urls = (self.values.get(name, "") for name in (*_URLS, "DATABASE_URL"))
        return bool(self.values.get("PGPASSWORD")) or any(map(has_password, urls))


def read_env_file(path: str) -> EnvFile:
    """Return the variables ``PGBRAID_*``, ``DATABASE_URL`` and ``PG*`` of a file.

    The last line of a name counts. Raises ConfigError, with file and line and without a value, if
    the file cannot be read, or a line is not an assignment.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - its descriptor is needed, too
            info = os.fstat(file.fileno())
            text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8", hint="Save it as UTF-8.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not valid"
        raise ConfigError(
            f"cannot read the file of variables {path}: {reason}",
            hint="Name a file that this user can read with `env_file`.",
        ) from None
    values = dict(_assignments(path, text.replace("\r\n", "\n")))
    return EnvFile(path, values, _is_readable_by_others(info))


def _is_readable_by_others(info: os.stat_result) -> bool:
    if not hasattr(os, "getegid") or not stat.S_ISREG(info.st_mode):
        return False  # Windows has no such permissions; a pipe has no other readers
    group = info.st_mode & stat.S_IRGRP and info.st_gid != os.getegid()
    return bool(info.st_mode & stat.S_IROTH or group)


def _assignments(path: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values that are used."""
    position = 0
    while position < len(text):
        end = (text + "\n").index("\n", position)
        line, number = text[position:end].strip(), text.count("\n", 0, position) + 1
        match = _ASSIGNMENT.match(text, position, end)
        if match is None:
            # Docker: a name alone is passed on from the environment, where it is anyway.
            if line and line[0] != "#" and not _NAMES_ALONE.fullmatch(line):
                raise _wrong(path, number, "the line is not NAME=VALUE")
            position = end + 1
            continue
        name, is_used = match[1], _USED.fullmatch(match[1]) is not None
        try:
            value, position = _value(text, match.end(), end, expands=not is_used)
        except ValueError as error:
            raise _wrong(path, number, f"the value of {name} {error}") from None
        if is_used:
            if "\0" in value:
                raise _wrong(path, number, f"the value of {name} contains a NUL byte")
            yield name, value


def _value(text: str, start: int, end: int, *, expands: bool) -> tuple[str, int]:
    """Return a value and the start of the next line; raise ValueError with a predicate."""
    quote = text[start : start + 1]
    if quote not in {"'", '"'}:
        value = _COMMENT.sub("", text[start:end]).strip()
        _check(value, expands=expands)
        return value, end + 1
    match = (_SINGLE if quote == "'" else _DOUBLE).match(text, start)
    if match is None:
        raise ValueError("has no closing quote")
    after = (text + "\n").index("\n", match.end())
    if _COMMENT.sub("", text[match.end() : after]).strip():
        raise ValueError("has text after its closing quote")
    if quote == "'":
        return match[1], after + 1
    _check(match[1], expands=expands)
    unescaped = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), match[1], flags=re.DOTALL)
    return unescaped, after + 1


def _check(value: str, *, expands: bool) -> None:
    """Raise ValueError for a value that a shell or Compose would expand, unless it is not used."""
    if not expands and _EXPANDED.search(value):
        raise ValueError("contains ${…}, $(…) or `…`, which pgbraid does not expand")


def _wrong(path: str, line: int, message: str) -> ConfigError:
    return ConfigError(
        f"{path}:{line}: {message}",
        hint="Write NAME=VALUE on one line; put a value with special characters into single "
        "quotes, which keep it as it is.",
    )
