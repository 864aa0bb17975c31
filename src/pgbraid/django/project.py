"""The migrations of a Django project, and the database of an alias."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connections

from pgbraid.django.urls_of_databases import url_of
from pgbraid.model.errors import ConfigError
from pgbraid.settings.settings_file import find_settings

if TYPE_CHECKING:
    from pgbraid.api import Migrator
    from pgbraid.settings.settings import Settings

__all__ = ["database_url_of", "project_migrator", "project_words"]


def project_migrator(*, adopt: bool = True) -> Migrator:
    """Return the migrations of the project: the folder ``dir`` of its settings file.

    The file is searched for from BASE_DIR upwards; without a file, the folder is ``migrations`` in
    BASE_DIR. Without ``adopt``, the history of another tool is ignored. Raises ConfigError.
    """
    from pgbraid.loading import load  # noqa: PLC0415 - not for a command that passes words on

    found = _settings()
    given: dict[str, Any] = {} if adopt else {"adopt": False}
    return load(_folder(found), settings=found.file or False, **given)


def project_words() -> list[str]:
    """Return the options of the command line for the same migrations and settings."""
    found = _settings()
    return [*(["--config", found.file] if found.file else []), "--dir", _folder(found)]


def database_url_of(alias: str) -> str:
    """Return the URL of the database with an alias, as Django connects to it now.

    Raises ConfigError for an unknown alias, and if it is not PostgreSQL.
    """
    if alias not in connections:
        raise ConfigError(
            f"DATABASES has no alias {alias!r}", hint=f"It has {', '.join(connections)}."
        )
    return url_of(connections[alias].settings_dict)


def _settings() -> Settings:
    return find_settings(start=_base())


def _folder(found: Settings) -> str:
    return str(found.dir if found.file else (_base() or Path()) / found.dir)


def _base() -> Path | None:
    base = getattr(settings, "BASE_DIR", None)
    return None if base is None else Path(base)
