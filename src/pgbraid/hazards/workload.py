"""Reads and writes the queries file: the statements that the running release sends, as SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConfigError
from pgbraid.sql.parser import parse
from pgbraid.sql.script import line_and_column

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Query", "format_workload", "parse_workload"]

_HINT = "A queries file holds SQL statements, each with a semicolon at its end, such as those that "
_WRITES = "`pgbraid sizes --queries FILE` writes."


@dataclass(frozen=True, slots=True)
class Query:
    """A statement of the workload, without its semicolon, and its line in the file, from 1."""

    text: str
    line: int


def parse_workload(text: str, name: str) -> tuple[Query, ...]:
    """Return the statements of a queries file; ``name`` names the file in messages.

    Parameters such as ``$1`` stay as they are. Raises ConfigError, with line and column, for a psql
    meta-command, a quote or comment without an end, and a COPY that reads from the client.
    """
    script = parse(text)
    if script.unterminated is not None:
        raise _error(script.text, name, script.unterminated, "a quote or comment has no end")
    if script.metas:
        meta = script.metas[0]
        reason = f"{meta.name} is a meta-command of psql, which the server does not know"
        raise _error(script.text, name, meta.start, reason)
    queries: list[Query] = []
    for statement in script.statements:
        if statement.data is not None:
            reason = (
                "COPY from the client cannot be prepared, and the data would end the statements"
            )
            raise _error(script.text, name, statement.start, reason)
        line, _ = line_and_column(script.text, statement.start)
        queries.append(Query(script.text[statement.start : statement.end], line))
    return tuple(queries)


def format_workload(queries: Iterable[str]) -> str:
    """Return the text of a queries file, ordered by the text of the statements."""
    lines = [
        "-- Statements of the running release, from pg_stat_statements. `pgbraid lint` finds those",
        "-- that a pending migration breaks. Remove those that are not sent any more.",
        *(f"{query};" for query in sorted(queries)),
    ]
    return "\n".join(lines) + "\n"


def _error(text: str, name: str, offset: int, reason: str) -> ConfigError:
    line, column = line_and_column(text, offset)
    return ConfigError(f"{name}:{line}:{column}: {reason}", hint=f"{_HINT}{_WRITES}")
