"""`dynaurora gaps`: changes that are known to be missing."""

import json
from pathlib import Path
from typing import Any

import click

from dynaurora.cli.ages import ago
from dynaurora.cli.asking import Ask, asking, errors_told
from dynaurora.cli.database import project_of, project_options

_EXAMPLES = """
Examples:

\b
  dynaurora gaps list                  what is missing, and what mends it
  dynaurora gaps replay orders         load what AWS has kept of it
  dynaurora gaps close orders/2026/01/01/00/object --why "compared, nothing is missing"
"""


@click.group(epilog=_EXAMPLES)
def gaps() -> None:
    """Changes that are known to be missing: list, replay, close."""


@gaps.command(
    "list",
    epilog="""
Examples:

\b
  dynaurora gaps list
  dynaurora gaps list orders --all --json
""",
)
@click.argument("table", default="")
@click.option("--all", "is_all", is_flag=True, help="Also those that are closed.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@project_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def list_command(
    *, table: str, is_all: bool, limit: int, folder: Path, chosen: str, is_json: bool
) -> None:
    """List the gaps, of TABLE or of all tables, the oldest first."""
    from dynaurora.cli.output import plain_table, result_console

    with errors_told(is_json=is_json), asking(project_of(folder, chosen)) as ask:
        found = ask("gaps list", table=table, is_all=is_all, limit=limit)
    if is_json:
        click.echo(json.dumps(found))
    elif not found["gaps"]:
        click.echo("Nothing is known to be missing.")
    else:
        heads = ("TABLE", "KIND", "WHY", "CHANGES", "SINCE", "STATE", "MENDED BY")
        result_console().print(plain_table(heads, map(_row, found["gaps"])))


@gaps.command(
    "replay",
    epilog="""
Examples:

\b
  dynaurora gaps replay
  dynaurora gaps replay orders --json
""",
)
@click.argument("table", default="")
@project_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def replay_command(*, table: str, folder: Path, chosen: str, is_json: bool) -> None:
    """Load what AWS has kept of the gaps, of TABLE or of all tables, and close them.

    It is an ordinary load: what newer changes have followed changes nothing. What AWS has kept is
    kept. Exits with 1 if a gap is still open that could be replayed.
    """
    with errors_told(is_json=is_json), asking(project_of(folder, chosen)) as ask:
        outcome = _replayed(ask, table)
    click.echo(json.dumps(outcome) if is_json else "\n".join(_outcome_lines(outcome)))
    if outcome["errors"]:
        raise click.exceptions.Exit(1)


@gaps.command(
    "close",
    epilog="""
Examples:

\b
  dynaurora gaps close orders/2026/01/01/00/object --why "Ada: compared, nothing is missing"
  dynaurora gaps close arn:aws:dynamodb:… --why "Ada: nothing was written in that minute"
""",
)
@click.argument("name", metavar="OBJECT|ARN")
@click.option("--why", required=True, metavar="TEXT", help="Who, and why; it is kept.")
@project_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def close_command(*, name: str, why: str, folder: Path, chosen: str, is_json: bool) -> None:
    """Close the gap of OBJECT, or of the stream ARN, of which nothing is left to load.

    Nothing is loaded: compare the items of its hour with their rows first.
    """
    with errors_told(is_json=is_json), asking(project_of(folder, chosen)) as ask:
        outcome = ask("gaps close", name=name, why=why)
    click.echo(json.dumps(outcome) if is_json else f"The gap {name} is closed.")


def _replayed(ask: Ask, table: str) -> dict[str, Any]:
    """Ask until every gap was tried, and tell on a terminal how far it is."""
    from dynaurora.cli.output import progress_console
    from dynaurora.operations.desk import added

    counts: dict[str, int] = {}
    errors: list[dict[str, Any]] = []
    with progress_console().status("") as shown:
        while True:
            shown.update(f"{counts.get('gaps', 0):,} gaps replayed")
            found = ask("gaps replay", table=table, skip=len(errors))
            counts = added(counts, found["replayed"])
            errors += found["errors"]
            if found["is_done"]:
                return {"replayed": counts, "errors": errors}


def _outcome_lines(outcome: dict[str, Any]) -> list[str]:
    from dynaurora.errors import error_from

    counts = outcome["replayed"]
    told = (
        f"{counts['gaps']:,} gaps replayed: {counts['applied']:,} changes applied, "
        f"{counts['superseded']:,} superseded, {counts['quarantined']:,} quarantined."
    )
    still = [f"{each['object']} is still open. {error_from(each)}" for each in outcome["errors"]]
    return [told, *still]


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    count = "?" if each["changes"] is None else f"{each['changes']:,}"
    head = (each["table"] or "?", each["kind"], each["condition"], count)
    mended = each["mended_by"] or each["why"] or each["object"]
    return (*head, ago(each["noticed_at"]), each["state"], mended)
