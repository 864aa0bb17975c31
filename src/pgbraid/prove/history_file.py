"""An order in which migrations were applied, as a JSON document says it."""

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

    The document is a list of versions, or of objects with a ``version``, or an object with such a
    list as ``applied``, ``versions``, ``history`` or ``migrations``. Where every object has an
    ``applied_at``, as in the output of ``pgbraid status --json``, those count, and objects without
    one are not applied. Raises ConfigError.
    """
    try:
        document: Any = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{label} is not JSON: {error}", hint=_HINT) from None
    if isinstance(document, dict):
        document = next((document[key] for key in _LISTS if key in document), None)
    if not isinstance(document, list):
        raise ConfigError(f"{label} holds no list of versions", hint=_HINT)
    if any(isinstance(entry, dict) and "applied_at" in entry for entry in document):
        applied = [e for e in document if isinstance(e, dict) and e.get("applied_at")]
        document = sorted(applied, key=lambda entry: _time(entry["applied_at"], label))
    versions = tuple(_version(entry, label) for entry in document)
    twice = next((v for v in versions if versions.count(v) > 1), None)
    if twice is not None:
        raise ConfigError(f"{label} lists version {twice} twice", hint=_HINT)
    return versions


def _time(value: object, label: str) -> datetime:
    """Return a time; one without a zone is taken for UTC. Raises ConfigError."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise ConfigError(f"{label} lists {value!r}, which is no time", hint=_HINT) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _version(entry: object, label: str) -> int:
    value = entry.get("version") if isinstance(entry, dict) else entry
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = parse_version(value.partition("_")[0]) if isinstance(value, str) else None
    if found is None:
        raise ConfigError(f"{label} lists {value!r}, which is no version", hint=_HINT)
    return found
