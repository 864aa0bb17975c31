"""Passwords of every kind, on every way into an error: none may be seen on the way out.

The strings are given to the library and to the program, verbose and as JSON, for servers that
are not there, that refuse the password, and that take it and fail a migration. Looked for is
each spelling of the password and each piece of four characters or more between ``@ : / %``.
"""

from __future__ import annotations

import io
import logging
import os
import traceback
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

import pgbraid
from chaos.model import Size, Tally
from chaos.passwords import FORMS, Place, Spelling, pieces_of, random_passwords, word
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.client.open_session import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from chaos.forks import Running
    from chaos.lab import Lab
    from chaos.model import Result
    from devtools.cluster import Cluster

__all__ = ["control", "run"]

_USER = "chaos_user"
_WATCHED = 6
"""Programs whose command line is looked at: the password is in a variable or a file."""
_NOWHERE = (
    Place("127.0.0.1", "1", _USER),
    Place("/nonexistent", "5432", _USER),
    Place("127.0.0.1", "port", _USER),
    Place("127.0.0.1", "99999", _USER),
    Place("127.0.0.1", "1", _USER, "sslmode=nope"),
    Place("127.0.0.1", "1", _USER, "nope=1"),
)
_HBA = "local all postgres trust\nlocal all all scram-sha-256\n"
_STATEMENTS = (
    "CREATE ROLE postgres LOGIN PASSWORD '{}'",
    "CREATE ROLE chaos_new PASSWORD '{}' NOSUCHOPTION",
    "CREATE ROLE chaos_new PASSWORD '{}' VALID UNTIL 'never ever'",
    "ALTER ROLE chaos_absent PASSWORD E'{}'",
    "ALTER USER chaos_absent ENCRYPTED PASSWORD $a${}$a$",
    "SELEC 1; CREATE ROLE chaos_new PASSWORD '{}'",
    "CREATE ROLE chaos_new PASSWORD '{}' '",
    "DO $$ BEGIN EXECUTE 'ALTER ROLE chaos_absent PASSWORD ''{}'''; END $$",
    "DO $$ BEGIN EXECUTE 'ALTER ROL x PASSWORD ''{}'''; END $$",
    "CREATE USER MAPPING FOR postgres SERVER absent OPTIONS (password '{}')",
    "CREATE SUBSCRIPTION s CONNECTION 'host=h password={} nope=1' PUBLICATION p",
    "SELECT 1/0; ALTER ROLE postgres PASSWORD '{}'",
)
_JOURNAL = "SELECT j::text FROM public.applied_migrations_journal AS j"


def run(lab: Lab, size: Size, rng: Random) -> Result:
    """Go every way into an error that there is."""
    ways = _Ways(lab, rng, full=size is Size.FULL)
    ways.to_nowhere()
    hba = lab.new_folder("hba")
    hba.write_text(_HBA)
    with lab.cluster(hba_file=str(hba)) as cluster:
        cluster.database.run(f"CREATE ROLE {_USER} LOGIN SUPERUSER")
        cluster.database.new("chaos")
        ways.to_a_server(cluster)
    ways.tally.faults = ways.tally.trials
    ways.tally.remarks.append(
        f"{ways.programs} of them by the program, the rest by the library; "
        f"{ways.refused} refused the password, {ways.failed} in a migration that failed"
    )
    return ways.tally.result()


class _Ways:
    """The cases, and what was seen of secrets in them."""

    def __init__(self, lab: Lab, rng: Random, *, full: bool) -> None:
        self.lab, self.rng, self.full = lab, rng, full
        self.tally = Tally()
        self.programs = self.watched = self.refused = self.failed = 0
        self.scratch = lab.new_folder("secrets")
        self.scratch.mkdir()
        self.passwords = list(random_passwords(rng)) if full else [f"{word(rng)}@{word(rng)}"]

    def look(self, where: str, password: str, shown: str) -> None:
        """Look for a password in what was shown."""
        self.tally.trials += 1
        self.refused += "password authentication failed" in shown
        self.failed += "emial" in shown
        seen = sorted(piece for piece in pieces_of(password) if piece in shown)
        if seen:
            line = next(line for line in shown.splitlines() if seen[0] in line)
            self.tally.note(where, [f"nothing of {password!r} is shown; {seen} in {line!r}"])

    def to_nowhere(self) -> None:
        """Fail to connect, in every form, to every place that is none."""
        for password in self.passwords:
            for form in FORMS:
                for place in _NOWHERE if self.full else _NOWHERE[:2]:
                    spelling = form(password, place, self.scratch)
                    where = f"{spelling.form}, {place.host}:{place.port} {place.more}"
                    self.look(f"library, {where}", password, _by_library(spelling, "SELECT 1"))
                spelling = form(password, self.rng.choice(_NOWHERE), self.scratch)
                self.by_program(f"program, {spelling.form}", password, spelling, "SELECT 1")

    def by_program(self, where: str, password: str, spelling: Spelling, text: str) -> str:
        """Run the program, look for the password, and return what it showed."""
        folder = self.lab.new_folder("text")
        folder.mkdir()
        (folder / "1_a.sql").write_text(text)
        option = self.rng.choice(["--verbose", "--json", "--quiet"])
        words = (self.rng.choice(["up", "up", "plan", "status", "check"]), option)
        env = {**spelling.env, "PGBRAID_DATABASE_URL": spelling.conninfo}
        watched = bool(spelling.env) and self.watched < _WATCHED
        run = self.lab.forks.start(*words, "--dir", str(folder), env=env, whole=watched)
        if watched:
            self.watched += 1
            self.look(f"{where}, command line", password, _command_line(run))
        ended = run.wait()
        self.look(f"{where} {' '.join(words)}", password, ended.out + ended.err)
        self.programs += 1
        return ended.out + ended.err

    def to_a_server(self, cluster: Cluster) -> None:
        """Be refused for the password, and taken for it, and fail then."""
        place = Place(str(cluster.sockets), "5432", _USER)
        for password in self.passwords:
            for right in (False, True):
                _set_password(cluster, password if right else word(self.rng))
                text = "SELECT pg_sleep(0.01); SELECT emial" if right else "SELECT 1"
                for form in FORMS:
                    spelling = form(password, place, self.scratch)
                    where = f"{spelling.form}, the password is right: {right}"
                    self.look(f"library, {where}", password, _by_library(spelling, text))
                    if self.full or form is FORMS[0]:
                        self.by_program(f"program, {where}", password, spelling, text)
            self.look("journal", password, _journal(cluster))
        self.in_a_text(cluster)

    def in_a_text(self, cluster: Cluster) -> None:
        """Fail with a password in the migration's own text."""
        target = Spelling("trust", cluster.database.named("chaos").conninfo)
        for statement in _STATEMENTS:
            secret = word(self.rng, 12)
            text = f"SELECT 1;\n{statement.format(secret)};\n"
            self.look(f"library, {statement}", secret, _by_library(target, text))
            self.by_program(f"program, {statement}", secret, target, text)


def _command_line(run: Running) -> str:
    """Return what every user of the machine can read of a process that runs."""
    place, seen = Path(f"/proc/{run.pid}/cmdline"), ""
    while "pgbraid" not in seen.split("\0") and run.alive:
        seen = place.read_bytes().decode(errors="replace")
    return seen


def _journal(cluster: Cluster) -> str:
    with suppress(psycopg.errors.UndefinedTable):
        return "\n".join(line for (line,) in cluster.database.named("chaos").rows(_JOURNAL))
    return ""


def _set_password(cluster: Cluster, password: str) -> None:
    with cluster.database.connect() as connection:
        quoted = sql.Literal(password)
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(_USER), quoted)
        )


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _by_library(spelling: Spelling, text: str) -> str:
    """Return all that the library shows of a run: errors, their traces, values, the log."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    shown: list[str] = []
    try:
        with _environment(spelling.env):
            try:
                target = parse_target(spelling.conninfo)
                shown.append(f"{target!r} {target}")
                with connect(target, LedgerTable(), StopToken()) as session:
                    shown.append(f"{session!r}")
            except pgbraid.PgbraidError as error:
                shown += _shown(error)
            try:
                pgbraid.load({"1_a.sql": text}).up(spelling.conninfo)
            except pgbraid.PgbraidError as error:
                shown += _shown(error)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    return "\n".join([*shown, log.getvalue()])


def _shown(error: BaseException) -> Iterator[str]:
    """Yield what can be seen of an error by who catches it, with those behind it."""
    yield "".join(traceback.format_exception(error))
    names = ("message", "detail", "hint", "diagnostic", "applied", "problems")
    yield " ".join(repr(getattr(error, name, None)) for name in names)
    behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    yield f"{error!r} {error} {error.args!r}"
    if behind is not None:
        yield from _shown(behind)


def control(lab: Lab, rng: Random) -> tuple[str, ...]:
    """Give the same strings to the driver alone, which repeats some of them."""
    ways = _Ways(lab, rng, full=True)
    for password in ways.passwords:
        for form in FORMS:
            spelling = form(password, _NOWHERE[0], ways.scratch)
            with _environment(spelling.env):
                try:
                    psycopg.connect(spelling.conninfo).close()
                except psycopg.Error as error:
                    ways.look(f"driver, {spelling.form}", password, str(error))
    return tuple(ways.tally.violations[:3])
