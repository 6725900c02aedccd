"""What was seen at one place of the items: types, sizes, and a few of the values.

An item is seen once and not kept. Values are kept only while they look like the words of a list
(`Texts.words`), so that what may be personal is not shown.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dynaurora.errors import ValueRefused
from dynaurora.model.numbers import number
from dynaurora.model.types import ColumnType, reader

MOST_NAMES: Final = 100
"""A map with more different names is no record: its entries are seen as one from then on."""

_WORDS: Final = 6
_WORD_TIMES: Final = 10
_WORD: Final = re.compile(r"[A-Za-z][\w .:/#+-]{0,19}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""As it is usually written: another spelling would not come back as it was."""

_READERS: Final = {word: reader(ColumnType(word)) for word in ("timestamptz", "date")}
_FORMATS: Final = ("timestamptz", "date", "uuid")


@dataclass(slots=True)
class Texts:
    """Texts that were seen.

    formats: the types that each of them spelt so far. earliest: what the first of them spelt, of
    types that have an order.
    """

    times: int = 0
    longest: int = 0
    longest_bytes: int = 0
    formats: tuple[str, ...] = _FORMATS
    earliest: dict[str, str] = field(default_factory=dict)
    has_nul: bool = False
    _counts: dict[str, int] | None = field(default_factory=dict)

    def add(self, text: str) -> None:
        self.times += 1
        self.longest = max(self.longest, len(text))
        size_bytes = len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
        self.longest_bytes = max(self.longest_bytes, size_bytes)
        if self.formats:
            self.formats = tuple(word for word in self.formats if self._spells(word, text))
        if "\0" in text:
            self.has_nul = True
        if self._counts is not None:
            self._count(text, 1)

    def _spells(self, word: str, text: str) -> bool:
        if word == "uuid":
            return _UUID.fullmatch(text) is not None
        try:
            self._read(word, str(_READERS[word]({"S": text})))
        except ValueRefused:
            return False
        return True

    def _read(self, word: str, text: str) -> None:
        self.earliest[word] = min(text, self.earliest.get(word, text))

    def _count(self, text: str, times: int) -> None:
        if self._counts is None:
            return
        if text in self._counts:
            self._counts[text] += times
        elif len(self._counts) < _WORDS and _WORD.fullmatch(text):
            self._counts[text] = times
        else:
            self._counts = None

    @property
    def words(self) -> list[str]:
        """The different texts, if they are few, short, and each came many times; else none."""
        counts = self._counts or {}
        return sorted(counts) if all(n >= _WORD_TIMES for n in counts.values()) else []

    def join(self, other: "Texts") -> None:
        """See what another has seen."""
        if not other.times:
            return
        self.times += other.times
        self.longest = max(self.longest, other.longest)
        self.longest_bytes = max(self.longest_bytes, other.longest_bytes)
        self.formats = tuple(word for word in self.formats if word in other.formats)
        for word, text in other.earliest.items():
            self._read(word, text)
        self.has_nul |= other.has_nul
        if other._counts is None:  # noqa: SLF001 - its own kind
            self._counts = None
        else:
            for text, times in other._counts.items():  # noqa: SLF001
                self._count(text, times)


@dataclass(slots=True)
class Numbers:
    """Numbers that were seen, by their digits before and after the point."""

    integer_digits: int = 0
    scale: int = 0

    def add(self, text: str) -> None:
        found = number(text)
        self.integer_digits = max(self.integer_digits, found.integer_digits)
        self.scale = max(self.scale, found.scale)

    def join(self, other: "Numbers") -> None:
        """See what another has seen."""
        self.integer_digits = max(self.integer_digits, other.integer_digits)
        self.scale = max(self.scale, other.scale)


@dataclass(slots=True)
class Evidence:
    """What was seen at one place.

    times: how often something was there, NULL included. tags: how often of each DynamoDB type.
    names: what was below each name of the maps; empty once there were too many of them.
    entries: what was below any of their names, then. elements: of lists and sets alike.
    """

    times: int = 0
    tags: Counter[str] = field(default_factory=Counter)
    texts: Texts = field(default_factory=Texts)
    numbers: Numbers = field(default_factory=Numbers)
    longest_binary: int = 0
    names: dict[str, "Evidence"] = field(default_factory=dict)
    keys: Texts = field(default_factory=Texts)
    entries: "Evidence | None" = None
    elements: "Evidence | None" = None
    most_rows: int = 0

    def add(self, value: Mapping[str, Any]) -> None:
        """See a value: ``{"S": "text"}``."""
        ((tag, content),) = value.items()
        self.times += 1
        self.tags[tag] += 1
        match tag:
            case "S":
                self.texts.add(content)
            case "N":
                self.numbers.add(content)
            case "B":
                self.longest_binary = max(self.longest_binary, len(content) * 3 // 4)
            case "M":
                self._add_map(content)
            case "L":
                self._add_elements(content)
            case "SS" | "NS" | "BS":
                self._add_elements([{tag[0]: text} for text in content])

    @property
    def types(self) -> set[str]:
        """The DynamoDB types, but NULL, which every column takes."""
        return set(self.tags) - {"NULL"}

    @property
    def is_open(self) -> bool:
        """Whether maps had too many names to tell them apart."""
        return self.entries is not None

    @property
    def has_nul(self) -> bool:
        """Whether there is U+0000 anywhere in it, which not every engine holds."""
        inner = (*self.names.values(), self.entries, self.elements)
        return (
            self.texts.has_nul
            or self.keys.has_nul
            or any(each is not None and each.has_nul for each in inner)
        )

    def every_entry(self) -> "Evidence":
        """What was below the names of the maps, whichever."""
        if self.entries is not None:
            return self.entries
        return joined(self.names.values())

    def join(self, other: "Evidence") -> None:
        """See what another has seen."""
        self.times += other.times
        self.tags.update(other.tags)
        self.texts.join(other.texts)
        self.numbers.join(other.numbers)
        self.keys.join(other.keys)
        self.longest_binary = max(self.longest_binary, other.longest_binary)
        self.most_rows = max(self.most_rows, other.most_rows)
        if other.elements is not None:
            self.elements = joined([self.elements or Evidence(), other.elements])
        if other.entries is not None:
            self._open()
        for name, seen in other.names.items():
            self._below(name).join(seen)
        if other.entries is not None:
            self._open().join(other.entries)

    def _add_map(self, content: Mapping[str, Any]) -> None:
        self.most_rows = max(self.most_rows, len(content))
        for name, inner in content.items():
            self.keys.add(name)
            self._below(name).add(inner)

    def _below(self, name: str) -> "Evidence":
        found = self.names.get(name)
        if found is not None:
            return found
        if self.entries is not None or len(self.names) >= MOST_NAMES:
            return self._open()
        self.names[name] = Evidence()
        return self.names[name]

    def _open(self) -> "Evidence":
        if self.entries is None:
            self.entries = joined(self.names.values())
            self.names = {}
        return self.entries

    def _add_elements(self, elements: Iterable[Mapping[str, Any]]) -> None:
        if self.elements is None:
            self.elements = Evidence()
        found = 0
        for inner in elements:
            self.elements.add(inner)
            found += 1
        self.most_rows = max(self.most_rows, found)


def joined(evidence: Iterable[Evidence]) -> Evidence:
    """All that they have seen."""
    whole = Evidence()
    for each in evidence:
        whole.join(each)
    return whole


@dataclass(slots=True)
class Attributes:
    """What was seen of some items: each attribute by its name.

    Of an attribute beyond the first `MOST` names it is only counted that it came.
    """

    items: int = 0
    by_name: dict[str, Evidence] = field(default_factory=dict)
    further: int = 0

    def add(self, image: Mapping[str, Mapping[str, Any]]) -> None:
        """See an item."""
        self.items += 1
        for name, value in image.items():
            seen = self.by_name.get(name)
            if seen is None:
                if len(self.by_name) >= MOST_ATTRIBUTES:
                    self.further += 1
                    continue
                seen = self.by_name[name] = Evidence()
            seen.add(value)

    def of(self, name: str) -> Evidence:
        """What was seen of an attribute; nothing, if it never came."""
        return self.by_name.get(name) or Evidence()


MOST_ATTRIBUTES: Final = 2_000
"""More names are data; a table of SQL has 1,600 columns."""
