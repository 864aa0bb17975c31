"""The recipe of a template: everything that it depends on, and how it is filled."""

from __future__ import annotations

import difflib
import logging
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid._version import __version__
from pgbraid.model.errors import ConfigError, MigrationFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pgbraid.api import Migrator
    from pgbraid.model.migration import Migration
    from pgbraid.postgres.clones.clone_server import CloneServer

__all__ = ["Recipe", "recipe_before", "recipe_of"]

_FORMAT = "2"
"""Changes when a template made by the same files would differ."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a template is filled: the migrations up to a version, then the seeds.

    ``below`` is the version before which the migrations stop; None for all of them.
    """

    migrator: Migrator
    seeds: tuple[tuple[str, str], ...] = ()
    """Path and text of each file."""
    below: int | None = None
    key: str = field(init=False)
    """A sha256 of everything that the template depends on, besides the server."""

    def __post_init__(self) -> None:
        """Compute the key. Raises ConfigError if the prelude cannot be read."""
        content = sha256()
        for part in self._parts():
            data = part.encode()
            content.update(f"{len(data)}:".encode() + data)
        object.__setattr__(self, "key", content.hexdigest())

    def _parts(self) -> Iterable[str]:
        settings = self.migrator.settings
        yield f"{_FORMAT} {__version__}"
        for each in fields(settings):
            if each.compare and each.name not in {"dir", "links", "direct_url"}:
                yield f"{each.name}={getattr(settings, each.name)!r}"
        if settings.prelude is not None:
            yield _text_of("prelude", settings.prelude)
        for migration in self._migrations():
            yield f"{migration.version} {migration.name} {migration.checksum}"
        for path, text in self.seeds:
            yield path
            yield text

    def _migrations(self) -> list[Migration]:
        found = self.migrator.migrations.migrations
        return [m for m in found if self.below is None or m.version < self.below]

    def fill(self, server: CloneServer, name: str) -> None:
        """Run prelude, migrations and seeds in an empty database.

        On an exclusive server the roles that the migrations expect are created. Raises ConfigError
        and the errors of ``Migrator.up``.
        """
        from pgbraid.postgres.clones import scripts  # noqa: PLC0415 - needs the driver

        settings = self.migrator.settings
        if server.exclusive and settings.role is not None:
            scripts.create_role(server, settings.role, login=True)
            scripts.own_database(server, name, settings.role)
        if settings.prelude is not None:
            text = _text_of("prelude", settings.prelude)
            scripts.run_script(server, name, settings.prelude, text)
        migrations = self._migrations()
        if migrations or self.below is None:
            self._up(server, name, migrations)
        for path, text in self.seeds:
            scripts.run_script(server, name, path, text, settings.search_path)

    def _up(self, server: CloneServer, name: str, migrations: Sequence[Migration]) -> None:
        from pgbraid.postgres.clones import scripts  # noqa: PLC0415 - needs the driver

        to = migrations[-1].version if self.below is not None else None
        provided: set[str] = set()
        while True:
            try:
                with _failures_unlogged():
                    self.migrator.up(server.conninfo_of(name), to=to)
            except MigrationFailed as error:
                role = scripts.missing_role(error.diagnostic) if server.exclusive else None
                if role is None or role in provided or error.incomplete:
                    raise
                # It existed on production before the first migration, or a platform provides it.
                provided.add(role)
                scripts.create_role(server, role)
            else:
                return


@contextmanager
def _failures_unlogged() -> Iterator[None]:
    """Log no failure of a run: it is raised, or it is about a role that is made then."""
    logger = logging.getLogger("pgbraid")

    def passes(record: logging.LogRecord) -> bool:
        return record.levelno < logging.ERROR

    logger.addFilter(passes)
    try:
        yield
    finally:
        logger.removeFilter(passes)


def recipe_of(migrator: Migrator, seeds: Iterable[str]) -> Recipe:
    """Return how a database with all migrations is made. Raises ConfigError."""
    return Recipe(migrator, tuple((path, _text_of("pgbraid_seeds", path)) for path in seeds))


def recipe_before(migrator: Migrator, version: int) -> Recipe:
    """Return how a database with the migrations below a version is made.

    Raises ConfigError if no migration has the version.
    """
    versions = [m.version for m in migrator.migrations.migrations]
    if version not in versions:
        near = sorted(sorted(versions, key=lambda v: abs(v - version))[:3])
        similar = difflib.get_close_matches(str(version), [str(v) for v in versions], 1)
        shown = ", ".join(str(v) for v in sorted({*near, *(int(v) for v in similar)}))
        raise ConfigError(
            f"no migration of {migrator.migrations.label} has the version {version}",
            hint=f"The nearest versions are {shown}." if shown else "There are no migrations.",
        )
    return Recipe(migrator, (), version)


def _text_of(setting: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(
            f"cannot read {path}: {reason}",
            hint=f"Correct `{setting}`, then run the tests again.",
        ) from None
