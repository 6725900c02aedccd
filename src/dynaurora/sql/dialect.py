"""What a dialect is: the words of one engine for what the load and the declarations need."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from dynaurora.model.types import ColumnType, Text
from dynaurora.ports import RelationColumn
from dynaurora.sql.queries import Queries

Encoder = Callable[[Text], str]
Decoder = Callable[[Any], Any]


class Dialect(Protocol):
    """One engine's SQL. Every limit in an implementation links the vendor's page."""

    engine: str
    product: str
    """What people call it."""
    port: int
    """Where its servers listen, if a URL does not say."""
    OLD_TABLE_CODES: frozenset[str]
    """What the engine answers where a column is missing or of another type."""
    UNPLANNED_CODES: frozenset[str]
    """What it answers to a statement that no transaction may hold."""
    USER_BYTES: int
    """The most that the name of a user has."""
    undoes_definitions: bool
    """Whether a CREATE and an ALTER are undone with their transaction."""
    EXPLAIN: str
    """What stands before a statement that is to be planned, and not run."""
    key_type: str
    version_type: str
    time_type: str
    boolean_type: str
    bytes_type: str
    booleans: tuple[str, str]
    """False and true in COPY."""
    position_type: str
    name_type: str
    item_type: str

    largest_numeric: tuple[int, int]
    """The most digits of a number, and the most of them after the point."""
    most_columns: int
    """Of a table."""
    most_index_bytes: int
    """Of an index, all of its columns together."""
    index_room: int
    """Bytes that an index has for certain, whatever its values are."""
    row_columns: int
    """Columns of short values that a row has for certain, beside its key."""

    parser: str
    """What sqlglot calls the engine."""
    text_pattern: str
    """What begins and ends a text: a verbose regular expression."""
    name_pattern: str
    """The same of a name in quotes."""
    opens_temporary_tables_once: bool
    """Whether a statement may name a temporary table once only."""
    has_index_names_per_table: bool
    """Whether each table has names of its own for indexes; such an engine knows no ``create index
    if not exists``, and what it answers where there is one is no error."""
    has_add_column_if_not_exists: bool

    def queries(self, schema: str) -> Queries:
        """The hand-written statements, for a metadata schema of this (unquoted) name."""
        ...

    def quoted(self, name: str) -> str:
        """An identifier: bare where it is plain and not reserved, else in quotes."""
        ...

    def can_name(self, name: str) -> bool:
        """Whether a table or a column can be called so."""
        ...

    def folded(self, name: str) -> str:
        """A column's name as the engine tells it from others."""
        ...

    def index_bytes(self, sql_type: str) -> int:
        """What a column may take in an index; 0 where only its values count."""
        ...

    def sql_type(self, kind: ColumnType) -> str:
        """The type of a column in a staged relation and in a declared SQL table."""
        ...

    def key_sql_type(self, kind: ColumnType) -> str:
        """The same of a column of a primary key."""
        ...

    def key_size(self, kind: ColumnType) -> int | None:
        """The characters, or bytes, of a column of a key; None: what its index has room for."""
        ...

    def encoder(self, kind: ColumnType) -> Encoder | None:
        """How a reader's text is written in COPY; None: as it is.

        Raises ``ValueRefused`` for what the engine cannot hold, such as U+0000 on PostgreSQL.
        """
        ...

    def decoder(self, kind: ColumnType) -> Decoder | None:
        """How a fetched value of such a column becomes a value of Python; None: it is one.

        Numbers are int or Decimal, texts str, times datetime with a zone, arrays and JSON list and
        dict with exact numbers; NULL is not asked for.
        """
        ...

    def has_key(
        self, key: Sequence[str], kinds: Sequence[ColumnType], keys: Iterable[Sequence[Any]]
    ) -> tuple[str, list[Any]]:
        """A condition, and its parameters, for the rows that have one of these keys.

        keys: values of Python, as a decoder gives them.
        """
        ...

    def encoded_text(self, text: str) -> str:
        """Any text in COPY."""
        ...

    def encoded_json(self, text: str) -> str:
        """JSON in COPY."""
        ...

    def encoded_key(self, key: bytes) -> str:
        """The 16 bytes of a key in COPY."""
        ...

    def encoded_time(self, moment: datetime) -> str:
        """A time in UTC in COPY."""
        ...

    def encoded_bytes(self, data: bytes) -> str:
        """Bytes in COPY."""
        ...

    def create_relation(self, name: str, columns: Sequence[RelationColumn]) -> str:
        """A temporary table that ends with the transaction."""
        ...

    def key_value(self, key: bytes) -> Any:
        """The 16 bytes of a key as a parameter of a statement."""
        ...

    def key_bytes(self, key: Any) -> bytes:
        """The 16 bytes of a key that was fetched."""
        ...

    def keep_winners(self, relation: str) -> str:
        """Delete the rows of a relation whose key is not in ``_won``."""
        ...

    def number_rows(self, key: Sequence[str], *, has_changes: bool) -> str:
        """Make ``_numbered``: a number from 0 for each winner, and for each loser in ``changes``.

        Puts come first, in the order of the columns of the key.
        """
        ...

    def divide(self, relation: str, columns: Sequence[str]) -> list[str]:
        """Let a relation show only the rows of the part that is taken (``take_part``)."""
        ...

    def divide_replaced(self, table: str, columns: Sequence[str]) -> list[str]:
        """Let ``replaced_<table>`` show only what is filled into it for the part that is taken."""
        ...

    def take_part(
        self,
        first: int,
        end: int,
        relations: Mapping[str, Sequence[str]],
        replaced: Collection[str],
    ) -> list[str]:
        """Let the relations show the rows with these numbers, without the last.

        relations: those that were divided, and their columns. replaced: tables whose
        ``replaced_<table>`` was, and shows nothing until it is filled.
        """
        ...

    def rows_written(self, tables: Sequence[str]) -> str | None:
        """How many rows of these tables the session has tried to write, with what it rolled back.

        Only differences mean something. None: the engine does not count them.
        """
        ...

    def row_of(self, found: str) -> int | None:
        """Which of the rows that a statement writes the server's message names, from 0.

        None: it names none.
        """
        ...

    def create_replaced(self, table: str, columns: Sequence[str]) -> str:
        """Make ``replaced_<table>``, empty, with these columns of the table."""
        ...

    def fill_replaced(self, table: str, columns: Sequence[str], key: Sequence[str]) -> str:
        """Fill it with the table's rows of the items in ``staged`` and ``removed``."""
        ...
