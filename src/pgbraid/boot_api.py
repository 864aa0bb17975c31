"""The methods of a Migrator for the boot of an application: wait, and check without blocking."""

from __future__ import annotations

from abc import ABC, abstractmethod

from pgbraid.model.errors import ConfigError
from pgbraid.model.options import StopToken, ignore_event

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.events import Listener
    from pgbraid.model.options import RunOptions
    from pgbraid.model.plan import Plan
    from pgbraid.model.results import Check, Readiness, Status
    from pgbraid.postgres.client.conninfo import Target

__all__ = ["BootMethods"]


class BootMethods(ABC):
    """Finds out whether an application can start on a database."""

    __slots__ = ()

    @abstractmethod
    def _options(self, on_event: Listener = ..., stop: StopToken | None = None) -> RunOptions:
        """Return the options of a command."""

    @abstractmethod
    def _command(
        self,
        conninfo: str | Target,
        options: RunOptions | None = None,
        *,
        to: int | None = None,
        not_applied: Iterable[int] = (),
    ) -> Command:
        """Return the input of a command."""

    @abstractmethod
    def _with_checksum_file(self, check: Check, *, checksum_file: bool) -> Check:
        """Return the check, with ``checksum_file`` also of ``pgbraid.sum``."""

    def ready(
        self,
        conninfo: str | Target,
        *,
        timeout: float = 600.0,
        exact: bool = False,
        on_event: Listener = ignore_event,
        stop: StopToken | None = None,
    ) -> Readiness:
        """Wait until another process has applied every migration with a file; write nothing.

        The database is ready once :meth:`Migrator.check` with ``newer_ok`` says yes, with ``exact``
        once it says yes without. The ledger is read each second, and while the server is away the
        connection is tried again. ``on_event`` is called with ``WaitingForMigrations`` when the
        reason of the wait changes.

        Raises NotReady after ``timeout`` seconds, or ConnectionFailed if there was no connection.
        Raises ProblemsFound at once for errors that waiting cannot change, such as a file that
        ``up`` would refuse or that was changed after it was applied, ConnectionFailed at once if
        the server refuses the user or the password, and Stopped.
        """
        from pgbraid.migrate.wait import wait_until_ready

        command = self._command(conninfo, self._options(on_event, stop))
        return wait_until_ready(command, _seconds(timeout), exact=exact)

    async def aready(
        self,
        conninfo: str | Target,
        *,
        timeout: float = 600.0,  # noqa: ASYNC109 - the wait itself ends, with its reason
        exact: bool = False,
        on_event: Listener = ignore_event,
    ) -> Readiness:
        """Run :meth:`ready` without blocking the event loop; a cancelled task ends the wait.

        ``on_event`` is called in another thread.
        """
        from pgbraid.aio import run_in_thread

        stop = StopToken()
        return await run_in_thread(
            lambda: self.ready(
                conninfo, timeout=timeout, exact=exact, on_event=on_event, stop=stop
            ),
            stop,
        )

    async def acheck(
        self, conninfo: str | Target, *, checksum_file: bool = False, newer_ok: bool = False
    ) -> Check:
        """Run :meth:`Migrator.check` without blocking the event loop."""
        from pgbraid.aio import run_in_thread
        from pgbraid.migrate import status

        stop = StopToken()
        command = self._command(conninfo, self._options(stop=stop))
        check = await run_in_thread(lambda: status.check(command, newer_ok=newer_ok), stop)
        return self._with_checksum_file(check, checksum_file=checksum_file)

    async def astatus(self, conninfo: str | Target) -> Status:
        """Run :meth:`Migrator.status` without blocking the event loop."""
        from pgbraid.aio import run_in_thread
        from pgbraid.migrate.status import read_status

        stop = StopToken()
        command = self._command(conninfo, self._options(stop=stop))
        return await run_in_thread(lambda: read_status(command), stop)

    async def aplan(
        self, conninfo: str | Target, *, to: int | None = None, not_applied: Iterable[int] = ()
    ) -> Plan:
        """Run :meth:`Migrator.plan` without blocking the event loop."""
        from pgbraid.aio import run_in_thread
        from pgbraid.migrate.status import plan_pending

        stop = StopToken()
        command = self._command(conninfo, self._options(stop=stop), to=to, not_applied=not_applied)
        return await run_in_thread(lambda: plan_pending(command), stop)


def _seconds(timeout: object) -> float:
    """Return the time limit. Raises ConfigError unless it is a number of seconds."""
    from pgbraid.model.units import parse_duration

    seconds = None if isinstance(timeout, str) else parse_duration(timeout)
    if seconds is None:
        raise ConfigError(f"`timeout` must be a number of seconds, not {timeout!r}")
    return seconds
