"""The database to connect to, which never shows the secrets of its connection string."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import ProgrammingError, pq
from psycopg.conninfo import conninfo_to_dict

from pgbraid.postgres.connection_string import read_connection_string, scrub, with_role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pgbraid.postgres.client.background_connect import BackgroundConnect

__all__ = ["Target", "identity", "parse_target"]


@dataclass(frozen=True, slots=True)
class Target:
    """A database to connect to; its repr and str show no secrets."""

    parameters: Mapping[str, Any] = field(repr=False)
    label: str
    """``host:port/database``, as far as given, for messages."""
    embedded: str | None = None
    """The name of the embedded server in hints; None for any other server."""
    secrets: tuple[str, ...] = field(repr=False, default=())
    role: str | None = None
    """The role of the session, set by a startup option."""
    search_path: str | None = None
    """The search_path for the bodies of migrations, instead of the role's own."""
    session_pooler: bool = False
    """Whether the user declared that a pooler gives each client its own session."""
    direct: bool = False
    """Whether this is the URL that bypasses a pooler (``direct_url``)."""
    background_connect: BackgroundConnect | None = field(repr=False, compare=False, default=None)
    """A connection that is already being opened."""
    wait: float = 0.0
    """Seconds to wait for a server that is not up yet."""
    on_first_failure: Callable[[str], None] | None = field(repr=False, compare=False, default=None)
    """Called with the reason when such a wait begins."""
    on_created: Callable[[str], None] | None = field(repr=False, compare=False, default=None)
    """If given, a missing database is created, and then this is called with its name."""
    tls_warning: str | None = None
    """A warning about a remote server whose identity is not verified."""

    def without_role(self) -> Mapping[str, Any]:
        """Return the parameters without the option that sets the role."""
        options = str(self.parameters.get("options") or "")
        remaining = options.removesuffix(with_role("", self.role or "")).strip()
        return {**self.parameters, "options": remaining or None}

    def scrub(self, text: str) -> str:
        """Return a text with every secret replaced by asterisks."""
        return scrub(text, self.secrets)


def parse_target(conninfo: str, *, embedded: str | None = None, role: str | None = None) -> Target:
    """Return the target for a URL or a ``key=value`` connection string.

    See :func:`~pgbraid.postgres.connection_string.read_connection_string` for the parameters that
    pgbraid adds. Raises ConfigError, which does not repeat the string, if libpq cannot parse it.
    """
    read = read_connection_string(conninfo, _DriverStrings(), role)
    return Target(
        read.parameters, read.label, embedded, read.secrets, role, tls_warning=read.tls_warning
    )


def identity(target: Target) -> tuple[str, str]:
    """Return the names of a target's database and user, completed with libpq's defaults.

    The entries of a service in the string are missing: only libpq reads them, when it connects.
    """
    parameters = {**_DriverStrings().defaults(), **target.parameters}
    user = str(parameters.get("user") or "")
    return target.scrub(str(parameters.get("dbname") or user)), target.scrub(user)


class _DriverStrings:
    """libpq's functions for connection strings, called through the driver."""

    def parse(self, conninfo: str) -> dict[str, Any]:
        try:
            return dict(conninfo_to_dict(conninfo))
        except ProgrammingError as error:
            message = str(error)
        # Outside of `except`: the driver's error, which shows the string, must not be the context.
        raise ValueError(message)

    def defaults(self) -> dict[str, str]:
        options = pq.Conninfo.get_defaults()
        return {o.keyword.decode(): o.val.decode(errors="replace") for o in options if o.val}

    def version(self) -> int:
        return pq.version()
