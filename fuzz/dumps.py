"""Runs histories with psql and compares them by pg_dump: nothing of pgbraid has a part in it."""

from __future__ import annotations

import re
import subprocess
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from devtools.checkout import Skip
from fuzz.lab import find_dumper
from pgbraid.postgres.client.connection import open_connection

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Dump", "Plain", "apart"]

_ALONE = re.compile(r"^-- pgbraid: no-transaction$", re.MULTILINE)
_NOISE = re.compile(r"--|\\(?:un)?restrict|SET |SELECT pg_catalog\.set_config")
_ENDS = re.compile(r";\n")


@dataclass(frozen=True, slots=True)
class Dump:
    """What a database was dumped as, or why it could not be filled."""

    statements: Counter[str] = field(default_factory=Counter)
    failure: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Plain:
    """A server, and the programs to fill and dump its databases with."""

    conninfo: str
    psql: Path
    dumper: str

    @classmethod
    def on(cls, conninfo: str, programs: Path) -> Plain:
        """Return it for a server and a folder of programs. Raises Skip where they are not all."""
        dumper = find_dumper(str(programs))
        if dumper is None or not (programs / "psql").is_file():
            raise Skip("there is no pg_dump and psql")
        return cls(conninfo, programs / "psql", dumper)

    def dump(self, texts: Iterable[str]) -> Dump:
        """Run these one behind the other in a new database, and return what it is dumped as."""
        name = f"pgbraid_fuzz_{uuid.uuid4().hex[:8]}"
        with open_connection(conninfo_to_dict(self.conninfo)) as admin:
            admin.execute(f"CREATE DATABASE {name}".encode())
            try:
                return self._dumped(make_conninfo(self.conninfo, dbname=name), texts)
            finally:
                admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def _dumped(self, where: str, texts: Iterable[str]) -> Dump:
        begun = time.perf_counter()
        script = "".join(_run(text) for text in texts)
        words = [str(self.psql), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", where, "-f", "-"]
        ran = subprocess.run(
            words, input=script, capture_output=True, text=True, encoding="utf-8", check=False
        )
        seconds = time.perf_counter() - begun
        if ran.returncode:
            said = [line for line in ran.stderr.splitlines() if "ERROR" in line]
            return Dump(failure=(said or ran.stderr.splitlines())[0], seconds=seconds)
        words = [self.dumper, "--schema-only", "-d", where]
        text = subprocess.run(words, check=True, capture_output=True, encoding="utf-8").stdout
        return Dump(_statements(text), seconds=seconds)


def _run(text: str) -> str:
    """Return a migration as a part of psql's script, in a transaction unless it says otherwise."""
    begin, end = ("", "") if _ALONE.search(text) else ("BEGIN;\n", ";COMMIT;\n")
    return f"{begin}{text}\n{end};DISCARD ALL;\n"


def _statements(text: str) -> Counter[str]:
    kept = "\n".join(line for line in text.splitlines() if line and not _NOISE.match(line))
    return Counter(statement.strip() for statement in _ENDS.split(kept) if statement.strip())


def apart(left: Dump, right: Dump) -> list[str]:
    """Return the statements that only one of two dumps has, as often as it has them more."""
    gone, new = left.statements - right.statements, right.statements - left.statements
    return [f"- {s}" for s in gone.elements()] + [f"+ {s}" for s in new.elements()]
