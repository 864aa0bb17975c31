"""pgbraid applies plain .sql migrations to PostgreSQL, and records them as a set."""

from __future__ import annotations

from pgbraid._version import __version__

TYPE_CHECKING = False  # type checkers treat it as True; importing `typing` takes time

if TYPE_CHECKING:
    from pgbraid import events
    from pgbraid.api import Migrator
    from pgbraid.databases import create_database
    from pgbraid.loading import load
    from pgbraid.model.errors import (
        ConfigError,
        ConnectionFailed,
        DriverMissing,
        EmbeddedError,
        HazardsRefused,
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
    from pgbraid.model.findings import HazardReport
    from pgbraid.model.hazards.sizes import Sizes, Workload
    from pgbraid.model.migration import Problem
    from pgbraid.model.options import Limits, StopToken
    from pgbraid.model.plan import Plan, Report
    from pgbraid.model.proof import DriftReport, Proof, Verdict
    from pgbraid.model.results import Check, NotReady, Readiness, State, Status
    from pgbraid.model.snapshot import Difference, Snapshot
    from pgbraid.page.page import Page
    from pgbraid.servers import embedded

_HOMES = {
    "Migrator": "api",
    "create_database": "databases",
    "Check": "model.results",
    "ConfigError": "model.errors",
    "ConnectionFailed": "model.errors",
    "Difference": "model.snapshot",
    "DriftReport": "model.proof",
    "DriverMissing": "model.errors",
    "EmbeddedError": "model.errors",
    "HazardReport": "model.findings",
    "HazardsRefused": "model.errors",
    "Limits": "model.options",
    "LockLost": "model.errors",
    "LockTimeout": "model.errors",
    "MigrationFailed": "model.errors",
    "NotProven": "model.errors",
    "NotReady": "model.results",
    "Page": "page.page",
    "PgbraidError": "model.errors",
    "Plan": "model.plan",
    "Problem": "model.migration",
    "ProblemsFound": "model.errors",
    "Proof": "model.proof",
    "Readiness": "model.results",
    "Report": "model.plan",
    "ServerError": "model.errors",
    "Sizes": "model.hazards.sizes",
    "Snapshot": "model.snapshot",
    "State": "model.results",
    "Status": "model.results",
    "StopToken": "model.options",
    "Stopped": "model.errors",
    "TargetRefused": "model.errors",
    "Verdict": "model.proof",
    "Workload": "model.hazards.sizes",
    "embedded": "servers",
    "events": "events",
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
    "HazardReport",
    "HazardsRefused",
    "Limits",
    "LockLost",
    "LockTimeout",
    "MigrationFailed",
    "Migrator",
    "NotProven",
    "NotReady",
    "Page",
    "PgbraidError",
    "Plan",
    "Problem",
    "ProblemsFound",
    "Proof",
    "Readiness",
    "Report",
    "ServerError",
    "Sizes",
    "Snapshot",
    "State",
    "Status",
    "StopToken",
    "Stopped",
    "TargetRefused",
    "Verdict",
    "Workload",
    "__version__",
    "create_database",
    "embedded",
    "events",
    "load",
]


def __getattr__(name: str) -> object:
    """Import a public name at its first use: a command imports only the names that it needs."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - see above

    home = import_module(f"{__name__}.{_HOMES[name]}")
    return home if name == "events" else getattr(home, name)


def __dir__() -> list[str]:
    """Return the public names, those not imported yet included."""
    return __all__
