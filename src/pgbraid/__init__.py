"""pgbraid applies plain .sql migrations to PostgreSQL, and remembers them as a set."""

from __future__ import annotations

TYPE_CHECKING = False  # a type checker takes it for true; importing `typing` takes time

if TYPE_CHECKING:
    from pgbraid.api import Braid
    from pgbraid.core.answers import Check, State, Status
    from pgbraid.core.model import Limits, Plan, Problem, Report
    from pgbraid.core.proof import Drifted, Proof, Verdict
    from pgbraid.core.snapshot import Difference, Snapshot
    from pgbraid.errors import (
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
    from pgbraid.loading import load
    from pgbraid.stop import StopToken

__version__ = "0.1.0"

_HOMES = {
    "Braid": "api",
    "Check": "core.answers",
    "ConfigError": "errors",
    "ConnectionFailed": "errors",
    "Difference": "core.snapshot",
    "Drifted": "core.proof",
    "DriverMissing": "errors",
    "EmbeddedError": "errors",
    "Limits": "core.model",
    "LockLost": "errors",
    "LockTimeout": "errors",
    "MigrationFailed": "errors",
    "NotProven": "errors",
    "PgbraidError": "errors",
    "Plan": "core.model",
    "Problem": "core.model",
    "ProblemsFound": "errors",
    "Proof": "core.proof",
    "Report": "core.model",
    "ServerError": "errors",
    "Snapshot": "core.snapshot",
    "State": "core.answers",
    "Status": "core.answers",
    "StopToken": "stop",
    "Stopped": "errors",
    "TargetRefused": "errors",
    "Verdict": "core.proof",
    "load": "loading",
}

__all__ = [
    "Braid",
    "Check",
    "ConfigError",
    "ConnectionFailed",
    "Difference",
    "Drifted",
    "DriverMissing",
    "EmbeddedError",
    "Limits",
    "LockLost",
    "LockTimeout",
    "MigrationFailed",
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
