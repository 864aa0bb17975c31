"""The settings as a value, checked when it is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from os import PathLike, fspath

from pgbraid.model.durations import parse_duration
from pgbraid.model.errors import ConfigError

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from typing import Any

    from pgbraid.model.options import Limits

__all__ = ["Settings", "has_password", "text_list"]

_SPANS = frozenset(
    {"lock_wait", "lock_timeout", "statement_timeout", "retry_for", "commit_wait", "explain_for"}
)
_CHOICES = {
    "verify": ("off", "warn", "error"),
    "gaps": ("apply", "prove", "refuse"),
    "gaps_require": ("any", "complete"),
    "ledgers": ("one", "many"),
}
_ACCEPTED = frozenset({"column-order", "enum-order", "different"})
_FLAGS = frozenset({"adopt", "session_pooler"})
_LISTS = frozenset({"accept", "ignore", "links"})
_NOT_EMPTY = frozenset({"prelude", "search_path"})
_IDENTIFIER_BYTES = 63
_JOURNAL_SUFFIX = len("_journal")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run needs to know besides the files and the database.

    Spans are in seconds: ``lock_wait`` is how long to wait for another run to end, the others
    are those of :class:`pgbraid.Limits`. ``role`` is the role to be while migrating;
    ``direct_url`` leads past a connection pooler; ``session_pooler`` says that a pooler gives each
    client a session of its own. ``gaps`` is what becomes of late migrations,
    ``accept`` which verdicts of a proof are no failure, ``ignore`` which objects drift passes over.
    With ``gaps_require`` complete, a proof must have left nothing out. The search for the cause of
    a difference takes ``explain_for`` seconds at most. ``prelude`` is a file of SQL that is run on
    every scratch database before the first migration, ``search_path`` the schemas in which
    migrations look up and create what they do not qualify. With ``ledgers`` many, each of several
    schemas of a database has these migrations applied, and a ledger of its own.
    """

    dir: str = "migrations"
    schema: str = "public"
    table: str = "applied_migrations"
    verify: str = "error"
    lock_wait: float = 600.0
    lock_timeout: float = 0.5
    statement_timeout: float = 0.0
    retry_for: float = 600.0
    commit_wait: float = 60.0
    adopt: bool = True
    role: str | None = None
    direct_url: str | None = field(default=None, repr=False)
    session_pooler: bool = False
    gaps: str = "apply"
    gaps_require: str = "any"
    accept: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    explain_for: float | None = None
    prelude: str | None = None
    search_path: str | None = None
    ledgers: str = "one"
    links: tuple[str, ...] = ()
    """Folders to which a migration that is a symbolic link may lead."""
    file: str | None = field(default=None, compare=False)
    """The settings file they came from."""
    passed_over: tuple[str, ...] = field(default=(), compare=False)
    """Settings files nearer than that one, or any, that others could have put there."""

    def __post_init__(self) -> None:
        """Refuse what no server would take, so that nothing has to be found out later."""
        if not self.dir:
            raise ConfigError("dir is empty; it names the folder of migrations")
        _check_identifier("schema", self.schema)
        _check_identifier("table", self.table, room=_JOURNAL_SUFFIX)
        if self.role is not None:
            _check_identifier("role", self.role)
            if self.role.lower() == "none":
                raise ConfigError("the role none stands for no role", hint="Leave `role` out.")
        if self.direct_url is not None and has_password(self.direct_url):
            raise ConfigError(
                "direct_url holds a password, which has no place in a file or a command line",
                hint="Take it out and give it in PGPASSWORD or a .pgpass file, or name the whole "
                "URL in PGBRAID_DIRECT_URL.",
            )

    @property
    def limits(self) -> Limits:
        """How long a run waits for locks, statements and commits."""
        from pgbraid.model.options import Limits  # noqa: PLC0415 - not for a command without a run

        return Limits(self.lock_timeout, self.statement_timeout, self.retry_for, self.commit_wait)

    def override(self, **values: object) -> Settings:
        """Return these settings with the values that are not None in place of theirs.

        Raises ConfigError for a value that cannot be one.
        """
        given: dict[str, Any] = {
            name: _value(name, value) for name, value in values.items() if value is not None
        }
        return replace(self, **given)


def _check_identifier(name: str, value: str, room: int = 0) -> None:
    size = len(value.encode())
    if "\0" in value:
        raise ConfigError(f"the {name} {value!r} holds a NUL byte, which no name can have")
    if not value or size > _IDENTIFIER_BYTES - room:
        raise ConfigError(
            f"the {name} {value!r} is no name a PostgreSQL {name} can have",
            detail=f"It must have 1 to {_IDENTIFIER_BYTES - room} bytes; it has {size}.",
        )


def text_list(name: str, value: object) -> tuple[str, ...]:
    """Return a list of texts; one alone may stand for a list of one."""
    items = (value,) if isinstance(value, (str, PathLike)) else value
    if not isinstance(items, Iterable) or isinstance(items, (bytes, dict)):
        raise ConfigError(f"{name} must be a list of texts, not {value!r}")
    items = tuple(fspath(i) if isinstance(i, PathLike) else i for i in items)
    wrong = [item for item in items if not isinstance(item, str) or not item]
    if wrong:
        raise ConfigError(f"{name} must be a list of texts that are not empty, not {wrong[0]!r}")
    unknown = [item for item in items if name == "accept" and item not in _ACCEPTED]
    if unknown:
        raise ConfigError(
            f"accept may hold column-order, enum-order and different, not {unknown[0]!r}"
        )
    return items


def _value(name: str, value: object) -> str | float | bool | tuple[str, ...]:
    if name in _LISTS:
        return text_list(name, value)
    if name in _FLAGS:
        if isinstance(value, bool):
            return value
        raise ConfigError(f"{name} must be true or false, not {value!r}")
    if name in _CHOICES:
        *some, last = _CHOICES[name]
        if isinstance(value, str) and value in _CHOICES[name]:
            return str(value)
        raise ConfigError(f"{name} must be {', '.join(some)} or {last}, not {value!r}")
    if name in _SPANS:
        span = parse_duration(value)
        if span is None:
            said = "a number of seconds, or a span such as 500ms, 2s or 10min"
            raise ConfigError(f"{name} must be {said}, not {value!r}")
        return span
    if not isinstance(value, str):
        shown = "" if name == "direct_url" else f", not {value!r}"
        raise ConfigError(f"{name} must be text{shown}")
    if name in _NOT_EMPTY and not value.strip():
        raise ConfigError(f"{name} is empty", hint="Give it a value, or leave it out.")
    return value


def has_password(conninfo: str) -> bool:
    """Whether a connection string holds a password, even one that is not percent-encoded."""
    import re  # noqa: PLC0415 - as config is read by every command

    if re.search(r"password\s*=", conninfo):
        return True
    rest = conninfo.partition("://")[2]
    authority, asked, _ = rest.partition("?")
    if not asked or "@" in authority:
        return ":" in authority.rpartition("@")[0]
    port = re.fullmatch(r"[^:]*:[0-9]*(?:/.*)?", authority)
    return "@" in rest and ":" in authority and not port
