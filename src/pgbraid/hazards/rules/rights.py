"""Family C: changes of rights that keep the running release from its rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.hazards.rules.rule import Rule, found, naming
from pgbraid.model.findings import HazardSeverity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.hazards.analysis.context import FileContext
    from pgbraid.model.findings import Finding
    from pgbraid.model.observed import Relation

__all__ = ["RIGHTS_RULES"]

_EVERYBODY = "*"
_ERROR, _WARNING = HazardSeverity.ERROR, HazardSeverity.WARNING
_CONNECTS = "Make sure that the running release connects as another role, or grant it again."


def _row_security(context: FileContext) -> Iterator[Finding]:
    for oid, was in context.file.before.relations.items():
        now = context.file.after.relations.get(oid)
        if now is None or not context.is_old(oid):
            continue
        earlier = _kept_out(was)
        without = _kept_out(now) - earlier
        if not without or _EVERYBODY in earlier:
            continue
        who = "every role but the owner" if _EVERYBODY in without else ", ".join(sorted(without))
        step = naming(context, was.name, "security")
        message = f"{was.label} has row-level security, and no policy for {who} now"
        finding = found("row-security", context, step, message)
        hint = "Create the policies in the same migration, before ENABLE ROW LEVEL SECURITY."
        yield replace(finding, severity=_ERROR, object=was.label, hint=hint)


def _kept_out(relation: Relation) -> frozenset[str]:
    """Return the roles that row-level security keeps from all rows, for want of a policy."""
    if not relation.row_security:
        return frozenset()
    if not relation.policies:
        return frozenset({_EVERYBODY})
    allowed = {role for _, roles in relation.policies.values() for role in roles}
    holders = {_grantee(entry) for entry in relation.privileges or ()} - {relation.owner}
    return frozenset() if "public" in allowed else frozenset(holders - allowed)


def _grantee(entry: str) -> str:
    return entry.partition("=")[0].strip('"') or "public"


def _privileges_lost(context: FileContext) -> Iterator[Finding]:
    yield from _function_rights(context)
    for oid, was in context.file.before.relations.items():
        now = context.file.after.relations.get(oid)
        if now is None or not context.is_old(oid):
            continue
        lost = sorted(_lost_grants(was, now))
        if lost:
            step = naming(context, was.name)
            message = f"{', '.join(lost)} on {was.label}"
            finding = found("privileges-lost", context, step, message)
            yield replace(finding, severity=_WARNING, object=was.label, hint=_CONNECTS)


def _function_rights(context: FileContext) -> Iterator[Finding]:
    before, after = context.file.before.functions, context.file.after.functions
    for oid in context.judged.files[0].before.functions:
        was, now = before.get(oid), after.get(oid)
        if was is None or now is None or "public" in now.executors:
            continue
        lost = sorted(set(was.executors) - set(now.executors) - {was.owner})
        if lost:
            step = naming(context, was.name)
            message = f"{', '.join(lost)} may no longer run the function {was.label}"
            finding = found("privileges-lost", context, step, message)
            yield replace(finding, severity=_WARNING, object=was.label, hint=_CONNECTS)


def _lost_grants(was: Relation, now: Relation) -> Iterator[str]:
    if was.owner != now.owner:
        yield f"{was.owner} no longer owns it and loses its rights"
    after = {_grantee(e): set(e.partition("=")[2].partition("/")[0]) for e in now.privileges or ()}
    for entry in was.privileges or ():
        grantee, rights = _grantee(entry), set(entry.partition("=")[2].partition("/")[0])
        if grantee != was.owner and rights - after.get(grantee, set()) - {"*"}:
            yield f"{grantee} loses privileges"


RIGHTS_RULES = (
    Rule(
        "row-security",
        "C",
        "Row-level security hides all rows",
        "row-level security is on, and a role with privileges has no policy",
        "The policies first, in the same file.",
        _row_security,
        _ERROR,
    ),
    Rule(
        "privileges-lost",
        "C",
        "A role loses privileges",
        "an entry of the access list of an old relation or function is gone, or the owner changed",
        "",
        _privileges_lost,
        _WARNING,
    ),
)
