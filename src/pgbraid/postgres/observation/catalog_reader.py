"""Reads the objects of a scratch database as values that rules can compare."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pgbraid.model.observed import (
    Catalog,
    Column,
    Constraint,
    Function,
    Index,
    Relation,
    Trigger,
)
from pgbraid.postgres.statement_texts import statement_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pgbraid.postgres.client.session import Session

__all__ = ["catalog_after", "highest_relation", "read_catalog", "relation_of"]


def highest_relation(session: Session) -> int:
    """Return the highest oid of a relation: relations that are created later have higher ones."""
    row = session.run("observation", "highest_relation").fetchone()
    return int(row[0]) if row else 0


def read_catalog(session: Session) -> Catalog:
    """Return all objects of the database that are not the server's own."""
    return _with_objects(session, Catalog(_relations(session, above=0)))


def catalog_after(
    session: Session, before: Catalog, changed: Mapping[int, Relation | None], highest: int
) -> Catalog:
    """Return the catalog after a migration.

    ``changed`` are the older relations that its statements changed; None is a dropped one. Only
    the relations above the oid ``highest`` are read as a whole.
    """
    relations = {oid: relation for oid, relation in before.relations.items() if oid not in changed}
    relations |= {oid: relation for oid, relation in changed.items() if relation is not None}
    relations |= _relations(session, above=highest)
    return _with_objects(session, Catalog(relations))


def _relations(session: Session, above: int) -> dict[int, Relation]:
    selection = session.text("observation", "all_relations", above=above)
    row = session.conn.execute(
        f"{selection}\n{statement_text('observation', 'relations')}".encode()
    ).fetchone()
    values = row[0] if row else None
    values = json.loads(values) if isinstance(values, str) else values
    return {value[0]: relation_of(value) for value in values or ()}


def _with_objects(session: Session, catalog: Catalog) -> Catalog:
    """Add the objects that no lock shows, and the present names, owners and privileges."""
    row = session.run("observation", "objects").fetchone()
    objects: dict[str, Any] = (
        (json.loads(row[0]) if isinstance(row[0], str) else row[0]) if row else {}
    )
    present = {value[0]: value[1:] for value in objects["relations"] or ()}
    relations = {}
    for oid, relation in catalog.relations.items():
        if oid in present:
            schema, name, owner, privileges = present[oid]
            privileges = None if privileges is None else tuple(privileges)
            now = (relation.schema, relation.name, relation.owner, relation.privileges)
            same = now == (schema, name, owner, privileges)
            relations[oid] = (
                relation
                if same
                else replace(relation, schema=schema, name=name, owner=owner, privileges=privileges)
            )
    return Catalog(
        relations,
        {
            oid: _function(values, executors)
            for oid, *values, executors in objects["functions"] or ()
        },
        {oid: (schema, name, kind) for oid, schema, name, kind in objects["types"] or ()},
        {oid: (of, label) for oid, of, label in objects["labels"] or ()},
        dict(objects["schemas"] or ()),
    )


def _function(values: list[Any], executors: list[str]) -> Function:
    schema, name, arguments, kind, returns, definer, sets_path, owner = values
    may_run = tuple(executors)
    return Function(schema, name, arguments, kind, returns, definer, sets_path, owner, may_run)


def relation_of(values: list[Any]) -> Relation:
    """Return the relation of one array of the statement ``relations``."""
    head, tail = values[:14], values[14:]
    oid, schema, name, kind, file, persistence, tablespace, owner, privileges, options = head[:10]
    replica_identity, row_security, parent, bound = head[10:]
    columns, constraints, indexes, triggers, policies = tail
    return Relation(
        oid,
        schema,
        name,
        kind,
        file,
        persistence,
        tablespace,
        owner,
        None if privileges is None else tuple(privileges),
        tuple(options or ()),
        replica_identity,
        row_security,
        parent,
        bound,
        {number: Column(*rest) for number, *rest in columns or ()},
        {
            of: Constraint(label, ctype, valid, index, referenced, tuple(keys or ()), text)
            for of, label, ctype, valid, index, referenced, keys, text in constraints or ()
        },
        {
            of: Index(
                label, number, valid, unique, primary, method, tuple(keys or ()), count, part, text
            )
            for of, label, number, valid, unique, primary, method, keys, count, part, text in (
                indexes or ()
            )
        },
        {of: Trigger(label, enabled) for of, label, enabled in triggers or ()},
        {of: (label, tuple(roles)) for of, label, roles in policies or ()},
    )
