"""``convert``: write another tool's migrations as files of pgbraid, with the same history."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.importers.origin import Origin, OriginEntry, format_origin
from pgbraid.migrate.foreign_files import read_foreign_migrations
from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.migration import Location, Problem
from pgbraid.model.results import Conversion, ConvertedFile
from pgbraid.source.content import check_scripts
from pgbraid.source.filenames import MAX_VERSION, ORIGIN_FILE, parse_file_name
from pgbraid.source.loader import load_migrations
from pgbraid.sql.classify import nontransactional_command
from pgbraid.sql.parser import parse
from pgbraid.sql.tool_text import directives_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.importers.formats.tool import ForeignMigration, Tool
    from pgbraid.sql.script import Script, Statement

__all__ = ["convert_files"]

_LEAST_WIDTH = 3
_LONGEST_NAME = 200
"""File systems allow 255 bytes with the version and the ending."""
_CONTROL = frozenset({("BEGIN",), ("COMMIT",), ("END",)})
_TEMPLATE = re.compile(r"\{\{-?\s*(?:\.|\$|index\b|template\b|if\b|range\b|with\b)[^{}\n]*\}\}")
"""A template of Go, which some runners render before they run a file."""


def convert_files(
    tool: Tool, source: Path, destination: Path, *, dry_run: bool = False, python: str | None = None
) -> Conversion:
    """Write the migrations of a tool's folder into a new folder; return what was written.

    Order and content stay the same: a file is split into up and down, and a marker that it runs
    outside a transaction becomes the directive. The versions stay, if they are numbers and all
    different. The file ``pgbraid.origin.json`` is written beside the migrations, for ``adopt``.

    Raises ConfigError if the destination exists and is not empty, or if the source has no
    migrations of the tool; ProblemsFound for files that cannot be read. Then nothing is written.
    """
    _check_destination(source, destination, inside=tool.program is not None)
    migrations = read_foreign_migrations(tool, source, python)
    _refuse_equal_keys(tool, migrations)
    digits = _versions(migrations)
    texts: dict[str, str] = {}
    converted, entries = [], []
    for migration, number in zip(migrations, digits, strict=True):
        name = f"{number}_{migration.name.encode()[:_LONGEST_NAME].decode(errors='ignore')}"
        down = f"{name}.down.sql" if migration.down and migration.down.strip() else None
        text, notes = _text(migration)
        texts[f"{name}.sql"] = text
        if down:
            texts[down] = migration.down or ""
        notes = (*migration.notes, *notes)
        file = ConvertedFile(migration.path, f"{name}.sql", int(number), down, notes)
        converted.append(file)
        entries.append(_entry(migration, int(number), text))
    texts[ORIGIN_FILE] = format_origin(Origin(tool.names[0], tuple(entries)))
    loaded = load_migrations(dict(texts))
    problems = (*loaded.problems, *check_scripts(loaded.migrations, downs=True))
    if not dry_run:
        _write(destination, texts)
    return Conversion(
        tool.tool,
        str(source),
        str(destination),
        tuple(converted),
        any(f.version != _number(m.digits) for f, m in zip(converted, migrations, strict=True)),
        problems,
        dry_run=dry_run,
    )


def _check_destination(source: Path, destination: Path, *, inside: bool) -> None:
    """Raise ConfigError for a folder with files, or ``inside`` the source if that is not allowed.

    It is allowed if the tool itself reads its project: new SQL files are nothing to it.
    """
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise ConfigError(
            f"{destination} exists and is not an empty folder",
            hint="Name a new folder: nothing is overwritten.",
        )
    if not inside and source.resolve() in {destination.resolve(), *destination.resolve().parents}:
        raise ConfigError(
            f"{destination} is in the folder {source}, which is read",
            hint="Name a folder outside of it.",
        )


def _refuse_equal_keys(tool: Tool, migrations: Sequence[ForeignMigration]) -> None:
    """Raise ProblemsFound if two files are one migration to the tool, as for two databases."""
    first: dict[str, ForeignMigration] = {}
    problems = [
        Problem(
            "tracker_ambiguous",
            f"{other.path} and {migration.path} have the same version for {tool.tool}",
            hint="Name the folder of one database; if they are in one folder, delete one of them.",
            location=Location(migration.path),
        )
        for migration in migrations
        if (other := first.setdefault(migration.key, migration)) is not migration
    ]
    if problems:
        raise ProblemsFound(tuple(problems))


def _entry(migration: ForeignMigration, version: int, text: str) -> OriginEntry:
    checksums = tuple(sorted(migration.checksums))
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return OriginEntry(version, migration.key, migration.path, checksums, migration.after, sha256)


def _number(digits: str) -> int | None:
    return int(digits) if digits else None


def _versions(migrations: Sequence[ForeignMigration]) -> list[str]:
    """Return the versions as they are written in file names, in ascending order.

    The tool's own numbers stay if only those at the end lack one. Equal numbers become distinct
    ones: the later migration gets the next number.
    """
    numbered = [migration for migration in migrations if migration.digits]
    if not numbered or any(not m.digits for m in migrations[: len(numbered)]):
        width = max(_LEAST_WIDTH, len(str(len(migrations))))
        return [str(number).zfill(width) for number in range(1, len(migrations) + 1)]
    result: list[str] = []
    last = -1
    for migration in migrations:
        version = max(last + 1, int(migration.digits) if migration.digits else 0)
        if version > MAX_VERSION:
            raise ConfigError(f"no version is left above {last}")
        width = len(migration.digits or numbered[-1].digits)
        result.append(str(version).zfill(width))
        last = version
    return result


def _text(migration: ForeignMigration) -> tuple[str, tuple[str, ...]]:
    """Return the text of the new file, and what a person should look at."""
    text = migration.up or ""
    script = parse(text)
    if not script.statements:
        # A migration without a statement is kept, because its version is part of the history.
        text = f"{text.rstrip()}\n" if text.strip() else ""
        return f"{text}-- {migration.path} has no SQL.\nSELECT 1;\n", ()
    notes = _template_notes(text)
    outside = migration.no_transaction
    if outside and any(map(_is_control, script.statements)):
        outside = _must_run_outside(script)
        text = _without_control(script)
        kind = "statement runs alone" if outside else "file is one transaction"
        notes = (*notes, f"BEGIN and COMMIT are left out, so each {kind}")
    if outside and not directives_of(text).no_transaction:
        text = f"-- pgbraid: no-transaction\n{text}"
    return text, notes


def _is_control(statement: Statement) -> bool:
    # An isolation level is the user's to decide about: the new file is refused because of it.
    return statement.words[:1] in _CONTROL and "ISOLATION" not in statement.words


def _must_run_outside(script: Script) -> bool:
    # A new value of an enum cannot be used before it is committed.
    return "ADD VALUE" in script.text.upper() or any(
        nontransactional_command(script, statement) for statement in script.statements
    )


def _without_control(script: Script) -> str:
    """Return the text without the statements that begin or end a transaction."""
    parts, position = [], 0
    for statement in script.statements:
        if _is_control(statement):
            parts.append(script.text[position : statement.start])
            position = statement.rest
    return "".join([*parts, script.text[position:]])


def _template_notes(text: str) -> tuple[str, ...]:
    match = _TEMPLATE.search(text)
    return (f"replace the templates, such as {match[0]}, by their values",) if match else ()


def _write(destination: Path, texts: dict[str, str]) -> None:
    """Write all files into a folder beside the destination, and then give it its name."""
    parent = destination.resolve().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".pgbraid-convert-", dir=parent))
        try:
            for name, text in texts.items():
                assert parse_file_name(name) is not None or name == ORIGIN_FILE  # noqa: S101
                (folder / name).write_bytes(text.encode())
            folder.chmod(0o755)
            if destination.exists():
                destination.rmdir()
            folder.rename(destination.resolve())
        except BaseException:
            with suppress(OSError):
                shutil.rmtree(folder)
            raise
    except OSError as error:
        raise ConfigError(
            f"cannot write {destination}: {error.strerror or error}",
            hint="Name a folder that can be created.",
        ) from None
