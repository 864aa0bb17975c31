"""Sqitch, which is written in Perl and runs psql for each migration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench.install import debian
from bench.model import Command, Tool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.model import Place
    from bench.workload import File

__all__ = ["TOOLS", "sqitch"]

_CONFIG = "[core]\n\tengine = pg\n[user]\n\tname = Bench\n\temail = bench@example.org\n"
_PLAN = "%syntax-version=1.0.0\n%project=bench\n\n"


def _lay_out(folder: Path, migrations: Sequence[File]) -> None:
    deploy = folder / "deploy"
    deploy.mkdir(parents=True, exist_ok=True)
    (folder / "sqitch.conf").write_text(_CONFIG)
    with (folder / "sqitch.plan").open("w") as plan:
        plan.write(_PLAN)
        for file in migrations:
            plan.write(f"{file.name} 2026-01-01T00:00:00Z Bench <bench@example.org>\n")
            (deploy / f"{file.name}.sql").write_text(f"BEGIN;\n{file.sql}COMMIT;\n")


def sqitch(place: Place, *words: str) -> Command:
    """Return a call of Sqitch in the folder."""
    path = f"{place.programs}{os.pathsep}{os.environ.get('PATH', '')}"
    return Command(("sqitch", *words), {"PATH": path}, place.folder)


def _sqitch(place: Place) -> Command:
    return sqitch(place, "deploy", "--target", place.url_as("db:pg"))


def _version(place: Place) -> Command:
    del place
    return Command(("sqitch", "--version"))


TOOLS = (
    Tool(
        "sqitch",
        "1.3.1",
        debian("sqitch", "sqitch", "libdbd-pg-perl"),
        _lay_out,
        _sqitch,
        _version,
        chained=True,
    ),
)
