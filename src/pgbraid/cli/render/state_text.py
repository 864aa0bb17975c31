"""The answers about the state of a database: what is applied, and whether it is that of the files.

A run that has nothing to do imports only this part of the texts.
"""

from __future__ import annotations

from pgbraid.cli.render.psql import count, duration, table

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime, timedelta

__all__ = ["all_applied", "nothing_to_do", "ready", "status_table"]

_HOURS = 3
"""The length of a time zone offset without minutes."""


def nothing_to_do(applied: int) -> str:
    """Return the answer of a run without pending migrations."""
    return f"Nothing to do: {count(applied, 'migration')} applied."


def all_applied(
    applied: int, *, unverified: int, changed: int = 0, newer: int = 0, compared: bool = True
) -> str:
    """Return the answer of a check that found no problem.

    ``unverified`` migrations have no recorded checksum, ``changed`` have changed comments, and
    ``newer`` have no file here.
    """
    answer = f"yes: {count(applied, 'migration')} applied, all files match"
    if not compared:
        return f"{answer}; their texts were not compared."
    notes = [f"{changed} changed in comments or white space"] if changed else []
    if unverified:
        notes.append(f"{unverified} without a checksum, not compared")
    if newer:
        notes.append(f"{newer} without a file here")
    return f"{answer}; {'; '.join(notes)}." if notes else f"{answer}, unchanged."


def ready(applied: int, waited: timedelta, *, newer: int = 0) -> str:
    """Return the answer of a wait that has ended; ``newer`` applied versions have no file here."""
    without_file = f", {newer} of them without a file here" if newer else ""
    return f"ready: {count(applied, 'migration')} applied{without_file}; waited {duration(waited)}."


def status_table(
    rows: Iterable[tuple[int, str, str, datetime | None]],
    counts: Iterable[tuple[int, str]],
    columns: int | None,
) -> Iterator[str]:
    """Yield the table of a status and its last line, which counts the versions of each state."""
    cells = [[str(version), name, state, _time(at)] for version, name, state, at in rows]
    yield from table(["version", "name", "state", "applied at"], cells, right=1, columns=columns)
    parts = ", ".join(_counted(number, state) for number, state in counts)
    yield f"({count(len(cells), 'version')}{': ' if parts else ''}{parts})"


def _counted(number: int, state: str) -> str:
    return count(number, "gap") if state == "gap" else f"{number} {state}"


def _time(at: datetime | None) -> str:
    """Return a time as psql shows it, in the local zone, to the second."""
    if at is None:
        return ""
    try:
        local = at.astimezone()
    except OverflowError:  # in the local zone it is outside Python's range
        local = at
    zone = f"{local:%z}"
    return f"{local:%Y-%m-%d %H:%M:%S}{zone.removesuffix('00') if len(zone) > _HOURS else zone}"
