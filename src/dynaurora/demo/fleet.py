"""The fleets: who flies which plane, as one DynamoDB table with several kinds of items.

Made of the flights, airlines and planes: an airline and the planes that fly for it have one
partition key, as in a single-table design.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from dynaurora.demo.dataset import Dataset, Item, KeyAttribute

_OF_A_PLANE: Final = ("model", "seats")


def fleet(airlines: Dataset, planes: Dataset, flights: Dataset) -> Dataset:
    """An item of each airline, and one of each plane for every airline that it has flown for."""
    by_plane: Counter[tuple[str, str]] = Counter()
    by_destination: Counter[tuple[str, str]] = Counter()
    for flight in flights.items():
        carrier = flight["carrier"]["S"]
        by_destination[carrier, flight["dest"]["S"]] += 1
        if "tailnum" in flight:
            by_plane[carrier, flight["tailnum"]["S"]] += 1
    items = [*_carriers(airlines.items(), by_destination), *_planes(planes.items(), by_plane)]
    key = (KeyAttribute("PK", "S"), KeyAttribute("SK", "S"))
    return Dataset("fleet", key, len(items), lambda: iter(items))


def _carriers(airlines: Iterable[Item], flights: Mapping[tuple[str, str], int]) -> Iterator[Item]:
    for airline in airlines:
        carrier = airline["carrier"]["S"]
        own = {airport: count for (name, airport), count in flights.items() if name == carrier}
        yield {
            "PK": {"S": f"CARRIER#{carrier}"},
            "SK": {"S": f"CARRIER#{carrier}"},
            "name": airline["name"],
            "flights": {"N": str(sum(own.values()))},
            "destinations": {"M": {airport: {"N": str(n)} for airport, n in own.items()}},
        }


def _planes(planes: Iterable[Item], flights: Mapping[tuple[str, str], int]) -> Iterator[Item]:
    known = {plane["tailnum"]["S"]: plane for plane in planes}
    for (carrier, tailnum), count in flights.items():
        plane = known.get(tailnum, {})
        yield {
            "PK": {"S": f"CARRIER#{carrier}"},
            "SK": {"S": f"PLANE#{tailnum}"},
            "kind": {"S": "plane"},
            "flights": {"N": str(count)},
            **{name: plane[name] for name in _OF_A_PLANE if name in plane},
        }
