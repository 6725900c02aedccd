"""Kinds of items that overlap: an item for which two ``when`` hold lands in both Tables.

That may be meant, so it is a warning. Two ``when`` are taken to overlap if they look at the same
attribute and nothing that they say of one rules the other out; of those that look at different
attributes nothing can be known.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from dynaurora.model.paths import path_text
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.declarations import Condition, When


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two Tables, or two ``rows("$", …)``, and what of an item both take: ``PK "USER#*"``."""

    one: str
    other: str
    taken: str


def overlaps(plugin: Plugin) -> Iterator[Overlap]:
    """Those of a plugin, in the order in which it declares them."""
    kinds = [(name, rows.when) for name, rows in plugin.rows.items() if rows.when and not rows.path]
    for (one, when), (other, other_when) in combinations(kinds, 2):
        taken = _taken_by_both(when, other_when)
        if taken:
            yield Overlap(one, other, taken)


def _taken_by_both(one: When, other: When) -> str:
    """What both take of the first attribute that both look at; "" where one rules out the other."""
    others = {condition.path: condition for condition in other}
    found = [_common(mine, others[mine.path]) for mine in one if mine.path in others]
    return found[0] if found and all(found) else ""


def _common(one: Condition, other: Condition) -> str:
    """The first value or prefix that both take, or ""."""
    for mine, its in ((one, other), (other, one)):
        for value in mine.values:
            is_begun = isinstance(value, str) and value.startswith(its.prefixes)
            if is_begun or any(type(v) is type(value) and v == value for v in its.values):
                return _said(one, f'"{value}"' if isinstance(value, str) else value)
        for prefix in mine.prefixes:
            if prefix.startswith(its.prefixes):
                return _said(one, f'"{prefix}*"')
    return ""


def _said(condition: Condition, value: object) -> str:
    return f"{path_text(condition.path)} {value}"
