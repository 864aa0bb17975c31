"""The tables of what gets large: one file, the number of files, the memory for them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

import psycopg

from bench.applying import trial
from bench.effects import rows_of_seed, work
from bench.peers.ours import OURS, pgbraid
from bench.settled import ours_of
from bench.work import File, write_seed
from devtools.checkout import Skip

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model import Sample, Tool, Trial
    from bench.workshop import Workshop

__all__ = ["big_trials", "growth_trials", "memory_trials"]

_MB = 1_000_000
_TOO_SLOW = 6.0
"""Seconds for a hundredth of the large migration from which on a tool is spared the whole."""
_COPY = "COPY applied_migrations (version, name, checksum) FROM STDIN"


def memory_trials(shop: Workshop) -> list[Trial]:
    """Return the memory of an apply and of a no-op."""
    n = shop.sizes(100, 1000)[-1]
    found = [
        trial(tool, f"apply N={n}", n, 1, partial(shop.apply, tool, n, memory=True))
        for tool in shop.tools
    ]
    found += [
        trial(
            tool,
            f"no-op N={n}",
            n,
            shop.rounds_of(3),
            partial(shop.again, tool, n, memory=True),
            prepare=partial(shop.applied, tool, n),
        )
        for tool in shop.tools
        if tool.kind != "floor"
    ]
    return found


@dataclass(slots=True)
class _Seed:
    """The large migration, written once for everybody."""

    shop: Workshop
    size: int
    copy: bool
    _rows: dict[int, int] = field(default_factory=dict)

    def measure(self, tool: Tool) -> Sample:
        """Apply it, after a hundredth of it has shown that the tool can, and in which time."""
        small = self._apply(tool, self.size // 100)
        if (small.wall or 0.0) > _TOO_SLOW:
            raise Skip(f"not tried: a hundredth of it took {small.wall:.0f} s")
        return self._apply(tool, self.size)

    def _apply(self, tool: Tool, size: int) -> Sample:
        folder = self.shop.new_folder(tool)
        tool.lay_out(folder, [File(1, "seed_1", self._text(size))])
        database = self.shop.server.new_database()
        place = self.shop.place(tool, database, folder)
        sample = self.shop.sample(tool.apply(place), database=database, memory=True)
        shutil.rmtree(folder)
        if (rows := rows_of_seed(place.url)) != self._rows[size]:
            raise Skip(f"{rows} rows instead of {self._rows[size]}")
        return sample

    def _text(self, size: int) -> str:
        path = self.shop.scratch / f"seed-{size}-{self.copy}.sql"
        if not path.exists():
            write_seed(path, size, copy=self.copy)
        text = path.read_text()
        self._rows[size] = text.count("'code-") if not self.copy else text.count("\tcode-")
        return text


def big_trials(shop: Workshop) -> list[Trial]:
    """Return one migration of 200 MB, as INSERT and as COPY with its data."""
    size = 2 if shop.quick else 200
    seeds = {f"{word}, {size} MB": _Seed(shop, size * _MB, word == "COPY") for word in _KINDS}
    return [
        trial(tool, case, 1, shop.rounds_of(2), partial(seed.measure, tool))
        for case, seed in seeds.items()
        for tool in shop.tools
    ]


_KINDS = ("INSERT", "COPY")


def growth_trials(shop: Workshop) -> list[Trial]:
    """Return pgbraid alone, with up to a hundred thousand files."""
    ours = ours_of(shop)
    if ours is None:
        return []
    found = [
        trial(
            replace(ours, name=f"{OURS} apply"),
            f"N={n}",
            n,
            shop.rounds_of(2),
            partial(shop.apply, ours, n),
        )
        for n in shop.sizes(1000, 3000)
    ]
    for n in shop.sizes(1000, 10_000, 100_000):
        recorded = _Recorded(shop, ours, n)
        found += [recorded.trial(word) for word in ("up", "status", "check")]
    return found


@dataclass(slots=True)
class _Recorded:
    """A database whose tracker says that all is applied, and a folder with the files."""

    shop: Workshop
    ours: Tool
    size: int
    folder: Path | None = None
    database: str = ""

    def trial(self, word: str) -> Trial:
        """Return the trial of one command."""
        named = replace(self.ours, name=f"{OURS} {word}")
        measure = partial(self._measure, word)
        rounds = self.shop.rounds_of(5)
        return trial(named, f"N={self.size}", self.size, rounds, measure, prepare=self.prepare)

    def prepare(self) -> None:
        """Let pgbraid make its tracker for one file, then enter the others in it."""
        if self.folder is not None:
            return
        files = work(self.size)
        folder, self.database = self.shop.new_folder(self.ours), self.shop.server.new_database()
        self.ours.lay_out(folder, files[:1])
        self.shop.sample(self.ours.apply(self.shop.place(self.ours, self.database, folder)))
        self.ours.lay_out(folder, files)
        self._enter(files[1:])
        self.folder = folder

    def _enter(self, files: list[File]) -> None:
        with (
            psycopg.connect(self.shop.server.url(self.database)) as connection,
            connection.cursor().copy(_COPY) as rows,
        ):
            for file in files:
                rows.write_row((file.version, file.name, sha256(file.sql.encode()).hexdigest()))

    def _measure(self, word: str) -> Sample:
        if self.folder is None:
            raise Skip("not prepared")
        place = self.shop.place(self.ours, self.database, self.folder)
        return self.shop.sample(pgbraid(word, "--quiet", place=place))
