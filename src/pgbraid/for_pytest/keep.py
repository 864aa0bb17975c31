"""``--pgbraid-keep``: the databases of failed tests stay, with their server."""

from __future__ import annotations

import select
import sys
from typing import TYPE_CHECKING

import pytest

from pgbraid.for_pytest.used_databases import USED
from pgbraid.testing.setup import PROCESS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pgbraid.testing import MigratedDatabase

__all__ = ["Keeper"]


class Keeper:
    """Keeps the databases of failed tests, and the embedded server until it is let go.

    With pytest-xdist, the workers keep the databases, and the process that hands out the tests
    holds the server.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._kept: list[str] = []
        self._let_go: Callable[[], None] | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep the databases of a test that failed, and name them in its report."""
        report = yield
        if report.failed and report.when != "teardown":
            databases: list[MigratedDatabase] = item.stash.get(USED, [])
            suite = PROCESS.suite_in_use
            if databases and suite is not None:
                for database in databases:
                    suite.keep(database)
                lines = [f"The database stays: {database.dsn}" for database in databases]
                report.sections.append(("pgbraid", "\n".join(lines)))
                # A worker sends all attributes of a report on.
                vars(report)["pgbraid_kept"] = [database.dsn for database in databases]
                vars(report)["pgbraid_run"] = suite.options.token if suite.is_embedded else None
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hold the server of a database that a worker keeps."""
        if hasattr(self._config, "workerinput"):
            return
        self._kept += getattr(report, "pgbraid_kept", [])
        run = getattr(report, "pgbraid_run", None)
        if run is not None and self._let_go is None:
            from pgbraid.testing.held_server import hold_server_of  # noqa: PLC0415 - only if one is kept

            self._let_go = hold_server_of(run)

    def pytest_unconfigure(self) -> None:
        """Let the embedded server run on for a while, if it has databases to look at."""
        if self._let_go is None:
            return
        seconds: float | None = self._config.option.pgbraid_keep_for
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        interactive = sys.stdin is not None and sys.stdin.isatty()
        if (seconds is not None or interactive) and reporter is not None:
            until = f"for {seconds:g} s" if seconds is not None else "until Enter is pressed"
            reporter.ensure_newline()
            for url in self._kept:
                reporter.write_line(f"pgbraid: {url}")
            reporter.write_line(f"pgbraid: the server of {_count(self._kept)} stays up {until}")
        _wait(seconds, interactive=interactive)
        self._let_go()


def _count(kept: list[str]) -> str:
    return f"{len(kept)} database{'' if len(kept) == 1 else 's'}"


def _wait(seconds: float | None, *, interactive: bool) -> None:
    """Wait for Enter or for the time to pass; not at all where there is neither."""
    if seconds is None and not interactive:
        return
    try:
        if interactive:
            select.select([sys.stdin], [], [], seconds)
        else:
            select.select([], [], [], seconds)
    except KeyboardInterrupt:
        return
