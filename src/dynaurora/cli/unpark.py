"""`dynaurora unpark`: a table whose objects wait is loaded again."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dynaurora.cli.asking import asking, errors_told
from dynaurora.cli.database import plugin_of, project_of, project_options

if TYPE_CHECKING:
    from dynaurora.deploy.project import Project

_EXAMPLES = """
Examples:

\b
  dynaurora unpark orders
  dynaurora unpark orders --json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("table")
@project_options
@click.option("--json", "is_json", is_flag=True, help="Tell the outcome as JSON.")
def unpark(*, table: str, folder: Path, chosen: str, is_json: bool) -> None:
    """Let the objects of TABLE be loaded again, and load at once what has waited.

    The SQL tables of a table that was dropped are made anew, empty: only what changes from now on,
    and what waited, arrives in them.
    """
    project = project_of(folder, chosen)
    plugin_of(project, table)  # told with a suggestion
    with errors_told(is_json=is_json), asking(project) as ask:
        was = ask("unpark", table=table)["was"]
        if was:
            _sweep(project, table)
    _tell(table, was, is_json=is_json)


def _tell(table: str, was: str | None, *, is_json: bool) -> None:
    if is_json:
        click.echo(json.dumps({"table": table, "was": was}))
    elif not was:
        click.echo(f"{table} is not parked; there is nothing to do.")
    else:
        click.echo(f"{table} is loaded again (it was parked: {was}).")
        if was == "dropped":
            click.echo(
                f"Its SQL tables are new and empty; `dynaurora replay {table}` fills them from the "
                "archive."
            )


def _sweep(project: "Project", table: str) -> None:
    from dynaurora.adapters.aws import client_factory
    from dynaurora.deploy.sweeping import sweep_now

    sweep_now(project, client_factory(project.region, project.endpoint), [table])
