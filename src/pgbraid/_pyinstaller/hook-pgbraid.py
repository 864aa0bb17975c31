"""The hook for PyInstaller: modules and data files that no import statement shows.

Commands and public names are imported by name, as is the compiled part of the driver. The SQL files
are read as data.
"""

from __future__ import annotations

import pkgutil
from importlib.util import find_spec
from pathlib import Path

import pgbraid

__all__ = ["datas", "hiddenimports"]

_PACKAGE = Path(pgbraid.__file__).parent
_LEFT_OUT = frozenset({"_pyinstaller", "__main__", "django", "for_pytest", "pytest_plugin"})
"""Parts that only other programs load; PyInstaller itself follows Django's INSTALLED_APPS."""
_DRIVERS = ("psycopg", "psycopg_binary", "psycopg_c")

_files = [path for path in sorted(_PACKAGE.rglob("*")) if path.is_file()]
_modules = [
    path.relative_to(_PACKAGE).with_suffix("").parts for path in _files if path.suffix == ".py"
]
hiddenimports = [
    ".".join(("pgbraid", *parts)).removesuffix(".__init__")
    for parts in _modules
    if parts[0] not in _LEFT_OUT
]
for _driver in _DRIVERS:
    _found = find_spec(_driver)
    if _found is not None and _found.submodule_search_locations:
        _parts = pkgutil.iter_modules(_found.submodule_search_locations, f"{_driver}.")
        hiddenimports += [_driver, *(part.name for part in _parts)]

datas = [
    (str(path), str(path.parent.relative_to(_PACKAGE.parent)))
    for path in _files
    if path.suffix not in {".py", ".pyc"}
]
