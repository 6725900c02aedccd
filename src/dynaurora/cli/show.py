"""`dynaurora show`: the SQL that a plugin's declarations stand for."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynaurora.cli.asking import errors_told
from dynaurora.cli.database import plugin_in

if TYPE_CHECKING:
    from dynaurora.plugins.contract import Engine, Plugin

_EXAMPLES = """
Examples:

\b
  dynaurora show orders                   the plugin as one would write it by hand
  dynaurora show orders --list insert     what runs in every load
  dynaurora show orders > orders_by_hand.py
  dynaurora show orders --json | jq -r '.insert[]'
"""


@click.command(epilog=_EXAMPLES)
@click.argument("table")
@click.option(
    "--sqlqueries",
    "folder",
    type=click.Path(path_type=Path),
    envvar="DYNAURORA_SQLQUERIES",
    default=Path("sqlqueries"),
    show_default=True,
    show_envvar=True,
    help="The folder of the plugins, one file per table.",
)
@click.option(
    "--engine",
    type=click.Choice(["postgresql", "mysql"]),
    default="postgresql",
    show_default=True,
    help="The engine whose SQL is shown.",
)
@click.option(
    "--list",
    "chosen",
    type=click.Choice(["create", "insert", "select", "drop"]),
    help="Show this list alone.",
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON, for programs.")
def show(*, table: str, folder: Path, engine: "Engine", chosen: str | None, is_json: bool) -> None:
    """Show the plugin of TABLE in the hand-written form that its declarations stand for.

    What is printed is a plugin: pasted in the place of the file, or behind what is in it, it does
    the same. No database is asked.
    """
    from dynaurora.plugins.showing import shown, shown_list

    with errors_told(is_json=is_json):
        plugin = plugin_in(folder, engine, table)
    if is_json:
        click.echo(json.dumps(_as_json(plugin, chosen), indent=2, ensure_ascii=False))
    elif chosen:
        click.echo(shown_list(plugin, chosen))
    else:
        click.echo(shown(plugin), nl=False)


def _as_json(plugin: "Plugin", chosen: str | None) -> dict[str, Any]:
    from dynaurora.plugins.showing import LISTS, columns_of, statements_of

    lists = {**statements_of(plugin), "select": plugin.select}
    head = {
        "table": plugin.table,
        "file": str(plugin.path),
        "engine": plugin.engine,
        "key": plugin.key,
        "columns": columns_of(plugin),
    }
    return {**head, **{name: lists[name] for name in LISTS if chosen in (None, name)}}
