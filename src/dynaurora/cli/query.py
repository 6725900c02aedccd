"""`dynaurora query`: the SELECT queries that a plugin brings along."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dynaurora.cli.asking import asking, errors_told
from dynaurora.cli.database import plugin_of, project_of, project_options

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from dynaurora.plugins.contract import Plugin

_LEAST_SEPARATED: Final = 10_000
"""Smaller numbers are often years, flights or codes, which have no thousands."""

_UNLIMITED: Final = 1_000_000
"""Wider than any row."""

_EXAMPLES = """
Examples:

\b
  dynaurora query flights                        every query of the plugin
  dynaurora query flights "busiest routes"       one of them
  dynaurora query flights --list                 what they are called
  dynaurora query flights --json | jq '.[0].rows'
"""


@click.command(epilog=_EXAMPLES)
@click.argument("table")
@click.argument("name", required=False)
@project_options
@click.option("--list", "is_list", is_flag=True, help="List the queries; run none.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON; numbers are exact.")
def query(
    *, table: str, name: str | None, folder: Path, chosen: str, is_list: bool, is_json: bool
) -> None:
    """Run the SELECT queries of TABLE's plugin, or the one called NAME."""
    project = project_of(folder, chosen)
    plugin = plugin_of(project, table)
    names = _chosen(plugin, name)
    if is_list:
        click.echo(json.dumps(names) if is_json else "\n".join(names))
        return
    with errors_told(is_json=is_json), asking(project) as ask:
        found = ask("query", table=table, names=names)["queries"]
    if is_json:
        click.echo(_as_json(found))
        return
    from dynaurora.cli.output import result_console

    console = result_console()
    for each in found:
        rows = json.loads(each["rows"], parse_float=Decimal)
        console.print(as_shown(console, each["query"], each["columns"], rows))


def _chosen(plugin: "Plugin", name: str | None) -> list[str]:
    from dynaurora.errors import ProjectError
    from dynaurora.plugins.declarations import suggestion

    if name is None:
        return list(plugin.select)
    if name not in plugin.select:
        raise ProjectError(
            str(plugin.path),
            f'it has no query "{name}"{suggestion(name, plugin.select)}',
            ", ".join(f'"{each}"' for each in plugin.select) or "select_table_queries",
            "",
        )
    return [name]


def as_shown(
    console: "Console", title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> "RenderableType":
    """A table; or, where the words of its columns have no room side by side, a block per row."""
    from rich.measure import Measurement

    table = as_table(title, columns, rows)
    unlimited = console.options.update(max_width=_UNLIMITED)
    if Measurement.get(console, unlimited, table).minimum <= console.width:
        return table
    return _as_blocks(title, columns, rows)


def _as_blocks(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> "RenderableType":
    """A line per value, its column before it; nothing is cut."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    blocks: list[RenderableType] = [Text(title, "bold")]
    for row in rows:
        block = Table.grid(padding=(0, 2))
        block.add_column(style="dim", overflow="fold")
        block.add_column(overflow="fold")
        for column, value in zip(columns, row, strict=True):
            block.add_row(Text(column), Text(as_text(value)))
        blocks += [Text(), block]
    return Group(*blocks, Text())


def as_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> "Table":
    """The result of a query, numbers to the right."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left", title_style="bold", box=box.SIMPLE)
    for number, column in enumerate(columns):
        is_number = any(isinstance(row[number], int | Decimal) for row in rows)
        table.add_column(escape(column), justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(escape(as_text(value)) for value in row))
    return table


def as_text(value: Any) -> str:
    """A value of SQL for people."""
    if value is None:
        return "-"
    if isinstance(value, Decimal):
        return f"{value:,f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= _LEAST_SEPARATED else str(value)
    if isinstance(value, list | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    return value.hex() if isinstance(value, bytes) else str(value)


def _as_json(found: Sequence[dict[str, Any]]) -> str:
    """Each row by its columns; parts of the JSON that came are put together as they are."""
    import orjson

    results = [
        {
            "query": each["query"],
            "rows": [
                dict(zip(each["columns"], row, strict=True))
                for row in json.loads(each["rows"], parse_float=_Digits, parse_int=_Digits)
            ],
        }
        for each in found
    ]
    option = orjson.OPT_INDENT_2 | orjson.OPT_PASSTHROUGH_SUBCLASS
    return orjson.dumps(results, default=_digits, option=option).decode()


class _Digits(str):
    """A number as it is written, so that none of its digits is lost."""

    __slots__ = ()


def _digits(value: Any) -> Any:
    import orjson

    if isinstance(value, _Digits):
        return orjson.Fragment(str(value))
    raise TypeError(type(value).__name__)
