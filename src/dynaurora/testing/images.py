"""Items as people write them in Python, and as DynamoDB JSON, in which they travel.

    "a" S   1, Decimal("1.5") N   b"…" B   True BOOL   None NULL   [..] L   {..: ..} M
    {"a"} SS   {1, 2} NS   {b"…"} BS

The key tells the two apart: DynamoDB has no key that is a map, so an item whose key is one is in
DynamoDB JSON already.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from types import NoneType
from typing import Any, Final

from dynaurora.errors import TrialError
from dynaurora.model.numbers import number

__tracebackhide__ = True  # see trial

Item = Mapping[str, Any]
"""An item: attribute names and plain Python values, or DynamoDB JSON."""

Image = dict[str, Mapping[str, Any]]

_DIGITS: Final = 38
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html"""

_REMEDY: Final = "An item is made of str, int, Decimal, bytes, bool, None, list, dict and set."


def image_of(item: Item, key: Collection[str]) -> Image:
    """The image of an item.

    >>> image_of({"order_id": "a", "total": Decimal("1.50")}, ["order_id"])
    {'order_id': {'S': 'a'}, 'total': {'N': '1.5'}}
    >>> image_of({"order_id": {"S": "a"}}, ["order_id"])
    {'order_id': {'S': 'a'}}

    key: the attributes of its key. Raises ``TrialError`` for a value that DynamoDB does not
    have, a float among them.
    """
    _check(item, key)
    if any(isinstance(item[name], Mapping) for name in key):
        return dict(item)
    return {name: _value(f'item["{name}"]', value) for name, value in item.items()}


def item_of(image: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An image as Python values; numbers are Decimal.

    >>> item_of({"total": {"N": "1.5"}, "tags": {"SS": ["a"]}})
    {'total': Decimal('1.5'), 'tags': {'a'}}
    """
    return {name: _plain(value) for name, value in image.items()}


def _check(item: Item, key: Collection[str]) -> None:
    if not isinstance(item, Mapping):
        raise TrialError("an item", f"it is of type {type(item).__name__}", "a dict")
    for name in key:
        if name not in item:
            raise TrialError(
                "an item",
                f'it has no attribute "{name}", which is part of its key',
                ", ".join(f'"{each}"' for each in key),
            )


def _value(place: str, value: object) -> dict[str, Any]:
    for kinds, write in _WRITERS:
        if isinstance(value, kinds):
            return write(place, value)
    if isinstance(value, float):
        exact = f'Decimal("{value!r}"), which is exact'
        raise TrialError(place, f"it is a float, {value!r}", exact)
    found = f"it is of type {type(value).__name__}"
    raise TrialError(place, found, "a value of DynamoDB", _REMEDY)


def _map(place: str, value: Mapping[object, object]) -> dict[str, Any]:
    return {"M": {_name(place, n): _value(f'{place}["{n}"]', each) for n, each in value.items()}}


def _list(place: str, value: Sequence[object]) -> dict[str, Any]:
    return {"L": [_value(f"{place}[{n}]", each) for n, each in enumerate(value)]}


def _name(place: str, name: object) -> str:
    if not isinstance(name, str):
        raise TrialError(place, f"it has the name {name!r}", "names of type str")
    return name


def _number(place: str, value: int | Decimal) -> str:
    """As DynamoDB writes it: without zeros at its ends."""
    if isinstance(value, Decimal) and not value.is_finite():
        raise TrialError(place, f"it is {value}", "a finite number")
    found = number(str(value))
    if len(found.digits) > _DIGITS:
        raise TrialError(place, f"it has {len(found.digits)} digits", f"at most {_DIGITS}")
    return found.plain()


def _set(place: str, value: AbstractSet[object]) -> dict[str, Any]:
    elements = [_value(place, each) for each in value]
    tags = {tag for element in elements for tag in element}
    if len(tags) != 1 or not tags <= {"S", "N", "B"}:
        found = "it is empty" if not elements else f"it has elements of {', '.join(sorted(tags))}"
        raise TrialError(place, found, "a set of texts, of numbers or of bytes")
    (tag,) = tags
    return {f"{tag}S": sorted(element[tag] for element in elements)}


def _plain(value: Mapping[str, Any]) -> Any:
    ((tag, content),) = value.items()
    read = _READERS.get(tag)
    return content if read is None else read(content)


def _elements(tag: str) -> Callable[[Sequence[str]], set[Any]]:
    return lambda content: {_plain({tag: each}) for each in content}


_WRITERS: Final[tuple[tuple[Any, Callable[[str, Any], dict[str, Any]]], ...]] = (
    # The first that fits: a bool is an int, and a text a sequence.
    (NoneType, lambda _, __: {"NULL": True}),
    (bool, lambda _, value: {"BOOL": value}),
    (str, lambda _, value: {"S": value}),
    ((int, Decimal), lambda place, value: {"N": _number(place, value)}),
    ((bytes, bytearray), lambda _, value: {"B": b64encode(value).decode("ascii")}),
    (Mapping, _map),
    (AbstractSet, _set),
    (Sequence, _list),
)

_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "NULL": lambda _: None,
    "N": Decimal,
    "B": b64decode,
    "M": item_of,
    "L": lambda content: [_plain(each) for each in content],
    "SS": set,
    "NS": _elements("N"),
    "BS": _elements("B"),
}
