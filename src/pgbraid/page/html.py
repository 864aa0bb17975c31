"""Writes the report page as HTML with Jinja2, which escapes every value."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConfigError
from pgbraid.model.results import State
from pgbraid.page.drawing import braid_layout, run_bars
from pgbraid.page.drawing.braid_layout import lay_out_braid
from pgbraid.page.drawing.run_bars import lay_out_bars
from pgbraid.page.sections.drift import FailedSection
from pgbraid.page.texts.amounts import count, duration, moment, number, size
from pgbraid.page.texts.characters import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jinja2 import Environment
    from markupsafe import Markup

    from pgbraid.page.content import PageContent
    from pgbraid.page.order.blocks import Heading
    from pgbraid.page.order.placed import PlacedMigration
    from pgbraid.page.order.runs import Run

__all__ = ["check_available", "render"]

_RUNS, _LAST_RUNS = 60, 50
"""Above this number of runs, only the last ones have a row."""
_ROWS, _LAST_ROWS = 1000, 200
"""Above this number of migrations, the table lists the last ones and those that stand out."""
_NAME, _MESSAGE = 160, 600
_COLOURS = {
    "order": "#c8d0db",
    "moved": "#2563c9",
    "pair": "#b4480b",
    "wait": "url(#waiting)",
    "undone": "#566173",
}
"""The colours without the style sheet, which some CI servers refuse."""
_INKS = {"order": "#566173", "moved": "#2563c9", "pair": "#b4480b"}


def render(page: PageContent) -> str:
    """Return the page as HTML. Raises ConfigError if Jinja2 is not installed."""
    environment = _environment()
    style = _file("page.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    runs = page.runs if len(page.runs) <= _RUNS else page.runs[-_LAST_RUNS:]
    rows = _rows(page)
    drawing = lay_out_braid(page.braid, _heading_text(page.runs))
    return environment.get_template("page.html").render(
        page=page,
        style=_markup(style),
        digest=digest,
        braid=drawing,
        rail=(braid_layout.LEFT, braid_layout.RIGHT, braid_layout.WIDTH),
        runs=runs,
        before=page.runs[: len(page.runs) - len(runs)],
        bars=lay_out_bars(runs),
        bar=(run_bars.WIDTH, run_bars.HEIGHT),
        rows=rows,
        unlisted=len(page.migrations) - len(rows),
        last=page.last_steps,
        failed=lambda section: isinstance(section, FailedSection),
        did=_did,
        colours=_COLOURS,
        inks=_INKS,
    )


def check_available() -> None:
    """Raise ConfigError if Jinja2 is not installed."""
    _environment()


@cache
def _environment() -> Environment:
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigError(
            "the report page needs Jinja2, which is not installed",
            hint="Run `pip install 'pgbraid[report]'`; `pgbraid report --json` works without it.",
        ) from None
    environment = Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        loader=FunctionLoader(_file),
    )
    environment.filters |= {
        "count": count,
        "duration": duration,
        "moment": moment,
        "number": number,
        "name": _isolated,
        "message": lambda text: _isolated(text, _MESSAGE),
        "plain": shown,
        "px": _units,
        "size": size,
        "text": _drawn,
    }
    return environment


def _file(name: str) -> str:
    """Return a file of the package; it may be in a zip archive."""
    return files("pgbraid.page").joinpath("templates", name).read_text(encoding="utf-8")


def _markup(text: str) -> Markup:
    from markupsafe import Markup  # noqa: PLC0415 - comes with Jinja2

    return Markup(text)  # noqa: S704 - a file of the package


def _isolated(text: object, longest: int = _NAME) -> Markup:
    """Return the text of other people: its direction does not reach the text around it."""
    from markupsafe import Markup  # noqa: PLC0415 - comes with Jinja2

    return Markup("<bdi>{}</bdi>").format(shown(text, longest))


def _units(value: float) -> str:
    """Return a length of the drawing, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def _drawn(text: str) -> str:
    """Return a text for a drawing, isolated by characters: SVG has no element for it."""
    return text if text.isascii() else f"\u2068{text}\u2069"


def _heading_text(runs: Sequence[Run]) -> Callable[[Heading], str]:
    by_id = {run.run_id: run for run in runs}

    def text(heading: Heading) -> str:
        if heading.pending:
            return "pending: the next up applies these"
        below = [by_id[run_id] for run_id in dict.fromkeys(heading.runs) if run_id in by_id]
        if not below:
            return "no line in the journal"
        first, last = below[0], below[-1]
        if len(below) == 1:
            return " · ".join((f"run {first.number}", moment(first.started_at), _did(below)))
        days = dict.fromkeys(moment(run.started_at)[:10] for run in (first, last))
        return f"runs {first.number} to {last.number} · {' to '.join(days)} · {_did(below)}"

    return text


def _did(runs: Sequence[Run]) -> str:
    """Return the numbers of migrations that runs applied, adopted and so on, in words."""
    sums = (
        (sum(run.count("applied") for run in runs), "applied"),
        (sum(run.adopted for run in runs), "adopted"),
        (sum(run.out_of_order for run in runs), "out of order"),
        (sum(run.count("failed") for run in runs), "failed"),
        (sum(run.count("started") for run in runs), "not finished"),
        (sum(run.count("undone") for run in runs), "undone"),
    )
    return ", ".join(f"{number(amount)} {word}" for amount, word in sums if amount)


def _rows(page: PageContent) -> tuple[PlacedMigration, ...]:
    """Return the migrations of the table, by version."""
    rows = sorted(page.migrations, key=lambda migration: migration.version)
    if len(rows) <= _ROWS:
        return tuple(rows)
    waited = {version for version, (_, step) in page.last_steps.items() if step.attempts > 1}
    last = {migration.version for migration in rows[-_LAST_ROWS:]}
    return tuple(
        row
        for row in rows
        if row.out_of_order or row.state is not State.APPLIED or row.version in waited | last
    )
