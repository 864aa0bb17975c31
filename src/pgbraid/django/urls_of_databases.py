"""Turns an entry of Django's DATABASES into a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from pgbraid.model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["url_of"]

_NOT_LIBPQS = frozenset(
    {
        *("assume_role", "connection_factory", "context", "cursor_factory", "isolation_level"),
        *("pool", "prepare_threshold", "row_factory", "server_side_binding", "client_encoding"),
        *("passfile", "service"),
    }
)
"""The options of Django's back end and of psycopg, and those that this module treats itself."""


def url_of(database: Mapping[str, Any]) -> str:
    """Return the URL of an entry of DATABASES, such as ``DATABASES["default"]``.

    It has the libpq parameters of OPTIONS; ``assume_role`` becomes the role of the session. A value
    that the entry leaves open is left to libpq's variables. Raises ConfigError if the database is
    not PostgreSQL.
    """
    engine = str(database.get("ENGINE") or "")
    if "postg" not in engine:
        raise ConfigError(
            f"the database has the engine {engine or 'none'}, and pgbraid is for PostgreSQL",
            hint="Give an entry of DATABASES with the engine django.db.backends.postgresql.",
        )
    options: Mapping[str, Any] = database.get("OPTIONS") or {}
    parameters = {
        name: _text(value)
        for name, value in options.items()
        if value is not None and name not in _NOT_LIBPQS
    }
    for name in ("passfile", "service"):
        if options.get(name):
            parameters[name] = str(options[name])
    if options.get("assume_role"):
        role = str(options["assume_role"]).replace("\\", "\\\\").replace(" ", "\\ ")
        parameters["options"] = f"{parameters.get('options', '')} -c role={role}".strip()
    for key, name in (("HOST", "host"), ("PORT", "port"), ("NAME", "dbname")):
        if database.get(key):
            parameters[name] = str(database[key])
    user, password = (quote(str(database.get(key) or ""), safe="") for key in ("USER", "PASSWORD"))
    account = f"{user}{':' if password else ''}{password}{'@' if user or password else ''}"
    return f"postgresql://{account}/?{urlencode(parameters, quote_via=quote)}"


def _text(value: object) -> str:
    """Return a parameter as libpq reads it."""
    return str(int(value)) if isinstance(value, bool) else str(value)
