"""Draws a terminal's text as an SVG: ``pgbraid demo | tools/terminal_svg.py 'pgbraid demo'``.

No font or style is fetched from anywhere, so that the picture is whole wherever it is shown.
"""

import re
import sys
from html import escape

WIDTH, LINE, MARGIN = 8.4, 18, 16
COLOURS = (
    (re.compile(r"^\$ .*"), "#7ee787"),
    (re.compile(r"^\s+a counter .*"), "#ffa198"),
    (re.compile(r"^\s+pgbraid .*"), "#7ee787"),
    (re.compile(r".*\| gap\b.*"), "#f2cc60"),
)


def colour(line: str) -> str:
    """Return the colour of a line."""
    return next((value for pattern, value in COLOURS if pattern.match(line)), "#e6edf3")


def draw(lines: list[str]) -> str:
    """Return the picture of these lines."""
    width = max(map(len, lines)) * WIDTH + 2 * MARGIN
    height = len(lines) * LINE + 2 * MARGIN
    rows = (
        f'<text x="{MARGIN}" y="{MARGIN + LINE * number + 13}" fill="{colour(line)}" '
        f'textLength="{len(line) * WIDTH:.1f}" xml:space="preserve">{escape(line)}</text>'
        for number, line in enumerate(lines)
        if line.strip()
    )
    font = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
    size = f'viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-size="14" font-family="{font}">'
    ground = '<rect width="100%" height="100%" rx="8" fill="#0d1117"/>'
    return "\n".join((head, ground, *rows, "</svg>", ""))


if __name__ == "__main__":
    sys.stdout.write(draw([f"$ {sys.argv[1]}", *sys.stdin.read().splitlines()]))
