"""Entities: the kinds of items that one DynamoDB table holds, where it holds several.

They are told apart by what each item has: prefixes of its key (``USER#1``), or an attribute of few
values. Either counts only if the kinds share few attributes; an order that is paid is still one.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/data-modeling-foundations.html
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, Final

Image = Mapping[str, Mapping[str, Any]]
Condition = tuple[tuple[str, str], ...]
"""What the items of an entity have: attribute and value, or prefix with ``*``; all must hold."""

MOST_ENTITIES: Final = 30
_ITEMS_EACH: Final = 5
_ITEMS_EACH_PREFIX: Final = 2
_CONSTANTS: Final = 10
_CONSTANT_TIMES: Final = 2
_ALIKE: Final = 0.5
_ALIKE_PREFIXES: Final = 0.6
"""How much of their attributes two entities share, at most and on average. Prefixes of keys are a
stronger sign, for nobody writes them without meaning it."""

_PREFIX: Final = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*[#|:])")
_WORD: Final = re.compile(r"[A-Za-z][\w .:/#-]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entity:
    """Items of one kind. name, when: "" and nothing where the table holds one kind only."""

    name: str
    when: Condition
    images: Sequence[Image]


def entities(images: Sequence[Image], key: Mapping[str, str]) -> list[Entity]:
    """The kinds of items, sorted by what tells them apart; one where nothing does.

    key: the key attributes and their types, partition key first.
    """
    ways = _ways(images, key)
    found = [grouped for grouped, most in ways if _likeness(grouped, key) <= most]
    if not found:
        return [Entity("", (), images)]
    grouped = max(found, key=len)  # the finest; of equals the first, prefixes
    names = _names(list(grouped))
    return [Entity(names[when], when, grouped[when]) for when in sorted(grouped)]


_Grouped = Mapping[Condition, Sequence[Image]]
_Reader = Callable[[Image], tuple[str, str]]
"""Gives the attribute that an item is told by, and its value or prefix."""


def _ways(images: Sequence[Image], key: Mapping[str, str]) -> Iterator[tuple[_Grouped, float]]:
    """The ways to tell the items apart, each with how much alike its entities may be."""
    prefixes = list(_prefix_readers(images, key))
    if prefixes:
        grouped = _grouped(images, prefixes)
        is_prefixed = any(value.endswith("*") for when in grouped for _, value in when)
        if is_prefixed and _are_several(grouped, _ITEMS_EACH_PREFIX):
            yield grouped, _ALIKE_PREFIXES
    for name in sorted(_worded(images) - key.keys()):
        grouped = _grouped(images, [partial(_word, name)])
        if _are_several(grouped, _ITEMS_EACH):
            yield grouped, _ALIKE


def _prefix_readers(images: Sequence[Image], key: Mapping[str, str]) -> Iterator[_Reader]:
    """The parts of the key that have prefixes. A sort key may be words alone; words in a partition
    key are data, such as names."""
    for number, (name, tag) in enumerate(key.items()):
        if tag != "S":
            continue
        read = partial(_prefix, name)
        counts = Counter(read(image)[1] for image in images)
        words = {text: times for text, times in counts.items() if not text.endswith("*")}
        is_few = len(counts) <= MOST_ENTITIES and len(words) <= _CONSTANTS
        are_words = all(
            _WORD.fullmatch(text) and times >= _CONSTANT_TIMES for text, times in words.items()
        )
        is_prefixed = 2 * sum(words.values()) < len(images)
        if is_few and are_words and (is_prefixed or number > 0):
            yield read


def _prefix(name: str, image: Image) -> tuple[str, str]:
    text = image[name]["S"]
    found = _PREFIX.match(text)
    return name, f"{found[1]}*" if found else text


def _word(name: str, image: Image) -> tuple[str, str]:
    return name, image[name]["S"]


def _worded(images: Sequence[Image]) -> set[str]:
    """The attributes that every item has, as one of few texts."""
    first = images[0] if images else {}
    return {name for name in first if _is_worded(name, images)}


def _is_worded(name: str, images: Sequence[Image]) -> bool:
    seen: set[str] = set()
    for image in images:
        text = image.get(name, {}).get("S")
        if text is None or not _WORD.fullmatch(text):
            return False
        seen.add(text)
        if len(seen) > MOST_ENTITIES:
            return False
    return True


def _grouped(images: Sequence[Image], readers: Sequence[_Reader]) -> _Grouped:
    found: dict[Condition, list[Image]] = {}
    for image in images:
        found.setdefault(tuple(read(image) for read in readers), []).append(image)
    return found


def _are_several(grouped: _Grouped, items_each: int) -> bool:
    items = sum(map(len, grouped.values()))
    return 1 < len(grouped) <= MOST_ENTITIES and items >= items_each * len(grouped)


def _likeness(grouped: _Grouped, key: Mapping[str, str]) -> float:
    """How much of their usual attributes two entities share, on average: 0 to 1.

    One without any is no sign of another kind.
    """
    told_by = {name for when in grouped for name, _ in when} | key.keys()
    usual = [_usual(images) - told_by for images in grouped.values()]
    shares = [len(a & b) / len(a | b) if a and b else 1 for a, b in combinations(usual, 2)]
    return sum(shares) / len(shares)


def _usual(images: Sequence[Image]) -> set[str]:
    """The attributes that at least half of the items have."""
    counts = Counter(name for image in images for name in image)
    return {name for name, times in counts.items() if 2 * times >= len(images)}


def _names(conditions: Sequence[Condition]) -> dict[Condition, str]:
    """An entity is called as its last value, if no other is; else as all of them."""
    last = {when: _bare(when[-1][1]) for when in conditions}
    counts = Counter(last.values())
    return {
        when: last[when]
        if counts[last[when]] == 1
        else "_".join(dict.fromkeys(_bare(value) for _, value in when))
        for when in conditions
    }


def _bare(value: str) -> str:
    return value.rstrip("*").rstrip("#|:")
