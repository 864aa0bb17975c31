"""The kinds of work that are timed, and the tables that they run on."""

from __future__ import annotations

from dataclasses import dataclass

from pgbraid.model.hazards.sizes import WorkKind

__all__ = ["CASES", "SHAPES", "Case"]

SHAPES = {
    "wide": "id bigint, parent int, code int, label text, note text, amount numeric, made date",
    "narrow": "id bigint, parent int, code int",
}
"""The columns of the tables ``big_wide`` and ``big_narrow``."""
_VALUES = {
    "wide": "i, i % 100000, (i::bigint * 7919) % {rows}, 'label ' || i, repeat(md5(i::text), 2),"
    " i / 7.0, now()",
    "narrow": "i, i % 100000, (i::bigint * 7919) % {rows}",
}


@dataclass(frozen=True, slots=True)
class Case:
    """Statements to time on a table, and the work by which they are estimated.

    ``{t}`` stands for the table. ``indexes`` is the number of indexes that the work builds or
    maintains. ``before`` runs in the same transaction, ``after`` once that is rolled back.
    """

    name: str
    statement: str
    kind: WorkKind
    indexes: int = 0
    before: str = ""
    shapes: tuple[str, ...] = ("wide", "narrow")
    after: str = ""


def fill(shape: str, rows: int) -> str:
    """Return the statements that make the table of a shape, with a primary key and an index."""
    values = _VALUES[shape].format(rows=rows)
    table = f"big_{shape}"
    return (
        f"CREATE TABLE {table} ({SHAPES[shape]}) WITH (autovacuum_enabled = off);"
        f"INSERT INTO {table} SELECT {values} FROM generate_series(1, {rows}) AS i;"
        f"ALTER TABLE {table} ADD PRIMARY KEY (id);"
        f"CREATE INDEX {table}_code ON {table} (code)"
    )


_RESTORE = "VACUUM FULL {t}"
"""Removes the versions of the rows that an UPDATE left."""
CASES = (
    Case(
        "rewrite, type",
        "ALTER TABLE {t} ALTER parent TYPE bigint",
        WorkKind.REWRITE,
        indexes=2,
    ),
    Case(
        "rewrite, volatile default",
        "ALTER TABLE {t} ADD COLUMN token uuid DEFAULT gen_random_uuid()",
        WorkKind.REWRITE,
        indexes=2,
    ),
    Case(
        "rewrite, identity", "ALTER TABLE {t} ADD COLUMN n bigserial", WorkKind.REWRITE, indexes=2
    ),
    Case("rewrite, SET UNLOGGED", "ALTER TABLE {t} SET UNLOGGED", WorkKind.REWRITE, indexes=2),
    Case(
        "rewrite, SET LOGGED",
        "ALTER TABLE {t} SET LOGGED",
        WorkKind.REWRITE,
        indexes=2,
        before="ALTER TABLE {t} SET UNLOGGED",
        shapes=("wide",),
    ),
    Case("CLUSTER", "CLUSTER {t} USING {t}_pkey", WorkKind.REWRITE, indexes=2, shapes=("wide",)),
    Case("VACUUM FULL", "VACUUM FULL {t}", WorkKind.REWRITE, indexes=2),
    Case("index, int", "CREATE INDEX ON {t} (parent)", WorkKind.INDEX_BUILD, indexes=1),
    Case(
        "index, text",
        "CREATE INDEX ON {t} (label)",
        WorkKind.INDEX_BUILD,
        indexes=1,
        shapes=("wide",),
    ),
    Case(
        "index, GIN",
        "CREATE INDEX ON {t} USING gin (string_to_array(label, ' '))",
        WorkKind.SLOW_INDEX_BUILD,
        indexes=1,
        shapes=("wide",),
    ),
    Case("UNIQUE", "ALTER TABLE {t} ADD UNIQUE (id, code)", WorkKind.INDEX_BUILD, indexes=1),
    Case("CHECK", "ALTER TABLE {t} ADD CHECK (code >= 0)", WorkKind.SCAN),
    Case("NOT NULL", "ALTER TABLE {t} ALTER code SET NOT NULL", WorkKind.SCAN),
    Case(
        "FOREIGN KEY",
        "ALTER TABLE {t} ADD FOREIGN KEY (parent) REFERENCES parents",
        WorkKind.FOREIGN_KEY_CHECK,
    ),
    Case("REINDEX", "REINDEX TABLE {t}", WorkKind.INDEX_REBUILD, indexes=2),
    Case(
        "REFRESH",
        "REFRESH MATERIALIZED VIEW mv",
        WorkKind.MATVIEW_REFRESH,
        indexes=1,
        before="CREATE MATERIALIZED VIEW mv AS SELECT * FROM {t}; CREATE UNIQUE INDEX ON mv (id)",
    ),
    Case("DELETE", "DELETE FROM {t}", WorkKind.DELETE, indexes=2),
    Case("UPDATE", "UPDATE {t} SET parent = parent + 1", WorkKind.WRITE, 2, after=_RESTORE),
    Case("UPDATE, indexed", "UPDATE {t} SET code = code + 1", WorkKind.WRITE, 2, after=_RESTORE),
)
