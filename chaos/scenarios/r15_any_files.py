"""Files of any name and any content: read without a crash, in one order, from one folder.

Hypothesis makes the names, as bytes that the file system takes, and the contents, most of them
near what a migration looks like. A share of texts that look like SQL really runs.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, given, seed, settings

import pgbraid
from chaos.checker import left_behind
from chaos.model import Tally
from chaos.workload import trace
from pgbraid.migrate.offline_check import check_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chaos.lab import Lab
    from chaos.model import Result, Size
    from devtools.database import Database

__all__ = ["control", "run"]

_LONGEST = 255
_PATIENCE = 10
_DIGITS = st.text("0123456789", min_size=1, max_size=20)
_WORDS = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), max_size=12)
_ENDS = st.sampled_from([".sql", ".up.sql", ".down.sql", ".SQL", ".sql~", "", ".sql.orig", ".txt"])
_BETWEEN = st.sampled_from(["_", "__", "-", " ", ".", ""])
_NEAR = st.builds(lambda *parts: "".join(parts).encode(), _DIGITS, _BETWEEN, _WORDS, _ENDS)
_ANY = st.binary(min_size=1, max_size=40).map(
    lambda raw: raw.replace(b"/", b"").replace(b"\0", b"")
)
_GOOD = st.builds(
    "{}_{}{}".format,
    st.integers(1, 12),
    st.sampled_from(["a", "b", "B", "é", "a b"]),
    st.sampled_from([".sql", ".sql", ".up.sql", ".down.sql"]),
).map(str.encode)
_NAMES = (
    (_GOOD | _GOOD | _NEAR | _ANY)
    .map(lambda name: name[:_LONGEST])
    .filter(lambda name: name not in {b"", b".", b".."})
)
_TOKENS = """
; ' " $$ $a$ $b$ E' U&' -- /* */ \\ \\. \\i ( ) , . :: := => % ? 1 1e5 0x1 'a' "b" a b {} '!'
SELECT FROM WHERE CREATE TABLE FUNCTION AS IMMUTABLE BEGIN COMMIT ROLLBACK END ATOMIC DO LANGUAGE
sql COPY STDIN SAVEPOINT RELEASE SET LOCAL NULL UESCAPE é 漢
"""
_PIECES = st.sampled_from([*_TOKENS.split(), "\n", "\r", "\t", "\ufeff", "\u00a0"])
_SQL = st.lists(_PIECES, max_size=12).map(" ".join)
_WHOLE = st.lists(
    st.sampled_from(
        [
            "SELECT 1;",
            "CREATE TABLE IF NOT EXISTS other (id int);",
            "DO $$ BEGIN NULL; END $$;",
            "-- COMMIT;\n",
            "SELECT 'a; b';",
            "/* ; */",
            "SAVEPOINT a; RELEASE a;",
            "SELECT $a$ ' $a$;",
        ]
    )
    | _SQL,
    max_size=5,
).map(" ".join)
_CONTENTS = st.binary(max_size=60) | _SQL.map(str.encode) | _WHOLE.map(str.encode)
_FILES = st.dictionaries(_NAMES, _CONTENTS, max_size=5)
_ORDERS = st.integers(0, 99).map(Random)
_TARGETS = {
    "link to nothing": b"nowhere",
    "link out": b"../outside.sql",
    "link out and in": b"../in/1_a.sql",
    "link in": b"1_a.sql",
    "link to itself": b".",
}
_KINDS = st.sampled_from([*["file"] * 8, *_TARGETS, "folder", "pipe", "pipe"])


def run(lab: Lab, size: Size, rng: Random) -> Result:
    """Read files of all kinds; then run some texts."""
    tally = Tally()
    reading = _Reading(lab.new_folder("fuzz"), tally)
    with _opened(reading.opened):
        _many(size.of(100, 9_700), rng, _FILES, st.lists(_KINDS), _ORDERS)(reading.case)
    with lab.database() as database:
        ran = _Ran(database, tally)
        _many(size.of(4, 300), rng, _WHOLE)(ran.case)
    tally.remarks.append(
        f"{reading.migrations} migrations found in {reading.files} files; "
        f"{ran.count} texts run, {ran.kept} of them to the end"
    )
    return tally.result()


def _many(
    count: int, rng: Random, *strategies: st.SearchStrategy[Any]
) -> Callable[[Callable[..., None]], None]:
    """Call a function with so many examples, the same for the same seed."""
    calm = settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    number = rng.randrange(1 << 32)

    def call(function: Callable[..., None]) -> None:
        def case(values: tuple[Any, ...]) -> None:
            function(*values)

        seed(number)(calm(given(st.tuples(*strategies))(case)))()

    return call


@contextmanager
def _opened(paths: list[str]) -> Iterator[None]:
    """Write down every path that this process opens as long as the block lasts."""
    listening = [True]

    def hear(event: str, values: tuple[Any, ...]) -> None:
        if listening and event == "open" and isinstance(values[0], (str, bytes)):
            paths.append(os.fsdecode(values[0]))

    sys.addaudithook(hear)
    try:
        yield
    finally:
        listening.clear()


class _Late(BaseException):
    """It took too long; no OSError, as pgbraid catches those."""


def _tried(read: Callable[[], list[str]]) -> list[str]:
    """Return what a case finds wrong, and that it took too long or broke, where it did."""
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(_PATIENCE)
    try:
        return read()
    except pgbraid.PgbraidError:
        return []
    except _Late:
        return [f"it ends in {_PATIENCE} s"]
    except Exception as error:  # noqa: BLE001 - any other one is what is looked for
        return [f"nothing but our own errors is raised; {error!r}"]
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _give_up(*_: object) -> None:
    raise _Late


@dataclass(slots=True)
class _Reading:
    """Folders with files of chance, and what was wrong with reading them."""

    base: Path
    tally: Tally
    opened: list[str] = field(default_factory=list)
    files: int = 0
    migrations: int = 0

    def case(self, files: dict[bytes, bytes], kinds: list[str], shuffled: Random) -> None:
        """Read one folder, and the same files in memory in two orders."""
        self.tally.trials += 1
        self.tally.faults += len(files)
        self.files += len(files)
        folder = self.base / "in"
        plain = self._write(files, kinds, folder)
        self.opened.clear()
        found = _tried(lambda: self._read(folder, files, shuffled, plain=plain))
        self.tally.note(f"{files!r} {kinds!r}", found)
        shutil.rmtree(self.base)

    def _write(self, files: dict[bytes, bytes], kinds: list[str], folder: Path) -> bool:
        """Write the files; return whether all of them are ordinary ones."""
        folder.mkdir(parents=True)
        (self.base / "outside.sql").write_bytes(b"SELECT 'outside'")
        plain = True
        for (name, content), kind in zip(files.items(), [*kinds, *["file"] * 5], strict=False):
            path = os.path.join(os.fsencode(folder), name)  # noqa: PTH118 - bytes
            plain = plain and kind == "file"
            if kind == "file":
                with open(path, "wb") as file:  # noqa: PTH123 - bytes
                    file.write(content)
            elif kind == "folder":
                os.mkdir(path)  # noqa: PTH102 - bytes
            elif kind == "pipe":
                os.mkfifo(path)
            else:
                os.symlink(_TARGETS[kind], path)  # noqa: PTH211 - bytes
        return plain

    def _read(
        self,
        folder: Path,
        files: dict[bytes, bytes],
        shuffled: Random,
        *,
        plain: bool,
    ) -> list[str]:
        braid = pgbraid.load(folder)
        check_files(braid.migrations)
        opened = [path for path in self.opened if str(self.base) in path]
        away = [path for path in opened if os.path.dirname(path) != str(folder)]  # noqa: PTH120
        found = [f"only the folder's files are opened; {away}"] if away else []
        versions = [migration.version for migration in braid.migrations.migrations]
        self.migrations += len(versions)
        if versions != sorted(versions):
            found.append(f"the order is the versions'; {versions}")
        if plain:
            found += _orders_agree(_result(braid), files, shuffled)
        return found


def _result(braid: pgbraid.Migrator) -> tuple[object, ...]:
    """Return what was read, but for the place that it came from."""
    read = braid.migrations
    problems = sorted(
        (p.code, p.message.replace(p.hint or "", ""), p.versions) for p in read.problems
    )
    kept = [(m.version, m.name, m.file, m.checksum, m.down) for m in read.migrations]
    return kept, [p for p in problems if p[0] != "no_migrations"]


def _orders_agree(first: tuple[object, ...], files: dict[bytes, bytes], rng: Random) -> list[str]:
    names = [os.fsdecode(name) for name in files]
    rng.shuffle(names)
    memory = {name: files[os.fsencode(name)] for name in names}
    again = _result(pgbraid.load(memory))
    return [] if again == first else [f"every order gives the same; {first}, {again}"]


@dataclass(slots=True)
class _Ran:
    """Texts of chance that were really run."""

    database: Database
    tally: Tally
    count: int = 0
    kept: int = 0

    def case(self, text: str) -> None:
        """Run one, with a harmless one behind it, and compare the set with what is there."""
        self.tally.trials += 1
        self.tally.faults += 1
        self.count += 1
        self.database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        self.tally.note(f"{text!r}", _tried(lambda: self._run(self.database, text)))

    def _run(self, database: Database, text: str) -> list[str]:
        files = {"1_any.sql": f"CREATE TABLE kept (id int);\n{text}", "2_t.sql": trace(1)}
        try:
            pgbraid.load(files).up(database.conninfo)
            wanted = [1, 2]
        except pgbraid.PgbraidError:
            wanted = []
        self.kept += bool(wanted)
        kept = database.value("SELECT to_regclass('public.kept') IS NOT NULL")
        last = database.value("SELECT to_regclass('public.t1') IS NOT NULL")
        versions = [1] * kept + [2] * last
        there = database.value("SELECT to_regclass('public.applied_migrations') IS NOT NULL")
        query = "SELECT version FROM public.applied_migrations ORDER BY 1"
        rows = [version for (version,) in database.rows(query)] if there else []
        found = left_behind(database)
        if not rows == versions == wanted:
            found.append(f"the set {rows} is what is there {versions}, and what was told {wanted}")
        return found


def control(lab: Lab, rng: Random) -> tuple[str, ...]:
    """Read with what is known to be wrong: an order that is the listing's, an open elsewhere."""
    tally = Tally()
    reading = _Reading(lab.new_folder("fuzz"), tally)
    names = [b"2_b.sql", b"10_a.sql"]
    rng.shuffle(names)
    first = _result(pgbraid.load({name.decode(): "SELECT 1" for name in names}))
    said = _orders_agree((first[0], [("other",)]), dict.fromkeys(names, b"SELECT 1"), rng)
    with _opened(reading.opened):
        reading.base.mkdir()
        (reading.base / "outside.sql").write_text("")
    said += [f"opened: {path}" for path in reading.opened if str(reading.base) in path]
    return tuple(said) if len(said) > 1 else ()
