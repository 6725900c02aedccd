"""`dynaurora stream`: which streams feed a table, and letting one in."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dynaurora.cli.ages import ago
from dynaurora.cli.asking import asking, errors_told
from dynaurora.cli.database import project_of, project_options
from dynaurora.cli.questions import agree

if TYPE_CHECKING:
    from dynaurora.deploy.project import Project

_EXAMPLES = """
Examples:

\b
  dynaurora stream list orders
  dynaurora stream accept arn:aws:dynamodb:…:table/orders/stream/2026-01-01T00:00:00.000
"""


@click.group(epilog=_EXAMPLES)
def stream() -> None:
    """The streams that feed the tables: list, accept."""


@stream.command(
    "list",
    epilog="""
Examples:

\b
  dynaurora stream list
  dynaurora stream list orders --json
""",
)
@click.argument("table", default="")
@project_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def list_command(*, table: str, folder: Path, chosen: str, is_json: bool) -> None:
    """List the streams of TABLE or of all tables; of each table, the one that wins first."""
    from dynaurora.cli.output import plain_table, result_console

    with errors_told(is_json=is_json), asking(project_of(folder, chosen)) as ask:
        found = ask("stream list", table=table)
    if is_json:
        click.echo(json.dumps(found))
        return
    heads = ("TABLE", "EPOCH", "ACCEPTED", "STREAM")
    rows = (
        (each["table"], str(each["epoch"]), ago(each["accepted_at"]), each["stream"])
        for each in found["streams"]
    )
    result_console().print(plain_table(heads, rows))


@stream.command(
    "accept",
    epilog="""
Examples:

\b
  dynaurora stream accept arn:aws:dynamodb:…:table/orders/stream/2026-01-01T00:00:00.000
  dynaurora stream accept ARN --yes --json
""",
)
@click.argument("arn")
@click.option("--yes", "is_agreed", is_flag=True, help="Do not ask.")
@project_options
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def accept_command(*, arn: str, is_agreed: bool, folder: Path, chosen: str, is_json: bool) -> None:
    """Let the stream ARN feed its table, and load what waits for that.

    From then on its changes win over those of every other stream of the table, also where its
    label is older. It cannot be taken back, and a stream that fed the table before cannot be made
    to win again: that exits with 1.
    """
    project = project_of(folder, chosen)
    with errors_told(is_json=is_json), asking(project) as ask:
        look = ask("stream look", arn=arn)
        if not look["is_known"]:
            _warn(look)
            if not is_agreed:
                _agree(look)
        outcome = ask("stream accept", arn=arn)
        if outcome["unparked"]:
            _sweep(project, outcome["table"])
    click.echo(json.dumps(outcome) if is_json else _told(look, outcome))
    if outcome["winner"] != arn:
        click.echo(
            f"Warning: its changes lose against those of {outcome['winner']}, which was accepted "
            "after it. Turn it off and on in DynamoDB: a new stream has the newest label.",
            err=True,
        )
        raise click.exceptions.Exit(1)


def _warn(look: dict[str, Any]) -> None:
    for doubt in look["doubts"]:
        click.echo(f"Warning: {doubt}.", err=True)


def _agree(look: dict[str, Any]) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked whether to accept the stream; say --yes.")
    agree(
        f"Shall its changes win over all others of {look['table']}, from now on and for good "
        f"(epoch {look['epoch']})?"
    )


def _told(look: dict[str, Any], outcome: dict[str, Any]) -> str:
    table = outcome["table"]
    was = "fed it already" if look["is_known"] else "feeds it now"
    end = "; what waited is loaded" if outcome["unparked"] else ""
    return f"{table}: the stream {was}, at epoch {outcome['epoch']}{end}."


def _sweep(project: "Project", table: str) -> None:
    from dynaurora.adapters.aws import client_factory
    from dynaurora.deploy.sweeping import sweep_now

    sweep_now(project, client_factory(project.region, project.endpoint), [table])
