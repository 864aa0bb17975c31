"""Checks the types of a caller's arguments, before anything connects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import index

from pgbraid.model.errors import ConfigError

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from typing import Any, TypeVar

    _T = TypeVar("_T")

__all__ = ["a_database", "a_statement", "a_version", "an_instance", "some_versions", "wrong_type"]

_HINT = "Correct the call; the library section of the documentation lists the parameters."
_MASKED = ":***@"
_RENDERED = "SQLAlchemy hides it so; give `engine.url.render_as_string(hide_password=False)`."


def wrong_type(name: str, expected: str, value: object, hint: str | None = None) -> ConfigError:
    """Return the error of a parameter; it shows only the type of the value, which may be secret."""
    given = "None" if value is None else f"a value of type {type(value).__name__}"
    return ConfigError(f"{name} must be {expected}, not {given}", hint=hint or _HINT)


def an_instance(
    name: str,
    value: _T,
    kind: Any,  # noqa: ANN401 - Callable is not a class for a type checker
    expected: str,
) -> _T:
    """Return the value if it is an instance of ``kind``. Raises ConfigError if it is not."""
    if isinstance(value, kind):
        return value
    raise wrong_type(name, expected, value)


def a_version(name: str, value: object) -> int:
    """Return a version number, given as any class of integer. Raises ConfigError."""
    version = _integer(value)
    if version is not None:
        return version
    shown = f" such as 103, not {value!r}" if isinstance(value, str) else f", not {value!r}"
    raise ConfigError(f"{name} must be a version, an integer{shown}", hint=_HINT)


def a_statement(name: str, value: object) -> int:
    """Return the number of a statement, counted from 1. Raises ConfigError."""
    number = _integer(value)
    if number is None or number < 1:
        raise ConfigError(
            f"{name} must be the number of a statement, from 1, not {value!r}", hint=_HINT
        )
    return number


def _integer(value: object) -> int | None:
    """Return the value of any class of integer; None for a bool and anything else."""
    if isinstance(value, bool):
        return None
    try:
        return index(value)  # type: ignore[arg-type] # raises for anything but an integer
    except TypeError:
        return None


def some_versions(name: str, values: object) -> tuple[int, ...]:
    """Return version numbers. Raises ConfigError."""
    # A string is iterable, too, but its characters are not meant as versions.
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise ConfigError(
            f"{name} must be a list of versions, such as [103], not {values!r}", hint=_HINT
        )
    return tuple(a_version(f"each item of {name}", value) for value in values)


def a_database(value: object) -> str:
    """Return a connection string. Raises ConfigError, which never shows the value."""
    expected = "a URL or a connection string of key=value pairs"
    if hasattr(value, "render_as_string") or hasattr(value, "url"):
        hint = "Give `engine.url.render_as_string(hide_password=False)` of an SQLAlchemy engine."
        raise wrong_type("conninfo", expected, value, hint)
    if value is None:
        hint = "Is the variable set that it comes from? An empty text stands for libpq's PG*."
        raise wrong_type("conninfo", expected, value, hint)
    if not isinstance(value, str):
        raise wrong_type("conninfo", expected, value)
    if _MASKED in value:
        raise ConfigError("the password in the database URL is ***", hint=_RENDERED)
    return value
