"""What the URLs of other drivers say, and how libpq says it."""

from __future__ import annotations

__all__ = ["in_libpqs_words"]

_PATH = (
    "The tracker's schema is `schema`; the session's search path is options=-c%20search_path%3Dapp."
)
_GOLANG = (
    "Take it out, as it is golang-migrate's own. pgbraid takes over from its table "
    "schema_migrations, and only by that name."
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
"""What JDBC, Prisma, asyncpg and pgx call what libpq, too, can be asked for."""
_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
_OFF = frozenset({"0", "false", "no", "off"})


def in_libpqs_words(name: str, value: str) -> str:
    """Return what to write for a parameter that libpq does not know."""
    if name.lower() in {"ssl", "sslaccept", "ssl_mode", "ssl-mode"}:
        mode = "disable" if value.lower() in _OFF else "require"
        return f"Write sslmode={value if value in _MODES else mode} in its place."
    if name.startswith("x-"):
        return _GOLANG
    return _OTHERS.get(name, "Take it out; settings of the session are options=-c%20name%3Dvalue.")
