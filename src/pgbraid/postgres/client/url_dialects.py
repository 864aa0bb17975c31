"""Translates URL parameters of other drivers to those of libpq."""

from __future__ import annotations

__all__ = ["in_libpqs_words"]

_PATH = (
    "Set the ledger's schema with `schema`, the search path with options=-c%20search_path%3Dapp."
)
_GOLANG = (
    "Remove it: only golang-migrate knows it. pgbraid adopts from a table of the name "
    "schema_migrations, and no other."
)
_OTHERS = {
    "currentSchema": _PATH,
    "schema": _PATH,
    "search_path": _PATH,
    "ApplicationName": "Write application_name=… in its place.",
    "connectTimeout": "Write connect_timeout=… in its place, in seconds.",
    "loginTimeout": "Write connect_timeout=… in its place, in seconds.",
    "timeout": "Write connect_timeout=… in its place, in seconds.",
}
"""Hints for parameters of JDBC, Prisma, asyncpg and pgx that libpq has under another name."""
_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
_OFF = frozenset({"0", "false", "no", "off"})


def in_libpqs_words(name: str, value: str) -> str:
    """Return a hint with libpq's name for a parameter that libpq does not know."""
    if name.lower() in {"ssl", "sslaccept", "ssl_mode", "ssl-mode"}:
        mode = "disable" if value.lower() in _OFF else "require"
        return f"Write sslmode={value if value in _MODES else mode} in its place."
    if name.startswith("x-"):
        return _GOLANG
    return _OTHERS.get(name, "Remove it; set session settings with options=-c%20name%3Dvalue.")
