"""Builds the values of a command from the parameters of a call and the settings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

from pgbraid.arguments import a_version, an_instance, some_versions
from pgbraid.model.options import PlanRequest, RunOptions, StopToken, Verify
from pgbraid.postgres.client.conninfo import Target, parse_target

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from pgbraid.model.events import Event, Listener
    from pgbraid.model.options import GapCheck, HazardCheck, ScratchServerConfig
    from pgbraid.settings.settings import Settings

__all__ = ["make_options", "make_request", "make_target"]


def make_options(
    settings: Settings,
    scratch: ScratchServerConfig,
    on_event: Listener,
    stop: StopToken | None,
) -> RunOptions:
    """Return the options of a run. Raises ConfigError for a parameter of a wrong type."""
    gap_check: GapCheck | None = None
    if settings.gaps == "prove":
        from pgbraid.prove.gap_policy import prove_gaps  # noqa: PLC0415 - only with this policy

        gap_check = prove_gaps
    return RunOptions(
        settings.lock_wait,
        _logged(an_instance("on_event", on_event, Callable, "a function that takes an event")),
        an_instance("stop", stop or StopToken(), StopToken, "a pgbraid.StopToken"),
        limits=settings.limits,
        gaps_require=settings.gaps_require,
        accept=settings.accept,
        explain_for=settings.explain_for,
        cluster=settings.cluster,
        gap_check=gap_check,
        hazard_check=_hazard_check(settings),
        search_path=settings.search_path,
        role=settings.role,
        scratch=replace(scratch, prelude=settings.prelude),
    )


def _hazard_check(settings: Settings) -> HazardCheck | None:
    """Return the check of hazards before a run, or None if the settings want none."""
    if settings.hazards == "off":
        return None
    from pgbraid.prove.hazard_policy import hazard_check  # noqa: PLC0415 - only with this policy

    return hazard_check(settings)


def _logged(on_event: Listener) -> Listener:
    """Return a listener that logs an event before ``on_event`` gets it, if logging is set up.

    Whether it is set up is read from ``logging``, which is never imported for that.
    """
    module = sys.modules.get("logging")
    if module is None or not _has_handler(module):
        return on_event
    loggers: list[Listener] = []

    def log_first(event: Event) -> None:
        if not loggers:
            from pgbraid.log import LogListener  # noqa: PLC0415 - a boot without work has no event

            loggers.append(LogListener())
        loggers[0](event)
        on_event(event)

    return log_first


def _has_handler(logging: ModuleType) -> bool:
    """Return whether the root logger, ``pgbraid`` or a child of it has a handler that writes."""
    known = list(logging.root.manager.loggerDict.items())  # another thread may add a logger
    ours = [logger for name, logger in known if name.partition(".")[0] == "pgbraid"]
    handlers = (h for place in (logging.root, *ours) for h in getattr(place, "handlers", ()))
    return any(not isinstance(handler, logging.NullHandler) for handler in handlers)


def make_request(settings: Settings, to: int | None, not_applied: Iterable[int]) -> PlanRequest:
    """Return the request for a plan. Raises ConfigError for an invalid version."""
    return PlanRequest(
        None if to is None else a_version("to", to),
        some_versions("not_applied", not_applied),
        Verify(settings.verify),
        settings.adopt,
        refuse_gaps=settings.gaps == "refuse",
        one_ledger=settings.ledgers == "one",
        platform=settings.prelude is not None,
    )


def make_target(settings: Settings, conninfo: str | Target) -> Target:
    """Return the target of a connection string, with the settings. Raises ConfigError."""
    target = (
        conninfo if isinstance(conninfo, Target) else parse_target(conninfo, role=settings.role)
    )
    return replace(target, search_path=settings.search_path, session_pooler=settings.session_pooler)
