"""pgbraid applies plain .sql migrations to PostgreSQL, and remembers them as a set."""

from __future__ import annotations

from pgbraid._version import __version__

TYPE_CHECKING = False  # a type checker takes it for true; importing `typing` takes time

if TYPE_CHECKING:
    from pgbraid.api import Migrator
    from pgbraid.loading import load
    from pgbraid.model.errors import (
        ConfigError,
        ConnectionFailed,
        DriverMissing,
        EmbeddedError,
        LockLost,
        LockTimeout,
        MigrationFailed,
        NotProven,
        PgbraidError,
        ProblemsFound,
        ServerError,
        Stopped,
        TargetRefused,
    )
    from pgbraid.model.migration import Problem
    from pgbraid.model.options import Limits, StopToken
    from pgbraid.model.plan import Plan, Report
    from pgbraid.model.proof import DriftReport, Proof, Verdict
    from pgbraid.model.results import Check, State, Status
    from pgbraid.model.snapshot import Difference, Snapshot

_HOMES = {
    "Migrator": "api",
    "Check": "model.results",
    "ConfigError": "model.errors",
    "ConnectionFailed": "model.errors",
    "Difference": "model.snapshot",
    "DriftReport": "model.proof",
    "DriverMissing": "model.errors",
    "EmbeddedError": "model.errors",
    "Limits": "model.options",
    "LockLost": "model.errors",
    "LockTimeout": "model.errors",
    "MigrationFailed": "model.errors",
    "NotProven": "model.errors",
    "PgbraidError": "model.errors",
    "Plan": "model.plan",
    "Problem": "model.migration",
    "ProblemsFound": "model.errors",
    "Proof": "model.proof",
    "Report": "model.plan",
    "ServerError": "model.errors",
    "Snapshot": "model.snapshot",
    "State": "model.results",
    "Status": "model.results",
    "StopToken": "model.options",
    "Stopped": "model.errors",
    "TargetRefused": "model.errors",
    "Verdict": "model.proof",
    "load": "loading",
}

__all__ = [
    "Check",
    "ConfigError",
    "ConnectionFailed",
    "Difference",
    "DriftReport",
    "DriverMissing",
    "EmbeddedError",
    "Limits",
    "LockLost",
    "LockTimeout",
    "MigrationFailed",
    "Migrator",
    "NotProven",
    "PgbraidError",
    "Plan",
    "Problem",
    "ProblemsFound",
    "Proof",
    "Report",
    "ServerError",
    "Snapshot",
    "State",
    "Status",
    "StopToken",
    "Stopped",
    "TargetRefused",
    "Verdict",
    "__version__",
    "load",
]


def __getattr__(name: str) -> object:
    """Import a public name where it is first used, so that no command pays for another's."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - see above

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Name the public names, also those that nobody has used yet."""
    return __all__
