"""The values of the report page as a JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pgbraid.page.content import PageContent
    from pgbraid.page.order.blocks import Block
    from pgbraid.page.order.placed import PlacedMigration
    from pgbraid.page.order.runs import Run

__all__ = ["page_document"]


def page_document(page: PageContent) -> dict[str, Any]:
    """Return the members of the document."""
    numbers = {run.run_id: run.number for run in page.runs}
    return {
        "database": page.database,
        "server": page.server,
        "pgbraid": page.pgbraid,
        "made_at": page.made_at.isoformat(),
        "tiles": {tile.name: tile.value for tile in page.tiles},
        "inversions": page.inversions,
        "blocks": [_block(block, numbers) for block in page.braid.blocks],
        "omitted": [migration.version for migration in page.braid.omitted],
        "runs": [_run(run) for run in page.runs],
        "proof": asdict(page.proof) if page.proof else None,
        "drift": asdict(page.drift) if page.drift else None,
        "hazards": None if page.hazards is None else [asdict(hazard) for hazard in page.hazards],
        "migrations": [_migration(migration, numbers) for migration in page.migrations],
        "notes": list(page.notes),
    }


def _block(block: Block, numbers: Mapping[str, int]) -> dict[str, Any]:
    return {
        "versions": [block.first.version, block.last.version],
        "count": len(block.migrations),
        "out_of_order": block.out_of_order,
        "pending": block.pending,
        "run": numbers.get(block.first.run_id or ""),
        "left": block.left,
        "right": block.right,
        "pair": block.pair,
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "number": run.number,
        "run_id": run.run_id,
        "at": _time(run.started_at),
        "role": run.role,
        "application": run.application,
        "applied": run.count("applied"),
        "out_of_order": run.out_of_order,
        "failed": run.count("failed"),
        "undone": run.count("undone"),
        "started": run.count("started"),
        "adopted": run.adopted,
        "planned": run.planned,
        "duration_ms": round(run.seconds * 1000, 3),
        "steps": [
            {
                "version": step.version,
                "name": step.name,
                "event": step.event,
                "duration_ms": round(step.seconds * 1000, 3),
                "out_of_order": step.out_of_order,
                "attempts": step.attempts,
                "waited_ms": round(step.waited * 1000),
                "blocked_by": list(step.blocked_by),
                "sqlstate": step.sqlstate,
                "message": step.message,
            }
            for step in run.steps
        ],
    }


def _migration(migration: PlacedMigration, numbers: Mapping[str, int]) -> dict[str, Any]:
    return {
        "version": migration.version,
        "name": migration.name,
        "state": migration.state.value,
        "out_of_order": migration.out_of_order,
        "applied_at": _time(migration.applied_at),
        "run": numbers.get(migration.run_id or ""),
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
