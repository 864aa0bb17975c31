"""Checks the settings of hazards, which few settings files have."""

from __future__ import annotations

import math
from dataclasses import fields

from pgbraid.model.errors import ConfigError
from pgbraid.model.hazards.sizes import Rates

__all__ = ["hazard_setting"]

_SEVERITIES = ("off", "notice", "warning", "error")
_HIGHEST_VERSION = 2**63 - 1


def hazard_setting(name: str, value: object) -> Rates | int | tuple[tuple[str, str], ...]:
    """Return the value of ``rates``, ``hazard_severity`` or ``hazards_from``.

    Rules are not checked here: the list of them is not known to the settings. Raises ConfigError
    for an invalid value.
    """
    if name == "rates":
        return _rates(value)
    return _severities(value) if name == "hazard_severity" else _version(value)


def _rates(value: object) -> Rates:
    if isinstance(value, Rates):
        return value
    names = [field.name for field in fields(Rates)]
    if not isinstance(value, dict):
        raise ConfigError(f"rates must be a table of {', '.join(names)}, not {value!r}")
    given: dict[str, float] = {}
    for key, number in value.items():
        name = str(key).replace("-", "_")
        if name not in names:
            detail = f"The rates are {', '.join(names)}."
            raise ConfigError(f"{key!r} is not a rate", detail=detail)
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise ConfigError(f"rates.{key} must be a number, not {number!r}")
        if not math.isfinite(number) or number <= 0:
            raise ConfigError(f"rates.{key} must be a number above 0, not {number!r}")
        given[name] = float(number)
    return Rates(**given)


def _severities(value: object) -> tuple[tuple[str, str], ...]:
    if isinstance(value, tuple):  # these settings hold it so
        value = dict(value)
    if not isinstance(value, dict):
        raise ConfigError(f"hazard_severity must be a table of rules, not {value!r}")
    *others, last = _SEVERITIES
    for rule, severity in value.items():
        if severity not in _SEVERITIES:
            expected = f"{', '.join(others)} or {last}"
            raise ConfigError(f"hazard_severity.{rule} must be {expected}, not {severity!r}")
    return tuple(sorted(value.items()))


def _version(value: object) -> int:
    text = value if isinstance(value, str) else ""
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0") or "0"
        value = int(digits) if len(digits) <= len(str(_HIGHEST_VERSION)) else None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _HIGHEST_VERSION:
        return value
    shown = repr(text[:40] if text else value)
    raise ConfigError(f"hazards_from must be a version, such as 103, not {shown}")
