"""The tables in which everything is applied to an empty database."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.model import Sample, Tool, Trial
from devtools.delay_proxy import Proxy, proxied

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.workshop import Workshop

__all__ = ["apply_trials", "flush_trials", "rtt_trials", "trial", "trips_trials"]

_ROUNDS = {3000: 2}


def trial(  # noqa: PLR0913 - what a trial is made of
    tool: Tool,
    case: str,
    size: int,
    rounds: int,
    measure: Callable[[], Sample],
    *,
    prepare: Callable[[], object] | None = None,
) -> Trial:
    """Return a trial of one tool."""
    return Trial(tool.name, tool.version, tool.kind, case, size, rounds, measure, prepare)


def apply_trials(shop: Workshop) -> list[Trial]:
    """Return the full apply, in several sizes."""
    return [
        trial(tool, f"N={n}", n, shop.rounds_of(_ROUNDS.get(n, 5)), partial(shop.apply, tool, n))
        for n in shop.sizes(100, 500, 1000, 3000)
        for tool in shop.tools
    ]


def flush_trials(shop: Workshop) -> list[Trial]:
    """Return the full apply where a commit waits two milliseconds longer."""
    (n,) = shop.sizes(500)
    return [
        trial(tool, f"N={n}", n, shop.rounds_of(3), partial(shop.apply, tool, n))
        for tool in shop.tools
    ]


def trips_trials(shop: Workshop) -> list[Trial]:
    """Return how often a tool waits for the server, in an apply and in a no-op."""
    (n,) = shop.sizes(100)
    found = [
        trial(tool, f"apply N={n}", n, 1, partial(_apply, shop, tool, n, 0.0))
        for tool in shop.tools
    ]
    found += [
        trial(tool, f"no-op N={n}", n, 1, partial(_again, shop, tool, n, 0.0))
        for tool in shop.tools
        if tool.kind != "floor"
    ]
    return found


def rtt_trials(shop: Workshop) -> list[Trial]:
    """Return the same with a server that is far away."""
    (n,) = shop.sizes(100)
    found = [
        trial(tool, f"apply, {ms:.0f} ms", n, rounds, partial(_apply, shop, tool, n, ms))
        for ms, rounds in ((2.0, shop.rounds_of(3)), (20.0, 1))
        for tool in shop.tools
    ]
    found += [
        trial(tool, "no-op, 2 ms", n, shop.rounds_of(5), partial(_again, shop, tool, n, 2.0))
        for tool in shop.tools
        if tool.kind != "floor"
    ]
    return found


def _apply(shop: Workshop, tool: Tool, size: int, ms: float) -> Sample:
    with proxied(shop.server.port, ms) as proxy:
        sample = shop.proxied(tool, size, proxy.port)
    return _with_trips(sample, proxy)


def _again(shop: Workshop, tool: Tool, size: int, ms: float) -> Sample:
    database = shop.applied(tool, size)
    with proxied(shop.server.port, ms) as proxy:
        sample = shop.proxied(tool, size, proxy.port, database)
    return _with_trips(sample, proxy)


def _with_trips(sample: Sample, proxy: Proxy) -> Sample:
    return Sample(
        sample.wall,
        sample.cpu,
        sample.server_cpu,
        trips=proxy.trips,
        connections=proxy.connections,
    )
