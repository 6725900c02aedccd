"""Comparison: every item of a DynamoDB table against its rows in SQL, by value.

    item ─► what its row should hold: the plugin's columns, read from the item
    SQL  ─► what its row holds: fetched as values (Decimal, datetime, bytes, lists, JSON)

What a row should hold is computed from the item itself, so nothing of the load is trusted: not its
lines, not COPY, not its SQL. A missing attribute is a NULL, a number is compared as a number and
all of its digits count. Rows inside items (child tables) are compared the same way, and the newest
version of a history, and what is summed up of the items (`dynaurora.demo.sums`). A row that belongs
to no item is a difference too, and so is an item that no SQL table takes.

Items are read page by page and fetched by key, so memory stays small; of each item only a hash of
its key is kept, to find the rows that belong to none.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

from dynaurora.cells import holds
from dynaurora.demo.sums import SUMS, Summing, Sums
from dynaurora.errors import PluginError, StatementRefused, ValueRefused
from dynaurora.etl import Engine
from dynaurora.model.names import shortened_sql_name, sql_name
from dynaurora.model.paths import Attribute, levels, rows_at, value_at
from dynaurora.model.types import ColumnType, reader
from dynaurora.plugins.contract import Plugin
from dynaurora.plugins.declarations import Column, Rows
from dynaurora.plugins.tables import SqlTable, staged_relation
from dynaurora.sql.dialect import Decoder, Dialect

KEPT: Final = 100
"""So many differences of a table are told one by one; the others are only counted."""

_FETCHED_KEYS: Final = 2_000

Image = Mapping[str, Mapping[str, Any]]
Key = tuple[Any, ...]
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not as its item says.

    key: of the row, partition key first. column: the first column that differs; "" where the whole
    row is missing or belongs to no item. expected, found: the values, None also for a NULL.
    """

    sql_table: str
    key: Key
    column: str
    expected: Any
    found: Any
    reason: str

    def __str__(self) -> str:
        key = ", ".join(str(part) for part in self.key)
        where = f"{self.sql_table} ({key})"
        if not self.column:
            return f"{where}: {self.reason}"
        return f"{where}, {self.column}: {self.reason}"


@dataclass(frozen=True, slots=True)
class TableComparison:
    """What the comparison of one DynamoDB table came to.

    rows: of its SQL table; child_rows: of the SQL tables below it.
    different: how many rows differ, are missing or belong to no item.
    """

    table: str
    items: int
    rows: int
    child_rows: int
    different: int
    differences: tuple[Difference, ...]

    @property
    def is_equal(self) -> bool:
        return self.different == 0


def compare(
    plugin: Plugin,
    pages: Iterable[Sequence[Image]],
    engine: Engine,
    tell: Callable[[int], None] = lambda _items: None,
) -> TableComparison:
    """Compare the items of a table with what SQL holds.

    pages: all items, some at a time. tell: is told how many more items have been compared.

    Items must not change meanwhile: a change that is on its way is a difference.
    """
    summings = [Summing(sums) for sums in _sums_of(plugin)]
    comparison = _Comparison(engine, _copies(plugin, engine), _key_of(plugin), summings)
    for page in pages:
        for start in range(0, len(page), _FETCHED_KEYS):
            part = page[start : start + _FETCHED_KEYS]
            comparison.add(part)
            tell(len(part))
    return comparison.outcome(plugin.table)


def _sums_of(plugin: Plugin) -> list[Sums]:
    """The tables of sums that the plugin makes and that we know how to sum up."""
    return [sums for sums in SUMS.get(plugin.table, ()) if sums.sql_table in plugin.sql_tables]


# --- what an SQL table should hold --------------------------------------------------------------

_Value = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class _Copy:
    """One SQL table that is a copy of items, or of what is inside them.

    item_key, key: the columns of the item's key, and of the row's. columns: all that are compared.
    They begin with the key. kinds: their types; None for a place inside an item.
    is_strict: whether equal rows may differ, see `is_same`.
    condition: which of its rows are meant. kind: whether a row is an item of it, or of those items
    that it takes, or inside one, or a version of one.
    """

    name: str
    item_key: tuple[str, ...]
    key: tuple[str, ...]
    columns: tuple[str, ...]
    kinds: tuple[ColumnType | None, ...]
    rows: Callable[[Image], Iterator[Row]]
    is_strict: bool
    kind: Literal["all", "some", "inside", "version"]
    condition: str = "true"


def _copies(plugin: Plugin, engine: Engine) -> list[_Copy]:
    """The SQL tables of a plugin, those of the items before those of what is inside them.

    Hand-written SQL may do anything; it is compared where it keeps to the names that a declaration
    would have: the table named after the DynamoDB table, and in it the columns that are staged.
    """
    if plugin.tables:
        found = [_declared_copy(plugin, table, engine) for table in plugin.tables.values()]
        return sorted(found, key=lambda copy: copy.kind in ("inside", "version"))
    own = sql_name(plugin.table)
    inside = [
        _rows_copy(plugin, name, rows)
        for rows_name, rows in plugin.rows.items()
        if _columns_of(engine, name := shortened_sql_name(f"{own}_{rows_name}"))
    ]
    return [_own_copy(plugin, own, engine), *inside]


def _declared_copy(plugin: Plugin, table: SqlTable, engine: Engine) -> _Copy:
    """A table that a declaration makes; of one of versions, what its view says of now."""
    rows = {staged_relation(name): found for name, found in plugin.rows.items()}
    if table.relation in rows:
        copy = _rows_copy(plugin, table.name, rows[table.relation])
    else:
        columns = [name for name in table.column_names if name in plugin.columns]
        copy = _items_copy(plugin, table.name, columns)
    if table.history is not None:
        return replace(copy, name=table.history, kind="version", condition="valid_to is null")
    return replace(copy, condition=_condition(plugin, table, engine.dialect))


def _condition(plugin: Plugin, table: SqlTable, dialect: Dialect) -> str:
    """Rows that are marked are no items' any more, and neither is what is inside them."""
    if table.parent is not None:
        key = ", ".join(map(dialect.quoted, table.item_key))
        parent = _condition(plugin, plugin.tables[table.parent], dialect)
        own = f"({key}) in (select {key} from {dialect.quoted(table.parent)} where {parent})"
        return "true" if parent == "true" else own
    return "_deleted_at is null" if "_deleted_at" in table.column_names else "true"


def _own_copy(plugin: Plugin, name: str, engine: Engine) -> _Copy:
    there = _columns_of(engine, name)
    if not there.issuperset(plugin.key):
        raise PluginError(
            str(plugin.path),
            f'there is no SQL table "{name}" with the columns {", ".join(plugin.key)}',
            "an SQL table named after the DynamoDB table, with its key",
            "What other SQL makes of the items cannot be compared.",
        )
    return _items_copy(plugin, name, [c for c in plugin.columns if c in there])


def _items_copy(plugin: Plugin, name: str, found: Sequence[str]) -> _Copy:
    columns = (*plugin.key, *(column for column in found if column not in plugin.key))
    values = [_value_of(column, plugin.columns[column]) for column in columns]

    def rows(image: Image) -> Iterator[Row]:
        whole = {"M": image}
        yield tuple([value(whole) for value in values])

    return _Copy(
        name,
        item_key=plugin.key,
        key=plugin.key,
        columns=columns,
        kinds=tuple(plugin.columns[column].type for column in columns),
        rows=rows,
        is_strict=_is_strict(plugin.columns[column] for column in columns),
        kind="all",
    )


def _rows_copy(plugin: Plugin, name: str, found: Rows) -> _Copy:
    key_of = _key_of(plugin)
    kinds = [level.kind for level in levels(found.path)]
    values = [_value_of(name, column) for name, column in found.columns.items()]

    def rows(image: Image) -> Iterator[Row]:
        if found.when is not None and not holds(found.when, image):
            return
        key = key_of(image)
        with suppress(ValueRefused):  # the whole item is refused then: its own row is missing
            for names, inner in rows_at(found.path, {"M": image}):
                places = [_place(*pair) for pair in zip(kinds, names, strict=True)]
                yield (*key, *places, *(value(inner) for value in values))

    return _Copy(
        name,
        item_key=plugin.key,
        key=(*plugin.key, *found.at),
        columns=(*plugin.key, *found.at, *found.columns),
        kinds=(
            *(plugin.columns[column].type for column in plugin.key),
            *(None for _ in found.at),
            *(column.type for column in found.columns.values()),
        ),
        rows=rows,
        is_strict=_is_strict(found.columns.values()),
        kind="inside" if found.path else "some",
    )


def _key_of(plugin: Plugin) -> Callable[[Image], Key]:
    values = [_value_of(column, plugin.columns[column]) for column in plugin.key]
    return lambda image: tuple([value({"M": image}) for value in values])


def _is_strict(columns: Iterable[Column]) -> bool:
    return any(column.type.word in ("boolean", "json") for column in columns)


def _place(kind: str, name: str) -> Any:
    return int(name) if kind == "[]" else name


def _value_of(name: str, column: Column) -> _Value:
    """What a column should hold of an item, as the value that a driver gives."""
    steps = (Attribute(name),) if column.path is None else column.path
    keeps_null = column.type.word == "attribute_type"
    read = reader(column.type)
    word = "numeric" if column.type.precision is not None else column.type.word
    made = _VALUES[word]
    first = steps[0] if len(steps) == 1 else None
    attribute = first.name if isinstance(first, Attribute) else ""

    def value(source: Mapping[str, Any]) -> Any:
        try:
            if attribute and "M" in source:  # most columns: the walk below costs as much again
                found = source["M"].get(attribute)
            else:
                found = value_at(steps, source, keeps_null=keeps_null)
            if found is None or ("NULL" in found and not keeps_null):
                return None
            return made(read(found))
        except ValueRefused as error:
            return _Refused(str(error))

    return value


@dataclass(frozen=True, slots=True)
class _Refused:
    """A value that the column cannot hold: its item is in quarantine, it has no such row."""

    reason: str


def exact_json(text: str) -> Any:
    """JSON with exact numbers."""
    return json.loads(text, parse_float=Decimal)


def _each(made: Callable[[str], Any]) -> Callable[[Any], list[Any]]:
    return lambda texts: [None if text is None else made(text) for text in texts]


_VALUES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "text": str,
    "integer": int,
    "bigint": int,
    "numeric": Decimal,
    "boolean": lambda text: text == "true",
    "timestamptz": datetime.fromisoformat,
    "epoch": datetime.fromisoformat,
    "epoch_ms": datetime.fromisoformat,
    "date": date.fromisoformat,
    "uuid": UUID,
    "bytes": bytes.fromhex,
    "json": exact_json,
    "text[]": _each(str),
    "numeric[]": _each(Decimal),
    "bytes[]": _each(bytes.fromhex),
    "attribute_type": str,
}


def is_same(expected: Any, found: Any) -> bool:
    """Whether two values are one. To Python True is 1; to a document it is not."""
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, dict):
        return (
            isinstance(found, dict)
            and expected.keys() == found.keys()
            and all(is_same(value, found[name]) for name, value in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(expected) == len(found)
            and all(map(is_same, expected, found))
        )
    return bool(expected == found)


# --- the comparison -----------------------------------------------------------------------------


@dataclass(slots=True)
class _Comparison:
    """Compares part after part, and counts."""

    engine: Engine
    copies: Sequence[_Copy]
    key_of: Callable[[Image], Key]
    summings: Sequence[Summing] = ()
    items: int = 0
    different: int = 0
    differences: list[Difference] = field(default_factory=list)
    matched: dict[str, int] = field(default_factory=dict)
    keys: set[int] = field(default_factory=set)

    def add(self, images: Sequence[Image]) -> None:
        """Compare some items with all that SQL holds of them."""
        self.items += len(images)
        items = dict(self._keyed(images))
        untaken = set(items)
        for copy in self.copies:
            width, item_width = len(copy.key), len(copy.item_key)
            rows = (row for image in items.values() for row in copy.rows(image))
            expected = {row[:width]: row for row in rows}
            untaken -= {key[:item_width] for key in expected}
            self._compare(copy, items, expected)
        for key in untaken:
            self._differs(self.copies[0], key, "", key, None, "no SQL table takes the item")
        for summing in self.summings:
            summing.add(images)

    def _keyed(self, images: Sequence[Image]) -> Iterator[tuple[Key, Image]]:
        """Each item by its key. One that can have none, or has another's, is a difference."""
        for image in images:
            key = self.key_of(image)
            if any(isinstance(part, _Refused) for part in key):
                self._differs(self.copies[0], key, "", key, None)
            elif hash(key) in self.keys:
                reason = "two items have this key in SQL"
                self._differs(self.copies[0], key, "", None, key, reason)
            else:
                self.keys.add(hash(key))
                yield key, image

    def outcome(self, table: str) -> TableComparison:
        """What it came to, after the rows that belong to no item were looked for."""
        counts = {copy: self._count(copy) for copy in self.copies}
        for copy, count in counts.items():
            if count != self.matched.get(copy.name, 0):
                self._find_strangers(copy)
        for summing in self.summings:
            self._compare_sums(summing)
        whole = [count for copy, count in counts.items() if copy.kind == "all"]
        return TableComparison(
            table=table,
            items=self.items,
            rows=whole[0] if whole else sum(n for c, n in counts.items() if c.kind == "some"),
            child_rows=sum(count for copy, count in counts.items() if copy.kind == "inside"),
            different=self.different,
            differences=tuple(self.differences),
        )

    def _compare_sums(self, summing: Summing) -> None:
        sums = summing.sums
        rows = self.engine.connection.fetch(sums.statement)
        for key, column, expected, found in summing.differences(rows):
            reason = f"is {_shown(found)}, the items come to {_shown(expected)}"
            self._tell(Difference(sums.sql_table, key, column, expected, found, reason))

    def _compare(self, copy: _Copy, items: Collection[Key], expected: Mapping[Key, Row]) -> None:
        """Compare what one SQL table holds of these items with what it should."""
        width = len(copy.key)
        found = {row[:width]: row for row in self._fetch(copy, items)}
        self.matched[copy.name] = self.matched.get(copy.name, 0) + len(found)
        for key, row in expected.items():
            other = found.get(key)
            if other is None:
                self._differs(copy, key, "", row, None)
            elif row != other or copy.is_strict:
                self._compare_row(copy, key, row, other)
        for key in found.keys() - expected.keys():
            self._differs(copy, key, "", None, found[key])

    def _compare_row(self, copy: _Copy, key: Key, expected: Row, found: Row) -> None:
        for column, one, other in zip(copy.columns, expected, found, strict=True):
            if not is_same(one, other):
                self._differs(copy, key, column, one, other)
                return

    def _differs(
        self, copy: _Copy, key: Key, column: str, expected: Any, found: Any, reason: str = ""
    ) -> None:
        reason = reason or _reason(copy, column, expected, found)
        self._tell(Difference(copy.name, key, column, expected, found, reason))

    def _tell(self, difference: Difference) -> None:
        self.different += 1
        if len(self.differences) < KEPT:
            self.differences.append(difference)

    def _fetch(self, copy: _Copy, keys: Collection[Key]) -> list[Row]:
        if not keys:
            return []
        kinds = [kind for kind in copy.kinds[: len(copy.item_key)] if kind is not None]
        condition, parameters = self.engine.dialect.has_key(copy.item_key, kinds, keys)
        return self._rows(copy, copy.columns, f"{copy.condition} and {condition}", parameters)

    def _rows(
        self,
        copy: _Copy,
        columns: Sequence[str],
        condition: str,
        parameters: Sequence[Any] = (),
    ) -> list[Row]:
        """Rows as values of Python."""
        dialect = self.engine.dialect
        names = ", ".join(map(dialect.quoted, columns))
        statement = f"select {names} from {dialect.quoted(copy.name)} where {condition}"
        rows = self.engine.connection.fetch(statement, parameters)
        kinds = copy.kinds[: len(columns)]
        decoders = [None if kind is None else dialect.decoder(kind) for kind in kinds]
        if not any(decoders):
            return rows
        return [tuple(map(_decoded, decoders, row)) for row in rows]

    def _count(self, copy: _Copy) -> int:
        ((count,),) = self.engine.connection.fetch(
            f"select count(*) from {self.engine.dialect.quoted(copy.name)} where {copy.condition}"
        )
        return int(count)

    def _find_strangers(self, copy: _Copy) -> None:
        """Rows whose item key no item has. Only looked for where there are too many rows."""
        width = len(copy.item_key)
        for key in self._rows(copy, copy.key, copy.condition):
            if hash(key[:width]) not in self.keys:
                self._differs(copy, key, "", None, key)


def _decoded(decoder: Decoder | None, value: Any) -> Any:
    return value if decoder is None or value is None else decoder(value)


def _reason(copy: _Copy, column: str, expected: Any, found: Any) -> str:
    if column:
        if isinstance(expected, _Refused):
            return f"the item cannot be a row: {expected.reason}"
        return f"is {_shown(found)}, the item says {_shown(expected)}"
    if found is not None:
        return "the row belongs to no item"
    refused = [value for value in expected if isinstance(value, _Refused)]
    if refused:
        return f"the item cannot be a row: {refused[0].reason}"
    return f"the row is missing from {copy.name}"


def _shown(value: Any) -> str:
    if value is None:
        return "NULL"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _columns_of(engine: Engine, name: str) -> set[str]:
    """The columns of an SQL table; none where there is none."""
    statement = f"select * from {engine.dialect.quoted(name)} limit 0"
    try:
        columns, _ = engine.connection.fetch_named(statement)
    except StatementRefused:
        return set()
    return set(columns)
