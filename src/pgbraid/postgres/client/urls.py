"""Writes connection parameters as a URL that other drivers than libpq read, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["plain_parameters", "url_of"]

_NEUTRAL = {
    "hostaddr": "",
    "options": "",
    "sslmode": "disable",
    "gssencmode": "disable",
    "target_session_attrs": "any",
    "channel_binding": "disable",
}
"""Values of parameters with which a connection reaches a Unix socket of this machine."""
_MAIN = ("user", "password", "host", "port", "dbname")


def plain_parameters(conninfo: str, *, embedded: bool = False) -> dict[str, Any]:
    """Return libpq's parameters of a connection string, for other drivers.

    Of an ``embedded`` server these are only host, port, user and database, as other drivers reject
    most of libpq's parameters. Where an environment variable of libpq would lead elsewhere, the
    parameter that it would set is there, too.
    """
    parameters = dict(conninfo_to_dict(conninfo))
    if not embedded:
        return parameters
    plain = {name: parameters[name] for name in _MAIN if parameters.get(name) is not None}
    for option in pq.Conninfo.get_defaults():
        name = option.keyword.decode()
        if name in _NEUTRAL and option.val and option.val != option.compiled:
            plain[name] = _NEUTRAL[name]
    return plain


def url_of(parameters: Mapping[str, Any], driver: str | None = None) -> str:
    """Return the URL of connection parameters, as ``postgresql+driver://`` with a driver."""
    given = {name: str(value) for name, value in parameters.items() if value is not None}
    host, port = given.pop("host", ""), given.pop("port", "")
    name = given.pop("dbname", "")
    user, password = given.pop("user", ""), given.pop("password", None)
    login = quote(user, safe="") + ("" if password is None else f":{quote(password, safe='')}")
    place = ""
    if host.startswith(("/", "@")) or "," in host:
        # Part of the query: SQLAlchemy, asyncpg and libpq all read a socket's folder there.
        given = {"host": host, **({"port": port} if port else {}), **given}
    elif host or port:
        place = (f"[{host}]" if ":" in host else quote(host, safe="")) + (
            f":{port}" if port else ""
        )
    scheme = f"postgresql+{driver}" if driver else "postgresql"
    query = f"?{urlencode(given, safe='/', quote_via=quote)}" if given else ""
    return f"{scheme}://{login}{'@' if login else ''}{place}/{quote(name, safe='')}{query}"
