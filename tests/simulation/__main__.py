"""`python -m simulation --histories 1000 --seed 1`: random histories, and what they came to."""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence

from dynaurora.errors import LocalServerError
from simulation.engines import ENGINES
from simulation.faults import KINDS
from simulation.pool import Pool
from simulation.run import CHANGES, Outcome


def main() -> int:
    """Run the histories; 1 if one of them diverges."""
    asked = _arguments()
    kinds = frozenset(KINDS) - set(asked.without)
    seeds = [str(asked.seed + number) for number in range(asked.histories)]
    begin = time.monotonic()
    outcomes: list[Outcome] = []
    with Pool(asked.engine, asked.processes, asked.changes, kinds) as pool:
        for outcome in pool.run(seeds):
            outcomes.append(outcome)
            _tell_progress(outcomes, len(seeds), time.monotonic() - begin)
            if outcome.divergence:
                print(f"\nhistory {outcome.seed} diverges: {outcome.divergence}", flush=True)
                if not asked.keep_going:
                    print(pool.shrink(outcome.seed), flush=True)
                    break
    _tell(outcomes, time.monotonic() - begin)
    return 1 if any(outcome.divergence for outcome in outcomes) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make simulate",
        description="Random histories of changes on an AWS that is as bad as its documents allow.",
        epilog="make simulate HISTORIES=1 SEED=417: the history that the seed 417 makes.",
    )
    parser.add_argument("--engine", choices=ENGINES, default="postgresql")
    parser.add_argument("--histories", type=int, default=1000, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the first history")
    parser.add_argument("--changes", type=int, default=CHANGES, metavar="N", help="at least")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1), metavar="N")
    parser.add_argument("--without", action="append", default=[], choices=KINDS, metavar="KIND")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at a divergence")
    return parser.parse_args()


def _tell_progress(outcomes: Sequence[Outcome], count: int, seconds: float) -> None:
    if not sys.stderr.isatty() and len(outcomes) % 50:
        return
    left_s = seconds / len(outcomes) * (count - len(outcomes))
    end = "" if sys.stderr.isatty() else "\n"
    text = f"\r{len(outcomes)} of {count} histories, {seconds:.0f} s, about {left_s:.0f} s left"
    print(f"{text}  ", end=end, file=sys.stderr, flush=True)


def _tell(outcomes: Sequence[Outcome], seconds: float) -> None:
    faults: Counter[str] = Counter()
    consequences: Counter[str] = Counter()
    for outcome in outcomes:
        faults.update(outcome.faults)
        consequences.update(outcome.consequences)
    print()
    for kind in KINDS:
        print(f"{faults[kind]:>9,}  {kind}")
    print("and what followed")
    for kind, number in sorted(consequences.items()):
        print(f"{number:>9,}  {kind}")
    if outcomes:
        fewest = min(outcomes, key=lambda outcome: len(outcome.faults))
        slowest = max(outcomes, key=lambda outcome: outcome.seconds)
        print(
            f"at least {len(fewest.faults)} kinds of fault (seed {fewest.seed}) and "
            f"{min(outcome.changes for outcome in outcomes)} changes in each history; "
            f"{seconds:.0f} s, the slowest history {slowest.seconds:.1f} s (seed {slowest.seed})"
        )
    print(
        f"histories={len(outcomes)} changes={sum(o.changes for o in outcomes)} "
        f"faults={faults.total()} kinds={len(faults)} "
        f"divergences={sum(bool(o.divergence) for o in outcomes)}"
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LocalServerError as error:
        sys.exit(str(error))
