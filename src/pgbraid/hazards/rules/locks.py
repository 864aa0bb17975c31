"""Family A: locks that a file holds for longer than the statement that took them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.hazards.analysis.context import blocks_of
from pgbraid.hazards.analysis.texts import is_code, without_where
from pgbraid.hazards.analysis.weighing import severity_of, weighed
from pgbraid.hazards.analysis.work import Cause
from pgbraid.hazards.rules.rule import Rule, found
from pgbraid.model.findings import Blocks, HazardSeverity
from pgbraid.model.observed import LockMode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.hazards.analysis.context import FileContext, Step
    from pgbraid.hazards.analysis.work import Work
    from pgbraid.model.findings import Finding

__all__ = ["LOCK_RULES"]

_DOING = {
    Cause.REWRITE: "{table} is rewritten",
    Cause.INDEX_BUILD: "an index is built on {table}",
    Cause.CONSTRAINT_INDEX: "an index is built on {table}",
    Cause.INDEX_REBUILD: "an index on {table} is built again",
    Cause.CONSTRAINT_SCAN: "every row of {table} is checked",
    Cause.FOREIGN_KEY: "every row of {table} is checked",
    Cause.DOMAIN_SCAN: "every row of {table} is checked",
    Cause.PARTITION_SCAN: "every row of {table} is checked",
    Cause.MATVIEW_REFRESH: "{table} is filled again",
    Cause.VALIDATE: "every row of {table} is checked",
    Cause.WRITE: "rows of {table} that no index finds are written",
    Cause.FILL: "the rows of {table} are copied",
    Cause.READ: "every row of {table} is read",
}
_HELD = {
    Blocks.READS_AND_WRITES: "keeps readers and writers out of",
    Blocks.WRITES: "keeps writers out of",
}


def _blocked(context: FileContext, step: Step) -> dict[int, LockMode]:
    """Return the old tables that are kept locked beyond the needs of a statement's work.

    Earlier statements hold these locks, or a block of code that takes a lock and works as well.
    """
    inside = _locks_and_works(step)
    needed = _needed(step, inside=inside)
    blocked: dict[int, LockMode] = {}
    for oid, mode in ({**step.held, **step.locks} if inside else step.held).items():
        enough = needed.get(oid, LockMode.ACCESS_SHARE)
        if not context.is_old(oid) or context.judged.old[oid].kind == "S":
            continue
        if blocks_of(mode) and blocks_of(mode) != blocks_of(enough):
            blocked[oid] = max(mode, blocked.get(oid, mode))
    return blocked


def _needed(step: Step, *, inside: bool) -> dict[int, LockMode]:
    """Return the locks that the work of a statement takes itself.

    Of a block of code, also those of its DDL on the parents of a partition, and on the tables of
    foreign keys.
    """
    needed: dict[int, LockMode] = {}
    for work in step.works:
        locks = {work.table: work.own_lock}
        if inside:
            locks |= dict.fromkeys(_parents(step, work.table), work.own_lock)
            if work.cause is Cause.FOREIGN_KEY:
                locks[work.referenced] = LockMode.SHARE_ROW_EXCLUSIVE
            if work.cause is Cause.REWRITE:
                locks |= dict.fromkeys(_referencing(step, work.table), work.own_lock)
        for oid, mode in locks.items():
            needed[oid] = max(needed.get(oid, mode), mode)
    return needed


def _parents(step: Step, oid: int) -> Iterator[int]:
    relation = step.before.get(oid)
    while relation is not None and relation.parent:
        yield relation.parent
        relation = step.before.get(relation.parent)


def _referencing(step: Step, table: int) -> Iterator[int]:
    for oid, relation in step.before.items():
        if any(key.referenced == table for key in relation.constraints.values()):
            yield oid


def _locks_and_works(step: Step) -> bool:
    """Whether a statement is a block of code that changes tables or rows.

    The order inside a block is not known. If it only reads, it most likely looks first.
    """
    changes = any(work.cause is not Cause.READ for work in step.works)
    return changes and is_code(step.statement.text)


def _under_lock(context: FileContext) -> Iterator[Finding]:
    """Find work while an earlier statement of the transaction keeps others out of a table."""
    for step in context.steps:
        timed = [
            (work, seconds)
            for work, seconds in zip(step.works, step.seconds, strict=True)
            if seconds is None or seconds > 0
        ]
        blocked = _blocked(context, step)
        if not timed or not blocked:
            continue
        times = [seconds for _, seconds in timed]
        total = None if None in times else sum(seconds or 0.0 for seconds in times)
        longest = max(timed, key=lambda pair: math.inf if pair[1] is None else pair[1])[0]
        candidates = [_held(context, step, lock, longest, total) for lock in blocked.items()]
        worked = context.label(longest.table)
        yield max(candidates, key=lambda finding: (*_gravity(finding), finding.object == worked))


def _gravity(finding: Finding) -> tuple[int, int, int]:
    lock = finding.lock or LockMode.ACCESS_SHARE
    return finding.severity.rank, finding.queries_waiting or 0, lock


def _held(
    context: FileContext, step: Step, lock: tuple[int, LockMode], work: Work, total: float | None
) -> Finding:
    oid, mode = lock
    since = context.since(step, oid, mode)
    line = next(s.statement.line for s in context.steps if s.statement.number == since)
    inside = since == step.statement.number
    holder = "the same statement" if inside else f"line {line}"
    doing = _doing(context, step, work)
    blocks = blocks_of(mode) or Blocks.WRITES
    locked = "it" if oid == work.table else context.label(oid)
    message = f"{doing} while {holder} {_HELD[blocks]} {locked}"
    finding = found("work-under-lock", context, step, message)
    first = "the lock" if inside else holder
    hint = (
        f"Put {first} into a migration of its own, and the long work into another one: strong "
        "locks last and alone."
    )
    finding = weighed(context, finding, oid, total, mode)
    return replace(finding, held_since=since, hint=hint)


def _doing(context: FileContext, step: Step, work: Work) -> str:
    """Return in words what a statement does with a table."""
    table = context.label(work.table)
    if work.cause is not Cause.WRITE:
        return _DOING[work.cause].format(table=table)
    if work.driven:
        drivers = " and ".join(context.label(driver) for driver in work.driven)
        return f"rows of {table} are written for every row of {drivers}"
    if _writes_every_row(step):
        return f"every row of {table} is written"
    return _DOING[Cause.WRITE].format(table=table)


def _writes_every_row(step: Step) -> bool:
    text = step.statement.text
    return any(without_where(text, word) for word in ("update", "delete"))


def _large_write(context: FileContext) -> Iterator[Finding]:
    """Find UPDATE, DELETE or MERGE that no index serves, where no earlier lock makes it worse."""
    for step in context.steps:
        if _blocked(context, step):
            continue  # work-under-lock reports it
        groups: dict[int, list[tuple[Work, float | None]]] = {}
        for work, seconds in zip(step.works, step.seconds, strict=True):
            if work.cause is Cause.WRITE and context.is_old(work.table):
                groups.setdefault(context.root(work.table), []).append((work, seconds))
        for root, works in groups.items():
            work, times = works[0][0], [seconds for _, seconds in works]
            total = None if None in times else sum(seconds or 0.0 for seconds in times)
            target = root if len(works) > 1 else work.table
            message = f"{_doing(context, step, replace(work, table=target))} in one transaction"
            finding = found("large-write", context, step, message)
            finding = weighed(context, finding, target, total, LockMode.ROW_EXCLUSIVE)
            yield replace(
                finding,
                hint="Write a few thousand rows in each transaction, by ranges of the primary key, "
                "so that no row stays locked for long and VACUUM can follow.",
            )


def _several_tables(context: FileContext) -> Iterator[Finding]:
    """Find two tables locked by two statements: an application may lock them the other way.

    Of several such pairs only the one with the longest time between them is reported.
    """
    found_pairs = list(_pairs(context))
    unknown = [finding for finding in found_pairs if finding.seconds is None]
    yield from unknown[:1] or sorted(found_pairs, key=lambda f: -(f.seconds or 0.0))[:1]


def _pairs(context: FileContext) -> Iterator[Finding]:
    for number, step in enumerate(context.steps):
        strong = _strong(context, step)
        earlier = {oid for oid, mode in step.held.items() if mode >= LockMode.SHARE_ROW_EXCLUSIVE}
        new = [oid for oid in strong if oid not in earlier and oid not in step.held]
        if not new or not earlier:
            continue
        first = min(context.since(step, oid, LockMode.SHARE_ROW_EXCLUSIVE) for oid in earlier)
        between = [
            other.total
            for other in context.steps[:number]
            if other.statement.block == step.statement.block and other.statement.number >= first
        ]
        total = None if None in between else sum(value or 0.0 for value in between)
        others = ", ".join(sorted(context.label(oid) for oid in earlier))
        finding = found(
            "several-tables-locked",
            context,
            step,
            f"{context.label(new[0])} is locked while {others} is locked, too",
        )
        # Where a size is unknown, work-under-lock warns already.
        severity = HazardSeverity.NOTICE if total is None else None
        yield replace(
            finding,
            severity=severity or severity_of(total, context.judged.weights),
            object=context.label(new[0]),
            seconds=total,
            lock=strong[new[0]],
            held_since=first,
            hint="Write one migration for each table, or begin with LOCK TABLE of all of them, in "
            "the order in which the application locks them.",
        )


def _strong(context: FileContext, step: Step) -> dict[int, LockMode]:
    return {
        oid: mode
        for oid, mode in step.locks.items()
        if mode >= LockMode.SHARE_ROW_EXCLUSIVE and context.is_old(oid)
    }


def _upgrade(context: FileContext) -> Iterator[Finding]:
    """Find a lock that becomes stronger: two sessions that do the same wait for each other."""
    for step in context.steps:
        for oid, mode in step.locks.items():
            before = step.held.get(oid)
            weak = before is not None and LockMode.ROW_EXCLUSIVE <= before < LockMode.SHARE
            if weak and mode >= LockMode.SHARE and before is not None:
                finding = found(
                    "lock-upgrade",
                    context,
                    step,
                    f"{context.label(oid)} is locked in mode {mode.words} after a weaker lock, "
                    f"{before.words}",
                )
                yield replace(
                    finding,
                    severity=HazardSeverity.NOTICE,
                    object=context.label(oid),
                    lock=mode,
                    hint="Begin with the statement that takes the strongest lock.",
                )


def _no_timeout(context: FileContext) -> Iterator[Finding]:
    """Find a lock that blocks others, and for which a statement waits without a limit."""
    for step in context.steps:
        new = {
            oid: mode
            for oid, mode in step.locks.items()
            if blocks_of(mode) and mode > step.held.get(oid, LockMode.ACCESS_SHARE)
        }
        if not new or step.statement.lock_timeout > 0:
            continue
        oid, mode = next(iter(new.items()))
        finding = found(
            "no-lock-timeout",
            context,
            step,
            f"the wait for the lock on {context.label(oid)} has no limit",
        )
        yield replace(
            finding,
            object=context.label(oid),
            lock=mode,
            detail="While it waits, all later statements on the table queue behind it.",
            hint="Remove the SET lock_timeout, the directive lock-timeout or the setting "
            "`lock_timeout`: by default pgbraid waits half a second, and then tries again.",
        )
        return


LOCK_RULES = (
    Rule(
        "work-under-lock",
        "A",
        "Work while an earlier statement's lock is held",
        "work that takes time with the size of a table, after a statement of the same transaction "
        "that took SHARE or more on an old table",
        "Strong locks last and alone: each statement that takes one in a file of its own, the data "
        "in files before, in batches. VALIDATE CONSTRAINT in a later file than NOT VALID.",
        _under_lock,
    ),
    Rule(
        "large-write",
        "A",
        "All rows are written in one transaction",
        "UPDATE, DELETE or MERGE of an old table that no index serves, or without WHERE",
        "Batches of a few thousand rows, each in a transaction of its own.",
        _large_write,
    ),
    Rule(
        "several-tables-locked",
        "A",
        "Several tables are locked, with work between",
        "two old tables get SHARE ROW EXCLUSIVE or more by different statements; weighed by the "
        "time between them",
        "One file for each table; or LOCK TABLE a, b IN ACCESS EXCLUSIVE MODE first, in the order "
        "of the application.",
        _several_tables,
    ),
    Rule(
        "lock-upgrade",
        "A",
        "A lock becomes stronger",
        "ROW EXCLUSIVE or SHARE UPDATE EXCLUSIVE, later SHARE or more, on the same old table",
        "The statement with the strongest lock first.",
        _upgrade,
        HazardSeverity.NOTICE,
    ),
    Rule(
        "no-lock-timeout",
        "A",
        "The wait for a lock has no limit",
        "`lock_timeout` was 0 when a statement asked for SHARE or more on an old table",
        "Leave `lock_timeout` to the runner, which retries.",
        _no_timeout,
        HazardSeverity.WARNING,
    ),
)
