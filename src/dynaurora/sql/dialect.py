"""What a dialect is: the words of one engine for what the load and the declarations need."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from dynaurora.model.types import ColumnType, Text
from dynaurora.sql.queries import Queries


@dataclass(frozen=True, slots=True)
class RelationColumn:
    """A column of a relation, with the engine's own type."""

    name: str
    sql_type: str


Encoder = Callable[[Text], str]


class Dialect(Protocol):
    """One engine's SQL. Every limit in an implementation links the vendor's page."""

    engine: str
    key_type: str
    version_type: str
    time_type: str
    boolean_type: str
    position_type: str
    name_type: str
    item_type: str

    def queries(self, schema: str) -> Queries:
        """The hand-written statements, for a metadata schema of this (unquoted) name."""
        ...

    def quoted(self, name: str) -> str:
        """An identifier: bare where it is plain and not reserved, else in quotes."""
        ...

    def sql_type(self, kind: ColumnType) -> str:
        """The type of a column in a staged relation and in a declared SQL table."""
        ...

    def encoder(self, kind: ColumnType) -> Encoder | None:
        """How a reader's text is written in COPY; None: as it is.

        Raises ``ValueRefused`` for what the engine cannot hold, such as U+0000 on PostgreSQL.
        """
        ...

    def encoded_text(self, text: str) -> str:
        """Any text in COPY."""
        ...

    def encoded_key(self, key: bytes) -> str:
        """The 16 bytes of a key in COPY."""
        ...

    def encoded_bytes(self, data: bytes) -> str:
        """Bytes in COPY."""
        ...

    def create_relation(self, name: str, columns: Sequence[RelationColumn]) -> str:
        """A temporary table that ends with the transaction."""
        ...
