"""Bodies that go for the runner: each is refused and leaves nothing, or does no harm.

The migration before it and the one behind it are as everywhere, and must be applied, or not, as
if the hostile one were any other; afterwards nobody holds a lock, and a harmless text in its
place completes the set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos.checker import left_behind
from chaos.forks import Ended
from chaos.hostile import BODIES, WHOLE
from chaos.model import Size, Tally
from chaos.workload import trace
from pgbraid.model.migration import LedgerTable

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from chaos.lab import Lab
    from chaos.model import Result
    from devtools.database import Database

__all__ = ["control", "run"]

_ROLE = "chaos_hostile"
_MARK = "CREATE TABLE kept (id int);\n"
_LEAVES_NO_MARK = frozenset({"empty", "nothing but blanks", "nothing but a comment"})
_FACTS = """
SELECT array(SELECT version FROM {set} ORDER BY version),
       to_regclass('public.kept') IS NOT NULL, to_regclass('public.more') IS NOT NULL,
       to_regclass('public.t1') IS NOT NULL, to_regclass('public.t3') IS NOT NULL,
       array(SELECT version FROM {log} ORDER BY version)
"""


def run(lab: Lab, size: Size, rng: Random) -> Result:
    """Apply each of them on a fresh database and on one that is not."""
    tally = Tally()
    lab.server.run(f"DROP ROLE IF EXISTS {_ROLE}; CREATE ROLE {_ROLE}")
    texts: dict[str, str | bytes] = {
        **{name: _MARK + body for name, body in BODIES.items()},
        **WHOLE,
    }
    names = list(texts) if size is Size.FULL else rng.sample(sorted(texts), 6)
    refused = 0
    for name in names:
        for fresh in (True, False):
            with lab.database() as database:
                if not fresh:
                    database.run("CREATE TABLE before (id int)")
                ended, found = _trial(lab, database, name, texts[name])
            refused += ended.code != 0
            tally.trials += 1
            tally.faults += 1
            tally.note(f"{name}, fresh {fresh}", found)
    lab.server.run(f"DROP ROLE IF EXISTS {_ROLE}")
    tally.remarks.append(
        f"{len(names)} bodies, each twice; {refused} times refused or rolled back, else harmless"
    )
    return tally.result()


def _trial(lab: Lab, database: Database, name: str, text: str | bytes) -> tuple[Ended, list[str]]:
    folder = lab.new_folder("hostile")
    folder.mkdir()
    (folder / "1_a.sql").write_text(trace(1))
    (folder / "2_hostile.sql").write_bytes(_filled(database, text))
    (folder / "3_t.sql").write_text(trace(3))
    words = ("--dir", str(folder))
    env = {"PGBRAID_DATABASE_URL": database.conninfo}
    ended = lab.forks.start("up", *words, env=env).wait(30)
    found = [*_odd(ended), *_harm(database, ended, marked=name not in _LEAVES_NO_MARK)]
    found += left_behind(database)
    if ended.code != 0:
        found += _mended(lab, database, folder, env)
    return ended, found


def _filled(database: Database, text: str | bytes) -> bytes:
    if isinstance(text, bytes):
        return text
    name = str(database.value("SELECT current_database()"))
    for mark, value in (("role", _ROLE), ("key", LedgerTable().lock_key), ("database", name)):
        text = text.replace(f"{{{mark}}}", str(value))
    return text.encode()


def _odd(ended: Ended) -> list[str]:
    odd = ended.code not in {0, 1, 3, 4} or "Traceback" in ended.err
    return [f"it ends in time with an exit code of ours; {ended}"] if odd else []


def _harm(database: Database, ended: Ended, *, marked: bool) -> list[str]:
    """Return in what set and traces disagree, or the run's end with them."""
    there = {
        name: table
        if database.value("SELECT to_regclass(%s) IS NOT NULL", f"public.{table}")
        else f"(SELECT NULL::bigint AS version WHERE false) AS {name}"
        for name, table in (("set", "applied_migrations"), ("log", "log"))
    }
    with database.connect(options="-c search_path=public") as connection:
        row = connection.execute(_FACTS.format(**there).encode()).fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM
    versions, kept, more, first, third, log = row
    wanted = [1, 2, 3] if ended.code == 0 else [1] if 1 in versions else []
    found = []
    if versions != wanted:
        found.append(f"after exit code {ended.code} the set is {wanted}, not {versions}; {ended}")
    if marked and kept != (2 in versions):
        found.append(f"2 is recorded: {2 in versions}, what it made is there: {kept}; {ended}")
    if more and 2 not in versions:
        found.append(f"2 is not recorded, a part of it is there; {ended}")
    traces = [version for version, there in ((1, first), (3, third)) if there]
    if not traces == log == [version for version in versions if version != 2]:
        found.append(f"1 and 3 ran as recorded; set {versions}, there {traces}, ran {log}; {ended}")
    return found


def _mended(lab: Lab, database: Database, folder: Path, env: dict[str, str]) -> list[str]:
    """Put a harmless text in its place, and return what then is not as it must be."""
    (folder / "2_hostile.sql").write_text(_MARK)
    found = []
    for command in ("up", "check"):
        ended = lab.forks.start(command, "--dir", str(folder), env=env).wait(30)
        if ended.code != 0:
            found.append(f"a harmless text in its place completes the set by `{command}`; {ended}")
    return found or _harm(database, ended, marked=True)


def control(lab: Lab, rng: Random) -> tuple[str, ...]:
    """Run a body that commits as a runner would that does not look: by psycopg alone."""
    with lab.database() as database:
        body = rng.choice([BODIES["commit, then more"], BODIES["commit"]])
        with database.connect() as connection:
            connection.autocommit = False
            connection.execute("CREATE TABLE applied_migrations (version bigint)")
            connection.execute(trace(1).encode())
            connection.execute("INSERT INTO applied_migrations VALUES (1)")
            connection.commit()
            connection.execute((_MARK + body).encode())
            connection.rollback()
        return tuple(_harm(database, Ended(3, "", "the control"), marked=True))
