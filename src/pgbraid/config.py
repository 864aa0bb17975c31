"""Settings from pgbraid.toml or pyproject.toml, and from the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from pgbraid.core.durations import parse_duration
from pgbraid.errors import ConfigError
from pgbraid.trust import can_be_trusted

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from pgbraid.core.model import Limits

__all__ = [
    "Settings",
    "cache_dir",
    "database_url",
    "direct_url",
    "find_settings",
    "git_environment",
    "has_password",
    "scratch_url",
    "server_programs",
    "takes_lines_back",
    "text_list",
    "without_libpq_variables",
]

_PG_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE")
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
_GITS = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})
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
        from pgbraid.core.model import Limits  # noqa: PLC0415 - not for a command without a run

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
    items = (value,) if isinstance(value, (str, os.PathLike)) else value
    if not isinstance(items, Iterable) or isinstance(items, (bytes, dict)):
        raise ConfigError(f"{name} must be a list of texts, not {value!r}")
    items = tuple(os.fspath(i) if isinstance(i, os.PathLike) else i for i in items)
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


def find_settings(named: str | None = None, start: Path | None = None) -> Settings:
    """Return the settings of the file named, or of the nearest one from ``start`` upwards.

    ``pgbraid.toml`` goes before ``[tool.pgbraid]`` of pyproject.toml. Relative paths in it count
    from the file's folder. A file that was not named and that others could have put there is passed
    over. Raises ConfigError for a file that cannot be read, a name that is no setting, a value that
    cannot be one, and a current folder that does not exist any more.
    """
    if named is not None:
        path = Path(named)
        return _settings(path, _table(path, _read_toml(path)) or {})
    folder = (start or _current_folder()).resolve()
    passed_over: list[str] = []
    for path in _candidates(folder):
        trusted = can_be_trusted(path, folder, _sudo_uid())
        table = _own_table(path, trusted=trusted)
        if table is not None and trusted:
            return replace(_settings(path, table), passed_over=tuple(passed_over))
        if table is not None:
            passed_over.append(str(path))
    return Settings(passed_over=tuple(passed_over))


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        hint = "Change to a folder that exists, with `cd`, then run `pgbraid` again."
        raise ConfigError("the current folder does not exist any more", hint=hint) from None


def _candidates(folder: Path) -> Iterator[Path]:
    """Yield the files that may hold settings, the nearest first."""
    for parent in (folder, *folder.parents):
        for path in (parent / "pgbraid.toml", parent / "pyproject.toml"):
            with suppress(PermissionError):  # a folder above that this user may not enter
                if path.is_file():
                    yield path


def _own_table(path: Path, *, trusted: bool) -> Mapping[str, Any] | None:
    """Return the table of our settings in a file; what others have put there stops nobody."""
    try:
        return _table(path, _read_toml(path))
    except ConfigError:
        if trusted:
            raise
        return {} if path.name == "pgbraid.toml" else None


def _read_toml(path: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - only where there is a file to read

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(
            f"cannot read the settings file {path}: {error.strerror}",
            hint="Make it a file that this user can read, or name another one with `config`.",
        ) from None
    except ValueError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None


def _table(path: Path, content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the table of our settings: [tool.pgbraid], or all of a file of our own."""
    tool = content.get("tool")
    own = tool.get("pgbraid") if isinstance(tool, dict) else None
    if own is None:
        return None if path.name == "pyproject.toml" else content
    if not isinstance(own, dict):
        raise ConfigError(f"{path}: [tool.pgbraid] must be a table, not {own!r}")
    return own


def _settings(path: Path, table: Mapping[str, Any]) -> Settings:
    known = [f.name for f in fields(Settings) if f.compare]
    values = {str(key).replace("-", "_"): value for key, value in table.items()}
    for key in values.keys() - set(known):
        raise _no_setting(path, key, known)
    try:
        settings = Settings(file=str(path)).override(**values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.message}", detail=error.detail) from None
    links = tuple(_relative(path.parent / folder) for folder in settings.links)
    settings = replace(settings, links=links)
    if "dir" in values:
        settings = replace(settings, dir=_relative(path.parent / settings.dir))
    if settings.prelude is not None:
        settings = replace(settings, prelude=_relative(path.parent / settings.prelude))
    return settings


def _no_setting(path: Path, key: str, known: list[str]) -> ConfigError:
    import difflib  # noqa: PLC0415 - only for a mistake

    near = difflib.get_close_matches(key, known, 1)
    hint = f"Did you mean {near[0]!r}?" if near else None
    if "database" in key or "url" in key:
        hint = "The database is never a setting: name it in PGBRAID_DATABASE_URL."
    detail = f"Settings are: {', '.join(known)}."
    return ConfigError(f"{path}: {key!r} is no setting", detail=detail, hint=hint)


def _relative(path: Path) -> str:
    """Return the path as seen from the current folder where that is shorter to read."""
    _current_folder()
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _sudo_uid(environ: Mapping[str, str] | None = None) -> int | None:
    """Return the user for whom sudo runs this process, if it says so."""
    found = (os.environ if environ is None else environ).get("SUDO_UID", "")
    return int(found) if found.isdecimal() else None


def direct_url(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the connection string past a pooler that the environment names, or None."""
    return (os.environ if environ is None else environ).get("PGBRAID_DIRECT_URL") or None


def database_url(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the connection string that the environment names, or None if it names none.

    PGBRAID_DATABASE_URL goes before DATABASE_URL; an empty string stands for libpq's own PG*
    variables, if any of them is set.
    """
    env = os.environ if environ is None else environ
    for name in ("PGBRAID_DATABASE_URL", "DATABASE_URL"):
        if env.get(name):
            return env[name]
    return "" if any(env.get(name) for name in _PG_VARIABLES) else None


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


def scratch_url(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the connection string of a server for scratch databases, if one is named."""
    return (os.environ if environ is None else environ).get("PGBRAID_SCRATCH_URL") or None


def git_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for git: without the variables by which a hook names a repository."""
    env = os.environ if environ is None else environ
    return {name: value for name, value in env.items() if name not in _GITS}


def server_programs(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the folder of server programs that PGBRAID_PG_BIN names, if it is set."""
    return (os.environ if environ is None else environ).get("PGBRAID_PG_BIN") or None


def cache_dir(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the folder for what can be made again, by the XDG base directory specification.

    None where there is no home to put it in.
    """
    env = os.environ if environ is None else environ
    if env.get("XDG_CACHE_HOME"):
        return Path(env["XDG_CACHE_HOME"]) / "pgbraid"
    try:
        return Path.home() / ".cache" / "pgbraid"
    except RuntimeError:
        return None


def takes_lines_back() -> bool:
    """Whether TERM names a terminal that can take a line back, so that a bar may be drawn."""
    return os.environ.get("TERM", "") not in {"", "dumb"}


@contextmanager
def without_libpq_variables() -> Iterator[None]:
    """Take libpq's PG* variables out of the environment for a block.

    They would lead a connection to a server of our own to another one.
    """
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PG")}
    ours = {name: value for name, value in kept.items() if name.startswith("PGBRAID_")}
    os.environ.update(ours)
    try:
        yield
    finally:
        os.environ.update(kept)
