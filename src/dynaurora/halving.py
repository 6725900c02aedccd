"""Halving: which rows does the database refuse?

    rows in order     |............................x.............x...|
    a group            [---------- refused -----------]
    narrowed           [---------- taken --------][x]
    the next group                                    [-------- ...

A part of the rows is taken whole or refused whole. So groups are tried, one behind the other; one
that is refused is narrowed down to its first refused row by halving it, or, where the engine can
say how far it came, by looking there. A group that is taken doubles the next; one that is not lets
it reach a few times as far as the refused row was away: few refused rows cost few tries, and where
all are refused each costs one (docs/adr/0008-refused-rows-are-searched-in-groups.md has figures).

Knows rows by their numbers only; what it means to take them is the caller's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from dynaurora.errors import RowRefused

REACH: Final = 3
"""How far the next group goes, in distances of the last refused row."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why some rows are refused.

    at: the row at which the engine seems to have stopped; a hint, which is tried and not believed.
    """

    error: RowRefused
    at: int | None = None


Take = Callable[[int, int], Refusal | None]
"""Take the rows from the first number up to, and without, the second: all of them or none."""


class Search:
    """Among rows numbered from 0, take all but those that are refused alone."""

    def __init__(self, rows: int, take: Take) -> None:
        self._rows = rows
        self._take = take
        self._trust = 1

    def refused_alone(self) -> Iterator[tuple[int, RowRefused]]:
        """The rows that are refused alone, in order; what is before them is taken by then."""
        start, size = 0, max(1, self._rows // 2)
        while start < self._rows:
            stop = min(start + size, self._rows)
            refusal = self._take(start, stop)
            if refusal is None:
                start, size = stop, 2 * size
                continue
            row, alone = self._narrowed(start, stop, refusal)
            if alone is not None:
                yield row, alone.error
            start, size = row + 1, max(1, REACH * (row - start))

    def _narrowed(self, start: int, stop: int, refusal: Refusal) -> tuple[int, Refusal | None]:
        """The first refused row of rows that are refused, and why it is refused alone.

        None: it is taken alone. Rows may be refused together of which none is refused alone.
        """
        is_tried = True
        while stop - start > 1:
            middle = self._middle(start, stop, refusal.at)
            found = self._take(start, middle)
            self._learn(start, middle, stop, refusal.at, is_refused=found is not None)
            if found is None:
                start, is_tried = middle, False
            else:
                stop, refusal, is_tried = middle, found, True
        return start, refusal if is_tried else self._take(start, stop)

    def _middle(self, start: int, stop: int, at: int | None) -> int:
        """Before the row of the hint, then behind it; without a hint, half way."""
        if self._trust > 0 and at is not None and start <= at < stop:
            return max(start + 1, at)
        return (start + stop) // 2

    def _learn(
        self, start: int, middle: int, stop: int, at: int | None, *, is_refused: bool
    ) -> None:
        """Hints are followed while more of them have been right than wrong."""
        if at is None or not start <= at < stop:
            return
        if is_refused != (at < middle):
            self._trust -= 1
        elif is_refused and middle - start == 1:
            self._trust += 1
