"""pgbraid itself, as its command line is called, with the options that change its speed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.install import nothing
from bench.model import Command, Tool
from bench.peers.layout import files
from devtools.checkout import ROOT, Skip
from pgbraid import __version__

if TYPE_CHECKING:
    from bench.model import Place

__all__ = ["OURS", "TOOLS", "pgbraid"]

OURS = "pgbraid"


@cache
def _program() -> tuple[str, ...]:
    script = Path(sys.executable).with_name("pgbraid")
    return (str(script),) if script.is_file() else (sys.executable, "-m", "pgbraid")


def pgbraid(*words: str, place: Place | None = None) -> Command:
    """Return a call of pgbraid's command line, on a place's database and folder if given."""
    if place is None:
        return Command((*_program(), *words))
    env = {"PGBRAID_DATABASE_URL": place.url}
    return Command((*_program(), *words, "--dir", str(place.folder)), env)


def _install(home: Path, *, option: str | None = None) -> None:
    nothing(home)
    if option and option not in _up_help():
        raise Skip(f"this pgbraid has no option {option} yet")


@cache
def _up_help() -> str:
    done = subprocess.run(
        [*_program(), "up", "--help"], capture_output=True, text=True, check=False
    )
    return done.stdout


def _apply(place: Place, *, option: str | None = None) -> Command:
    return pgbraid("up", "--quiet", *((option,) if option else ()), place=place)


def _about(place: Place) -> Command:
    del place
    return pgbraid("--version")


def _state() -> str:
    """Return the version, with the commit where the checkout can tell it."""
    git = shutil.which("git")
    if git is None:
        return __version__
    words = [git, "--no-optional-locks", "describe", "--always", "--dirty", "--abbrev=7"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return f"{__version__} {done.stdout.strip()}".strip()


def _tool(option: str | None = None) -> Tool:
    return Tool(
        f"{OURS} {option}" if option else OURS,
        _state(),
        partial(_install, option=option),
        files(),
        partial(_apply, option=option),
        None if option else _about,
        "ours",
    )


TOOLS = (_tool(), _tool("--durable-each"), _tool("--batch"))
