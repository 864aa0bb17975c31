"""What must be true of every snapshot: no secrets, no numbers of objects, no tree left out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fuzz.script import secrets
from pgbraid.postgres.catalog.read import read_layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.model.snapshot import Snapshot
    from pgbraid.postgres.client.connection import Connection

__all__ = ["raw_oids", "told_secrets", "trees_left_out"]

_NUMBER = re.compile(r"(?<![0-9A-Za-z.])\d{5,10}(?![0-9A-Za-z.])")
_LARGE_OBJECTS = {424242, 424243, 99001}
_STANDS_FOR = {
    ("pg_attrdef", "adbin"): "definition",
    ("pg_class", "relpartbound"): "partition",
    ("pg_constraint", "conbin"): "definition",
    ("pg_index", "indexprs"): "definition",
    ("pg_index", "indpred"): "definition",
    ("pg_partitioned_table", "partexprs"): "definition",
    ("pg_policy", "polqual"): "using",
    ("pg_policy", "polwithcheck"): "with_check",
    ("pg_proc", "proargdefaults"): "definition",
    ("pg_proc", "prosqlbody"): "definition",
    ("pg_publication_rel", "prqual"): "filter",
    ("pg_rewrite", "ev_action"): "definition",
    ("pg_rewrite", "ev_qual"): "definition",
    ("pg_statistic_ext", "stxexprs"): "expressions",
    ("pg_trigger", "tgqual"): "definition",
    ("pg_type", "typdefaultbin"): "default",
}
"""The fact that says in SQL what a tree holds."""
_TREES = """
SELECT r.relname::text, a.attname::text FROM pg_attribute a JOIN pg_class r ON r.oid = a.attrelid
 WHERE a.atttypid = 'pg_node_tree'::regtype AND r.relnamespace = 'pg_catalog'::regnamespace
   AND r.relkind = 'r'
"""
_OID_TABLES = """
SELECT r.relname::text FROM pg_attribute a JOIN pg_class r ON r.oid = a.attrelid
 WHERE a.attname = 'oid' AND r.relnamespace = 'pg_catalog'::regnamespace AND r.relkind = 'r'
"""


def trees_left_out(conn: Connection) -> list[str]:
    """Return the trees of the catalog that no fact of the layout stands for."""
    facts = {table.name: table.columns for table in read_layout(conn).tables}
    return [
        f"{table}.{column}"
        for table, column in conn.execute(_TREES).fetchall()
        if _STANDS_FOR.get((table, column)) not in facts.get(table, ())
    ]


def raw_oids(conn: Connection, snapshot: Snapshot) -> list[str]:
    """Return the facts and the names that have the number of an object in them."""
    tables = [name for (name,) in conn.execute(_OID_TABLES).fetchall()]
    query = " UNION ALL ".join(
        f"SELECT oid FROM pg_catalog.{name} WHERE oid >= 16384" for name in tables
    )
    oids = {int(oid) for (oid,) in conn.execute(query.encode()).fetchall()} - _LARGE_OBJECTS
    return [
        f"{where}: {text}"
        for where, text in _texts(snapshot)
        if any(int(number) in oids for number in _NUMBER.findall(text))
    ]


def _texts(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for catalog, part in snapshot.catalogs.items():
        for key, facts in part.rows.items():
            yield f"{catalog}, name", key
            for name, value in zip(part.columns, facts, strict=True):
                if value is not None:
                    yield f"{catalog}.{name} of {key}", value


def told_secrets(snapshot: Snapshot) -> list[str]:
    """Return the passwords that can be read in a snapshot."""
    told = repr(snapshot) + repr(dict(snapshot.parents))
    return sorted(word for word in secrets() if word in told)
