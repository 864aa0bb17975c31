"""Passwords of every odd kind, the strings and files that hold them, and how one is recognised."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from string import ascii_letters, digits
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from random import Random

__all__ = ["FORMS", "Place", "Spelling", "pieces_of", "random_passwords", "word"]

_BETWEEN = (
    "",
    "@",
    ":",
    "/",
    "%",
    "#",
    "?",
    "'",
    "\\",
    " ",
    '"',
    "&x=",
    "%40",
    "%zz",
    "é漢",
    "@:/%",
)
_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Place:
    """Where a connection string leads, with more parameters of a URL or ``key=value`` string."""

    host: str
    port: str
    user: str = "chaos_user"
    more: str = ""


@dataclass(frozen=True, slots=True)
class Spelling:
    """A connection string, and what the environment adds to it."""

    form: str
    conninfo: str
    env: dict[str, str] = field(default_factory=dict)


def word(rng: Random, length: int = 7) -> str:
    """Return letters and digits of chance, as no message has them by itself."""
    return "".join(rng.choice(ascii_letters + digits) for _ in range(length))


def random_passwords(rng: Random) -> Iterator[str]:
    """Yield a password for every odd character that can stand in one."""
    for between in _BETWEEN:
        yield f"{word(rng)}{between}{word(rng)}"


def pieces_of(password: str) -> set[str]:
    """Return what must not be shown: every spelling of a password, and every long piece of one."""
    spelled = {password, quote(password, safe=""), unquote(password)}
    spelled |= {password.replace("\\", r"\\").replace("'", r"\'")}
    pieces = {piece for text in spelled for piece in re.split("[@:/%]", text)}
    return spelled | {piece for piece in pieces if len(piece) >= _SHORTEST}


def _quoted(password: str) -> str:
    escaped = password.replace("\\", r"\\").replace("'", r"\'")
    return f"'{escaped}'"


def _url(scheme: str, password: str, place: Place) -> str:
    host = quote(place.host, safe="")
    tail = f"?{place.more}" if place.more else ""
    return f"{scheme}://{place.user}:{password}@{host}:{place.port}/chaos{tail}"


def _pairs(place: Place, rest: str) -> str:
    return f"host={place.host} port={place.port} user={place.user} dbname=chaos {place.more} {rest}"


def _in_passfile(password: str, place: Place, folder: Path) -> Spelling:
    file = folder / "passfile"
    escaped = password.replace("\\", r"\\").replace(":", r"\:")
    file.write_text(f"*:*:*:*:{escaped}\n")
    file.chmod(0o600)
    return Spelling("passfile", _pairs(place, ""), {"PGPASSFILE": str(file)})


def _in_service(password: str, place: Place, folder: Path) -> Spelling:
    file = folder / "services"
    file.write_text(
        f"[chaos]\nhost={place.host}\nport={place.port}\nuser={place.user}\ndbname=chaos\n"
        f"password={password}\n"
    )
    return Spelling("service", "service=chaos " + place.more, {"PGSERVICEFILE": str(file)})


def _plain(form: str, spell: Callable[[str, Place], str]) -> Callable[..., Spelling]:
    return lambda password, place, _: Spelling(form, spell(password, place))


FORMS: tuple[Callable[[str, Place, Path], Spelling], ...] = (
    _plain("URL", lambda p, at: _url("postgresql", quote(p, safe=""), at)),
    _plain("URL, not encoded", lambda p, at: _url("postgresql", p, at)),
    _plain("URL, mistyped", lambda p, at: _url("postgre", quote(p, safe=""), at)),
    _plain("URL, mistyped and not encoded", lambda p, at: _url("postgre", p, at)),
    _plain("URL of a driver", lambda p, at: _url("postgresql+psycopg", quote(p, safe=""), at)),
    _plain(
        "URL, a parameter",
        lambda p, at: (
            f"postgresql://{quote(at.host, safe='')}:{at.port}/chaos?user={at.user}"
            f"&password={quote(p, safe='')}&{at.more}".rstrip("&")
        ),
    ),
    _plain(
        "URL, a mistyped parameter",
        lambda p, at: (
            f"postgresql://{quote(at.host, safe='')}:{at.port}/chaos?pasword={quote(p, safe='')}"
        ),
    ),
    _plain("pairs", lambda p, at: _pairs(at, f"password={_quoted(p)}")),
    _plain("pairs, not quoted", lambda p, at: _pairs(at, f"password={p}")),
    _plain("pairs, not ended", lambda p, at: _pairs(at, f"password='{p}")),
    _plain("pairs, broken behind it", lambda p, at: _pairs(at, f"password={_quoted(p)} nope")),
    _plain("pairs, mistyped", lambda p, at: _pairs(at, f"pasword={_quoted(p)}")),
    _plain("no form at all", lambda p, at: f"{at.user}:{p}@{at.host}"),
    lambda p, at, _: Spelling("PGPASSWORD", _pairs(at, ""), {"PGPASSWORD": p}),
    _in_passfile,
    _in_service,
)
