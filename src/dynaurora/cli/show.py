"""`dynaurora show`: the SQL that a plugin's declarations stand for."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynaurora.cli.asking import errors_told
from dynaurora.cli.database import (
    engine_at,
    engine_option,
    place_of,
    plugin_in,
    project_options,
    sqlqueries_option,
)

if TYPE_CHECKING:
    from dynaurora.plugins.contract import Plugin
    from dynaurora.sql.engines import Engine

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
@sqlqueries_option
@engine_option("The engine whose SQL is shown. Default: that of the database, or postgresql.")
@click.option(
    "--list",
    "wanted",
    type=click.Choice(["create", "insert", "select", "drop"]),
    help="Show this list alone.",
)
@project_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON, for programs.")
def show(
    *,
    table: str,
    sqlqueries: Path | None,
    engine: "Engine | None",
    wanted: str | None,
    folder: Path,
    chosen: str,
    is_json: bool,
) -> None:
    """Show the plugin of TABLE in the hand-written form that its declarations stand for.

    What is printed is a plugin: pasted in the place of the file, or behind what is in it, it does
    the same. No database is asked.
    """
    from dynaurora.plugins.showing import shown, shown_list

    with errors_told(is_json=is_json):
        place = place_of(folder, chosen, sqlqueries)
        plugin = plugin_in(place.sqlqueries, engine_at(place, engine), table)
    if is_json:
        click.echo(json.dumps(_as_json(plugin, wanted), indent=2, ensure_ascii=False))
    elif wanted:
        click.echo(shown_list(plugin, wanted))
    else:
        click.echo(shown(plugin), nl=False)


def _as_json(plugin: "Plugin", wanted: str | None) -> dict[str, Any]:
    from dynaurora.plugins.showing import LISTS, columns_of, statements_of

    lists = {**statements_of(plugin), "select": plugin.select}
    head = {
        "table": plugin.table,
        "file": str(plugin.path),
        "engine": plugin.engine,
        "key": plugin.key,
        "columns": columns_of(plugin),
    }
    return {**head, **{name: lists[name] for name in LISTS if wanted in (None, name)}}
