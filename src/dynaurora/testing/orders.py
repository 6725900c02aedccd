"""The other orders in which the same changes may arrive, each of which must leave the same rows.

Firehose and SQS deliver late, twice and out of order, and a load takes what is there: so which
changes meet in a load, and which come late, is chance. Plain data: knows nothing of a database.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

Loads = Sequence[Sequence[bytes]]
"""Lines by the load that they come in."""

_MOST_LOADS: Final = 50
"""Of many changes, some come in one load, so that the check stays quick."""


@dataclass(frozen=True, slots=True)
class Order:
    """One way for changes to arrive. is_applied_again: all of it once more, as by a rebuild."""

    name: str
    loads: Loads
    is_applied_again: bool = False


def other_orders(loads: Loads) -> Iterator[Order]:
    """The orders to try. loads: the changes as they came."""
    lines = [line for load in loads for line in load]
    alone = _parts(lines)
    yield Order("all changes in one load", [lines])
    yield Order("each change in a load of its own", alone)
    yield Order("the newest change first", [part[::-1] for part in alone[::-1]])
    yield Order("every load twice, in another order", _shuffled([*alone, *alone]))
    yield Order("the state of every item applied twice", loads, is_applied_again=True)


def _parts(lines: Sequence[bytes]) -> list[Sequence[bytes]]:
    size = max(1, -(-len(lines) // _MOST_LOADS))
    return [lines[start : start + size] for start in range(0, len(lines), size)]


def _shuffled(loads: list[Sequence[bytes]]) -> list[Sequence[bytes]]:
    """Another order, and always the same."""
    random.Random(len(loads)).shuffle(loads)  # noqa: S311 - guards nothing
    return loads
