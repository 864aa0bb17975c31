"""Gives a test process its one suite, by the options of pytest.

Every run of pytest imports this module, so it imports the rest at the first use.
"""

from __future__ import annotations

import atexit
import os
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.api import Migrator
    from pgbraid.source.files import Source
    from pgbraid.testing.suite import Suite, SuiteOptions

__all__ = ["PROCESS", "Process", "as_migrator", "find_migrations", "options_for"]

_MOST_AHEAD = 100
_MAKING = Lock()
"""Held while the suite is made: threads of a test may need it at once."""


class Process:
    """The options of pytest in this process, and the suite in use."""

    def __init__(self) -> None:
        self.server: str | None = None
        self.ahead = ""
        self.seeds: tuple[str, ...] = ()
        self.root: Path | None = None
        self.dir: str | None = None
        self.controls_workers = False
        """Whether this process only hands out the tests to the workers of pytest-xdist."""
        self.suite_in_use: Suite | None = None
        self._made_in = 0
        """The process that has made the suite."""

    def begin(self) -> Callable[[], None]:
        """Begin a run of pytest; return the function that ends it.

        A run inside a test of another one, in its process, leaves the databases of that one alone.
        """
        around = dict(vars(self))
        if self.root is None:
            around["suite_in_use"] = None
        else:
            self.suite_in_use = None

        def end() -> None:
            self.close()
            vars(self).update(around)

        return end

    def suite(self) -> Suite:
        """Return the suite of this process, made at the first call. Raises ConfigError."""
        with _MAKING:
            if self.suite_in_use is None:
                from pgbraid.testing.suite import Suite  # noqa: PLC0415 - at the first use

                self._made_in = os.getpid()
                atexit.register(self.close)  # without pytest, and where pytest ends early
                self.suite_in_use = Suite(
                    options_for(self.server, ahead=self.ahead, seeds=self.seeds)
                )
            return self.suite_in_use

    def close(self) -> None:
        """Drop the databases, and stop the server.

        A forked child, such as one that ends with ``sys.exit()``, leaves them to its parent.
        """
        if self._made_in != os.getpid():
            return
        suite, self.suite_in_use = self.suite_in_use, None
        if suite is not None:
            suite.close()


PROCESS = Process()


def options_for(
    server: str | None = None, *, ahead: str = "", seeds: tuple[str, ...] = ()
) -> SuiteOptions:
    """Return the options of a suite; without ``server``, by PGBRAID_TEST_DSN.

    Raises ConfigError for an invalid number of clones to make ahead.
    """
    from pgbraid.model.errors import ConfigError  # noqa: PLC0415 - at the first use
    from pgbraid.settings import environment  # noqa: PLC0415
    from pgbraid.testing.suite import AHEAD, EMBEDDED, SuiteOptions  # noqa: PLC0415

    if ahead and not (ahead.isdecimal() and int(ahead) <= _MOST_AHEAD):
        raise ConfigError(
            f"pgbraid_ahead must be a number from 0 to {_MOST_AHEAD}, not {ahead!r}",
            hint="Correct it in the settings of pytest, then run the tests again.",
        )
    number = int(ahead) if ahead else AHEAD
    chosen = server or environment.server_for_tests() or EMBEDDED
    run, name = environment.xdist_worker() or (None, "main")
    worker = "".join(c for c in name.lower() if c.isascii() and c.isalnum())
    if run is None:
        return SuiteOptions(chosen, worker=worker, ahead=number, seeds=seeds)
    import secrets  # noqa: PLC0415 - at the first use

    # A program that a test calls has the variables of its worker, but databases of its own.
    worker += f"x{secrets.token_hex(3)}"
    return SuiteOptions(chosen, run, worker, ahead=number, seeds=seeds)


def find_migrations(root: Path | None = None, folder: str | None = None) -> Migrator:
    """Return the migrations that the settings name, or those of ``folder``. Raises ConfigError."""
    return _migrator(root or Path.cwd(), folder)


def as_migrator(value: object, root: Path) -> Migrator:
    """Return the value of a project's own ``pgbraid_migrations`` as a value of the library.

    ``value`` is a Migrator, or a folder or mapping that ``pgbraid.load`` takes. Raises ConfigError.
    """
    from pgbraid.api import Migrator  # noqa: PLC0415 - at the first use

    return value if isinstance(value, Migrator) else _migrator(root, None, value)


def _migrator(root: Path, folder: str | None, source: object = None) -> Migrator:
    from pgbraid.api import Migrator  # noqa: PLC0415 - at the first use
    from pgbraid.model.options import ScratchServerConfig  # noqa: PLC0415
    from pgbraid.settings import environment  # noqa: PLC0415
    from pgbraid.settings.settings_file import find_settings  # noqa: PLC0415
    from pgbraid.source.loader import load_migrations  # noqa: PLC0415

    settings = find_settings(start=root).override(dir=folder)
    place = ScratchServerConfig(
        environment.scratch_url(), environment.server_programs(), environment.cache_dir()
    )
    if source is None:
        # Without a settings file it is the folder below the root of the tests, if there is one.
        below = root / settings.dir
        source = settings.dir if folder or settings.file or not below.is_dir() else below
    loaded = load_migrations(cast("Source", source), settings.links)
    return Migrator(loaded, settings, place)
