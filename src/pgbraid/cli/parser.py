"""The commands and the grammar of the command line. A command's module is imported if called."""

from __future__ import annotations

import argparse
from importlib import import_module

from pgbraid._version import __version__
from pgbraid.model.errors import ConfigError

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

__all__ = [
    "COMMANDS",
    "FORMATS",
    "Command",
    "add_accept",
    "add_format",
    "add_limits",
    "add_only_schema",
    "add_scratch",
    "find",
    "parse_arguments",
    "version_number",
]

FORMATS = ("text", "json", "github", "gitlab", "sarif")
"""The output formats of ``check`` and ``lint``."""

_DESCRIPTION = """\
pgbraid applies plain .sql migrations to PostgreSQL. It records every applied version, not only the
highest one. A migration that is merged out of order is a gap, and the next up applies it."""
_EPILOG = """\
The database is --database, else PGBRAID_DATABASE_URL, else DATABASE_URL, else libpq's PG*
variables. Settings are read from pgbraid.toml or [tool.pgbraid] in pyproject.toml.

Exit codes: 0 done, or a check or comparison says yes; 1 it says no, or problems of the files or
the ledger do not allow a run; 2 wrong usage or settings, or nothing to do for the named version;
3 a migration failed; 4 no connection, a server or pooler that cannot be used, no lock, the server
rejected a statement of pgbraid, prove could compare nothing, or the result could not be written;
70 an internal error; 129, 130 and 143 stopped by a signal."""


class _Parser(argparse.ArgumentParser):
    """A parser that raises ConfigError instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(message)


class _Formatter(argparse.HelpFormatter):
    """A formatter that wraps each paragraph of a description at the width of the terminal."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.strip().split("\n\n")
        filled = (super(_Formatter, self)._fill_text(p, width, indent) for p in paragraphs)
        return "\n\n".join(filled)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the arguments as a namespace; ``command`` is None if no command is named.

    Raises ConfigError for wrong usage. ``--help`` and ``--version`` print and end the process.
    """
    words = _close_optional_value(list(arguments))
    chosen = find(words)
    parser = _Parser(
        prog="pgbraid",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pgbraid {__version__}")
    _add_globals(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", prog="pgbraid")
    for command in COMMANDS:
        _add_command(commands, command, whole=command is chosen)
    try:
        return parser.parse_args(words)
    except ConfigError as error:
        subparser = commands.choices[chosen.name] if chosen else parser
        raise _explained(error, words, parser, subparser, chosen) from None


def _explained(
    error: ConfigError,
    words: list[str],
    parser: argparse.ArgumentParser,
    subparser: argparse.ArgumentParser,
    chosen: Command | None,
) -> ConfigError:
    """Return the error with the most similar option or command as its hint.

    An unknown option is reported before an unknown command: argparse takes the value that follows
    the option for the command.
    """
    import difflib
    import re

    options = re.findall(r"--[a-z][a-z-]*", parser.format_help() + subparser.format_help())
    given = [word.partition("=")[0] for word in words[: (*words, "--").index("--")]]
    wrong = next((word for word in given if word[:2] == "--" and word not in options), None)
    names = sorted(options)
    if wrong is not None:
        error = ConfigError(f"unknown option {wrong}")
    elif chosen is None and (match := re.search(r"invalid choice: '(.*?)'", error.message)):
        wrong, names = match[1], [command.name for command in COMMANDS]
        error = ConfigError(f"unknown command {wrong!r}")
    near = difflib.get_close_matches(wrong, names, 1) if wrong else []
    meant = f"Did you mean {near[0]}? " if near else ""
    run = f"pgbraid {chosen.name} --help" if chosen else "pgbraid --help"
    error.hint = f"{meant}Run `{run}`."
    return error


def _add_command(
    commands: argparse._SubParsersAction[Any], command: Command, *, whole: bool
) -> None:
    """Add a command. Only the called command is imported for its options."""
    if not whole:
        commands.add_parser(command.name, help=command.summary)
        return
    module = import_module(command.module)
    parser = commands.add_parser(
        command.name,
        help=command.summary,
        description=module.__doc__,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    _add_globals(parser.add_argument_group("global options"))


def _add_globals(parser: argparse._ActionsContainer) -> None:
    """Add the options that every command has; they may stand before or after the command."""
    unset: Any = argparse.SUPPRESS
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--database", metavar="URL", default=unset, help="the database to migrate")
    parser.add_argument(
        "--direct-url",
        metavar="URL",
        default=unset,
        help="a URL that bypasses the connection pooler; takes precedence over --database",
    )
    target.add_argument(
        "--embedded",
        metavar="DIR",
        nargs="?",
        const=True,
        default=unset,
        help="an embedded PostgreSQL with its data in DIR; without DIR a temporary one",
    )
    parser.add_argument(
        "--env-file",
        metavar="FILE",
        default=unset,
        help="read PGBRAID_*, DATABASE_URL and PG* from this file, such as .env, too",
    )
    _add_settings(parser)
    parser.add_argument(
        "--json", action="store_true", default=unset, help="print one JSON document"
    )
    volume = parser.add_mutually_exclusive_group()
    volume.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=unset,
        help="print more: the database, SQLSTATEs, the context of notices",
    )
    volume.add_argument(
        "-q", "--quiet", action="store_true", default=unset, help="print only errors"
    )


def _add_settings(parser: argparse._ActionsContainer) -> None:
    """Add the options that override settings."""
    unset: Any = argparse.SUPPRESS
    for name, metavar, text in (
        ("--dir", "DIR", "the folder of migrations (migrations)"),
        ("--schema", "SCHEMA", "the schema of the ledger (public)"),
        ("--table", "TABLE", "the table of the applied set (applied_migrations)"),
        ("--config", "FILE", "the settings file"),
        ("--lock-wait", "TIME", "how long to wait while another run holds the lock (10min)"),
        (
            "--wait",
            "TIME",
            "how long to wait for a server that does not accept connections yet (0)",
        ),
        (
            "--role",
            "ROLE",
            "the role of the session, as with SET ROLE; it owns the created objects",
        ),
        (
            "--search-path",
            "SCHEMAS",
            "the schemas in which migrations look up and create unqualified names",
        ),
    ):
        parser.add_argument(name, metavar=metavar, default=unset, help=text)
    parser.add_argument(
        "--ledgers",
        choices=("one", "many"),
        default=unset,
        help="one (the default): one ledger of these migrations in the database; many: one per "
        "schema",
    )
    parser.add_argument(
        "--session-pooler",
        action="store_true",
        default=unset,
        help="declare that the connection pooler uses session pooling",
    )
    parser.add_argument(
        "--no-adopt",
        action="store_const",
        const=False,
        dest="adopt",
        default=unset,
        help="never adopt another tool's history: use it if that tool's table belongs to another "
        "application",
    )


def _close_optional_value(words: list[str]) -> list[str]:
    """Move ``--embedded`` to the end if a command follows: argparse would take it for DIR."""
    names = {command.name for command in COMMANDS}
    for index, word in enumerate(words[:-1]):
        if word == "--embedded" and words[index + 1] in names:
            return [*words[:index], *words[index + 1 :], word]
    return words


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add the timeouts of a command that runs migrations."""
    for name, text in (
        ("--lock-timeout", "how long a statement waits for a lock (500ms; 0: no limit)"),
        ("--retry-for", "how long to retry a migration after a lock timeout or deadlock (10min)"),
        (
            "--statement-timeout",
            (
                "how long a statement may take (0, no limit); not for CREATE INDEX, DROP INDEX and "
                "REINDEX with CONCURRENTLY: there use the directive statement-timeout"
            ),
        ),
        ("--commit-wait", "how long a commit waits for a synchronous standby (1min)"),
    ):
        parser.add_argument(name, metavar="TIME", default=argparse.SUPPRESS, help=text)


def add_accept(parser: argparse.ArgumentParser) -> None:
    """Add the option that lists the verdicts which do not fail a proof."""
    parser.add_argument(
        "--accept",
        metavar="VERDICT",
        action="append",
        choices=("column-order", "enum-order", "different"),
        default=argparse.SUPPRESS,
        help="a verdict that does not fail the proof; the verdict `different` includes every "
        "difference, but not an order that fails (may be repeated)",
    )


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add the option that chooses the format of a report."""
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="the output: text, the document of --json, annotations of GitHub Actions, a Code "
        "Quality report of GitLab, or SARIF",
    )


def add_only_schema(parser: argparse.ArgumentParser) -> None:
    """Add the option that limits a comparison to some schemas."""
    parser.add_argument(
        "--only-schema",
        metavar="SCHEMA",
        action="append",
        default=[],
        help="include only this schema (may be repeated)",
    )


def add_scratch(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the scratch server."""
    parser.add_argument(
        "--scratch",
        metavar="URL",
        default=argparse.SUPPRESS,
        help="the server for scratch databases (a temporary embedded one)",
    )


def version_number(text: str) -> int:
    """Return the version that a word of the command line names, for argparse."""
    from pgbraid.source.filenames import parse_version

    version = parse_version(text.partition("_")[0])
    if version is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a version number")
    return version


class Command:
    """A command: its name, and its line in ``--help``."""

    __slots__ = ("name", "summary")

    def __init__(self, name: str, summary: str) -> None:
        self.name = name
        self.summary = summary

    @property
    def module(self) -> str:
        """The module with its ``add_arguments`` and ``run``."""
        return f"pgbraid.cli.commands.{self.name}"


COMMANDS: tuple[Command, ...] = (
    Command("up", "apply all pending migrations, gaps included"),
    Command("plan", "show what up would do"),
    Command("status", "show the state of every version"),
    Command("prove", "compare the results of an out-of-order history and of a fresh database"),
    Command("drift", "find schema changes that no migration made"),
    Command("report", "write one HTML page: the two orders, runs, waits, proof, drift"),
    Command("snapshot", "write the schema of a database as stable text, or compare it"),
    Command("sizes", "read the sizes of the tables of production, for lint"),
    Command("lint", "find the hazards of migrations for production"),
    Command("check", "verify that the applied migrations match the files"),
    Command("wait", "wait until another process has applied all migrations"),
    Command("sum", "write the checksums of all files to pgbraid.sum"),
    Command("squash", "replace the migrations up to a version by one proven file"),
    Command("new", "create the next migration file"),
    Command("renumber", "give the new migrations of a branch versions above those of its base"),
    Command("repair", "accept files that changed after they were applied"),
    Command("baseline", "record migrations as applied without running them"),
    Command("adopt", "record another tool's history as applied"),
    Command("convert", "write another tool's migrations as files of pgbraid"),
    Command("export", "record the applied migrations in another tool's table"),
    Command("resume", "resume an incomplete non-transactional migration"),
    Command("undo", "run the down file of one version"),
    Command("server", "run an embedded PostgreSQL that stays, for psql and applications"),
    Command("demo", "show an out-of-order merge on an embedded PostgreSQL"),
)

_VALUED = frozenset(
    {
        *("--database", "--direct-url", "--dir", "--schema", "--table", "--config", "--role"),
        *(
            "--scratch",
            "--gaps",
            "--hazards",
            "--accept",
            "--wait",
            "--timeout",
            "--format",
            "--base",
        ),
        *("--port", "--env-file", "--fail-on", "--output", "--queries", "--sizes"),
        *("--lock-wait", "--lock-timeout", "--statement-timeout", "--retry-for", "--commit-wait"),
    }
)


def find(arguments: list[str]) -> Command | None:
    """Return the called command: the first command name that is not the value of an option."""
    names = {command.name: command for command in COMMANDS}
    before = ["", *arguments]
    words = (word for word, last in zip(arguments, before, strict=False) if last not in _VALUED)
    return next((names[word] for word in words if word in names), None)
