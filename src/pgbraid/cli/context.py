"""One call of a command: its settings, migrations, database and output."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from pathlib import Path

from pgbraid.cli import connection_warnings
from pgbraid.model.errors import ConfigError
from pgbraid.model.options import StopToken
from pgbraid.model.units import parse_duration
from pgbraid.settings import environment
from pgbraid.settings.passwords import has_password
from pgbraid.settings.settings import Settings
from pgbraid.settings.settings_file import find_settings

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

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
    """Set by a signal to stop the run."""
    cache: dict[str, Settings] = field(default_factory=dict, repr=False)
    """The settings, after the first read: a slotted value has no other place to keep them."""

    def call(self) -> int:
        """Run the command and return its exit code."""
        command = self.arguments.command
        if command is None:
            raise ConfigError("no command given", hint="Run `pgbraid --help`.")
        module = import_module(f"pgbraid.cli.commands.{command}")
        file: str | None = getattr(self.arguments, "env_file", None)
        with nullcontext() if file is None else self._variables_of(file):
            code: int = module.run(self)
        return code

    def _variables_of(self, file: str) -> AbstractContextManager[None]:
        from pgbraid.cli.env_file import variables_of

        return variables_of(file, self.output)

    @property
    def settings(self) -> Settings:
        """The settings of the file, overridden by the options of the command line."""
        if "settings" not in self.cache:
            names = [f.name for f in fields(Settings) if f.compare and f.name != "verify"]
            given = {name: getattr(self.arguments, name, None) for name in names}
            settings = find_settings(getattr(self.arguments, "config", None))
            self._report_files(settings)
            self.cache["settings"] = settings.override(**given)
        return self.cache["settings"]

    def _report_files(self, settings: Settings) -> None:
        """Report the settings file in use, and warn about files that are not trusted."""
        for file in settings.passed_over:
            self.output.warn(
                "untrusted_settings",
                f"the settings file {file} is ignored: another user owns it or can write to it",
                hint=f"To use it anyway, name it with --config {file}.",
            )
        self.output.settings = settings.file
        self.output.detail(f"settings: {settings.file or 'no file'}")

    def migrator(self, settings: Settings | None = None) -> Migrator:
        """Return the migrations with their settings."""
        from pgbraid.api import Migrator  # imports the driver
        from pgbraid.source.loader import load_migrations

        settings = settings or self.settings
        return Migrator(load_migrations(settings.dir, settings.links), settings, self._scratch())

    def _scratch(self) -> ScratchServerConfig:
        """Return the server on which migrations are replayed."""
        from pgbraid.model.options import ScratchServerConfig

        url = getattr(self.arguments, "scratch", None)
        if url is not None and has_password(url):
            self.output.warn(
                "password_shown",
                "every user of this machine can read the password on the command line",
                hint="Give the URL in PGBRAID_SCRATCH_URL.",
            )
        return ScratchServerConfig(
            url or environment.scratch_url(), environment.server_programs(), environment.cache_dir()
        )

    def read(self, file: str) -> str:
        """Return the content of a text file. Raises ConfigError if it cannot be read."""
        try:
            return Path(file).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"cannot read {file}: {_reason(error)}",
                hint="Name a text file in UTF-8 that this user can read.",
            ) from None

    def write(self, file: str, text: str) -> None:
        """Write a text file. Raises ConfigError if it cannot be written."""
        try:
            Path(file).write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"cannot write {file}: {_reason(error)}",
                hint="Name a file that this user can write, in a folder that exists.",
            ) from None

    def check_folder_of(self, file: str) -> None:
        """Raise ConfigError if a file cannot be written because it or its folder is unfit."""
        path = Path(file)
        reasons = (
            (not file or path.is_dir(), "it is a folder"),
            (not path.parent.is_dir(), f"{path.parent} is not a folder"),
            (
                not (path.exists() or os.access(path.parent, os.W_OK)),
                "this user may not write into its folder",
            ),
        )
        reason = next((reason for is_so, reason in reasons if is_so), None)
        if reason is not None:
            raise ConfigError(
                f"cannot write {file or 'a file without a name'}: {reason}",
                hint="Name a file that this user can write, in a folder that exists.",
            )

    def replace_file(self, file: str, text: str) -> None:
        """Write a text file and replace an existing one at once: a reader sees one of the two.

        Raises ConfigError if it cannot be written.
        """
        path = Path(file)
        if path.is_symlink() or (path.exists() and not path.is_file()):
            self.write(file, text)  # a link or a device, such as /dev/stdout, stays
            return
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            temporary.write_text(text, encoding="utf-8", newline="\n")
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise ConfigError(
                f"cannot write {file}: {_reason(error)}",
                hint="Name a file that this user can write, in a folder that exists.",
            ) from None

    @contextmanager
    def project_and_database(self) -> Iterator[tuple[Migrator, Target]]:
        """Yield the migrations and the database; the files are read while the connection opens."""
        if getattr(self.arguments, "embedded", None) is not None:
            migrator = self.migrator()
            with self.database() as target:
                yield migrator, target
            return
        settings = self.settings
        from pgbraid.postgres.client.background_connect import (
            BackgroundConnect,  # imports the driver
        )

        with self.database(settings) as target:
            opening = BackgroundConnect(target.parameters)
            try:
                yield self.migrator(settings), replace(target, background_connect=opening)
            finally:
                opening.close()

    @contextmanager
    def database(self, settings: Settings | None = None) -> Iterator[Target]:
        """Yield the database named by the command line, the environment or the settings.

        An embedded server runs until the block ends. Raises ConfigError if no database is named.
        """
        from pgbraid.postgres.client.conninfo import parse_target  # imports the driver

        folder: str | bool | None = getattr(self.arguments, "embedded", None)
        named: str | None = getattr(self.arguments, "database", None)
        settings = settings or self.settings
        if folder is None:
            url, direct = self._url(named, settings)
            target = replace(parse_target(url, role=settings.role), direct=direct)
            self.output.detail(f"database: {target.label}")
            connection_warnings.unverified_server(self.output, target.tls_warning)
            yield replace(target, wait=self._wait(), on_first_failure=self.output.waiting)
            return
        if named is not None:
            raise ConfigError("--database and --embedded name two different databases")
        if folder == "":
            raise ConfigError("--embedded is empty", hint="Leave the value out, or name a folder.")
        from pgbraid.postgres.server.embedded import embedded_server  # only where asked for
        from pgbraid.source.content import read_prelude

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
            self.output.temporary_server = folder is True
            from pgbraid.postgres.scratch.prelude import prepare_embedded

            prepare_embedded(server.conninfo, settings.role, read_prelude(settings.prelude))
            yield parse_target(server.conninfo, embedded=server.label, role=settings.role)

    def _wait(self) -> float:
        """Return how many seconds to wait for a server that does not accept connections yet."""
        given = getattr(self.arguments, "wait", None)
        if given is None:
            return 0.0
        span = parse_duration(given)
        if span is None:
            expected = "a number of seconds, or a span such as 500ms, 2s or 10min"
            raise ConfigError(f"--wait must be {expected}, not {given!r}")
        return span

    def _url(self, named: str | None, settings: Settings) -> tuple[str, bool]:
        """Return the URL to connect to, and whether it is a direct URL that bypasses a pooler.

        A direct URL takes precedence over the database URL. The direct URL of a settings file must
        lead to the same database as the environment. Raises ConfigError if no database is named, or
        if two different databases are.
        """
        direct: str | None = getattr(self.arguments, "direct_url", None)
        for option, value in (("--database", named), ("--direct-url", direct)):
            if value == "":
                hint = "Check that the variable with the URL is set."
                raise ConfigError(f"{option} is empty", hint=hint)
        given = direct or named
        if given is None:
            direct = environment.direct_url() or _direct_url(settings)
        url = direct or named or environment.database_url()
        if url is None:
            raise ConfigError(
                "no database is named",
                hint="Set PGBRAID_DATABASE_URL, or give --database URL, or try --embedded.",
            )
        connection_warnings.shown_password(self.output, given)
        return url, direct is not None


def _direct_url(settings: Settings) -> str | None:
    """Return the direct URL of the settings, or None if they have none.

    Raises ConfigError if the environment names another database or another user. A settings file
    is committed, so its direct URL may belong to another environment than this run.
    """
    url, named = settings.direct_url, environment.database_url()
    if url is None or named is None:
        return url
    from pgbraid.postgres.client.conninfo import identity, parse_target

    direct, expected = identity(parse_target(url)), identity(parse_target(named))
    if direct != expected:
        raise ConfigError(
            f"direct_url of {settings.file} leads to database {direct[0]} as user {direct[1]}, and "
            f"the environment names database {expected[0]} as user {expected[1]}",
            detail="The direct URL of a settings file bypasses a pooler in front of the same "
            "database. pgbraid connected to neither of the two.",
            hint="Name the right database in PGBRAID_DIRECT_URL or with --database, or remove "
            "direct_url from the settings.",
        )
    return url


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "it is not UTF-8"
