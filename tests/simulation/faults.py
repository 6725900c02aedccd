"""What may go wrong, how often in a history, and how often it has.

A history has some kinds of fault and not others, and each at its own rate: a world in which
everything fails all the time never gets to the states that lie behind a success.
"""

import random
from collections import Counter
from collections.abc import Collection
from typing import Final

KINDS: Final = {
    # kind: the highest rate in a history
    # DynamoDB Streams and the stream mapping
    "shard split": 0.2,
    "stream made anew": 0.06,
    "batch handed over twice": 0.15,
    "batch held up": 0.06,
    "capture crashed": 0.12,
    # Firehose
    "Firehose away": 0.12,
    "put failed in part": 0.3,
    "put throttled": 0.2,
    "put of unknown outcome": 0.15,
    "transform failed": 0.15,
    "record could not be processed": 0.03,
    "records reordered": 0.5,
    "object delivered twice": 0.1,
    "object late": 0.3,
    "unreadable line": 0.15,
    # S3
    "event doubled": 0.1,
    "event late": 0.2,
    "event lost": 0.25,
    "S3 slow down": 0.02,
    # SQS and the load
    "message handed to two": 0.06,
    "message delivered again": 0.06,
    "load held up": 0.012,
    "load crashed": 0.01,
    "session ended": 0.004,
    "out of time": 0.2,
    "plugin changed": 0.04,
    "database killed": 0.0005,
    # the changes themselves
    "value refused": 0.08,
    "row refused": 0.08,
    "change too large for a record": 0.08,
}
"""The first four groups are what AWS's documents allow: docs/under-the-hood.md says where."""

LEAST_KINDS: Final = 10
"""A history goes on until so many kinds have been seen in it."""


class Faults:
    """The faults of one history.

    kinds: those that may happen. Each part of the world draws by itself, so a history that is made
    smaller stays alike in what is left.
    """

    def __init__(self, seed: str, kinds: Collection[str]) -> None:
        chance = random.Random(f"{seed} faults")
        left_out = set(chance.sample(sorted(KINDS), len(KINDS) // 4))
        rates = {kind: highest * chance.choice((0.3, 1, 1)) for kind, highest in KINDS.items()}
        self._rates = {kind: rates[kind] for kind in kinds if kind not in left_out}
        self._draws = {kind: random.Random(f"{seed} {kind}") for kind in KINDS}
        self.seen: Counter[str] = Counter()
        self.consequences: Counter[str] = Counter()
        self.is_calm = False
        """In the end the world is calm, so that everything can arrive."""

    def worsen(self) -> None:
        """Let everything that may happen happen more often."""
        self._rates = {k: min(0.5, 4 * KINDS[k], 2 * rate) for k, rate in self._rates.items()}

    def happens(self, kind: str) -> bool:
        """Draw; what happens is counted."""
        if self.is_calm or self._draws[kind].random() >= self._rates.get(kind, 0):
            return False
        self.seen[kind] += 1
        return True

    def follows(self, consequence: str) -> None:
        """Count what follows from faults and is none itself."""
        self.consequences[consequence] += 1

    def draw(self, kind: str) -> random.Random:
        """Chance for how exactly it goes wrong."""
        return self._draws[kind]
