"""Reads the objects of a scratch database as values that rules can compare."""

from __future__ import annotations

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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pgbraid.postgres.observation.catalog_statements import CatalogStatements

__all__ = ["catalog_after", "read_catalog", "relation_of"]


def read_catalog(statements: CatalogStatements) -> Catalog:
    """Return all objects of the database that are not the server's own."""
    relations, objects, highest = statements.execute(
        "all_relations(0)", "objects", "highest_relation"
    )
    return _catalog(_by_oid(relations), objects, highest)


def catalog_after(
    statements: CatalogStatements, before: Catalog, changed: Mapping[int, Relation | None]
) -> Catalog:
    """Return the catalog after a migration.

    ``changed`` are the older relations that its statements changed; None is a dropped one. Only
    new relations are read as a whole.
    """
    relations, objects, highest = statements.execute(
        f"all_relations({before.highest})", "objects", "highest_relation"
    )
    kept = {oid: relation for oid, relation in before.relations.items() if oid not in changed}
    kept |= {oid: relation for oid, relation in changed.items() if relation is not None}
    return _catalog(kept | _by_oid(relations), objects, highest)


def _by_oid(values: list[list[Any]] | None) -> dict[int, Relation]:
    return {value[0]: relation_of(value) for value in values or ()}


def _catalog(read: dict[int, Relation], objects: dict[str, Any], highest: int) -> Catalog:
    """Add the objects that no lock shows, and the present names, owners and privileges."""
    present = {value[0]: value[1:] for value in objects["relations"] or ()}
    relations = {}
    for oid, relation in read.items():
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
        highest,
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
