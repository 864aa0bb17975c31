"""What every command needs: settings, migrations, a database, and where to print."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from pathlib import Path

from pgbraid.model.durations import parse_duration
from pgbraid.model.errors import ConfigError
from pgbraid.model.options import StopToken
from pgbraid.settings import environment
from pgbraid.settings.settings import Settings, has_password
from pgbraid.settings.settings_file import find_settings

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pgbraid.api import Migrator
    from pgbraid.cli.render import Output
    from pgbraid.model.options import ScratchServerConfig
    from pgbraid.postgres.client.conninfo import Target

__all__ = ["Context"]


@dataclass(frozen=True, slots=True)
class Context:
    """One call of a command."""

    arguments: argparse.Namespace
    output: Output
    stop: StopToken = field(default_factory=StopToken)
    """What a signal asks to stop."""
    found: dict[str, Settings] = field(default_factory=dict, repr=False)
    """The settings, once they are found."""

    def call(self) -> int:
        """Run the command and return its exit code."""
        command = self.arguments.command
        if command is None:
            raise ConfigError("no command given", hint="Run `pgbraid --help`.")
        module = import_module(f"pgbraid.cli.{command}")
        code: int = module.run(self)
        return code

    @property
    def settings(self) -> Settings:
        """The settings of the file, with the command line's in their place."""
        if "settings" not in self.found:
            names = [f.name for f in fields(Settings) if f.compare and f.name != "verify"]
            given = {name: getattr(self.arguments, name, None) for name in names}
            found = find_settings(getattr(self.arguments, "config", None))
            self._tell_of(found)
            self.found["settings"] = found.override(**given)
        return self.found["settings"]

    def _tell_of(self, settings: Settings) -> None:
        """Say which settings file is in use, and which ones are not although they are there."""
        for file in settings.passed_over:
            self.output.warn(
                "untrusted_settings",
                f"the settings file {file} is passed over: others own it or can write it",
                hint=f"To use it all the same, name it with --config {file}.",
            )
        self.output.settings = settings.file
        self.output.detail(f"settings: {settings.file or 'no file'}")

    def braid(self, settings: Settings | None = None) -> Migrator:
        """Return the migrations with their tracker."""
        from pgbraid.api import Migrator  # imports the driver
        from pgbraid.source.loader import load_migrations

        settings = settings or self.settings
        return Migrator(load_migrations(settings.dir, settings.links), settings, self._scratch())

    def _scratch(self) -> ScratchServerConfig:
        """Return where orders are replayed."""
        from pgbraid.model.options import ScratchServerConfig

        url = getattr(self.arguments, "scratch", None)
        if url is not None and has_password(url):
            self.output.warn(
                "password_shown",
                "the password on the command line can be read by every user of this machine",
                hint="Give the URL in PGBRAID_SCRATCH_URL.",
            )
        return ScratchServerConfig(
            url or environment.scratch_url(), environment.server_programs(), environment.cache_dir()
        )

    def read(self, file: str) -> str:
        """Return a text file's content. Raises ConfigError where it cannot be read."""
        try:
            return Path(file).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"cannot read {file}: {_reason(error)}",
                hint="Name a text file in UTF-8 that this user can read.",
            ) from None

    def write(self, file: str, text: str) -> None:
        """Write a text file. Raises ConfigError where that cannot be done."""
        try:
            Path(file).write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"cannot write {file}: {_reason(error)}",
                hint="Name a file that this user can write, in a folder that exists.",
            ) from None

    @contextmanager
    def both(self) -> Iterator[tuple[Migrator, Target]]:
        """Yield the migrations and the database, which is connected to while they are read."""
        if getattr(self.arguments, "embedded", None) is not None:
            braid = self.braid()
            with self.database() as target:
                yield braid, target
            return
        settings = self.settings
        from pgbraid.postgres.client.connection import BackgroundConnect  # imports the driver

        with self.database(settings) as target:
            opening = BackgroundConnect(target.parameters)
            try:
                yield self.braid(settings), replace(target, background_connect=opening)
            finally:
                opening.close()

    @contextmanager
    def database(self, settings: Settings | None = None) -> Iterator[Target]:
        """Yield the database that the command line, the environment or the settings name.

        An embedded server runs as long as the block lasts. Raises ConfigError where none is
        named.
        """
        from pgbraid.postgres.client.conninfo import parse_target  # imports the driver

        folder: str | bool | None = getattr(self.arguments, "embedded", None)
        named: str | None = getattr(self.arguments, "database", None)
        settings = settings or self.settings
        if folder is None:
            url, direct = self._url(named, settings)
            target = replace(parse_target(url, role=settings.role), direct=direct)
            self.output.detail(f"database: {target.label}")
            if target.tls_warning:
                self.output.warn(
                    "unverified_server",
                    target.tls_warning,
                    hint="Give sslmode=verify-full and sslrootcert=… in the URL, or set PGSSLMODE.",
                )
            yield replace(target, wait=self._wait(), on_first_failure=self.output.waiting)
            return
        if named is not None:
            raise ConfigError("--database and --embedded name two databases")
        if folder == "":
            raise ConfigError("--embedded is empty", hint="Leave the value out, or name a folder.")
        from pgbraid.postgres.server.embedded import embedded_server  # only where asked for
        from pgbraid.source.prelude import read_prelude

        with (
            environment.without_libpq_variables(),
            embedded_server(
                None if folder is True else Path(str(folder)),
                programs=environment.server_programs(),
                cache=environment.cache_dir(),
            ) as server,
        ):
            self.output.detail(
                f"database: {server.label}, its programs in {server.programs.folder}"
            )
            self.output.throw_away = folder is True
            from pgbraid.postgres.scratch.prelude import prepare_embedded

            prepare_embedded(server.conninfo, settings.role, read_prelude(settings.prelude))
            yield parse_target(server.conninfo, embedded=server.label, role=settings.role)

    def _wait(self) -> float:
        """Return how many seconds a server that is not there yet is waited for."""
        given = getattr(self.arguments, "wait", None)
        span = parse_duration(0 if given is None else given)
        if span is None:
            said = "a number of seconds, or a span such as 500ms, 2s or 10min"
            raise ConfigError(f"--wait must be {said}, not {given!r}")
        return span

    def _url(self, named: str | None, settings: Settings) -> tuple[str, bool]:
        """Return the URL of the command line, the environment, or the settings' direct one.

        With it comes whether it was named as a direct one. A direct URL goes before one that may
        lead to a pooler; that of the settings only to the same database. Raises ConfigError where
        no database is named, or two are.
        """
        direct: str | None = getattr(self.arguments, "direct_url", None)
        for option, value in (("--database", named), ("--direct-url", direct)):
            if value == "":
                hint = "Is the variable set that the URL comes from?"
                raise ConfigError(f"{option} is empty", hint=hint)
        given = direct or named
        if given is None:
            direct = environment.direct_url() or _past_a_pooler(settings)
        url = direct or named or environment.database_url()
        if url is None:
            raise ConfigError(
                "no database is named",
                hint="Set PGBRAID_DATABASE_URL, or give --database URL, or try --embedded.",
            )
        if given is not None and has_password(given):
            self.output.warn(
                "password_shown",
                "the password on the command line can be read by every user of this machine",
                hint="Give the URL in PGBRAID_DATABASE_URL, or the password in PGPASSWORD or a "
                ".pgpass file.",
            )
        return url, direct is not None


def _past_a_pooler(settings: Settings) -> str | None:
    """Return the direct URL of the settings, if there is one and nothing else is named.

    A settings file is committed: where the environment names another database, or another user,
    it is not the one that this run is about. Raises ConfigError then.
    """
    url, named = settings.direct_url, environment.database_url()
    if url is None or named is None:
        return url
    from pgbraid.postgres.client.conninfo import identity, parse_target

    direct, asked = identity(parse_target(url)), identity(parse_target(named))
    if direct != asked:
        raise ConfigError(
            f"direct_url of {settings.file} leads to database {direct[0]} as user {direct[1]}, and "
            f"the environment names database {asked[0]} as user {asked[1]}",
            detail="The direct URL of a settings file is a way past a pooler to the same database. "
            "Neither of the two was connected to.",
            hint="Name the one you mean in PGBRAID_DIRECT_URL or with --database, or take "
            "direct_url out of the settings.",
        )
    return url


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "it is not UTF-8"
