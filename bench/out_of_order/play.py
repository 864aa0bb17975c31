"""Plays the two branches for one team and judges what became of the late migration."""

from __future__ import annotations

import re
import shutil
import textwrap
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psycopg

from bench.install import cache
from bench.model import Place
from bench.out_of_order.model import EARLY, LATE, Checkout, Result, Team, Way
from bench.out_of_order.stall import longest_wait
from bench.workshop import home_of
from devtools.checkout import ROOT, Skip

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measure import Outcome
    from bench.model import Command
    from devtools.server import Server

__all__ = ["Play"]

_TICK = 1.1
"""Seconds between two migrations: some tools number by the second."""
_LONGEST = 160
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
_COLUMN = """\
SELECT count(*) FROM information_schema.columns
 WHERE table_schema = 'public' AND (table_name, column_name) = (%s, %s)
"""


@dataclass(slots=True)
class Play:
    """One team on a server."""

    server: Server
    team: Team
    scratch: Path
    """An empty folder of the team's own."""

    def results(self) -> list[Result]:
        """Return what the usual deploy gives, then what each way gives. Raises Skip."""
        deployed = self._until_first_deploy()
        ways = (Way(""), *self.team.ways)
        found = [self._merged(deployed, way) for way in ways]
        working = next((n for n, each in enumerate(found) if each.outcome == "applied"), None)
        if working is None:
            return found
        wait = self._reader_wait(deployed, ways[working])
        found[0] = replace(found[0], reader_wait=round(wait, 1))
        return found

    def _reader_wait(self, deployed: Checkout, way: Way) -> float:
        """Deploy once more, while a long transaction reads the table that is altered."""
        checkout = self._copy(deployed, way, "-read")
        if way.step is not None:
            way.step(checkout)
        else:
            checkout.must_git("merge", "--no-edit", "branch-b")
        return longest_wait(checkout, self._deploy(checkout, way))

    def _until_first_deploy(self) -> Checkout:
        """Fork, write both branches, merge and deploy the first one."""
        checkout = self._new_checkout()
        team = self.team
        checkout.start_repository()
        team.begin(checkout)
        checkout.commit("base")
        checkout.must(team.tool.apply(checkout.place))
        for branch, file in (("branch-b", LATE), ("branch-a", EARLY)):
            time.sleep(_TICK)
            checkout.must_git("checkout", "--quiet", "-b", branch, "main")
            team.write(checkout, file)
            checkout.commit(file.name)
        checkout.must_git("checkout", "--quiet", "main")
        checkout.must_git("merge", "--quiet", "--ff-only", "branch-a")
        checkout.must(team.tool.apply(checkout.place))
        if not _has(checkout.place, "orders", "paid") or _has(checkout.place, "users", "email"):
            raise Skip("the first branch was not deployed as it should be")
        return checkout

    def _new_checkout(self) -> Checkout:
        folder, home = self.scratch / "checkout", self.scratch / "home"
        for each in (folder, home):
            each.mkdir(parents=True)
        tool = self.team.tool
        server = self.server
        place = Place(
            server.port, server.new_database(), folder, home_of(tool), server.programs.folder
        )
        return Checkout(place, home, server.new_database)

    def _merged(self, deployed: Checkout, way: Way) -> Result:
        """Merge branch B and deploy, on copies of the folder and the database."""
        checkout = self._copy(deployed, way, "")
        try:
            if way.step is not None:
                way.step(checkout)
            elif checkout.git("merge", "--no-edit", "branch-b").code:
                return self._conflict(checkout, way)
        except Skip as reason:
            said = _without_paths(str(reason), self.scratch)
            return self._result(way, "refused", None, said)
        return self._judge(checkout, way, checkout.run(self._deploy(checkout, way)))

    def _deploy(self, checkout: Checkout, way: Way) -> Command:
        return (way.apply or self.team.tool.apply)(checkout.place)

    def _copy(self, deployed: Checkout, way: Way, mark: str) -> Checkout:
        number = (Way(""), *self.team.ways).index(way)
        place = deployed.place
        folder = place.folder.with_name(f"{place.folder.name}-{number}{mark}")
        shutil.copytree(place.folder, folder, symlinks=True)
        database = self.server.new_database(place.database)
        return replace(deployed, place=replace(place, folder=folder, database=database))

    def _conflict(self, checkout: Checkout, way: Way) -> Result:
        files = checkout.must_git("diff", "--name-only", "--diff-filter=U").said.split()
        said = f"git: conflict in {', '.join(files)}"
        return self._result(way, "conflict in git", None, said)

    def _judge(self, checkout: Checkout, way: Way, outcome: Outcome) -> Result:
        said = _without_paths(outcome.said, self.scratch)
        if _has(checkout.place, "users", "email"):
            fate = "applied" if outcome.code == 0 else "applied, then failed"
            words = _line_about(said)
        elif outcome.code:
            fate, words = "refused", _without_paths(outcome.complaint, self.scratch)
        else:
            words = _line_about(said)
            fate = "skipped with a message" if words else "skipped silently"
        return self._result(way, fate, outcome.code, words or _last_line(said))

    def _result(self, way: Way, outcome: str, code: int | None, said: str) -> Result:
        team = self.team
        return Result(
            team.tool.name,
            team.tool.version,
            team.how,
            way.label,
            outcome,
            code,
            textwrap.shorten(said, _LONGEST, placeholder=" ..."),
            team.tool.kind,
            time.strftime("%Y-%m-%d"),
        )


def _has(place: Place, table: str, column: str) -> bool:
    with psycopg.connect(place.url) as connection:
        row = connection.execute(_COLUMN, (table, column)).fetchone()
    return row is not None and row[0] == 1


def _line_about(said: str) -> str:
    """Return the line that names the late migration, if there is one."""
    names = (LATE.name, LATE.name.replace("_", "-"), str(LATE.version))
    lines = [line.strip() for line in said.splitlines()]
    return next((line for line in lines if any(name in line for name in names)), "")


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _without_paths(text: str, scratch: Path) -> str:
    """Keep this machine's folders and the terminal's codes out of the table."""
    for folder in (scratch, ROOT, cache()):
        text = text.replace(str(folder), "...")
    return _CODES.sub("\n", text)
