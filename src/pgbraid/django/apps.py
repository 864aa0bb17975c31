"""The application that Django loads from INSTALLED_APPS."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks

from pgbraid.django.system_check import check_migrations

__all__ = ["PgbraidConfig"]


class PgbraidConfig(AppConfig):
    """The application ``pgbraid``."""

    name = "pgbraid.django"
    label = "pgbraid"

    def ready(self) -> None:
        """Register the system check."""
        checks.register(check_migrations, checks.Tags.database)
