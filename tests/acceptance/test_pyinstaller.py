"""The PyInstaller hook names every module and file that no import statement names."""

import importlib
import pkgutil
import runpy
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import pgbraid
from pgbraid.cli.parser import COMMANDS

PACKAGE = Path(pgbraid.__file__).parent
KINDS = {".sql", ".json", ".typed", ".txt", ".html", ".css"}


@pytest.fixture(scope="module")
def hook():
    (point,) = entry_points(group="pyinstaller40", name="hook-dirs")
    (folder,) = point.load()()
    return runpy.run_path(str(Path(folder) / "hook-pgbraid.py"))


def test_every_module_is_named(hook):
    modules = {module.name for module in pkgutil.walk_packages(pgbraid.__path__, "pgbraid.")}
    parts = ("pgbraid._pyinstaller", "pgbraid.django", "pgbraid.for_pytest")
    unwanted = {n for n in modules if n.startswith(parts)}
    expected = modules - unwanted - {"pgbraid.__main__", "pgbraid.pytest_plugin"}
    named = {name for name in hook["hiddenimports"] if name.startswith("pgbraid")}
    assert named == expected | {"pgbraid"}
    assert {command.module for command in COMMANDS} <= named


def test_every_name_can_be_imported(hook):
    for name in hook["hiddenimports"]:
        if name.startswith("pgbraid"):
            importlib.import_module(name)


def test_every_data_file_is_copied_to_its_place(hook):
    named = {(Path(path), Path(place)) for path, place in hook["datas"]}
    files = {path for path in PACKAGE.rglob("*") if path.suffix in KINDS}
    assert len(files) > 5
    assert named == {(path, path.parent.relative_to(PACKAGE.parent)) for path in files}


def test_driver_modules_that_a_run_imports_are_named(hook):
    code = "import sys, pgbraid.postgres.client.session; print(*sys.modules, sep='\\n')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    used = {name for name in run.stdout.split() if name.startswith("psycopg")}
    drivers = [name for name in hook["hiddenimports"] if name.startswith("psycopg")]
    assert {name for name in used if name.count(".") < 2} <= set(drivers)
