"""Warns about a connection that others can read, or whose server may be another one."""

from __future__ import annotations

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from pgbraid.cli.render import Output

__all__ = ["shown_password", "unverified_server"]


def shown_password(output: Output, given: str | None) -> None:
    """Warn if a URL on the command line has a password."""
    from pgbraid.settings.passwords import has_password

    if given is not None and has_password(given):
        output.warn(
            "password_shown",
            "every user of this machine can read the password on the command line",
            hint="Give the URL in PGBRAID_DATABASE_URL, or the password in PGPASSWORD or a "
            ".pgpass file.",
        )


def unverified_server(output: Output, warning: str | None) -> None:
    """Warn about a remote server whose identity is not verified."""
    if warning is not None:
        output.warn(
            "unverified_server",
            warning,
            hint="Give sslmode=verify-full and sslrootcert=… in the URL, or set PGSSLMODE.",
        )
