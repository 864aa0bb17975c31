"""The projects whose tests are measured: each test uses a fresh database with 300 migrations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.workload import migrations

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CASES", "Case", "write"]

FILES = 300
_TIMER = """
import json, os, time
import pytest

BEGAN = float(os.environ["BENCH_BEGAN"])
DONE = {"setup": [], "teardown": [], "first": None, "end": 0.0, "outcomes": []}


def pytest_runtest_logreport(report):
    if report.when != "call":
        DONE[report.when].append(report.duration)
    else:
        DONE["outcomes"].append(report.outcome)
        DONE["first"] = DONE["first"] or report.start - BEGAN
        DONE["end"] = report.stop - BEGAN


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        with open("measured.json", "w") as file:
            json.dump(DONE, file)
"""
_TEST = """
import time
import pytest


@pytest.mark.parametrize("n", range({count}))
def test_fresh({fixture}, n):
    url = {url}
    if url:
        import psycopg
        with psycopg.connect(url) as conn:
            assert conn.execute("SELECT count(*) FROM item_1").fetchone()[0] < 100
            conn.execute("DELETE FROM item_1")
    time.sleep({body})
"""
_INLINE = """
import psycopg


@pytest.fixture
def inline(pgbraid_server, request):
    from pgbraid.testing.setup import PROCESS, find_migrations
    suite = PROCESS.suite()
    if not suite.templates():
        suite.give_back(suite.migrated(find_migrations(PROCESS.root)), "")
    (template,) = suite.templates()
    url = pgbraid_server.url
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE inline TEMPLATE {template} STRATEGY {strategy}")
    yield url.replace("/postgres?", "/inline?")
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("DROP DATABASE inline WITH (FORCE)")
"""
_MIGRATED = """
import pgbraid


@pytest.fixture
def migrated(pgbraid_server):
    url = pgbraid_server.create_database()
    pgbraid.load("migrations").up(url)
    return url
"""
_POSTGRESQL = """
import pathlib
from pytest_postgresql import factories

files = sorted(pathlib.Path("migrations").glob("*.sql"))
server = factories.postgresql_noproc(
    host=os.environ["BENCH_HOST"], port=5432, user="postgres", load=files
)
postgresql = factories.postgresql("server")
"""
_DBLIFT = """
# dblift insists on a password.
LOGIN = "postgresql+psycopg://postgres:none@/dblift"


@pytest.fixture(scope="session")
def dblift_config():
    import psycopg
    url = os.environ["BENCH_URL"]
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("DROP DATABASE IF EXISTS dblift WITH (FORCE)")
        conn.execute("CREATE DATABASE dblift")
    return {
        "url": url.replace("postgresql://postgres@/postgres", LOGIN),
        "migrations_dir": "flyway",
    }


@pytest.fixture
def both(dblift_empty_db, dblift_migrated_db):
    return None
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One project: the fixture, the body of its tests, and where it runs."""

    name: str
    fixture: str
    url: str
    body: float = 0.0
    count: int = 100
    conftest: str = ""
    packages: tuple[str, ...] = ()
    """The peer's packages; none for pgbraid."""
    words: tuple[str, ...] = ()
    needs: tuple[str, ...] = field(default=())


def _ours(
    name: str, fixture: str = "pgbraid_dsn", url: str = "pgbraid_dsn", **more: object
) -> Case:
    return Case(name, fixture, url, **more)  # type: ignore[arg-type]


_FILE_COPY = _INLINE.replace("{strategy}", "FILE_COPY")
_DEFAULT = _INLINE.replace("{strategy}", "WAL_LOG")
CASES = (
    *(
        _ours(f"pgbraid_dsn, tests of {round(body * 1000)} ms", body=body)
        for body in (0.0, 0.02, 0.25)
    ),
    _ours("pgbraid_dsn, -n 4, tests of 20 ms", body=0.02, words=("-n", "4")),
    _ours("pgbraid_conn", "pgbraid_conn", "None"),
    _ours("clone in the test, FILE_COPY", "inline", "inline", conftest=_FILE_COPY),
    _ours(
        "clone in the test, FILE_COPY, tests of 20 ms",
        "inline",
        "inline",
        body=0.02,
        conftest=_FILE_COPY,
    ),
    _ours("clone in the test, server's default", "inline", "inline", conftest=_DEFAULT, count=30),
    _ours("migrate in the test", "migrated", "migrated", conftest=_MIGRATED, count=8),
    Case(
        "pytest-postgresql 10.0.0",
        "postgresql",
        "None",
        count=30,
        conftest=_POSTGRESQL,
        packages=("pytest-postgresql==10.0.0", "psycopg[binary]==3.3.4"),
    ),
    Case(
        "pytest-dblift 0.2.0",
        "both",
        "None",
        count=4,
        conftest=_DBLIFT,
        packages=("pytest-dblift==0.2.0", "dblift[postgresql]==5.1.0", "psycopg[binary]==3.3.4"),
    ),
)


def write(case: Case, folder: Path) -> None:
    """Write the project of a case."""
    folder.mkdir(parents=True)
    places = {"migrations": ("", "_"), "flyway": ("V", "__")}
    for name, (before, between) in places.items():
        (folder / name).mkdir()
        for file in migrations(FILES):
            number, _, rest = file.file_name().partition("_")
            (folder / name / f"{before}{number}{between}{rest}").write_text(file.sql)
    (folder / "conftest.py").write_text(_TIMER + case.conftest)
    (folder / "pytest.ini").write_text("[pytest]\n")
    text = _TEST.format(count=case.count, fixture=case.fixture, url=case.url, body=case.body)
    (folder / "test_fresh.py").write_text(text)
