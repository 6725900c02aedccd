"""Sums: what SQL has summed up of items, against the sums of the items themselves.

A sum that is kept by difference is wrong for ever if one change is applied twice, or not at all:
nothing shows it more sharply.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

Image = Mapping[str, Mapping[str, Any]]
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Sums:
    """An SQL table of sums.

    key, columns: the columns that tell its groups, and those that are summed up.
    addend: the group of an item and what it adds to each sum; None where it adds nothing.
    """

    sql_table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    addend: Callable[[Image], tuple[Key, tuple[Decimal, ...]] | None]

    @property
    def statement(self) -> str:
        """All of its groups."""
        return f"select {', '.join((*self.key, *self.columns))} from {self.sql_table}"


class Summing:
    """Sums the items up, some at a time."""

    def __init__(self, sums: Sums) -> None:
        self.sums = sums
        self._found: dict[Key, tuple[Decimal, ...]] = {}

    def add(self, images: Iterable[Image]) -> None:
        """More items."""
        for image in images:
            found = self.sums.addend(image)
            if found is not None:
                key, addends = found
                before = self._found.get(key, (Decimal(0),) * len(addends))
                self._found[key] = tuple(map(Decimal.__add__, before, addends))

    def differences(self, rows: Iterable[Key]) -> Iterator[tuple[Key, str, Any, Any]]:
        """Key, column, what it should be and what it is; column "" for a whole group."""
        width = len(self.sums.key)
        there = {row[:width]: row[width:] for row in rows}
        for key in self._found.keys() | there.keys():
            expected, found = self._found.get(key), there.get(key)
            if expected is None or found is None:
                yield key, "", expected, found
                continue
            for column, one, other in zip(self.sums.columns, expected, found, strict=True):
                if one != other:
                    yield key, column, one, other


def _departure(flight: Image) -> tuple[Key, tuple[Decimal, ...]] | None:
    """A flight that was not cancelled adds itself and its delay to its airline's day."""
    if "dep_delay" not in flight:
        return None
    key = (int(flight["month"]["N"]), int(flight["day"]["N"]), flight["carrier"]["S"])
    return key, (Decimal(1), Decimal(flight["dep_delay"]["N"]))


SUMS: Final[Mapping[str, tuple[Sums, ...]]] = {
    "flights": (
        Sums(
            "flights_by_day",
            ("month", "day", "carrier"),
            ("departures", "minutes_late"),
            _departure,
        ),
    )
}
"""By DynamoDB table."""
