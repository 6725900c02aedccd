"""`dynaurora replay`: load the archive of a table again."""

import json
import shlex
from pathlib import Path
from typing import Any

import click

from dynaurora.cli.asking import Ask, asking, errors_told
from dynaurora.cli.database import project_of, project_options, same_project

_EXAMPLES = """
Examples:

\b
  dynaurora replay orders            after `dynaurora drop` and `dynaurora unpark`
  dynaurora replay orders --anew     after its plugin has gained a column: fill it
  dynaurora replay orders --after Processed/orders/2026/05/01/12/object
"""


@click.command(epilog=_EXAMPLES)
@click.argument("table")
@click.option("--anew", "is_anew", is_flag=True, help="Apply every item's newest change once more.")
@click.option("--after", default="", metavar="OBJECT", help="Go on behind this archived object.")
@project_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def replay(
    *, table: str, is_anew: bool, after: str, folder: Path, chosen: str, is_json: bool
) -> None:
    """Load what the archive has of TABLE again, oldest first, beside the loads that go on; then
    what came by way of gaps that were replayed.

    A change that is applied already changes nothing, unless the table was dropped since, or --anew
    is given. Items that have not changed since the stream was turned on are in no archive.
    """
    with errors_told(is_json=is_json), asking(project_of(folder, chosen)) as ask:
        if is_anew:
            ask("replay begin", table=table)
        outcome = _replayed(ask, table, after)
        outcome["older"] = ask("replay older", table=table)["items"]
    click.echo(json.dumps(outcome) if is_json else "\n".join(_outcome_lines(table, outcome)))


def _replayed(ask: Ask, table: str, after: str) -> dict[str, Any]:
    """Ask until all is loaded, and tell on a terminal how far it is."""
    from dynaurora.cli.output import progress_console
    from dynaurora.operations.desk import added

    counts: dict[str, int] = {}
    try:
        with progress_console().status("") as shown:
            while True:
                shown.update(f"{counts.get('objects', 0):,} objects replayed  {after}")
                found = ask("replay", table=table, after=after)
                counts, after = added(counts, found["replayed"]), found["after"]
                if found["is_done"]:
                    return {"table": table, **counts}
    except BaseException:
        if after:
            words = ["dynaurora", "replay", table, "--after", after, *same_project()]
            click.echo(f"Go on with: {shlex.join(words)}", err=True)
        raise


def _outcome_lines(table: str, outcome: dict[str, Any]) -> list[str]:
    told = (
        f"{outcome['objects']:,} objects replayed: {outcome['applied']:,} changes applied, "
        f"{outcome['superseded']:,} superseded, {outcome['quarantined']:,} quarantined."
    )
    if not outcome["older"]:
        return [told]
    older = (
        f"The archive lacks the newest change of {outcome['older']:,} items: they keep their rows "
        f"until they change. `dynaurora quarantine list --table {table}` may have some."
    )
    return [told, older]
