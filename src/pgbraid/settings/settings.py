"""The settings as one value, validated when it is created."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from os import PathLike, fspath

from pgbraid.model.errors import ConfigError
from pgbraid.model.units import parse_duration
from pgbraid.settings import defaults
from pgbraid.settings.passwords import has_password

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from typing import Any

    from pgbraid.model.hazards.sizes import Rates
    from pgbraid.model.options import Limits

__all__ = ["Settings", "text_list"]

_DURATIONS = frozenset(
    {
        *("lock_wait", "lock_timeout", "statement_timeout", "retry_for", "commit_wait"),
        *("explain_for", "hazard_warn", "hazard_error"),
    }
)
_CHOICES = {
    "verify": ("off", "warn", "error"),
    "gaps": ("apply", "prove", "refuse"),
    "gaps_require": ("any", "complete"),
    "ledgers": ("one", "many"),
    "numbering": ("auto", "timestamp", "sequential"),
    "hazards": ("off", "warn", "refuse"),
}
_ACCEPTED = frozenset({"column-order", "enum-order", "different"})
_FLAGS = frozenset({"adopt", "session_pooler", "cluster"})
_LISTS = frozenset({"accept", "ignore", "links"})
_NOT_EMPTY = frozenset({"prelude", "search_path", "sizes", "queries"})
_OF_HAZARDS = frozenset({"rates", "hazard_severity", "hazards_from"})
_IDENTIFIER_BYTES = 63
_JOURNAL_SUFFIX = len("_journal")


@dataclass(frozen=True, slots=True)
class Settings:
    """The parameters of a run, except the files and the database.

    Durations are in seconds. ``lock_wait`` limits the wait for another run; ``lock_timeout``,
    ``statement_timeout``, ``retry_for`` and ``commit_wait`` are those of :class:`pgbraid.Limits`.

    - ``dir``: the folder of migrations; ``links``: folders to which its symbolic links may lead
    - ``schema``, ``table``: the ledger; ``ledgers``: one, or many if each of several schemas has
      these migrations and its own ledger
    - ``verify``: how a modified applied file is reported
    - ``role``: the role of the session while it migrates
    - ``direct_url``: a URL that bypasses the connection pooler
    - ``session_pooler``: the pooler gives each client an exclusive session
    - ``adopt``: whether an empty ledger adopts the history of another tool
    - ``gaps``: policy for out-of-order migrations; ``gaps_require``: complete if the proof must
      not leave anything out
    - ``accept``: verdicts of a proof that do not fail it; ``explain_for``: seconds for the search
      for the cause of a difference; ``cluster``: whether it compares roles and the like, too
    - ``ignore``: objects that drift ignores
    - ``prelude``: a file of SQL that runs on every scratch database before the first migration
    - ``search_path``: schemas of the unqualified names in migrations
    - ``numbering``: the kind of version that a new file gets
    - ``hazards``: whether a run first measures what the pending files would block
    - ``hazard_warn``, ``hazard_error``: seconds of blocking from which a hazard is a warning, and
      an error; ``hazard_severity``: pairs of a rule and its severity
    - ``hazards_from``: the lowest version that is judged
    - ``sizes``, ``queries``: the files that ``pgbraid sizes`` writes; ``rates``: how fast
      production works
    """

    dir: str = defaults.FOLDER
    schema: str = defaults.SCHEMA
    table: str = defaults.TABLE
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
    cluster: bool = False
    prelude: str | None = None
    search_path: str | None = None
    ledgers: str = "one"
    links: tuple[str, ...] = ()
    numbering: str = "auto"
    hazards: str = "off"
    hazard_warn: float = 1.0
    hazard_error: float = 10.0
    hazard_severity: tuple[tuple[str, str], ...] = ()
    hazards_from: int | None = None
    sizes: str | None = None
    queries: str | None = None
    rates: Rates | None = None
    file: str | None = field(default=None, compare=False)
    """The settings file of these values."""
    passed_over: tuple[str, ...] = field(default=(), compare=False)
    """Untrusted settings files that were skipped, nearer than ``file``."""

    def __post_init__(self) -> None:
        """Raise ConfigError for values that no server accepts, before pgbraid connects."""
        if not self.dir:
            raise ConfigError("dir is empty; it names the folder of migrations")
        _check_identifier("schema", self.schema)
        _check_identifier("table", self.table, room=_JOURNAL_SUFFIX)
        if self.role is not None:
            _check_identifier("role", self.role)
            if self.role.lower() == "none":
                # SET ROLE none resets the role instead of setting one.
                raise ConfigError("role name 'none' is reserved", hint="Omit `role`.")
        if self.direct_url is not None and has_password(self.direct_url):
            raise ConfigError(
                "direct_url contains a password, which a file or command line must not contain",
                hint="Remove it and give it in PGPASSWORD or a .pgpass file, or give the whole "
                "URL in PGBRAID_DIRECT_URL.",
            )
        if self.hazard_error < self.hazard_warn:
            raise ConfigError(
                f"hazard_error ({self.hazard_error:g} s) is below hazard_warn "
                f"({self.hazard_warn:g} s)",
                hint="Give `hazard_error` the longer time of the two.",
            )

    @property
    def limits(self) -> Limits:
        """The time limits of a run for locks, statements and commits."""
        from pgbraid.model.options import Limits  # noqa: PLC0415 - only for commands with a run

        return Limits(self.lock_timeout, self.statement_timeout, self.retry_for, self.commit_wait)

    def override(self, **values: object) -> Settings:
        """Return these settings with the given values, except None, in place of their own.

        Raises ConfigError for an invalid value.
        """
        given: dict[str, Any] = {
            name: _value(name, value) for name, value in values.items() if value is not None
        }
        return replace(self, **given)


def _check_identifier(name: str, value: str, room: int = 0) -> None:
    size = len(value.encode())
    if "\0" in value:
        raise ConfigError(f"{name} {value!r} contains a NUL byte")
    if not value or size > _IDENTIFIER_BYTES - room:
        raise ConfigError(
            f"{name} {value!r} is not a valid name of a PostgreSQL {name}",
            detail=f"It must have 1 to {_IDENTIFIER_BYTES - room} bytes; it has {size}.",
        )


def text_list(name: str, value: object) -> tuple[str, ...]:
    """Return a list of texts as a tuple; a single text counts as a list of one."""
    items = (value,) if isinstance(value, (str, PathLike)) else value
    if not isinstance(items, Iterable) or isinstance(items, (bytes, dict)):
        raise ConfigError(f"{name} must be a list of texts, not {value!r}")
    items = tuple(fspath(i) if isinstance(i, PathLike) else i for i in items)
    wrong = [item for item in items if not isinstance(item, str) or not item]
    if wrong:
        raise ConfigError(f"{name} must be a list of non-empty texts, not {wrong[0]!r}")
    unknown = [item for item in items if name == "accept" and item not in _ACCEPTED]
    if unknown:
        raise ConfigError(
            f"accept may hold column-order, enum-order and different, not {unknown[0]!r}"
        )
    return items


def _value(name: str, value: object) -> object:
    if name in _OF_HAZARDS:
        from pgbraid.settings.hazard_settings import hazard_setting  # noqa: PLC0415 - rare

        return hazard_setting(name, value)
    if name in _LISTS:
        return text_list(name, value)
    if name in _FLAGS:
        if isinstance(value, bool):
            return value
        raise ConfigError(f"{name} must be true or false, not {value!r}")
    if name in _CHOICES:
        *others, last = _CHOICES[name]
        if isinstance(value, str) and value in _CHOICES[name]:
            return str(value)
        raise ConfigError(f"{name} must be {', '.join(others)} or {last}, not {value!r}")
    if name in _DURATIONS:
        duration = parse_duration(value)
        if duration is None:
            valid = "a number of seconds, or a duration such as 500ms, 2s or 10min"
            raise ConfigError(f"{name} must be {valid}, not {value!r}")
        return duration
    return _text(name, value)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        # The URL may hold a password, so the message does not show it.
        shown = "" if name == "direct_url" else f", not {value!r}"
        raise ConfigError(f"{name} must be text{shown}")
    if name in _NOT_EMPTY and not value.strip():
        raise ConfigError(f"{name} is empty", hint="Give it a value, or omit it.")
    return value
