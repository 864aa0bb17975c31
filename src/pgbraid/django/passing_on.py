"""A management command that passes its options on to a command of pgbraid."""

from __future__ import annotations

import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, handle_default_options

from pgbraid.cli import main
from pgbraid.django.project import database_url_of, project_words
from pgbraid.model.errors import ConfigError
from pgbraid.settings.environment import named_database

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.management.base import CommandParser

__all__ = ["PassingCommand"]

_VOLUME = {0: ["--quiet"], 2: ["--verbose"], 3: ["--verbose"]}


class PassingCommand(BaseCommand):
    """Runs one command of pgbraid on the database of an alias, with the options that follow."""

    command = ""
    """The name of pgbraid's command."""
    requires_system_checks = ()
    _leaves_unknown = False
    """Whether the parser leaves options of pgbraid over, in their order."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the alias, and the options of pgbraid."""
        parser.allow_abbrev = False
        parser.add_argument("--database", metavar="ALIAS", default="default")
        if self._leaves_unknown:
            return
        parser.add_argument(
            "words", nargs="*", metavar="OPTION", help=f"an option of `pgbraid {self.command}`"
        )

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command, and end with the exit code of pgbraid if it is not 0."""
        self._leaves_unknown = True
        parser = self.create_parser(argv[0], argv[1])
        known, words = parser.parse_known_args(argv[2:])
        handle_default_options(known)
        try:
            code = self._call(known.database, words, known.verbosity)
        except CommandError as error:
            sys.exit(f"CommandError: {error}")
        if code:
            sys.exit(code)

    def handle(self, *_: object, **options: Any) -> None:  # noqa: ANN401 - Django's own options
        """Run the command for ``call_command``. Raises CommandError with the exit code."""
        with ExitStack() as stack:
            if options.get("stdout"):
                stack.enter_context(redirect_stdout(options["stdout"]))
            if options.get("stderr"):
                stack.enter_context(redirect_stderr(options["stderr"]))
            code = self._call(options["database"], options["words"], options["verbosity"])
        if code:
            message = f"pgbraid {self.command} ended with exit code {code}"
            raise CommandError(message, returncode=code)

    def _call(self, alias: str, words: Sequence[str], verbosity: int) -> int:
        volume = _VOLUME.get(verbosity, [])
        direct = alias == "default"  # PGBRAID_DIRECT_URL leads to one database only
        try:
            url, project = database_url_of(alias), project_words()
        except ConfigError as error:
            raise CommandError(f"{error.message}. {error.hint}") from None
        with named_database(url, direct=direct):
            return main([self.command, *project, *volume, *words])
