"""The demo, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.cli.render.psql import duration
from pgbraid.cli.render.text import answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pgbraid.demo import Demo

__all__ = ["facts", "tell"]


def tell(demo: Demo) -> Iterator[str]:
    """Yield the lines of the story, no more than a terminal of 24 has."""
    first = [o.migration.version for o in demo.set_first.applied]
    late = demo.set_then.applied[0]
    highest = max(demo.counter_first)
    every = sorted([*first, late.migration.version])
    yield f"On an {demo.server}: one folder of migrations, two databases."
    yield ""
    yield f"Monday: {_list(first)} are merged and deployed; {late.migration.version} is in review."
    yield f"    a counter   applies {_list(demo.counter_first)}   and remembers {highest}"
    yield f"    pgbraid     applies {_list(first)}   and remembers {{{_list(first)}}}"
    yield ""
    yield f"Tuesday: {demo.out_of_order} is merged, and `pgbraid status` says:"
    yield from answer(demo.status)
    yield "Then everything is deployed again:"
    yield (
        f"    a counter   applies nothing: {late.migration.version} is below {highest}. "
        "No error, exit code 0."
    )
    yield (
        f"    pgbraid     applies {late.migration.version}, in {duration(late.duration)}, "
        f"and remembers {{{_list(every)}}}"
    )
    yield ""
    yield f"The application asks: {demo.question}"
    yield f"    a counter   {_verdict(demo.counter_error)}"
    yield f"    pgbraid     {_verdict(demo.set_error)}"
    yield ""
    yield "Next: `pgbraid new NAME`, then `pgbraid up --embedded` or `--database URL`."


def facts(demo: Demo) -> dict[str, object]:
    """Return what happened as the members of a JSON document."""
    return {
        "server": demo.server,
        "counter": {
            "first": list(demo.counter_first),
            "then": list(demo.counter_then),
            "error": demo.counter_error,
        },
        "set": {
            "first": [o.migration.version for o in demo.set_first.applied],
            "then": [o.migration.version for o in demo.set_then.applied],
            "error": demo.set_error,
        },
    }


def _list(versions: Iterable[int]) -> str:
    return ", ".join(map(str, versions))


def _verdict(error: str | None) -> str:
    return f"ERROR:  {error}" if error else "gets its rows"
