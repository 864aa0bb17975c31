"""Adds to differences in rows the rows themselves, with secrets masked and long values cut."""

from __future__ import annotations

from dataclasses import replace
from functools import partial, reduce
from operator import or_
from typing import TYPE_CHECKING

from pgbraid.model.snapshot import (
    DATA,
    MASKED_VALUE,
    AttributeDifference,
    Difference,
    RowDifference,
    RowDifferences,
)
from pgbraid.postgres.catalog.rows.differing_rows import find_differing_rows
from pgbraid.postgres.catalog.rows.traced_table import RowSide
from pgbraid.sql.secret_values import mask_values
from pgbraid.sql.secrets import NO_SECRETS, Secrets, secrets_near

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pgbraid.postgres.catalog.row_identity import Meaning
    from pgbraid.postgres.catalog.tables_with_rows import RowTable
    from pgbraid.prove.replay.replayer import KeptReplay, Replayer

__all__ = ["with_differing_rows"]

_TABLES = 50
"""The most tables of which the rows are read."""
_LONGEST = 100
"""The most characters of a value that are shown."""
_BEFORE = 20
"""The characters that are shown before the first one that differs."""
_PLAIN = frozenset(
    {
        *("16", "20", "21", "23", "26", "700", "701", "1700"),
        *("1082", "1083", "1114", "1184", "1186", "1266"),
    }
)
"""The oids of the types of truth values, numbers, dates and times, which hold no secret text."""


def with_differing_rows(
    replayer: Replayer,
    replays: tuple[KeptReplay, KeptReplay],
    meanings: tuple[Meaning, Meaning],
    differences: tuple[Difference, ...],
) -> tuple[Difference, ...]:
    """Return the differences, those of rows of a table with the rows that differ.

    The databases of both replays still exist; ``meanings`` define how their rows are compared.
    Raises the errors of the scratch server.
    """
    labels = [d.name for d in differences if d.catalog == DATA and d.name.startswith("rows of ")]
    if not labels:
        return differences
    tables = [replay.rows.tables if replay.rows else () for replay in replays]
    secrets = _known_secrets(replayer, replays)
    listed: dict[str, RowDifferences] = {}
    with replayer.reading(replays[0]) as ours, replayer.reading(replays[1]) as theirs:
        left = RowSide(ours, tables[0], meanings[0])
        right = RowSide(theirs, tables[1], meanings[1])
        for label in labels[:_TABLES]:
            rows = find_differing_rows(left, right, label, partial(_mask, secrets))
            if rows:
                listed[label] = replace(rows, rows=tuple(map(_cut_row, rows.rows)))
    return tuple(replace(d, rows=listed.get(d.name)) for d in differences)


def _known_secrets(replayer: Replayer, replays: Iterable[KeptReplay]) -> Secrets:
    """Return the secrets in the texts of the replayed migrations."""
    migrations = dict.fromkeys(m for replay in replays for m in replay.migrations)
    return reduce(or_, (secrets_near(replayer.text_of(m)) for m in migrations), NO_SECRETS)


def _mask(
    secrets: Secrets, table: RowTable, values: dict[str, str | None]
) -> dict[str, str | None]:
    plain = frozenset(column.name for column in table.columns if column.type in _PLAIN)
    return mask_values(table.name, values, secrets, plain=plain)


def _cut_row(row: RowDifference) -> RowDifference:
    """Return a row with its long values cut."""
    return replace(
        row,
        key=tuple((name, _head(text)) for name, text in row.key),
        values=tuple(map(_cut, row.values)),
    )


def _cut(value: AttributeDifference) -> AttributeDifference:
    """Return the part of long values where they differ first."""
    left, right = value.left, value.right
    if left is None or right is None or MASKED_VALUE in {left, right}:
        return replace(value, left=_head(left), right=_head(right))
    common = next(
        (n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b),
        min(len(left), len(right)),
    )
    if left == right and len(left) > _LONGEST:
        note = "… (it differs later)"
        return replace(value, left=left[:_LONGEST] + note, right=right[:_LONGEST] + note)
    if max(len(left), len(right)) <= _LONGEST or common <= _LONGEST // 2:
        return replace(value, left=_head(left), right=_head(right))
    start = common - _BEFORE
    return replace(value, left=f"…{_head(left[start:])}", right=f"…{_head(right[start:])}")


def _head(text: str | None) -> str | None:
    if text is None or len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}…"
