"""Says by plain psql whether two orders of a history differ, and in what.

Each order is built twice. What differs between two builds of one order moves, and is masked; all
else must agree between the orders, but for the numbers of generated keys, where whatever refers to
them follows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from fuzz.seeds.moving import masked, masked_schema
from fuzz.seeds.rows import Judge, TooMany

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzz.seeds.moving import Masked
    from fuzz.seeds.psql import Built, Psql
    from fuzz.seeds.story import Story

__all__ = ["Opinion", "Result", "ask"]


class Result(StrEnum):
    """What two orders came to, the best first."""

    EQUAL = "equal"
    RENUMBERED = "renumbered"
    """Generated keys have other numbers, and every reference to them follows."""
    FOLLOWS = "follows"
    """The same, but a copy of a key without a foreign key follows, too, so that it has another
    value: equal in meaning, not to the letter."""
    COLUMN_ORDER = "column order"
    ENUM_ORDER = "enum order"
    DIFFER = "differ"
    FAILS = "fails"
    FAIL_ALIKE = "fail alike"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Opinion:
    """The oracle's result, with what it saw."""

    result: Result
    told: tuple[str, ...] = ()
    tables: frozenset[str] = frozenset()
    """The tables whose rows are not equal to the letter, beside what moves."""
    sequences: tuple[str, ...] = ()
    """Sequences with another next value that takes no key of a row."""
    failures: tuple[str, str] = ("", "")
    failed: tuple[int, int] = (0, 0)


def ask(
    psql: Psql,
    story: Story,
    orders: tuple[Sequence[int], Sequence[int]],
    by_version: Built | None = None,
) -> Opinion:
    """Build two orders of a history twice each, and compare them.

    ``by_version`` is what the second order came to where that is known.
    """
    texts = [[story.texts[version] for version in order] for order in orders]
    first = [psql.build(texts[0]), by_version or psql.build(texts[1])]
    failures = first[0].failure, first[1].failure
    if any(failures):
        places = [order[one.failed] for order, one in zip(orders, first, strict=True)]
        alike = all(failures) and places[0] == places[1]
        result = Result.FAIL_ALIKE if alike else Result.FAILS
        return Opinion(result, failures, failures=failures, failed=(places[0], places[1]))
    dump = not any(failures) and first[0].schema != first[1].schema
    again = [psql.build(order, dump=dump) for order in texts]
    if any(one.failure for one in again):
        return Opinion(Result.UNDECIDED, ("an order fails at its second build only",))
    opinion = _compared(story, first, again)
    if opinion.result is not Result.DIFFER or not opinion.tables:
        return opinion
    return _confirmed(psql, story, texts, opinion, first, again)


def _confirmed(  # noqa: PLR0913, PLR0917 - what was built, and how
    psql: Psql,
    story: Story,
    texts: list[list[str]],
    opinion: Opinion,
    first: list[Built],
    again: list[Built],
) -> Opinion:
    """Look whether an order differs from itself as it does from the other one."""
    judge = Judge(story.soft, story.made)
    for side in (0, 1):
        for _ in range(1):
            more = psql.build(texts[side], dump=False)
            rows = masked(first[side], again[side]), masked(more, again[side])
            try:
                same = judge.same((first[side], rows[0]), (more, rows[1]))
            except TooMany:
                same = False
            if not same:
                return Opinion(Result.UNDECIDED, ("an order differs from itself", *opinion.told))
    return opinion


def _compared(story: Story, first: list[Built], again: list[Built]) -> Opinion:
    schema, told = _schema(first, again)
    rows = [masked(one, other) for one, other in zip(first, again, strict=True)]
    unlike = [name for found in rows for name in found.unlike]
    if unlike:
        return Opinion(Result.UNDECIDED, (f"{unlike[0]}: other rows at each build",))
    letters = _letters(rows)
    try:
        data = _rows(story, first, rows, letters)
    except TooMany:
        return Opinion(Result.UNDECIDED, ("too many rows that look alike",))
    taken, others = _sequences(story, first)
    if data is Result.DIFFER:
        pairs = (first[0], rows[0]), (first[1], rows[1])
        told += Judge(story.soft, story.made).why(*pairs)[:6]
    worst = max((schema, data, Result.DIFFER if taken else Result.EQUAL), key=list(Result).index)
    return Opinion(worst, (*told, *taken, f"rows: {data.value}"), letters, tuple(others))


def _schema(first: list[Built], again: list[Built]) -> tuple[Result, list[str]]:
    if first[0].schema == first[1].schema:
        return Result.EQUAL, []
    left, right = (masked_schema(one, other) for one, other in zip(first, again, strict=True))
    if left == right:
        return Result.EQUAL, []
    told = [f"- {s}" for s in (left - right).elements()]
    told += [f"+ {s}" for s in (right - left).elements()]
    ours, theirs = (Counter(map(_sorted_table, side.elements())) for side in (left, right))
    if ours == theirs:
        return Result.COLUMN_ORDER, told
    ours, theirs = (Counter(map(_sorted_enum, side.elements())) for side in (ours, theirs))
    return (Result.ENUM_ORDER if ours == theirs else Result.DIFFER), told


def _sorted_table(statement: str) -> str:
    """Return a statement with the columns of a table in one order."""
    return _sorted_lines(statement) if statement.startswith("CREATE TABLE") else statement


def _sorted_enum(statement: str) -> str:
    both = statement.startswith("CREATE TYPE") and " AS ENUM (" in statement
    return _sorted_lines(statement) if both else statement


def _sorted_lines(statement: str) -> str:
    head, *lines = statement.splitlines()
    return "\n".join([head, *sorted(line.rstrip(",") for line in lines)])


def _letters(rows: list[Masked]) -> frozenset[str]:
    """Return the tables whose rows are not equal to the letter, beside what moves."""
    names = rows[0].rows.keys() | rows[1].rows.keys()
    ours, theirs = (
        {
            name: Counter(
                repr(sorted((c, repr(_masked(cell))) for c, cell in row.items()))
                for row in found.rows.get(name, ())
            )
            for name in names
        }
        for found in rows
    )
    return frozenset(name for name in names if ours[name] != theirs[name])


def _masked(cell: object) -> object:
    if not isinstance(cell, tuple):
        return cell
    return tuple(piece if isinstance(piece, str) else None for piece in cell)


def _rows(story: Story, first: list[Built], rows: list[Masked], letters: frozenset[str]) -> Result:
    pairs = (first[0], rows[0]), (first[1], rows[1])
    if not Judge(story.soft, story.made).same(*pairs):
        return Result.DIFFER
    if not letters:
        return Result.EQUAL
    strictly = Judge(story.soft, story.made, strict=True).same(*pairs)
    return Result.RENUMBERED if strictly else Result.FOLLOWS


def _sequences(story: Story, first: list[Built]) -> tuple[list[str], list[str]]:
    """Return sequences whose next value takes a row's key in one order only, and the others."""
    taken, others = [], []
    drawn = {(f"public.{t}", c, f"public.{s}") for (t, c), s in story.drawn.items()}
    for table, column, sequence in sorted((first[0].draws & first[1].draws) | drawn):
        if any(table not in one.tables or sequence not in one.sequences for one in first):
            continue
        if column not in first[0].tables[table].unique:
            continue
        hits = [_is_taken(one, table, column, sequence) for one in first]
        if hits[0] != hits[1]:
            taken.append(f"next value of {sequence} for {table}.{column}: {hits}")
    for name in sorted(first[0].sequences.keys() & first[1].sequences.keys()):
        values = first[0].sequences[name], first[1].sequences[name]
        if values[0] != values[1]:
            others.append(f"{name}: {values[0][0]} and {values[1][0]}")
    return taken, others


def _is_taken(built: Built, table: str, column: str, sequence: str) -> bool:
    """Whether a row has the value that a sequence gives next, or a later one."""
    following, step = built.sequences[sequence]
    values = [
        int(value)
        for found in built.tables.values()
        if found.root == table
        for row in found.rows
        if (value := row.get(column)) is not None and value.lstrip("-").isdigit()
    ]
    return any(value >= following if step > 0 else value <= following for value in values)
