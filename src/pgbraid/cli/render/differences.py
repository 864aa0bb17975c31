"""What two schemas differ in, object by object."""

from __future__ import annotations

import difflib

from pgbraid.cli.render.characters import clean
from pgbraid.cli.render.psql import count, spelled
from pgbraid.model.catalog_names import display_name
from pgbraid.model.snapshot import COLUMN_ORDER, DATA, DEFINITION, ENUM_ORDER, SEQUENCES

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pgbraid.model.proof import DriftReport, Proof, ReplayFailure
    from pgbraid.model.snapshot import AttributeDifference, Difference

__all__ = ["drifted", "proof", "tell_differences"]

_LISTS = frozenset({COLUMN_ORDER, ENUM_ORDER})
_LISTED = 6
_SHOWN = frozenset({"type", "definition", "owner", "identity", "default", "value"})
"""What is told of an object that is on one side only."""


def proof(found: Proof) -> Iterator[str]:
    """Yield the lines that answer ``prove``."""
    for line in found.notes:
        yield f"NOTE:  {clean(line)}"
    if found.provided:
        yield from _assumed(found.provided)
    if not found.inversions and not found.replays:
        yield f"same: none of {count(len(found.recorded_order), 'migration')} is out of order."
        yield from _left_out(found.not_compared)
        return
    yield from _verdict(found)
    if found.allowed_reason:
        yield f"Accepted: {clean(spelled(found.allowed_reason))}."
    yield from _pair(found)
    yield from _failures(found)
    if found.differences:
        yield ""
        yield from tell_differences(found.differences, found.label, "by version")
    yield from _left_out(found.not_compared)
    yield from _advice(found)


def _advice(found: Proof) -> Iterator[str]:
    """Say what can be done where the answer is no."""
    if found.ok or not found.out_of_order:
        return
    yield ""
    if found.verdict.value == "not replayed" and not found.lacks_something:
        yield "HINT:  The migration fails in every order, also on a fresh database: correct its"
        yield "file, and try it with `pgbraid up --embedded`."
        return
    if found.verdict.value == "not replayed":
        yield "HINT:  Name a server that has what the migrations need with --scratch URL, or its"
        yield "programs in PGBRAID_PG_BIN; or create it before the first migration with the setting"
        yield "`prelude`."
        return
    late = found.pair.second if found.pair else found.out_of_order[0]
    highest = max(m.version for m in found.recorded_order)
    yield f"HINT:  If no database has {clean(late.label)} yet, rename it to a version above"
    yield f"{highest}; otherwise change one of the two so that both orders end the same."
    if found.verdict.word in {"column-order", "enum-order"}:
        yield f"If that order does not matter, accept it with `--accept {found.verdict.word}`."
    elif found.verdict.word == "different":
        yield "A known difference can be allowed in the head of the late one, with a reason:"
        yield "`-- pgbraid: allow-difference=REASON`."


def _assumed(made: tuple[str, ...]) -> Iterator[str]:
    names = clean(", ".join(made))
    yield f"NOTE:  created on the scratch server because migrations expect it: {names}"


def _verdict(found: Proof) -> Iterator[str]:
    said = {
        "same": "both orders end with the same schema and rows",
        "column order only": "the two orders end with other orders of columns",
        "enum order": "the two orders end with other orders of enum values",
        "different": "the two orders do not end with the same schema and rows",
        "fails": "an order cannot be replayed",
        "not replayed": "the migrations cannot be replayed here; nothing was compared",
    }[found.verdict.value]
    but = ""
    if found.not_compared and found.verdict.value == "same":
        but = f", but for {count(len(found.not_compared), 'thing')} that could not be compared"
    late = f"{count(len(found.out_of_order), 'migration')} out of order"
    pairs = f"{count(found.inversions, 'pair')} in another order"
    yield f"{found.verdict.value}{but}: {said}."
    yield f"({late}, {pairs}; {count(found.replays, 'replay')} on {clean(found.server)})"


def _pair(found: Proof) -> Iterator[str]:
    pair = found.pair
    if pair is None:
        if found.no_pair:
            yield ""
            yield f"{clean(found.no_pair[0].upper() + found.no_pair[1:])}."
        return
    yield ""
    yield f"{clean(pair.sentence)}."
    names = [clean(m.label) for m in pair.context]
    behind = f" behind {', '.join(names)}" if names else " on an empty database"
    if len(names) > _LISTED:
        behind = f" behind {count(len(names), 'migration')}"
    after = f", then {', '.join(clean(m.label) for m in pair.after)}" if pair.after else ""
    if pair.minimal:
        yield f"Smallest example: these two{behind}{after}."
    else:
        yield f"Example: these two{behind}{after}."
        yield "The time for a smaller example was up; --explain-for SECONDS gives it longer."


def _failures(found: Proof) -> Iterator[str]:
    left, right = found.recorded_failure, found.version_failure
    if left and right and left.key == right.key:
        yield from _failure("whatever the order", left)
        return
    for order, failure in ((found.label, left), ("by version", right)):
        if failure:
            yield from _failure(order, failure)


def _failure(order: str, failure: ReplayFailure) -> Iterator[str]:
    said = failure.diagnostic
    place = f"{said.location}: " if said.location else ""
    yield ""
    yield f"{order}, {clean(failure.migration.label)} fails:"
    yield f"  {clean(f'{place}{said.severity}:  {said.message}')}"
    for name, text in (("DETAIL", said.detail), ("HINT", said.hint)):
        if text:
            yield from (f"  {clean(line)}" for line in f"{name}:  {text}".splitlines())


def _left_out(lines: Iterable[str]) -> Iterator[str]:
    listed = list(lines)
    if not listed:
        return
    yield ""
    yield "Not compared:"
    for line in listed[:_LISTED]:
        yield f"  {clean(line)}"
    if len(listed) > _LISTED:
        yield f"  and {len(listed) - _LISTED} more; --json lists all"


def drifted(found: DriftReport) -> Iterator[str]:
    """Yield the lines that answer ``drift``."""
    for line in found.notes:
        yield f"NOTE:  {clean(line)}"
    if found.provided:
        yield from _assumed(found.provided)
    for line in found.not_compared:
        yield f"NOTE:  not compared: {clean(line)}"
    history = count(found.replayed, "migration")
    ignored = f"; {found.ignored} ignored" if found.ignored else ""
    if found.ok:
        yield f"clean: the schema is what its {history} built{ignored}."
        return
    yield from tell_differences(found.differences, "database", "history")
    yield ""
    number = count(len(found.differences), "difference")
    yield f"drifted: {number} from what its {history} built on {clean(found.server)}{ignored}."


def tell_differences(differences: Iterable[Difference], left: str, right: str) -> Iterator[str]:
    """Yield the lines of what differs; the sides have names."""
    columns = max(len(left), len(right))
    for difference in differences:
        if difference.only:
            only = left if difference.only == "left" else right
            yield f"{clean(difference.name)}  (only {only})"
            yield from _one_side(difference)
            continue
        yield clean(difference.name)
        for fact in difference.attributes:
            yield from _fact(difference, fact, (left, right), columns)


def _one_side(difference: Difference) -> Iterator[str]:
    for fact in difference.attributes:
        value = fact.left if difference.only == "left" else fact.right
        if value and fact.name == "next value":
            yield "    a row has that value, so that an INSERT fails"
        if value and value not in {"-", "{}"} and display_name(fact.name) in _SHOWN:
            lines = value.splitlines()
            yield f"    {display_name(fact.name)}: {clean(lines[0])}"
            yield from (f"        {clean(line)}" for line in lines[1:])


def _fact(
    difference: Difference, fact: AttributeDifference, sides: tuple[str, str], columns: int
) -> Iterator[str]:
    if difference.catalog == DATA:
        yield from _rows(fact, sides)
        return
    values = [_value(difference, value) for value in (fact.left, fact.right)]
    name = "" if difference.catalog in {*_LISTS, SEQUENCES} else f"{display_name(fact.name)} "
    if fact.name == DEFINITION and any("\n" in value for value in values):
        yield from _diff(values[0], values[1], sides)
        return
    for side, value in zip(sides, values, strict=True):
        yield f"    {side + ':':<{columns + 1}} {name}{clean(value)}"


def _value(difference: Difference, value: str | None) -> str:
    if difference.catalog in _LISTS and value:
        return ", ".join(value.split("\n"))
    return "none" if value in {None, "-"} else str(value)


def _rows(fact: AttributeDifference, sides: tuple[str, str]) -> Iterator[str]:
    if fact.name == "rows":
        yield f"    {fact.left or 0} {sides[0]}, {fact.right or 0} {sides[1]}"
    elif fact.name == "digest":
        yield "    their values are not the same"


def _diff(left: str, right: str, sides: tuple[str, str]) -> Iterator[str]:
    lines = difflib.unified_diff(
        left.splitlines(), right.splitlines(), sides[0], sides[1], lineterm=""
    )
    yield from (f"    {clean(line)}" for line in lines)
