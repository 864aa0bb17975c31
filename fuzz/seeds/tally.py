"""Counts what was proven against what the oracle says, and what was left out."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fuzz.seeds.oracle import Result
from pgbraid.model.proof import Verdict

if TYPE_CHECKING:
    from fuzz.seeds.oracle import Opinion
    from fuzz.seeds.story import Story
    from pgbraid.model.proof import Proof

__all__ = ["Tally", "agree", "kind_left_out"]

_AGREED = {
    Verdict.SAME: {Result.EQUAL, Result.RENUMBERED, Result.FOLLOWS},
    Verdict.COLUMN_ORDER: {Result.COLUMN_ORDER},
    Verdict.ENUM_ORDER: {Result.ENUM_ORDER},
    Verdict.DIFFERENT: {Result.DIFFER, Result.FOLLOWS},
    Verdict.FAILS: {Result.FAILS, Result.FAIL_ALIKE},
    Verdict.NOT_REPLAYED: {Result.FAIL_ALIKE},
}
_LEFT_OUT = (
    (r"a part of \d+ values? differs?", "parts of values that move"),
    (r"\d+ values? differs?", "single values that move"),
    (r"its values differ", "a whole column that moves"),
    (r"its rows differ", "a whole table that moves"),
    (r"generated, with other values", "generated keys with other numbers"),
    (r"cannot be followed", "keys that cannot be followed"),
    (r"differs between two replays", "a part of the schema that moves"),
    (r"row security|may not", "rows that may not be read"),
    (r"the rights of role", "rights of the role"),
)


def agree(verdict: Verdict, result: Result) -> bool | None:
    """Whether a verdict is the oracle's; None where the oracle cannot decide."""
    return None if result is Result.UNDECIDED else result in _AGREED[verdict]


def kind_left_out(line: str) -> str:
    """Return what kind of thing a line says was not compared."""
    return next((kind for pattern, kind in _LEFT_OUT if re.search(pattern, line)), line)


@dataclass(slots=True)
class Tally:
    """What came of the histories so far."""

    cells: Counter[tuple[Verdict, Result]] = field(default_factory=Counter)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Histories in which something of a kind was not compared, by the kind and the verdict."""
    incomplete: Counter[Verdict] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    skipped: int = 0

    def add(self, story: Story, proof: Proof, opinion: Opinion) -> None:
        """Count one history."""
        self.cells[proof.verdict, opinion.result] += 1
        self.incomplete[proof.verdict] += not proof.complete
        for kind in {kind_left_out(line) for line in proof.not_compared}:
            self.left_out[kind, proof.verdict.value] += 1
        if agree(proof.verdict, opinion.result) is False:
            said = "; ".join(opinion.told)[:200]
            self.wrong.append(
                f"seed {story.seed}: {proof.verdict.value}, and psql says {opinion.result.value}"
                f" ({said})"
            )

    @property
    def told(self) -> int:
        """How many histories were judged."""
        return self.cells.total()

    def table(self) -> str:
        """Return the counts as tables of Markdown."""
        results = [r for r in Result if any(result is r for _, result in self.cells)]
        lines = [
            f"| prove says | {' | '.join(r.value for r in results)} | not all was compared |",
            f"| --- |{' ---: |' * (len(results) + 1)}",
        ]
        for verdict in Verdict:
            counts = [self.cells[verdict, result] for result in results]
            if any(counts):
                told = " | ".join(map(str, [*counts, self.incomplete[verdict]]))
                lines.append(f"| `{verdict.value}` | {told} |")
        lines += ["", "| not compared | histories | of these `same` |", "| --- | ---: | ---: |"]
        kinds = Counter[str]()
        for (kind, _), number in self.left_out.items():
            kinds[kind] += number
        lines += [
            f"| {kind} | {number} | {self.left_out[kind, Verdict.SAME.value]} |"
            for kind, number in kinds.most_common()
        ]
        lines += ["", f"Pairs looked at: {dict(self.pairs)}; skipped {self.skipped}."]
        return "\n".join([*lines, *(f"- {line}" for line in (*self.wrong, *self.broken))])
