"""Dumps a scratch database as SQL with PostgreSQL's own pg_dump."""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.conninfo import make_conninfo

from pgbraid.model.errors import ConfigError, EmbeddedError, ServerError
from pgbraid.model.migration import LedgerTable
from pgbraid.postgres.client.session import statement
from pgbraid.postgres.server.binaries import find_programs, program_folders
from pgbraid.settings.environment import environment_with

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.postgres.scratch.databases import ScratchServer

__all__ = ["Dumper", "find_dumper"]

_VERSION = re.compile(r"\b(\d+)(?:\.\d+|\w*)")
_ROWS = 1000
_NO_STATISTICS_SINCE = 18
"""The first pg_dump that can dump statistics."""


class Dumper:
    """A pg_dump program that can dump the databases of a scratch server."""

    def __init__(self, program: Path, major: int, scratch: ScratchServer) -> None:
        self._program, self._major, self._scratch = program, major, scratch

    def dump(self, name: str, ledger: LedgerTable) -> str:
        """Return schema and rows of a database as SQL, without the ledger. Raises ServerError."""
        target = self._scratch.reading(name)
        parameters = dict(target.parameters)
        # Other users of the machine can read the words of a command.
        password = parameters.pop("password", None)
        words = [str(self._program), "--dbname", make_conninfo("", **parameters)]
        words += ["--encoding", "UTF8", "--column-inserts", "--rows-per-insert", str(_ROWS)]
        for table in (ledger.table, ledger.journal):
            words += ["--exclude-table", f"{_pattern(ledger.schema)}.{_pattern(table)}"]
        if self._major >= _NO_STATISTICS_SINCE:
            words.append("--no-statistics")
        environment = environment_with(PGPASSWORD=password) if password else None
        done = subprocess.run(  # noqa: S603 - a program of PostgreSQL, no shell
            words, capture_output=True, check=False, env=environment
        )
        if done.returncode:
            message = target.scrub(done.stderr.decode(errors="replace")).strip().splitlines()
            raise ServerError(
                f"pg_dump failed: {message[0] if message else 'no error message'}",
                detail=f"The program is {self._program}.",
                hint="Nothing was written. Fix the reason, then run `pgbraid squash` again.",
            )
        return done.stdout.decode()


def _pattern(name: str) -> str:
    """Return a pattern of pg_dump that matches exactly one name."""
    return '"' + name.replace('"', '""') + '"'


def find_dumper(scratch: ScratchServer, programs: str | None) -> Dumper:
    """Return a pg_dump that is not older than the scratch server.

    Searched are the folder of the scratch server's programs, ``programs``, the PATH, and the
    installed servers. Raises ConfigError if there is none.
    """
    major = int(scratch.version.partition(".")[0])
    older: list[str] = []
    for folder in _folders(scratch, programs, major):
        program = folder / "pg_dump"
        found = _major_of(program) if program.is_file() else None
        if found is not None and found >= major:
            return Dumper(program, found, scratch)
        older += [f"{program} is of version {found}"] if found is not None else []
    raise ConfigError(
        f"no pg_dump of PostgreSQL {major} or later was found",
        detail=f"{'; '.join(dict.fromkeys(older))}." if older else None,
        hint=f"Install the client programs of PostgreSQL {major}, such as the package "
        f"postgresql-client-{major}, or set PGBRAID_PG_BIN to a folder that has its pg_dump.",
    )


def _folders(scratch: ScratchServer, programs: str | None, major: int) -> Iterator[Path]:
    if scratch.exclusive:  # so the server runs on this machine
        query = statement("scratch", "programs_folder", LedgerTable(), with_values=False)
        row = scratch.conn.execute(query).fetchone()
        if row:
            yield Path(row[0])
    if programs is not None:
        yield Path(programs)
    on_path = shutil.which("pg_dump")
    if on_path:
        # The program on the PATH of Debian is a script that chooses a version by itself.
        yield Path(on_path).parent
    # Of several, the one that knows no newer statements than the server comes first.
    with suppress(EmbeddedError):
        yield find_programs(None, major=str(major)).folder
    yield from program_folders()


def _major_of(program: Path) -> int | None:
    """Return the major version of a pg_dump, or None if it does not run."""
    try:
        done = subprocess.run(  # noqa: S603 - a program of PostgreSQL, no shell
            [str(program), "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    match = _VERSION.search(done.stdout)
    return int(match[1]) if match and done.returncode == 0 else None
