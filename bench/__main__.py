"""The command line of the harness."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.peers import TOOLS
from bench.report import write_report
from bench.results import Results
from bench.session import Session
from bench.tables import TABLES, Table
from bench.workshop import Workshop, home_of
from devtools.checkout import Skip
from devtools.server import disk_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model import Tool


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = ", ".join(table.name for table in TABLES)
    parser.add_argument("--only", metavar="TABLE[,TABLE]", help=f"of {names}")
    parser.add_argument(
        "--tools", metavar="NAME[,NAME]", help="; ".join(tool.name for tool in TOOLS)
    )
    parser.add_argument("--rounds", type=int, help="how often each is measured")
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes, one round: to try the harness"
    )
    parser.add_argument(
        "--no-install", action="store_true", help="take only the tools that are installed"
    )
    parser.add_argument(
        "--results", metavar="FOLDER", type=Path, help="where results are kept (bench/results)"
    )
    parser.add_argument(
        "--report", action="store_true", help="measure nothing, draw tables and charts anew"
    )
    return parser.parse_args()


def _chosen(wanted: str | None, known: Sequence[Table] | Sequence[Tool]) -> list[str]:
    names = [each.name for each in known]
    if wanted is None:
        return names
    asked = [name.strip() for name in wanted.split(",") if name.strip()]
    if unknown := [name for name in asked if name not in names]:
        sys.exit(f"unknown: {', '.join(unknown)}; there are {', '.join(names)}")
    return asked


def _ready_tools(wanted: str | None, *, install: bool) -> tuple[Tool, ...]:
    names = _chosen(wanted, TOOLS)
    return tuple(tool for tool in TOOLS if tool.name in names and _is_ready(tool, install=install))


def _is_ready(tool: Tool, *, install: bool) -> bool:
    """Install a tool where that is still to do; where it cannot be, say so and go on."""
    home = home_of(tool)
    if not install and tool.kind == "peer" and not (home / "installed").exists():
        print(f"without {tool.name} {tool.version}: not installed yet", flush=True)
        return False
    try:
        tool.install(home)
    except Skip as reason:
        print(f"without {tool.name} {tool.version}: {reason}", flush=True)
        return False
    return True


def main() -> None:
    """Measure what was asked for, then write the report."""
    arguments = _arguments()
    results = Results.of(arguments.results, quick=arguments.quick)
    tables = _chosen(arguments.only, TABLES)
    if not arguments.report:
        tools = _ready_tools(arguments.tools, install=not arguments.no_install)
        _measure(arguments, [table for table in TABLES if table.name in tables], tools, results)
    write_report(results)


def _measure(
    arguments: argparse.Namespace, tables: list[Table], tools: tuple[Tool, ...], results: Results
) -> None:
    with disk_folder() as scratch:
        shop = Workshop(scratch, tools, quick=arguments.quick, rounds=arguments.rounds)
        session = Session(shop, results)
        results.begin(session.name)
        try:
            for table in tables:
                session.run(table)
        finally:
            shop.close()


def _stop(*_: object) -> None:
    sys.exit("stopped; what was measured is kept")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    try:
        main()
    except Skip as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        _stop()
