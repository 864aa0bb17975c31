"""Reads the sizes and the queries that the settings name, and the weights of the findings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.hazards.analysis.context import Weights
from pgbraid.hazards.sizes_file import parse_sizes
from pgbraid.hazards.workload import parse_workload
from pgbraid.model.errors import ConfigError
from pgbraid.model.hazards.sizes import DEFAULT_RATES
from pgbraid.prove.lint import LintRules
from pgbraid.settings.sizes_path import sizes_file_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pgbraid.model.hazards.sizes import Sizes
    from pgbraid.settings.settings import Settings

__all__ = ["rules_for", "rules_of"]


def rules_of(
    settings: Settings, sizes: Sizes | None = None, queries: Iterable[str] | None = None
) -> LintRules:
    """Return the rules of the settings, with other sizes or queries if they are given.

    Raises ConfigError for a file that cannot be read.
    """
    path = sizes_file_of(settings)
    if sizes is None and path is not None:
        sizes = parse_sizes(_text(path, "sizes"), path)
    if queries is None and settings.queries is not None:
        text = _text(settings.queries, "queries")
        queries = [query.text for query in parse_workload(text, settings.queries)]
    return LintRules(
        sizes,
        Weights(settings.rates or DEFAULT_RATES, settings.hazard_warn, settings.hazard_error),
        tuple(queries or ()),
        dict(settings.hazard_severity),
    )


def rules_for(settings: Settings) -> Callable[[Sizes | None], LintRules]:
    """Return a function that makes the rules for the sizes of a database, or for none."""
    return lambda sizes: rules_of(settings, sizes)


def _text(path: str, setting: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(
            f"cannot read {path}: {reason}",
            hint=f"Correct the setting `{setting}`, or write the file with `pgbraid sizes`.",
        ) from None
