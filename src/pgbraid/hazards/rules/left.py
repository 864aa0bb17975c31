"""Family D: leftovers of the migrations. Looked at after the last of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.hazards.analysis.texts import quoted
from pgbraid.hazards.rules.rule import Rule, found, naming
from pgbraid.model.findings import HazardSeverity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.hazards.analysis.context import FileContext
    from pgbraid.model.findings import Finding
    from pgbraid.model.observed import Catalog, Constraint, Index, Relation

__all__ = ["LEFT_RULES"]

_NOTICE, _WARNING = HazardSeverity.NOTICE, HazardSeverity.WARNING
_OFF = frozenset({"false", "off", "0", "no"})


def _last(context: FileContext) -> Catalog:
    return context.judged.files[-1].after


def _new_constraints(context: FileContext) -> Iterator[tuple[Relation, Constraint]]:
    """Yield the constraints that this file added and that are still there at the end."""
    for oid, relation in context.file.after.relations.items():
        before = context.file.before.relations.get(oid)
        last = _last(context).relations.get(oid)
        for number in relation.constraints.keys() - (before.constraints.keys() if before else ()):
            if last is not None and number in last.constraints:
                yield last, last.constraints[number]


def _new_indexes(context: FileContext) -> Iterator[tuple[Relation, int, Index]]:
    """Yield the indexes that this file added and that are still there at the end."""
    for oid, relation in context.file.after.relations.items():
        before = context.file.before.relations.get(oid)
        last = _last(context).relations.get(oid)
        for number in relation.indexes.keys() - (before.indexes.keys() if before else ()):
            if last is not None and number in last.indexes:
                yield last, number, last.indexes[number]


def _not_valid(context: FileContext) -> Iterator[Finding]:
    for relation, constraint in _new_constraints(context):
        if not constraint.validated and not relation.parent and constraint.kind in "cfn":
            step = naming(context, constraint.name, "valid")
            message = f"constraint {constraint.name} of {relation.label} is not valid yet"
            finding = found("not-valid-left", context, step, message)
            name = quoted(constraint.name)
            table = quoted(relation.schema, relation.name)
            sql = f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};"
            hint = "Validate it in the next migration."
            yield replace(finding, severity=_NOTICE, object=relation.label, hint=hint, instead=sql)


def _unindexed(context: FileContext) -> Iterator[Finding]:
    for relation, constraint in _new_constraints(context):
        if constraint.kind != "f" or relation.parent:
            continue
        columns_of_key = set(constraint.columns)
        served = any(
            set(index.columns[: len(columns_of_key)]) == columns_of_key
            and index.valid
            and not index.partial
            for index in relation.indexes.values()
        )
        if served:
            continue
        names = [relation.columns[n].name for n in constraint.columns if n in relation.columns]
        step = naming(context, *names[:1], "references")
        message = (
            f"no index of {relation.label} begins with {', '.join(names)}: each DELETE of a "
            "referenced row reads the whole table"
        )
        finding = found("foreign-key-unindexed", context, step, message)
        columns = ", ".join(map(quoted, names))
        sql = f"CREATE INDEX ON {quoted(relation.schema, relation.name)} ({columns});"
        yield replace(
            finding,
            severity=_NOTICE,
            object=relation.label,
            hint="Create the index before the foreign key.",
            instead=sql,
        )


def _invalid(context: FileContext) -> Iterator[Finding]:
    for relation, _, index in _new_indexes(context):
        if not index.valid and not (relation.kind == "p" and context.file.failure):
            step = naming(context, index.name)
            message = f"the index {index.name} of {relation.label} is not valid"
            finding = found("index-invalid", context, step, message)
            hint = "Attach an index of each partition, or drop the index and build it again."
            yield replace(finding, severity=_WARNING, object=relation.label, hint=hint)


def _redundant(context: FileContext) -> Iterator[Finding]:
    for relation, number, index in _new_indexes(context):
        if relation.parent:
            continue
        for other_number, other in relation.indexes.items():
            if other_number == number or not _covers(other, index):
                continue
            if _covers(index, other) and other_number > number:
                continue  # two equal ones: the newer one is reported
            step = naming(context, index.name)
            message = f"the index {index.name} of {relation.label} is a part of {other.name}"
            finding = found("redundant-index", context, step, message)
            hint = "Each write maintains both: leave the shorter one out."
            yield replace(finding, severity=_NOTICE, object=relation.label, hint=hint)
            break


def _covers(longer: Index, shorter: Index) -> bool:
    """Whether every query that the shorter index serves is served by the longer one."""
    simple = not shorter.unique and not shorter.partial and not longer.partial
    width = shorter.key_columns
    same = longer.columns[:width] == shorter.columns[:width] and 0 not in shorter.columns[:width]
    both_btree = longer.method == shorter.method == "btree"
    included = set(shorter.columns) <= set(longer.columns)
    return simple and same and both_btree and included and _plain(longer) and _plain(shorter)


def _plain(index: Index) -> bool:
    """Whether an index has the default order and operator class in each column."""
    columns = index.definition.partition(" USING btree (")[2].partition(")")[0]
    return all(len(column.split()) == 1 for column in columns.split(", "))


def _no_identity(context: FileContext) -> Iterator[Finding]:
    sizes = context.judged.sizes
    for oid, relation in context.file.after.relations.items():
        before = context.file.before.relations.get(oid)
        published = sizes is not None and context.judged.label(oid) in sizes.published
        if published and before is not None and _has_identity(before):
            last = _last(context).relations.get(oid)
            if last is not None and not _has_identity(last) and not _has_identity(relation):
                step = naming(context, relation.name)
                message = f"{relation.label} is published and has no replica identity any more"
                finding = found("no-replica-identity", context, step, message)
                yield replace(
                    finding,
                    severity=_WARNING,
                    object=relation.label,
                    detail="The server refuses UPDATE and DELETE of a published table without it.",
                    hint="Add the primary key in the same migration, or set REPLICA IDENTITY.",
                )


def _has_identity(relation: Relation) -> bool:
    if relation.replica_identity in {"f", "i"}:
        return True
    primary = any(index.primary for index in relation.indexes.values())
    return relation.replica_identity == "d" and primary


def _trigger_disabled(context: FileContext) -> Iterator[Finding]:
    for oid, relation in context.file.after.relations.items():
        before = context.file.before.relations.get(oid)
        last = _last(context).relations.get(oid)
        for number, trigger in relation.triggers.items():
            was = before.triggers.get(number) if before else None
            now = last.triggers.get(number) if last else None
            off = trigger.enabled == "D" and now is not None and now.enabled == "D"
            if off and (was is None or was.enabled != "D"):
                step = naming(context, relation.name, "disable")
                message = f"the trigger {trigger.name} of {relation.label} stays disabled"
                finding = found("trigger-disabled", context, step, message)
                hint = "Enable it at the end of the migration."
                yield replace(finding, severity=_WARNING, object=relation.label, hint=hint)


def _autovacuum_off(context: FileContext) -> Iterator[Finding]:
    for oid, relation in context.file.after.relations.items():
        before = context.file.before.relations.get(oid)
        last = _last(context).relations.get(oid)
        if last is None or not _is_off(last) or not _is_off(relation):
            continue
        if before is None or not _is_off(before):
            step = naming(context, relation.name, "autovacuum_enabled")
            message = f"autovacuum stays off for {relation.label}"
            finding = found("autovacuum-off", context, step, message)
            hint = "Reset autovacuum_enabled at the end of the migration."
            yield replace(finding, severity=_WARNING, object=relation.label, hint=hint)


def _is_off(relation: Relation) -> bool:
    settings = (option.partition("=") for option in relation.options)
    return any(name == "autovacuum_enabled" and value in _OFF for name, _, value in settings)


def _definer(context: FileContext) -> Iterator[Finding]:
    for oid, function in context.file.after.functions.items():
        was = context.file.before.functions.get(oid)
        last = _last(context).functions.get(oid)
        risky = function.definer and not function.sets_path and (was is None or was != function)
        if risky and last is not None and last.definer and not last.sets_path:
            step = naming(context, function.name, "definer")
            message = f"{function.label} runs with the rights of its owner and any search_path"
            finding = found("definer-without-path", context, step, message)
            yield replace(
                finding,
                severity=_WARNING,
                object=function.label,
                detail="A caller can put a function of his own in front of one that it calls.",
                hint="Add SET search_path = pg_catalog, and the schemas that it uses.",
            )


LEFT_RULES = (
    Rule(
        "not-valid-left",
        "D",
        "A constraint is not validated",
        "a constraint that the files added is NOT VALID after the last of them",
        "VALIDATE CONSTRAINT in a later migration.",
        _not_valid,
        _NOTICE,
    ),
    Rule(
        "foreign-key-unindexed",
        "D",
        "A foreign key has no index",
        "no valid index begins with the columns of a new foreign key",
        "An index on the referencing columns.",
        _unindexed,
        _NOTICE,
    ),
    Rule(
        "index-invalid",
        "D",
        "An index is not valid",
        "a new index is not valid after the last file",
        "ATTACH PARTITION of an index for each partition; else drop it and build it again.",
        _invalid,
        _WARNING,
    ),
    Rule(
        "redundant-index",
        "D",
        "An index is a part of another one",
        "the columns of a new index are the first ones of another index",
        "Leave the shorter one out.",
        _redundant,
        _NOTICE,
    ),
    Rule(
        "no-replica-identity",
        "D",
        "A published table has no replica identity",
        "a published table, by the sizes file, lost its primary key",
        "A primary key, or REPLICA IDENTITY USING INDEX.",
        _no_identity,
        _WARNING,
    ),
    Rule(
        "trigger-disabled",
        "D",
        "A trigger stays disabled",
        "a trigger is disabled after the last file",
        "ENABLE TRIGGER at the end.",
        _trigger_disabled,
        _WARNING,
    ),
    Rule(
        "autovacuum-off",
        "D",
        "Autovacuum stays off",
        "autovacuum_enabled is false after the last file",
        "RESET (autovacuum_enabled).",
        _autovacuum_off,
        _WARNING,
    ),
    Rule(
        "definer-without-path",
        "D",
        "A SECURITY DEFINER function has no search_path",
        "a new or changed function with SECURITY DEFINER does not set search_path",
        "SET search_path in the definition of the function.",
        _definer,
        _WARNING,
    ),
)
