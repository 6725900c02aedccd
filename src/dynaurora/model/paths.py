"""Where a value is in an item: ``a.b``, ``a[0]``, ``"a.b".c``, ``$``; for rows ``a[]``, ``a{}``.

A missing attribute and a NULL on the way give nothing; a value of another type on the way is
refused, because the path says that the plugin's author expected something else there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from dynaurora.errors import ValueRefused
from dynaurora.model.types import sorted_set


@dataclass(frozen=True, slots=True)
class Attribute:
    """A step to the attribute of this name."""

    name: str


@dataclass(frozen=True, slots=True)
class Element:
    """A step to the element of a list at this position, from 0."""

    position: int


@dataclass(frozen=True, slots=True)
class Each:
    """A step to every element of a list or set, or to every entry of a map: a level of rows."""

    kind: Literal["[]", "{}"]


PathStep = Attribute | Element | Each
Path = tuple[PathStep, ...]
"""``()`` is ``$``: the thing itself."""

_TOKEN: Final = re.compile(
    r"""(?P<dot>\.)?(?P<name>"(?:[^"]|"")+"|[^."\[\]{}]+)|\[(?P<position>\d*)\]|(?P<map>\{\})"""
)


def path(text: str) -> Path | None:
    """Read a path; None where it is none.

    >>> path('a[0]."b.c"')
    (Attribute(name='a'), Element(position=0), Attribute(name='b.c'))
    >>> path("$"), path("a..b")
    ((), None)
    """
    if text == "$":
        return ()
    steps: list[PathStep] = []
    position = 0
    if text.startswith(("$.", "$[", "${")):
        position = 2 if text[1] == "." else 1
    start = position
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return None
        step = _step(match, is_first=position == start)
        if step is None:
            return None
        steps.append(step)
        position = match.end()
    return tuple(steps) or None


_PLAIN_NAME: Final = re.compile(r"[\w-]+")


def path_text(steps: Path) -> str:
    """A path as it is written; `path` reads it back. An attribute's name is not empty.

    >>> path_text((Attribute("a"), Element(0), Attribute("b.c"))), path_text(())
    ('a[0]."b.c"', '$')
    """
    if not steps:
        return "$"
    return "".join(map(_step_text, steps)).removeprefix(".")


def _step_text(step: PathStep) -> str:
    if isinstance(step, Each):
        return step.kind
    if isinstance(step, Element):
        return f"[{step.position}]"
    if _PLAIN_NAME.fullmatch(step.name):
        return f".{step.name}"
    doubled = step.name.replace('"', '""')
    return f'."{doubled}"'


def _step(match: re.Match[str], *, is_first: bool) -> PathStep | None:
    if match["name"]:
        if bool(match["dot"]) == is_first:  # a dot stands between names, not before the first
            return None
        name = match["name"]
        return Attribute(name[1:-1].replace('""', '"') if name[0] == '"' else name)
    if match["map"]:
        return Each("{}")
    return Element(int(match["position"])) if match["position"] else Each("[]")


def levels(steps: Path) -> list[Each]:
    """The levels of rows in a path."""
    return [step for step in steps if isinstance(step, Each)]


def value_at(
    steps: Sequence[PathStep], value: Mapping[str, Any], *, keeps_null: bool = False
) -> Mapping[str, Any] | None:
    """Follow a path without levels; None where there is nothing or NULL.

    keeps_null: a NULL at the very end is given as it is, for who tells it from a missing attribute.
    """
    here: Mapping[str, Any] | None = value
    for step in steps:
        if here is None or "NULL" in here:
            return None
        here = _inner(step, here)
    if here is not None and "NULL" in here and not keeps_null:
        return None
    return here


def _inner(step: PathStep, value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    ((tag, content),) = value.items()
    if isinstance(step, Attribute):
        if tag != "M":
            raise _another_type(tag, f"M, which has {step.name}")
        found: Mapping[str, Any] | None = content.get(step.name)
        return found
    assert isinstance(step, Element)  # noqa: S101 - levels are walked by rows_at
    if tag != "L":
        raise _another_type(tag, "L")
    return content[step.position] if step.position < len(content) else None


def rows_at(
    steps: Path, value: Mapping[str, Any], levels_so_far: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Each row below a path: what its levels are called (position or map key), and its value.

    Nothing and NULL where the rows should be give no rows; an element that is NULL is a row.
    """
    for index, step in enumerate(steps):
        if isinstance(step, Each):
            here = value_at(steps[:index], value)
            if here is None:
                return
            for name, inner in _entries(step, here):
                yield from rows_at(steps[index + 1 :], inner, (*levels_so_far, name))
            return
    found = value_at(steps, value) if steps else value
    if found is not None:
        yield levels_so_far, found


def _entries(step: Each, value: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    ((tag, content),) = value.items()
    if step.kind == "{}":
        if tag != "M":
            raise _another_type(tag, "M")
        yield from content.items()
    elif tag == "L":
        yield from ((str(position), inner) for position, inner in enumerate(content))
    elif tag in ("SS", "NS", "BS"):
        yield from ((str(n), {tag[0]: text}) for n, text in enumerate(sorted_set(value)))
    else:
        raise _another_type(tag, "L or a set")


def _another_type(tag: str, expected: str) -> ValueRefused:
    return ValueRefused("path", f"an attribute of type {tag[:10]}", expected)
