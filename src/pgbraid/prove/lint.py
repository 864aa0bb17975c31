"""``lint``: what migrations would do to a production database.

========================  ======================================================================
step                      module
========================  ======================================================================
what is judged            ``lint_inputs.py``: pending in a database, added by a branch, or each file
run it and look           ``replay/observed_replay.py``, on a scratch server behind the history
find the hazards          ``hazards/``: rules over what was seen, weighed by the sizes
look for failing rows     ``postgres/observation/probes.py``, with ``probe``
========================  ======================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pgbraid.hazards.analysis.context import JudgedSet, Weights
from pgbraid.hazards.judgement import check_rules, judge
from pgbraid.model.errors import ConfigError, MigrationFailed
from pgbraid.model.findings import Finding, HazardReport, Timeline
from pgbraid.postgres.ledger.history import plain_role
from pgbraid.postgres.scratch.databases import scratch_server
from pgbraid.prove.replay.observed_replay import observe_on_copy
from pgbraid.prove.replay.replayer import Replayer
from pgbraid.source.content import read_prelude

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pgbraid.model.hazards.sizes import Sizes
    from pgbraid.model.migration import LedgerTable, Migration, Problem
    from pgbraid.model.observed import FileObservation
    from pgbraid.model.options import RunOptions
    from pgbraid.postgres.ledger.history import AppliedHistory
    from pgbraid.postgres.scratch.databases import ScratchServer

__all__ = ["LintInput", "LintRules", "is_old", "report_of", "run_lint"]

_ANY_ZONE = "America/New_York"
"""A time zone with daylight saving time: there a change from timestamp to timestamptz rewrites the
table, and with UTC it does not. Where the zone of production is unknown, the worse is reported."""
_ZONE = "timezone"
_OLD_AFTER = timedelta(days=30)
"""From this age on, sizes are reported as old."""


@dataclass(frozen=True, slots=True)
class LintInput:
    """What is judged: ``judged`` on top of ``before``.

    If ``each``, every migration is judged as if it were the only pending one, and those that are
    not in ``chosen`` only run. ``like`` is the history of the database.
    """

    before: tuple[Migration, ...]
    judged: tuple[Migration, ...]
    label: str
    each: bool = False
    chosen: frozenset[int] | None = None
    like: AppliedHistory | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LintRules:
    """How findings are weighed: sizes, rates and thresholds, the workload, severities by rule."""

    sizes: Sizes | None = None
    weights: Weights = field(default_factory=Weights)
    queries: tuple[str, ...] = ()
    severities: Mapping[str, str] = field(default_factory=dict)


def run_lint(
    lint_input: LintInput, rules: LintRules, ledger: LedgerTable, options: RunOptions
) -> HazardReport:
    """Run the judged migrations on a scratch server and return the findings.

    Raises MigrationFailed if a migration of the history fails, ConfigError for wrong settings, and
    the errors of the scratch server. A judged migration that fails is a finding.
    """
    check_rules(rules.severities)
    if not lint_input.judged:
        return HazardReport((), (), (), lint_input.label, "", rules.sizes, notes=lint_input.notes)
    place = options.scratch
    major = _major(lint_input, rules)
    with scratch_server(
        place.url, programs=place.programs, cache=place.cache, major=major
    ) as scratch:
        notes = [*lint_input.notes, *_notes(scratch, major, lint_input, rules)]
        seen, usable = _observe(scratch, lint_input, rules, ledger, options)
        server = scratch.version
    _refuse_other_database(seen, rules)
    if rules.queries and not usable:
        raise ConfigError(
            f"none of the {len(rules.queries)} queries can be prepared on the migrated schema",
            hint="Check that the setting `queries` names the file of this database.",
        )
    if usable < len(rules.queries):
        number = len(rules.queries) - usable
        notes.append(f"{number} of {len(rules.queries)} queries cannot be prepared here")
    return report_of(seen, lint_input, rules, server, tuple(notes))


def _refuse_other_database(seen: tuple[FileObservation, ...], rules: LintRules) -> None:
    """Raise ConfigError if the sizes have none of the tables that were there before."""
    tables = [r.label for file in seen for r in file.before.relations.values() if r.kind in "rpm"]
    sizes = rules.sizes
    if sizes is None or not sizes.tables or not tables:
        return
    if not any(sizes.get(table) for table in tables):
        raise ConfigError(
            f"{sizes.label} has the sizes of another database: none of its tables is one of these "
            "migrations",
            detail=f"It has {', '.join(sorted(sizes.tables)[:3])}; the migrations have "
            f"{', '.join(sorted(set(tables))[:3])}.",
            hint="Write the sizes of the right database with `pgbraid sizes`.",
        )


def report_of(
    seen: tuple[FileObservation, ...],
    lint_input: LintInput,
    rules: LintRules,
    server: str,
    notes: tuple[str, ...] = (),
) -> HazardReport:
    """Return the report on observed migrations. Raises ConfigError for an unknown rule."""
    findings, timelines, problems, unknown = _judged(seen, lint_input, rules)
    return HazardReport(
        findings,
        seen,
        timelines,
        lint_input.label,
        server,
        rules.sizes,
        unknown,
        problems,
        notes,
    )


def _observe(
    scratch: ScratchServer,
    lint_input: LintInput,
    rules: LintRules,
    ledger: LedgerTable,
    options: RunOptions,
) -> tuple[tuple[FileObservation, ...], int]:
    like = lint_input.like
    replayer = Replayer(
        scratch,
        ledger,
        stop=options.stop,
        role=like.role if like else plain_role(options.role),
        like=like,
        extend=True,
        prelude=read_prelude(options.scratch.prelude),
        search_path=options.search_path,
        settings=_zone(scratch, lint_input, rules),
    )
    base, failure = replayer.base(lint_input.before)
    if failure is not None:
        raise MigrationFailed(failure.migration, failure.diagnostic)
    return observe_on_copy(replayer, base, lint_input.judged, options.limits, rules.queries)


def _judged(
    seen: tuple[FileObservation, ...], lint_input: LintInput, rules: LintRules
) -> tuple[tuple[Finding, ...], tuple[Timeline, ...], tuple[Problem, ...], tuple[str, ...]]:
    """Return findings, timelines, problems and tables of unknown size."""
    groups = [(file,) for file in seen] if lint_input.each else [seen]
    findings: list[Finding] = []
    timelines: list[Timeline] = []
    problems: list[Problem] = []
    unknown: set[str] = set()
    chosen = lint_input.chosen
    for group in groups:
        version = group[0].migration.version if group else None
        if chosen is not None and version not in chosen:
            continue
        judged = JudgedSet(group, rules.sizes, rules.weights, rules.queries)
        judgement = judge(judged, rules.severities)
        findings += judgement.findings
        timelines += judgement.timelines
        problems += judgement.problems
        unknown |= set(judgement.unknown_sizes)
    return tuple(findings), tuple(timelines), tuple(problems), tuple(sorted(unknown))


def _major(lint_input: LintInput, rules: LintRules) -> int | None:
    """Return the major version of production, if it is known."""
    if lint_input.like is not None:
        return lint_input.like.major
    version = rules.sizes.server_version if rules.sizes else None
    first = (version or "").partition(".")[0]
    return int(first) if first.isdecimal() else None


def _zone(
    scratch: ScratchServer, lint_input: LintInput, rules: LintRules
) -> tuple[tuple[str, str], ...]:
    """Return the time zone of the session, unless the database itself has one."""
    own = lint_input.like.settings if lint_input.like else ()
    if any(name.lower() == _ZONE for name, _ in own):
        return ()
    known = rules.sizes.timezone if rules.sizes else None
    # Some systems lack the old names, such as US/Eastern.
    return ((_ZONE, known if known and scratch.has_time_zone(known) else _ANY_ZONE),)


def is_old(sizes: Sizes) -> bool:
    """Whether sizes are so old that the tables may have grown since."""
    return sizes.taken_at is not None and datetime.now(UTC) - sizes.taken_at > _OLD_AFTER


def _notes(
    scratch: ScratchServer, major: int | None, lint_input: LintInput, rules: LintRules
) -> Iterator[str]:
    version = scratch.version.partition(".")[0]
    if major is not None and version != str(major):
        yield f"measured on PostgreSQL {version}; production runs {major}"
    if rules.sizes is None:
        yield "no sizes are known: every table counts as one of unknown size"
    if rules.sizes is not None and is_old(rules.sizes):
        yield f"the sizes are from {rules.sizes.taken_at:%Y-%m-%d}: the tables may have grown"
    name = rules.sizes.timezone if rules.sizes else None
    zone = _zone(scratch, lint_input, rules)
    if zone and not name:
        yield f"the time zone of production is not known: measured with {_ANY_ZONE}"
    elif zone and zone[0][1] != name:
        yield f"the scratch server has no time zone {name!r}: measured with {_ANY_ZONE}"
