"""Renders the answer of ``wait`` as text and as JSON."""

from __future__ import annotations

from pgbraid.cli.render.characters import clean
from pgbraid.cli.render.psql import duration, spelled
from pgbraid.cli.render.state_text import ready

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from pgbraid.model.migration import Problem
    from pgbraid.model.results import Readiness

__all__ = ["document", "lines"]

_LISTED = 12


def document(value: Readiness, problem: Callable[[Problem], dict[str, Any]]) -> dict[str, Any]:
    """Return the members of the JSON document; ``problem`` renders one problem."""
    return {
        "applied": value.applied,
        "missing": [{"version": m.version, "name": m.name} for m in value.missing],
        "newer": list(value.newer),
        "reason": spelled(value.reason) if value.reason else None,
        "waited_s": round(value.waited.total_seconds(), 3),
        "asked": value.asked,
        "problems": [problem(each) for each in value.problems],
    }


def lines(value: Readiness) -> Iterator[str]:
    """Yield the lines of the answer."""
    if value.ready:
        yield ready(value.applied, value.waited, newer=len(value.newer))
        return
    waited = f"waited {duration(value.waited)}"
    yield f"not ready: {clean(spelled(value.reason))}; {waited}."
    for migration in value.missing[:_LISTED]:
        yield f"  {clean(migration.label)}"
    if len(value.missing) > _LISTED:
        yield f"  and {len(value.missing) - _LISTED} more"
