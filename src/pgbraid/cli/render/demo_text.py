"""Renders the demo on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.cli.render.psql import duration
from pgbraid.cli.render.text import result_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pgbraid.demo import Demo

__all__ = ["demo_document", "demo_lines"]


def demo_lines(demo: Demo) -> Iterator[str]:
    """Yield the lines of the demo; they fit into a terminal of 24 lines."""
    first = [o.migration.version for o in demo.set_first.applied]
    gap = demo.set_then.applied[0]
    highest = max(demo.counter_first)
    every = sorted([*first, gap.migration.version])
    yield f"On an {demo.server}: one folder of migrations, two databases."
    yield ""
    yield f"Monday: {_list(first)} are merged and deployed; {gap.migration.version} is in review."
    yield f"    a counter   applies {_list(demo.counter_first)}   and remembers {highest}"
    yield f"    pgbraid     applies {_list(first)}   and remembers {{{_list(first)}}}"
    yield ""
    yield f"Tuesday: {demo.out_of_order} is merged, and `pgbraid status` prints:"
    yield from result_lines(demo.status)
    yield "Then everything is deployed again:"
    yield (
        f"    a counter   applies nothing: {gap.migration.version} is below {highest}. "
        "No error, exit code 0."
    )
    yield (
        f"    pgbraid     applies {gap.migration.version}, in {duration(gap.duration)}, "
        f"and remembers {{{_list(every)}}}"
    )
    yield ""
    yield f"The application runs: {demo.question}"
    yield f"    a counter   {_verdict(demo.counter_error)}"
    yield f"    pgbraid     {_verdict(demo.set_error)}"
    yield ""
    yield "Next: `pgbraid new NAME`, then `pgbraid up --embedded` or `--database URL`."


def demo_document(demo: Demo) -> dict[str, object]:
    """Return the result of the demo as members of a JSON document."""
    return {
        "server": demo.server,
        "counter": {
            "first": list(demo.counter_first),
            "then": list(demo.counter_then),
            "error": demo.counter_error,
        },
        "pgbraid": {
            "first": [o.migration.version for o in demo.set_first.applied],
            "then": [o.migration.version for o in demo.set_then.applied],
            "error": demo.set_error,
        },
    }


def _list(versions: Iterable[int]) -> str:
    return ", ".join(map(str, versions))


def _verdict(error: str | None) -> str:
    return f"ERROR:  {error}" if error else "gets its rows"
