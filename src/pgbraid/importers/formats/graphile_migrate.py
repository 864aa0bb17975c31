r"""graphile-migrate: a chain of hashes; the table has the file's name without its description.

Source: ``src/{migration,hash,migrationFilename}.ts``. A hash is ``sha1:`` and the SHA-1 of the
previous hash, a line feed, and the text without white space around it.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import read_all, text_name
from pgbraid.importers.formats.tool import ForeignMigration, Tool, version_of
from pgbraid.sql.tool_text import directives_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.importers.formats.tool import ForeignFile

__all__ = ["TOOL"]

_FILE = re.compile(r"([0-9]+)(?:-([-_a-zA-Z0-9]*))?\.sql")
_HEADER = re.compile(r"--! ?([-\w]+)(?::[ \t]*(.*))?\r?\n?")


def _files(sources: Sequence[ForeignFile]) -> tuple[ForeignMigration, ...]:
    result = []
    for source in sources:
        match = _FILE.fullmatch(source.name)
        if match is None:
            continue
        headers, body = _parts(source.text)
        previous = headers.get("previous", "-").strip()
        previous = "" if previous == "-" else previous
        text = f"{previous}\n{body.strip()}".strip() + "\n"
        sha1 = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        result.append(
            ForeignMigration(
                key=f"{match[1]}.sql",
                path=source.path,
                digits=match[1],
                name=text_name(match[2] or headers.get("message", "")),
                up=body.lstrip("\r\n"),
                no_transaction="no-transaction" in headers or directives_of(body).no_transaction,
                checksums=frozenset({f"sha1:{sha1}"}),
            )
        )
    return tuple(sorted(result, key=lambda m: (int(m.digits), m.path)))


def _parts(text: str) -> tuple[dict[str, str], str]:
    headers: dict[str, str] = {}
    position = 0
    while match := _HEADER.match(text, position):
        headers[match[1].lower()] = match[2] or ""
        position = match.end()
    return headers, text[position:]


TOOL = Tool(
    "graphile-migrate",
    ("migrations",),
    (("hash", "text"), ("previous_hash", "text"), ("filename", "text")),
    "filename",
    nullable=("previous_hash",),
    read=read_all("filename", "hash"),
    files=_files,
    beside=("current",),
    schema="graphile_migrate",
    order=lambda key: version_of(key) or 0,
)
