"""The command line of the harness."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.lab import Lab, open_lab
from chaos.model import Result, Row, Scenario, Size
from chaos.report import markdown_table, told_row
from chaos.scenarios import SCENARIOS
from devtools.checkout import ROOT, Skip

if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLE = ROOT / "bench" / "results" / "chaos.md"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    names = ", ".join(scenario.name for scenario in SCENARIOS)
    parser.add_argument("--only", metavar="NAME[,NAME]", help=f"of {names}")
    parser.add_argument("--seed", type=int, default=1, help="of all that is left to chance (1)")
    parser.add_argument(
        "--quick", action="store_true", help="each a few times, under a minute: to try the harness"
    )
    parser.add_argument(
        "--self-test", action="store_true", help="show of each check that it can fail"
    )
    parser.add_argument(
        "--programs", metavar="DIR", help="the server's programs (the embedded ones)"
    )
    parser.add_argument(
        "--table", metavar="FILE", type=Path, default=_TABLE, help="where the table goes"
    )
    return parser.parse_args()


def _chosen(wanted: str | None) -> list[Scenario]:
    if wanted is None:
        return list(SCENARIOS)
    names = [name.strip().upper() for name in wanted.split(",") if name.strip()]
    known = {scenario.name: scenario for scenario in SCENARIOS}
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names]


def _rows(lab: Lab, scenarios: list[Scenario], size: Size, seed: int) -> Iterator[Row]:
    for scenario in scenarios:
        rng = random.Random(f"{seed} {scenario.name}")
        begun = time.monotonic()
        try:
            result = scenario.run(lab, size, rng)
            yield Row(scenario, time.monotonic() - begun, result)
        except Skip as reason:
            yield Row(scenario, time.monotonic() - begun, skipped=str(reason))
        except Exception:  # noqa: BLE001 - the others are to be run all the same
            broken = (f"the scenario itself works\n{traceback.format_exc()}",)
            yield Row(scenario, time.monotonic() - begun, Result(0, 0, broken))


def _measure(arguments: argparse.Namespace) -> int:
    """Run the scenarios, write the table, and return how many promises were broken."""
    size = Size.QUICK if arguments.quick else Size.FULL
    rows: list[Row] = []
    with open_lab(arguments.programs) as lab:
        print(f"PostgreSQL {lab.programs.version}, seed {arguments.seed}", flush=True)
        for row in _rows(lab, _chosen(arguments.only), size, arguments.seed):
            rows.append(row)
            print(told_row(row), flush=True)
        head = f"PostgreSQL {lab.programs.version}, seed {arguments.seed}, {size.value} size."
    table = markdown_table(rows)
    print(f"\n{table}")
    arguments.table.parent.mkdir(parents=True, exist_ok=True)
    arguments.table.write_text(f"{head}\n\n{table}")
    return sum(len(row.result.violations) for row in rows if row.result)


def _self_test(arguments: argparse.Namespace) -> int:
    """Break each promise by hand, and return how many checks did not notice."""
    blind = 0
    with open_lab(arguments.programs) as lab:
        for scenario in _chosen(arguments.only):
            rng = random.Random(f"{arguments.seed} {scenario.name}")
            try:
                said = scenario.control(lab, rng)
            except Skip as reason:
                print(f"{scenario.name:4} skipped: {reason}", flush=True)
                continue
            blind += not said
            for each in said or ("BLIND: a broken promise was not noticed",):
                print(f"{scenario.name:4} {each}", flush=True)
    return blind


def _stop(*_: object) -> None:
    sys.exit("stopped")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    options = _arguments()
    try:
        failures = _self_test(options) if options.self_test else _measure(options)
    except KeyboardInterrupt:
        _stop()
    else:
        sys.exit(1 if failures else 0)
