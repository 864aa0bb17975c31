"""The pytest plugin: test databases, and checks of the migrations folder in a project's own tests.

The fixtures are in `for_pytest/fixtures.py`.

``pytest --pgbraid-prove=origin/main`` adds two items. ``pgbraid::check`` checks that the files are
fit to run, and that the branch leaves the commit's migrations as they are. ``pgbraid::prove``
replays the commit's migrations and then those that the branch adds, and checks that the schema is
that of a fresh database.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.api import Migrator

__all__ = ["Check", "pytest_addoption", "pytest_collection_modifyitems", "pytest_plugins"]


pytest_plugins = ("pgbraid.for_pytest.fixtures",)


class _Failed(Exception):
    """A check failed; the text of the exception is the report."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add pgbraid's options."""
    group = parser.getgroup("pgbraid")
    group.addoption(
        "--pgbraid-prove",
        metavar="REF",
        default=None,
        help="check the migrations, and prove what this branch adds against a git commit",
    )
    group.addoption(
        "--pgbraid-dir",
        metavar="DIR",
        default=None,
        help="the folder of migrations (by pgbraid's settings)",
    )


def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the requested checks after the project's own tests."""
    ref: str | None = config.getoption("--pgbraid-prove")
    if ref is not None:
        if not ref.strip():
            raise pytest.UsageError("--pgbraid-prove is empty; it names a git commit")
        folder: str | None = config.getoption("--pgbraid-dir")
        for name, check in (("check", _check), ("prove", _prove)):
            item = Check.from_parent(session, name=f"pgbraid::{name}")
            item.question = check
            item.folder, item.ref = folder, ref
            items.append(item)


class Check(pytest.Item):
    """One check of the folder of migrations."""

    question: Callable[[Migrator, str], None]
    folder: str | None = None
    ref: str = ""

    def runtest(self) -> None:
        """Run the check."""
        self.question(_load(self.folder, self.config.rootpath), self.ref)

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: object = None,  # noqa: ARG002 - pytest passes it
    ) -> str:
        """Return the report of a failure."""
        from pgbraid.model.errors import PgbraidError  # noqa: PLC0415 - only after a failure

        error = excinfo.value
        if isinstance(error, PgbraidError):
            hint = f"\nHINT:  {error.hint}" if error.hint else ""
            return f"ERROR:  {error}{hint}"
        return str(error) if isinstance(error, _Failed) else repr(error)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return the place and the name of the check."""
        return Path(self.folder or "."), None, self.name


def _load(folder: str | None, root: Path) -> Migrator:
    """Load the migrations when a check runs."""
    # Every pytest run loads this plugin, so it imports the library only here.
    from pgbraid.api import Migrator  # noqa: PLC0415
    from pgbraid.model.options import ScratchServerConfig  # noqa: PLC0415
    from pgbraid.settings import environment  # noqa: PLC0415
    from pgbraid.settings.settings_file import find_settings  # noqa: PLC0415
    from pgbraid.source.loader import load_migrations  # noqa: PLC0415

    settings = find_settings(start=root).override(dir=folder)
    for file in settings.passed_over:
        message = f"the settings file {file} is passed over: others own it or can write it"
        warnings.warn(message, stacklevel=1)
    place = ScratchServerConfig(
        environment.scratch_url(), environment.server_programs(), environment.cache_dir()
    )
    return Migrator(load_migrations(settings.dir, settings.links), settings, place)


def _check(migrator: Migrator, ref: str) -> None:
    check = migrator.check_files(base=ref)
    if not check.ok:
        raise _Failed("\n".join(_line_of(problem) for problem in check.problems))


def _line_of(problem: Any) -> str:  # noqa: ANN401 - a Problem
    place = f"{problem.location}: " if problem.location else ""
    return f"{place}{problem.severity.upper()}:  {problem.message}"


def _prove(migrator: Migrator, ref: str) -> None:
    from pgbraid.cli.render.differences import proof_lines  # noqa: PLC0415 - only for this check

    result = migrator.prove(base=ref)
    if not result.ok:
        raise _Failed("\n".join(proof_lines(result)))
