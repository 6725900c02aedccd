"""Waves: what happens to items after they were written, planned first and then done.

A wave is made of *histories*: the changes of one key, in order. Of many keys the first changes are
done at once, then the second ones, and so on: changes of different keys cross each other, as they
do in life, and the changes of one key keep their order.
The last history of each table is a single change, held back until all others are done: when it has
arrived, every change before it has been captured (see `dynaurora.demo.arrival`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, Final, Literal

from dynaurora.adapters.aws import aws_errors
from dynaurora.demo.dataset import Dataset, Item
from dynaurora.demo.threads import each

_AT_ONCE: Final = 2
_TOGETHER: Final = 25
"""Of at most 100 in one transaction, so that waves come in pieces.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""


Attributes = Mapping[str, Mapping[str, Any] | None]
"""Values by the names of attributes; None for one that is to go."""


@dataclass(frozen=True, slots=True)
class Put:
    """The whole item, new or in place of what is there."""

    item: Item


@dataclass(frozen=True, slots=True)
class Update:
    """Some attributes get another value; the ones without a value are removed."""

    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Delete:
    """The item goes."""


Change = Put | Update | Delete


@dataclass(frozen=True, slots=True)
class History:
    """The changes of one key of one table, in order."""

    table: str
    key: Item
    changes: tuple[Change, ...]


Wave = Sequence[History]
Tell = Callable[[str, int], None]
"""``tell(table, changes)``: so many more changes of the table have been done."""


def plan_wave(datasets: Iterable[Dataset]) -> list[History]:
    """The wave of the demo: the same for the same items.

    Of each table: values change, attributes vanish, items are deleted, some of these come back,
    and some keys change many times in a row. Of countries also what is inside the items, and in the
    fleet items become others.
    """
    return [history for dataset in datasets for history in _histories(dataset)]


def do_wave(client: Any, wave: Wave, tell: Tell) -> None:
    """Do the histories, many at once; the last of each table when all others are done."""
    last = list({history.table: history for history in wave}.values())
    others = [history for history in wave if history not in last]

    def do(steps: Sequence[_Step]) -> Sequence[_Step]:
        with aws_errors("the changes of the wave"):
            client.transact_write_items(TransactItems=[_request(step) for step in steps])
        return steps

    for histories in (others, last):
        for turn in _turns(histories):
            for steps in each(do, _parts(turn), at_once=_AT_ONCE):
                for step in steps:
                    tell(step.history.table, 1)


@dataclass(frozen=True, slots=True)
class _Step:
    """One change of a history."""

    history: History
    change: Change


def _turns(histories: Sequence[History]) -> Iterator[list[_Step]]:
    """The first changes of all, then the second ones of those that have more."""
    for number in range(max(len(history.changes) for history in histories)):
        yield [_Step(h, h.changes[number]) for h in histories if number < len(h.changes)]


def _parts(steps: Sequence[_Step]) -> Iterator[Sequence[_Step]]:
    for start in range(0, len(steps), _TOGETHER):
        yield steps[start : start + _TOGETHER]


def _request(step: _Step) -> dict[str, Any]:
    where = {"TableName": step.history.table}
    match step.change:
        case Put(item=item):
            return {"Put": {**where, "Item": item}}
        case Delete():
            return {"Delete": {**where, "Key": step.history.key}}
        case Update(attributes=attributes):
            return {"Update": {**where, "Key": step.history.key, **_expression(attributes)}}


def _expression(attributes: Attributes) -> dict[str, Any]:
    """Every name by a placeholder: many attributes are reserved words.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
    """
    names = {f"#{number}": name for number, name in enumerate(attributes)}
    values = {
        f":{number}": value for number, value in enumerate(attributes.values()) if value is not None
    }
    sets = [f"{name} = :{name[1:]}" for name in names if f":{name[1:]}" in values]
    removes = [name for name in names if f":{name[1:]}" not in values]
    parts = [
        f"{word} {', '.join(clauses)}"
        for word, clauses in (("SET", sets), ("REMOVE", removes))
        if clauses
    ]
    expression: dict[str, Any] = {
        "UpdateExpression": " ".join(parts),
        "ExpressionAttributeNames": names,
    }
    return {**expression, "ExpressionAttributeValues": values} if values else expression


# --- the plan -----------------------------------------------------------------------------------

Fate = Literal["updated", "deleted", "back", "busy"]

_FATES: Final[tuple[Fate, ...]] = ("updated", "deleted", "updated", "back", "busy", "updated")
"""What becomes of the items that a wave touches, one after another."""

_REMAIN: Final[tuple[Fate, ...]] = ("updated", "back", "busy")
"""The same where the queries of other plugins look names up: nothing is gone for good."""

_BUSY_CHANGES: Final = 6


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a wave touches a table: so many items at most, and what an update does to one."""

    items: int
    update: Callable[[Item, int], Attributes]
    fates: tuple[Fate, ...] = _FATES


def _histories(dataset: Dataset) -> Iterator[History]:
    """Items from the whole table, evenly. The last history is one change: see above."""
    plan = _PLANS[dataset.table]
    every = max(1, dataset.size // plan.items)
    touched = list(islice(dataset.items(), 0, None, every))
    for number, item in enumerate(touched):
        is_last = number == len(touched) - 1
        fate = "updated" if is_last else plan.fates[number % len(plan.fates)]
        yield History(dataset.table, dataset.key_of(item), _changes(plan, item, number, fate))


def _changes(plan: _Plan, item: Item, number: int, fate: Fate) -> tuple[Change, ...]:
    def update(turn: int) -> Update:
        return Update(plan.update(item, number + turn))

    match fate:
        case "updated":
            return (update(1),)
        case "deleted":
            return (Delete(),)
        case "back":
            return (Delete(), Put(item), update(2))
        case "busy":
            updates = (update(turn) for turn in count(1))
            return (*islice(updates, _BUSY_CHANGES), Delete(), Put(item), update(_BUSY_CHANGES + 1))


def _airline(_item: Item, number: int) -> Attributes:
    """An attribute that the plugin does not know: the row stays as it is."""
    return {"members": {"N": str(1_000_000 + number)}}


def _airport(_item: Item, number: int) -> Attributes:
    """The time zone vanishes, or an airport moves by a digit that a float would not keep."""
    if number % 2:
        return {"tzone": None, "alt": {"N": str(number)}}
    return {"lat": {"N": f"40.{number:018}1"}}


def _plane(_item: Item, number: int) -> Attributes:
    return {"seats": {"N": str(1 + number % 400)}, "speed": None if number % 3 else {"N": "432"}}


def _fleet(item: Item, number: int) -> Attributes:
    """Planes retire, and some fly again; a destination goes and another comes."""
    if "destinations" in item:
        kept = dict(list(item["destinations"]["M"].items())[1:])
        return {"destinations": {"M": {**kept, f"X{number}": {"N": str(number)}}}}
    if number % 3 == 0:
        retired_on = {"S": f"2013-02-{1 + number % 28:02}"}
        return {"kind": {"S": "retired"}, "retired_on": retired_on, "flights": {"S": "none"}}
    return {"kind": {"S": "plane"}, "flights": {"N": str(1_000 + number)}, "retired_on": None}


def _weather(_item: Item, number: int) -> Attributes:
    return {"temp": {"N": f"{30 + number % 60}.{number % 100:02}"}, "wind_gust": None}


def _flight(item: Item, number: int) -> Attributes:
    """A flight is some minutes later after all; or it is cancelled, and its times are gone."""
    if number % 5 == 0 and "dep_time" in item:
        return dict.fromkeys(("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"))
    minutes = 1 + number % 7
    return {
        name: {"N": str(int(item.get(name, {"N": "0"})["N"]) + minutes)}
        for name in ("dep_delay", "arr_delay")
    }


def _country(item: Item, number: int) -> Attributes:
    """Lists become shorter, empty, longer; an entry of a map goes and another comes."""
    borders = item.get("borders", {}).get("L", [])
    translations = item.get("translations", {}).get("M", {})
    kept = dict(list(translations.items())[1:])
    return {
        "population": {"N": str(1_000_000 + number)},
        "borders": {"L": [borders[: number % 3], [*borders, {"S": f"X{number}"}]][number % 2]},
        "translations": {"M": {**kept, "eo": {"S": f"nomo {number}"}}},
        "timezones": None if number % 4 == 0 else {"L": [{"S": "UTC"}]},
    }


_PLANS: Final[Mapping[str, _Plan]] = {
    "airlines": _Plan(5, _airline, _REMAIN),
    "airports": _Plan(60, _airport, _REMAIN),
    "planes": _Plan(120, _plane),
    "fleet": _Plan(120, _fleet),
    "countries": _Plan(80, _country),
    "weather": _Plan(120, _weather),
    "flights": _Plan(600, _flight),
}
