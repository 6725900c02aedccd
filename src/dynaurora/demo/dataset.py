"""What a dataset is: the items of one DynamoDB table, as often as they are asked for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

Item = Mapping[str, Mapping[str, Any]]
"""An item in DynamoDB JSON: ``{"carrier": {"S": "UA"}}``."""


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """An attribute of a table's key; ``type`` is ``S`` or ``N``."""

    name: str
    type: str


@dataclass(frozen=True)
class Dataset:
    """The items of one DynamoDB table.

    key: partition key first. size: how many items there are. make: gives them, one by one, as
        often as it is asked: a year of flights is never in memory as items.
    """

    table: str
    key: tuple[KeyAttribute, ...]
    size: int
    make: Callable[[], Iterator[Item]]

    def items(self) -> Iterator[Item]:
        return islice(self.make(), self.size)

    def key_of(self, item: Item) -> Item:
        """The key attributes of an item."""
        return {attribute.name: item[attribute.name] for attribute in self.key}

    def limited(self, size: int) -> "Dataset":
        """The first items alone."""
        return Dataset(self.table, self.key, min(size, self.size), self.make)
