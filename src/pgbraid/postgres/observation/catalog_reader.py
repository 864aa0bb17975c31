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
    from collections.abc import Iterable, Mapping

    from pgbraid.postgres.observation.catalog_statements import CatalogStatements

__all__ = ["catalog_after", "read_catalog", "relation_of"]


def read_catalog(statements: CatalogStatements) -> Catalog:
    """Return all objects of the database that are not the server's own."""
    ((_, transaction),) = statements.execute("highest_ids")
    relations, objects, ids = statements.execute(
        "all_relations(0, '{}')", f"objects('{transaction}')", "highest_ids"
    )
    return _catalog(_by_oid(relations), objects, ids)


def catalog_after(
    statements: CatalogStatements, before: Catalog, changed: Iterable[int]
) -> Catalog:
    """Reset the session of a migration and return the catalog after it.

    ``changed`` are the older relations that its statements changed; they and new ones are read.
    """
    array = f"'{{{','.join(map(str, changed))}}}'"
    relations, objects, ids = statements.reset(
        f"all_relations({before.highest}, {array})",
        f"objects('{before.transaction}')",
        "highest_ids",
    )
    kept = {oid: relation for oid, relation in before.relations.items() if oid not in changed}
    return _catalog(kept | _by_oid(relations), objects, ids)


def _by_oid(values: list[list[Any]] | None) -> dict[int, Relation]:
    return {value[0]: relation_of(value) for value in values or ()}


def _catalog(
    relations: dict[int, Relation], objects: dict[str, Any], ids: tuple[int, str]
) -> Catalog:
    """Add the objects that no lock shows, and changed names, owners and privileges."""
    for oid, schema, name, owner, privileges in objects["relations"] or ():
        if oid in relations:
            relations[oid] = replace(
                relations[oid],
                schema=schema,
                name=name,
                owner=owner,
                privileges=None if privileges is None else tuple(privileges),
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
        *ids,
    )


def _function(values: list[Any], executors: list[str]) -> Function:
    schema, name, arguments, kind, returns, definer, sets_path, owner = values
    may_run = tuple(executors)
    return Function(schema, name, arguments, kind, returns, definer, sets_path, owner, may_run)


def relation_of(values: list[Any], before: Relation | None = None) -> Relation:
    """Return the relation of one array of the statement ``relations``.

    Definitions that it leaves out are those of ``before``.
    """
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
        _constraints(constraints or (), before.constraints if before else {}),
        _indexes(indexes or (), before.indexes if before else {}),
        {of: Trigger(label, enabled) for of, label, enabled in triggers or ()},
        {of: (label, tuple(roles)) for of, label, roles in policies or ()},
    )


def _constraints(
    listed: Iterable[list[Any]], before: Mapping[int, Constraint]
) -> dict[int, Constraint]:
    constraints = {}
    for oid, name, kind, valid, index, referenced, keys, definition in listed:
        text = before[oid].definition if definition is None and oid in before else definition
        columns = tuple(keys or ())
        constraints[oid] = Constraint(name, kind, valid, index, referenced, columns, text or "")
    return constraints


def _indexes(listed: Iterable[list[Any]], before: Mapping[int, Index]) -> dict[int, Index]:
    indexes = {}
    for oid, name, file, valid, unique, primary, method, keys, count, partial, definition in listed:
        text = before[oid].definition if definition is None and oid in before else definition
        columns = tuple(keys or ())
        indexes[oid] = Index(
            name, file, valid, unique, primary, method, columns, count, partial, text or ""
        )
    return indexes
