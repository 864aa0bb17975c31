"""Reads the sizes of the tables of a database by SELECT alone, without waiting for anyone."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pgbraid.model.hazards.sizes import Sizes
from pgbraid.postgres.statement_texts import statement_text
from pgbraid.postgres.statistics.summed_sizes import Sampling, TableStatistics, table_sizes

if TYPE_CHECKING:
    from typing import Any

    from pgbraid.postgres.client.session import Session

__all__ = ["YOUNGEST_STATISTICS", "read_sizes"]

YOUNGEST_STATISTICS = 3600.0
"""Seconds. Younger statistics show no usual traffic."""
_PUBLISHES_SCHEMAS_SINCE = 150000
_QUERIES = ("server_facts", "table_statistics", "parents", "published_tables")


def read_sizes(session: Session, *, youngest: float = YOUNGEST_STATISTICS) -> Sizes:
    """Return the sizes and the traffic of all tables and materialized views of a database.

    Every role may read them. All queries are one message, and so one transaction, also behind a
    pooler; nothing is locked, and no query waits for a lock longer than 0.1 s. The settings for
    that last until the end of the transaction, so the session must not be in one. The traffic is
    None if the statistics are younger than ``youngest`` seconds. Raises psycopg's errors.
    """
    names: tuple[str, ...] = _QUERIES
    if session.conn.info.server_version >= _PUBLISHES_SCHEMAS_SINCE:
        names += ("published_schemas",)
    (facts,), tables, pairs, *published = _read(session, names)
    version, version_number, timezone, block_size, now, since, standbys = facts
    age = None if since is None else now - since
    sampling = Sampling(
        version_number, block_size, age if age is not None and age >= youngest else None
    )
    rows = [TableStatistics(*row) for row in tables]
    parents: dict[int, list[int]] = defaultdict(list)
    for child, parent in pairs:
        parents[child].append(parent)
    return Sizes(
        table_sizes(rows, parents, sampling),
        session.target.label,
        taken_at=datetime.fromtimestamp(int(now), UTC),
        server_version=version.partition(" ")[0],
        timezone=timezone,
        stats_since=None if since is None else datetime.fromtimestamp(int(since), UTC),
        standbys=standbys,
        published=_published(rows, parents, {oid for part in published for (oid,) in part}),
    )


def _read(session: Session, names: tuple[str, ...]) -> list[list[Any]]:
    """Return the rows of each of these queries, sent as one message."""
    session.check_stop()
    texts = [statement_text("statistics", name) for name in ("own_settings", *names)]
    cursor = session.conn.execute(";\n".join(texts).encode())
    results: list[list[Any]] = []
    while cursor.nextset():  # the first result is that of the settings
        results.append(cursor.fetchall())
    return results


def _published(
    rows: list[TableStatistics], parents: dict[int, list[int]], oids: set[int]
) -> frozenset[str]:
    """Return the names of the published tables; the partitions of a published one are, too."""

    def is_published(oid: int) -> bool:
        return oid in oids or any(is_published(parent) for parent in parents.get(oid, ()))

    return frozenset(row.label for row in rows if row.kind != "m" and is_published(row.oid))
