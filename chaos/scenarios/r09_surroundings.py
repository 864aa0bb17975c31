"""Surroundings in which a run cannot work: it says so in time, and records nothing by halves.

Where a role's or a server's limits are only in its way, it works all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos.checker import contradictions, look
from chaos.model import Tally
from chaos.surroundings import SURROUNDINGS, refused
from devtools.checkout import Skip

if TYPE_CHECKING:
    from random import Random

    from chaos.lab import Lab
    from chaos.model import Result, Size

__all__ = ["control", "run"]


def run(lab: Lab, size: Size, rng: Random) -> Result:
    """Try each of them, in the full size a few times."""
    tally, skipped = Tally(), []
    names = list(SURROUNDINGS)
    chosen = rng.sample(names, size.of(4, len(names)))
    for name in chosen * size.of(1, 3):
        try:
            found = SURROUNDINGS[name](lab)
        except Skip as reason:
            skipped.append(f"not tried: {name}, {reason}")
            continue
        tally.trials += 1
        tally.faults += 1
        tally.note(name, found)
    kinds = f"{len(chosen)} kinds: {', '.join(name for name in names if name in chosen)}"
    tally.remarks += [kinds, *dict.fromkeys(skipped)]
    return tally.result()


def control(lab: Lab, rng: Random) -> tuple[str, ...]:
    """Take a run that works for one that is refused, and record what did not run."""
    work = lab.workload(3)
    with lab.database() as database:
        env = {"PGBRAID_DATABASE_URL": database.conninfo}
        ended = lab.forks.call("up", *work.words, "--to", "2", env=env)
        said = refused(ended, 4, "permission denied")
        database.run(f"INSERT INTO applied_migrations VALUES ({rng.randint(3, 9)}, 't')")
        found = contradictions(look(database))
    return (*said, *found) if said and found else ()
