"""Reads the migrations of another tool's folder, or lets the tool itself print them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgbraid.importers import tools
from pgbraid.importers.formats.reading import text_name
from pgbraid.importers.formats.tool import ForeignFile, ForeignMigration
from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.migration import Location, Problem
from pgbraid.source.files import read_error_reason
from pgbraid.sql.tool_text import directives_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.importers.formats.tool import Tool

__all__ = ["named_tool", "read_foreign_migrations"]

_SUFFIXES = frozenset({".sql", ".conf", ".toml", ".json", ".plan"})
_SKIPPED = frozenset({".git", "node_modules", "__pycache__", ".venv", "venv", "target"})
_LARGEST = 64_000_000
_SCRIPT_SECONDS = 300


def named_tool(name: str) -> Tool:
    """Return the tool with a name. Raises ConfigError if there is none."""
    tool = tools.tool_named(name)
    if tool is None:
        names = ", ".join(tools.NAMES)
        raise ConfigError(f"no migration tool is called {name!r}", hint=f"Known are {names}.")
    return tool


def read_foreign_migrations(
    tool: Tool, folder: Path, python: str | None = None
) -> tuple[ForeignMigration, ...]:
    """Return a tool's migrations in the order in which the tool runs them.

    ``python`` is the interpreter of the project, for a tool whose migrations are Python. Raises
    ConfigError if the folder is missing, or if the tool's migrations are not SQL and it cannot
    print them. Raises ProblemsFound for files that cannot be read.
    """
    if not folder.is_dir():
        raise ConfigError(
            f"the folder {str(folder)!r} does not exist or is not a folder",
            hint=f"Name the folder with the migrations of {tool.tool}.",
        )
    if tool.program is not None:
        return _printed(tool, folder, python or sys.executable)
    if tool.files is None:
        raise ConfigError(
            f"the migrations of {tool.tool} are not SQL, so pgbraid cannot convert them",
            hint="Write a file NNN_name.sql for each version, with the SQL that it runs: `pgbraid "
            "adopt` then finds it by its number. Or dump the schema of a migrated database with "
            "`pg_dump --schema-only` into one migration, and record that on the existing databases "
            "with `pgbraid baseline VERSION`.",
        )
    migrations = tool.files(tuple(_read(folder)))
    if not migrations:
        raise ConfigError(
            f"{folder} has no migration of {tool.tool}",
            hint="Name the folder that has the files, or the tool that wrote them with `--from`. "
            "Migrations that are not SQL must be written as SQL by hand.",
        )
    return migrations


def _read(folder: Path) -> Iterator[ForeignFile]:
    """Yield the files of a folder and of those in it that may belong to a migration tool."""
    problems: list[Problem] = []
    result: list[ForeignFile] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        for name in sorted(names):
            path = Path(parent, name)
            if path.suffix not in _SUFFIXES or not path.is_file():
                continue
            relative = path.relative_to(folder).as_posix()
            try:
                if path.stat().st_size > _LARGEST:
                    problems.append(_unreadable(str(path), "is larger than 64 MB"))
                    continue
                data = path.read_bytes()
            except OSError as error:
                reason = read_error_reason(path, error)
                problems.append(_unreadable(str(path), f"cannot be read: {reason}"))
                continue
            try:
                data.decode()
            except UnicodeDecodeError:
                problems.append(_unreadable(str(path), "is not UTF-8"))
                continue
            result.append(ForeignFile(relative, data))
    if problems:
        raise ProblemsFound(tuple(problems))
    yield from result


def _unreadable(path: str, message: str) -> Problem:
    return Problem(
        "tracker_file_unreadable",
        f"{path} {message}",
        hint="Make it a readable file in UTF-8, or move it out of the folder.",
        location=Location(path),
    )


def _printed(tool: Tool, folder: Path, python: str) -> tuple[ForeignMigration, ...]:
    """Return the migrations that the tool itself renders as SQL, in the project's environment."""
    assert tool.program is not None  # noqa: S101 - as the caller has checked
    program = files("pgbraid.migrate").joinpath("programs", tool.program).read_text("utf-8")
    try:
        result = subprocess.run(  # noqa: S603 - the interpreter that the user names
            [python, "-c", program, str(folder)],
            capture_output=True,
            text=True,
            timeout=_SCRIPT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(
            f"{python} did not run: {error}", hint="Name the project's interpreter with `python`."
        ) from None
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or ["no message"])[-1]
        missing = reason.startswith(("ModuleNotFoundError", "ImportError"))
        raise ConfigError(
            f"{tool.tool} did not print its migrations: {reason}",
            detail=f"{python} was run for the folder {folder}.",
            hint=f"Name an interpreter in which {tool.tool} and the project are installed with "
            "`python`."
            if missing
            else f"Name the folder, and set the variables of the environment, with which the "
            f"project calls {tool.tool}.",
        )
    entries: list[dict[str, Any]] = json.loads(result.stdout.strip().splitlines()[-1])
    return tuple(_of_entry(entry) for entry in entries)


def _of_entry(entry: dict[str, Any]) -> ForeignMigration:
    sql = entry["sql"].strip()
    text = f"{sql}\n" if sql else ""
    return ForeignMigration(
        key=entry["key"],
        path=entry["file"],
        digits="",
        name=text_name(entry["name"]),
        up=text,
        down=entry.get("down") or None,
        no_transaction=bool(entry.get("outside")) or directives_of(text).no_transaction,
        after=tuple(entry["after"]),
        notes=tuple(entry.get("notes", ())),
    )
