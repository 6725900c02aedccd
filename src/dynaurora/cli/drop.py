"""`dynaurora drop`: the SQL tables of a plugin go, by intent and in the open."""

import json
import sys
from pathlib import Path

import click

from dynaurora.cli.asking import asking, errors_told
from dynaurora.cli.database import plugin_of, project_of, project_options
from dynaurora.cli.questions import agree

_EXAMPLES = """
Examples:

\b
  dynaurora drop orders          asks first
  dynaurora drop orders --yes    in a script
"""


@click.command(epilog=_EXAMPLES)
@click.argument("table")
@project_options
@click.option("--yes", "is_agreed", is_flag=True, help="Do not ask.")
@click.option("--json", "is_json", is_flag=True, help="Tell the outcome as JSON.")
def drop(*, table: str, folder: Path, chosen: str, is_agreed: bool, is_json: bool) -> None:
    """Run the drop list of TABLE's plugin and park the table.

    New objects of the table wait in the raw bucket until `dynaurora unpark TABLE` makes its SQL
    tables anew, empty. The archive is not touched.
    """
    project = project_of(folder, chosen)
    plugin = plugin_of(project, table)
    if not is_agreed:
        _ask(table, plugin.drop)
    with errors_told(is_json=is_json), asking(project) as ask:
        outcome = ask("drop", table=table)
    if is_json:
        click.echo(json.dumps(outcome))
    else:
        click.echo(
            f"{table} is dropped and parked; its objects wait in the raw bucket. "
            f"`dynaurora unpark {table}` makes its SQL tables anew, empty; then "
            f"`dynaurora replay {table}` fills them from the archive."
        )


def _ask(table: str, statements: tuple[str, ...]) -> None:
    for statement in statements:
        click.echo(f"  {statement}", err=True)
    if not sys.stdin.isatty():
        raise click.UsageError(f"Nobody can be asked whether to drop {table}; say --yes.")
    agree(f"Drop the SQL tables of {table} and their rows?")
