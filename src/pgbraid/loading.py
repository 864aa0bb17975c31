"""Loads migrations and settings for the library."""

from __future__ import annotations

from dataclasses import asdict
from os import fspath

from pgbraid.api import Migrator
from pgbraid.arguments import an_instance
from pgbraid.model.options import Limits, ScratchServerConfig
from pgbraid.settings import environment
from pgbraid.settings.settings import Settings
from pgbraid.settings.settings_file import find_settings
from pgbraid.source.loader import load_migrations

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from typing import Literal, TypedDict, Unpack

    from pgbraid.source.files import Source

    class _Given(TypedDict, total=False):
        """The settings that a caller may pass; time spans are in seconds."""

        schema: str
        table: str
        verify: str
        lock_wait: float
        adopt: bool
        role: str | None
        gaps: str
        gaps_require: str
        accept: str | Iterable[str]
        links: str | PathLike[str] | Iterable[str | PathLike[str]]
        explain_for: float | None
        cluster: bool
        prelude: str | None
        search_path: str | None
        ledgers: str
        session_pooler: bool


__all__ = ["load"]


def load(
    source: Source,
    *,
    settings: str | PathLike[str] | Literal[False] | None = None,
    limits: Limits | None = None,
    scratch_url: str | None = None,
    **given: Unpack[_Given],
) -> Migrator:
    """Load migrations once and return them as a value; do not connect to a database.

    ``source`` is the path of a folder, a ``Traversable`` as from ``importlib.resources.files()``,
    or a mapping of file names to texts. ``settings`` names the settings file: by default the file
    that the command line uses in the current folder; a path; or False for no file. Parameters
    override the settings file. ``limits`` are the four time limits. ``scratch_url`` is the server
    on which migrations are replayed, instead of an embedded one. The other parameters are the
    settings with the same names, time spans in seconds: ``schema``, ``table``, ``verify``,
    ``lock_wait``, ``adopt``, ``role``, ``gaps``, ``gaps_require``, ``accept``, ``links``,
    ``explain_for``, ``cluster``, ``prelude``, ``search_path``, ``ledgers``, ``session_pooler``.

    Raises ConfigError for a missing folder and for an invalid value. Problems of single files
    are raised by the first call that would run them.
    """
    combined = _settings(settings).override(**given)
    if limits is not None:
        an_instance("limits", limits, Limits, "a pgbraid.Limits")
        combined = combined.override(**asdict(limits))
    migrations = load_migrations(source, combined.links)
    place = ScratchServerConfig(
        scratch_url or environment.scratch_url(),
        environment.server_programs(),
        environment.cache_dir(),
    )
    return Migrator(migrations, combined, place)


def _settings(given: str | PathLike[str] | Literal[False] | None) -> Settings:
    if given is False:
        return Settings()
    return find_settings(None if given is None else fspath(given))
