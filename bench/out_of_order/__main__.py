"""The command line: play the teams, print a table in Markdown, keep it in bench/results."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from bench.out_of_order.model import Result, Team
from bench.out_of_order.play import Play
from bench.out_of_order.table import table
from bench.out_of_order.teams import TEAMS
from bench.workshop import home_of
from devtools.checkout import ROOT, Skip
from devtools.server import Server, running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model import Tool


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.out_of_order", description=__doc__)
    names = "; ".join(team.tool.name for team in TEAMS)
    parser.add_argument("--tools", metavar="NAME[,NAME]", help=names)
    parser.add_argument(
        "--no-install", action="store_true", help="take only the tools that are installed"
    )
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results")
    return parser.parse_args()


def _chosen(wanted: str | None) -> list[Team]:
    if wanted is None:
        return list(TEAMS)
    names = [name.strip() for name in wanted.split(",")]
    if unknown := set(names) - {team.tool.name for team in TEAMS}:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}")
    return [team for team in TEAMS if team.tool.name in names]


def _played(teams: list[Team], *, install: bool) -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="pgbraid-late-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        scratch.chmod(0o755)  # the server's user passes it
        with running_server(scratch) as server:
            for team in teams:
                yield from _results(server, team, scratch, install=install)


def _results(server: Server, team: Team, scratch: Path, *, install: bool) -> list[Result]:
    tool = team.tool
    home = home_of(tool)
    try:
        _install(tool, home, missing_too=install)
        return Play(server, team, scratch / tool.name.replace(" ", "-")).results()
    except (Skip, OSError, psycopg.Error) as reason:
        said = str(reason).replace(str(scratch), "...").replace(str(home), "...")
        return [Result(tool.name, tool.version, team.how, "", "not run here", None, said)]


def _install(tool: Tool, home: Path, *, missing_too: bool) -> None:
    if not missing_too and tool.kind == "peer" and not (home / "installed").exists():
        raise Skip("not installed")
    tool.install(home)


def main() -> None:
    """Play the teams that were asked for."""
    arguments = _arguments()
    found = []
    for result in _played(_chosen(arguments.tools), install=not arguments.no_install):
        print(f"{result.tool:18} {result.way:28} {result.outcome}: {result.said}", flush=True)
        found.append(result)
    arguments.results.mkdir(parents=True, exist_ok=True)
    with (arguments.results / "late.jsonl").open("w") as out:
        out.writelines(json.dumps(asdict(result)) + "\n" for result in found)
    text = table(found)
    (arguments.results / "late.md").write_text(text)
    print(f"\n{text}")


if __name__ == "__main__":
    main()
