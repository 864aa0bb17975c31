"""Makes the report page of the state of a database, a proof and a drift report."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pgbraid.model.errors import PgbraidError
from pgbraid.page.content import PageContent
from pgbraid.page.order.blocks import braid_of
from pgbraid.page.order.placed import inversions_of, place_migrations
from pgbraid.page.order.runs import runs_of
from pgbraid.page.page import Page
from pgbraid.page.sections.drift import drift_section, failed_section
from pgbraid.page.sections.proof import proof_section
from pgbraid.page.texts.amounts import count
from pgbraid.page.texts.characters import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.model.proof import DriftReport, Proof
    from pgbraid.page.order.placed import PlacedMigration
    from pgbraid.page.reading import PageSource
    from pgbraid.page.sections.hazards import Hazard

__all__ = ["make_page"]


def make_page(
    source: PageSource,
    *,
    proof: Proof | PgbraidError | None = None,
    drift: DriftReport | PgbraidError | None = None,
    hazards: tuple[Hazard, ...] | None = None,
    made_at: datetime | None = None,
) -> Page:
    """Return the page. An error instead of a proof or a drift report is shown in its section."""
    lines = source.lines or ()
    migrations = place_migrations(source.status.rows, lines, source.digits)
    applied = [migration for migration in migrations if not migration.pending]
    moved = {migration.version for migration in applied if migration.out_of_order}
    pair = None if proof is None or isinstance(proof, PgbraidError) else proof.pair
    versions = (pair.first.version, pair.second.version) if pair else ()
    content = PageContent(
        source.database,
        source.server,
        made_at or datetime.now(UTC),
        migrations,
        runs_of(lines, moved, source.digits),
        braid_of(migrations, versions),
        inversions_of([migration.version for migration in migrations]),
        (failed_section(proof) if isinstance(proof, PgbraidError) else proof_section(proof))
        if proof
        else None,
        (failed_section(drift) if isinstance(drift, PgbraidError) else drift_section(drift))
        if drift
        else None,
        hazards,
        tuple(map(shown, _notes(source, applied))),
    )
    return Page(content)


def _notes(source: PageSource, applied: list[PlacedMigration]) -> Iterator[str]:
    if source.lines is None and applied:
        yield "The journal does not exist or may not be read, so the page shows no runs."
    by_time = [migration for migration in applied if not migration.ordered]
    if by_time:
        times = {migration.applied_at for migration in by_time}
        equal = " Rows of the same time stand in the order of versions."
        yield (
            f"{count(len(by_time), 'migration')} did not run here, or the journal has no line of "
            "it: adopted, or recorded by baseline. They stand first, in the order of the times of "
            f"their rows.{equal if len(times) < len(by_time) else ''}"
        )
    replaced = sum(row.state.value == "replaced" for row in source.status.rows)
    if replaced:
        yield f"{count(replaced, 'migration')} that a baseline replaces are not shown."
    errors = [problem for problem in source.status.problems if problem.severity.value == "error"]
    for problem in errors[:5]:
        yield f"ERROR: {problem.message}"
