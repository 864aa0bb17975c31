"""Family C: changes that the running release does not expect.

The old release runs while the migration does, and for some time after it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.hazards.analysis.probes import is_known
from pgbraid.hazards.analysis.texts import masked, names, tokens
from pgbraid.hazards.rules.rule import Rule, found, naming
from pgbraid.model.findings import HazardSeverity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.hazards.analysis.context import FileContext, Step
    from pgbraid.model.findings import Finding
    from pgbraid.model.observed import Relation

__all__ = ["RELEASE_RULES"]

_ERROR, _NOTICE, _WARNING = HazardSeverity.ERROR, HazardSeverity.NOTICE, HazardSeverity.WARNING
_TWO_RELEASES = (
    "The running release uses the old name. Add the new one beside it (a view, a second column "
    "with a trigger), deploy the release that uses it, then remove the old one."
)
_NAMED = frozenset({"r", "p", "v", "m", "f"})
_VIEWS = {"v": "the view", "m": "the materialized view", "f": "the foreign table"}
_STANDARD = {"e": "enum", "d": "domain", "c": "type", "r": "range type"}


def _query_breaks(context: FileContext) -> Iterator[Finding]:
    for query, error in context.file.broken:
        step = _cause_of(context, error)
        shown = " ".join(masked(query).split())
        message = f"a query of the running release fails: {error}"
        finding = found("query-breaks", context, step, message)
        yield replace(
            finding,
            severity=_ERROR,
            detail=f"The query is: {shown[:200]}{'…' if len(shown) > 200 else ''}",  # noqa: PLR2004
            hint="Deploy a release that does not send this query before the migration.",
        )


def _cause_of(context: FileContext, error: str) -> Step | None:
    """Return the last statement that shares a name of an object with the server's error."""
    words = {part.strip('"(),.:') for part in error.replace(".", " ").split()}
    objects = {
        part
        for relation in context.file.before.relations.values()
        for part in (relation.name, *(c.name for c in relation.columns.values()))
    }
    objects |= {function.name for function in context.file.before.functions.values()}
    objects |= {name for _, name, _ in context.file.before.types.values()}
    mentioned = words & objects
    for step in reversed(context.steps):
        if mentioned & names(step.statement.text):
            return step
    changing = [step for step in context.steps if step.statement.changed]
    return changing[-1] if changing else (context.steps[-1] if context.steps else None)


def _rename_column(context: FileContext) -> Iterator[Finding]:
    for step in context.steps:
        for oid, (was, now) in step.statement.changed.items():
            inherited = was.parent in step.statement.changed
            if now is None or not context.is_old(oid) or was.kind not in _NAMED or inherited:
                continue
            for number, column in was.columns.items():
                other = now.columns.get(number)
                old = number in context.judged.old[oid].columns
                if old and other is not None and other.name != column.name:
                    label = context.label(oid)
                    message = f"{label}.{column.name} is called {other.name} now"
                    finding = found("rename-column", context, step, message)
                    yield replace(finding, severity=_ERROR, object=label, hint=_TWO_RELEASES)


def _renamed(context: FileContext, part: str) -> Iterator[tuple[Step | None, Relation, Relation]]:
    """Yield the old relations whose name, or whose schema, the file changed."""
    for oid, was in context.file.before.relations.items():
        now = context.file.after.relations.get(oid)
        if now is None or not context.is_old(oid) or was.kind not in _NAMED:
            continue
        if getattr(was, part) != getattr(now, part):
            yield naming(context, was.name, getattr(now, part)), was, now


def _taken(context: FileContext, was: Relation) -> bool:
    """Whether another relation has the name now, as a view that stands for a renamed table."""
    return any(r.label == was.label for r in context.file.after.relations.values())


def _rename_table(context: FileContext) -> Iterator[Finding]:
    for step, was, now in _renamed(context, "name"):
        if not _taken(context, was):
            message = f"{was.label} is called {now.name} now"
            finding = found("rename-table", context, step, message)
            yield replace(finding, severity=_ERROR, object=was.label, hint=_TWO_RELEASES)


def _set_schema(context: FileContext) -> Iterator[Finding]:
    for step, was, now in _renamed(context, "schema"):
        if not _taken(context, was):
            message = f"{was.label} is in the schema {now.schema} now"
            finding = found("set-schema", context, step, message)
            yield replace(finding, severity=_ERROR, object=was.label, hint=_TWO_RELEASES)


def _rename_type(context: FileContext) -> Iterator[Finding]:
    present = set(context.file.after.types.values())
    for oid, was in context.judged.files[0].before.types.items():
        now = context.file.after.types.get(oid)
        before = context.file.before.types.get(oid)
        if now and before and now[1] != before[1] and was not in present:
            step = naming(context, before[1], now[1])
            message = f"the type {'.'.join(before[:2])} is called {now[1]} now"
            finding = found("rename-type", context, step, message)
            yield replace(finding, severity=_ERROR, object=".".join(before[:2]), hint=_TWO_RELEASES)


def _rename_function(context: FileContext) -> Iterator[Finding]:
    present = {function.label for function in context.file.after.functions.values()}
    for oid in context.judged.files[0].before.functions:
        was, now = context.file.before.functions.get(oid), context.file.after.functions.get(oid)
        if was and now and was.name != now.name and was.label not in present:
            step = naming(context, was.name, now.name)
            message = f"the function {was.label} is called {now.name} now"
            finding = found("rename-function", context, step, message)
            yield replace(finding, severity=_ERROR, object=was.label, hint=_TWO_RELEASES)


def _label_renamed(context: FileContext) -> Iterator[Finding]:
    for oid in context.judged.files[0].before.labels:
        was, now = context.file.before.labels.get(oid), context.file.after.labels.get(oid)
        if was and now and was[1] != now[1]:
            _, name, _ = context.file.after.types.get(now[0], ("", "an enum", ""))
            step = naming(context, name, "rename")
            message = f"the label {was[1]} of {name} is called {now[1]} now"
            finding = found("enum-label-renamed", context, step, message)
            hint = "Add the new label beside the old one, and deploy a release that uses it."
            yield replace(finding, severity=_ERROR, object=name, hint=hint)


def _dropped_in_use(context: FileContext) -> Iterator[Finding]:
    before, after = context.file.before, context.file.after
    present = {relation.label for relation in after.relations.values()}
    lost: list[tuple[str, str, str]] = [
        (relation.label, relation.name, _VIEWS[relation.kind])
        for oid, relation in before.relations.items()
        if oid not in after.relations and relation.kind in {"v", "m", "f"} and context.is_old(oid)
    ]
    first = context.judged.files[0].before
    labels = {function.label for function in after.functions.values()}
    lost += [
        (function.label, function.name, "the function")
        for oid, function in before.functions.items()
        if oid not in after.functions
        and oid in first.functions
        and function.label not in labels
        and function.returns not in {"trigger", "event_trigger"}
    ]
    types = {(schema, name) for schema, name, _ in after.types.values()}
    lost += [
        (f"{schema}.{name}", name, f"the {_STANDARD[kind]}")
        for oid, (schema, name, kind) in before.types.items()
        if oid not in after.types and oid in first.types and (schema, name) not in types
    ]
    for label, name, kind in lost:
        if label in present:
            continue
        finding = found(
            "dropped-in-use", context, naming(context, "drop", name), f"{kind} {label} is dropped"
        )
        hint = "Deploy the release that does not use it before this migration."
        yield replace(finding, severity=_WARNING, object=label, hint=hint)


def _stricter(context: FileContext) -> Iterator[Finding]:
    """Find demands that rows of the running release may not meet."""
    for step in context.steps:
        for oid, (was, now) in step.statement.changed.items():
            if now is None or not context.is_old(oid) or was.parent in step.statement.changed:
                continue
            label = context.label(oid)
            for demand in _new_demands(was, now):
                finding = found("stricter", context, step, f"{label} now demands {demand}")
                yield replace(finding, severity=_NOTICE, object=label)
            for column in _lost_defaults(was, now):
                message = f"{label} now demands a value of {column}, which has no default any more"
                finding = found("stricter", context, step, message)
                hint = "Deploy a release that writes the column before this migration."
                yield replace(finding, severity=_WARNING, object=label, hint=hint)


def _new_demands(was: Relation, now: Relation) -> Iterator[str]:
    for number, column in now.columns.items():
        before = was.columns.get(number)
        if before is None:
            continue
        if column.not_null and not before.not_null:
            yield f"a value of {column.name}"
    kinds = {"c": "CHECK", "u": "UNIQUE", "p": "PRIMARY KEY", "f": "FOREIGN KEY", "x": "EXCLUDE"}
    for number, constraint in now.constraints.items():
        if number in was.constraints or is_known(constraint, was, now):
            continue
        served = constraint.kind in "pu" and constraint.index in was.indexes
        if constraint.kind in kinds and not served:
            yield f"{kinds[constraint.kind]} {constraint.name}"
    for number, index in now.indexes.items():
        of_constraint = any(c.index == number for c in now.constraints.values())
        if number not in was.indexes and index.unique and not of_constraint:
            yield f"unique values, by the index {index.name}"


def _lost_defaults(was: Relation, now: Relation) -> Iterator[str]:
    """Yield the NOT NULL columns without their default: an INSERT that omits them always fails."""
    for number, column in now.columns.items():
        before = was.columns.get(number)
        defaulted = before is not None and (before.default or before.identity)
        if defaulted and column.not_null and not (column.default or column.identity):
            yield column.name


def _cached_plan(context: FileContext) -> Iterator[Finding]:
    for step in context.steps:
        for oid, (was, now) in step.statement.changed.items():
            if now is None or not context.is_old(oid):
                continue
            if [c.type for c in was.columns.values()] == [c.type for c in now.columns.values()]:
                continue
            reading = [q for q in context.judged.queries if _reads_all(q, was.name)]
            if reading:
                label = context.label(oid)
                message = (
                    f"the columns of {label} change, and {len(reading)} queries of the running "
                    "release read all of them with *"
                )
                finding = found("cached-plan", context, step, message)
                yield replace(
                    finding,
                    severity=_WARNING,
                    object=label,
                    detail="A prepared statement fails once with “cached plan must not change "
                    "result type”.",
                    hint="Name the columns in the queries, or let the driver prepare them again.",
                )


def _reads_all(query: str, name: str) -> bool:
    parts = tokens(query)
    star = any(
        part == "*" and parts[at - 1] in {"select", ",", ".", "distinct", "all", "returning"}
        for at, part in enumerate(parts)
    )
    return star and name in names(query)


RELEASE_RULES = (
    Rule(
        "query-breaks",
        "C",
        "A query of the running release fails",
        "a statement of the queries file could be prepared before the migrations, and cannot be "
        "after them",
        "Deploy a release that does not send the query first.",
        _query_breaks,
        _ERROR,
    ),
    *(
        Rule(
            rule,
            "C",
            title,
            fires,
            "A second name beside the old one, for one release.",
            judge,
            _ERROR,
        )
        for rule, title, fires, judge in (
            (
                "rename-column",
                "A column has another name",
                "the same column of an old relation, another name",
                _rename_column,
            ),
            (
                "rename-table",
                "A table or view has another name",
                "the same oid, another name, and nothing has the old name",
                _rename_table,
            ),
            (
                "rename-type",
                "A type has another name",
                "the same oid, another name",
                _rename_type,
            ),
            (
                "rename-function",
                "A function has another name",
                "the same oid, another name",
                _rename_function,
            ),
            (
                "set-schema",
                "A table or view is in another schema",
                "the same oid, another schema",
                _set_schema,
            ),
        )
    ),
    Rule(
        "enum-label-renamed",
        "C",
        "A label of an enum has another name",
        "the same label by its oid, another text",
        "Add the new label, deploy, update the rows.",
        _label_renamed,
        _ERROR,
    ),
    Rule(
        "dropped-in-use",
        "C",
        "A view, function or type is dropped",
        "an old view, function or type is gone, and the file creates none of its name",
        "Deploy the release that does not use it first.",
        _dropped_in_use,
        _WARNING,
    ),
    Rule(
        "stricter",
        "C",
        "The server refuses rows that it accepted",
        "NOT NULL, CHECK, UNIQUE or FOREIGN KEY is new on an old table, or a default is gone",
        "",
        _stricter,
        _NOTICE,
    ),
    Rule(
        "cached-plan",
        "C",
        "Prepared statements fail once",
        "the columns of a table changed that a query of the queries file reads with *",
        "Name the columns in the queries.",
        _cached_plan,
        _WARNING,
    ),
)
