"""Family B: statements that lose data, or that may fail on the data of production."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.hazards.analysis.probes import GUARANTEES, guarantees, probe_of_type
from pgbraid.hazards.analysis.texts import names, quoted, without_where, written_names
from pgbraid.hazards.analysis.types import holds_every_value
from pgbraid.hazards.analysis.weighing import sized
from pgbraid.hazards.analysis.work import is_truncated
from pgbraid.hazards.rules.rule import Rule, found
from pgbraid.model.findings import HazardSeverity
from pgbraid.model.observed import LockMode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.hazards.analysis.context import FileContext, Step
    from pgbraid.model.findings import Finding
    from pgbraid.model.observed import Column, Relation

__all__ = ["LOSS_RULES"]

_ERROR, _NOTICE, _WARNING = HazardSeverity.ERROR, HazardSeverity.NOTICE, HazardSeverity.WARNING
_KINDS = {"r": "table", "p": "table", "m": "materialized view", "v": "view", "f": "foreign table"}


def _unless_empty(context: FileContext, finding: Finding, oid: int) -> Finding:
    """Return the finding as an error; without weight if the table has no row."""
    size = context.judged.size(oid)
    empty = size is not None and size.rows == 0
    return replace(sized(context, finding, oid), severity=HazardSeverity.NONE if empty else _ERROR)


def _changes(context: FileContext, step: Step) -> Iterator[tuple[int, Relation, Relation | None]]:
    """Yield the old relations that a statement changed or dropped."""
    for oid, (was, now) in step.statement.changed.items():
        if context.is_old(oid):
            yield oid, was, now


def _drop_table(context: FileContext) -> Iterator[Finding]:
    for step in context.steps:
        gone = {
            oid: was
            for oid, was, now in _changes(context, step)
            if now is None and was.kind in {"r", "p"}
        }
        for oid, was in gone.items():
            if was.parent in gone:
                continue
            label = context.label(oid)
            finding = found("drop-table", context, step, f"{label} is dropped, with its rows")
            hint = (
                "Deploy the release that does not use it, rename the table, and drop it some weeks "
                "later."
            )
            yield replace(_unless_empty(context, finding, oid), hint=hint)


def _drop_column(context: FileContext) -> Iterator[Finding]:
    for step in context.steps:
        for oid, was, now in _changes(context, step):
            parent = step.statement.changed.get(was.parent)
            inherited = parent is not None and parent[1] is not None
            if now is None or was.kind not in {"r", "p"} or inherited:
                continue
            old = context.judged.old[oid].columns  # not one that these migrations added
            gone = [
                c.name for n, c in sorted(was.columns.items()) if n not in now.columns and n in old
            ]
            if gone:
                columns = f"column {gone[0]}" if len(gone) == 1 else f"columns {', '.join(gone)}"
                verb, values = ("is", "its values") if len(gone) == 1 else ("are", "their values")
                message = f"{columns} of {context.label(oid)} {verb} dropped, with {values}"
                finding = found("drop-column", context, step, message)
                hint = "Deploy the release that does not use the column before this migration."
                yield replace(_unless_empty(context, finding, oid), hint=hint)


def _truncate(context: FileContext) -> Iterator[Finding]:
    for step in context.steps:
        named = names(step.statement.text)
        for oid in _emptied(context, step):
            label = context.label(oid)
            called = "truncate" not in named or step.before[oid].name in named
            how = "" if called else ", by CASCADE"
            finding = found("truncate", context, step, f"{label} loses all its rows{how}")
            hint = "Make sure that no release needs the rows, or rename the table instead."
            yield replace(_unless_empty(context, finding, oid), hint=hint)


def _emptied(context: FileContext, step: Step) -> list[int]:
    """Return the old tables that a statement truncated; of partitions, the table that it names."""
    emptied = [
        oid
        for oid, was, now in _changes(context, step)
        if now is not None and is_truncated(step.statement, was, now)
    ]
    targets = written_names(step.statement.text).get("truncate", set())
    for oid, mode in step.locks.items():
        # The file of a table that the transaction itself has rewritten is emptied as it is.
        relation, first = step.before.get(oid), context.file.before.relations.get(oid)
        if relation is None or first is None or mode is not LockMode.ACCESS_EXCLUSIVE:
            continue
        if relation.file != first.file and relation.name in targets and oid not in emptied:
            emptied.append(oid)
    roots = {oid: context.root(oid) for oid in emptied}
    whole = {root for root in roots.values() if step.before[root].name in targets}
    return list(dict.fromkeys(roots[o] if roots[o] in whole else o for o in emptied))


def _delete_all(context: FileContext) -> Iterator[Finding]:
    for step in context.steps:
        if not without_where(step.statement.text, "delete"):
            continue
        targets = written_names(step.statement.text).get("delete", set())
        for oid in step.locks:
            relation = step.before.get(oid)
            if relation is not None and relation.name in targets and context.is_old(oid):
                message = f"every row of {context.label(oid)} is deleted"
                finding = found("delete-all", context, step, message)
                hint = "Add a WHERE, or use TRUNCATE if all rows are to go."
                yield replace(_unless_empty(context, finding, oid), hint=hint)


def _cascade(context: FileContext) -> Iterator[Finding]:
    """Find objects that are gone and that no word of the statement names."""
    after = context.file.after
    for step in context.steps:
        named = names(step.statement.text)
        if "cascade" not in named and "drop" not in named:
            continue
        lost, grave = [], False
        for oid, was, now in _changes(context, step):
            if was.name not in named and now is None and not was.parent and was.kind in _KINDS:
                lost.append(f"{_KINDS[was.kind]} {context.label(oid)}")
                grave = True
            elif now is not None and was.name not in named:
                gone = was.constraints.keys() - now.constraints.keys()
                lost += [
                    f"constraint {was.constraints[number].name} of {context.label(oid)}"
                    for number in gone
                    if was.constraints[number].kind != "n"
                ]
                columns = was.columns.keys() - now.columns.keys()
                lost += [f"column {was.columns[n].name} of {context.label(oid)}" for n in columns]
                grave = grave or bool(columns)
        if "cascade" in named:
            lost += [
                f"function {function.label}"
                for oid, function in context.file.before.functions.items()
                if oid not in after.functions and function.name not in named and _by_drop(context)
            ]
        if lost:
            finding = found("cascade", context, step, f"also dropped: {', '.join(sorted(lost))}")
            yield replace(
                finding,
                severity=_ERROR if grave else _WARNING,
                hint="Drop each object by its name, so that the file lists all that is lost.",
            )


def _by_drop(context: FileContext) -> bool:
    """Whether only one statement of the file drops with CASCADE, so that it lost the functions."""
    return sum("cascade" in names(step.statement.text) for step in context.steps) == 1


def _narrowed(context: FileContext) -> Iterator[Finding]:
    for step in context.steps:
        for oid, was, now in _changes(context, step):
            if now is None or was.parent in step.statement.changed:
                continue
            for number, column in was.columns.items():
                other = now.columns.get(number)
                if other is None or holds_every_value(column.type, other.type):
                    continue
                message = (
                    f"not every {column.type} of {context.label(oid)}.{column.name} fits into "
                    f"{other.type}"
                )
                finding = sized(context, found("type-narrowed", context, step, message), oid)
                table = quoted(was.schema, was.name)
                probe = probe_of_type(table, quoted(column.name), other.type)
                hint = "Look for values that do not fit before the deploy."
                yield replace(
                    finding,
                    severity=HazardSeverity.NONE if finding.rows == 0 else _WARNING,
                    probe=probe,
                    hint=hint,
                )


def _required_column(context: FileContext) -> Iterator[Finding]:
    for step in context.steps:
        for oid, was, now in _changes(context, step):
            if now is None or was.kind not in {"r", "p"} or was.parent in step.statement.changed:
                continue
            for number in now.columns.keys() - was.columns.keys():
                column = now.columns[number]
                if not column.not_null or column.default or column.identity or column.generated:
                    continue
                message = (
                    f"column {column.name} of {context.label(oid)} is NOT NULL and has no default: "
                    "the statement fails if the table has a row"
                )
                finding = found("required-column", context, step, message)
                hint = "Add a default, or add the column without NOT NULL and fill it first."
                yield replace(_unless_empty(context, finding, oid), hint=hint)


def _may_fail(context: FileContext) -> Iterator[Finding]:
    """Find a new guarantee: an old row that does not have it makes the statement fail."""
    for step in context.steps:
        for oid, was, now in _changes(context, step):
            if now is None or was.parent in step.statement.changed:
                continue
            for guarantee, probe in guarantees(context, step.statement, (was, now)):
                message = f"the statement fails if a row of {context.label(oid)} breaks {guarantee}"
                finding = sized(context, found("may-fail", context, step, message), oid)
                severity = HazardSeverity.NONE if finding.rows == 0 else _NOTICE
                hint = "Run `pgbraid lint --probe` to look for such a row in the database."
                yield replace(finding, severity=severity, probe=probe, hint=hint if probe else None)


def _drop_constraint(context: FileContext) -> Iterator[Finding]:
    for step in context.steps:
        for oid, was, now in _changes(context, step):
            if now is None or was.parent in step.statement.changed:
                continue
            remaining = {
                (c.kind, c.columns)
                for c in context.file.after.relations.get(oid, now).constraints.values()
            }
            for number, constraint in was.constraints.items():
                old = number in context.judged.old[oid].constraints
                gone = number not in now.constraints and constraint.kind in GUARANTEES
                if old and gone and (constraint.kind, constraint.columns) not in remaining:
                    kind = GUARANTEES[constraint.kind]
                    message = f"{kind} {constraint.name} of {context.label(oid)} is gone"
                    finding = sized(context, found("drop-constraint", context, step, message), oid)
                    yield replace(finding, severity=_NOTICE)


def _drop_not_null(context: FileContext) -> Iterator[Finding]:
    for step in context.steps:
        for oid, was, now in _changes(context, step):
            if now is None or was.parent in step.statement.changed:
                continue
            for number, column in was.columns.items():
                if column.not_null and _nullable(now.columns.get(number)):
                    message = f"{context.label(oid)}.{column.name} is no longer NOT NULL"
                    finding = sized(context, found("drop-not-null", context, step, message), oid)
                    yield replace(finding, severity=_NOTICE)


def _nullable(column: Column | None) -> bool:
    return column is not None and not column.not_null


LOSS_RULES = (
    Rule(
        "drop-table",
        "B",
        "A table is dropped",
        "an old table is gone; no finding if it has no row",
        "Deploy the release that does not use the table, rename it, and drop it later.",
        _drop_table,
        _ERROR,
    ),
    Rule(
        "drop-column",
        "B",
        "A column is dropped",
        "a column of an old table is gone; no finding if the table has no row",
        "Deploy the release that does not use the column first.",
        _drop_column,
        _ERROR,
    ),
    Rule(
        "truncate",
        "B",
        "A table is truncated",
        "TRUNCATE changed the file of an old table; each table that CASCADE reached is listed",
        "Make sure that no release needs the rows.",
        _truncate,
        _ERROR,
    ),
    Rule(
        "delete-all",
        "B",
        "All rows are deleted",
        "DELETE without WHERE of an old table",
        "Add a WHERE; delete many rows in batches.",
        _delete_all,
        _ERROR,
    ),
    Rule(
        "cascade",
        "B",
        "CASCADE drops more than the statement names",
        "an object is gone that no word of the statement names; an error if it is a table, a view "
        "or a column, else a warning",
        "Drop each object by its name.",
        _cascade,
        _WARNING,
    ),
    Rule(
        "type-narrowed",
        "B",
        "A new type does not hold every value",
        "the new type or length of a column cannot hold every value of the old one",
        "Look for values that do not fit first.",
        _narrowed,
        _WARNING,
    ),
    Rule(
        "required-column",
        "B",
        "A new column needs a value",
        "a new NOT NULL column without default on an old table; no finding if it has no row",
        "A default; or the column without NOT NULL, its values, then NOT NULL.",
        _required_column,
        _ERROR,
    ),
    Rule(
        "may-fail",
        "B",
        "A statement fails if a row breaks a new guarantee",
        "a new UNIQUE, PRIMARY KEY, EXCLUDE, NOT NULL, CHECK or FOREIGN KEY over old rows",
        "Look for such rows first: `pgbraid lint --probe` does.",
        _may_fail,
        _NOTICE,
    ),
    Rule(
        "drop-constraint",
        "B",
        "A constraint is dropped",
        "a constraint of an old table is gone, and the file adds no equal one",
        "",
        _drop_constraint,
        _NOTICE,
    ),
    Rule(
        "drop-not-null",
        "B",
        "NOT NULL is dropped",
        "a column of an old table is no longer NOT NULL",
        "",
        _drop_not_null,
        _NOTICE,
    ),
)
