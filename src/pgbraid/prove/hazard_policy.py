"""The setting ``hazards``: measures what pending migrations would do before they run."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.model.errors import (
    ConfigError,
    HazardsRefused,
    MigrationFailed,
    PgbraidError,
    Stopped,
)
from pgbraid.model.events import HazardsMeasured
from pgbraid.model.findings import HazardReport, HazardSeverity
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.ledger.history import read_history
from pgbraid.postgres.statistics.production_sizes import read_sizes
from pgbraid.prove.inputs import recorded
from pgbraid.prove.lint import LintInput, run_lint
from pgbraid.prove.lint_rules import rules_of
from pgbraid.prove.replaced_history import with_baselines

if TYPE_CHECKING:
    from pgbraid.model.findings import Finding
    from pgbraid.model.migration import MigrationSet
    from pgbraid.model.options import HazardCheck, RunOptions
    from pgbraid.model.plan import Plan
    from pgbraid.postgres.client.session import Session
    from pgbraid.settings.settings import Settings

__all__ = ["hazard_check"]

_LISTED = 3


def hazard_check(settings: Settings) -> HazardCheck:
    """Return the check of ``up``. Raises ConfigError if the queries file cannot be read."""
    return partial(_check, settings=settings)


def _check(
    session: Session,
    migrations: MigrationSet,
    plan: Plan,
    options: RunOptions,
    *,
    settings: Settings,
) -> HazardReport:
    """Run the steps of the plan on a scratch server and return their hazards.

    The session lock is held, so no other run can change what is measured. The sizes are those of
    this database. Raises HazardsRefused if the setting is refuse and a finding is an error, and the
    errors of the scratch server.
    """
    with translate_errors(session):
        row = session.conn.execute(b"SELECT CURRENT_USER::pg_catalog.text").fetchone()
        history = with_baselines(migrations, read_history(session, str(row[0]) if row else ""))
        sizes = read_sizes(session)
    applied, notes = recorded(migrations, history, as_recorded=True)
    if plan.adoption is not None and not history.rows:  # in a dry run, which records nothing
        applied = plan.adoption.migrations
    steps = tuple(step.migration for step in plan.steps)
    judged = LintInput(applied, steps, "pending", like=history, notes=notes)
    rules = replace(rules_of(settings, sizes), sizes=sizes)
    try:
        report = run_lint(judged, rules, session.ledger, options)
    except (ConfigError, Stopped):
        raise
    except PgbraidError as error:
        report = _unmeasured(error, refuse=settings.hazards == "refuse")
    options.on_event(HazardsMeasured(report))
    if settings.hazards == "refuse" and report.is_grave:
        raise _refusal(report)
    return report


def _unmeasured(error: PgbraidError, *, refuse: bool) -> HazardReport:
    """Return the report of a measurement that failed; with ``refuse`` raise an error.

    A migration of the history that fails on the scratch server is no failure of this run.
    """
    reason = error.message
    if isinstance(error, MigrationFailed):
        reason = f"{error.migration.label} fails on the scratch server: {reason}"
    report = HazardReport((), (), (), "pending", "", unmeasured=reason)
    if not refuse:
        return report
    if not isinstance(error, MigrationFailed):
        raise error
    message = f"no hazards could be measured, and `hazards` is refuse; nothing was run: {reason}"
    raise HazardsRefused(report, message) from None


def _refusal(report: HazardReport) -> HazardsRefused:
    grave = [f for f in report.findings if f.severity is HazardSeverity.ERROR and f.allowed is None]
    listed = [_line(finding) for finding in grave[:_LISTED]]
    listed += [problem.message for problem in report.problems][: _LISTED - len(listed)]
    number = len(grave) + len(report.problems)
    more = [f"and {number - len(listed)} more"] if number > len(listed) else []
    return HazardsRefused(
        report,
        f"{number} grave hazard{'' if number == 1 else 's'} in the pending migrations, and "
        "`hazards` is refuse; nothing was run",
        detail="\n".join([*listed, *more]),
    )


def _line(finding: Finding) -> str:
    place = f":{finding.line}" if finding.line else ""
    return f"{finding.migration.file}{place}: {finding.rule}: {finding.message}"
