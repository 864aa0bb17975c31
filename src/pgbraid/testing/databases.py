"""The databases that the fixtures give to tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pgbraid.model.plan import Report

__all__ = ["DatabaseBefore", "MigratedDatabase"]


@dataclass(frozen=True, slots=True)
class MigratedDatabase:
    """A database of one test."""

    name: str
    parameters: Mapping[str, Any] = field(repr=False)
    """libpq's parameters to connect to it, such as ``host``, ``port``, ``user`` and ``dbname``."""

    @property
    def dsn(self) -> str:
        """Its URL, ``postgresql://…``."""
        return self.url()

    def url(self, driver: str | None = None) -> str:
        """Return its URL, for SQLAlchemy with a driver, such as ``asyncpg`` or ``psycopg``."""
        from pgbraid.postgres.client.urls import url_of  # noqa: PLC0415 - after the driver's import

        return url_of(self.parameters, driver)

    def connect(self, **options: Any) -> Any:  # noqa: ANN401 - the class depends on the options
        """Return a connection; the options are those of ``psycopg.connect``."""
        from pgbraid.postgres.clones.databases import connect_to  # noqa: PLC0415 - as above

        return connect_to(self.parameters, options)


@dataclass(frozen=True, slots=True)
class DatabaseBefore(MigratedDatabase):
    """A database with the migrations below one version."""

    version: int = 0
    _up: Callable[[str, int], Report] = field(repr=False, compare=False, kw_only=True)

    def up(self) -> Report:
        """Apply the migration of that version. Raises the errors of ``Migrator.up``."""
        return self._up(self.dsn, self.version)
