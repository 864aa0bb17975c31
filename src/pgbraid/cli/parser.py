"""The command line's grammar."""

from __future__ import annotations

import argparse
from importlib import import_module

from pgbraid._version import __version__
from pgbraid.cli.commands import COMMANDS, Command, find
from pgbraid.model.errors import ConfigError

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

__all__ = [
    "add_accept",
    "add_limits",
    "add_only_schema",
    "add_scratch",
    "parse_arguments",
    "version_number",
]

_DESCRIPTION = """\
Applies plain .sql migrations to PostgreSQL. It remembers the set of applied versions, not the
highest one: a migration that merges late is a gap, and the next up applies it."""
_EPILOG = """\
The database is --database, else PGBRAID_DATABASE_URL, else DATABASE_URL, else libpq's PG*.
Settings are read from pgbraid.toml or [tool.pgbraid] in pyproject.toml.

Exit codes: 0 done or yes, 1 the answer is no, 2 usage, 3 a migration failed, 4 no connection, no
lock, or an answer that could not be written, 129, 130 and 143 stopped."""


class _Parser(argparse.ArgumentParser):
    """Raises a usage error instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(message)


class _Formatter(argparse.HelpFormatter):
    """Wraps each paragraph of a description at the terminal's width, or that of COLUMNS."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.strip().split("\n\n")
        filled = (super(_Formatter, self)._fill_text(p, width, indent) for p in paragraphs)
        return "\n\n".join(filled)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the arguments as a namespace; ``command`` is None where none was named.

    Raises ConfigError for what is not in the grammar. ``--help`` and ``--version`` print and
    end the process, as in every other tool.
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
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", prog="pgbraid"
    )  # not asked for
    for command in COMMANDS:
        _add_command(commands, command, whole=command is chosen)
    try:
        return parser.parse_args(words)
    except ConfigError as error:
        asked = commands.choices[chosen.name] if chosen else parser
        raise _explained(error, words, parser, asked, chosen) from None


def _explained(
    error: ConfigError,
    words: list[str],
    parser: argparse.ArgumentParser,
    asked: argparse.ArgumentParser,
    chosen: Command | None,
) -> ConfigError:
    """Return the error with the nearest option or command, where a word is neither.

    An option that is not known goes first: its value would be taken for a command.
    """
    import difflib
    import re

    known = re.findall(r"--[a-z][a-z-]*", parser.format_help() + asked.format_help())
    given = [word.partition("=")[0] for word in words[: (*words, "--").index("--")]]
    wrong = next((word for word in given if word[:2] == "--" and word not in known), None)
    names = sorted(known)
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
    """Add a command, and its options only where it is the one called."""
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
    """Add the options that stand before the command or behind it."""
    unset: Any = argparse.SUPPRESS
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--database", metavar="URL", default=unset, help="the database to migrate")
    parser.add_argument(
        "--direct-url",
        metavar="URL",
        default=unset,
        help="the way past a connection pooler; goes before --database",
    )
    target.add_argument(
        "--embedded",
        metavar="DIR",
        nargs="?",
        const=True,
        default=unset,
        help="an embedded PostgreSQL, its data in DIR; without DIR a throw-away one",
    )
    _add_settings(parser)
    parser.add_argument(
        "--json", action="store_true", default=unset, help="print one JSON document"
    )
    volume = parser.add_mutually_exclusive_group()
    volume.add_argument(
        "-v", "--verbose", action="store_true", default=unset, help="say more: server, codes, lock"
    )
    volume.add_argument(
        "-q", "--quiet", action="store_true", default=unset, help="print nothing but problems"
    )


def _add_settings(parser: argparse._ActionsContainer) -> None:
    """Add the options that stand for settings."""
    unset: Any = argparse.SUPPRESS
    for name, metavar, text in (
        ("--dir", "DIR", "the folder of migrations (migrations)"),
        ("--schema", "SCHEMA", "the tracker's schema (public)"),
        ("--table", "TABLE", "the tracker's table (applied_migrations)"),
        ("--config", "FILE", "the settings file"),
        ("--lock-wait", "TIME", "how long to wait for another run to end (10min)"),
        (
            "--wait",
            "TIME",
            "how long to wait for a server that is not there yet or is starting (0)",
        ),
        ("--role", "ROLE", "the role to be, as SET ROLE; it owns what is made"),
        ("--search-path", "SCHEMAS", "the schemas in which migrations look up and create objects"),
    ):
        parser.add_argument(name, metavar=metavar, default=unset, help=text)
    parser.add_argument(
        "--ledgers",
        choices=("one", "many"),
        default=unset,
        help="whether each of several schemas of the database has these migrations (one)",
    )
    parser.add_argument(
        "--session-pooler",
        action="store_true",
        default=unset,
        help="say that a connection pooler gives each client a session of its own",
    )
    parser.add_argument(
        "--no-adopt",
        action="store_const",
        const=False,
        dest="adopt",
        default=unset,
        help="leave other tools' tables alone, where they are another application's",
    )


def _close_optional_value(words: list[str]) -> list[str]:
    """Keep ``--embedded`` from taking the command's name for its folder: put it last."""
    names = {command.name for command in COMMANDS}
    for index, word in enumerate(words[:-1]):
        if word == "--embedded" and words[index + 1] in names:
            return [*words[:index], *words[index + 1 :], word]
    return words


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command that runs migrations: how long it waits for what."""
    for name, text in (
        ("--lock-timeout", "how long a statement waits for a lock, and others behind it (500ms)"),
        ("--retry-for", "how long a migration is tried again that got no lock in time (10min)"),
        ("--statement-timeout", "how long a statement may take (0: as long as it takes)"),
        ("--commit-wait", "how long a commit waits for a synchronous standby (1min)"),
    ):
        parser.add_argument(name, metavar="TIME", default=argparse.SUPPRESS, help=text)


def add_accept(parser: argparse.ArgumentParser) -> None:
    """Add the option of a command that proves: which verdicts are no failure."""
    parser.add_argument(
        "--accept",
        metavar="VERDICT",
        action="append",
        choices=("column-order", "enum-order", "different"),
        default=argparse.SUPPRESS,
        help="a verdict of a proof that is no failure, such as column-order (may be repeated)",
    )


def add_only_schema(parser: argparse.ArgumentParser) -> None:
    """Add the option of a command that may look at some schemas only."""
    parser.add_argument(
        "--only-schema",
        metavar="SCHEMA",
        action="append",
        default=[],
        help="leave every other schema out (may be repeated)",
    )


def add_scratch(parser: argparse.ArgumentParser) -> None:
    """Add the option of a command that replays migrations."""
    parser.add_argument(
        "--scratch",
        metavar="URL",
        default=argparse.SUPPRESS,
        help="a server to make scratch databases on (an embedded, throw-away one)",
    )


def version_number(text: str) -> int:
    """Return a version given on the command line, for argparse."""
    from pgbraid.source.filenames import parse_version

    version = parse_version(text.partition("_")[0])
    if version is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a version number")
    return version
