"""What a load does to a plugin's SQL tables, row by row: looked at before and after it.

Of a declared table only the rows of the items concerned are read, by its key, so a large table is
as quick as a small one. Of a table of the plugin's own SQL nobody knows which rows those are: it is
read whole, up to a bound, and beyond that it is said that it was not compared.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dynaurora.etl import Engine
from dynaurora.operations.rehearsed import preview_queries
from dynaurora.plugins.contract import Plugin

MOST_OF_ALL: Final = 10_000
"""Rows of a table of the plugin's own SQL that are compared."""

MOST_OF_CONCERNED: Final = 100_000
"""Rows of a declared table: an item may have thousands inside it."""

Row = tuple[str | None, ...]
"""The values of a row as SQL writes them."""


@dataclass(frozen=True, slots=True)
class Held:
    """What an SQL table holds. key: the columns of its primary key; () if it has none.

    is_whole: False where it has more rows than are compared; there are none here then.
    """

    columns: tuple[str, ...]
    key: tuple[str, ...]
    rows: Sequence[Row]
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Difference:
    """What becomes of the rows of an SQL table.

    key: the columns of its primary key; without one a row that changes is removed and added.
    changed: each row before and after.
    """

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    added: Sequence[Row]
    changed: Sequence[tuple[Row, Row]]
    removed: Sequence[Row]
    is_compared: bool = True


class Looking:
    """Looks at a plugin's SQL tables, before its statements and after them."""

    def __init__(self, engine: Engine, plugin: Plugin) -> None:
        self._engine = engine
        self._plugin = plugin
        self._queries = preview_queries(engine)
        self._before: Mapping[str, Held] | None = None

    def begin(self) -> None:
        """Note which items are concerned, and what is there of them."""
        for name in ("note_concerned", *["note_changed"][: self._plugin.names("changes")]):
            statement = self._queries[name].replace("{key}", self._names(self._plugin.key))
            self._engine.connection.execute(statement)
        self._before = self._held()

    def differences(self) -> list[Difference]:
        """What has become of them; nothing, where no statement has run."""
        if self._before is None:
            return []
        after = self._held()
        return [_difference(name, self._before[name], after[name]) for name in self._before]

    def _held(self) -> dict[str, Held]:
        return {name: self._table(name) for name in self._plugin.sql_tables if self._stores(name)}

    def _stores(self, name: str) -> bool:
        return self._engine.connection.fetch(self._queries["stored"], [name]) == [(True,)]

    def _table(self, name: str) -> Held:
        fetch = self._engine.connection.fetch
        cells = dict(fetch(self._queries["cells"], [name]))
        is_declared = name in self._plugin.tables
        most = MOST_OF_CONCERNED if is_declared else MOST_OF_ALL
        statement = self._queries["rows_of_concerned" if is_declared else "rows_of_all"]
        filled = {
            "{columns}": ", ".join(cells.values()) or "1",
            "{table}": self._engine.dialect.quoted(name),
            "{key}": self._names(self._plugin.key),
            "{most}": str(most + 1),
        }
        for place, text in filled.items():
            statement = statement.replace(place, text)
        rows = fetch(statement)
        key = tuple(column for (column,) in fetch(self._queries["primary_key"], [name]))
        is_whole = len(rows) <= most
        return Held(tuple(cells), key, rows if is_whole else (), is_whole)

    def _names(self, columns: Sequence[str]) -> str:
        return ", ".join(map(self._engine.dialect.quoted, columns))


def _difference(table: str, before: Held, after: Held) -> Difference:
    columns = after.columns
    if not (before.is_whole and after.is_whole) or before.columns != columns:
        return Difference(table, columns, after.key, (), (), (), is_compared=False)
    gone = list((Counter(before.rows) - Counter(after.rows)).elements())
    new = list((Counter(after.rows) - Counter(before.rows)).elements())
    places = [columns.index(name) for name in after.key]
    if not places:
        added, removed = sorted(new, key=_order), sorted(gone, key=_order)
        return Difference(table, columns, (), added, (), removed)
    was = {tuple(row[place] for place in places): row for row in gone}
    now = {tuple(row[place] for place in places): row for row in new}
    return Difference(
        table,
        columns,
        after.key,
        added=sorted((now[key] for key in now.keys() - was.keys()), key=_order),
        changed=sorted(
            ((was[key], now[key]) for key in now.keys() & was.keys()),
            key=lambda two: _order(two[0]),
        ),
        removed=sorted((was[key] for key in was.keys() - now.keys()), key=_order),
    )


def _order(row: Row) -> tuple[tuple[bool, str], ...]:
    return tuple((value is None, value or "") for value in row)
