"""Looks into a database whether the work has really been done there."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import psycopg

from bench.work import migrations
from devtools.checkout import Skip

if TYPE_CHECKING:
    from bench.work import File

__all__ = ["check_effects", "gap_version", "has_effect", "rows_of_seed", "work"]

_COUNT = """\
SELECT count(*) FILTER (WHERE relkind = 'r' AND relname ~ '^item_\\d+$'),
       count(*) FILTER (WHERE relkind = 'v' AND relname ~ '^active_\\d+$')
  FROM pg_class WHERE relnamespace = 'public'::regnamespace
"""


def work(size: int, *, without: int | None = None) -> list[File]:
    """Return the migrations of one size, all but the version left out."""
    return [file for file in migrations(size) if file.version != without]


def gap_version(size: int) -> int:
    """Return a version near the middle that no later one needs: it brings a view."""
    return size // 2 // 10 * 10 + 5


@cache
def _expected(size: int, without: int | None) -> tuple[int, int]:
    names = [file.name.partition("_")[0] for file in migrations(size) if file.version != without]
    return names.count("item"), names.count("behaviour")


def check_effects(url: str, size: int, *, without: int | None = None) -> None:
    """Raise Skip where the database lacks what the migrations make, or has more."""
    with psycopg.connect(url) as connection:
        found = connection.execute(_COUNT).fetchone()
    if found != _expected(size, without):
        raise Skip(
            f"(tables, views) are {found}, not {_expected(size, without)}, although it said so"
        )


def has_effect(url: str, version: int) -> bool:
    """Whether the view of a version that brings one is there."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT to_regclass(%s)", (f"active_{version}",)).fetchone()
    return row is not None and row[0] is not None


def rows_of_seed(url: str) -> int:
    """Return how many rows the large migration has brought."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM seed").fetchone()
    return int(row[0]) if row else 0
