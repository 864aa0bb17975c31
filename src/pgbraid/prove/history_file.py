"""Parses a JSON document with the order in which migrations were applied."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pgbraid.model.errors import ConfigError
from pgbraid.source.filenames import parse_version

__all__ = ["parse_history"]

_LISTS = ("applied", "versions", "history", "migrations")
_HINT = (
    "Give a JSON list of versions in the order they were applied, such as [101, 102, 104, 103], or "
    "the output of `pgbraid status --json`."
)


def parse_history(text: str, label: str) -> tuple[int, ...]:
    """Return the versions that a document lists, in the order in which they were applied.

    The document is a list of versions, or a list of objects with a ``version``, or an object with
    such a list as ``applied``, ``versions``, ``history`` or ``migrations``. If objects have an
    ``applied_at``, as in the output of ``pgbraid status --json``, it determines the order, and
    objects without it are not applied. Raises ConfigError.
    """
    try:
        document: Any = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{label} is not JSON: {error}", hint=_HINT) from None
    if isinstance(document, dict):
        document = next((document[key] for key in _LISTS if key in document), None)
    if not isinstance(document, list):
        raise ConfigError(f"{label} has no list of versions", hint=_HINT)
    if any(isinstance(entry, dict) and "applied_at" in entry for entry in document):
        applied = [e for e in document if isinstance(e, dict) and e.get("applied_at")]
        document = sorted(applied, key=lambda entry: _time(entry["applied_at"], label))
    versions = tuple(_version(entry, label) for entry in document)
    twice = next((v for v in versions if versions.count(v) > 1), None)
    if twice is not None:
        raise ConfigError(f"{label} lists version {twice} twice", hint=_HINT)
    return versions


def _time(value: object, label: str) -> datetime:
    """Return a time; a time without a time zone is in UTC. Raises ConfigError."""
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        raise ConfigError(f"{label} lists {value!r}, which is not a time", hint=_HINT) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _version(entry: object, label: str) -> int:
    """Return the version of an entry. Raises ConfigError."""
    value = entry.get("version") if isinstance(entry, dict) else entry
    # In Python a bool is an int, too: `true` is not version 1.
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    version = parse_version(value.partition("_")[0]) if isinstance(value, str) else None
    if version is None:
        raise ConfigError(f"{label} lists {value!r}, which is not a version", hint=_HINT)
    return version
