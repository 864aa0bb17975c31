"""The command line of the harness."""

from __future__ import annotations

import argparse
import random
import sys
import time

from fuzz.interleavings import Interleavings
from fuzz.lab import open_lab
from fuzz.mutations import Found, Mutations, chosen


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of it: to try the harness")
    parser.add_argument("--seed", type=int, default=1, help="of all that is left to chance (1)")
    parser.add_argument(
        "--only", metavar="TEXT", help="mutations, interleavings, clashes, or a mutation's name"
    )
    parser.add_argument("--count", type=int, help="how many interleavings (1000)")
    parser.add_argument("--programs", metavar="DIR", help="the server's programs (embedded ones)")
    return parser.parse_args()


def _told(what: str, begun: float, found: Found, remark: str = "") -> int:
    seconds = time.monotonic() - begun
    skipped = f", {len(found.skipped)} skipped" if found.skipped else ""
    skipped += f", {len(found.beyond)} unseen as meant" if found.beyond else ""
    print(
        f"{what}: {found.tried} tried{skipped}, {len(found.wrong)} wrong, {seconds:.0f} s{remark}",
        flush=True,
    )
    return len(found.wrong)


def _main() -> int:
    options = _arguments()
    rng = random.Random(options.seed)
    count = options.count or (100 if options.quick else 1000)
    campaigns = ("mutations", "interleavings", "clashes")
    only = options.only if options.only in campaigns else None
    wrong = 0
    with open_lab(options.programs) as lab:
        print(f"PostgreSQL {lab.admin.info.server_version}, seed {options.seed}", flush=True)
        if only in {None, "mutations"}:
            begun, campaign = time.monotonic(), Mutations(lab)
            cases, others = chosen(lab.major, lab.features)
            same = Mutations.neutral()
            if options.only and only is None:
                cases = [case for case in cases if options.only in case.name]
                same = [case for case in same if options.only in case.name]
            elif options.quick:
                cases = rng.sample(cases, len(cases) // 10)
            wrong += _told("everything at once", begun, campaign.check_all())
            begun, found = time.monotonic(), campaign.run(cases)
            found.skipped += others
            wrong += _told("mutations", begun, found)
            begun = time.monotonic()
            wrong += _told("what changes nothing", begun, campaign.run(same, same=True))
        if only == "interleavings" or options.only is None:
            begun, orders = time.monotonic(), Interleavings(lab, options.seed)
            found = orders.run(count)
            wrong += _told("interleavings", begun, found, orders.remark())
        if only == "clashes" or options.only is None:
            begun, orders = time.monotonic(), Interleavings(lab, options.seed)
            found = orders.clash(count // 5)
            wrong += _told("clashes", begun, found, orders.remark())
    return wrong


if __name__ == "__main__":
    sys.exit(1 if _main() else 0)
