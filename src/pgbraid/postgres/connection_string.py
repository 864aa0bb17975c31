"""Reads connection strings, and never shows the secrets in them.

libpq itself parses them. Its functions come as a value, because they are called through the driver
or, in a run that has nothing to do, without it.
"""

from __future__ import annotations

import re
from itertools import zip_longest

from pgbraid._version import __version__
from pgbraid.arguments import a_database
from pgbraid.model.errors import ConfigError

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Protocol

    class LibpqStrings(Protocol):
        """The functions of libpq for connection strings."""

        def parse(self, conninfo: str) -> dict[str, Any]:  # pyright: ignore[reportReturnType]
            """Return the parameters of a connection string. Raises ValueError."""

        def defaults(self) -> dict[str, str]:  # pyright: ignore[reportReturnType]
            """Return the values of parameters not given: of the environment, or compiled in."""

        def version(self) -> int:  # pyright: ignore[reportReturnType]
            """Return the version, such as 180001."""


__all__ = [
    "ConnectionString",
    "in_libpqs_words",
    "read_connection_string",
    "scrub",
    "with_role",
]

_URL = r"(?s)(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)"
_UNKNOWN = r'(?:URI query parameter:|connection option) "(?P<name>[A-Za-z][A-Za-z0-9_.-]{0,40})"'
_SECRET_NAMES = r"(?i)password|passfile|secret|key"  # noqa: S105 - a pattern
_SCHEMES = frozenset({"postgres", "postgresql"})
_PASSWORDS = (
    r"(?i)(?:password|passfile|sslpassword|oauth_client_secret|scram_client_key|scram_server_key)"
    r"\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&]*)"
)
_LIMITS = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
_SHORTEST_FRAGMENT = 3
_HIGHEST_PORT = 65535
_LOCAL = r"(?i)localhost|127(?:\.[0-9]{1,3}){1,3}|::1"
_SYSTEM_ROOTS_SINCE = 160000
"""The first libpq with ``sslrootcert=system``, which implies verify-full."""


class ConnectionString:
    """The parameters of a connection string, and what may be shown of it."""

    __slots__ = ("label", "parameters", "secrets", "tls_warning")

    def __init__(
        self,
        parameters: dict[str, Any],
        label: str,
        secrets: tuple[str, ...],
        tls_warning: str | None,
    ) -> None:
        self.parameters = parameters
        self.label = label
        self.secrets = secrets
        self.tls_warning = tls_warning


def read_connection_string(
    conninfo: str, libpq: LibpqStrings, role: str | None = None
) -> ConnectionString:
    """Return the parameters of a URL or a ``key=value`` connection string, completed by ours.

    ``postgresql+driver://`` is read as ``postgresql://``. Missing time limits are set: ten seconds
    to connect, and keepalives that detect a dead host within a minute. With several hosts, libpq
    connects to one that can be written to. ``role`` is the role of the session.
    Raises ConfigError, which does not repeat the string, if libpq cannot parse it.
    """
    conninfo = _plain_scheme(a_database(conninfo).strip())
    parameters = _parse(conninfo, libpq)
    if isinstance(parameters, ConfigError):
        raise parameters
    _check_ports(conninfo, str(parameters.get("port") or ""))
    defaults = libpq.defaults()
    for name, limit in _LIMITS.items():
        if name not in parameters and defaults.get(name) is None:
            parameters[name] = limit
    if "," in str(parameters.get("host") or parameters.get("hostaddr") or ""):
        # Otherwise libpq takes the first host that answers, which may be a standby.
        parameters.setdefault("target_session_attrs", "read-write")
    if role is not None:
        parameters["options"] = with_role(
            str(parameters.get("options") or defaults.get("options") or ""), role
        )
    parameters.setdefault("fallback_application_name", f"pgbraid/{__version__}")
    parameters["client_encoding"] = "UTF8"  # a file is UTF-8; PGCLIENTENCODING must not change that
    secrets = _secrets(conninfo, parameters)
    everything = {**defaults, **parameters}
    return ConnectionString(
        parameters,
        scrub(_label(everything, parameters), secrets),
        secrets,
        _unverified_warning(parameters, everything, secrets, libpq),
    )


def scrub(text: str, secrets: tuple[str, ...]) -> str:
    """Return a text with every secret replaced by asterisks."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _parse(conninfo: str, libpq: LibpqStrings) -> dict[str, Any] | ConfigError:
    """Return the parameters or an error, whose context must not be the driver's error."""
    try:
        return libpq.parse(conninfo)
    except ValueError as error:
        return _unreadable(conninfo, str(error))


def _check_ports(conninfo: str, ports: str) -> None:
    """Raise ConfigError for an invalid port, without repeating it.

    In a URL without ``@host`` the password is parsed as the port, and the driver would show it.
    """
    for port in filter(None, (part.strip() for part in ports.split(","))):
        if not (port.isascii() and port.isdecimal() and 0 < int(port) <= _HIGHEST_PORT):
            form = "URL" if re.match(_URL, conninfo) else "connection string"
            raise ConfigError(
                f"the port of the database {form} is not a number from 1 to {_HIGHEST_PORT}",
                hint="Give a URL such as postgresql://user@host:5432/database. Without @, the text "
                "before the first : is the host, and the text after it the port.",
            )


def with_role(options: str, role: str) -> str:
    """Return the server's options with one that sets the role, its blanks escaped."""
    escaped = re.sub(r"([\s\\])", r"\\\1", role)
    return f"{options} -c role={escaped}".strip()


def _plain_scheme(conninfo: str) -> str:
    if conninfo[:5].lower() == "jdbc:":
        raise ConfigError(
            "the database URL begins with jdbc:, which only Java's driver reads",
            hint="Remove `jdbc:`; libpq reads the rest.",
        )
    match = re.match(_URL, conninfo)
    if match is None:
        return conninfo
    authority = match["rest"].partition("?")[0].rpartition("@")[0]
    if "@" in authority or "/" in authority:
        # A password that is not percent-encoded: libpq would show a part of it as the host.
        raise _unreadable(conninfo)
    scheme = match["scheme"].lower().partition("+")[0]
    if scheme not in _SCHEMES:
        raise ConfigError(
            f"the database URL begins with {match['scheme']}://, not with postgresql://",
            hint="Give a URL such as postgresql://user@host:5432/database.",
        )
    return f"{scheme}://{match['rest']}"


def _unreadable(conninfo: str, driver_message: str = "") -> ConfigError:
    """Return the error of a string that libpq cannot parse; it does not repeat the string.

    It names an unknown parameter, unless that name could be a part of a password.
    """
    form = "URL" if re.match(_URL, conninfo) else "connection string"
    parameter = re.search(_UNKNOWN, driver_message)
    parameters_text = conninfo.partition("?")[2] if form == "URL" else conninfo
    if parameter and "@" not in parameters_text and not re.search(_SECRET_NAMES, parameters_text):
        name = parameter["name"]
        value = re.search(rf"(?:^|[&\s]){re.escape(name)}\s*=\s*([^&\s]*)", parameters_text)
        return ConfigError(
            f"libpq knows no parameter {name!r} in a database {form}",
            hint=in_libpqs_words(name, value[1] if value else ""),
        )
    return ConfigError(
        f"libpq cannot parse the database {form}",
        detail="Characters such as @ : / % # in a user name or password must be percent-encoded, "
        "and every parameter must be one of libpq's."
        if form == "URL"
        else "It must be a URL, or key=value pairs of libpq's parameters.",
        hint="Give a URL such as postgresql://user@host:5432/database, with the password in "
        "PGPASSWORD or a .pgpass file.",
    )


def _label(parameters: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    host = str(parameters.get("host") or parameters.get("hostaddr") or "local socket")
    port = parameters.get("port")
    place = host if host.startswith("/") or not port else f"{host}:{port}"
    if parameters.get("service") and "host" not in given:
        place = f"service {parameters['service']}"
        if not given.get("dbname"):  # it is in the service file, which only libpq reads
            return place
    return f"{place}/{parameters.get('dbname') or parameters.get('user') or ''}"


def _secrets(conninfo: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return every spelling and fragment of a secret, longest first.

    libpq may split a password that is not percent-encoded at ``@``, ``:``, ``/`` or ``%`` and show
    its fragments as host or port. So the fragments count as secrets too.
    """
    passwords = {str(value) for key, value in parameters.items() if "password" in key and value}
    passwords |= {match.strip("'") for match in re.findall(_PASSWORDS, conninfo)}
    url = re.match(_URL, conninfo)
    if url and "@" in url["rest"]:
        userinfo = url["rest"].rpartition("@")[0]
        passwords.add(userinfo.partition(":")[2])
    if passwords:
        from urllib.parse import unquote  # noqa: PLC0415 - few strings have a password

        passwords |= {unquote(secret) for secret in passwords}
    fragments = {part for secret in passwords for part in re.split(r"[@:/%]", secret)}
    shown = {str(parameters.get(key)) for key in ("user", "host", "dbname", "port")}
    long = {part for part in fragments - shown if len(part) >= _SHORTEST_FRAGMENT}
    # Longest first: a fragment must not be replaced inside a secret that contains it.
    return tuple(sorted((passwords | long) - {""}, key=len, reverse=True))


def _unverified_warning(
    given: Mapping[str, Any],
    parameters: Mapping[str, Any],
    secrets: tuple[str, ...],
    libpq: LibpqStrings,
) -> str | None:
    """Return the warning about remote servers that libpq will not verify, or None.

    GSSAPI encryption and SCRAM channel binding also prove the server's identity, if required.
    """
    if "service" in given:
        # libpq reads the service's entries only when it connects: do not warn about unknown ones.
        parameters = {"sslmode": "verify-full", **given}
    mode = str(parameters.get("sslmode", ""))
    system = parameters.get("sslrootcert") == "system" and libpq.version() >= _SYSTEM_ROOTS_SINCE
    proven = {str(parameters.get(name)) for name in ("gssencmode", "channel_binding")}
    if mode == "verify-full" or system or "require" in proven:
        return None
    hosts, addresses = (str(parameters.get(name) or "").split(",") for name in ("host", "hostaddr"))
    # A dict keeps the order and drops duplicates.
    remote = {
        scrub(address if _is_local(host) else host, secrets): None
        for host, address in zip_longest(hosts, addresses, fillvalue="")
        if not _is_local(address or host)
    }
    if not remote:
        return None
    servers = f"server{'s' if len(remote) > 1 else ''} {', '.join(remote)}"
    return f"the {servers} {'are' if len(remote) > 1 else 'is'} not verified: sslmode is {mode}"


def _is_local(place: str) -> bool:
    """Whether a host or an address is this machine; an empty one is the local socket."""
    return place[:1] in {"", "/", "@"} or bool(re.fullmatch(_LOCAL, place))


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
