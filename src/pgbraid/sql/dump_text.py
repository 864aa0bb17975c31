"""Turns the output of pg_dump into the text of a migration."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from pgbraid.sql.parser import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["dump_statements", "without_statements"]

_SESSION = re.compile(
    r"SET (?:\w+_timeout|client_encoding|standard_conforming_strings|client_min_messages"
    r"|row_security) = |(?:BEGIN|COMMIT)$"
)
"""Settings that the runner has its own values for or that older servers do not know, and the
transactions around large objects."""
_DEFAULTS = ("SET default_tablespace = ''", "SET default_table_access_method = heap")
_XML = "SET xmloption = content"
_LITERAL = r"E?'(?:[^'\\]|''|\\.)*'::(character varying|bpchar)(?:\(\d+\))?"
_CAST_ARRAY = re.compile(rf"\(ARRAY\[{_LITERAL}(?:, {_LITERAL})*\]\)::text\[\]", re.DOTALL)
"""An array of constants with a cast, as the server prints ``name IN ('a', 'b')``."""
_WITH_BODY = re.compile(
    r"(?:INSERT INTO|COMMENT ON|CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE)) "
)
"""Statements with texts of the user, which stay as they are."""
_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)'


def dump_statements(text: str, role: str, schema: str) -> tuple[str, ...]:
    """Return the statements of a dump, without those that concern only the session of a restore.

    What belongs to ``role``, the role of the replay, gets no owner: it will belong to the role that
    runs the baseline. ``schema``, the schema of the ledger, exists when the baseline runs. Both are
    names as pg_dump writes them.
    """
    script = parse(text)
    statements = [script.text[s.start : s.end] for s in script.statements]
    return tuple(_cleaned(statements, role, schema))


def _cleaned(statements: list[str], role: str, schema: str) -> Iterator[str]:
    is_default = not any(
        s.startswith(default.partition(" = ")[0]) and s != default
        for s in statements
        for default in _DEFAULTS
    )
    has_xml = any("xml" in s.lower() for s in statements if s != _XML)
    # pg_dump quotes reserved words, too.
    owner, name = (rf'(?:{re.escape(n)}|"{re.escape(n)}")' for n in (role, schema))
    owned = re.compile(rf"ALTER [^']*\bOWNER TO {owner}")
    # Members of an extension and its comment come with it; its comment needs its owner.
    extension = re.compile(rf"COMMENT ON EXTENSION {_NAME} IS ", re.ASCII)
    grantee = re.compile(rf"((?:GRANT|REVOKE) [^']*\b(?:TO|FROM)) {owner}( WITH GRANT OPTION)?")
    default = re.compile(rf"ALTER DEFAULT PRIVILEGES FOR ROLE {owner}(?= )")
    for statement in statements:
        if _SESSION.match(statement) or (is_default and statement in _DEFAULTS):
            continue
        if statement == _XML and not has_xml:
            continue
        if owned.fullmatch(statement) or extension.match(statement):
            continue
        cleaned = default.sub("ALTER DEFAULT PRIVILEGES", statement)
        if match := grantee.fullmatch(cleaned):
            cleaned = f"{match[1]} CURRENT_USER{match[2] or ''}"
        if re.fullmatch(rf"CREATE SCHEMA {name}", cleaned):
            cleaned = f"CREATE SCHEMA IF NOT EXISTS {schema}"
        yield cleaned if _WITH_BODY.match(cleaned) else _CAST_ARRAY.sub(_with_own_type, cleaned)


def _with_own_type(match: re.Match[str]) -> str:
    """Return an array with a cast to its own type below the other cast.

    The server applies a cast of ARRAY[…] to each element, so the text that it prints for a cast of
    the whole array would be read as another expression.
    """
    array, _, cast = match[0].rpartition(")::")
    return f"{array}::{match[1]}[])::{cast}"


def without_statements(statements: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    """Return the statements that are not among ``others``, each as often as it is there less.

    Settings stay.
    """
    remaining = Counter(others)
    rest = []
    for statement in statements:
        if remaining[statement] > 0 and not statement.startswith(
            ("SET ", "SELECT pg_catalog.set_config")
        ):
            remaining[statement] -= 1
        else:
            rest.append(statement)
    return tuple(rest)
