"""What a plugin's SQL tables hold, and how it differs from what they held otherwise."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from dynaurora.etl import Engine
from dynaurora.plugins.contract import Plugin
from dynaurora.testing.loading import trial_queries

Row = tuple[str | None, ...]

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class TableContents:
    """The rows of one SQL table, in no order; values as the text that SQL gives them."""

    columns: tuple[str, ...]
    rows: Counter[Row]


Contents = Mapping[str, TableContents]
"""By SQL table."""


def contents_of(engine: Engine, plugin: Plugin, ignoring: Collection[str] = ()) -> Contents:
    """What the plugin's tables hold now. ignoring: columns to leave out."""
    return {name: _table(engine, name, ignoring) for name in plugin.sql_tables}


def differences(expected: Contents, found: Contents) -> list[str]:
    """A line per row that only one of the two has: ``- `` expected alone, ``+ `` found alone."""
    return [
        line
        for name, table in expected.items()
        if table.rows != found[name].rows
        for line in (f"{name}:", *_rows(table, found[name]))
    ]


def _rows(expected: TableContents, found: TableContents) -> Iterator[str]:
    for sign, rows in (("-", expected.rows - found.rows), ("+", found.rows - expected.rows)):
        lines = sorted(_line(expected.columns, row) for row in rows.elements())
        yield from (f"  {sign} {line}" for line in lines[:_SHOWN])
        if len(lines) > _SHOWN:
            yield f"  {sign} and {len(lines) - _SHOWN} more"


def _line(columns: tuple[str, ...], row: Row) -> str:
    return ", ".join(
        f"{column} = {'NULL' if value is None else value}"
        for column, value in zip(columns, row, strict=True)
    )


def _table(engine: Engine, name: str, ignoring: Collection[str]) -> TableContents:
    quoted = engine.dialect.quoted
    every, _ = engine.connection.fetch_named(f"select * from {quoted(name)} limit 0")
    columns = tuple(column for column in every if column not in ignoring)
    cell = trial_queries(engine)["cell"]
    cells = ", ".join(cell.replace("{column}", quoted(column)) for column in columns) or "1"
    return TableContents(
        columns, Counter(engine.connection.fetch(f"select {cells} from {quoted(name)}"))
    )
