"""What an engine holds, as far as a draft has to know it before it is tried."""

from dataclasses import dataclass
from typing import Final

from dynaurora.errors import ValueRefused
from dynaurora.inference.evidence import Evidence, Numbers, Texts
from dynaurora.model.types import ColumnType
from dynaurora.plugins.statements import dialect_of
from dynaurora.sql.dialect import Dialect
from dynaurora.sql.engines import Engine

_TEXT: Final = ColumnType("text")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of an engine, asked of its dialect."""

    dialect: Dialect

    @classmethod
    def of(cls, engine: Engine) -> "Limits":
        return cls(dialect_of(engine))

    @property
    def product(self) -> str:
        return self.dialect.product

    @property
    def holds_nul(self) -> bool:
        """Whether texts may have U+0000."""
        return self._holds("text", "\0")

    def holds_numbers(self, seen: Numbers) -> bool:
        """Whether a column of numbers holds all of these."""
        longest = ("9" * max(1, seen.integer_digits), f"0.{'9' * max(1, seen.scale)}")
        return all(self._holds("numeric", text) for text in longest)

    def holds_times(self, word: str, seen: Texts) -> bool:
        """Whether a column of this word holds all of these texts, which spell it."""
        earliest = seen.earliest.get(word)
        return earliest is None or self._holds(word, earliest)

    def index_bytes(self, word: str, longest_bytes: int) -> int:
        """What a column of a key takes of an index: as declared, or as its values are."""
        found = self.dialect.index_bytes(self.dialect.key_sql_type(ColumnType(word)))
        return found or longest_bytes

    def can_be_keys(self, seen: Texts) -> bool:
        """Whether all of these texts fit into a column of a key; so do names that tell rows
        apart."""
        longest = self.dialect.key_size(_TEXT)
        return (longest is None or seen.longest <= longest) and (self.holds_nul or not seen.has_nul)

    def is_key(self, word: str, seen: Evidence) -> bool:
        """Whether all of these values fit into a column of a key."""
        size = self.dialect.key_size(ColumnType(word))
        longest = seen.longest_binary if word == "bytes" else seen.texts.longest
        return size is None or longest <= size

    def _holds(self, word: str, text: str) -> bool:
        encode = self.dialect.encoder(ColumnType(word))
        try:
            if encode is not None:
                encode(text)
        except ValueRefused:
            return False
        return True
