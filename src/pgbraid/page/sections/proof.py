"""The section of a proof: verdict, pair, differences, failures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.model.proof import Verdict
from pgbraid.page.sections.objects import LISTED, changed_objects
from pgbraid.page.texts.amounts import count
from pgbraid.page.texts.characters import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.model.migration import Diagnostic, Migration
    from pgbraid.model.proof import ConflictingPair, Proof, ReplayFailure
    from pgbraid.page.sections.objects import ChangedObject

__all__ = ["Failure", "ProofSection", "proof_section"]

_NAMED = 6
_EXCERPT = 160
"""Characters of the line of a file."""
_MESSAGE = 2000


@dataclass(frozen=True, slots=True)
class Failure:
    """A migration that fails in a replay, with the server's message.

    ``excerpt`` is the line of the file, and ``caret`` the line below it that points to the error.
    """

    title: str
    message: str
    slots: tuple[tuple[str, str], ...] = ()
    excerpt: str = ""
    caret: str = ""


@dataclass(frozen=True, slots=True)
class ProofSection:
    """A proof as the page shows it; ``good`` is whether it needs no action."""

    verdict: str
    good: bool
    sentence: str
    extent: str
    """How many migrations and pairs, and where they were replayed."""
    sides: tuple[str, str]
    accepted: str = ""
    """The reason for which a difference is allowed."""
    pair: str = ""
    """The sentence of the pair, or the reason why none is named."""
    example: str = ""
    failures: tuple[Failure, ...] = ()
    objects: tuple[ChangedObject, ...] = ()
    more: int = 0
    """The number of objects that are not listed."""
    not_compared: tuple[str, ...] = ()
    provided: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def proof_section(proof: Proof) -> ProofSection:
    """Return the section of a proof."""
    pair = proof.pair
    reason = proof.no_pair
    differences = proof.differences or (pair.differences if pair else ())
    objects = changed_objects(differences[:LISTED])
    return ProofSection(
        proof.verdict.value,
        proof.ok,
        _sentence(proof),
        _extent(proof),
        (shown(proof.label), "by version"),
        shown(proof.allowed_reason or ""),
        shown(f"{pair.sentence}." if pair else f"{_capital(reason)}." if reason else "", _MESSAGE),
        _example(pair) if pair else "",
        tuple(_failures(proof)),
        objects,
        len(differences) - len(objects),
        tuple(map(shown, proof.not_compared)),
        tuple(map(shown, proof.provided)),
        tuple(map(shown, proof.notes)),
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sentence(proof: Proof) -> str:
    if not proof.inversions and not proof.replays:
        return "No migration is out of order."
    left_out = ""
    if proof.verdict is Verdict.SAME and proof.not_compared:
        left_out = f", except {count(len(proof.not_compared), 'object')} that cannot be compared"
    return f"{_capital(proof.verdict.explanation)}{left_out}."


def _extent(proof: Proof) -> str:
    if not proof.replays:
        return count(len(proof.recorded_order), "migration")
    moved = f"{count(len(proof.out_of_order), 'migration')} out of order"
    pairs = f"{count(proof.inversions, 'pair')} swapped"
    return f"{moved}, {pairs}; {count(proof.replays, 'replay')} on {shown(proof.server)}"


def _example(pair: ConflictingPair) -> str:
    context = f"after {_listed(pair.context)}" if pair.context else "on an empty database"
    then = f", then {_listed(pair.after)}" if pair.after else ""
    kind = "Smallest example" if pair.minimal else "Example (the time to minimize it was over)"
    return f"{kind}: these two {context}{then}."


def _listed(migrations: Sequence[Migration]) -> str:
    if len(migrations) > _NAMED:
        return count(len(migrations), "migration")
    return ", ".join(shown(migration.label, 120) for migration in migrations)


def _failures(proof: Proof) -> Iterator[Failure]:
    left, right = proof.recorded_failure, proof.version_failure
    if left and right and left.key == right.key:
        yield _failure("In both orders", left)
        return
    for order, failed in ((_capital(proof.label), left), ("By version", right)):
        if failed:
            yield _failure(order, failed)


def _failure(order: str, failure: ReplayFailure) -> Failure:
    diagnostic = failure.diagnostic
    excerpt, caret = _excerpt(diagnostic)
    place = f"{diagnostic.location}: " if diagnostic.location else ""
    texts = (("DETAIL", diagnostic.detail), ("HINT", diagnostic.hint))
    return Failure(
        f"{shown(order)}, {shown(failure.migration.label)} fails:",
        shown(f"{place}{diagnostic.severity}:  {diagnostic.message}", _MESSAGE),
        tuple((name, shown(text, _MESSAGE)) for name, text in texts if text),
        excerpt,
        caret,
    )


def _excerpt(diagnostic: Diagnostic) -> tuple[str, str]:
    """Return the line of the file and a line with a caret below its place."""
    if diagnostic.excerpt is None or diagnostic.location is None:
        return "", ""
    line, at = diagnostic.excerpt, diagnostic.caret
    start = max((at or 0) - _EXCERPT // 2, 0)
    head = f"LINE {diagnostic.location.line}: {'…' if start else ''}"
    text = head + shown(line[start:], _EXCERPT)
    if at is None:
        return text, ""
    before = head + shown(line[start:at], _EXCERPT)
    return text, " " * len(before) + "^"
