"""Connection strings: taken apart without ever showing what is secret in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from psycopg import ProgrammingError, pq
from psycopg.conninfo import conninfo_to_dict

from pgbraid._version import __version__
from pgbraid.arguments import a_database
from pgbraid.model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pgbraid.postgres.client.connection import BackgroundConnect

__all__ = ["Target", "identity", "parse_target"]

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_UNKNOWN = re.compile(
    r'(?:URI query parameter:|connection option) "(?P<name>[A-Za-z][A-Za-z0-9_.-]{0,40})"'
)
_SECRET = re.compile(r"password|passfile|secret|key", re.IGNORECASE)
_SCHEMES = frozenset({"postgres", "postgresql"})
_PASSWORD = re.compile(
    r"(?:password|passfile|sslpassword|oauth_client_secret|scram_client_key|scram_server_key)"
    r"\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&]*)",
    re.IGNORECASE,
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
_LOCAL = r"localhost|127(?:\.[0-9]{1,3}){1,3}|::1"
_SYSTEM_ROOTS_SINCE = 160000
"""The libpq that takes ``sslrootcert=system`` for the system's, and then verifies in full."""


@dataclass(frozen=True, slots=True)
class Target:
    """A database to connect to; neither repr nor str shows what is secret."""

    parameters: Mapping[str, Any] = field(repr=False)
    label: str
    """``host:port/database`` as far as it is given, for a person to read."""
    embedded: str | None = None
    """What the embedded server is called, for hints; None for any other server."""
    secrets: tuple[str, ...] = field(repr=False, default=())
    role: str | None = None
    """The role that the session is to be, by an option that it starts with."""
    search_path: str | None = None
    """The search path for the bodies of migrations, in place of the role's own."""
    session_pooler: bool = False
    """Whether the user says that a pooler gives each client a session of its own."""
    direct: bool = False
    """Whether it was named as the way past a pooler."""
    background_connect: BackgroundConnect | None = field(repr=False, compare=False, default=None)
    """A connection to it that is on its way."""
    wait: float = 0.0
    """Seconds for which a server is waited for that is not there yet; ``tell`` is told why."""
    on_first_failure: Callable[[str], None] | None = field(repr=False, compare=False, default=None)
    tls_warning: str | None = None
    """What is to be said of a server elsewhere whose identity nothing verifies."""

    def without_role(self) -> Mapping[str, Any]:
        """Return the parameters without the option that sets the role."""
        options = str(self.parameters.get("options") or "")
        left = options.removesuffix(_with_role("", self.role or "")).strip()
        return {**self.parameters, "options": left or None}

    def scrub(self, text: str) -> str:
        """Return a text of the driver's or the server's with every secret replaced."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def parse_target(conninfo: str, *, embedded: str | None = None, role: str | None = None) -> Target:
    """Return the target that a URL or a ``key=value`` connection string means.

    ``postgresql+driver://`` is taken as ``postgresql://``. Time limits that the string does not
    give are set: ten seconds to connect, keepalives that notice a dead host within a minute. Of
    several hosts the one that can be written to is taken. ``role`` is the role to be.
    Raises ConfigError for a string that libpq cannot read, without repeating it.
    """
    conninfo = _plain_scheme(a_database(conninfo).strip())
    parameters = _parse(conninfo)
    if isinstance(parameters, ConfigError):
        raise parameters
    _check_ports(conninfo, str(parameters.get("port") or ""))
    defaults = _defaults()
    for name, limit in _LIMITS.items():
        if name not in parameters and defaults.get(name) is None:
            parameters[name] = limit
    if "," in str(parameters.get("host") or parameters.get("hostaddr") or ""):
        parameters.setdefault("target_session_attrs", "read-write")
    if role is not None:
        parameters["options"] = _with_role(
            str(parameters.get("options") or defaults.get("options") or ""), role
        )
    parameters.setdefault("fallback_application_name", f"pgbraid/{__version__}")
    parameters["client_encoding"] = "UTF8"
    secrets = _secrets(conninfo, parameters)
    target = Target(parameters, "", embedded, secrets, role)
    everything = {**defaults, **parameters}
    return replace(
        target,
        label=target.scrub(_label(everything, parameters)),
        tls_warning=_unverified(target, everything),
    )


def identity(target: Target) -> tuple[str, str]:
    """Return the names of a target's database and user, as libpq completes them.

    What a service that the string itself names says is not known before libpq connects.
    """
    known = {**_defaults(), **target.parameters}
    user = str(known.get("user") or "")
    return target.scrub(str(known.get("dbname") or user)), target.scrub(user)


def _parse(conninfo: str) -> dict[str, Any] | ConfigError:
    """Return the parameters, or an error, which must not have the driver's for its context."""
    try:
        return dict(conninfo_to_dict(conninfo))
    except ProgrammingError as error:
        return _unreadable(conninfo, str(error))


def _check_ports(conninfo: str, ports: str) -> None:
    """Refuse a port that is no port, without repeating it.

    In a URL without ``@host`` the password stands there, and the driver would show it.
    """
    for port in filter(None, (part.strip() for part in ports.split(","))):
        if not (port.isascii() and port.isdecimal() and 0 < int(port) <= _HIGHEST_PORT):
            form = "URL" if _URL.match(conninfo) else "connection string"
            raise ConfigError(
                f"the port of the database {form} is no number from 1 to {_HIGHEST_PORT}",
                hint="Give a URL such as postgresql://user@host:5432/database: without @ what "
                "stands before the first : is the host, and what follows is the port.",
            )


def _with_role(options: str, role: str) -> str:
    """Return the server's options with one that sets the role, its blanks escaped."""
    escaped = re.sub(r"([\s\\])", r"\\\1", role)
    return f"{options} -c role={escaped}".strip()


def _plain_scheme(conninfo: str) -> str:
    if conninfo[:5].lower() == "jdbc:":
        raise ConfigError(
            "the database URL begins with jdbc:, which is Java's",
            hint="Take `jdbc:` away; what follows is a URL that libpq reads.",
        )
    match = _URL.match(conninfo)
    if match is None:
        return conninfo
    authority = match["rest"].partition("?")[0].rpartition("@")[0]
    if "@" in authority or "/" in authority:
        raise _unreadable(conninfo)
    scheme = match["scheme"].lower().partition("+")[0]
    if scheme not in _SCHEMES:
        raise ConfigError(
            f"the database URL begins with {match['scheme']}://, not with postgresql://",
            hint="Give a URL such as postgresql://user@host:5432/database.",
        )
    return f"{scheme}://{match['rest']}"


def _unreadable(conninfo: str, said: str = "") -> ConfigError:
    """Return the error of a string that libpq cannot read, which is not to be repeated.

    A parameter's name is, where no part of a password can have been taken for it.
    """
    form = "URL" if _URL.match(conninfo) else "connection string"
    parameter = _UNKNOWN.search(said)
    asked = conninfo.partition("?")[2] if form == "URL" else conninfo
    if parameter and "@" not in asked and not _SECRET.search(asked):
        from pgbraid.postgres.client.url_dialects import in_libpqs_words  # noqa: PLC0415 - only for a mistake

        name = parameter["name"]
        value = re.search(rf"(?:^|[&\s]){re.escape(name)}\s*=\s*([^&\s]*)", asked)
        return ConfigError(
            f"libpq knows no parameter {name!r} in a database {form}",
            hint=in_libpqs_words(name, value[1] if value else ""),
        )
    return ConfigError(
        f"the database {form} cannot be read",
        detail="Characters such as @ : / % # in a user name or password must be percent-encoded, "
        "and every parameter must be one of libpq's."
        if form == "URL"
        else "It must be a URL, or key=value pairs of libpq's parameters.",
        hint="Give a URL such as postgresql://user@host:5432/database, with the password in "
        "PGPASSWORD or a .pgpass file.",
    )


def _defaults() -> dict[str, str]:
    """Return what libpq would take for parameters not given: environment, then compiled in."""
    options = pq.Conninfo.get_defaults()
    return {o.keyword.decode(): o.val.decode(errors="replace") for o in options if o.val}


def _label(parameters: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    host = str(parameters.get("host") or parameters.get("hostaddr") or "local socket")
    port = parameters.get("port")
    place = host if host.startswith("/") or not port else f"{host}:{port}"
    if parameters.get("service") and "host" not in given:
        place = f"service {parameters['service']}"
        if not given.get("dbname"):  # the service names it, and only libpq reads that file
            return place
    return f"{place}/{parameters.get('dbname') or parameters.get('user') or ''}"


def _secrets(conninfo: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return every spelling and fragment of a secret, the longest first.

    libpq may cut a password that is not percent-encoded at ``@``, ``:``, ``/`` or ``%`` and
    show the pieces as host or port, so the pieces count as secrets too.
    """
    found = {str(value) for key, value in parameters.items() if "password" in key and value}
    found |= {match.strip("'") for match in _PASSWORD.findall(conninfo)}
    url = _URL.match(conninfo)
    if url and "@" in url["rest"]:
        userinfo = url["rest"].rpartition("@")[0]
        found.add(userinfo.partition(":")[2])
    found |= {unquote(secret) for secret in found}
    pieces = {piece for secret in found for piece in re.split(r"[@:/%]", secret)}
    shown = {str(parameters.get(key)) for key in ("user", "host", "dbname", "port")}
    long = {piece for piece in pieces - shown if len(piece) >= _SHORTEST_FRAGMENT}
    return tuple(sorted((found | long) - {""}, key=len, reverse=True))


def _unverified(target: Target, parameters: Mapping[str, Any]) -> str | None:
    """Return what to say of servers elsewhere that libpq will not verify, or None.

    Kerberos' encryption and SCRAM's channel binding, where required, prove the server as well.
    What a service says that the string itself names, libpq tells nobody before it connects, so
    of host and sslmode the string's own count alone then.
    """
    if "service" in target.parameters:
        parameters = {"sslmode": "verify-full", **target.parameters}
    mode = str(parameters.get("sslmode", ""))
    system = parameters.get("sslrootcert") == "system" and pq.version() >= _SYSTEM_ROOTS_SINCE
    proven = {str(parameters.get(name)) for name in ("gssencmode", "channel_binding")}
    if mode == "verify-full" or system or "require" in proven:
        return None
    hosts, addresses = (str(parameters.get(name) or "").split(",") for name in ("host", "hostaddr"))
    far = {
        target.scrub(address if _is_local(host) else host): None  # in their order, each once
        for host, address in zip_longest(hosts, addresses, fillvalue="")
        if not _is_local(address or host)
    }
    if not far:
        return None
    servers = f"server{'s' if len(far) > 1 else ''} {', '.join(far)}"
    return f"the {servers} {'are' if len(far) > 1 else 'is'} not verified: sslmode is {mode}"


def _is_local(place: str) -> bool:
    """Whether a host or an address is this machine; one that is left out is its socket."""
    return place[:1] in {"", "/", "@"} or bool(re.fullmatch(_LOCAL, place, re.IGNORECASE))
