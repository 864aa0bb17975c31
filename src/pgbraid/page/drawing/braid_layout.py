"""The places of strands, labels and headings of the braid."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from pgbraid.page.texts.amounts import count
from pgbraid.page.texts.characters import cut, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pgbraid.page.order.blocks import Block, Braid, Heading

__all__ = ["BraidDrawing", "HeadingLine", "Label", "Point", "Strand", "block_text", "lay_out_braid"]

LEFT, RIGHT, WIDTH = 325.0, 625.0, 1020.0
"""The two rails, and the width of the drawing."""
TOP, BOTTOM = 34.0, 12.0
LABEL_HEIGHT, HEADING_HEIGHT, SPACE = 15.0, 21.0, 3.0
LEAST, PER_ROOT = 6.0, 2.6
"""The height of a block: per square root of its migrations, and the least one."""
_FEW = 60
"""Up to this number of blocks, each one has a label."""
_MANY = 10
"""From this number of migrations on, a block in order has a label in each drawing."""
_LEFT_COLUMNS, _RIGHT_COLUMNS = 47, 58
"""Characters that fit beside a rail."""
_STEPS = 40


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the drawing; ``kind`` is that of its strand."""

    x: float
    y: float
    kind: str


@dataclass(frozen=True, slots=True)
class Strand:
    """A block as a closed path from the left rail to the right one.

    ``kind`` is ``order``, ``moved`` (out of order) or ``pair``. ``left`` and ``right`` are the
    middles on the rails.
    """

    kind: str
    pending: bool
    size: float
    left: float
    right: float
    title: str

    @property
    def path(self) -> str:
        """The path of SVG: two cubic curves, closed at the rails."""
        thickness, middle = self.size / 2, (LEFT + RIGHT) / 2
        top = (self.left - thickness, self.right - thickness)
        end = (self.left + thickness, self.right + thickness)
        if self.left == self.right:
            return f"M{LEFT:g} {top[0]:.1f}H{RIGHT:g}V{end[0]:.1f}H{LEFT:g}Z"
        there = f"C{middle:g} {top[0]:.1f} {middle:g} {top[1]:.1f} {RIGHT:g} {top[1]:.1f}"
        back = f"C{middle:g} {end[1]:.1f} {middle:g} {end[0]:.1f} {LEFT:g} {end[0]:.1f}"
        return f"M{LEFT:g} {top[0]:.1f}{there}V{end[1]:.1f}{back}Z"

    def crosses(self, other: Strand) -> bool:
        """Whether two strands cross: they stand in another order on each rail."""
        return (self.left - other.left) * (self.right - other.right) < 0


@dataclass(frozen=True, slots=True)
class Label:
    """A text beside a rail, ``left`` or ``right``; ``y`` is its middle."""

    side: str
    y: float
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class HeadingLine:
    """A thin line on the right rail with the text of one or several runs."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class BraidDrawing:
    """The braid in the units of the drawing; strands in order come first, to be drawn below."""

    height: float
    strands: tuple[Strand, ...] = ()
    labels: tuple[Label, ...] = ()
    headings: tuple[HeadingLine, ...] = ()
    ends: tuple[Point, ...] = ()
    """The ends of pending strands."""
    rings: tuple[Point, ...] = ()
    """Where the two migrations of the pair cross."""


def lay_out_braid(braid: Braid, heading_text: Callable[[Heading], str]) -> BraidDrawing:
    """Return the drawing of a braid.

    Blocks in order are level: they stand in the same order on both rails, so each pushes down the
    rail that has less above it. All strands have curves of one shape, so two of them cross once if
    their order differs, and never if not.
    """
    labelled = _labelled(braid.blocks)
    places = _Places(braid, labelled)
    strands = [
        Strand(
            _kind(block),
            block.pending,
            _size(block),
            places.left[block.right],
            places.right[block.right],
            _title(block),
        )
        for block in braid.blocks
    ]
    labels = [
        Label(side, places.on(side)[block.right], block_text(block, columns), _kind(block))
        for block in braid.blocks
        if block.right in labelled
        for side, columns in (("left", _LEFT_COLUMNS), ("right", _RIGHT_COLUMNS))
        if side == "left" or _kind(block) != "order" or len(braid.blocks) <= _FEW
    ]
    headings = [
        HeadingLine(places.headings[heading.block], heading_text(heading))
        for heading in braid.headings
    ]
    ends = [Point(RIGHT, strand.right, strand.kind) for strand in strands if strand.pending]
    return BraidDrawing(
        places.bottom + BOTTOM,
        tuple(sorted(strands, key=lambda strand: ("order", "moved", "pair").index(strand.kind))),
        tuple(labels),
        tuple(headings),
        tuple(ends),
        tuple(_rings([strand for strand in strands if strand.kind == "pair"])),
    )


class _Places:
    """The middles of all blocks on both rails, and the lines of the headings."""

    def __init__(self, braid: Braid, labelled: set[int]) -> None:
        self.left: dict[int, float] = {}
        self.right: dict[int, float] = {}
        self.headings: dict[int, float] = {}
        self._labelled = labelled
        self._heads: Mapping[int, Heading] = {heading.block: heading for heading in braid.headings}
        self._left_end = self._right_end = TOP
        on_left = iter(sorted(braid.blocks, key=lambda block: block.left))
        on_right = iter(braid.blocks)
        for level in [block for block in braid.blocks if not block.out_of_order]:
            self._add_before(level, on_left, on_right)
            self._add_level(level)
        self._add_before(None, on_left, on_right)
        self.bottom = max(self._left_end, self._right_end)

    def on(self, side: str) -> dict[int, float]:
        """Return the places on a rail, by the right places of the blocks."""
        return self.left if side == "left" else self.right

    def _add_before(
        self, level: Block | None, on_left: Iterator[Block], on_right: Iterator[Block]
    ) -> None:
        for block in on_left:
            if block is level:
                break
            self._left_end = self._add(self.left, block, self._left_end)
        for block in on_right:
            if block is level:
                break
            if block.right in self._heads:
                self.headings[block.right] = self._right_end
                self._right_end += HEADING_HEIGHT
            self._right_end = self._add(self.right, block, self._right_end)

    def _add_level(self, block: Block) -> None:
        above = HEADING_HEIGHT if block.right in self._heads else 0.0
        top = max(self._left_end, self._right_end + above)
        if above:
            self.headings[block.right] = top - above
        self._left_end = self._add(self.left, block, top)
        self._right_end = self._add(self.right, block, top)

    def _add(self, places: dict[int, float], block: Block, top: float) -> float:
        """Place a block; return where the next one may begin."""
        least = LABEL_HEIGHT if block.right in self._labelled else 0.0
        height = max(_size(block), least)
        places[block.right] = top + height / 2
        return top + height + SPACE


def _labelled(blocks: Sequence[Block]) -> set[int]:
    few = len(blocks) <= _FEW
    return {
        block.right
        for block in blocks
        if few or _kind(block) != "order" or len(block.migrations) >= _MANY
    }


def _kind(block: Block) -> str:
    return "pair" if block.pair else "moved" if block.out_of_order else "order"


def _size(block: Block) -> float:
    return max(LEAST, PER_ROOT * sqrt(len(block.migrations)))


def block_text(block: Block, columns: int) -> str:
    """Return the label of a block, of at most ``columns`` characters."""
    size = len(block.migrations)
    if size == 1:
        return _fit(block.first.label, columns)
    first, last = (m.digits or str(m.version) for m in (block.first, block.last))
    names = f"{first} to {last}"
    if block.out_of_order:
        return _fit(f"{names}, {size} together", columns)
    if size >= _MANY:
        return f"{size:,} in order"
    return _fit(f"{names}, {size} in order", columns)


def _title(block: Block) -> str:
    first, last = shown(block.first.label, 120), shown(block.last.label, 120)
    names = first if len(block.migrations) == 1 else f"{first} to {last}"
    words = ["pending" if block.pending else ""]
    words += ["out of order" if block.out_of_order else "in order"]
    words += ["one of the pair" if block.pair else ""]
    number = f" ({count(len(block.migrations), 'migration')})" if len(block.migrations) > 1 else ""
    return f"{names}{number}: {', '.join(filter(None, words))}"


def _fit(text: str, columns: int) -> str:
    """Return a text that takes at most ``columns`` places of a fixed-width font."""
    text = shown(text, columns)
    while sum(1 + (east_asian_width(char) in "WF") for char in text) > columns:
        text = cut(text, len(text) - 1) if text[-1] != "…" else cut(text[:-1], len(text) - 2)
    return text


def _rings(pair: Sequence[Strand]) -> list[Point]:
    """Return where the two strands of the pair cross; none if they do not."""
    if len(pair) != 2 or not pair[0].crosses(pair[1]):  # noqa: PLR2004 - a pair
        return []
    one, other = pair
    # The height follows 3t² - 2t³ on each curve, so they meet at one share of the way.
    share = (other.left - one.left) / ((one.right - one.left) - (other.right - other.left))
    low, t, high = 0.0, 0.5, 1.0
    for _ in range(_STEPS):
        t = (low + high) / 2
        low, high = (t, high) if 3 * t * t - 2 * t**3 < share else (low, t)
    middle = (LEFT + RIGHT) / 2
    x = LEFT * (1 - t) ** 3 + 3 * middle * t * (1 - t) + RIGHT * t**3
    return [Point(x, one.left + (one.right - one.left) * share, "pair")]
