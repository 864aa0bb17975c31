"""Reads migrations and settings, once, for the library."""

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
        """The settings that a caller may give; spans are in seconds."""

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
    """Read migrations once and return them as a value; it does not connect.

    ``source`` is a folder's path, a ``Traversable`` as ``importlib.resources.files()`` returns
    it, or a mapping of file names to texts. ``settings`` says where what is not given here comes
    from: by default from the settings file that the command line uses in the current folder; from
    the file of a path; or, with False, from no file. ``limits`` stands for the four time limits,
    ``scratch_url`` for the server on which orders are replayed, in place of an embedded one. The
    other parameters are the settings of their names, spans in seconds: ``schema``, ``table``,
    ``verify``, ``lock_wait``, ``adopt``, ``role``, ``gaps``, ``gaps_require``, ``accept``,
    ``links``, ``explain_for``, ``prelude``, ``search_path``, ``ledgers``, ``session_pooler``.

    Raises ConfigError for a folder that is not there and a value that cannot be one. What is
    wrong with single files is raised by the first call that would run them.
    """
    found = _settings(settings).override(**given)
    if limits is not None:
        an_instance("limits", limits, Limits, "a pgbraid.Limits")
        found = found.override(**asdict(limits))
    migrations = load_migrations(source, found.links)
    place = ScratchServerConfig(
        scratch_url or environment.scratch_url(),
        environment.server_programs(),
        environment.cache_dir(),
    )
    return Migrator(migrations, found, place)


def _settings(given: str | PathLike[str] | Literal[False] | None) -> Settings:
    if given is False:
        return Settings()
    return find_settings(None if given is None else fspath(given))
