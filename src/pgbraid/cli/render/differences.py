"""Renders the differences of two schemas, object by object."""

from __future__ import annotations

import difflib

from pgbraid.cli.render.characters import clean
from pgbraid.cli.render.differing_rows import rows_lines
from pgbraid.cli.render.psql import count, spelled
from pgbraid.model.catalog_names import display_name
from pgbraid.model.snapshot import COLUMN_ORDER, DATA, DEFINITION, ENUM_ORDER, SEQUENCES

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pgbraid.model.proof import DriftReport, Proof, ReplayFailure, Squash
    from pgbraid.model.snapshot import AttributeDifference, Difference

__all__ = [
    "difference_lines",
    "drift_lines",
    "proof_lines",
    "proof_of_check_lines",
    "squash_lines",
]

_LISTS = frozenset({COLUMN_ORDER, ENUM_ORDER})
_LISTED = 6
_SHOWN = frozenset({"type", "definition", "owner", "identity", "default", "value"})
"""The attributes shown of an object that exists on one side only."""


def proof_lines(proof: Proof) -> Iterator[str]:
    """Yield the lines of a proof."""
    for line in proof.notes:
        yield f"NOTE:  {clean(line)}"
    if proof.provided:
        yield from _provided(proof.provided)
    if not proof.inversions and not proof.replays:
        yield f"same: none of {count(len(proof.recorded_order), 'migration')} is out of order."
        yield from _not_compared(proof.not_compared)
        return
    yield from _verdict(proof)
    if proof.allowed_reason:
        yield f"Accepted: {clean(spelled(proof.allowed_reason))}."
    yield from _pair(proof)
    yield from _failures(proof)
    if proof.differences:
        yield ""
        yield from difference_lines(proof.differences, proof.label, "by version")
    yield from _not_compared(proof.not_compared)
    yield from _advice(proof)


def proof_of_check_lines(proof: Proof) -> Iterator[str]:
    """Yield the lines of a proof that ``check --prove`` made, beside the problems of the check."""
    for line in proof.notes:
        yield f"NOTE:  {clean(line)}"
    if proof.provided:
        yield from _provided(proof.provided)
    if not proof.ok:
        yield from difference_lines(proof.differences, proof.label, "by version")
        yield from _failures(proof)
    elif not proof.inversions:
        yield "proven: no migration is out of order."
    elif proof.allowed_reason:
        yield f"Accepted: {clean(spelled(proof.allowed_reason))}."
    else:
        yield f"proven: both orders end with the same {_compared(proof)}."
    yield from _not_compared(proof.not_compared)


def _advice(proof: Proof) -> Iterator[str]:
    """Yield the hint for a proof that failed."""
    if proof.ok or not proof.out_of_order:
        return
    yield ""
    if proof.verdict.value == "not replayed" and not proof.needs_missing_object:
        yield "HINT:  The migration fails in every order, also on a fresh database. Fix its"
        yield "file, and try it with `pgbraid up --embedded`."
        return
    if proof.verdict.value == "not replayed":
        yield "HINT:  Use a server that has what the migrations need: name it with --scratch URL,"
        yield "or its programs in PGBRAID_PG_BIN. Or create it before the first migration with the"
        yield "setting `prelude`."
        return
    moved = proof.pair.second if proof.pair else proof.out_of_order[0]
    highest = max(m.version for m in proof.recorded_order)
    yield f"HINT:  If no database has {clean(moved.label)} yet, rename it to a version above"
    yield f"{highest}; otherwise change one of the two so that both orders end the same."
    if proof.verdict.word in {"column-order", "enum-order"}:
        yield f"If that order does not matter, accept it with `--accept {proof.verdict.word}`."
    elif proof.verdict.word == "different":
        yield "To allow a known difference, add it with a reason at the top of the out-of-order"
        yield "migration: `-- pgbraid: allow-difference=REASON`."


def _provided(objects: tuple[str, ...]) -> Iterator[str]:
    names = clean(", ".join(objects))
    yield f"NOTE:  created on the scratch server because migrations expect it: {names}"


def _verdict(proof: Proof) -> Iterator[str]:
    explanation = proof.verdict.explanation
    if proof.verdict.value == "same":
        explanation = f"both orders end with the same {_compared(proof)}"
    exceptions = ""
    if proof.not_compared and proof.verdict.value == "same":
        exceptions = (
            f", except {count(len(proof.not_compared), 'object')} that could not be compared"
        )
    moved = f"{count(len(proof.out_of_order), 'migration')} out of order"
    pairs = f"{count(proof.inversions, 'pair')} swapped"
    yield f"{proof.verdict.value}{exceptions}: {explanation}."
    yield f"({moved}, {pairs}; {count(proof.replays, 'replay')} on {clean(proof.server)})"


def _compared(proof: Proof) -> str:
    return "schema, rows and objects of the server" if proof.cluster else "schema and rows"


def _pair(proof: Proof) -> Iterator[str]:
    pair = proof.pair
    if pair is None:
        if proof.no_pair:
            yield ""
            yield f"{clean(proof.no_pair[0].upper() + proof.no_pair[1:])}."
        return
    yield ""
    yield f"{clean(pair.sentence)}."
    names = [clean(m.label) for m in pair.context]
    context = f" after {', '.join(names)}" if names else " on an empty database"
    if len(names) > _LISTED:
        context = f" after {count(len(names), 'migration')}"
    after = f", then {', '.join(clean(m.label) for m in pair.after)}" if pair.after else ""
    if pair.minimal:
        yield f"Smallest example: these two{context}{after}."
    else:
        yield f"Example: these two{context}{after}."
        work = f"{proof.search_replays:.1f} plain replays"
        yield f"It may not be the smallest: the search was cut short after {work}. To search"
        yield "longer, use --explain-for TIME."


def _failures(proof: Proof) -> Iterator[str]:
    left, right = proof.recorded_failure, proof.version_failure
    if left and right and left.key == right.key:
        yield from _failure("in both orders", left)
        return
    for order, failure in ((proof.label, left), ("by version", right)):
        if failure:
            yield from _failure(order, failure)


def _failure(order: str, failure: ReplayFailure) -> Iterator[str]:
    diagnostic = failure.diagnostic
    place = f"{diagnostic.location}: " if diagnostic.location else ""
    yield ""
    yield f"{order}, {clean(failure.migration.label)} fails:"
    yield f"  {clean(f'{place}{diagnostic.severity}:  {diagnostic.message}')}"
    for name, text in (("DETAIL", diagnostic.detail), ("HINT", diagnostic.hint)):
        if text:
            yield from (f"  {clean(line)}" for line in f"{name}:  {text}".splitlines())


def _not_compared(lines: Iterable[str]) -> Iterator[str]:
    listed = list(lines)
    if not listed:
        return
    yield ""
    yield "Not compared:"
    for line in listed[:_LISTED]:
        yield f"  {clean(line)}"
    if len(listed) > _LISTED:
        yield f"  and {len(listed) - _LISTED} more; --json lists all"


def drift_lines(report: DriftReport) -> Iterator[str]:
    """Yield the lines of a drift report."""
    for line in report.notes:
        yield f"NOTE:  {clean(line)}"
    if report.provided:
        yield from _provided(report.provided)
    for line in report.not_compared:
        yield f"NOTE:  not compared: {clean(line)}"
    history = count(report.replayed, "migration")
    ignored = f"; {report.ignored} ignored" if report.ignored else ""
    if report.ok:
        yield f"clean: the schema is the one that its {history} built{ignored}."
        return
    yield from difference_lines(report.differences, "database", "history")
    yield ""
    number = count(len(report.differences), "difference")
    server = clean(report.server)
    yield f"drifted: {number} from the schema that its {history} built on {server}{ignored}."


def squash_lines(squash: Squash) -> Iterator[str]:
    """Yield the lines of a squash."""
    if squash.provided:
        yield from _provided(squash.provided)
    number = count(len(squash.replaced), "migration")
    file = clean(squash.baseline.path)
    if not squash.ok:
        if squash.failure:
            yield from _failure("made from a dump of the migrations", squash.failure)
        yield from difference_lines(squash.differences, "migrations", "baseline")
        yield from (f"{clean(name)}  (on the server, only migrations)" for name in squash.lost)
        yield from _not_compared(squash.not_compared)
        yield ""
        yield (
            f"different: one file cannot replace {number} with the same schema and rows. Nothing "
            "was written."
        )
        yield "pg_dump leaves out what belongs to the server, such as roles and settings of roles"
        yield "and databases: create it with the setting `prelude`, or name a lower version."
        return
    yield (
        f"same: the baseline gives the schema and rows of {number}, in "
        f"{squash.baseline_seconds:.2f} s instead of {squash.history_seconds:.2f} s."
    )
    if squash.frozen:
        yield ""
        yield "Every fresh database gets one value of these, which differ in each replay of the"
        yield "migrations; check that none is a secret:"
        yield from (f"  {clean(line)}" for line in squash.frozen[:_LISTED])
        if len(squash.frozen) > _LISTED:
            yield f"  and {len(squash.frozen) - _LISTED} more; --json lists all"
    yield from _not_compared(squash.not_compared)
    files = count(len(squash.deleted), "file")
    if squash.dry_run:
        yield f"Would write {file} and delete {files}; nothing was changed."
        return
    yield f"Wrote {file} and deleted {files}."
    yield "Before this release, run `pgbraid up` with the old files on every database that lacks"
    yield "some of these versions: afterwards it would be refused."


def difference_lines(differences: Iterable[Difference], left: str, right: str) -> Iterator[str]:
    """Yield the lines of differences; ``left`` and ``right`` are the names of the two sides."""
    columns = max(len(left), len(right))
    for difference in differences:
        if difference.only:
            only = left if difference.only == "left" else right
            yield f"{clean(difference.name)}  (only {only})"
            yield from _one_side(difference)
        else:
            yield clean(difference.name)
            for attribute in difference.attributes:
                yield from _attribute(difference, attribute, (left, right), columns)
        if difference.rows:
            yield from rows_lines(difference.rows, (left, right))


def _one_side(difference: Difference) -> Iterator[str]:
    for attribute in difference.attributes:
        value = attribute.left if difference.only == "left" else attribute.right
        if value and attribute.name == "next value":
            yield "    a row has this value already, so the next INSERT fails"
        if value and value not in {"-", "{}"} and display_name(attribute.name) in _SHOWN:
            lines = value.splitlines()
            yield f"    {display_name(attribute.name)}: {clean(lines[0])}"
            yield from (f"        {clean(line)}" for line in lines[1:])


def _attribute(
    difference: Difference, attribute: AttributeDifference, sides: tuple[str, str], columns: int
) -> Iterator[str]:
    if difference.catalog == DATA:
        if not difference.rows or attribute.name == "rows":
            yield from _rows(attribute, sides)
        return
    values = [_value(difference, value) for value in (attribute.left, attribute.right)]
    name = "" if difference.catalog in {*_LISTS, SEQUENCES} else f"{display_name(attribute.name)} "
    if attribute.name == DEFINITION and any("\n" in value for value in values):
        yield from _diff(values[0], values[1], sides)
        return
    for side, value in zip(sides, values, strict=True):
        yield f"    {side + ':':<{columns + 1}} {name}{clean(value)}"


def _value(difference: Difference, value: str | None) -> str:
    if difference.catalog in _LISTS and value:
        return ", ".join(value.split("\n"))
    return "none" if value in {None, "-"} else str(value)


def _rows(attribute: AttributeDifference, sides: tuple[str, str]) -> Iterator[str]:
    if attribute.name == "rows":
        yield f"    {attribute.left or 0} {sides[0]}, {attribute.right or 0} {sides[1]}"
    elif attribute.name == "digest":
        yield "    their values differ"


def _diff(left: str, right: str, sides: tuple[str, str]) -> Iterator[str]:
    lines = difflib.unified_diff(
        left.splitlines(), right.splitlines(), sides[0], sides[1], lineterm=""
    )
    yield from (f"    {clean(line)}" for line in lines)
