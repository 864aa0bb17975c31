"""Reads migrations and settings, once, for the library."""

from __future__ import annotations

from dataclasses import asdict
from os import fspath

from pgbraid import config
from pgbraid.api import Braid
from pgbraid.arguments import an_instance
from pgbraid.core.model import Limits
from pgbraid.source import load_migrations
from pgbraid.survey import ScratchPlace

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from typing import Literal

    from pgbraid.source import Source

__all__ = ["load"]


def load(  # noqa: PLR0913 - what a user can set
    source: Source,
    *,
    settings: str | PathLike[str] | Literal[False] | None = None,
    schema: str | None = None,
    table: str | None = None,
    verify: str | None = None,
    lock_wait: float | None = None,
    adopt: bool | None = None,
    limits: Limits | None = None,
    role: str | None = None,
    gaps: str | None = None,
    gaps_require: str | None = None,
    accept: str | Iterable[str] | None = None,
    links: str | PathLike[str] | Iterable[str | PathLike[str]] | None = None,
    explain_for: float | None = None,
    prelude: str | None = None,
    search_path: str | None = None,
    scratch_url: str | None = None,
) -> Braid:
    """Read migrations once and return them as a value; it does not connect.

    ``source`` is a folder's path, a ``Traversable`` as ``importlib.resources.files()`` returns
    it, or a mapping of file names to texts. ``settings`` says where what is not given here comes
    from: by default from the settings file that the command line uses in the current folder; from
    the file of a path; or, with False, from no file. ``limits`` stands for the four time limits,
    ``scratch_url`` for the server on which orders are replayed, in place of an embedded one. The
    other parameters are the settings of their names, spans in seconds.

    Raises ConfigError for a folder that is not there and a value that cannot be one. What is
    wrong with single files is raised by the first call that would run them.
    """
    given = {
        "schema": schema,
        "table": table,
        "verify": verify,
        "lock_wait": lock_wait,
        "adopt": adopt,
        "role": role,
        "gaps": gaps,
        "gaps_require": gaps_require,
        "accept": accept,
        "links": links,
        "explain_for": explain_for,
        "prelude": prelude,
        "search_path": search_path,
    }
    found = _settings(settings).override(**given)
    if limits is not None:
        an_instance("limits", limits, Limits, "a pgbraid.Limits")
        found = found.override(**asdict(limits))
    migrations = load_migrations(source, found.links)
    place = ScratchPlace(
        scratch_url or config.scratch_url(), config.server_programs(), config.cache_dir()
    )
    return Braid(migrations, found, place)


def _settings(given: str | PathLike[str] | Literal[False] | None) -> config.Settings:
    if given is False:
        return config.Settings()
    return config.find_settings(None if given is None else fspath(given))
