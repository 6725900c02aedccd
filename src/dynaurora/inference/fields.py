"""Which columns and rows evidence asks for: types and paths, not yet names.

one type of value                 ─► a column of that type
a map whose names are a record's  ─► a column per name, by path
a map whose names are data        ─► rows, one per entry: ``m{}``
a list or a set                   ─► rows, one per element: ``l[]``
several types, odd, deep          ─► ``json``
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from dynaurora.inference.evidence import Evidence
from dynaurora.inference.limits import Limits
from dynaurora.model.paths import Attribute, Each, Path, levels

_RECORD_NAMES: Final = 40
"""A record with more attributes would be wider than most tables."""

_FEW_NAMES: Final = 3
_FORMAT_TIMES: Final = 10
"""A text that few items have, and that spells a date, may spell anything next time."""

_LEVELS: Final = 2
_DEPTH: Final = 4
_DATA_NAME: Final = re.compile(r"[\d.,:/+ -]+|[0-9a-f-]{32,36}|\S*[@#]\S*", re.ASCII)
"""Names that are dates, numbers, UUIDs, addresses: nobody calls an attribute so."""

_LISTS: Final = frozenset({"L", "SS", "NS", "BS"})
_SCALARS: Final = {"S": "text", "N": "numeric", "B": "bytes", "BOOL": "boolean"}

Kind = Literal["column", "record", "entries", "elements"]


@dataclass(frozen=True, slots=True)
class ColumnDraft:
    """A column without a name.

    type: its word. path: from the item, or from the element or entry that its row stands for.
    times: how often it was there. note: the evidence, for people.
    lacks: what the engine does not hold of what was seen; "" where it holds all.
    """

    type: str
    path: Path
    times: int
    note: str
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class RowsDraft:
    """Rows without a name. path: ends in ``[]`` or ``{}``."""

    path: Path
    times: int
    note: str
    columns: tuple[ColumnDraft, ...]


Draft = ColumnDraft | RowsDraft


def drafts(
    limits: Limits, names: Mapping[str, Evidence], times: int, key_bytes: int
) -> list[Draft]:
    """The columns and rows of a record that was seen so often, in the order of their paths.

    key_bytes: what the item's key takes of an index. Of rows it holds beside it the names of the
    maps that they are in.
    """
    return list(
        _Drafting(limits).record(names, (), (), times, limits.dialect.index_room - key_bytes)
    )


def share(times: int, of: int) -> str:
    """A part for people, never 100 % or 0 % where it is not.

    >>> share(5, 5), share(9_999, 10_000), share(1, 3), share(1, 2_000)
    ('100 %', '99.9 %', '33 %', 'under 0.1 %')
    """
    if times == of:
        return "100 %"
    tenths = 1_000 * times // of
    if not tenths:
        return "under 0.1 %"
    if tenths < 10 or tenths >= 990:
        return f"{tenths // 10}.{tenths % 10} %"
    return f"{(100 * times + of // 2) // of} %"


def kind_of(limits: Limits, seen: Evidence) -> Kind:
    """What becomes of what was seen at one place."""
    types = seen.types
    if types == {"M"}:
        return _kind_of_maps(limits, seen)
    if types and types <= _LISTS and seen.elements is not None and seen.elements.times:
        return "column" if seen.elements.types & _LISTS else "elements"  # no matrices
    return "column"


def key_draft(limits: Limits, name: str, tag: str, role: str, seen: Evidence) -> ColumnDraft:
    """The column of a key attribute, of the type that tells its keys apart.

    tag: S, N or B. role: what the note calls it.
    """
    word = _SCALARS[tag]
    told = [role, *_size(word, seen)]
    if longest_bytes(seen) > limits.dialect.index_room or not limits.is_key(word, seen):
        told.append(f"more than {limits.product}'s index holds")
    if not limits.holds_numbers(seen.numbers):
        told.append(f"more than {limits.product}'s numbers hold")
    if seen.has_nul and not limits.holds_nul:
        told.append(f"{_nul(limits)}: those are quarantined")
    return ColumnDraft(word, (Attribute(name),), seen.times, "; ".join(told))


def longest_bytes(seen: Evidence) -> int:
    """How many bytes the longest value of a key attribute has; of a number, at most."""
    digits = seen.numbers.integer_digits + seen.numbers.scale
    return max(seen.texts.longest_bytes, seen.longest_binary, digits)


def _kind_of_maps(limits: Limits, seen: Evidence) -> Kind:
    if not seen.keys.times:
        return "column"  # always empty
    entries = seen.every_entry()
    if _is_record(seen, entries):
        return "record"
    is_alike = len(entries.types) == 1 or (entries.types and entries.types <= _LISTS)
    return "entries" if is_alike and limits.can_be_keys(seen.keys) else "column"


def _is_record(seen: Evidence, entries: Evidence) -> bool:
    """Whether the names of a map are those of a record: few, most of them always there."""
    if seen.is_open or "" in seen.names or len(seen.names) > _RECORD_NAMES:
        return False
    if all(_DATA_NAME.fullmatch(name) for name in seen.names):
        return False
    is_full = 2 * seen.keys.times >= len(seen.names) * seen.tags["M"]
    return is_full or len(entries.types) > 1 or len(seen.names) <= _FEW_NAMES


@dataclass(frozen=True, slots=True)
class _Drafting:
    """Drafts for one engine."""

    limits: Limits

    def record(
        self, names: Mapping[str, Evidence], base: Path, path: Path, times: int, room: int
    ) -> Iterator[Draft]:
        for name in sorted(names, key=lambda name: (name.lower(), name)):
            yield from self._place(names[name], base, (*path, Attribute(name)), times, room)

    def _place(
        self, seen: Evidence, base: Path, path: Path, times: int, room: int
    ) -> Iterator[Draft]:
        """base: the path of the rows that this is inside; path: from there.

        room: how many bytes the names of maps may have, to be in an index.
        """
        kind = kind_of(self.limits, seen)
        left = room - self._index_bytes(kind, seen)
        if kind == "record" and len(path) < _DEPTH:
            yield from self.record(seen.names, base, path, times, room)
        elif kind in ("entries", "elements") and len(levels(base)) < _LEVELS and left >= 0:
            yield from self._rows(kind, seen, (*base, *path), times, left)
        else:
            yield self._column(seen, path, times)

    def _index_bytes(self, kind: Kind, seen: Evidence) -> int:
        """What tells these rows apart takes so much of an index."""
        if kind == "entries":
            return self.limits.index_bytes("text", seen.keys.longest_bytes)
        return self.limits.index_bytes("integer", 0) if kind == "elements" else 0

    def _rows(
        self, kind: Kind, seen: Evidence, path: Path, times: int, room: int
    ) -> Iterator[RowsDraft]:
        """The rows of a map or list, and those that are inside them."""
        inner = seen.every_entry() if kind == "entries" else seen.elements
        assert inner is not None  # noqa: S101 - see kind_of
        whole = (*path, Each("{}" if kind == "entries" else "[]"))
        found = list(self._place(inner, whole, (), inner.times, room))
        columns = tuple(each for each in found if isinstance(each, ColumnDraft))
        if columns:
            note = f"{share(seen.times, times)}; at most {_counted(seen.most_rows, 'row')}"
            yield RowsDraft(whole, seen.times, note, columns)
        yield from (each for each in found if isinstance(each, RowsDraft))

    def _column(self, seen: Evidence, path: Path, times: int) -> ColumnDraft:
        word = self._type(seen, times)
        null = (f"NULL in {seen.tags['NULL']:,}",) if seen.types and "NULL" in seen.tags else ()
        words = seen.texts.words if word == "text" else []
        if words:
            note = "; ".join((f"{share(seen.times, times)}: {', '.join(words)}", *null))
        else:
            note = "; ".join((share(seen.times, times), *_size(word, seen), *null))
        is_refused = seen.has_nul and word in ("text", "json") and not self.limits.holds_nul
        lacks = f"{_nul(self.limits)}: those would be quarantined" if is_refused else ""
        return ColumnDraft(word, path, seen.times, note, lacks)

    def _type(self, seen: Evidence, times: int) -> str:
        """The type that holds all that was seen, and of its kind what may come."""
        if len(seen.types) != 1:
            return "json"
        (tag,) = seen.types
        is_enough = seen.texts.times >= _FORMAT_TIMES or 2 * seen.texts.times >= times
        if tag == "S" and seen.texts.formats and is_enough:
            word = seen.texts.formats[0]
            return word if self.limits.holds_times(word, seen.texts) else "text"
        if tag == "N" and not self.limits.holds_numbers(seen.numbers):
            return "json"
        return _SCALARS.get(tag, "json")


def _nul(limits: Limits) -> str:
    return f"U+0000 in some, which {limits.product} does not hold"


def _size(word: str, seen: Evidence) -> Iterator[str]:
    if word == "text":
        yield f"at most {_counted(seen.texts.longest, 'character')}"
    elif word == "numeric":
        yield _digits(seen)
    elif word == "bytes":
        yield f"at most {_counted(seen.longest_binary, 'byte')}"
    elif word == "json":
        yield _types_seen(seen)


def _digits(seen: Evidence) -> str:
    found = seen.numbers
    digits = _counted(max(1, found.integer_digits + found.scale), "digit")
    decimals = f", {_counted(found.scale, 'decimal')}" if found.scale else ""
    return f"at most {digits}{decimals}"


def _types_seen(seen: Evidence) -> str:
    if not seen.types:
        return "always NULL"
    if len(seen.types) == 1:
        (tag,) = seen.types
        return {"M": "a map", "L": "a list"}.get(tag, f"always {tag}")
    by_times = sorted(seen.types, key=lambda tag: (-seen.tags[tag], tag))
    return ", ".join(f"{tag} in {seen.tags[tag]:,}" for tag in by_times)


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
